"""What looking costs: the gallery over a run of 1000 classes, and the speed of a run with and without its gallery open.

    python -m benchmarks.synthetic_run /tmp/large
    python -m benchmarks.gallery serve /tmp/large        # times, requests and memory of the real server
    python -m benchmarks.gallery browse /tmp/large       # times in chromium, drawing included
    python -m benchmarks.gallery watch --rounds 5        # images/s of a watched run over those of an unwatched one

``serve`` sends the requests of a browser one after another: its "first tiles" are an upper bound, without drawing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2 as httpx
import psutil

_EVO_FOOL = [sys.executable, "-m", "evo_fool"]


@contextmanager
def gallery(folder: Path) -> Iterator[tuple[httpx.Client, psutil.Process]]:
    """The real server over a folder: a client for it, and its process."""
    command = [*_EVO_FOOL, "gallery", str(folder), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or lines[-1].strip() != "}":
            lines.append(process.stdout.readline())
        url = json.loads("".join(lines))["url"]
        try:
            with httpx.Client(base_url=url, timeout=120, trust_env=False) as client:
                yield client, psutil.Process(process.pid)
        finally:
            process.terminate()


def fetch(client: httpx.Client, address: str) -> tuple[httpx.Response, float]:
    """A response, and the milliseconds until all of it had arrived."""
    began = time.perf_counter()
    answer = client.get(address, headers={"accept": "text/html"})
    answer.raise_for_status()
    return answer, 1e3 * (time.perf_counter() - began)


def measure_serving(folder: Path, scrubs: int) -> dict[str, Any]:
    """Section by section: the first visit to a fresh server, moving through generations, one class, and memory."""
    result: dict[str, Any] = {}
    with gallery(folder) as (client, process):
        run = client.get("/index.json").json()["runs"][0]["run"]
        result["memory_started_mb"] = process.memory_info().rss / 1e6

        before = _cpu(process)
        page, page_ms = fetch(client, f"/runs/{run}")
        data = client.get(f"/runs/{run}.json").json()
        sheets = [sheet for sheet in data["sprites"]["sheets"] if sheet]
        linked = sorted(set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)))
        static_ms = sum(fetch(client, address)[1] for address in linked)
        sheet_ms = [fetch(client, address)[1] for address in sheets]
        result["page_and_sheets_cpu_ms"] = _cpu(process) - before
        result["page_ms"], result["page_kb"] = page_ms, len(page.content) / 1e3
        result["static_ms"] = static_ms
        result["first_sheet_ms"], result["all_sheets_ms"] = sheet_ms[0], sum(sheet_ms)
        result["first_tiles_ms"] = page_ms + static_ms + sheet_ms[0]
        result["requests"] = 1 + len(linked) + len(sheets)
        result["tiles"] = len(data["tiles"])
        etag = page.headers["etag"]
        began = time.perf_counter()
        again = client.get(f"/runs/{run}", headers={"accept": "text/html", "if-none-match": etag})
        result["unchanged_page_ms"], result["unchanged_status"] = 1e3 * (time.perf_counter() - began), again.status_code

        last = data["generation"]
        rng = random.Random(1)
        result["first_scrub_ms"] = fetch(client, f"/runs/{run}.json?generation={last // 2}")[1]
        time.sleep(4)  # until the server has read ahead
        before = _cpu(process)
        for step in range(scrubs):
            fetch(client, f"/runs/{run}.json?generation={step * last // scrubs}")
        result["scrub_cpu_ms"] = (_cpu(process) - before) / scrubs
        grids, first_sheets = [], []
        for _ in range(scrubs):
            answer, ms = fetch(client, f"/runs/{run}.json?generation={rng.randrange(last)}")
            grids.append(ms)
            addresses = [sheet for sheet in answer.json()["sprites"]["sheets"] if sheet]
            first_sheets += [fetch(client, address)[1] for address in addresses[:1]]
        neighbours = [fetch(client, f"/runs/{run}.json?generation={last // 2 + step}")[1] for step in range(scrubs)]
        result["scrub_ms"] = _spread(grids)
        result["scrub_sheet_ms"] = _spread(first_sheets)
        result["scrub_next_ms"] = _spread(neighbours)

        result["class_page_ms"] = fetch(client, f"/runs/{run}/classes/0")[1]
        history, result["history_ms"] = fetch(client, f"/runs/{run}/classes/0/history.json")
        result["history_captures"] = history.json()["total"]
        individual = client.get(f"/runs/{run}/classes/0.json").json()
        result["lineage_length"] = individual["lineage_total"]
        result["plots_ms"] = fetch(client, f"/runs/{run}/plots.json")[1]
        result["compare_ms"] = fetch(client, f"/compare.json?runs={run}&class=5")[1]
        result["search_ms"] = fetch(client, f"/runs/{run}.json?q=cat&sort=confidence")[1]
        result["memory_used_mb"] = process.memory_info().rss / 1e6
        large = f"/runs/{run}/images/{individual['individual']}/512.png"
        result["render_first_ms"], result["render_again_ms"] = (fetch(client, large)[1] for _ in range(2))
        result["memory_after_mb"] = process.memory_info().rss / 1e6
        result["beside_mb"] = sum(child.memory_info().rss for child in process.children()) / 1e6
    return result


def _cpu(process: psutil.Process) -> float:
    """Milliseconds of CPU time that a process has had, in steps of ten."""
    return 1e3 * float(sum(process.cpu_times()[:2]))


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "max": max(values)}


@dataclass(frozen=True)
class Effort:
    """What one run took: images per wall second, images per CPU second, and the server's CPU seconds a wall second."""

    images_per_second: float
    images_per_cpu_second: float
    server_share: float


def measure_watching(experiment: str, settings: list[str], rounds: int) -> dict[str, Any]:
    """Rounds of a run alone and of the same run watched, turn about.

    ``ratio`` is the watched run's images per second over those of the one alone, which needs an idle machine;
    ``ratio_cpu``, the same by the run's CPU time, and ``server_share``, what the server takes of one core, do not.
    """
    alone: list[Effort] = []
    watched: list[Effort] = []
    for number in range(rounds):
        for watch in (False, True) if number % 2 == 0 else (True, False):
            (watched if watch else alone).append(_one_run(experiment, settings, watch=watch))
    pairs = list(zip(watched, alone, strict=True))
    return {
        "alone_images_per_second": [effort.images_per_second for effort in alone],
        "watched_images_per_second": [effort.images_per_second for effort in watched],
        "ratio": statistics.median(w.images_per_second / a.images_per_second for w, a in pairs),
        "ratio_cpu": statistics.median(w.images_per_cpu_second / a.images_per_cpu_second for w, a in pairs),
        "server_share": statistics.median(effort.server_share for effort in watched),
    }


def _one_run(experiment: str, settings: list[str], *, watch: bool) -> Effort:
    with TemporaryDirectory() as folder:
        command = [*_EVO_FOOL, "run", experiment, "--out", folder, "--json", *settings]
        run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        share = 0.0
        if watch:
            with gallery(Path(folder)) as (client, process):
                while not (runs := client.get("/index.json").json()["runs"]) or not runs[0]["facts"]:
                    time.sleep(0.2)
                    if run.poll() is not None:
                        raise SystemExit("the run ended before it could be watched; make it longer")
                began, before = time.monotonic(), sum(process.cpu_times()[:2])
                _watch(client, runs[0]["run"])
                share = (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began)
        assert run.stdout is not None
        said = json.loads(run.stdout.read())
        _, _, usage = os.wait4(run.pid, 0)
        run.returncode = 0
        cpu = usage.ru_utime + usage.ru_stime
        return Effort(said["images_per_second"], said["evaluations"] / cpu, share)


def _watch(client: httpx.Client, run: str) -> None:
    """What an open page does: take every event, and fetch the sheets that are new."""
    seen: set[str] = set()
    client.get(f"/runs/{run}", headers={"accept": "text/html"})
    address = client.get(f"/runs/{run}.json").json()["events"]
    if address is None:
        return
    with client.stream("GET", address, timeout=None) as stream:
        for line in stream.iter_lines():
            if line == "event: end":
                return
            if line.startswith("data: {") and '"sheets"' in line:
                for sheet in json.loads(line[6:])["sheets"]:
                    if sheet and sheet not in seen:
                        seen.add(sheet)
                        client.get(sheet)


def main() -> None:
    """Run what the command line asks for, and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    serve = verbs.add_parser("serve", help="the server over a folder of runs")
    serve.add_argument("folder", type=Path)
    serve.add_argument("--scrubs", type=int, default=30)
    browse = verbs.add_parser("browse", help="a folder with one run, in chromium")
    browse.add_argument("folder", type=Path)
    watch = verbs.add_parser("watch", help="a run with and without its gallery open")
    watch.add_argument("experiment", nargs="?", default="mnist-cppn")
    watch.add_argument("-S", action="append", default=[], dest="settings")
    watch.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.verb == "serve":
        result = measure_serving(arguments.folder, arguments.scrubs)
    elif arguments.verb == "browse":
        from benchmarks.gallery_browser import measure_browsing

        with gallery(arguments.folder) as (client, _):
            run = client.get("/index.json").json()["runs"][0]["run"]
            result = measure_browsing(str(client.base_url.join(f"/runs/{run}")))
    else:
        settings = [part for setting in arguments.settings for part in ("-S", setting)]
        result = measure_watching(arguments.experiment, settings, arguments.rounds)
    print(json.dumps(result | {"load": os.getloadavg()[0], "cores": os.cpu_count()}, indent=2))


if __name__ == "__main__":
    main()
