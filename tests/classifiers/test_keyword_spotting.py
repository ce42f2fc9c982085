"""A network that hears words, of inputs that are neither square nor pictures, evolves as a user's own classifier."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
import torch
from PIL import Image
from starlette.testclient import TestClient

from evo_fool import open_run
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.cli.main import main
from evo_fool.gallery.app import Gallery
from evo_fool.gallery.data.run_registry import Library
from evo_fool.sections import ClassifierConfig

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "keyword_spotting.py"


@pytest.fixture
def weights(data_folder: Path) -> str:
    path = data_folder / "keyword_spotting" / "res8_narrow.pt"
    if not path.is_file():
        pytest.skip(f"no keyword_spotting/res8_narrow.pt in {data_folder}")
    return str(path)


def test_yes_from_nothing(workplace: Path, weights: str) -> None:
    arguments = ("run", "mnist-cppn", "--classifier", f"{EXAMPLE}:build", "--weights", weights)
    assert main([*arguments, "-S", "batch=40", "--generations", "15"]) == 0
    with open_run(next((workplace / "outputs").glob("*_mnist-cppn_*"))) as run:
        yes = run["yes"]
        assert yes.probability > 0.9
        picture = run.image("yes")
        assert picture.shape == (1, 101, 40)
        number = yes.id
    made = load_classifier(ClassifierConfig(spec=f"{EXAMPLE}:build", weights=weights), torch.device("cpu"))
    heard = made(torch.from_numpy(picture)[None] / 255).softmax(dim=1)[0]
    assert made.classes[int(heard.argmax())] == "yes"
    with TestClient(Gallery(Library(workplace / "outputs")), base_url="http://localhost") as client:
        shown = Image.open(BytesIO(client.get(f"/runs/{run.path.name}/images/{number}.png").content))
    assert shown.size == (40, 101)
