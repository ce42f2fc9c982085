"""Launching and resuming: an experiment becomes a toolbox, a loop and a run directory."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from deap import tools

from evo_fool.atomic_write import write_whole
from evo_fool.classifiers.preflight import preflight
from evo_fool.errors import ClassifierError, ConfigError, CorruptRunError, EvoFoolError
from evo_fool.evaluation import Scored
from evo_fool.evaluation.arithmetic import same_arithmetic
from evo_fool.evaluation.assembly import Parts, assemble, names_code, plan, refuse_imported, trusted_classifier
from evo_fool.evaluation.environment import environment
from evo_fool.evaluation.memory_need import check_memory
from evo_fool.evolution.archive import Captures
from evo_fool.evolution.loop import evolve as run_loop
from evo_fool.evolution.population import Population
from evo_fool.evolution.statistics import build_statistics
from evo_fool.evolution.toolbox import build_toolbox
from evo_fool.experiment import Experiment
from evo_fool.runs.directory import EXPERIMENT, log_event, new_directory
from evo_fool.runs.lock import writer
from evo_fool.runs.run import Run, open_run, require_run
from evo_fool.runs.soundness import renamed_class, require_sound
from evo_fool.runs.store import Store, recover
from evo_fool.session.checkpoint import restore
from evo_fool.session.recorder import Recorder
from evo_fool.session.stagnation import Stagnation


@dataclass(frozen=True, slots=True)
class Progress:
    """What an observer is told after every generation.

    Attributes:
        path: the run directory.
        generation: the generation just finished, of ``generations``.
        row: its statistics, by the names of :data:`evo_fool.runs.schema.METRICS`.
        seconds: active wall seconds of the run so far.
        images: images scored by this process so far.
        elapsed: wall seconds of this process's loop so far.
        warning: what the user should know now; empty nearly always.
    """

    path: Path
    generation: int
    generations: int
    row: dict[str, float]
    seconds: float
    images: int
    elapsed: float
    warning: str = ""


Observer = Callable[[Progress], None]
StopReason = Callable[[], str]
"""Asked between generations; a non-empty reason such as ``"ctrl-c"`` stops the run with a commit."""


def evolve(
    experiment: Experiment,
    *,
    out: str | Path = "outputs",
    observer: Observer | None = None,
    stop: StopReason = lambda: "",
) -> Run:
    """Run an experiment in a new run directory below ``out``, and open the result.

    Args:
        experiment: what to run.
        out: the folder that run directories are made in.
        observer: called after every generation.
        stop: asked between generations; a non-empty reason commits and stops.

    Raises:
        EvoFoolError: any of its kinds; what was committed stays and can be resumed.

    >>> from evo_fool import Experiment, evolve                              # doctest: +SKIP
    >>> run = evolve(Experiment(generations=50))                             # doctest: +SKIP
    """
    planned = plan(experiment)
    experiment, parts = planned.experiment, planned.parts
    with ExitStack() as stack:
        with new_directory(Path(out), experiment.name, *describe(experiment, parts)) as (draft, path):
            # Before the run has its name: a file system that does not lock files leaves none behind.
            held = stack.enter_context(writer(draft))
        held.path = path
        store = Store(path)
        log_event(path, "started", generations=experiment.generations)
        _drive(path, store, experiment, parts, observer, stop)
    return open_run(path)


def resume(
    path: str | Path,
    *,
    generations: int | None = None,
    device: str | None = None,
    classifier: str | None = None,
    weights: str | None = None,
    observer: Observer | None = None,
    stop: StopReason = lambda: "",
) -> Run:
    """Continue a run from its last commit, or extend a finished one.

    Args:
        path: the run directory.
        generations: new total; None keeps the one the run was started with.
        device: another device than the recorded one; the bytes may then differ.
        classifier: where the same classifier is found now; needed where the record names code to execute.
        weights: where the same weights are found now.
        observer: see :func:`evolve`.
        stop: see :func:`evolve`.

    Raises:
        RunLockedError: another process writes to it.
        CorruptRunError: the directory is damaged or newer than this version.
        ConfigError: fewer generations than the run has, or a classifier that no longer fits.
    """
    path = Path(path)
    require_run(path)
    with writer(path):
        recover(path)
        return _resume(path, generations, device, classifier, weights, observer, stop)


def _resume(
    path: Path,
    generations: int | None,
    device: str | None,
    classifier: str | None,
    weights: str | None,
    observer: Observer | None,
    stop: StopReason,
) -> Run:
    """:func:`resume` with the run locked: everything is read and checked before anything is written."""
    with open_run(path) as run:
        require_sound(run.store, len(run.classes))
        experiment = run.experiment
        done, fingerprint, classes = run.generation, run.classifier_fingerprint, run.classes
        started_with = run.environment
    if generations is not None and generations < done:
        raise ConfigError(f"--generations {generations}: {path.name} is already at generation {done}; ask for more")
    refuse_imported(experiment)
    changes = {"generations": generations, "device": device}
    settings = experiment.model_dump() | {key: value for key, value in changes.items() if value is not None}
    experiment = Experiment.from_mapping(settings, source="resume")
    experiment = experiment.model_copy(update={"classifier": trusted_classifier(experiment, classifier, weights)})
    parts = assemble(experiment)
    check_memory(experiment, parts)
    if len(parts.classifier.classes) != len(classes):
        raise ConfigError(
            f"{experiment.classifier.spec} now has {len(parts.classifier.classes)} classes, the run has "
            f"{len(classes)}; restore the classifier it was started with"
        )
    if parts.classifier.fingerprint() != fingerprint:
        raise ConfigError(f"{experiment.classifier.spec} has other weights than the run was started with; restore them")
    if renamed := renamed_class(classes, parts.classifier.classes):
        raise CorruptRunError(f"{path}: {renamed}; restore a copy")
    if names_code(experiment.classifier):  # which may have changed though its weights have not
        preflight(parts.evaluator.scorer)
    with same_arithmetic(started_with, parts.device) as warning:
        store = Store(path)
        _write_experiment(path, store, experiment)
        log_event(path, "resumed", generation=done, generations=experiment.generations)
        _drive(path, store, experiment, parts, observer, stop, warning)
    return open_run(path)


def _write_experiment(path: Path, store: Store, experiment: Experiment) -> None:
    """Change what the run directory says of the experiment."""
    store.set_meta("experiment", experiment.model_dump_json())
    write_whole(path / EXPERIMENT, experiment.to_yaml().encode())


def _drive(
    path: Path,
    store: Store,
    experiment: Experiment,
    parts: Parts,
    observer: Observer | None,
    stop: StopReason,
    warning: str = "",
) -> None:
    """Run the loop from the store's checkpoint to the experiment's last generation, and close the store.

    ``warning`` is what the user should know from the start; the first generation brings it.
    """
    toolbox = build_toolbox(experiment, parts.encoding, parts.evaluator, parts.targets)
    lineage, standings = restore(store, parts.encoding, toolbox.strategy, experiment.retention)
    done, evaluations, seconds, _ = store.progress()
    recorder = Recorder(store, parts.encoding, toolbox.strategy, lineage, experiment.checkpoint, seconds)
    recorder.standings = standings
    stagnation = Stagnation(experiment.warn_after, store.last_capture())
    logbook = tools.Logbook()
    scorer, sub_batch = parts.evaluator.scorer, parts.evaluator.scorer.batch
    reason = ""

    def record(population: Population, scored: Scored, captures: Captures, row: dict[str, float]) -> None:
        nonlocal sub_batch, warning
        recorder(population, scored, captures, row)
        # The store is the record of the run; DEAP's logbook keeps the last row, so that memory stays flat.
        while len(logbook) > 1:
            logbook.pop(0)
        if scorer.batch != sub_batch:  # memory ran out; a resumed run begins with what fits
            sub_batch = scorer.batch
            log_event(path, "halved", generation=population.generation, batch=sub_batch)
            recorder.flush()
            scoring = experiment.scoring.model_copy(update={"batch": sub_batch})
            _write_experiment(path, store, experiment.model_copy(update={"scoring": scoring}))
        warnings = [text for text in (warning, stagnation(population.generation, len(captures))) if text]
        warning = ""
        for text in warnings:
            log_event(path, "warning", generation=population.generation, reason=text)
        if observer is not None:
            images = toolbox.strategy.evaluations - evaluations
            elapsed = recorder.seconds - seconds
            at = population.generation, experiment.generations
            observer(Progress(path, *at, row, recorder.seconds, images, elapsed, "; ".join(warnings)))

    def should_stop() -> bool:
        nonlocal reason
        reason = stop()
        return bool(reason)

    try:
        with recorder:
            run_loop(
                toolbox,
                first=done + 1,
                last=experiment.generations,
                statistics=build_statistics(),
                logbook=logbook,
                record=record,
                should_stop=should_stop,
            )
            recorder.commit()
            recorder.flush()
        if reason:
            store.set_stopped(reason)
        log_event(path, "stopped" if reason else "finished", generation=store.progress()[0], reason=reason)
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
    encoding, classifier = parts.encoding, parts.classifier
    record = environment(parts.device) | {
        "classifier": classifier.name,
        "classifier_sha256": classifier.fingerprint(),
        "classifier_input": classifier.input_contract(),
    }
    files = {EXPERIMENT: experiment.to_yaml(), "environment.json": json.dumps(record, indent=2) + "\n"}
    meta = {
        "experiment": experiment.model_dump_json(),
        "environment": json.dumps(record),
        "classifier": classifier.name,
        "classifier_sha256": classifier.fingerprint(),
        "classes": json.dumps(list(classifier.classes)),
        "codec": encoding.codec,
        "image_shape": json.dumps(encoding.shape),
    }
    if any(classifier.aliases):
        meta["class_aliases"] = json.dumps(classifier.aliases, ensure_ascii=False)
    return files, meta
