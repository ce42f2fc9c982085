"""Runs of pictures found by gradient: each step of a method is a generation, scored by the scene as any picture is.

Such a run reads, exports and verifies like any other; it cannot be evolved further.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.preflight import preflight
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.encodings.pixels import genes_of
from evo_fool.errors import ConfigError, EvoFoolError
from evo_fool.evaluation import Scored
from evo_fool.evaluation.assembly import Parts, assemble, resolved, with_absolute_paths
from evo_fool.evaluation.environment import choose_device
from evo_fool.evaluation.memory_need import check_memory
from evo_fool.evolution.archive import ClassArchive
from evo_fool.evolution.population import Population
from evo_fool.evolution.statistics import build_statistics
from evo_fool.evolution.strategy import ArchiveStrategy
from evo_fool.experiment import Experiment
from evo_fool.gradient.ball import Ball
from evo_fool.gradient.lbfgs import lbfgs
from evo_fool.gradient.methods import begin, require_linear, settings_of
from evo_fool.gradient.step import Report, Step, clean_predictions, require_gradient, silent
from evo_fool.probability import probability
from evo_fool.randomness import stream
from evo_fool.runs.directory import log_event, new_directory
from evo_fool.runs.lock import writer
from evo_fool.runs.retention import Retention
from evo_fool.runs.run import Run, open_run
from evo_fool.runs.store import Store
from evo_fool.sampling import evenly
from evo_fool.scene_sections import PerturbationConfig
from evo_fool.scenes.perturbation import classes_named
from evo_fool.scenes.photographs import Photographs, read_photographs
from evo_fool.sections import CheckpointConfig, GradientConfig, PixelsConfig
from evo_fool.session.recorder import Recorder
from evo_fool.session.session import describe, write_experiment

_TOGETHER = 32
"""Pairs of photograph and target that are worked on before their runs are written."""

RANDOM = "random"
"""The cell that stands for a class that is drawn for each photograph."""


def gradient_run(
    experiment: Experiment,
    *,
    out: str | Path = "outputs",
    classifier: Classifier | None = None,
    report: Report = silent,
    stop: Callable[[], str] = str,
) -> tuple[Run, dict[str, Any]]:
    """Follow the gradients as ``experiment.search`` says and make a run directory of it below ``out``.

    Args:
        experiment: its search is a :class:`.GradientConfig` of a method that yields steps; its scene the one that the
            method is for.
        out: the folder that run directories are made in.
        classifier: one that is ready, in place of the one that the experiment names.
        report: told how much is done, of how much.
        stop: asked after every step; a text, such as ``"ctrl-c"``, stops with a commit.

    Returns:
        The run, and what the scene reports of its picture; nothing where there are several.

    Raises:
        ConfigError: the experiment does not fit the method.
        ClassifierError: the network has no gradient, or foolbox is needed and not installed.
    """
    search = experiment.search
    if not isinstance(search, GradientConfig):
        raise ConfigError(f"search.kind = {search.kind!r}: a gradient method needs search.kind: gradient")
    settings = settings_of(search.method, search.settings)
    experiment, parts = _prepared(experiment, classifier)
    count, steps = begin(search.method, parts.scene, settings, experiment.seed, report)
    experiment = experiment.model_copy(
        update={"search": search.model_copy(update={"settings": settings}), "generations": count - 1}
    )
    run = _write(experiment, parts, steps, Path(out), stop)
    return run, parts.scene.report(run.image(0)) if len(run) == 1 else {}


@dataclass(frozen=True, slots=True)
class Disturbed:
    """One photograph changed into its targets.

    Attributes:
        run: of the scene with this photograph alone, one cell a target.
        photograph: its name.
        place: its place by class, from which ``scene.between`` of the run begins.
        targets: class indices, in the order of the cells.
        success: whether each is the network's answer, as stored bytes, bool ``(targets,)``.
        distortion: root mean square of the change of a value in [0, 1], float64 ``(targets,)``.
    """

    run: Run
    photograph: str
    place: int
    targets: Sequence[int]
    success: np.ndarray
    distortion: np.ndarray


def lbfgs_runs(
    experiment: Experiment,
    *,
    out: str | Path = "outputs",
    classifier: Classifier | None = None,
    report: Report = silent,
    stop: Callable[[], str] = str,
) -> Iterator[Disturbed]:
    """Change each photograph into each target by :func:`.lbfgs`; one run a photograph.

    Args:
        experiment: its scene is a perturbation whose cells are the targets, or :data:`RANDOM` alone: one that the seed
            draws for each photograph; epsilon is set to the largest change.
        out, classifier, report: see :func:`gradient_run`; reported are pairs of photograph and target.
        stop: asked now and then; a text, such as ``"ctrl-c"``, ends with the photographs that are finished.

    Raises:
        ConfigError, ClassifierError: as :func:`gradient_run`.
    """
    search, scene = experiment.search, experiment.scene
    if not (isinstance(search, GradientConfig) and isinstance(scene, PerturbationConfig) and scene.photos):
        raise ConfigError("lbfgs needs search.kind: gradient, and scene.kind: perturbation with photos")
    if search.method != "lbfgs":
        raise ConfigError(f"search.method = {search.method!r}: one run a photograph needs search.method: lbfgs")
    require_linear(scene)
    settings = settings_of(search.method, search.settings)
    device = choose_device(experiment.device)
    classifier = load_classifier(experiment.classifier, device) if classifier is None else classifier.to(device)
    if isinstance(scene.cells, str) or "other" in scene.cells:
        raise ConfigError("scene.cells: lbfgs changes photographs into classes; name those to reach")
    named = None if scene.cells == (RANDOM,) else classes_named(classifier, scene.cells)
    each = len(named or (RANDOM,))
    experiment = experiment.model_copy(
        update={"search": search.model_copy(update={"settings": settings}), "generations": 0, "batch": each}
    )
    photographs = read_photographs(classifier, Path(scene.photos), between=scene.between)
    if scene.count is not None and scene.count > len(photographs):
        raise ConfigError(
            f"scene.count = {scene.count}: there are {len(photographs)} photographs in {scene.photos}; ask for fewer"
        )
    first = scene.between[0] if scene.between else 0
    chosen = evenly(len(photographs), scene.count or len(photographs))
    done, total, at_once = 0, len(chosen) * each, max(1, _TOGETHER // each)

    def told(here: float, _: int) -> None:
        report(done + here, total)

    for start in range(0, len(chosen), at_once):
        part = chosen[start : start + at_once]
        if named is None:
            targets = random_targets(classifier, photographs.pick(part), experiment.seed, places=first + part)
        else:
            targets = np.tile(named, len(part))
        images = np.repeat(photographs.images[part], each, axis=0)
        found = lbfgs(classifier, images, targets.tolist(), **settings, report=told, stop=stop)
        done += len(images)
        changes = np.split(found.images.astype(np.float32) - images, len(part))
        whole = [bool(each_finished.all()) for each_finished in np.split(found.finished, len(part))]
        for i, change, wanted, finished in zip(
            part.tolist(), changes, targets.reshape(len(part), each), whole, strict=True
        ):
            if not finished:
                continue
            ball = Ball("linf", max(1.0, float(np.abs(change).max())))
            here = scene.model_copy(
                update={
                    "between": (first + i, first + i + 1),
                    "count": None,
                    "norm": ball.norm,
                    "epsilon": ball.epsilon,
                    "cells": scene.cells if named else (classifier.classes[wanted[0]],),
                }
            )
            alone, parts = _prepared(experiment.model_copy(update={"scene": here}), classifier)
            pictures = ball.picture(torch.from_numpy(change))
            shown = np.concatenate([parts.scene.shown(picture) for picture in pictures])
            log_odds = parts.scene.scorer.score(shown)
            run = _write(alone, parts, [Step(pictures, -float(log_odds[range(each), wanted].mean()))], Path(out))
            moved = np.square((shown.astype(np.float64) - photographs.images[i]) / 255)
            yield Disturbed(
                run=run,
                photograph=photographs.names[i],
                place=first + i,
                targets=wanted.tolist(),
                success=log_odds.argmax(axis=1) == wanted,
                distortion=np.sqrt(moved.reshape(each, -1).mean(axis=1)),
            )
        if stop():
            return


def random_targets(
    classifier: Classifier, photographs: Photographs, seed: int, *, places: Sequence[int] | np.ndarray
) -> np.ndarray:
    """A class for each photograph, int64 ``(n,)``: neither its label nor what the network answers for it.

    Args:
        classifier: the network.
        photographs: at least one.
        seed: with its place it decides the draw for a photograph, whatever the others are.
        places: of the photographs.

    Raises:
        ConfigError: the network knows no class but these two.
    """
    answers = clean_predictions(classifier, photographs.images, _TOGETHER).tolist()
    labels = answers if photographs.labels is None else photographs.labels.tolist()
    drawn = []
    for place, *taken in zip(places, answers, labels, strict=True):
        free = np.setdiff1d(np.arange(len(classifier.classes)), taken)
        if not len(free):
            raise ConfigError(
                f"photograph {place}: {classifier.name} knows no class but its answer and the label; name a target"
            )
        drawn.append(stream(seed, "lbfgs target", int(place)).choice(free))
    return np.array(drawn, dtype=np.int64)


def _prepared(experiment: Experiment, classifier: Classifier | None) -> tuple[Experiment, Parts]:
    """The experiment with every ``auto`` decided, whose genomes are pixels, and its parts."""
    experiment = with_absolute_paths(experiment)
    if classifier is None:
        classifier = load_classifier(experiment.classifier, choose_device(experiment.device))
    colour = {1: "grey", 3: "rgb"}.get(classifier.channels, "auto")
    changes = {"encoding": PixelsConfig(kind="pixels", colour=colour), "checkpoint": CheckpointConfig(generations=1)}
    experiment = experiment.model_copy(update=changes)
    parts = assemble(experiment, classifier)
    require_gradient(parts.classifier)
    check_memory(experiment, parts)
    preflight(parts.scene.scorer)
    return resolved(experiment, parts), parts


def _write(
    experiment: Experiment, parts: Parts, steps: Iterable[Step], out: Path, stop: Callable[[], str] = str
) -> Run:
    """A run directory of the steps. It is made with the first of them; what fails before leaves none."""
    began = time.monotonic()
    steps = iter(steps)
    first = next(steps)
    seconds = time.monotonic() - began
    strategy = ArchiveStrategy(experiment, parts.encoding, ClassArchive(len(parts.scene.cells)))
    statistics = build_statistics()
    reason, generation = "", 0
    with ExitStack() as stack:
        with new_directory(out, experiment.name, *describe(experiment, parts)) as (draft, path):
            held = stack.enter_context(writer(draft))
        held.path = path
        store = Store(path)
        log_event(path, "started", generations=experiment.generations)
        try:
            lineage = Retention(experiment.retention)
            with Recorder(store, parts.encoding, strategy, lineage, experiment.checkpoint, seconds) as recorder:
                for generation, step in enumerate(chain([first], steps)):
                    genomes = genes_of(step.pictures).reshape(len(step.pictures), -1)
                    population = Population.fresh(generation, strategy.evaluations, genomes, operator="gradient")
                    scored = Scored(step.pictures, parts.scene.score(step.pictures))
                    insertions = strategy.update(population, scored)
                    row = statistics.compile(probability(strategy.archive.log_odds).tolist())
                    row |= {"evaluations": strategy.evaluations, "captures": len(insertions)}
                    recorder(population, scored, insertions, row)
                    log_event(path, "step", generation=generation, loss=step.loss)
                    if reason := stop():
                        break
                recorder.commit()
                recorder.flush()
            if reason:
                store.set_stopped(reason)
            elif generation < experiment.generations:  # the method reached what it was to reach
                write_experiment(path, store, experiment.model_copy(update={"generations": generation}))
            log_event(path, "stopped" if reason else "finished", generation=generation, reason=reason)
            store.finish()
        except EvoFoolError as error:
            log_event(path, "failed", reason=str(error))
            store.close()
            raise
    return open_run(path)
