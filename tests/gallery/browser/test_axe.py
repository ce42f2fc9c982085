"""For everybody: accessibility by axe-core's rules, narrow windows, the dark scheme."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

# A browser on a busy machine takes its time.
pytestmark = [pytest.mark.alone, pytest.mark.timeout(900)]

AXE = Path(__file__).with_name("axe") / "axe.min.js"
HASH = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"

PATHS = [
    "/",
    "/runs/cppn",
    "/runs/cppn?generation=2&sort=confidence&at_least=0.01",
    "/runs/pixels#tiles=xs",
    "/runs/cppn/classes/3",
    "/runs/pixels/classes/3",
    "/runs/cppn/plots",
    "/compare",
    "/compare?runs=cppn,pixels&class=3",
    "/nowhere",
]
READY = "document.readyState === 'complete' && !document.querySelector('.waiting')"


def test_axe_is_the_one_that_was_vendored() -> None:
    assert hashlib.sha256(AXE.read_bytes()).hexdigest() == HASH


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PATHS)
def test_axe_finds_nothing_serious(chromium: Any, gallery: str, path: str, scheme: str, until: Any) -> None:
    context = chromium.new_context(bypass_csp=True, color_scheme=scheme)
    page = context.new_page()
    page.goto(gallery + path, timeout=0)  # the test has its own limit
    until(page, READY)
    page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    context.close()
    serious = [(rule["id"], [node["html"] for node in rule["nodes"]][:3]) for rule in found if rule["impact"] in BAD]
    assert not serious


BAD = ("serious", "critical")


@pytest.mark.parametrize("path", PATHS[:-1])
def test_a_phone_needs_no_sideways_scrolling(open_page: Any, gallery: str, path: str, until: Any) -> None:
    page = open_page(gallery + path, viewport={"width": 393, "height": 852}, device_scale_factor=2, is_mobile=True)
    until(page, READY)
    assert page.evaluate("document.documentElement.scrollWidth") <= 393
    wide = """[...document.querySelectorAll('main *')].filter(element =>
        !element.closest('.strip, .scroll, .drawing, .thumb, .visually-hidden, .spark')
        && element.getBoundingClientRect().right > innerWidth + 1).map(element => element.outerHTML.slice(0, 80))"""
    assert page.evaluate(wide) == []


def test_the_scheme_is_the_systems(open_page: Any, gallery: str) -> None:
    shade = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
    light = open_page(f"{gallery}/runs/cppn", color_scheme="light").evaluate(shade)
    dark = open_page(f"{gallery}/runs/cppn", color_scheme="dark").evaluate(shade)
    assert min(light) > 200 and max(dark) < 60
