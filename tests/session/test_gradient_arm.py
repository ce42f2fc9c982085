"""Children made by following the network's gradient: paid for, limited, repeatable, named, and refused without one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from support import StopAt, easy_digits, small

from evo_fool.classifiers.base import Classifier
from evo_fool.cli.verbs import application
from evo_fool.encodings import PixelEncoding, build_encoding
from evo_fool.encodings.base import Encoding
from evo_fool.errors import ClassifierError, ConfigError
from evo_fool.evaluation import Scored
from evo_fool.evaluation.assembly import assemble, plan
from evo_fool.evolution.archive import ClassArchive
from evo_fool.evolution.bandit import FLOOR, GRADIENT, Bandit
from evo_fool.evolution.map_elites import MapElites
from evo_fool.randomness import stream
from evo_fool.runs import digest, open_run, verify
from evo_fool.runs.history import operator_choices
from evo_fool.runs.run import Run
from evo_fool.scenes import Scene
from evo_fool.sections import PixelsConfig
from evo_fool.session import Progress, evolve, resume
from evo_fool.text import provenance


def arm(share: float = 0.5, **changes: Any) -> dict[str, Any]:
    return {"search": {"kind": "map_elites", "operators": "adaptive", "gradient": share} | changes}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return evolve(small(generations=40, **arm()), out=tmp_path_factory.mktemp("arm"))


def test_a_child_by_gradient_is_paid_for_as_four_images(run: Run) -> None:
    assert run.metrics["evaluations"].tolist() == [16 * (g + 1) for g in range(41)]
    choices = {name: np.asarray(made) for name, made in operator_choices(run).items()}
    steps = choices.pop("gradient")
    assert steps.sum() > 3
    assert (4 * steps[1:] + sum(choices.values())[1:] == 16).all()
    for id, generation in run.store.rows("SELECT id, generation FROM individuals"):
        assert 16 * generation <= id < 16 * (generation + 1) - 3 * steps[generation]
    parents = run.store.rows("SELECT parent, second_parent FROM individuals WHERE operator = 'gradient'")
    assert parents and all(first is not None and second is None for first, second in parents)


def test_passes_count_the_way_there_and_back(tmp_path: Path) -> None:
    seen: list[Progress] = []
    found = evolve(small(**arm(), scoring={"precision": "float32"}), out=tmp_path, callbacks=[seen.append])  # type: ignore[list-item]
    assert [(p.passes, p.images) for p in seen] == [(p.possible, p.passes) for p in seen]
    assert seen[-1].passes == found.metrics["evaluations"][-1]


def test_shares_are_counted_by_the_image_and_limited() -> None:
    rng = stream(1, "t")
    bandit = Bandit([1.0, 1.0, 8.0], [1, 1, 4])
    assert bandit.means.tolist() == [1.0, 1.0, 2.0]
    share = FLOOR / 3 + (1 - FLOOR) / 2
    for limit, images in ((1.0, 50), (0.2, 50), (0.2, 5), (0.01, 64)):
        drawn = [bandit.draw_last(images, limit, rng) for _ in range(4000)]
        assert 4 * max(drawn) <= images
        assert 4 * np.mean(drawn) / images == pytest.approx(min(limit, share), rel=0.1)
    bandit.learn(np.array([2, 0]), np.array([16.0, 1.0]))
    assert bandit.means.tolist() == pytest.approx([1.0, 1.0, 2.02])
    drawn = np.bincount(bandit.draw(20_000, rng, 2), minlength=3) / 20_000
    assert drawn == pytest.approx([0.5, 0.5, 0], abs=0.02)


def test_a_step_is_for_the_cell_that_its_parent_was_drawn_for() -> None:
    encoding = build_encoding(PixelsConfig(kind="pixels"), size=4, channels=1)
    search = MapElites(small("pixels", batch=16, **arm(1.0)), encoding, ClassArchive(8))
    first = search.generate(0)
    scores = np.random.default_rng(1).normal(size=(16, 8))
    search.update(first, Scored(encoding.render(first.genomes), scores))
    asked: dict[str, np.ndarray] = {}

    def ascend(genomes: np.ndarray, cells: np.ndarray, rng: Any) -> np.ndarray:
        asked.update(genomes=genomes.copy(), cells=cells)
        return genomes * 0.5

    search.toolbox.register("ascend", ascend)
    assert search.bandit is not None
    search.bandit.means[-1] = 1e6
    children = search.generate(1)
    rows = [row for row, name in enumerate(children.operators) if name == "gradient"]
    assert len(rows) >= 3 and len(children) + children.extra == 16 and children.extra == 3 * len(rows)
    assert asked["genomes"].tobytes() == search.archive.genomes_of(asked["cells"]).tobytes()
    assert children.parents[rows, 0].tolist() == search.archive.ids[asked["cells"]].tolist()
    assert children.genomes[rows].tobytes() == (asked["genomes"] * np.float32(0.5)).tobytes()
    search.update(children, Scored(encoding.render(children.genomes), np.full((len(children), 8), 9.0)))
    assert search.evaluations == 32
    search.toolbox.register("ascend", lambda genomes, cells, rng: genomes[:1])
    with pytest.raises(ConfigError, match=r"toolbox\.ascend returned"):
        search.generate(2)


@pytest.mark.parametrize("kind", ["cppn", "pixels", "spectral"])
def test_most_first_steps_raise_their_cell(kind: str) -> None:
    parts = assemble(small(kind))
    genomes = parts.encoding.random(60, stream(1, "t"))
    cells = np.arange(60) % 10
    before = parts.evaluator.evaluate(genomes).log_odds[np.arange(60), cells]
    stepped = parts.evaluator.ascend(genomes, cells, stream(1, "step"))
    rise = parts.evaluator.evaluate(stepped).log_odds[np.arange(60), cells] - before
    assert (rise > 0).mean() > 0.5
    assert (rise >= 0).mean() > 0.9


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("cppn", arm(0.9)),
        ("cppn", arm(parents="recent", recency=50) | {"scoring": {"view": "ten-crop"}}),
        ("pixels", arm(parents="curiosity") | {"scoring": {"precision": "bfloat16", "batch": 3}}),
        ("spectral", arm()),
    ],
)
def test_stopping_and_resuming_gives_the_bytes_of_one_go(kind: str, changes: dict[str, Any], tmp_path: Path) -> None:
    if changes.get("scoring", {}).get("view") == "ten-crop":
        changes = changes | {"encoding": {"kind": kind, "size": 32}}
    experiment = small(kind, **changes)
    whole = evolve(experiment, out=tmp_path)
    parts = evolve(experiment, out=tmp_path, callbacks=[StopAt(3)])
    while parts.status != "finished":
        parts = resume(parts.path, callbacks=[StopAt(5)])
    assert digest(parts.store) == digest(whole.store)
    choices = "SELECT * FROM choices ORDER BY generation, operator"
    assert parts.store.rows(choices) == whole.store.rows(choices)
    assert "gradient" in operator_choices(whole)
    assert verify(parts).clean


def test_every_report_names_it(run: Run) -> None:
    assert run.summary()["search"] == "map_elites, uses gradients"
    assert "uses gradients" in provenance(run.summary())
    assert run.label.endswith(", uses gradients")
    command = ["run", "mnist-cppn", "-S", "search.operators=adaptive", "-S", "search.gradient=0.2"]
    answer = CliRunner().invoke(application, [*command, "--check", "--json"])
    assert answer.exit_code == 0, answer.output
    facts = json.loads(answer.stdout)
    assert facts["search"] == "map_elites, uses gradients"
    assert "search.gradient" in facts["preset"]


def test_without_it_nothing_is_named(cppn_run: Path) -> None:
    with open_run(cppn_run) as plain:
        assert "gradient" not in plain.summary()["search"] + plain.label
    with_arm, without = (plan(small(**arm(share))).parts for share in (0.5, 0.0))
    assert (with_arm.scene.passes, without.scene.passes) == (0, 0)
    search = MapElites(small(**arm(0.0)), without.encoding, ClassArchive(10))
    assert GRADIENT not in search.operators


class Still(PixelEncoding):
    """Pixels that no gradient moves."""

    ascend = Encoding.ascend


def function(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1)[:, :10].astype(np.float64) / 99


def refused(problem: str, out: Path, experiment: Any, kind: type = ConfigError, **parts: Any) -> None:
    with pytest.raises(kind, match=problem) as caught:
        evolve(experiment, out=out, **parts)
    assert "\n" not in str(caught.value)
    assert "without" in str(caught.value) and "search.gradient=0" in str(caught.value)
    assert not any(not path.name.startswith(".") for path in out.iterdir())


def test_what_has_no_gradient_is_refused_before_the_run(tmp_path: Path) -> None:
    names = [str(i) for i in range(10)]
    opaque = Classifier(function, classes=names, size=8, channels=1, name="function")
    refused("'function' has no gradient", tmp_path, small(**arm()), ClassifierError, classifier=opaque)
    assert evolve(small(**arm(0.0), generations=1), out=tmp_path / "without", classifier=opaque).status == "finished"
    still = Still(PixelsConfig(kind="pixels"), size=28, channels=1)
    (tmp_path / "out").mkdir()
    refused("Still cannot follow gradients", tmp_path / "out", small(**arm()), encoding=still)
    images, labels = easy_digits(4, 1)
    photos = tmp_path / "digits.npz"
    np.savez(photos, images=images[:, None], labels=labels.astype(np.int64))
    scene = {"kind": "perturbation", "photos": str(photos), "epsilon": 20, "cells": "other"}
    refused("scene.kind = 'perturbation'", tmp_path / "out", small(**arm(), scene=scene))


def test_a_network_from_onnx_is_refused_in_one_line(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is an optional extra")
    pytest.importorskip("onnxruntime", reason="onnxruntime is an optional extra")
    weight = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)
    floats, make = onnx.TensorProto.FLOAT, onnx.helper.make_tensor_value_info
    nodes = [onnx.helper.make_node("Flatten", ["x"], ["f"]), onnx.helper.make_node("MatMul", ["f", "w"], ["y"])]
    given, answer = make("x", floats, ["n", 1, 8, 8]), make("y", floats, ["n", 3])
    graph = onnx.helper.make_graph(nodes, "net", [given], [answer], [onnx.numpy_helper.from_array(weight, "w")])
    version = onnx.helper.make_opsetid("", 13)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[version], ir_version=8), tmp_path / "net.onnx")
    settings = ["search.operators=adaptive", "search.gradient=0.1", f"classifier.spec=onnx:{tmp_path / 'net.onnx'}"]
    command = ["run", "mnist-cppn", *(part for each in settings for part in ("-S", each)), "--out", str(tmp_path / "o")]
    found = CliRunner().invoke(application, command)
    assert isinstance(found.exception, ClassifierError)
    assert "has no gradient" in str(found.exception) and "\n" not in str(found.exception)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"search": {"kind": "map_elites", "gradient": 0.1}}, "search.operators: adaptive"),
        (arm() | {"batch": 3}, "batch = 3"),
        (arm(1.5), "less than or equal to 1"),
        ({"search": {"kind": "random", "gradient": 0.1}}, "gradient"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        small(**settings)
    assert "\n" not in str(caught.value)


def test_memory_that_runs_out_on_the_way_back_halves_the_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = assemble(small(scoring={"batch": 8}))
    scorer, pictures = parts.evaluator.scorer, np.zeros((8, 1, 28, 28), np.uint8)
    forward = scorer.classifier.network.forward

    def small_only(images: torch.Tensor) -> torch.Tensor:
        if images.requires_grad and len(images) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(images)

    monkeypatch.setattr(scorer.classifier.network, "forward", small_only)
    scene: Scene = parts.scene
    assert np.isfinite(scene.slopes(pictures, np.arange(8))).all()
    assert (scorer.batch, scene.passes) == (2, 24)
