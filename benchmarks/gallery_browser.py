"""How long a person waits: the gallery over a run of 1000 classes, in chromium.

    python benchmarks/synthetic_run.py /tmp/large
    python benchmarks/gallery_browser.py /tmp/large

Times are from asking to the pictures being there, with the drawing of the browser on the same machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ROUNDS = 5
SEEN = """[...document.querySelectorAll('.tile')].slice(0, 20).filter(tile => {
    const image = tile.querySelector('img');
    return image && image.complete && image.naturalWidth > 0;
}).length === 20"""
SINCE = "[...document.querySelectorAll('.since')].map(element => element.textContent).join()"


def measure(url: str) -> None:
    """Print what takes how long on the page of a run."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        firsts, wholes, requests = [], [], 0
        for _ in range(ROUNDS):
            # The policy of the pages forbids what playwright waits with.
            page = browser.new_context(viewport={"width": 1280, "height": 860}, bypass_csp=True).new_page()
            asked: list[Any] = []
            page.on("request", lambda request, asked=asked: asked.append(request))
            began = time.perf_counter()
            page.goto(url, wait_until="commit")
            page.wait_for_function(SEEN, polling=10)
            firsts.append(time.perf_counter() - began)
            page.wait_for_load_state("load")
            wholes.append(time.perf_counter() - began)
            requests = max(requests, len(asked))
        print(f"first 20 tiles: {_ms(firsts)}, the first of them from a fresh server {firsts[0] * 1000:.0f} ms")
        print(f"whole page: {_ms(wholes)}, {requests} requests")
        scrubs = []
        for _ in range(9):
            before = page.evaluate(SINCE)
            began = time.perf_counter()
            page.keyboard.press("{")
            page.wait_for_function(f"{SINCE} !== {json.dumps(before)}", polling=10)
            scrubs.append(time.perf_counter() - began)
        print(f"another generation, with its pictures: {_ms(scrubs)}")
        began = time.perf_counter()
        page.select_option("#sort", "name")
        page.evaluate("document.body.offsetHeight")
        print(f"sorting: {(time.perf_counter() - began) * 1000:.0f} ms")
        browser.close()


def _ms(seconds: list[float]) -> str:
    low, middle, high = min(seconds), statistics.median(seconds), max(seconds)
    return f"{middle * 1000:.0f} ms ({low * 1000:.0f} to {high * 1000:.0f})"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a folder with one run")
    folder = parser.parse_args().folder
    command = [sys.executable, "-m", "evo_fool", "gallery", str(folder), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        text = ""
        while not text.endswith("}\n"):
            text += server.stdout.readline()
        (run,) = (path.parent.name for path in folder.glob("*/run.sqlite3"))
        try:
            measure(f"{json.loads(text)['url']}runs/{run}")
        finally:
            server.terminate()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
