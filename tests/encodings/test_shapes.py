"""Images that are not square, and of any number of channels: encodings, runs, exports and pages."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from starlette.testclient import TestClient

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.encodings import Encoding, build_encoding
from evo_fool.encodings.rendering.coordinates import coordinate_planes
from evo_fool.encodings.rendering.gpu import render_torch
from evo_fool.encodings.rendering.reference import render_reference
from evo_fool.errors import ConfigError
from evo_fool.exchange.export import export
from evo_fool.experiment import Experiment
from evo_fool.gallery.app import Gallery
from evo_fool.gallery.data.run_registry import Library
from evo_fool.gallery.site import write_site
from evo_fool.image import shown
from evo_fool.pictures.genome_graph import draw_individual
from evo_fool.pictures.poster import write_poster
from evo_fool.pictures.sheet import draw_sheet
from evo_fool.randomness import stream
from evo_fool.runs import Run, digest, verify
from evo_fool.sections import CppnConfig, PixelsConfig
from evo_fool.session import evolve, resume

FACTORY = """
import torch
from evo_fool.classifiers.base import Classifier

def build():
    torch.manual_seed(1)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(5 * 8 * 12, 3))
    return Classifier(network, classes=["a", "b", "c"], size=(8, 12), channels=5, name="planes")
"""


def build(kind: str, channels: int, size: tuple[int, int] = (8, 12), **settings: object) -> Encoding:
    config = CppnConfig(kind="cppn", **settings) if kind == "cppn" else PixelsConfig(kind="pixels", **settings)
    return build_encoding(config, size=size, channels=channels)


@pytest.mark.parametrize("kind", ["cppn", "pixels"])
@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_genomes_make_images_of_any_shape(kind: str, channels: int) -> None:
    encoding = build(kind, channels)
    genomes = encoding.random(6, stream(1, "t"))
    genomes = encoding.mutate(genomes, stream(2, "t"), 0)
    images = encoding.render(genomes)
    assert images.shape == (6, *encoding.shape) == (6, channels, 8, 12) and images.dtype == np.uint8
    assert len(np.unique(images)) > 10
    decoded = encoding.decode(encoding.encode(genomes[0]))
    assert np.array_equal(encoding.render(decoded), images[:1])


@pytest.mark.parametrize("coordinates", ["normalised", "pixel"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_renderers_agree_on_any_shape(channels: int, coordinates: str) -> None:
    encoding = build("cppn", channels, (9, 14), coordinates=coordinates)
    genomes = encoding.random(8, stream(1, "t"))
    for generation in range(10):
        genomes = encoding.mutate(genomes, stream(3, "g", generation), generation)
    images, options = encoding.render(genomes), encoding.render_options
    expected = [render_reference(encoding.genome_object(row), size=(9, 14), **options) for row in genomes]
    on_torch = render_torch(genomes, size=(9, 14), device="cpu", **options).numpy()
    for found in (np.stack(expected), on_torch):
        assert (np.abs(found.astype(int) - images) > 1).mean() < 0.01
    assert encoding.render(genomes, 28).shape == (8, channels, 18, 28)


def test_each_axis_is_normalised() -> None:
    x, y, d = coordinate_planes((2, 3), "normalised", (2, 3))
    assert x.tolist() == [-1, 0, 1, -1, 0, 1]
    assert y.tolist() == [-1, -1, -1, 1, 1, 1]
    assert d.tolist() == np.hypot(x, y).tolist()
    raw_x, raw_y, _ = coordinate_planes((2, 3), "pixel", (2, 3))
    assert raw_x.tolist() == [0, 1, 2, 0, 1, 2] and raw_y.tolist() == [0, 0, 0, 1, 1, 1]


def test_planes_are_the_bytes_of_their_genes() -> None:
    encoding = build("pixels", 2, (1, 2))
    image = encoding.render(np.array([[0.0, 0.5, 1.0, 0.25]], np.float32))
    assert image.tolist() == [[[[0, 127]], [[255, 63]]]]


@pytest.mark.parametrize(
    ("channels", "settings", "message"),
    [
        (5, {"colour": "hsv"}, "encoding.colour hsv: the classifier takes 5 channels; use auto"),
        (200, {}, "encoding.max_nodes must be at least 200 for 200 channels"),
        (100, {}, "encoding.max_links must be at least 400 for 100 channels"),
        (300, {"max_nodes": 400, "max_links": 2000}, "at most 255 outputs"),
        (40, {"crossover": 0.5}, "at most 32 can be crossed"),
    ],
)
def test_what_a_cppn_cannot_have(channels: int, settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build("cppn", channels, **settings)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ([3, 0], r"encoding\.size\.1 = 0: should be greater than or equal to 1"),
        ([3], r"encoding\.size\.1 = \[3\]: Field required"),
        (0, r"encoding\.size = 0: should be greater than or equal to 1"),
        ("28x40", r"encoding\.size = '28x40': should be a valid integer"),
    ],
)
def test_sizes_that_are_none(size: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Experiment.from_mapping({"encoding": {"kind": "cppn", "size": size}})


def test_a_classifier_of_planes() -> None:
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2 * 4 * 6, 3))
    classifier = Classifier(network, classes=["a", "b", "c"], size=(4, 6), channels=2, name="planes")
    assert (classifier.shape, classifier.size) == ((2, 4, 6), 6)
    assert classifier.input_contract()["size"] == [4, 6]
    square = Classifier(network, classes=["a", "b", "c"], size=(4, 4), channels=3, name="square")
    assert square.input_contract()["size"] == 4
    cpu = torch.device("cpu")
    images = stream(1, "t").integers(0, 256, (3, 2, 9, 7), dtype=np.uint8)
    for view in ("resize", "centre", "ten-crop"):
        assert Scorer(classifier, batch=4, view=view, device=cpu).score(images).shape == (3, 3)
    with pytest.raises(ConfigError, match=r"crops 4x6 out of an image of \[4, 5\] pixels"):
        Scorer(classifier, batch=4, view="centre", device=cpu).score(images[:, :, :4, :5])


def test_planes_are_shown_as_tiles() -> None:
    image = np.arange(5 * 2 * 3, dtype=np.uint8).reshape(5, 2, 3)
    (tiles,) = shown(image)
    assert tiles.shape == (4, 9)
    assert np.array_equal(tiles[:2, 3:6], image[1]) and np.array_equal(tiles[2:, :3], image[3])
    assert not tiles[2:, 6:].any()
    assert shown(image[:3]).shape == (3, 2, 3)


@pytest.fixture(scope="module", params=["cppn", "pixels"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("planes")
    (folder / "planes.py").write_text(FACTORY)
    experiment = Experiment.from_mapping(
        {
            "name": "planes",
            "batch": 8,
            "generations": 3,
            "classifier": {"spec": f"{folder / 'planes.py'}:build"},
            "encoding": {"kind": request.param, "size": [16, 24]},
        }
    )
    with evolve(experiment, out=folder / "runs") as run:
        yield run


def test_a_run_of_planes(run: Run) -> None:
    spec = run.experiment.classifier.spec
    assert run.image(0).shape == (5, 16, 24)
    assert verify(run, classifier=spec).clean
    before = digest(run.store)
    with resume(run.path, classifier=spec) as resumed:
        assert digest(resumed.store) == before


def test_exports_of_planes(run: Run, tmp_path: Path) -> None:
    files = export(run, tmp_path / "to", what=("png", "npz", "genomes")).files
    with Image.open(files[0]) as picture:
        assert picture.size == (3 * 24, 2 * 16)  # five tiles and one that is black
    images = np.load(tmp_path / "to" / "elites.npz")["images"]
    assert images.shape[1:] == (5, 16, 24)


def test_pages_of_planes(run: Run, tmp_path: Path) -> None:
    id, name = run.elites[0].id, run.path.name
    with TestClient(Gallery(Library(run.path.parent)), base_url="http://localhost") as client:
        page = client.get(f"/runs/{name}/individuals/{id}.json").json()
        assert page["downloads"][0]["label"] == "PNG, 24 × 16"
        for address in (f"/runs/{name}", f"/runs/{name}/individuals/{id}", *(d["url"] for d in page["downloads"])):
            assert client.get(address).status_code == 200
        for size in (8, 24, 256):
            png = client.get(f"/runs/{name}/images/{id}/{size}.png")
            assert png.status_code == 200 and Image.open(io.BytesIO(png.content)).mode in ("L", "RGB")
        if page["graph"]:
            assert "plane 4" in client.get(page["graph"]).text
    assert write_site(run, tmp_path / "site").index.is_file()


def test_pictures_of_planes(run: Run, tmp_path: Path) -> None:
    for rerender in (False, True):
        assert draw_sheet(run, rerender=rerender).width > 100
        assert write_poster(run, 0, tmp_path / "a.png", size="200px", rerender=rerender).height > 200
    if run.encoding.outputs:
        assert draw_individual(run, run.elites[0].id).startswith("<svg")
