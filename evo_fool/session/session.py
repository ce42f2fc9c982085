"""Launching and resuming: an experiment becomes a toolbox, a loop and a run directory."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deap import base
from torch import nn

from evo_fool.atomic_write import write_whole
from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.preflight import preflight
from evo_fool.classifiers.spec import ClassifierSpec
from evo_fool.classifiers.wrapping import as_classifier
from evo_fool.encodings.base import Encoding
from evo_fool.errors import ClassifierError, ConfigError, CorruptRunError, EvoFoolError
from evo_fool.evaluation import Scored
from evo_fool.evaluation.arithmetic import same_arithmetic
from evo_fool.evaluation.assembly import Parts, assemble, plan, refuse_complete, trusted_classifier
from evo_fool.evaluation.environment import environment
from evo_fool.evaluation.memory_need import check_memory
from evo_fool.evolution.archive import ClassArchive, Insertions
from evo_fool.evolution.loop import evolve as run_loop
from evo_fool.evolution.population import Population
from evo_fool.evolution.strategy import PopulationState
from evo_fool.evolution.toolbox import Search, build_toolbox
from evo_fool.experiment import Experiment
from evo_fool.runs.directory import EXPERIMENT, log_event, new_directory
from evo_fool.runs.lock import writer
from evo_fool.runs.retention import Retention
from evo_fool.runs.run import Run, open_run, require_run
from evo_fool.runs.scenes import PHOTOS, check_scene, kept_photos, with_photos
from evo_fool.runs.soundness import renamed_class, require_sound
from evo_fool.runs.store import Store, recover
from evo_fool.session.checkpoint import restore
from evo_fool.session.objects import Configure, Objects
from evo_fool.session.recorder import Recorder
from evo_fool.session.stagnation import Stagnation
from evo_fool.session.warm_start import first_genomes


@dataclass(frozen=True, slots=True)
class Progress:
    """What a callback is told after every generation.

    Attributes:
        path: the run directory.
        generation: the generation just finished, of ``generations``.
        row: its statistics, by the names of :data:`evo_fool.runs.schema.METRICS`.
        seconds: active wall seconds of the run so far.
        images: images scored by this process so far.
        elapsed: wall seconds of this process's loop so far.
        archive: the elites; to be read only.
        warning: what the user should know now; empty nearly always.
        passes: network inputs scored by this process so far.
        possible: as ``passes``, had no picture been dropped by racing.
    """

    path: Path
    generation: int
    generations: int
    row: dict[str, float]
    seconds: float
    images: int
    elapsed: float
    archive: ClassArchive
    warning: str = ""
    passes: int = 0
    possible: int = 0


Callback = Callable[[Progress], object]
"""Called after every generation. A text that it returns, such as ``"ctrl-c"``, stops the run with a commit."""


def evolve(
    experiment: Experiment,
    *,
    out: str | Path = "outputs",
    classifier: Classifier | nn.Module | Callable[..., Any] | None = None,
    encoding: Encoding | None = None,
    search: Search | str | None = None,
    toolbox: Configure | None = None,
    callbacks: Sequence[Callback] = (),
    keep_photos: bool = False,
) -> Run:
    """Run an experiment in a new run directory below ``out``, and open the result.

    An object takes the place of what the experiment says. The run records it by name; to resume or verify the run, the
    same object is handed in again.

    Args:
        experiment: what to run.
        out: the folder that run directories are made in.
        classifier: a classifier, or a network or function that :func:`.as_classifier` can wrap.
        encoding: draws images of the classifier's channels.
        search: a strategy that has not begun, its class, or the name of a search, own or installed.
        toolbox: is given DEAP's toolbox and may replace its entries, see :mod:`evo_fool.evolution.toolbox`.
        callbacks: called after every generation, in order; a text that one returns commits and stops.
        keep_photos: copy the scene's photographs into the run directory, which then can be resumed without them.

    Raises:
        EvoFoolError: any of its kinds; what was committed stays and can be resumed.

    >>> from evo_fool import Experiment, evolve                              # doctest: +SKIP
    >>> run = evolve(Experiment(generations=50))                             # doctest: +SKIP
    """
    if isinstance(search, str):
        if search != experiment.search.kind:
            settings = experiment.model_dump() | {"search": {"kind": search}}
            experiment = Experiment.from_mapping(settings, source="search")
        search = None
    objects = Objects(None if classifier is None else as_classifier(classifier), encoding, search, toolbox)
    planned = plan(objects.replacing(experiment), objects.classifier, encoding)
    experiment, parts = planned.experiment, planned.parts
    files, meta = describe(experiment, parts)
    if names := objects.names():
        meta["objects"] = json.dumps(names)
    box = build_toolbox(experiment, parts.encoding, parts.evaluator, parts.targets, search, toolbox)
    if warm := first_genomes(experiment, parts.encoding):
        box.strategy.first, record = warm
        meta["warm_start"] = json.dumps(record)
    with ExitStack() as stack:
        with new_directory(Path(out), experiment.name, files, meta) as (draft, path):
            # Before the run has its name: a file system that does not lock files leaves none behind.
            held = stack.enter_context(writer(draft))
            if keep_photos:
                parts.scene.keep_photographs(draft / PHOTOS)
        held.path = path
        store = Store(path)
        log_event(path, "started", generations=experiment.generations)
        _drive(path, store, experiment, parts, box, _restored(store, experiment, parts, box), callbacks)
    return open_run(path, encoding=encoding)


def resume(
    path: str | Path,
    *,
    generations: int | None = None,
    device: str | None = None,
    classifier: str | Classifier | nn.Module | Callable[..., Any] | None = None,
    weights: str | None = None,
    encoding: Encoding | None = None,
    search: Search | None = None,
    toolbox: Configure | None = None,
    callbacks: Sequence[Callback] = (),
    photos: str | Path | None = None,
) -> Run:
    """Continue a run from its last commit, or extend a finished one.

    Args:
        path: the run directory.
        generations: new total; None keeps the one the run was started with.
        device: another device than the recorded one; the bytes may then differ.
        classifier: the same classifier, as an object or as where it is found now; needed where the record names an
            object or code to execute.
        weights: where the same weights are found now.
        encoding: see :func:`evolve`; needed where the run was started with one, as are ``search`` and ``toolbox``.
        search: see :func:`evolve`; a strategy that has not begun, for the checkpoint fills it.
        toolbox: see :func:`evolve`.
        callbacks: see :func:`evolve`.
        photos: where its photographs are found now; None: its own copy, or else where they were.

    Raises:
        RunLockedError: another process writes to it.
        CorruptRunError: the directory is damaged or newer than this version.
        ConfigError: fewer generations than the run has, an object missing, or another classifier or other photographs.
    """
    path = Path(path)
    spec = classifier if isinstance(classifier, str) else None
    judge = None if classifier is None or isinstance(classifier, str) else as_classifier(classifier)
    objects = Objects(judge, encoding, search, toolbox)
    require_run(path)
    with writer(path):
        recover(path)
        return _resume(path, generations, device, spec, weights, photos, objects, callbacks)


def _resume(
    path: Path,
    generations: int | None,
    device: str | None,
    spec: str | None,
    weights: str | None,
    photos: str | Path | None,
    objects: Objects,
    callbacks: Sequence[Callback],
) -> Run:
    """:func:`resume` with the run locked: everything is read and checked before anything is written."""
    with open_run(path) as run:
        require_sound(run.store, len(run.classes))
        experiment = run.experiment
        done, fingerprint, classes = run.generation, run.classifier_fingerprint, run.classes
        started_with, recorded, meta = run.environment, run.objects, run.meta
    if generations is not None and generations < done:
        raise ConfigError(f"--generations {generations}: {path.name} is already at generation {done}; ask for more")
    refuse_complete(experiment)
    objects.check_resumed(recorded, named=spec is not None)
    changes = {"generations": generations, "device": device}
    experiment = experiment.replace("resume", **{key: value for key, value in changes.items() if value is not None})
    experiment = with_photos(experiment, photos)
    if objects.classifier is None:
        experiment = experiment.model_copy(update={"classifier": trusted_classifier(experiment, spec, weights)})
    parts = assemble(experiment, objects.classifier, objects.encoding, kept_photos(path, photos))
    check_memory(experiment, parts)
    if len(parts.scene.cells) != len(classes):
        raise ConfigError(
            f"{experiment.classifier.spec} now has {len(parts.scene.cells)} classes, the run has "
            f"{len(classes)}; restore the classifier it was started with"
        )
    if parts.classifier.fingerprint() != fingerprint:
        raise ConfigError(f"{experiment.classifier.spec} has other weights than the run was started with; restore them")
    if renamed := renamed_class(classes, parts.scene.cells):
        raise CorruptRunError(f"{path}: {renamed}; restore a copy")
    check_scene(meta, parts.scene)
    if objects.classifier is not None or ClassifierSpec.of(experiment.classifier).hazard:  # it may have changed
        preflight(parts.evaluator.scorer)
    box = build_toolbox(experiment, parts.encoding, parts.evaluator, parts.targets, objects.search, objects.toolbox)
    if done < 0 and (warm := first_genomes(experiment, parts.encoding)):
        box.strategy.first, record = warm
        if json.dumps(record) != meta.get("warm_start"):
            raise ConfigError(f"{path}: the run that it begins with has changed since; start a new run")
    with same_arithmetic(started_with, parts.device) as warning:
        store = Store(path)
        restored = _restored(store, experiment, parts, box)  # before anything is written
        write_experiment(path, store, experiment)
        if spec is not None and "classifier" in recorded:  # an object then, a spec from now on
            store.set_meta("objects", json.dumps({k: v for k, v in recorded.items() if k != "classifier"}))
        log_event(path, "resumed", generation=done, generations=experiment.generations)
        _drive(path, store, experiment, parts, box, restored, callbacks, warning)
    return open_run(path, encoding=objects.encoding)


def write_experiment(path: Path, store: Store, experiment: Experiment) -> None:
    """Change what the run directory says of the experiment."""
    store.set_meta("experiment", experiment.model_dump_json())
    write_whole(path / EXPERIMENT, experiment.to_yaml().encode())


def _restored(
    store: Store, experiment: Experiment, parts: Parts, toolbox: base.Toolbox
) -> tuple[Retention, dict[int, PopulationState]]:
    """Fill the toolbox's strategy from the last commit; the store is closed where that is damaged."""
    try:
        return restore(store, parts.encoding, toolbox.strategy, experiment.retention)
    except EvoFoolError:
        store.close()
        raise


def _drive(
    path: Path,
    store: Store,
    experiment: Experiment,
    parts: Parts,
    toolbox: base.Toolbox,
    restored: tuple[Retention, dict[int, PopulationState]],
    callbacks: Sequence[Callback],
    warning: str = "",
) -> None:
    """Run the loop from the store's checkpoint to the experiment's last generation, and close the store.

    ``warning`` is what the user should know from the start; the first generation brings it.
    """
    strategy = toolbox.strategy
    lineage, populations = restored
    done, evaluations, seconds, _ = store.progress()
    recorder = Recorder(store, parts.encoding, strategy, lineage, experiment.checkpoint, seconds)
    recorder.populations = populations
    stagnation = Stagnation(experiment.warn_after, store.last_capture())
    scene = parts.scene
    scorer, sub_batch = scene.scorer, scene.scorer.batch

    def record(population: Population, scored: Scored, insertions: Insertions, row: dict[str, float]) -> str:
        nonlocal sub_batch, warning
        generation = population.generation
        recorder(population, scored, insertions, row)
        if scorer.batch != sub_batch:  # memory ran out; a resumed run begins with what fits
            sub_batch = scorer.batch
            log_event(path, "halved", generation=generation, batch=sub_batch)
            recorder.flush()
            scoring = experiment.scoring.model_copy(update={"batch": sub_batch})
            write_experiment(path, store, experiment.model_copy(update={"scoring": scoring}))
        warnings = [text for text in (warning, stagnation(generation, len(insertions))) if text]
        warning = ""
        for text in warnings:
            log_event(path, "warning", generation=generation, reason=text)
        progress = Progress(
            path=path,
            generation=generation,
            generations=experiment.generations,
            row=row,
            seconds=recorder.seconds,
            images=strategy.evaluations - evaluations,
            elapsed=recorder.seconds - seconds,
            archive=strategy.archive,
            warning="; ".join(warnings),
            passes=scene.passes,
            possible=scene.possible,
        )
        answers = [callback(progress) for callback in callbacks]
        return next((answer for answer in answers if isinstance(answer, str) and answer), "")

    try:
        with recorder:
            reason = run_loop(toolbox, first=done + 1, last=experiment.generations, record=record)
            recorder.commit()
            recorder.flush()
        if reason:
            store.set_stopped(reason)
        passes = {"passes": scene.passes, "possible": scene.possible}
        log_event(path, "stopped" if reason else "finished", generation=store.progress()[0], reason=reason, **passes)
        store.finish()
    except ClassifierError as error:
        generation = store.progress()[0]
        store.set_stopped("failed")
        log_event(path, "failed", generation=generation, reason=str(error))
        store.finish()
        raise ClassifierError(
            f"generation {generation + 1}: {error}; {path} is intact up to its last checkpoint"
        ) from None
    except EvoFoolError as error:
        log_event(path, "failed", reason=str(error))
        store.close()
        raise


def describe(experiment: Experiment, parts: Parts) -> tuple[dict[str, str], dict[str, str]]:
    """The files and the database entries that describe a new run."""
    encoding, classifier, scene = parts.encoding, parts.classifier, parts.scene
    record = environment(parts.device) | {
        "classifier": classifier.name,
        "classifier_sha256": classifier.fingerprint(),
        "classifier_input": classifier.input_contract(),
    }
    if scene.scorer.times:
        record["precision_ms"] = scene.scorer.times
    files = {EXPERIMENT: experiment.to_yaml(), "environment.json": json.dumps(record, indent=2) + "\n"}
    meta = {
        "experiment": experiment.model_dump_json(),
        "environment": json.dumps(record),
        "classifier": classifier.name,
        "classifier_sha256": classifier.fingerprint(),
        "classes": json.dumps(list(scene.cells)),
        "codec": encoding.codec,
        "image_shape": json.dumps(encoding.shape),
    }
    if any(scene.aliases):
        meta["class_aliases"] = json.dumps(scene.aliases, ensure_ascii=False)
    if identity := scene.record():
        meta["scene"] = json.dumps(identity, sort_keys=True)
    return files, meta
