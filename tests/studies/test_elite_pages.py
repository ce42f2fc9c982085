"""Pages of gradient ascent, transfer, repetition, attribution, paths: made without data, or skipped with a reason."""

from importlib import import_module
from pathlib import Path

import pytest

from evo_fool.classifiers.mnist_data import Digits
from evo_fool.studies import STUDIES, study_of
from evo_fool.studies.context import Context
from evo_fool.studies.data_folder import MnistData
from evo_fool.studies.section import Section

MADE = ("gradient-ascent", "attribution", "paths")
SKIPPED = {"transfer": "MNIST", "repetition": "ImageNet network"}


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return Context(tmp_path_factory.mktemp("reproduction"), "smoke")


@pytest.mark.parametrize("name", MADE)
def test_page_without_data(name: str, context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "gradient-ascent":  # fewer steps; the page's own are tested by the study's tests
        page = import_module("evo_fool.studies.gradient_ascent.study")
        monkeypatch.setattr(page, "SETTINGS", {"none": page.shortened(page.SETTINGS["none"], 8)})
    section = study_of(name).section(context)
    assert isinstance(section, Section) and section.key == name
    assert section.verdict != "skipped" and section.rows and section.why
    assert all(row.what.startswith("MNIST") for row in section.rows)
    assert all(picture.png.startswith(b"\x89PNG") for picture in section.pictures)
    assert study_of(name).section(context).data == section.data  # from the cache


@pytest.mark.parametrize("name", SKIPPED)
def test_page_skipped(name: str, context: Context) -> None:
    section = study_of(name).section(context)
    assert section.verdict == "skipped" and SKIPPED[name] in section.why and "--data" in section.why


def test_all_are_registered() -> None:
    assert set(MADE) | set(SKIPPED) <= set(STUDIES)


def test_digits_transfer(tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole page on MNIST at the smallest budget: every network is surest of what was evolved against it."""
    if not (data_folder / "mnist").is_dir():
        pytest.skip(f"no mnist in {data_folder}")
    context = Context(tmp_path, "smoke", data_folder)
    data = context.data.mnist()
    assert data is not None
    few = MnistData(Digits(data.train.images[:6000], data.train.labels[:6000]), data.test)
    monkeypatch.setattr(context.data, "mnist", lambda: few)
    monkeypatch.setattr(context.data, "imagenet_networks", lambda: {})
    section = study_of("transfer").section(context)
    (table,), noise = section.data["MNIST"]["by seed"], section.data["MNIST"]["noise"]
    networks = len(table["judges"])
    for i in range(networks):
        assert table["mean"][i][i] > 0.8 > 0.3 > noise["mean"][-1][i]
        assert table["mean"][i][i] >= max(table["mean"][j][i] for j in range(networks)) - 0.05
        # Chosen for the network, but from few: better than chance, worse than evolved.
        assert noise["mean"][-1][i] < noise["mean"][i][i] < table["mean"][i][i]
    assert section.settings["MNIST"]["networks"]["LeNet"] == {
        "spec": "lenet-mnist",
        "seed": 0,
        "epochs": 14,
        "test_error": 0.008,
    }
    assert all(0 < network["test_error"] < 0.2 for network in section.settings["MNIST"]["networks"].values())
