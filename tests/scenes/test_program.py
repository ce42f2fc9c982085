"""A picture as the program around a task: what the network sees, scores, accuracy, mapping, and runs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support import StopAt, easy_digits, small, write_mnist
from torch import nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.evaluation.assembly import assemble
from evo_fool.experiment import Experiment
from evo_fool.probability import probability
from evo_fool.runs import digest, verify
from evo_fool.scene_sections import ProgramConfig
from evo_fool.scenes.program import Program
from evo_fool.session import evolve, resume

SQUARES = {"kind": "program", "task": "squares", "inner": 12, "count": 40, "held_out": 50}


def scene_of(**scene: Any) -> Program:
    made = assemble(Experiment.from_mapping({"scene": SQUARES | scene})).scene
    assert isinstance(made, Program)
    return made


class Counter(nn.Module):
    """Twelve classes. The logit of class 2 + i is large where the inner square has the brightness of i + 1 of 16 cells;
    classes 0 and 1 win where the frame is black."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        white = images[:, 0, 0, 0]
        inner = images[:, 0, 12:48, 12:48].mean(dim=(1, 2)) * 16
        counts = -20 * (inner[:, None] - torch.arange(1.0, 11.0)) ** 2
        return torch.cat([80 * (0.4 - white)[:, None].expand(-1, 2), counts], dim=1)


def counter(mapping: str, *, racing: str = "exact", count: int = 40) -> Program:
    classes = ["none", "neither", *(f"{i + 1} squares" for i in range(10))]
    network = Classifier(Counter(), classes=classes, size=60, channels=1, name="counter")
    config = ProgramConfig.model_validate(
        SQUARES | {"inner": None, "mapping": mapping, "racing": racing, "count": count}
    )
    return Program(config, Scorer(network, batch=16, view="auto", device=torch.device("cpu")), 1)


def pictures(scene: Program, n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, *scene.shape), dtype=np.uint8)


def test_inputs_are_task_images_in_the_middle_of_the_picture() -> None:
    scene = scene_of()
    (picture,) = pictures(scene, 1)
    shown = scene.shown(picture)
    assert shown.shape == (40, 1, 28, 28)
    assert np.array_equal(shown[:, :, 8:20, 8:20], scene.task.train.images)
    outside = np.ones((28, 28), bool)
    outside[8:20, 8:20] = False
    assert (shown[..., outside] == picture[..., outside]).all()
    blank = scene.originals([3])
    assert (blank[..., outside] == 128).all()
    assert np.array_equal(blank[0, :, 8:20, 8:20], scene.task.train.images[3])


def test_the_score_is_the_log_odds_of_the_geometric_mean_probability_of_the_right_class() -> None:
    scene = scene_of()
    assert scene.cells == ("squares",)
    some = pictures(scene, 5)
    for picture, (found,) in zip(some, scene.score(some), strict=True):
        p = probability(scene.scorer.score(scene.shown(picture)))
        right = p[np.arange(40), scene.task.train.labels]
        assert np.isclose(np.log(probability(found)), np.log(right).mean(), atol=1e-6)


def test_scores_do_not_saturate() -> None:
    sums = np.array([-1e-12, -1e-200, -5e4])[:, None, None]
    scores = scene_of().score_of(sums, 1)[:, 0]
    assert scores == pytest.approx([12 * np.log(10), 200 * np.log(10), -5e4])
    assert np.isfinite(scene_of().score_of(np.zeros((1, 1, 1)), 1)).all()


@pytest.mark.parametrize("seed", range(4))
def test_exact_racing_finds_the_winner_of_no_racing(seed: int) -> None:
    exact, none = scene_of(racing="exact"), scene_of(racing="none")
    some = pictures(exact, 30, seed)
    threshold = none.score(pictures(none, 30, seed + 9)).max(axis=0) if seed % 2 else np.array([-np.inf])
    whole, raced = none.score(some, threshold), exact.score(some, threshold)
    if whole.max() > threshold[0]:
        assert raced.argmax() == whole.argmax()
    kept = np.isfinite(raced)
    assert np.allclose(raced[kept], whole[kept], atol=1e-6)
    assert none.passes == none.possible
    assert exact.passes <= exact.possible


def test_exact_racing_saves_passes_against_a_good_program() -> None:
    scene = scene_of(racing="exact")
    assert np.isneginf(scene.score(pictures(scene, 20), np.array([-1.0]))).all()
    assert scene.passes < scene.possible / 2


def test_a_program_that_works_has_all_its_answers_on_the_diagonal() -> None:
    scene = counter("greedy")
    assert scene.mapping.tolist() == list(range(2, 12))
    white = np.full((1, 60, 60), 255, np.uint8)
    report = scene.report(white)
    assert report["accuracy"] == report["accuracy_of_all_classes"] == 1
    assert report["confusion"] == (5 * np.eye(10, dtype=int)).tolist()
    assert report["chance"] == 0.1
    assert report["classes"][9] == "10 squares"
    black = scene.report(0 * white)
    assert black["accuracy"] == 1, "among the mapped classes"
    assert black["accuracy_of_all_classes"] == 0
    assert scene.score(np.stack([0 * white, white])).argmax() == 1


def test_in_order_the_labels_are_the_first_classes() -> None:
    scene = counter("order")
    assert scene.record()["classes"] == ["none", "neither", *(f"{i + 1} squares" for i in range(8))]
    report = scene.report(np.full((1, 60, 60), 255, np.uint8))
    confusion = np.array(report["confusion"])
    assert confusion.sum(axis=1).tolist() == [5] * 10
    assert confusion[0, 2] == 5, "one square is answered by the class that stands for three"
    assert report["accuracy"] == 0


def test_the_record_knows_the_images_and_the_mapping() -> None:
    assert scene_of().record() == scene_of().record()
    others: list[dict[str, Any]] = [{"count": 30}, {"held_out": 60}, {"inner": 10}, {"mapping": "greedy"}]
    assert all(scene_of(**other).record() != scene_of().record() for other in others)


@pytest.mark.parametrize("encoding", ["pixels", "cppn"])
@pytest.mark.parametrize("search", [{"kind": "map_elites"}, {"kind": "genetic", "target": "squares"}])
def test_stopping_and_resuming_gives_the_bytes_of_one_go(encoding: str, search: dict[str, Any], out: Path) -> None:
    experiment = small(encoding, generations=6, batch=8, search=search, scene=SQUARES)
    whole = evolve(experiment, out=out)
    parts = resume(evolve(experiment, out=out, callbacks=[StopAt(3)]).path)
    assert digest(parts.store) == digest(whole.store)
    assert verify(parts).clean
    (best,) = whole.elites
    assert (best.class_name, whole.classes) == ("squares", ("squares",))
    assert np.isclose(scene_of().score(whole.image(best.class_index)[None])[0, 0], best.log_odds, atol=1e-4)


def test_the_digits_as_a_task_of_their_own_network(tmp_path: Path) -> None:
    write_mnist(tmp_path, train=60, test=40)
    scene = scene_of(task="mnist", data=str(tmp_path), inner=20, held_out=40)
    assert scene.cells == ("mnist",)
    assert np.array_equal(scene.task.held_out.labels, easy_digits(40, 1)[1])
    assert scene.report(np.zeros((1, 28, 28), np.uint8))["images"] == 40


@pytest.mark.parametrize(
    ("scene", "said"),
    [
        ({"inner": 28}, "images of 28x28 leave no frame of the 28x28 that the classifier takes"),
        ({"inner": None}, "images of 36x36 leave no frame of the 28x28"),
        ({"count": 20_000}, r"scene\.count = 20000"),
        ({"count": 5}, r"scene\.count = 5: the task has 10 labels"),
        ({"mapping": "best"}, r"scene\.mapping = 'best'"),
        ({"task": "triangles"}, "triangles: No such file"),
        ({"data": "/nowhere", "task": "mnist"}, "/nowhere is no folder"),
    ],
)
def test_unusable_settings_take_one_line(scene: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as error:
        scene_of(**scene)
    assert "\n" not in str(error.value)


def test_a_task_with_more_labels_than_classes_is_refused(tmp_path: Path) -> None:
    images = np.zeros((44, 8, 8, 1), np.uint8)
    np.savez(tmp_path / "letters.npz", images=images, labels=np.arange(44) % 11)
    with pytest.raises(ConfigError, match="has 11 labels, the classifier 10 classes"):
        scene_of(task=str(tmp_path / "letters.npz"), count=22, held_out=22)
