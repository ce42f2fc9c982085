"""How long a person waits: the gallery over a run of 1000 classes, in chromium.

Times are from the request to the pictures being shown; the browser draws on the same machine.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import time
from collections import Counter
from typing import Any

from playwright.sync_api import Request, sync_playwright

ROUNDS = 5
SEEN = """[...document.querySelectorAll('.tile')].slice(0, 20).filter(tile => {
    const image = tile.querySelector('img');
    return image && image.complete && image.naturalWidth > 0;
}).length === 20"""
SINCE = "[...document.querySelectorAll('.since')].map(element => element.textContent).join()"


def measure_browsing(url: str) -> dict[str, Any]:
    """The page of a run at ``url``: milliseconds until it shows, after another generation is chosen, and to sort it."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        firsts, wholes, requests = [], [], 0
        for _ in range(ROUNDS):
            # The policy of the pages forbids what playwright waits with.
            page = browser.new_context(viewport={"width": 1280, "height": 860}, bypass_csp=True).new_page()
            asked = Counter[str]()

            def count(request: Request, asked: Counter[str] = asked) -> None:
                asked[request.url] += 1

            page.on("request", count)
            began = time.perf_counter()
            page.goto(url, wait_until="commit")
            page.wait_for_function(SEEN, polling=10)
            firsts.append(_milliseconds(began))
            page.wait_for_load_state("load")
            wholes.append(_milliseconds(began))
            requests = max(requests, asked.total())
        scrubs = []
        for _ in range(9):
            before = page.evaluate(SINCE)
            began = time.perf_counter()
            page.keyboard.press("{")
            page.wait_for_function(f"{SINCE} !== {json.dumps(before)}", polling=10)
            scrubs.append(_milliseconds(began))
        began = time.perf_counter()
        page.select_option("#sort", "name")
        page.evaluate("document.body.offsetHeight")
        sorting = _milliseconds(began)
        browser.close()
    return {
        "first_20_tiles_ms": _spread(firsts),
        "first_20_tiles_fresh_server_ms": firsts[0],
        "whole_page_ms": _spread(wholes),
        "requests": requests,
        "another_generation_ms": _spread(scrubs),
        "sorting_ms": sorting,
    }


def _milliseconds(began: float) -> float:
    return 1e3 * (time.perf_counter() - began)


def _spread(values: list[float]) -> dict[str, float]:
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}
