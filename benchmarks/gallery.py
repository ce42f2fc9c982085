"""What looking costs: the gallery over a run of 1000 classes, and the speed of a run with and without its gallery open.

    python benchmarks/synthetic_run.py /tmp/large
    python benchmarks/gallery.py serve /tmp/large        # times, requests and memory, of the real server
    python benchmarks/gallery.py watch --rounds 5        # images/s of a run that is watched, over one that is not

A browser is played by requests one after another, so what is said of "first tiles" is an upper bound without drawing.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
        lines = []
        while not lines or lines[-1].strip() != "}":
            lines.append(process.stdout.readline())
        url = json.loads("".join(lines))["url"]
        try:
            with httpx.Client(base_url=url, timeout=120, trust_env=False) as client:
                yield client, psutil.Process(process.pid)
        finally:
            process.terminate()


def fetch(client: httpx.Client, address: str) -> tuple[httpx.Response, float]:
    """An answer, and the milliseconds until all of it was there."""
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

        page, page_ms = fetch(client, f"/runs/{run}")
        data = client.get(f"/runs/{run}.json").json()
        sheets = [sheet for sheet in data["sprites"]["sheets"] if sheet]
        linked = sorted(set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)))
        static_ms = sum(fetch(client, address)[1] for address in linked)
        sheet_ms = [fetch(client, address)[1] for address in sheets]
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


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "max": max(values)}


def measure_watching(experiment: str, settings: list[str], rounds: int) -> dict[str, Any]:
    """Rounds of a run alone and of the same run watched, turn about; the ratio of their images per second."""
    alone, watched = [], []
    for number in range(rounds):
        for watch in (False, True) if number % 2 == 0 else (True, False):
            (watched if watch else alone).append(_one_run(experiment, settings, watch=watch))
    ratios = [with_it / without for with_it, without in zip(watched, alone, strict=True)]
    return {
        "alone": _spread(alone) | {"all": alone},
        "watched": _spread(watched) | {"all": watched},
        "ratio_median": statistics.median(ratios),
        "ratio_of_bests": max(watched) / max(alone),
    }


def _one_run(experiment: str, settings: list[str], *, watch: bool) -> float:
    """Images per second of one run, by its own account."""
    with TemporaryDirectory() as folder:
        command = [*_EVO_FOOL, "run", experiment, "--out", folder, "--json", *settings]
        run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if watch:
            with gallery(Path(folder)) as (client, _):
                while not (runs := client.get("/index.json").json()["runs"]) or not runs[0]["facts"]:
                    time.sleep(0.2)
                    if run.poll() is not None:
                        raise SystemExit("the run ended before it could be watched; make it longer")
                _watch(client, runs[0]["run"])
        out, _ = run.communicate()
        return float(json.loads(out)["images_per_second"])


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
    watch = verbs.add_parser("watch", help="a run with and without its gallery open")
    watch.add_argument("experiment", nargs="?", default="mnist-cppn")
    watch.add_argument("-S", action="append", default=[], dest="settings")
    watch.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.verb == "serve":
        result = measure_serving(arguments.folder, arguments.scrubs)
    else:
        settings = [part for setting in arguments.settings for part in ("-S", setting)]
        result = measure_watching(arguments.experiment, settings, arguments.rounds)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
