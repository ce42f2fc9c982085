"""The pages of finished runs, by pointer and by keyboard."""

import re
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

# A browser on a busy machine takes its time.
pytestmark = [pytest.mark.alone, pytest.mark.timeout(900)]

NAMES = "[...document.querySelectorAll('.tile .name')].map(name => name.textContent)"
SHEETS = "[...document.querySelectorAll('.tile img')].map(image => image.src).join()"
SEEN = "[...document.images].every(image => image.complete && image.naturalWidth > 0)"


def test_all_runs_are_listed_the_damaged_one_with_its_reason(open_page: Any, gallery: str) -> None:
    page = open_page(gallery)
    assert page.locator(".run h2 a").count() == 2
    assert "damaged" in page.locator(".run.broken").inner_text()
    page.keyboard.press("/")
    page.keyboard.type("pixels")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=pixels*")
    assert page.locator(".run").count() == 1
    page.reload()
    assert page.locator("#q").input_value() == "pixels" and page.locator(".run").count() == 1
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/runs/pixels")


def test_search_and_sort_survive_reload(open_page: Any, gallery: str, until: Any) -> None:
    page = open_page(f"{gallery}/runs/cppn")
    page.select_option("#sort", "confidence")
    page.wait_for_url("**sort=confidence*")
    page.select_option("#order", "asc")
    order = page.evaluate(NAMES)
    page.reload()
    assert page.evaluate(NAMES) == order
    assert (page.locator("#sort").input_value(), page.locator("#order").input_value()) == ("confidence", "asc")
    page.keyboard.press("/")
    page.keyboard.type("7")
    page.wait_for_url("**q=7*")
    assert page.evaluate(NAMES) == ["7"] and page.locator("#matching").inner_text() == "1 of 10 classes"
    page.reload()
    assert page.evaluate(NAMES) == ["7"] and page.locator("#q").input_value() == "7"
    page.fill("#q", "")
    until(page, f"{NAMES}.length === 10")
    assert page.evaluate(NAMES) == order, "the tiles that the server left out are there again, in their order"


def test_the_browser_arranges_as_the_server_does(open_page: Any, gallery: str) -> None:
    page = open_page(f"{gallery}/runs/cppn")
    for sort in ("name", "confidence", "improved", "complexity", "index"):
        for order in ("asc", "desc"):
            page.select_option("#sort", sort)
            page.select_option("#order", order)
            twin = page.request.get(f"{gallery}/runs/cppn.json?sort={sort}&order={order}").json()
            assert page.evaluate(NAMES) == [tile["name"] for tile in twin["tiles"]], (sort, order)


def test_a_threshold_leaves_out_what_is_below(open_page: Any, gallery: str) -> None:
    page = open_page(f"{gallery}/runs/pixels")
    chances = sorted(tile["p"] for tile in page.request.get(f"{gallery}/runs/pixels.json").json()["tiles"])
    page.fill("#at_least", str(chances[5]))
    page.wait_for_url("**at_least=*")
    assert len(page.evaluate(NAMES)) == 5
    page.fill("#at_least", "1")
    page.wait_for_selector("#nothing:not([hidden])")


def test_the_scrubber_changes_the_images(open_page: Any, gallery: str, until: Any) -> None:
    page = open_page(f"{gallery}/runs/cppn")
    until(page, SEEN)
    last, sheets = page.locator("#generation").input_value(), page.evaluate(SHEETS)
    page.keyboard.press("{")
    page.keyboard.press("{")
    page.keyboard.press("[")
    until(page, f"{SHEETS} !== {sheets!r}")
    page.wait_for_url("**generation=*")
    earlier, shown = page.evaluate(SHEETS), page.locator("#generation-text b").inner_text()
    assert int(shown) < int(last)
    page.reload()
    assert page.evaluate(SHEETS) == earlier and page.locator("#generation-text b").inner_text() == shown
    page.locator("#generation").focus()
    page.keyboard.press("End")
    until(page, f"{SHEETS} === {sheets!r}")
    until(page, "!location.search.includes('generation')")


def test_a_time_lapse_plays_to_the_end(open_page: Any, gallery: str, until: Any) -> None:
    page = open_page(f"{gallery}/runs/cppn")
    page.keyboard.press("p")
    until(page, "Number(document.querySelector('#generation').value) < 5")
    assert page.locator("#play").get_attribute("aria-pressed") == "true"
    page.wait_for_selector("#play[aria-pressed=false]")
    assert page.locator("#generation").input_value() == page.locator("#generation").get_attribute("max")


def test_the_grid_by_keyboard(open_page: Any, gallery: str, until: Any) -> None:
    page = open_page(f"{gallery}/runs/cppn?sort=confidence#tiles=l")
    here = "document.activeElement.closest('.tile')?.querySelector('.name').textContent"
    names = page.evaluate(NAMES)
    page.locator(".tile a").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(here) == names[2]
    columns = page.evaluate("getComputedStyle(document.querySelector('#grid')).gridTemplateColumns.split(' ').length")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(here) == names[2 + columns]
    page.keyboard.press("End")
    assert page.evaluate(here) == names[-1]
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url("**/individuals/**")
    assert page.locator(".about h1").inner_text() == names[1]
    page.keyboard.press("Escape")
    page.wait_for_url("**/runs/cppn?sort=confidence*")
    until(page, f"{here} === {names[1]!r}")
    assert page.locator("#grid").get_attribute("data-tiles") == "l"
    assert page.evaluate("document.querySelectorAll('.tile a[tabindex=\"0\"]').length") == 1


def test_help_opens_and_closes(open_page: Any, gallery: str) -> None:
    for path in ("", "/runs/cppn", "/runs/cppn/classes/3", "/runs/cppn/plots", "/compare?runs=cppn,pixels"):
        page = open_page(gallery + path)
        page.keyboard.press("?")
        assert page.locator("#help").is_visible() and page.locator("#help dt").count() >= 3
        page.keyboard.press("Escape")
        assert not page.locator("#help").is_visible()


def test_an_elite_and_its_lineage(open_page: Any, gallery: str) -> None:
    page = open_page(f"{gallery}/runs/cppn/classes/3")
    page.wait_for_selector(".guesses li")
    assert page.locator(".guesses li").count() == 5
    page.wait_for_selector("#graph svg path")
    ancestors = page.locator("#lineage .strip li").count()
    assert ancestors > 1
    page.locator("#tree summary").click()
    page.wait_for_selector(".graph > svg")
    assert page.locator(".graph > svg circle").count() == page.locator(".graph li").count() >= ancestors
    page.locator("#lineage .strip a").first.click()
    page.wait_for_url(re.compile(r"/individuals/\d+"))
    assert page.locator(".record").is_visible()


def test_the_image_in_other_sizes(open_page: Any, gallery: str, until: Any) -> None:
    page = open_page(f"{gallery}/runs/cppn/classes/3")
    width = "document.querySelector('#picture').naturalWidth"
    until(page, f"{width} === 512")
    page.keyboard.press("+")
    until(page, f"{width} === 1024")
    page.reload()
    until(page, f"{width} === 1024")
    page.locator("#resolutions label").first.click()
    until(page, f"{width} === 28")
    rendering = "getComputedStyle(document.querySelector('#picture')).imageRendering"
    until(page, f"{rendering} === 'pixelated'")


def test_a_page_does_not_wait_for_what_has_to_be_drawn(open_page: Any, gallery: str, until: Any) -> None:
    held: list[Any] = []
    page = open_page(gallery)
    page.route("**/images/*/512.png", lambda route: held.append(route))
    page.goto(f"{gallery}/runs/cppn/classes/3", timeout=0)
    width = "document.querySelector('#picture').naturalWidth"
    until(page, f"document.readyState === 'complete' && {width} === 28")
    while not held:
        page.wait_for_timeout(50)
    held[0].continue_()
    until(page, f"{width} === 512")


def test_what_cannot_be_drawn_leaves_the_picture_as_it_was(chromium: Any, gallery: str, until: Any) -> None:
    page = chromium.new_page()
    page.route("**/images/*/512.png", lambda route: route.fulfill(status=503))
    page.goto(f"{gallery}/runs/cppn/classes/3", timeout=0)
    checked = "document.querySelector('#resolutions input:checked').value"
    until(page, f"{checked} === '28' && document.querySelector('#picture').naturalWidth === 28")
    page.close()


def test_pixels_are_crisp(open_page: Any, gallery: str) -> None:
    page = open_page(f"{gallery}/runs/pixels/classes/3")
    rendering = "getComputedStyle(document.querySelector('#picture')).imageRendering"
    assert page.evaluate(rendering) == "pixelated"
    assert page.locator("#graph").count() == 0


def test_classes_by_arrow_keys(open_page: Any, gallery: str) -> None:
    page = open_page(f"{gallery}/runs/pixels/classes/3")
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**/classes/4")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**/classes/3")


def test_a_comparison_scrubs_all_runs(open_page: Any, gallery: str, until: Any) -> None:
    page = open_page(f"{gallery}/compare?runs=cppn,pixels&class=3")
    assert page.locator(".column").count() == 2 and page.locator(".pair .tile").count() == 20
    assert page.locator("th[scope=row]").filter(has_text="encoding").count() >= 1
    page.locator("#generation").focus()
    page.keyboard.press("Home")
    page.wait_for_url("**generation=0*")
    until(page, "[...document.querySelectorAll('[data-part=generation]')].every(e => e.textContent === '0')")
    page.reload()
    assert page.locator("#generation").input_value() == "0"
    page.select_option("#class", "5")
    page.wait_for_url("**class=5*")
    assert page.locator("#subject").inner_text() == "5"
    page.locator(".remove").first.click()
    page.wait_for_url("**runs=pixels*")
    assert page.locator(".column").count() == 1


def test_plots_are_drawn_and_can_be_read(open_page: Any, gallery: str) -> None:
    page = open_page(f"{gallery}/runs/cppn/plots")
    assert page.locator(".chart").count() == 5
    chart = page.locator(".chart svg").first
    chart.focus()
    page.keyboard.press("Home")
    assert page.locator(".chart .reading").first.inner_text().endswith(" at 0")
    page.locator("th button").nth(4).click()
    page.locator("th button").nth(4).click()
    counts = [int(text) for text in page.locator("#table tbody td:nth-child(5)").all_inner_texts()]
    assert counts == sorted(counts, reverse=True)


@pytest.mark.parametrize("path", ["/nowhere", "/runs/cppn/classes/99", "/runs/cppn?sort=colour", "/runs/damaged"])
def test_errors_are_pages_with_a_sentence(chromium: Any, gallery: str, path: str) -> None:
    page = chromium.new_page()
    answer = page.goto(gallery + path, timeout=0)
    assert answer.status >= 400
    assert len(page.locator(".message h1").inner_text()) > 10
    page.locator(".message a").click()
    page.wait_for_url(f"{gallery}/")
    page.close()


def test_without_scripts_the_pages_are_there(open_page: Any, gallery: str) -> None:
    page = open_page(f"{gallery}/runs/cppn?sort=confidence", java_script_enabled=False)
    assert page.locator(".tile a[href] img").count() == 10
    page.locator(".tile a").first.click()
    assert page.locator("#picture").is_visible() and page.locator("#graph img").count() == 1


def test_a_name_is_a_name_and_no_markup(open_page: Any, gallery: str, shelf: Path) -> None:
    hostile = "<script>alert(1)</script>"
    path = shelf / "<img src=x onerror=alert(2)>"
    if not path.exists():
        shutil.copytree(shelf / "cppn", path)
        with sqlite3.connect(path / "run.sqlite3") as connection:
            names = "[" + ", ".join(f'"{hostile} {i}"' for i in range(10)) + "]"
            connection.execute("UPDATE meta SET value = ? WHERE key = 'classes'", (names,))
        connection.close()
    page = open_page(gallery)
    page.locator(".run").nth(0).wait_for()
    address = "/runs/%3Cimg%20src%3Dx%20onerror%3Dalert%282%29%3E"
    page.goto(gallery + address)
    assert hostile in page.locator(".tile .name").first.inner_text()
    page.locator("#generation").focus()
    page.keyboard.press("Home")
    page.wait_for_url("**generation=0*")
    page.goto(f"{gallery}{address}/classes/3")
    assert page.locator(".about h1").inner_text() == f"{hostile} 3"
    page.wait_for_selector(".guesses li")
    page.goto(f"{gallery}/compare?runs=%253Cimg%2520src%253Dx%2520onerror%253Dalert%25282%2529%253E,pixels")
    assert page.locator(".column").count() == 2
