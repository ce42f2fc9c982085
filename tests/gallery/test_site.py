"""The static site: complete by itself, and escaped. tests/gallery/browser opens it in a browser."""

import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from PIL import Image
from support import small

from evo_fool.errors import ConfigError, CorruptRunError
from evo_fool.gallery.assets import STATIC
from evo_fool.gallery.site import elites, timeline, write_site
from evo_fool.gallery.site.bundle import bundle
from evo_fool.runs import open_run
from evo_fool.session import evolve

SCRIPT = "<script>alert('x')</script>"


class Addresses(HTMLParser):
    """Every address on a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[str] = []
        self.scripts = 0
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.found += [value or "" for name, value in attrs if name in ("href", "src", "data-src", "data-timeline")]


def written(path: Path, to: Path) -> Any:
    with open_run(path) as run:
        return write_site(run, to)


@pytest.mark.parametrize("kind", ["cppn", "pixels"])
def test_every_address_of_a_site_is_a_file_of_it(shelf: Path, tmp_path: Path, kind: str) -> None:
    site = written(shelf / kind, tmp_path / "site")
    pages = sorted(site.directory.rglob("*.html"))
    assert len(pages) == 2 + site.pages == 12
    wanted = set()
    for page in pages:
        for address in Addresses(page).found:
            parts = urlsplit(address)
            assert not parts.scheme and not parts.netloc and not parts.path.startswith("/"), address
            wanted.add((page.parent / unquote(parts.path)).resolve() if parts.path else page)
    timeline = (site.directory / "timeline.js").read_text()
    wanted |= {site.directory / sheet for sheet in re.findall(r'"(sheets/[^"]+)"', timeline)}
    files = {path for path in site.directory.rglob("*") if path.is_file()}
    assert not {path for path in wanted if not path.is_file()}
    assert files <= wanted, "no file is there for nothing"
    assert site.files == len(files)
    assert site.bytes == sum(path.stat().st_size for path in files)


def test_the_timeline_tells_what_the_captures_tell(shelf: Path, tmp_path: Path) -> None:
    site = written(shelf / "cppn", tmp_path / "site")
    text = (site.directory / "timeline.js").read_text()
    data = json.loads(text.removeprefix("window.evoFoolTimeline = ").removesuffix(";\n"))
    assert site.generations == tuple(snapshot["generation"] for snapshot in data["snapshots"])
    with open_run(shelf / "cppn") as run:
        captures, last = run.captures, run.generation
        assert (site.generations[0], site.generations[-1]) == (0, last)
        held: dict[int, int] = {}
        for snapshot in data["snapshots"]:
            held |= {cell: id for cell, id, *_ in snapshot["changed"]}
            rows = captures[captures["generation"] <= snapshot["generation"]]
            assert held == {int(row["class"]): int(row["id"]) for row in rows}
        assert held == {cell: elite.id for cell, elite in run.items()}


def test_an_elite_of_several_classes_has_a_page_for_each(
    shelf: Path, tmp_path: Path, change: Callable[..., None]
) -> None:
    path = shelf / "cppn"
    with open_run(path) as run:
        elite = run[3]
    change(path, "INSERT OR REPLACE INTO captures SELECT generation, 7, id, NULL, log_odds FROM cells WHERE class = 3")
    change(path, "UPDATE cells SET id = ?, generation = ? WHERE class = 7", (elite.id, elite.generation))
    site = written(path, tmp_path / "site")
    page = (site.directory / "classes/7.html").read_text()
    assert 'href="../classes/3.html"' in page and 'href="../classes/7.html" aria-current="true"' in page


def test_vacant_classes_have_a_tile_and_no_page(shelf: Path, tmp_path: Path, change: Callable[..., None]) -> None:
    change(shelf / "cppn", "DELETE FROM cells WHERE class = 4")
    site = written(shelf / "cppn", tmp_path / "site")
    assert site.pages == 9 and not (site.directory / "classes/4.html").exists()
    assert "empty" in (site.directory / "index.html").read_text()


def test_names_are_escaped(shelf: Path, tmp_path: Path, change: Callable[..., None]) -> None:
    names = json.dumps([SCRIPT, *map(str, range(1, 10))])
    change(shelf / "cppn", "UPDATE meta SET value = ? WHERE key = 'classes'", (names,))
    site = written(shelf / "cppn", tmp_path / "site")
    for page in site.directory.rglob("*.html"):
        assert "<script>alert" not in page.read_text()
        assert Addresses(page).scripts == 1 + (page.name == "plots.html")


def test_a_site_is_not_overwritten_unless_asked(shelf: Path, tmp_path: Path) -> None:
    to = tmp_path / "site"
    written(shelf / "pixels", to)
    with pytest.raises(ConfigError, match="already holds"):
        written(shelf / "pixels", to)
    with open_run(shelf / "pixels") as run:
        write_site(run, to, force=True)
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="is a file"):
        written(shelf / "pixels", tmp_path / "file")


def test_strips_have_at_most_so_many_images(shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elites, "STRIP", 2)
    monkeypatch.setattr(timeline, "MOST", 1)
    site = written(shelf / "cppn", tmp_path / "site")
    assert len(site.generations) == 4 and (site.generations[0], site.generations[-1]) == (0, 12)
    for page in (site.directory / "classes").iterdir():
        assert page.read_text().count("data-id=") <= 4
        for address in Addresses(page).found:
            path = unquote(urlsplit(address).path)
            assert not path or (page.parent / path).is_file(), address


def test_images_that_are_no_thumbnails_are_compressed(tmp_path: Path) -> None:
    with evolve(small("cppn", generations=1, encoding={"kind": "cppn", "size": 128}), out=tmp_path) as run:
        site = write_site(run, tmp_path / "site")
        images = {elite.id: elite.class_index for elite in run.elites}
        for id, cls in images.items():
            with Image.open(site.directory / f"images/{id}.webp") as scored:
                assert scored.size == (128, 128)
                assert np.abs(np.asarray(scored.convert("L"), int) - run.image(cls)[0]).mean() < 12
            with Image.open(site.directory / f"images/{id}-512.webp") as large:
                assert large.size == (512, 512)
    assert "compressed" in (site.directory / "classes/0.html").read_text()


def test_a_damaged_image_is_told(shelf: Path, tmp_path: Path, change: Callable[..., None]) -> None:
    change(shelf / "cppn", "UPDATE blobs SET image = x'00'")
    with pytest.raises(CorruptRunError):
        written(shelf / "cppn", tmp_path / "site")
    assert not (tmp_path / "site/index.html").exists()


def test_progress_is_told(shelf: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    with open_run(shelf / "pixels") as run:
        write_site(run, tmp_path / "site", progress=lambda done, of: told.append((done, of)))
    assert told == [(done, 10) for done in range(1, 11)]


def test_the_bundle_has_every_script_once_and_no_name_twice() -> None:
    text = bundle(STATIC / "app.js")
    assert not re.search(r"^\s*(import|export)\b", text, re.MULTILINE)
    declared = re.findall(r"^(?:async function|function|class|const|let) (\w+|\[[^\]]*\])", text, re.MULTILINE)
    names = [name for group in declared for name in re.findall(r"\w+", group)]
    assert sorted(names) == sorted(set(names))
    for path in STATIC.glob("*.js"):
        assert text.count(path.read_text().splitlines()[0]) == 1, path.name
