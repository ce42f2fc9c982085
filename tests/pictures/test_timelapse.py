"""A film shows who held what and when, in every format, and says what it could not show."""

import shutil
import sqlite3
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageSequence

from evo_fool.errors import ConfigError, EvoFoolError
from evo_fool.pictures import timelapse
from evo_fool.pictures.layout import plan
from evo_fool.pictures.movie import _durations, check_movie, write_movie
from evo_fool.pictures.sheet import draw_sheet
from evo_fool.pictures.timelapse import spread, write_timelapse
from evo_fool.runs import open_run
from evo_fool.runs.database_files import DATABASE
from evo_fool.runs.individuals import image_of, picture_of
from evo_fool.runs.lineage import history


@pytest.fixture
def copied(cppn_run: Path, tmp_path: Path) -> Path:
    """A run that may be changed."""
    return Path(shutil.copytree(cppn_run, tmp_path / "copied"))


def change(run: Path, sql: str, *parameters: object) -> None:
    with sqlite3.connect(run / DATABASE) as database:
        database.execute(sql, parameters)
    database.close()


def frames_of(path: Path) -> list[np.ndarray]:
    with Image.open(path) as film:
        return [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(film)]


def decoded(path: Path) -> tuple[list[np.ndarray], Fraction]:
    av = pytest.importorskip("av")
    with av.open(str(path)) as film:
        return [f.to_ndarray(format="rgb24") for f in film.decode(video=0)], film.streams.video[0].average_rate


@pytest.fixture
def cartoon() -> list[Image.Image]:
    """Five frames of flat colour in an odd size."""
    colours = [(255, 255, 255), (200, 30, 30), (20, 120, 60), (40, 60, 200), (0, 0, 0)]
    return [Image.new("RGB", (61, 47), colour) for colour in colours]


@given(st.integers(1, 3000), st.integers(2, 400), st.booleans())
def test_a_spread_is_ascending_within_bounds_with_both_ends(count: int, wanted: int, log: bool) -> None:
    chosen = spread(count, wanted, log)
    assert chosen == sorted(set(chosen)) and chosen[0] == 0 and chosen[-1] == count - 1
    assert len(chosen) <= wanted
    assert log or len(chosen) == min(count, wanted)


@given(st.floats(0.1, 50), st.integers(1, 500), st.sampled_from([1, 10]))
def test_rounded_durations_do_not_add_up_to_a_drift(fps: float, frames: int, unit: int) -> None:
    total = sum(_durations(frames, fps, unit))
    assert abs(total - 1000 * frames / fps) <= unit / 2 + 1e-6


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_animated_pictures_keep_frames_and_time(cartoon: list[Image.Image], tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    write_movie(cartoon, path, fps=8)
    assert all(np.array_equal(a, np.asarray(b)) for a, b in zip(frames_of(path), cartoon, strict=True))
    with Image.open(path) as film:
        assert film.info["loop"] == 0
        durations = []
        for frame in ImageSequence.Iterator(film):
            frame.load()
            durations.append(frame.info["duration"])
    assert sum(durations) == pytest.approx(5 * 125 + 1000, abs=10)
    assert durations[-1] > 1000


def test_one_palette_stores_what_stays_once(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x, y = np.meshgrid(np.arange(120), np.arange(120))
    still = np.stack([2 * x, 2 * y, 255 - x - y], axis=2).astype(np.uint8)
    frames = []
    for i in range(12):
        still[10 * i : 10 * i + 10, :40] = rng.integers(0, 256, 3)
        frames.append(Image.fromarray(still.copy()))
    sizes = []
    for one in (False, True):
        write_movie(frames, tmp_path / "x.gif", fps=5, one_palette=one)
        sizes.append((tmp_path / "x.gif").stat().st_size)
        shown = frames_of(tmp_path / "x.gif")
        assert len(shown) == 12
        assert all(np.abs(a.astype(int) - b).mean() < 20 for a, b in zip(shown, frames, strict=True))
    assert sizes[1] < sizes[0] / 3


def test_an_mp4_keeps_frames_colours_and_time(cartoon: list[Image.Image], tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    write_movie(cartoon, path, fps=8)
    frames, rate = decoded(path)
    assert rate == 8
    assert len(frames) == 5 + 8  # the last one stays for a second
    assert all(frame.shape == (48, 62, 3) for frame in frames)
    for frame, drawn in zip(frames, [*cartoon, *[cartoon[-1]] * 8], strict=True):
        assert np.abs(frame[:40, :56].astype(int) - np.asarray(drawn)[:40, :56]).max() <= 4
    assert path.read_bytes().find(b"moov") < path.read_bytes().find(b"mdat")  # plays before it is all there


def test_one_frame_is_a_film(cartoon: list[Image.Image], tmp_path: Path) -> None:
    for suffix in (".gif", ".webp"):
        write_movie(cartoon[:1], tmp_path / f"x{suffix}", fps=8)
        assert len(frames_of(tmp_path / f"x{suffix}")) == 1
    write_movie(cartoon[:1], tmp_path / "x.mp4", fps=0.5)
    assert decoded(tmp_path / "x.mp4")[1] == Fraction(1, 2)


def test_an_mp4_without_pyav_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(EvoFoolError, match=r"pip install 'evo-fool\[video\]'"):
        check_movie(tmp_path / "x.mp4", (10, 10), 3, 10)
    check_movie(tmp_path / "x.gif", (10, 10), 3, 10)


@pytest.mark.parametrize(
    ("name", "size", "frames", "fps", "words"),
    [
        ("x.avi", (10, 10), 3, 10, "no format of films; use .gif, .mp4, .webp"),
        ("x.gif", (10, 10), 3, 0, "--fps 0"),
        ("x.gif", (10, 10), 3, 51, "--fps 51"),
        ("x.gif", (10, 10), 3, float("nan"), "--fps nan"),
        ("x.webp", (4000, 3000), 120, 10, r"fewer --frames, a smaller --tile, or an \.mp4"),
    ],
)
def test_bad_films_are_one_line(
    tmp_path: Path, name: str, size: tuple[int, int], frames: int, fps: float, words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        check_movie(tmp_path / name, size, frames, fps)
    assert not list(tmp_path.iterdir())


def test_a_film_of_all_is_the_sheets_of_the_generations(cppn_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.webp"
    with open_run(cppn_run) as run:
        film = write_timelapse(run, path, frames=5)
        assert (film.path, film.frames) == (path, 5)
        frames = frames_of(path)
        generations = spread(run.generation + 1, 5)
        assert len(frames) == 5
        for generation, frame in zip(generations, frames, strict=True):
            sheet = np.asarray(draw_sheet(run, generation=generation, tile=112))
            assert frame.shape == sheet.shape == (film.height, film.width, 3)
            assert np.array_equal(frame, sheet)
        assert film.shown + film.forgotten <= len(run.captures)
        assert film.shown >= len(run)


def test_what_is_forgotten_is_counted_and_hatched(copied: Path, tmp_path: Path) -> None:
    with open_run(copied) as run:
        elites = {elite.id for elite in run.values()}
        change(copied, f"DELETE FROM blobs WHERE id NOT IN ({', '.join(map(str, elites))})")
        film = write_timelapse(run, tmp_path / "x.webp", frames=100)
        first = frames_of(tmp_path / "x.webp")[0]
        gone = [c for c in run.captures.tolist() if c[2] not in elites]
        assert film.forgotten == len(gone) > 0
        layout = plan(10, 28, tile=112)
        cell = next(c[1] for c in gone if c[0] == 0)
        left, top = layout.corner(cell)
        assert set(np.unique(first[top : top + 112, left : left + 112, 0])) == {0xD5, 0xEF}


def test_a_film_of_a_class_has_its_kept_holders(copied: Path, tmp_path: Path) -> None:
    with open_run(copied) as run:
        cls = max(run, key=lambda cls: len(history(run, cls)))
        captures = history(run, cls)
        assert len(captures) > 3
        change(copied, "DELETE FROM blobs WHERE id = ?", captures[1].id)
        kept = [capture for capture in history(run, cls) if capture.kept]
        film = write_timelapse(run, tmp_path / "x.webp", cls)
        frames = frames_of(tmp_path / "x.webp")
        assert (film.frames, film.shown, film.forgotten) == (len(kept), len(kept), len(captures) - len(kept))
        assert film.forgotten > 0
        layout = plan(1, 28, tile=512, captions="dated", title=False)
        left, top = layout.corner(0)
        factor = layout.tile // 28
        for capture, frame in zip(kept, frames, strict=True):
            tile = frame[top : top + layout.tile, left : left + layout.tile, 0]
            assert np.array_equal(tile[::factor, ::factor], image_of(run, capture.id)[0])
        short = write_timelapse(run, tmp_path / "y.webp", cls, frames=2, rerender=True, tile=90, captions="none")
        ends = frames_of(tmp_path / "y.webp")
        assert short.frames == len(ends) == 2
        margin = (short.width - 90) // 2
        for capture, frame in zip((kept[0], kept[-1]), ends, strict=True):
            tile = frame[margin : margin + 90, margin : margin + 90, 0]
            assert np.array_equal(tile, picture_of(run, capture.id, 90)[0])


def test_a_film_in_every_format(cppn_run: Path, tmp_path: Path) -> None:
    with open_run(cppn_run) as run:
        grey = frames_of(write_timelapse(run, tmp_path / "x.webp", frames=4).path)
        gif = frames_of(write_timelapse(run, tmp_path / "x.gif", frames=4).path)
        mp4, _ = decoded(write_timelapse(run, tmp_path / "x.mp4", frames=4).path)
    assert len(grey) == len(gif) == 4 and len(mp4) == 14
    for a, b, c in zip(grey, gif, mp4, strict=False):
        assert np.abs(a.astype(int) - b).max() <= 16  # 255 colours for greys and letters
        assert np.abs(a.astype(int) - c[: a.shape[0], : a.shape[1]]).mean() < 2


def test_many_classes_have_small_tiles_without_captions(copied: Path, tmp_path: Path) -> None:
    import json

    change(copied, "UPDATE meta SET value = ? WHERE key = 'classes'", json.dumps([f"class {i}" for i in range(1000)]))
    with open_run(copied) as run:
        film = write_timelapse(run, tmp_path / "x.gif", frames=2)
    assert film.width < 2000 and film.height < 2000


def test_logarithmic_generations_show_the_first_ones(cppn_run: Path, tmp_path: Path) -> None:
    with open_run(cppn_run) as run:
        assert write_timelapse(run, tmp_path / "x.gif", frames=4, log=True).frames == 4
        with pytest.raises(ConfigError, match="--log spaces the generations"):
            write_timelapse(run, tmp_path / "x.gif", 3, log=True)


def test_nothing_to_show_is_one_line(copied: Path, tmp_path: Path) -> None:
    with open_run(copied) as run:
        for options, words in (
            ({"cls": "dog"}, "there is no such class"),
            ({"frames": 0}, "--frames 0"),
            ({"tile": 0}, "--tile 0"),
            ({"fps": 0.0}, "--fps 0"),
        ):
            with pytest.raises(ConfigError, match=words):
                write_timelapse(run, tmp_path / "x.gif", **options)  # type: ignore[arg-type]
        change(copied, "DELETE FROM blobs")
        with pytest.raises(EvoFoolError, match="its images are not kept"):
            write_timelapse(run, tmp_path / "x.gif", 3)
        change(copied, "DELETE FROM captures")
        with pytest.raises(EvoFoolError, match="no image has held it yet"):
            write_timelapse(run, tmp_path / "x.gif", 3)
        change(copied, "UPDATE progress SET generation = -1")
        with pytest.raises(EvoFoolError, match="has not committed a generation yet"):
            write_timelapse(run, tmp_path / "x.gif")
    assert not (tmp_path / "x.gif").exists()
    assert timelapse.FRAMES == 120
