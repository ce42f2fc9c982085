"""The ImageNet experiments on a real network, at a size that takes a second."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evo_fool.presets import preset_names

Json = Callable[..., Any]


@pytest.fixture
def network(data_folder: Path, workplace: Path) -> list[str]:
    """The options that name a real network's weights."""
    weights = data_folder / "imagenet" / "weights" / "squeezenet1_1.pt"
    if not weights.is_file():
        pytest.skip(f"no imagenet/weights in {data_folder}")
    return ["--classifier", "torchvision:squeezenet1_1", "--weights", str(weights)]


@pytest.fixture
def run(network: list[str], invoke_json: Json) -> dict[str, Any]:
    """A run at 64x64, which is scored at the network's own 224x224."""
    return dict(
        invoke_json("run", "imagenet-cppn", *network, "-S", "batch=6", "-S", "encoding.size=64", "--generations=2")
    )


@pytest.mark.parametrize("text", ["remote control", "Remote Control", "n04074963", "761", "REMOTE"])
def test_a_class_is_shown_by_any_of_its_names(text: str, run: dict[str, Any], invoke_json: Json) -> None:
    shown = invoke_json("show", run["path"], text)
    assert (shown["class_index"], shown["class_name"]) == (761, "remote control")
    assert shown["class_aliases"] == ["n04074963", "remote"]


def test_several_classes_of_one_name_are_listed(run: dict[str, Any], invoke: Callable[..., Any]) -> None:
    code, out, err = invoke("show", run["path"], "panther")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "286 cougar or 290 jaguar" in err


def test_a_resumed_run_is_the_uninterrupted_one_and_verifies(
    run: dict[str, Any], network: list[str], invoke_json: Json
) -> None:
    settings = ("-S", "batch=6", "-S", "encoding.size=64")
    first = invoke_json("run", "imagenet-cppn", *network, *settings, "--generations", "1")
    resumed = invoke_json("resume", first["path"], "--generations", "2")
    digests = [invoke_json("digest", each["path"])["digest"] for each in (run, resumed)]
    assert digests[0] == digests[1]
    assert invoke_json("verify", resumed["path"])["clean"]
    assert run["preset"] == "imagenet-cppn, batch, classifier.weights, encoding.size changed"


def test_the_sheet_of_a_thousand_classes(run: dict[str, Any], invoke_json: Json) -> None:
    assert (run["classes"], run["occupied"]) == (1000, 1000)
    assert Path(invoke_json("sheet", run["path"])["path"]).stat().st_size > 100_000


def test_the_genetic_algorithm_evolves_one_class(network: list[str], invoke_json: Json) -> None:
    settings = ("-S", "batch=4", "-S", "encoding.size=64", "-S", "search.target=Remote Control")
    summary = invoke_json("run", "imagenet-ga", *network, *settings, "--generations", "1")
    assert (summary["targets"], summary["occupied"], summary["classes"]) == (1, 1, 1000)
    (elite,) = invoke_json("show", summary["path"])["elites"]
    assert (elite["class_index"], elite["probability"]) == (761, summary["median_confidence"])


@pytest.mark.parametrize("name", [name for name in preset_names() if "/imagenet" in name])
def test_the_papers_experiments_run(name: str, network: list[str], invoke_json: Json) -> None:
    summary = invoke_json("run", name, *network, "-S", "batch=2", "-S", "initial=2", "--generations", "1")
    assert (summary["status"], summary["evaluations"], summary["occupied"]) == ("finished", 4, 1000)
    assert invoke_json("show", summary["path"], "n04074963")["image_shape"] == [3, 256, 256]
