"""A poster is the elite at the size and resolution that were asked for."""

import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from evo_fool.errors import ConfigError, EvoFoolError
from evo_fool.pictures.poster import inches, write_poster
from evo_fool.runs import open_run
from evo_fool.runs.database_files import DATABASE


def test_a_cppn_is_rendered_at_the_printers_resolution(cppn_run: Path, tmp_path: Path) -> None:
    with open_run(cppn_run) as run:
        made = write_poster(run, 3, tmp_path / "x.png", size="5cm", dpi=300, caption=False)
        assert (made.width, made.height, made.side, made.dpi) == (591, 591, 591, 300)
        with Image.open(made.path) as image:
            assert np.array_equal(np.asarray(image.convert("RGB"))[..., 0], run.render(3, 591)[0])
            assert image.info["dpi"] == pytest.approx((300, 300), abs=0.01)
            assert image.info["Title"].startswith(run.classes[3])
            assert f"image {run[3].id}" in image.info["Description"]


@pytest.mark.parametrize("kind", ["cppn_run", "pixels_run"])
def test_pixels_are_squares_of_one_size_and_the_print_is_as_large(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with open_run(request.getfixturevalue(kind)) as run:
        rerender = kind == "pixels_run"  # which cannot be
        made = write_poster(run, 3, tmp_path / "x.tif", size="5cm", caption=False, rerender=rerender)
        assert made.side == 616 == 22 * 28
        assert made.side / made.dpi == pytest.approx(5 / 2.54)
        with Image.open(made.path) as image:
            large = run.image(3)[0].repeat(22, axis=0).repeat(22, axis=1)
            assert np.array_equal(np.asarray(image.convert("RGB"))[..., 1], large)
            assert image.info["dpi"][0] == pytest.approx(made.dpi, abs=0.01)


def test_a_caption_stands_below_the_image(cppn_run: Path, tmp_path: Path) -> None:
    with open_run(cppn_run) as run:
        made = write_poster(run, "3", tmp_path / "x.png", size="400px")
        with Image.open(made.path) as image:
            page = np.asarray(image)
        assert made.side == 400
        margin = (made.width - 400) // 2
        assert np.array_equal(page[margin : margin + 400, margin : margin + 400, 2], run.render(3, 400)[0])
        assert page.shape[0] > page.shape[1]
        below = page[margin + 400 :].min(axis=2) < 120
        assert below.any() and not below[:, :margin].any() and not below[:, margin + 400 :].any()


def test_it_goes_into_the_run_unless_told(cppn_run: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(cppn_run, tmp_path / "copied")
    with open_run(copied) as run:
        assert write_poster(run, 3, size="2in", dpi=72).path == copied / "poster-3.png"
        assert write_poster(run, 3, tmp_path / "x.pdf", size="2in", dpi=72).path.read_bytes().startswith(b"%PDF")


def test_lengths() -> None:
    assert inches("30 CM", 300) == pytest.approx(30 / 2.54)
    for text in ("30", "cm", "-3cm", "3ft", "1e9cm", ""):
        with pytest.raises(ConfigError, match="is no length; write 30cm"):
            inches(text, 300)


def test_bad_settings_are_one_line(cppn_run: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(cppn_run, tmp_path / "copied")
    with sqlite3.connect(copied / DATABASE) as database:
        database.execute("DELETE FROM cells WHERE class = 4")
    database.close()
    with open_run(copied) as run:
        for cls, options, words in (
            (3, {"to": tmp_path / "x.jpg"}, "no format of posters"),
            (3, {"size": "1mm"}, "is 12 pixels; choose 64 to"),
            (3, {"size": "9m"}, "is no length"),
            (3, {"size": "9000cm"}, "pixels; choose 64 to"),
            (3, {"dpi": 0.0}, "--dpi 0"),
            (3, {"dpi": float("nan")}, "--dpi nan"),
            ("dog", {}, "there is no such class"),
        ):
            with pytest.raises(ConfigError, match=words):
                write_poster(run, cls, **options)
        with pytest.raises(EvoFoolError, match="no image holds class 4"):
            write_poster(run, 4)
    assert not list(copied.glob("poster*"))
