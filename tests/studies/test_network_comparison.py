"""Networks compared: as many images against each, beside its controls; runs are found again, or given."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support import write_photographs

from evo_fool.classifiers.lenet import DIGITS
from evo_fool.cli.main import main
from evo_fool.errors import ConfigError
from evo_fool.runs import open_run
from evo_fool.studies import study_of
from evo_fool.studies.context import Context
from evo_fool.studies.network_comparison import Options
from evo_fool.studies.network_comparison.runs import DRIFTED, EVOLVED, RANDOM
from evo_fool.studies.network_comparison.study import NetworkComparison

from .conftest import StandIn


@pytest.fixture
def asked(eyes: dict[str, Any]) -> dict[str, Any]:
    """Two networks for colours and one for digits, 800 images a run."""
    classifiers = (eyes["eye"], "lenet-mnist", eyes["confused"])
    return {"classifiers": classifiers, "photos": (str(eyes["photos"]),), "images": 800, "shown": 2}


def test_networks_are_compared_at_equal_images(asked: dict[str, Any], tmp_path: Path) -> None:
    options = Options(**asked, out=tmp_path / "out")
    context = Context(options.out, seeds=options.seeds)
    study = NetworkComparison(options)
    data = study.measure(context)
    eye, lenet, confused = data["networks"]
    for network in data["networks"]:
        assert list(network["runs"]) == [EVOLVED, RANDOM, DRIFTED]
        for arm in network["runs"].values():
            assert arm["images"][-1] == 800 and arm["seeds"] == [1]
    assert eye["natural"][0] == 1 and eye["natural"][3] == 15
    assert confused["natural"][0] == pytest.approx(1 / 3)
    assert lenet["natural"] is None and lenet["classes"] == list(DIGITS)

    (matrix,) = data["transfer"]
    assert matrix["judges"] == ["eye", "eye #2"]
    assert matrix["sources"] == ["eye", "eye #2", "drifted, for eye", "drifted, for eye #2"]
    own = np.diag(np.array(matrix["mean"])[:2])
    assert (own >= np.diag(np.array(matrix["mean"])[:2, ::-1])).all(), "each is surest of its own"

    rows = {row.what: row for row in study.rows(data)}
    median = rows["lenet-mnist: median over 10 classes"]
    assert median.control is not None and "drifted 1 run of 800 images" in median.note and "p = " not in median.note
    assert rows["eye: natural images that it gets right"].ours.startswith("100.0 %")
    titles = [table.title for table in study.tables(data)]
    assert titles[0] == "What networks make of each other's images" and len(titles) == 4
    assert len(study.tables(data)[2].lines) == 10, "a line for each digit"
    text = study.conclude(data)[1]
    assert "lenet-mnist: evolution" in text and "drifted CPPNs" in text and "images it gets 33.3 % right" in text
    assert [picture.png[:4] for picture in study.pictures(context, data)] == [b"\x89PNG"] * 2

    made = sorted((tmp_path / "out" / "runs").iterdir())
    assert len(made) == 9
    again = NetworkComparison(options).measure(Context(options.out, seeds=options.seeds))
    assert again == data and sorted((tmp_path / "out" / "runs").iterdir()) == made, "found, not made again"

    given = Options(runs=tuple(map(str, made)), classifiers=asked["classifiers"][::2], shown=2)
    found = NetworkComparison(given).measure(Context(tmp_path / "out"))
    runs = {network["name"]: network["runs"] for network in found["networks"]}
    for network in data["networks"]:
        for kind, arm in network["runs"].items():
            assert sorted(map(tuple, runs[network["name"]][kind]["final"])) == sorted(map(tuple, arm["final"]))


def test_three_runs_are_compared_with_three() -> None:
    def arm(*medians: float) -> dict[str, Any]:
        final = [[median, median / 2, 0.999] for median in medians]
        seeds = list(range(len(medians)))
        return {"seeds": seeds, "images": [10, 20], "median": [[0, median] for median in medians], "final": final}

    runs = {EVOLVED: arm(0.7, 0.95, 0.8), DRIFTED: arm(0.1, 0.2, 0.3)}
    network = {"name": "net", "spec": "net", "classes": ["a", "b", "c"], "runs": runs, "natural": None}
    rows = NetworkComparison().rows({"networks": [network], "transfer": []})
    assert rows[0].ours == "80.0 % (70.0 % to 95.0 %)" and rows[0].control == "20.0 % (10.0 % to 30.0 %)"
    assert rows[0].note.endswith("drifted 3 runs of 20 images; evolved against drifted: p = 0.1")
    assert rows[1].ours == "44.4 % (33.3 to 66.7)" and rows[1].control == "33.3 % (33.3 to 33.3)"
    assert len(rows) == 3


def test_test_digits_stand_beside_networks_for_digits(mnist_dir: Path, tmp_path: Path) -> None:
    options = Options(classifiers=("lenet-mnist",), images=200, data=mnist_dir.parent, out=tmp_path)
    (network,) = NetworkComparison(options).measure(Context(tmp_path, data=options.data, seeds=(1,)))["networks"]
    share, low, high, n = network["natural"]
    assert (share, n) == (0.992, 10_000) and low < share < high


def test_the_verb(asked: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture, out = tmp_path / "images.png", tmp_path / "out"
    arguments = ["study", "network-comparison", "--images", "400", "--out", str(out), "--to", str(picture)]
    arguments += [word for spec in asked["classifiers"][1:] for word in ("--classifier", spec)]
    np.savez(
        tmp_path / "reds.npz",
        images=np.eye(3, dtype=np.uint8)[[0] * 5, :, None, None] * np.full((4, 4), 255, np.uint8),
        labels=[0] * 5,
    )
    arguments += ["--photos", "-", "--photos", str(tmp_path / "reds.npz")]
    assert main([*arguments, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["networks"][0]["natural"] is None
    assert found["networks"][1]["natural"][::3] == [0, 5], "it takes red for green"
    assert picture.read_bytes().startswith(b"\x89PNG")
    evolved, *others = (next((out / "runs").glob(f"*{kind}*")) for kind in (EVOLVED, RANDOM, DRIFTED))
    with open_run(evolved) as run:
        assert run.experiment.search.kind == "map_elites"
    for other in others:
        with open_run(other) as run:
            assert run.experiment.search.kind == "random"


def test_what_cannot_be_compared_is_refused_in_one_line(asked: dict[str, Any], cppn_run: Path, tmp_path: Path) -> None:
    unlabelled = write_photographs(tmp_path / "npz", 3, labels=False)
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "no network to compare"),
        ({"runs": (str(cppn_run),), "classifiers": asked["classifiers"][:1]}, "eye: no RUN was evolved on it"),
        ({"runs": (str(cppn_run),), "photos": (str(tmp_path), "-")}, "1 set"),
        ({"runs": (str(cppn_run),), "photos": (str(tmp_path),)}, "no photograph"),
        ({"runs": (str(cppn_run),), "photos": (str(unlabelled),)}, "holds no labels"),
    ]
    for options, message in cases:
        with pytest.raises(ConfigError, match=message) as refused:
            NetworkComparison(Options(**options)).load(Context(tmp_path))
        assert "\n" not in str(refused.value)


def test_the_page_of_the_report(stand_in: StandIn, tmp_path: Path) -> None:
    section = study_of("network-comparison").section(stand_in)
    assert section.verdict == "skipped" and "two networks" in section.why
    (tmp_path / "data" / "imagenet" / "weights" / "mobilenet_v2.pt").write_bytes(b"")
    section = study_of("network-comparison").section(stand_in)  # both names stand for the same network
    assert section.verdict == "new" and "stand-in: evolution reaches" in section.why
    assert section.rows[-1].what == "stand-in: natural images that it gets right"
    assert section.pictures and section.commands and section.settings
