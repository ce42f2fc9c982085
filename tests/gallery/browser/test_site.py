"""The static site, opened from the file system."""

from pathlib import Path
from typing import Any

import pytest

from evo_fool.gallery.site import write_site
from evo_fool.runs import open_run

# A browser on a busy machine takes its time.
pytestmark = [pytest.mark.alone, pytest.mark.timeout(900)]

NAMES = "[...document.querySelectorAll('.tile .name')].map(name => name.textContent)"
SHEETS = "[...document.querySelectorAll('.tile img')].map(image => image.src).join()"
SEEN = "[...document.images].every(image => image.complete && image.naturalWidth > 0)"


@pytest.fixture(scope="module")
def site(cppn_run: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a site's first page."""
    with open_run(cppn_run) as run:
        return write_site(run, tmp_path_factory.mktemp("a site") / "of a run").index.as_uri()


def test_search_sort_and_scrubber_without_a_server(open_page: Any, site: str, until: Any) -> None:
    page = open_page(site)
    until(page, SEEN)
    sheets = page.evaluate(SHEETS)
    page.select_option("#sort", "confidence")
    order = page.evaluate(NAMES)
    page.reload()
    assert page.evaluate(NAMES) == order and page.locator("#sort").input_value() == "confidence"
    page.keyboard.press("{")
    page.keyboard.press("{")
    until(page, f"{SHEETS} !== {sheets!r}")
    until(page, SEEN)
    until(page, "location.href.includes('generation=')")
    shown, earlier = page.locator("#generation").input_value(), page.evaluate(SHEETS)
    page.reload()
    until(page, f"document.querySelector('#generation').value === {shown!r}")
    until(page, f"{SHEETS} === {earlier!r}")
    page.keyboard.press("/")
    page.keyboard.type("7")
    until(page, f"{NAMES}.join() === '7'")


def test_a_time_lapse_without_a_server(open_page: Any, site: str) -> None:
    page = open_page(site)
    page.keyboard.press("p")
    page.wait_for_selector("#play[aria-pressed=true]")
    page.wait_for_selector("#play[aria-pressed=false]")
    assert page.locator("#generation").input_value() == page.locator("#generation").get_attribute("max")


def test_an_elite_its_lineage_and_the_way_back(open_page: Any, site: str, until: Any) -> None:
    page = open_page(f"{site}?sort=confidence")
    page.locator(".tile a").nth(3).click()
    page.wait_for_url("**/classes/*.html")
    until(page, "document.querySelector('#picture').naturalWidth === 512")
    assert page.locator(".guesses li").count() == 5
    page.locator("#tree summary").click()
    page.wait_for_selector(".graph > svg")
    assert page.locator(".graph > svg circle").count() > 1
    page.locator("#graph-title").scroll_into_view_if_needed()
    until(page, SEEN)
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/classes/*.html")
    page.keyboard.press("Escape")
    page.wait_for_url("**/index.html?sort=confidence*")
    page.locator(".views a", has_text="Plots").click()
    page.wait_for_selector(".chart")
