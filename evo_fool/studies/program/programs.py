"""The programs to test: those of runs, and those that the report makes."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.spec import ClassifierSpec
from evo_fool.errors import ConfigError, CorruptRunError
from evo_fool.evaluation.assembly import trusted_classifier
from evo_fool.gradient.methods import begin, settings_of
from evo_fool.runs import Run, find_run, open_run
from evo_fool.runs.packed_image import pack_image, unpack_image
from evo_fool.runs.scenes import recorded_scene, with_photos
from evo_fool.scene_sections import ProgramConfig
from evo_fool.scenes.program import Program
from evo_fool.scenes.tasks import TaskImages, load_task
from evo_fool.sections import GradientConfig, RandomConfig
from evo_fool.studies.case_study import NO_NETWORK
from evo_fool.studies.context import Context
from evo_fool.studies.imagenet_runs import primary_network
from evo_fool.studies.networks import Networks
from evo_fool.studies.program import Options
from evo_fool.studies.study import Skipped

_INNER = 84
"""Side in pixels of the digits and photographs in the report's frames."""

_LONG = {"epochs": 10, "batch": 20, "decay": 0.6, "every": 5}
_LONGER = {"epochs": 40, "batch": 20, "decay": 0.9, "every": 10}
"""Of the gradient method: the rate ends at a tenth of what it was."""

_EVOLVED: dict[str, dict[str, Any]] = {
    "CPPN": {},
    "pixels": {"encoding.kind": "pixels"},
    "random CPPNs": {"search.kind": "random"},
    "random pixels": {"search.kind": "random", "encoding.kind": "pixels"},
}
"""The report's programs without gradients, with the settings that the preset program-squares lacks."""


@dataclass(frozen=True, slots=True)
class Reprogramming:
    """One program on one network.

    Attributes:
        name: of the run.
        kind: ``gradient``, ``evolved`` or ``random search``.
        picture: the program, uint8 ``(channels, height, width)``.
        scene: of the network, with the mapping that the program was made for.
        network: its name, distinct in a study.
        part: the task images to test on.
        own: whether the program was made on this network.
        seed: of the run.
        settings: of the gradient method; None for another kind.
    """

    name: str
    kind: str
    picture: np.ndarray
    scene: Program
    network: str
    part: TaskImages
    own: bool
    seed: int
    settings: dict[str, Any] | None = None


def programs_of_runs(context: Context, options: Options) -> list[Reprogramming]:
    """The program of every run, on its network or on those that are named.

    Raises:
        ConfigError: a run of another scene, or without a picture; other task images; a network without the classes.
        CorruptRunError: the record of a run's scene is damaged.
    """
    found: list[Reprogramming] = []
    networks = Networks()
    for text in options.runs:
        with open_run(find_run(text, options.out)) as run:
            configs = [ClassifierSpec.parse_with_weights(spec).config() for spec in options.classifiers]
            for config in configs or [trusted_classifier(run.experiment, None, None)]:
                scorer = context.scorer(context.classifier(config.spec, config.weights))
                found.append(_of_run(options, run, scorer, networks.add(scorer)))
    names = [(one.name, one.network) for one in found]
    if twice := next((name for name, network in names if names.count((name, network)) > 1), None):
        raise ConfigError(f"{twice}: given twice; name each RUN and each --classifier once")
    return found


def _of_run(options: Options, run: Run, scorer: Scorer, network: str) -> Reprogramming:
    experiment = with_photos(run.experiment, options.photos)
    if not isinstance(experiment.scene, ProgramConfig):
        raise ConfigError(f"{run.path}: its scene is {experiment.scene.kind}; only programs have a task")
    if not run.elites:
        raise ConfigError(f"{run.path}: no image holds any cell yet; evolve further")
    recorded, search = recorded_scene(run.meta), experiment.search
    scene = _scene(experiment.scene, scorer, experiment.seed, recorded)
    picture = run.image(0)
    scene.check_picture(picture.shape)
    if scene.record()["sha256"] != recorded.get("sha256"):
        raise ConfigError(
            f"{run.path.name}: the task images that it was made with are not found; restore them, or say where they "
            "are: --photos PATH"
        )
    gradient = isinstance(search, GradientConfig)
    return Reprogramming(
        run.label,
        "gradient" if gradient else "random search" if isinstance(search, RandomConfig) else "evolved",
        picture,
        scene,
        network,
        _held_out(scene, options.held_out),
        scorer.classifier.fingerprint() == run.classifier_fingerprint,
        experiment.seed,
        settings_of("program", search.settings) if isinstance(search, GradientConfig) else None,
    )


def _scene(config: ProgramConfig, scorer: Scorer, seed: int, recorded: dict[str, Any]) -> Program:
    """A run's scene on a network: each label means the class that it meant in the run."""
    classifier = scorer.classifier
    scene = Program(config.model_copy(update={"mapping": "order"}), scorer, seed)
    wanted = recorded.get("classes")
    if not isinstance(wanted, list) or len(wanted) != len(scene.mapping):
        raise CorruptRunError("the record of the run's scene names no class for each label; restore a copy")
    for label, name in enumerate(wanted):
        if name not in classifier.classes:
            raise ConfigError(
                f"{classifier.name} knows no class {name!r}, which stands for a label of the program; leave it out"
            )
        scene.mapping[label] = classifier.classes.index(name)
    return scene


def _held_out(scene: Program, count: int | None) -> TaskImages:
    """So many held-out images of a scene's task; None: the scene's own."""
    config = scene.config
    if count is None:
        return scene.task.held_out
    return load_task(
        config.task,
        data=config.data,
        count=config.count,
        held_out=count,
        inner=config.inner,
        frame=scene.scorer.classifier.shape,
        seed=scene.seed,
    ).held_out


def programs_of_report(context: Context) -> list[Reprogramming]:
    """Programs by gradient for every task that there is data for, and evolved ones for the squares.

    Raises:
        Skipped: there is no network.
        Stopped: asked to stop.
    """
    network = primary_network(context)
    if network is None:
        raise Skipped(NO_NETWORK)
    name, weights = network
    classifier, seed = context.classifier(f"torchvision:{name}", weights), context.seeds[0]
    return [
        *(_by_gradient(context, classifier, name, task, data, seed) for task, data in _tasks(context).items()),
        *(_evolved(context, classifier, (name, weights), label, seed) for label in _EVOLVED),
    ]


def _by_gradient(
    context: Context, classifier: Classifier, network: str, task: str, data: str | None, seed: int
) -> Reprogramming:
    sizes = context.scale(
        smoke={"count": 20, "held_out": 20},
        laptop={"count": 3000, "held_out": 1000},
        paper={"count": 10_000, "held_out": 5000},
    )
    inner = None if task == "squares" else _INNER
    config = ProgramConfig(kind="program", task=task, data=data, inner=inner, **sizes)
    settings = settings_of("program", context.scale(smoke={"epochs": 1, "batch": 10}, laptop=_LONG, paper=_LONGER))
    scene = Program(config, context.scorer(classifier), seed)
    picture = made_by_gradient(context, scene, settings, seed)
    part = scene.task.held_out
    return Reprogramming("by gradient", "gradient", picture, scene, network, part, True, seed, settings)


def _evolved(
    context: Context, classifier: Classifier, network: tuple[str, Path], label: str, seed: int
) -> Reprogramming:
    """A program for the squares, evolved or from as many random pictures."""
    name, weights = network
    sizes: dict[str, Any] = context.scale(
        smoke={"generations": 1, "batch": 4, "scene.count": 20, "scene.held_out": 20},
        laptop={"generations": 40, "batch": 32, "scene.count": 40, "scene.held_out": 1000},
        paper={"generations": 1000, "batch": 32, "scene.count": 100, "scene.held_out": 5000},
    )
    place: dict[str, Any] = {"classifier.spec": f"torchvision:{name}", "classifier.weights": str(weights), "seed": seed}
    kind = "random search" if label.startswith("random") else "evolved"
    experiment = context.experiment("program-squares", sizes | place | _EVOLVED[label])
    config = ProgramConfig.model_validate(experiment.scene.model_dump())
    with context.run(experiment) as run:
        scene = _scene(config, context.scorer(classifier), seed, recorded_scene(run.meta))
        return Reprogramming(label, kind, run.image(0), scene, name, scene.task.held_out, True, seed)


def made_by_gradient(context: Context, scene: Program, settings: dict[str, Any], seed: int) -> np.ndarray:
    """The best program of the gradient method, as a run would keep it: uint8 ``(channels, height, width)``.

    Args:
        context: keeps the picture.
        scene: of the network and the task.
        settings: of the method, all of them.
        seed: of a run.

    Raises:
        Stopped: asked to stop.
    """

    def make() -> dict[str, Any]:
        count, steps = begin("program", scene, settings, seed)
        best, picture = -np.inf, np.empty(0, np.uint8)
        for number, step in enumerate(steps, 1):
            context.check()
            context.count(len(scene.task.train.labels))
            if (score := float(scene.score(step.pictures)[0, 0])) > best:
                best, picture = score, step.pictures[0]
            context.say(f"program for {scene.task.name}: picture {number} of {count}, loss {step.loss:.3f}")
        return {"picture": base64.b64encode(pack_image(picture.tobytes())).decode()}

    key = f"program by gradient {identity(scene)} {settings} seed {seed}"
    return unpack_image(base64.b64decode(context.cache(key, make)["picture"]), scene.shape)


def identity(scene: Program) -> str:
    """Names the task images, what they mean, and the network."""
    record, fingerprint = scene.record(), scene.scorer.classifier.fingerprint()
    return f"{record['task']} {record['sha256'][:12]} {scene.mapping.tolist()} {fingerprint[:12]}"


def _tasks(context: Context) -> dict[str, str | None]:
    """The tasks that there is data for, and where it is."""
    tasks: dict[str, str | None] = {"squares": None}
    if (folder := context.data.folder) is None:
        return tasks
    if context.data.mnist() is not None:
        tasks["mnist"] = str(folder / "mnist" if (folder / "mnist").is_dir() else folder)
    cifar10 = folder / "cifar10"
    if (cifar10 / "test_batch.bin").is_file():
        tasks["cifar10"] = str(cifar10)
    elif files := sorted(cifar10.glob("*.npz"), key=lambda path: path.stat().st_size):
        tasks["cifar10"] = str(files[-1])
    return tasks
