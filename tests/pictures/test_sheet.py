"""The contact sheet shows every class's scored pixels, crisp, and says what they are."""

import json
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support import small

from evo_fool.errors import ConfigError, CorruptRunError, EvoFoolError
from evo_fool.pictures.convergence import read_series
from evo_fool.pictures.layout import MAX_PIXELS, plan
from evo_fool.pictures.sheet import draw_sheet, write_sheet
from evo_fool.pictures.style import font, wrap
from evo_fool.runs import Elite, open_run
from evo_fool.runs.database_files import DATABASE
from evo_fool.runs.history import archive_at, changes
from evo_fool.runs.individuals import image_of
from evo_fool.session import evolve
from evo_fool.text import printable


@pytest.fixture
def copied(cppn_run: Path, tmp_path: Path) -> Path:
    """A run that may be changed."""
    return Path(shutil.copytree(cppn_run, tmp_path / "copied"))


def change(run: Path, sql: str, *parameters: object) -> None:
    with sqlite3.connect(run / DATABASE) as database:
        database.execute(sql, parameters)
    database.close()


def test_ten_classes_are_two_rows_of_five() -> None:
    layout = plan(10, 28)
    assert (layout.columns, layout.rows) == (5, 2)


@given(
    st.integers(1, 3000),
    st.integers(1, 300),
    st.none() | st.integers(1, 4000),
    st.none() | st.integers(8, 200),
)
def test_every_tile_lies_on_the_sheet_and_on_no_other(
    classes: int, native: int, columns: int | None, tile: int | None
) -> None:
    try:
        layout = plan(classes, native, columns=columns, tile=tile)
    except ConfigError as error:
        assert "too large" in str(error)
        return
    assert layout.width * layout.height <= MAX_PIXELS
    assert layout.tile % native == 0 or native > layout.tile
    assert tile is None or layout.tile <= tile
    assert layout.columns * layout.rows >= classes > layout.columns * (layout.rows - 1)
    corners = [layout.corner(cell) for cell in range(classes)]
    assert len(set(corners)) == classes
    left, top = map(max, zip(*corners, strict=True))
    assert left + layout.tile + layout.margin <= layout.width
    assert top + layout.tile + layout.caption <= layout.height


def test_tiles_are_the_scored_pixels_enlarged(cppn_run: Path) -> None:
    with open_run(cppn_run) as run:
        sheet = np.asarray(draw_sheet(run))
        layout = plan(10, 28)
        assert sheet.shape == (layout.height, layout.width, 3)
        factor = layout.tile // 28
        for cell in run:
            left, top = layout.corner(cell)
            tile = sheet[top : top + layout.tile, left : left + layout.tile]
            expected = run.image(cell)[0].repeat(factor, axis=0).repeat(factor, axis=1)
            assert np.array_equal(tile, expected[..., None].repeat(3, axis=2))


def test_large_images_are_reduced_by_averaging(cppn_run: Path) -> None:
    with open_run(cppn_run) as run:
        sheet = np.asarray(draw_sheet(run, tile=14)).astype(int)
        left, top = plan(10, 28, tile=14).corner(3)
        means = run.image(3)[0].reshape(14, 2, 14, 2).mean(axis=(1, 3))
        assert np.abs(sheet[top : top + 14, left : left + 14, 0] - means).max() <= 1


@given(st.text(max_size=60), st.integers(30, 200), st.integers(1, 3))
def test_a_name_takes_no_more_lines_than_it_may_and_none_is_too_long(text: str, room: int, lines: int) -> None:
    bold = font(9, bold=True)
    wrapped = wrap(printable(text), bold, room, lines)
    assert 1 <= len(wrapped) <= lines
    assert all(bold.getlength(line) <= room for line in wrapped)


def test_a_long_name_is_wrapped_between_words() -> None:
    bold = font(9, bold=True)
    assert wrap("2 great white shark", bold, 72, 2) == ["2 great white", "shark"]
    assert wrap("21 kite", bold, 72, 2) == ["21 kite"]
    assert wrap("86 partridge", bold, 1, 2) == ["…", "…"]


def test_one_class_alone_is_one_tile(tmp_path: Path) -> None:
    search = {"kind": "genetic", "target": 3}
    with evolve(small(generations=2, search=search), out=tmp_path) as run:
        assert run.targets == [3]
        summary = run.summary()
        assert (summary["targets"], summary["classes"], summary["median_confidence"]) == (1, 10, run[3].probability)
        layout = plan(1, 28)
        sheet = np.asarray(draw_sheet(run))
        assert sheet.shape == (layout.height, layout.width, 3)
        left, top = layout.corner(0)
        factor = layout.tile // 28
        assert np.array_equal(
            sheet[top : top + layout.tile : factor, left : left + layout.tile : factor, 0], run.image(3)[0]
        )
        assert read_series([run])[0].metrics["median"][-1] == run[3].probability


def test_empty_cells_are_marked(copied: Path) -> None:
    change(copied, "DELETE FROM cells WHERE class = 4")
    with open_run(copied) as run:
        sheet = draw_sheet(run)
        left, top = plan(10, 28).corner(4)
        box = sheet.crop((left, top, left + 168, top + 168))
        assert len(box.getcolors() or []) == 2


def test_captions_and_title_are_drawn(cppn_run: Path, copied: Path) -> None:
    def ink(path: Path) -> np.ndarray:
        with open_run(path) as run:
            return np.asarray(draw_sheet(run).convert("L")) < 120

    before = ink(cppn_run)
    layout = plan(10, 28)
    assert before[layout.margin : layout.margin + 20].any()
    for cell in range(10):
        left, top = layout.corner(cell)
        below = top + layout.tile + 2
        assert before[below : below + layout.caption - 4, left : left + layout.tile].any()
    change(copied, "UPDATE meta SET value = ? WHERE key = 'classes'", json.dumps(["another"] * 10))
    after = ink(copied)
    left, top = layout.corner(7)
    caption = slice(top + layout.tile + 2, top + layout.tile + layout.caption), slice(left, left + layout.tile)
    assert not np.array_equal(before[caption], after[caption])


def test_hostile_class_names_stay_inside_their_tile(copied: Path) -> None:
    names = ["W" * 5000, "\n" * 50, "\u202e\x1b[31m", "", "\0", "日本語" * 40, "a\tb", "🐈" * 30, "x", "y"]
    change(copied, "UPDATE meta SET value = ? WHERE key = 'classes'", json.dumps(names))
    with open_run(copied) as run:
        sheet = np.asarray(draw_sheet(run).convert("L"))
    layout = plan(10, 28)
    for cell in range(4):
        left, top = layout.corner(cell)
        gap = sheet[
            top + layout.tile + 2 : top + layout.tile + layout.caption,
            left + layout.tile : left + layout.tile + layout.gap,
        ]
        assert gap.min() > 200


def test_a_thousand_classes_fit(copied: Path) -> None:
    change(copied, "UPDATE meta SET value = ? WHERE key = 'classes'", json.dumps([f"class {i}" for i in range(1000)]))
    with open_run(copied) as run:
        sheet = draw_sheet(run)
    assert 2000 < sheet.width < 6000
    assert 2000 < sheet.height < 6000


def test_the_file_goes_into_the_run_or_where_it_is_told(copied: Path, tmp_path: Path) -> None:
    with open_run(copied) as run:
        assert write_sheet(run) == copied / "sheet.png"
        first = (copied / "sheet.png").read_bytes()
        assert write_sheet(run, tmp_path / "new" / "x.PNG", columns=2).exists()
        write_sheet(run)  # again: it is made anew
    assert (copied / "sheet.png").read_bytes() == first
    with Image.open(tmp_path / "new" / "x.PNG") as image:
        assert (image.format, image.width) == ("PNG", plan(10, 28, columns=2).width)


def test_bad_settings_are_one_line_and_write_nothing(copied: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    with open_run(copied) as run:
        for to, options, words in (
            ("sheet.jpg", {}, r"\.jpg is no format of contact sheets; use \.png"),
            ("run.sqlite3", {}, "is no format"),
            ("s.png", {"columns": 0}, "--columns 0"),
            ("s.png", {"tile": 4}, "--tile 4"),
            ("s.png", {"tile": 5000}, "--tile 5000"),
        ):
            with pytest.raises(ConfigError, match=words):
                write_sheet(run, tmp_path / to, **options)
        with pytest.raises(ConfigError, match="is a folder"):
            (tmp_path / "folder.png").mkdir()
            write_sheet(run, tmp_path / "folder.png")
        (tmp_path / "folder.png").rmdir()
        with pytest.raises(EvoFoolError, match="choose another place"):
            write_sheet(run, copied / DATABASE / "x.png")
    assert sorted(tmp_path.rglob("*")) == before


def test_damage_is_reported(copied: Path) -> None:
    change(copied, "UPDATE blobs SET image = x'00'")
    with open_run(copied) as run, pytest.raises(CorruptRunError):
        draw_sheet(run)


def test_any_classes_in_any_order(cppn_run: Path) -> None:
    with open_run(cppn_run) as run:
        sheet = np.asarray(draw_sheet(run, classes=[7, "2", "7"], captions="none", title=False))
        layout = plan(2, 28, captions="none", title=False)
        assert sheet.shape == (layout.height, layout.width, 3)
        for place, cell in enumerate((7, 2)):
            left, top = layout.corner(place)
            tile = sheet[top : top + layout.tile, left : left + layout.tile, 0]
            assert np.array_equal(tile[:: layout.tile // 28, :: layout.tile // 28], run.image(cell)[0])
        with pytest.raises(ConfigError, match="class 'dog': there is no such class"):
            draw_sheet(run, classes=["dog"])
        with pytest.raises(ConfigError, match="at least one class"):
            draw_sheet(run, classes=[])


def test_cppns_are_rendered_at_the_size_of_the_tile(cppn_run: Path, pixels_run: Path) -> None:
    with open_run(cppn_run) as run:
        sheet = np.asarray(draw_sheet(run, tile=100, rerender=True))
        layout = plan(10, 1, tile=100)
        left, top = layout.corner(3)
        assert np.array_equal(sheet[top : top + 100, left : left + 100, 0], run.render(3, 100)[0])
    with open_run(pixels_run) as run:
        assert draw_sheet(run, tile=100, rerender=True) == draw_sheet(run, tile=100)


def test_captions_take_the_room_they_need() -> None:
    heights = [plan(10, 28, captions=captions).height for captions in ("dated", "full", "names", "none")]
    assert heights == sorted(heights, reverse=True) and len(set(heights)) == 4
    assert plan(10, 28, title=False).header == 0
    assert plan(1, 1, tile=1024).text > 3 * plan(10, 28).text


def test_an_earlier_generation_is_the_archive_of_then(cppn_run: Path) -> None:
    with open_run(cppn_run) as run:
        assert archive_at(run, run.generation) == run.elites
        layout = plan(10, 28)
        captures = run.captures
        for generation in (0, 3, 7):
            sheet = np.asarray(draw_sheet(run, generation=generation))
            holders = {}
            for at, cell, id, _, log_odds in captures.tolist():
                if at <= generation:
                    holders[cell] = (at, id, log_odds)
            now = {e.class_index: (e.generation, e.id, e.log_odds) for e in archive_at(run, generation)}
            assert now == holders
            kept = {row[0] for row in run.store.rows("SELECT id FROM blobs")}
            for cell, (_, id, _) in holders.items():
                left, top = layout.corner(cell)
                tile = sheet[top : top + layout.tile, left : left + layout.tile, 0]
                if id in kept:
                    assert np.array_equal(tile[3 :: layout.tile // 28, 3 :: layout.tile // 28], image_of(run, id)[0])
                else:  # hatched
                    assert set(np.unique(tile)) == {0xD5, 0xEF}
        for generation in (-1, run.generation + 1):
            with pytest.raises(ConfigError, match=f"--generation {generation}: there are generations 0 to"):
                draw_sheet(run, generation=generation)


def test_changes_put_together_are_the_archive(cppn_run: Path) -> None:
    with open_run(cppn_run) as run:
        held: dict[int, Elite] = {}
        for generation, changed in zip([2, 5, 12], changes(run, [2, 5, 12]), strict=True):
            held |= {elite.class_index: elite for elite in changed}
            assert sorted(held.values(), key=lambda e: e.class_index) == archive_at(run, generation)


def test_a_missing_image_of_a_present_elite_is_damage(copied: Path) -> None:
    with open_run(copied) as run:
        change(copied, "DELETE FROM blobs WHERE id = ?", run[3].id)
        with pytest.raises(CorruptRunError, match="is not kept"):
            draw_sheet(run)


def test_damaged_captures_are_damage(copied: Path) -> None:
    change(copied, "UPDATE captures SET id = 'me' WHERE class = 3")
    with open_run(copied) as run, pytest.raises(CorruptRunError, match="instead of a whole number"):
        archive_at(run, 5)
    change(copied, "UPDATE captures SET id = 1, class = 77 WHERE class = 3")
    with open_run(copied) as run, pytest.raises(CorruptRunError, match="class 77 is not one of the 10 classes"):
        archive_at(run, 5)


def test_a_sheet_for_a_printer(cppn_run: Path, tmp_path: Path) -> None:
    with open_run(cppn_run) as run:
        write_sheet(run, tmp_path / "x.tiff", dpi=600)
        with Image.open(tmp_path / "x.tiff") as image:
            assert image.info["dpi"] == (600, 600)
            assert np.array_equal(np.asarray(image), np.asarray(draw_sheet(run)))
        assert write_sheet(run, tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")
