"""What is exported is what was scored, under names that say so."""

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.errors import ConfigError, CorruptRunError, EvoFoolError
from evo_fool.exchange.export import KINDS, export
from evo_fool.exchange.file_names import parse_image_name
from evo_fool.image import enlarge
from evo_fool.runs import Run, open_run
from evo_fool.sections import ClassifierConfig


@pytest.fixture(params=["cppn_run", "pixels_run"])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    with open_run(request.getfixturevalue(request.param)) as opened:
        yield opened


@pytest.fixture
def copied(cppn_run: Path, tmp_path: Path) -> Path:
    """A run that may be damaged."""
    return Path(shutil.copytree(cppn_run, tmp_path / "copied"))


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_pngs_are_the_stored_images_and_score_the_same(run: Run, tmp_path: Path) -> None:
    done = export(run, tmp_path / "to")
    assert names(tmp_path / "to") == sorted(path.name for path in done.files)
    assert len(done.files) == done.elites == len(run) == 10
    images = []
    for path, elite in zip(done.files, run.elites, strict=True):
        assert re.fullmatch(rf"{elite.class_index}_[01]\.\d{{6}}\.png", path.name)
        images.append(pixels(path)[None])
        assert np.array_equal(images[-1], run.image(elite.class_index))
    judge = load_classifier(ClassifierConfig(), torch.device("cpu"))
    log_odds = Scorer(judge, batch=64, view="auto", device=torch.device("cpu")).score(np.stack(images))
    recorded = [elite.log_odds for elite in run.elites]
    # Batches of another size round otherwise in the last places of float32.
    np.testing.assert_allclose(log_odds.diagonal(), recorded, rtol=1e-4, atol=1e-4)


def test_larger_pixels_are_repeated(pixels_run: Path, tmp_path: Path) -> None:
    with open_run(pixels_run) as run:
        done = export(run, tmp_path, size=84)
        for path, cell in zip(done.files, run, strict=True):
            assert np.array_equal(pixels(path), run.image(cell)[0].repeat(3, axis=0).repeat(3, axis=1))


def test_larger_cppns_are_rendered_again(cppn_run: Path, tmp_path: Path) -> None:
    with open_run(cppn_run) as run:
        done = export(run, tmp_path, size=84)
        for path, cell in zip(done.files, run, strict=True):
            assert np.array_equal(pixels(path)[None], run.render(cell, 84))
            assert not np.array_equal(pixels(path), run.image(cell)[0].repeat(3, axis=0).repeat(3, axis=1))


@given(st.integers(1, 40), st.integers(1, 5))
def test_enlarging_by_a_whole_factor_repeats(side: int, factor: int) -> None:
    image = np.arange(side * side).reshape(1, side, side)
    assert np.array_equal(enlarge(image, side * factor), image.repeat(factor, axis=1).repeat(factor, axis=2))


@given(st.integers(1, 40), st.integers(1, 40))
def test_any_size_takes_pixels_in_order_and_evenly(side: int, size: int) -> None:
    row = enlarge(np.arange(side)[None, None, :].repeat(side, axis=1), size)[0, 0]
    assert (np.diff(row) >= 0).all()
    counts = np.bincount(row, minlength=side)
    assert counts.max() - counts.min() <= 1


def test_one_npz_holds_all_elites_without_pickles(run: Run, tmp_path: Path) -> None:
    export(run, tmp_path, what=["npz"])
    with np.load(tmp_path / "elites.npz", allow_pickle=False) as arrays:
        assert arrays["images"].dtype == np.uint8
        assert arrays["images"].shape == (10, 1, 28, 28)
        for row, elite in enumerate(run.elites):
            assert np.array_equal(arrays["images"][row], run.image(elite.class_index))
            assert arrays["log_odds"][row] == elite.log_odds
            assert arrays["probability"][row] == elite.probability
            assert arrays["class_index"][row] == elite.class_index
            assert arrays["class_name"][row] == elite.class_name
            assert arrays["id"][row] == elite.id
            assert arrays["generation"][row] == elite.generation


def test_cppn_genomes_are_json(cppn_run: Path, tmp_path: Path) -> None:
    with open_run(cppn_run) as run:
        done = export(run, tmp_path, what=["genomes"])
        assert all(path.parent == tmp_path / "genomes" for path in done.files)
        for path, elite in zip(done.files, run.elites, strict=True):
            document = json.loads(path.read_text())
            genome = run.encoding.decode(run.genome_bytes(elite.class_index))[0]
            assert document.pop("genome") == run.encoding.describe(genome)
            assert document == {
                "class_index": elite.class_index,
                "class_name": elite.class_name,
                "probability": elite.probability,
                "log_odds": elite.log_odds,
                "id": elite.id,
                "generation": elite.generation,
            }


def test_pixel_genomes_are_arrays(pixels_run: Path, tmp_path: Path) -> None:
    with open_run(pixels_run) as run:
        done = export(run, tmp_path, what=["genomes"])
        for path, elite in zip(done.files, run.elites, strict=True):
            with np.load(path, allow_pickle=False) as arrays:
                assert np.array_equal(arrays["genes"], run.genome(elite.class_index))
                assert arrays["genes"].dtype == np.float32
                assert (int(arrays["class_index"]), str(arrays["kind"])) == (elite.class_index, "pixels")


def test_the_layout_of_2015(run: Run, tmp_path: Path) -> None:
    export(run, tmp_path, what=["layout2015"])
    files = names(tmp_path)
    assert len(files) == 10
    for file, elite in zip(files, run.elites, strict=True):
        assert re.fullmatch(rf"map_gen_12/map_12_{elite.class_index}_[01]\.\d{{6}}\.png", file)
        assert np.array_equal(pixels(tmp_path / file)[None], run.image(elite.class_index))


def test_everything_at_once(run: Run, tmp_path: Path) -> None:
    done = export(run, tmp_path, what=KINDS)
    assert len(names(tmp_path)) == len(done.files) == 31
    assert done.to_json()["files"] == [str(path) for path in done.files]


def test_only_confident_elites(run: Run, tmp_path: Path) -> None:
    threshold = float(np.median([elite.probability for elite in run.elites]))
    done = export(run, tmp_path, min_confidence=threshold)
    assert (done.elites, done.left_out) == (5, 5)
    claims = [parse_image_name(name) for name in names(tmp_path)]
    assert len(claims) == 5
    assert all(claim and claim.probability >= threshold - 1e-6 for claim in claims)


def test_nothing_to_export_makes_no_folder(run: Run, tmp_path: Path) -> None:
    done = export(run, tmp_path / "to", min_confidence=1.0)
    assert (done.files, done.left_out) == ((), 10)
    assert not (tmp_path / "to").exists()


def test_what_is_there_is_replaced_only_when_asked(run: Run, tmp_path: Path) -> None:
    first = export(run, tmp_path).files[0]
    first.write_bytes(b"mine")
    (tmp_path / "other").write_bytes(b"other")
    with pytest.raises(ConfigError, match=rf"already holds {re.escape(first.name)} and 9 more; .*--force"):
        export(run, tmp_path)
    assert first.read_bytes() == b"mine"
    export(run, tmp_path, force=True)
    assert first.read_bytes() != b"mine"
    assert (tmp_path / "other").read_bytes() == b"other"


def test_a_dangling_link_is_in_the_way_and_never_followed(run: Run, tmp_path: Path) -> None:
    (name,) = {path.name for path in export(run, tmp_path / "a").files if path.name.startswith("3_")}
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="--force"):
        export(run, tmp_path / "b")
    export(run, tmp_path / "b", force=True)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("there", [False, True])
def test_a_full_disk_leaves_nothing_behind(
    there: bool, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    to = tmp_path / "set"
    if there:
        to.mkdir()
    write, done = Path.write_bytes, 0

    def full(path: Path, data: bytes) -> int:
        nonlocal done
        if done == 4:
            raise OSError(28, "No space left on device")
        done += 1
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(EvoFoolError, match=r"No space left on device.*--to"):
        export(run, to)
    assert done == 4
    assert list(tmp_path.rglob("*")) == ([to] if there else [])


def test_bad_settings_are_refused_before_anything_is_written(run: Run, tmp_path: Path) -> None:
    for settings, words in (({"size": 0}, "--size 0"), ({"size": 10**6}, "16384"), ({"what": ["gif"]}, "--what gif")):
        with pytest.raises(ConfigError, match=words):
            export(run, tmp_path / "to", **settings)  # type: ignore[arg-type]
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError, match="give a folder"):
        export(run, tmp_path / "file")
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("what", KINDS)
def test_damage_is_reported_and_not_exported(what: str, copied: Path, tmp_path: Path) -> None:
    with sqlite3.connect(copied / "run.sqlite3") as database:
        database.execute("UPDATE blobs SET image = x'00', genome = x'00'")
    database.close()
    with open_run(copied) as run, pytest.raises(CorruptRunError, match="cannot be made"):
        export(run, tmp_path / "to", what=[what])
    assert names(tmp_path / "to") == []


def test_class_names_never_reach_a_path(copied: Path, tmp_path: Path) -> None:
    hostile = ["../../../up", "/etc/passwd", "a\0b", "\n", ""] * 2
    with sqlite3.connect(copied / "run.sqlite3") as database:
        database.execute("UPDATE meta SET value = ? WHERE key = 'classes'", (json.dumps(hostile),))
    database.close()
    with open_run(copied) as run:
        export(run, tmp_path / "to", what=KINDS)
    assert all(re.fullmatch(r"[\w./]+", name) and ".." not in name for name in names(tmp_path / "to"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copied", "to"]
