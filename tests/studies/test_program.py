"""`evo-fool study program`: accuracies known beforehand, controls, runs, and the report's page."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support import small
from torch import nn

from evo_fool.classifiers.base import Classifier
from evo_fool.errors import ConfigError
from evo_fool.runs import Run
from evo_fool.scene_sections import ProgramConfig
from evo_fool.scenes.program import Program
from evo_fool.scenes.tasks import TaskImages
from evo_fool.session import evolve
from evo_fool.session.gradient_run import gradient_run
from evo_fool.studies import study_of
from evo_fool.studies.context import Context
from evo_fool.studies.program import Options
from evo_fool.studies.program.measure import linear_accuracy, untrained
from evo_fool.studies.program.programs import Reprogramming, programs_of_runs
from evo_fool.studies.program.study import Programs

SQUARES = {"kind": "program", "task": "squares", "count": 40, "held_out": 50}
SMALL = SQUARES | {"inner": 12, "count": 20, "held_out": 20}
"""For LeNet, whose inputs are smaller than the task's images."""


class Counter(nn.Module):
    """Counts the squares, times the brightness of the frame; the logit of class i is largest at i + 1."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        counted = images[:, 0, 0, 0] * images[:, 0, 12:48, 12:48].mean(dim=(1, 2)) * 16
        return -20 * (counted[:, None] - torch.arange(1.0, 11.0)) ** 2


def counting(context: Context, name: str, value: int) -> Reprogramming:
    """A frame of one value, 1 of 255 or more, around squares."""
    network = Classifier(Counter(), classes=[f"c{i + 1}" for i in range(10)], size=60, channels=1, name="counter")
    scene = Program(ProgramConfig.model_validate(SQUARES), context.scorer(network), 1)
    picture = np.full((1, 60, 60), value, np.uint8)
    return Reprogramming(name, "evolved", picture, scene, "counter", scene.task.held_out, True, 1)


class Planted(Programs):
    """White and black frames on a network that counts in white ones."""

    def load(self, context: Context) -> list[Reprogramming]:
        return [counting(context, "white", 255), counting(context, "black", 0)]


def by_gradient(out: Path, **scene: Any) -> Run:
    settings = {"method": "program", "settings": {"epochs": 2, "batch": 10}}
    run, _ = gradient_run(small("pixels", scene=SMALL | scene, search={"kind": "gradient"} | settings), out=out)
    return run


def test_a_frame_that_works_stands_beside_frames_that_do_not() -> None:
    study = Planted(Options(runs=("any",), random=4))
    data = study.measure(Context(None))
    white, black = data["programs"]
    assert (white["accuracy"], black["accuracy"]) == (1, 0.1)
    # Wilson: p = 1, n = 50, z = 1.96: n / (n + z²)
    assert white["low"] == pytest.approx(50 / (50 + 1.96**2), abs=1e-4) and white["high"] == 1
    assert white["controls"] == black["controls"] == 0 and len(data["controls"]) == 1
    (control,) = data["controls"]
    assert (control["none"], control["chance"]) == (0.1, 0.1), "half of one square is nearest to one square"
    assert len(control["random"]) == 4 and max(control["random"]) < 1
    rows = study.rows(data)
    assert rows[0].what == "squares on counter (its own): white (evolved)"
    assert rows[0].ours == "100.0 % (92.9 to 100.0)" and rows[0].paper is None
    assert rows[0].control == f"≤ {100 * max(0.1, *control['random']):.1f} %"
    assert [row.what.partition(": ")[2] for row in rows[2:]] == [
        "no program",
        "4 random programs",
        "a linear classifier instead",
        "chance",
    ]
    assert "1 of 2 programs lie with their whole interval above" in study.conclude(data)[1]
    assert study.table(data).lines[3] == ("white", "counter", "4", "c4", 5, 5)
    board, first, _ = study.pictures(Context(None), data)
    assert all(picture.png.startswith(b"\x89PNG") and not picture.borrowed for picture in (board, first))


def test_the_linear_classifier_learns_what_pixels_tell_and_no_more() -> None:
    def part(n: int, seed: int, *, told: bool) -> TaskImages:
        rng = np.random.default_rng(seed)
        labels = np.arange(n) % 3
        images = rng.integers(0, 60, (n, 1, 4, 4), dtype=np.uint8)
        if told:
            images[np.arange(n), 0, labels, labels] += 150
        return TaskImages(images.repeat(3, axis=1), labels)

    assert linear_accuracy(part(90, 1, told=True), part(60, 2, told=True))["accuracy"] == 1
    found = linear_accuracy(part(90, 1, told=False), part(600, 2, told=False))
    assert found["low"] < 1 / 3 < found["high"]


def test_a_network_with_random_weights_is_another_and_the_seed_decides_it() -> None:
    layers = nn.Sequential(nn.Conv2d(1, 64, 3), nn.BatchNorm2d(64), nn.ReLU(), nn.Flatten(), nn.Linear(64 * 36, 2))
    layers[1].running_mean.fill_(7)
    made = Classifier(layers, classes=["a", "b"], size=8, channels=1, name="net")
    before = made.fingerprint()
    one, same, other = (untrained(made, seed) for seed in (1, 1, 2))
    assert made.fingerprint() == before and one.name == "net, random weights"
    assert one.fingerprint() == same.fingerprint() and len({before, one.fingerprint(), other.fingerprint()}) == 3
    network = one.network
    assert network[0].weight.std().item() == pytest.approx((2 / 9) ** 0.5, rel=0.1)  # type: ignore[index]
    assert not network[0].bias.any() and not network[1].running_mean.any()  # type: ignore[index]
    assert (network[1].weight == 1).all() and (network[1].running_var == 1).all()  # type: ignore[index]


def test_runs_with_their_controls(tmp_path: Path) -> None:
    gradient, evolved = by_gradient(tmp_path), evolve(small("cppn", generations=2, scene=SMALL), out=tmp_path)
    options = Options(runs=(str(gradient.path), str(evolved.path)), random=2, untrained=True, held_out=30)
    data = Programs(options).measure(Context(None))
    first, second = data["programs"]
    assert (first["kind"], second["kind"], first["own"]) == ("gradient", "evolved", True)
    assert first["images"] == 30 and sum(map(sum, first["confusion"])) == 30
    assert 0 <= first["untrained"]["low"] <= first["untrained"]["accuracy"] and second["untrained"] is None
    assert first["controls"] == second["controls"] == 0
    assert data == Programs(options).measure(Context(None))
    own = Programs(Options(runs=(str(gradient.path),), random=1)).measure(Context(None))["programs"][0]
    assert own["images"] == 20
    reported = gradient_run(small("pixels", scene=SMALL, search=gradient.experiment.search), out=tmp_path)[1]
    assert own["accuracy"] == reported["accuracy"]


def test_a_programs_labels_keep_their_classes_on_another_network(tmp_path: Path) -> None:
    run = by_gradient(tmp_path, mapping="greedy")
    (tmp_path / "others.py").write_text(
        "import torch\nfrom evo_fool.classifiers.base import Classifier\n"
        "class Net(torch.nn.Module):\n"
        "    def forward(self, x):\n        return x.flatten(1)[:, :10]\n"
        "def turned():\n"
        "    return Classifier(Net(), classes=[str(9 - i) for i in range(10)], size=28, channels=1, name='turned')\n"
        "def letters():\n"
        "    return Classifier(Net(), classes=list('abcdefghij'), size=28, channels=1, name='letters')\n"
    )
    options = {"runs": (str(run.path),)}
    own, turned = (
        programs_of_runs(Context(None), Options(**options, classifiers=classifiers))[0]
        for classifiers in ((), (f"{tmp_path}/others.py:turned",))
    )
    assert (own.own, turned.own) == (True, False)
    assert (own.scene.mapping + turned.scene.mapping == 9).all()
    with pytest.raises(ConfigError, match=r"letters knows no class '.', which stands for a label"):
        programs_of_runs(Context(None), Options(**options, classifiers=(f"{tmp_path}/others.py:letters",)))


def test_what_cannot_be_tested_is_refused_in_one_line(tmp_path: Path) -> None:
    alone = str(evolve(small("pixels", generations=1), out=tmp_path).path)
    evolved = str(evolve(small("pixels", generations=1, scene=SMALL), out=tmp_path).path)
    folder = tmp_path / "task"
    np.savez(folder.with_suffix(".npz"), images=np.zeros((8, 6, 6, 1), np.uint8), labels=np.arange(8) % 2)
    moved = by_gradient(tmp_path, task=str(folder.with_suffix(".npz")), inner=None, count=4, held_out=4)
    np.savez(folder.with_suffix(".npz"), images=np.ones((8, 6, 6, 1), np.uint8), labels=np.arange(8) % 2)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"runs": (alone,)}, "its scene is alone; only programs have a task"),
        ({"runs": (evolved,), "untrained": True}, "--untrained: no RUN was made by gradient"),
        ({"runs": (evolved, evolved)}, "given twice"),
        ({"runs": (evolved,), "photos": "x"}, "reads no images; leave it out"),
        ({"runs": (str(moved.path),)}, "made with are not found; restore them, or say where they are: --photos PATH"),
    ]
    for options, message in cases:
        with pytest.raises(ConfigError, match=message) as refused:
            Programs(Options(**options)).load(Context(None))
        assert "\n" not in str(refused.value)


def test_the_page_without_a_network_says_what_it_needs(tmp_path: Path) -> None:
    section = study_of("program").section(Context(tmp_path, "smoke"))
    assert section.verdict == "skipped" and "--data" in section.why


def test_the_page_at_the_smallest_budget(tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = Context(tmp_path, "smoke", data_folder)
    if not context.data.imagenet_networks():
        pytest.skip(f"no imagenet/weights in {data_folder}")
    monkeypatch.setattr("evo_fool.studies.program.programs._tasks", lambda context: {"squares": None})
    section = study_of("program").section(context)
    assert section.verdict == "new" and section.data["programs"][0]["untrained"]
    kinds = [program["kind"] for program in section.data["programs"]]
    assert kinds == ["gradient", "evolved", "evolved", "random search", "random search"]
    assert "recalled" in str(section.rows[0].paper)
    assert study_of("program").section(context).data == section.data  # from the cache
