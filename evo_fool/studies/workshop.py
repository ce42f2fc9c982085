"""Where a reproduction works: its runs, its data, its budget, and what it has already found out.

Everything lasts: a run is looked for by what it asks before it is evolved, an interrupted one is resumed, and finished
sub-results lie in a JSON cache. So a reproduction that was stopped at any point goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from torch import Tensor

from evo_fool.atomic_write import write_whole
from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.precision import choose_batch
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.sources.torchvision_cpu import import_torchvision
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.errors import ConfigError, CorruptRunError, RunNotFoundError
from evo_fool.evaluation.environment import choose_device
from evo_fool.experiment import ClassifierConfig, Experiment
from evo_fool.jsonable import plain, to_json
from evo_fool.presets import changed_label, find_experiment
from evo_fool.runs import Run, list_runs, open_run
from evo_fool.runs.experiment_diff import configuration_digest
from evo_fool.session import evolve, resume
from evo_fool.session.session import Observer, StopReason
from evo_fool.training.mnist_data import Digits, load_mnist

Budget = Literal["smoke", "laptop", "paper"]
T = TypeVar("T")

_SEEDS: dict[str, tuple[int, ...]] = {"smoke": (1,), "laptop": (1, 2, 3, 4, 5), "paper": (1, 2, 3, 4, 5)}


class Stopped(Exception):
    """The reproduction was asked to stop; everything found so far is kept. The argument is the reason."""


@dataclass(slots=True)
class Ledger:
    """What the current page rests on.

    Attributes:
        images: scored by its runs.
        seconds: wall time of its runs and cached results, when they were made.
    """

    images: int = 0
    seconds: float = 0.0
    _counted: set[str] = field(default_factory=set)

    def add(self, what: str, *, images: int = 0, seconds: float = 0.0) -> None:
        """Count a run or a sub-result, by a name of its own, once however often it is asked for."""
        if what not in self._counted:
            self._counted.add(what)
            self.images += images
            self.seconds += seconds


@dataclass(frozen=True, slots=True)
class MnistData:
    """The two halves of MNIST."""

    train: Digits
    test: Digits


@contextmanager
def opened(runs: Iterable[Run]) -> Iterator[list[Run]]:
    """All runs of ``runs``, which opens them one after the other; they are closed whatever happens, then or later."""
    with ExitStack() as stack:
        yield [stack.enter_context(run) for run in runs]


class Workshop:
    """Where the studies of one reproduction work.

    Args:
        folder: its own: runs go below ``runs``, sub-results below ``cache``.
        budget: how much may be computed.
        data: the folder that holds ``mnist`` (or ``MNIST/raw``), and ``imagenet`` with ``weights/NAME.pt`` named as
            torchvision names its networks and ``photos/CLASS/*.jpg``; any of them may be missing.
        say: is told what is going on, a line at a time.
        seeds: None: one for ``smoke``, five otherwise.
        runs: more folders in which finished runs may be found; they are only read.
        observer: told how each run goes, see :func:`evo_fool.runs.evolve`.
        stop: asked now and then; a reason stops the reproduction.

    Attributes:
        ledger: what the current page rests on so far.
        device: where to compute.
    """

    def __init__(
        self,
        folder: Path,
        budget: Budget = "laptop",
        data: Path | None = None,
        say: Callable[[str], None] = lambda line: None,
        seeds: Sequence[int] | None = None,
        *,
        runs: Sequence[Path] = (),
        observer: Observer | None = None,
        stop: StopReason = lambda: "",
    ) -> None:
        if budget not in _SEEDS:
            raise ConfigError(f"--budget {budget}: choose one of {', '.join(_SEEDS)}")
        if data is not None and not data.is_dir():
            raise ConfigError(f"--data {data}: there is no such folder; it should hold mnist/ or imagenet/")
        self.folder = folder
        self.budget = budget
        self.data = data
        self.say = say
        self.seeds = tuple(seeds or _SEEDS[budget])
        self.device = choose_device("auto")
        self.ledger = Ledger()
        self._roots = (folder / "runs", *runs)
        self._observer = observer
        self._stop = stop
        self._classifiers: dict[ClassifierConfig, Classifier] = {}
        self._fingerprints: dict[ClassifierConfig, str] = {}

    def scale(self, *, smoke: T, laptop: T, paper: T) -> T:
        """What the budget allows."""
        return {"smoke": smoke, "laptop": laptop, "paper": paper}[self.budget]

    def check(self) -> None:
        """Stop here if the user has asked to; call it between pieces of work that keep nothing by themselves.

        Raises:
            Stopped: they have.
        """
        if reason := self._stop():
            raise Stopped(reason)

    # Runs

    def experiment(self, preset: str, settings: Mapping[str, Any] | None = None) -> Experiment:
        """A shipped experiment with dotted settings changed; its label says so.

        Raises:
            ConfigError: an unknown experiment or setting.
        """
        base, settings = Experiment.from_yaml(find_experiment(preset)), settings or {}
        experiment = base.replace(**settings)
        if "preset" in settings:
            return experiment
        # The same network from another file is no change.
        weights = {"weights": experiment.classifier.weights}
        same = base.model_copy(update={"classifier": base.classifier.model_copy(update=weights)})
        return experiment.model_copy(update={"preset": changed_label(same, experiment)})

    def run(self, experiment: Experiment) -> Run:
        """The finished run of an experiment: found by what it asks, resumed, or evolved below ``folder/runs``.

        The caller closes it.

        Raises:
            Stopped: asked to stop; what was evolved is committed.
            EvoFoolError: see :func:`evo_fool.runs.evolve`.
        """
        self.check()
        judge = self.classifier(experiment.classifier.spec, experiment.classifier.weights)
        shape = {"size": judge.size, "channels": judge.channels}
        wanted = configuration_digest(experiment, self.fingerprint(experiment.classifier), **shape)
        run, unfinished = self._find(wanted)
        if run is None:
            how = "going on with" if unfinished else "evolving"
            self.say(f"{how} {experiment.name}, seed {experiment.seed}: {experiment.generations} generations")
            hooks: dict[str, Any] = {"observer": self._observer, "stop": self._stop}
            if unfinished:
                named = experiment.classifier
                run = resume(unfinished, classifier=named.spec, weights=named.weights, **hooks)
            else:
                run = evolve(experiment, out=self._roots[0], **hooks)
            if run.status != "finished":
                run.close()
                raise Stopped(self._stop() or "stopped")
        summary = run.summary()
        self.ledger.add(str(run.path), images=summary["evaluations"], seconds=summary["wall_seconds"])
        return run

    def _find(self, wanted: str) -> tuple[Run | None, Path | None]:
        """A finished run, or else the path of an unfinished one of our own."""
        unfinished = None
        for root in self._roots:
            for path in list_runs(root):
                try:
                    with open_run(path) as run:
                        same = _recorded(run) == wanted
                        finished = same and run.status == "finished"
                    if finished:
                        return open_run(path), None
                except (CorruptRunError, RunNotFoundError) as error:
                    self.say(f"left aside: {error}")
                    continue
                if same and root == self._roots[0]:
                    unfinished = path
        return None, unfinished

    # Classifiers

    def classifier(self, spec: str = "lenet-mnist", weights: Path | str | None = None) -> Classifier:
        """A classifier on the device; loaded once.

        Raises:
            ConfigError, ClassifierError: see :func:`evo_fool.classifiers.zoo.load_classifier`.
        """
        config = ClassifierConfig(spec=spec, weights=None if weights is None else str(weights))
        if config not in self._classifiers:
            self._classifiers[config] = load_classifier(config, self.device)
        return self._classifiers[config]

    def scorer(self, classifier: Classifier, view: str = "auto") -> Scorer:
        """A classifier at work, in float32 with the batch that suits the device; the ledger counts what it scores."""
        batch = choose_batch(None, classifier.size, self.device)
        return _CountingScorer(self, classifier, batch=batch, view=view, device=self.device)

    def count(self, images: int) -> None:
        """Put images into the ledger that a network judged, but no scorer of this workshop: gradients, attributions."""
        self.ledger.images += images

    def fingerprint(self, config: ClassifierConfig) -> str:
        """The fingerprint of the classifier that an experiment names."""
        if config not in self._fingerprints:
            self._fingerprints[config] = self.classifier(config.spec, config.weights).fingerprint()
        return self._fingerprints[config]

    # Data

    @cached_property
    def _mnist(self) -> MnistData | None:
        for folder in () if self.data is None else (self.data / "mnist", self.data):
            for raw in (folder / "MNIST" / "raw", folder / "raw", folder):
                if any(raw.glob("train-images-idx3-ubyte*")):
                    return MnistData(*load_mnist(folder))
        return None

    def mnist(self) -> MnistData | None:
        """MNIST; None where the data folder has none.

        Raises:
            ConfigError: it has, but damaged.
        """
        return self._mnist

    def imagenet_networks(self) -> dict[str, Path]:
        """The weights files of ImageNet networks by torchvision's names, in alphabetical order; none: empty."""
        folder = self._imagenet("weights")
        if folder is None:
            return {}
        models = import_torchvision().models
        known = set(models.list_models(module=models))
        files = (path for path in sorted(folder.iterdir()) if path.suffix in (".pt", ".pth", ".safetensors"))
        return {path.stem: path.absolute() for path in files if path.stem in known}

    def photographs(self) -> Path | None:
        """The folder of photographs, one folder a class; None where the data folder has none."""
        return self._imagenet("photos")

    def _imagenet(self, name: str) -> Path | None:
        for folder in () if self.data is None else (self.data / "imagenet" / name, self.data / name):
            if folder.is_dir():
                return folder
        return None

    # Sub-results

    def cache(self, key: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """A sub-result: read from the cache, or made, written there, and then read.

        Args:
            key: names the sub-result with everything that it depends on but the budget: seeds, sizes, fingerprints
                of networks, :func:`~evo_fool.studies.identity.identity` of the images.
            make: makes it, JSON-able; it gets its runs from outside, so that the ledger counts them once. What it
                scores is counted, also when the sub-result is read again.

        Raises:
            Stopped: it is not there, and the user has asked to stop.
        """
        slug = re.sub(r"[^A-Za-z0-9.-]+", "-", key)[:60]
        name = f"{slug}-{hashlib.sha256(key.encode()).hexdigest()[:8]}.json"
        path = self.folder / "cache" / self.budget / name
        entry = _read(path, key)
        if entry is None:
            self.check()
            self.say(f"computing {key}")
            began, before = time.monotonic(), self.ledger.images
            value = plain(make())
            images, self.ledger.images = self.ledger.images - before, before
            entry = {"key": key, "seconds": time.monotonic() - began, "images": images, "value": value}
            write_whole(path, to_json(entry).encode(), "--out")
        self.ledger.add(str(path), images=entry["images"], seconds=entry["seconds"])
        value = entry["value"]
        return dict(value)


def _recorded(run: Run) -> str:
    """The configuration digest of a run."""
    channels, size, _ = run.store.image_shape()
    return configuration_digest(run.experiment, run.classifier_fingerprint, size=size, channels=channels)


def _read(path: Path, key: str) -> dict[str, Any] | None:
    """A cache entry; None for one that is missing, torn or another's."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    fits = isinstance(entry, dict) and entry.get("key") == key and isinstance(entry.get("value"), dict)
    counted = fits and isinstance(entry.get("seconds"), int | float) and isinstance(entry.get("images"), int)
    return entry if counted else None


class _CountingScorer(Scorer):
    """Tells the workshop how many images it scored."""

    def __init__(self, workshop: Workshop, classifier: Classifier, **settings: Any) -> None:
        super().__init__(classifier, **settings)
        self._workshop = workshop

    def score(self, images: np.ndarray | Tensor) -> np.ndarray:
        self._workshop.count(len(images))
        return super().score(images)
