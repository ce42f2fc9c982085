"""The page of an elite whose image acts on photographs or task images."""

from pathlib import Path
from typing import Any

import pytest

# A browser on a busy machine takes its time.
pytestmark = [pytest.mark.alone, pytest.mark.timeout(900)]

AXE = Path(__file__).with_name("axe") / "axe.min.js"
DRAWN = "[...document.querySelectorAll('#scene img')].every(image => image.complete && image.naturalWidth === 280)"
READY = "document.readyState === 'complete' && !document.querySelector('.waiting')"


def test_photographs_before_and_after(open_page: Any, scenes: str, until: Any) -> None:
    page = open_page(f"{scenes}/runs/added/classes/3")
    page.wait_for_selector("#scene table")
    until(page, DRAWN)
    twin = page.request.get(scenes + page.locator("#scene").get_attribute("data-src").replace("?", ".json?")).json()
    rows = page.locator("#scene tbody tr")
    assert rows.count() == 3 and page.locator("#scene img").count() == 2 * 4 + 1
    assert rows.nth(0).locator("td").first.locator(".name").inner_text() == twin["pairs"][0]["before"]["name"]
    after = rows.nth(1).locator("td").first
    assert twin["pairs"][0]["after"]["percent"] in after.inner_text()
    places = "[...document.querySelectorAll('#scene img')].map(image => image.className)"
    assert page.evaluate(places) == [*(f"x{i} y{row}" for row in range(2) for i in range(4)), "x0 y2"]
    assert "amplified" in rows.nth(2).inner_text() and "fooled" in page.locator("#scene .record").inner_text()


def test_the_confusion_matrix_of_a_program(open_page: Any, scenes: str, until: Any) -> None:
    page = open_page(f"{scenes}/runs/program/classes/0")
    page.wait_for_selector("#scene .confusion")
    until(page, DRAWN)
    counts = page.locator("#scene .confusion tbody td").all_inner_texts()
    assert len(counts) == 100 and sum(map(int, counts)) == 20


@pytest.mark.parametrize("path", ["/runs/added/classes/10", "/runs/program/classes/0"])
def test_it_is_accessible_and_fits_a_phone(open_page: Any, scenes: str, path: str, until: Any) -> None:
    page = open_page(scenes + path, bypass_csp=True, viewport={"width": 393, "height": 852}, is_mobile=True)
    until(page, READY)
    assert page.evaluate("document.documentElement.scrollWidth") <= 393
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    assert [rule["id"] for rule in found if rule["impact"] in ("serious", "critical")] == []
