"""Images from elsewhere become a run that verifies; a hostile folder becomes a clear line."""

import io
import json
import os
import shutil
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from evo_fool.encodings.pixels import PixelEncoding
from evo_fool.errors import ConfigError, EvoFoolError
from evo_fool.exchange.export import export
from evo_fool.exchange.importer import ByteGenomes, Imported, genes_of, import_images
from evo_fool.exchange.png_reader import UnusableImageError, find_images, read_image
from evo_fool.runs import digest, open_run, verify
from evo_fool.sections import ClassifierConfig, PixelsConfig
from evo_fool.session import resume

RNG = np.random.default_rng(7)

COLOUR = """
import torch
from evo_fool.classifiers.base import Classifier

def build():
    torch.manual_seed(1)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 8, 4))
    return Classifier(network, classes=["a", "b", "c", "d"], size=8, channels=3, name="colour")
"""


@pytest.fixture
def colour(tmp_path: Path) -> ClassifierConfig:
    """A classifier of colour images of 8x8 pixels in 4 classes."""
    (tmp_path / "colour.py").write_text(COLOUR)
    return ClassifierConfig(spec=f"{tmp_path / 'colour.py'}:build")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "images"
    path.mkdir()
    return path


def noise(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def save(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, format="PNG")
    return path


def brought(folder: Path, out: Path, **options: Any) -> Imported:
    done = import_images(folder, out=out, device="cpu", **options)
    done.run.close()
    return done


def png(width: int, height: int, data: bytes = b"", extra: bytes = b"", depth: int = 8) -> bytes:
    """A PNG made by hand, so that its header can lie."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


# What comes back


@pytest.mark.parametrize("what", ["png", "layout2015"])
@pytest.mark.parametrize("kind", ["cppn_run", "pixels_run"])
def test_our_own_export_comes_back_with_the_same_images_and_scores(
    what: str, kind: str, tmp_path: Path, out: Path, request: pytest.FixtureRequest
) -> None:
    with open_run(request.getfixturevalue(kind)) as original:
        export(original, tmp_path / "to", what=[what])
        done = import_images(tmp_path / "to", out=out)
        with done.run as run:
            assert list(run) == list(original)
            for cell in run:
                assert np.array_equal(run.image(cell), original.image(cell))
                assert run[cell].log_odds == pytest.approx(original[cell].log_odds, rel=1e-4, abs=1e-4)
            assert verify(run).clean
            assert digest(run.store)
    assert done.generation == (12 if what == "layout2015" else None)
    for each in done.comparisons:
        assert each.claimed == pytest.approx(each.measured, abs=1.1e-6)


def test_the_run_says_what_it_is(pixels_run: Path, tmp_path: Path, out: Path) -> None:
    with open_run(pixels_run) as original:
        export(original, tmp_path / "to")
    with import_images(tmp_path / "to", out=out, name="from afar").run as run:
        summary = run.summary()
        assert run.experiment.search.kind == "imported"
        assert (run.experiment.encoding.kind, run.encoding.size) == ("pixels", 28)
        assert (summary["status"], summary["generation"], summary["evaluations"]) == ("finished", 0, 10)
        assert (summary["name"], summary["preset"], summary["captures"]) == ("from afar", "imported", 10)
        assert len(run.metrics["generation"]) == 1
        record = json.loads((run.path / "import.json").read_text())
        assert [each["class_index"] for each in record["classes"]] == list(range(10))
    with pytest.raises(ConfigError, match="cannot be evolved"):
        resume(run.path, generations=5)


def test_bytes_become_genes_that_render_to_the_same_bytes() -> None:
    every = np.tile(np.arange(256, dtype=np.uint8), 3)
    genes = genes_of(every)
    assert genes.dtype == np.float32
    assert genes.min() > 0
    assert genes.max() == 1
    for channels, colour in ((1, "grey"), (3, "rgb")):
        encoding = PixelEncoding(PixelsConfig(kind="pixels", colour=colour), size=16, channels=channels)  # type: ignore[arg-type]
        pixels = every[: encoding.genes]
        assert np.array_equal(encoding.render(genes[None, : encoding.genes])[0].ravel(), pixels)
        written = ByteGenomes(encoding.config, size=16, channels=channels).encode(pixels)
        assert np.array_equal(encoding.decode(written)[0], genes[: encoding.genes])


def test_colour_images_keep_their_channels(folder: Path, out: Path, colour: ClassifierConfig) -> None:
    images = noise(4, 8, 8, 3)
    for i, image in enumerate(images):
        save(folder / f"{i}_0.5.png", image)
    with import_images(folder, out=out, classifier=colour).run as run:
        for cell in run:
            assert np.array_equal(run.image(cell), images[cell].transpose(2, 0, 1))
        assert verify(run, classifier=colour.spec).clean


def test_images_go_where_their_names_say_and_nowhere_else(folder: Path, out: Path, colour: ClassifierConfig) -> None:
    save(folder / "2_0.9.png", noise(8, 8, 3))
    done = brought(folder, out, classifier=colour)
    with open_run(done.run.path) as run:
        assert list(run) == [2]
        assert run.summary()["qd_score"] == pytest.approx(run[2].probability)
    assert [(c.class_index, c.class_name, c.file, c.claimed) for c in done.comparisons] == [(2, "c", "2_0.9.png", 0.9)]


def test_of_two_images_of_a_class_the_better_is_kept(folder: Path, out: Path, colour: ClassifierConfig) -> None:
    for i in range(5):
        save(folder / f"1_0.{i}.png", noise(8, 8, 3))
    done = brought(folder, out, classifier=colour)
    alone = []
    for i in range(5):
        (folder / "one").mkdir(exist_ok=True)
        shutil.copy(folder / f"1_0.{i}.png", folder / "one")
        alone.append(brought(folder / "one", out, classifier=colour).comparisons[0].measured)
        (folder / "one" / f"1_0.{i}.png").unlink()
    assert (done.images, len(done.comparisons)) == (5, 1)
    assert done.comparisons[0].file == f"1_0.{int(np.argmax(alone))}.png"
    assert done.comparisons[0].measured == pytest.approx(max(alone))


def test_another_size_is_kept_and_resized_only_for_the_score(folder: Path, out: Path) -> None:
    pixels = save(folder / "0_0.5.png", noise(40, 40)).read_bytes()
    with import_images(folder, out=out).run as run:
        assert np.array_equal(run.image(0)[0], np.asarray(Image.open(io.BytesIO(pixels))))
        assert verify(run).clean


# Which files


def test_the_highest_generation_is_read_unless_another_is_asked_for(folder: Path) -> None:
    for g in (9, 10, 2):
        save(folder / f"map_gen_{g}" / f"map_{g}_0_0.5.png", noise(8, 8))
    assert find_images(folder).generation == 10
    assert find_images(folder, 2).files[0].path == folder / "map_gen_2" / "map_2_0_0.5.png"
    assert find_images(folder / "map_gen_9").generation == 9
    assert find_images(folder / "map_gen_9", 9).generation == 9
    with pytest.raises(ConfigError, match=r"--generation 3: .* has no map_gen_3; it has 2 to 10"):
        find_images(folder, 3)
    with pytest.raises(ConfigError, match="--generation 3"):
        find_images(folder / "map_gen_9", 3)


def test_other_files_are_counted_and_links_are_not_followed(folder: Path, tmp_path: Path) -> None:
    save(folder / "0_0.5.png", noise(8, 8))
    outside = save(tmp_path / "outside.png", noise(8, 8))
    (folder / "1_0.5.png").symlink_to(outside)
    (folder / "map_gen_7").symlink_to(tmp_path)
    (folder / "notes.txt").write_text("")
    (folder / "cat.png").write_text("")
    (folder / ".hidden").write_text("")
    (folder / "2_0.5.png").mkdir()
    os.mkfifo(folder / "3_0.5.png")
    found = find_images(folder)
    assert [file.path.name for file in found.files] == ["0_0.5.png"]
    reasons = {skip.path.name: skip.reason for skip in found.skipped}
    assert set(reasons) == {"1_0.5.png", "3_0.5.png", "map_gen_7", "cat.png", "notes.txt"}
    assert "links are not followed" in reasons["1_0.5.png"]
    assert "<class>_<probability>.png" in reasons["cat.png"]


@pytest.mark.parametrize(("make", "words"), [(False, "No such file"), (True, "no image named")])
def test_a_folder_without_images_is_one_line(make: bool, words: str, tmp_path: Path) -> None:
    if make:
        (tmp_path / "none").mkdir()
    with pytest.raises(ConfigError, match=words):
        find_images(tmp_path / "none")


def test_a_link_put_there_after_the_listing_is_not_followed_either(tmp_path: Path) -> None:
    save(tmp_path / "target.png", noise(8, 8))
    (tmp_path / "link.png").symlink_to(tmp_path / "target.png")
    with pytest.raises(UnusableImageError):
        read_image(tmp_path / "link.png", 1)
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UnusableImageError, match="not a file"):
        read_image(tmp_path / "pipe.png", 1)


# Decoding


def test_grey_and_colour_convert_without_loss_where_they_can(tmp_path: Path) -> None:
    grey = noise(8, 8)
    for mode in ("L", "RGB", "RGBA", "LA"):
        path = tmp_path / f"{mode}.png"
        Image.fromarray(grey).convert(mode).save(path)
        assert np.array_equal(read_image(path, 1)[0], grey)
        assert np.array_equal(read_image(path, 3), grey[None].repeat(3, axis=0))
    Image.fromarray(grey).convert("1").save(tmp_path / "1.png")
    assert set(np.unique(read_image(tmp_path / "1.png", 1))) <= {0, 255}


def test_what_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    Image.fromarray(noise(8, 8).astype(np.uint16) * 257).save(tmp_path / "deep.png")
    with pytest.raises(UnusableImageError, match="8 bits"):
        read_image(tmp_path / "deep.png", 1)
    transparent = noise(8, 8, 4)
    transparent[0, 0, 3] = 0
    with pytest.raises(UnusableImageError, match="transparent"):
        read_image(save(tmp_path / "clear.png", transparent), 3)


def test_bombs_are_refused_before_they_go_off(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    path = tmp_path / "bomb.png"
    for width, height in ((4097, 1), (9000, 9000), (12000, 12000), (60000, 60000), (2**31 - 1, 2**31 - 1)):
        path.write_bytes(png(width, height, b"\0" * 1000))
        with pytest.raises(UnusableImageError):
            read_image(path, 1)
    text = b"zTXt", b"Comment\0\0" + zlib.compress(b"\0" * 200_000_000)
    body = struct.pack(">I", len(text[1])) + text[0] + text[1] + struct.pack(">I", zlib.crc32(text[0] + text[1]))
    path.write_bytes(png(8, 8, b"\0" * 72, extra=body))
    with pytest.raises(UnusableImageError):
        read_image(path, 1)
    assert not list(recwarn)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_png_is_unusable_or_an_image_but_nothing_else(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(buffer, format="PNG")
    body = bytearray(buffer.getvalue())
    for place in data.draw(st.lists(st.integers(0, len(body) - 1), max_size=4)):
        body[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("png") / "0_0.5.png"
    path.write_bytes(bytes(body[: data.draw(st.integers(0, len(body)))]))
    try:
        image = read_image(path, 1)
    except UnusableImageError as error:
        assert "\n" not in str(error)
    else:
        assert (image.dtype, image.ndim) == (np.uint8, 3)


def test_unreadable_images_are_skipped_and_counted(folder: Path, out: Path) -> None:
    good = save(folder / "0_0.5.png", noise(28, 28)).read_bytes()
    (folder / "1_0.5.png").write_bytes(good[: len(good) // 2])
    (folder / "2_0.5.png").write_bytes(b"GIF89a")
    (folder / "3_0.5.png").write_bytes(b"")
    (folder / "4_0.5.png").write_bytes(png(50_000, 50_000))
    done = brought(folder, out)
    assert done.images == 1
    assert {skip.path.name[0] for skip in done.skipped} == {"1", "2", "3", "4"}
    assert len(done.to_json()["skipped"]) == 4


# Refusals: one line, and nothing left behind


def test_a_class_that_is_not_there_is_named(folder: Path, out: Path) -> None:
    save(folder / "0_0.5.png", noise(28, 28))
    save(folder / "10_0.5.png", noise(28, 28))
    with pytest.raises(
        ConfigError, match=r"10_0\.5\.png names class 10, but lenet-mnist has classes 0 to 9; .*--class"
    ):
        import_images(folder, out=out)
    assert not out.exists()


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ([(28, 28), (29, 29)], r"1_0\.5\.png has 29x29 pixels, 0_0\.5\.png has 28x28; all images"),
        ([(28, 30), (30, 28)], r"1_0\.5\.png has 28x30 pixels, 0_0\.5\.png has 30x28; all images"),
    ],
)
def test_shapes_that_do_not_fit_are_named(shapes: list[tuple[int, ...]], words: str, folder: Path, out: Path) -> None:
    for i, shape in enumerate(shapes):
        save(folder / f"{i}_0.5.png", noise(*shape))
    with pytest.raises(ConfigError, match=words):
        import_images(folder, out=out)
    assert not out.exists()


def test_images_need_not_be_square(folder: Path, out: Path) -> None:
    pixels = noise(20, 36)
    save(folder / "3_0.5.png", pixels)
    run = import_images(folder, out=out).run
    assert np.array_equal(run.image(3), pixels[None]) and np.array_equal(run.render(3), pixels[None])
    assert verify(run).clean


def test_no_readable_image_at_all(folder: Path, out: Path) -> None:
    (folder / "0_0.5.png").write_bytes(b"")
    with pytest.raises(ConfigError, match="none of the 1 images can be read"):
        import_images(folder, out=out)
    assert not out.exists()


def test_a_name_that_cannot_be_is_one_line(folder: Path, out: Path) -> None:
    save(folder / "0_0.5.png", noise(28, 28))
    with pytest.raises(ConfigError, match="control characters"):
        import_images(folder, out=out, name="a\nb")
    with pytest.raises(ConfigError, match="name"):
        import_images(folder, out=out, name="x" * 200)


def test_a_failure_while_writing_leaves_no_half_run(folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(folder / "0_0.5.png", noise(28, 28))

    def full(*_: object) -> None:
        raise EvoFoolError("the disk is full")

    monkeypatch.setattr("evo_fool.runs.store.Store.commit", full)
    with pytest.raises(EvoFoolError, match="full"):
        import_images(folder, out=out)
    assert list(out.iterdir()) == []


@settings(max_examples=20, deadline=None)
@given(named=st.lists(st.integers(0, 3), min_size=1, max_size=12))
def test_every_class_named_is_held_and_no_other(named: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("import")
    (root / "colour.py").write_text(COLOUR)
    for i, cell in enumerate(named):
        save(root / "images" / f"{cell}_0.{i}.png", noise(8, 8, 3))
    config = ClassifierConfig(spec=f"{root / 'colour.py'}:build")
    done = brought(root / "images", root / "out", classifier=config)
    assert [each.class_index for each in done.comparisons] == sorted(set(named))
    assert done.images == len(named)
