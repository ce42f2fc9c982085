"""A run is watched while it evolves."""

from typing import Any

import pytest

# A browser on a busy machine takes its time.
pytestmark = [pytest.mark.alone, pytest.mark.timeout(900)]

ORDER = "[...document.querySelectorAll('.tile')].map(tile => tile.dataset.class).join()"
SHEETS = "[...document.querySelectorAll('.tile img')].map(image => image.getAttribute('src')).join()"
FOCUS = "document.activeElement.closest('.tile')?.dataset.class"


def begun(open_page: Any, address: str) -> Any:
    """The page of a run, once there are generations to move through."""
    page = open_page(address)
    for _ in range(100):
        if page.locator("#transport").count() and page.locator(".tile img").count() > 3:
            return page
        page.wait_for_timeout(300)
        page.reload()
    raise AssertionError("no image took a class")


def test_tiles_change_while_focus_and_order_stay(open_page: Any, evolving: str, until: Any) -> None:
    page = begun(open_page, evolving)
    page.select_option("#sort", "confidence")
    page.locator(".tile a[href]").nth(2).focus()
    order, sheets, focus = page.evaluate(ORDER), page.evaluate(SHEETS), page.evaluate(FOCUS)
    page.wait_for_selector("#fresh:not([hidden])")
    until(page, f"{SHEETS} !== {sheets!r}")
    assert page.evaluate(ORDER) == order
    assert page.evaluate(FOCUS) == focus is not None
    assert page.locator(".tile.new").count() >= 1
    assert page.locator("#fresh").inner_text().endswith(" new")


def test_what_is_new_goes_to_its_place_when_asked(open_page: Any, evolving: str) -> None:
    page = begun(open_page, evolving)
    page.select_option("#sort", "improved")
    page.wait_for_selector("#fresh:not([hidden])")
    sorted_now = """() => {
        document.querySelector('#fresh').click();
        const times = [...document.querySelectorAll('.tile')].map(tile => {
            const text = tile.querySelector('.since').textContent;
            return text ? Number(text.slice(2)) : -1;
        });
        return document.querySelectorAll('.tile.new').length === 0 && document.querySelector('#fresh').hidden
            && times.every((time, place) => place === 0 || times[place - 1] >= time);
    }"""
    assert page.evaluate(sorted_now)


def test_the_scrubber_grows_and_stays_where_it_was_put(open_page: Any, evolving: str, until: Any) -> None:
    page = begun(open_page, evolving)
    last = int(page.locator("#generation").get_attribute("max") or 0)
    until(page, f"Number(document.querySelector('#generation').max) > {last}")
    assert page.locator("#generation").input_value() == page.locator("#generation").get_attribute("max")
    page.keyboard.press("{")
    page.wait_for_url("**generation=*")
    pinned = page.locator("#generation").input_value()
    last = int(page.locator("#generation").get_attribute("max") or 0)
    until(page, f"Number(document.querySelector('#generation').max) > {last}")
    assert page.locator("#generation").input_value() == pinned
    assert not page.locator("#fresh").is_visible()


def test_the_page_of_all_runs_keeps_up(open_page: Any, evolving: str, until: Any) -> None:
    page = open_page(evolving.rpartition("/runs/")[0])
    generation = page.locator("[data-part=generation]")
    before = generation.inner_text()
    until(page, f"document.querySelector('[data-part=generation]').innerText !== {before!r}")
    assert "running" in page.locator(".run .status").inner_text()
