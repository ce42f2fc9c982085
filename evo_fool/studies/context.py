"""What a study works with: runs, classifiers, data, a budget, and results that earlier processes left.

Everything lasts: a run is looked up by its configuration before it is evolved, an interrupted run is resumed, and
results of parts lie in a JSON cache. A reproduction that was stopped continues where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from torch import Tensor

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.precision import choose_batch
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.errors import ConfigError
from evo_fool.evaluation.environment import choose_device
from evo_fool.experiment import Experiment
from evo_fool.jsonable import plain
from evo_fool.presets import changed_label, find_experiment
from evo_fool.runs import Run
from evo_fool.runs.experiment_diff import configuration_digest
from evo_fool.sections import ClassifierConfig
from evo_fool.session import evolve, resume
from evo_fool.session.gradient_run import gradient_run
from evo_fool.session.session import Callback
from evo_fool.studies.data_folder import DataFolder
from evo_fool.studies.ledger import Ledger
from evo_fool.studies.result_cache import cache_file, read_entry, write_entry
from evo_fool.studies.run_finder import find_configuration

Budget = Literal["smoke", "laptop", "paper"]
T = TypeVar("T")

_SEEDS: dict[str, tuple[int, ...]] = {"smoke": (1,), "laptop": (1, 2, 3, 4, 5), "paper": (1, 2, 3, 4, 5)}


class Stopped(Exception):
    """The user asked to stop; everything found so far is kept. The argument is the reason."""


class Context:
    """The surroundings of one or more studies.

    Args:
        folder: runs go below ``runs``, cached results below ``cache``; None: nothing is evolved or cached.
        budget: how much may be computed.
        data: see :class:`.DataFolder`.
        say: told what is going on, a line at a time.
        seeds: None: one for ``smoke``, five otherwise.
        runs: more folders in which finished runs may be found; they are only read.
        observer: told how each run proceeds, see :func:`evo_fool.session.evolve`.
        stop: asked now and then; a reason stops the study.

    Attributes:
        ledger: the cost of the current study so far.
        device: where to compute.
        remarks: what a reader of the current study's result should know, such as a classifier that was replaced.

    Raises:
        ConfigError: an unknown budget, or no such data folder.
    """

    def __init__(
        self,
        folder: Path | None,
        budget: Budget = "laptop",
        data: Path | None = None,
        say: Callable[[str], None] = lambda line: None,
        seeds: Sequence[int] | None = None,
        *,
        runs: Sequence[Path] = (),
        observer: Callback = lambda progress: None,
        stop: Callable[[], str] = lambda: "",
    ) -> None:
        if budget not in _SEEDS:
            raise ConfigError(f"--budget {budget}: choose one of {', '.join(_SEEDS)}")
        self._folder = folder
        self.budget = budget
        self.data = DataFolder(data)
        self.say = say
        self.seeds = tuple(seeds or _SEEDS[budget])
        self.device = choose_device("auto")
        self.ledger = Ledger()
        self.remarks: list[str] = []
        self._runs = runs
        self._observer = observer
        self._stop = stop
        self._classifiers: dict[ClassifierConfig, Classifier] = {}
        self._fingerprints: dict[ClassifierConfig, str] = {}

    @property
    def folder(self) -> Path:
        """Where runs, weights and cached results go.

        Raises:
            ConfigError: this context has none.
        """
        if self._folder is None:
            raise ConfigError("this question evolves and trains nothing: it needs a folder for runs")
        return self._folder

    def scale(self, *, smoke: T, laptop: T, paper: T) -> T:
        """What the budget allows."""
        return {"smoke": smoke, "laptop": laptop, "paper": paper}[self.budget]

    def check(self) -> None:
        """Stop here if the user has asked to; called between pieces of work.

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
        """The finished run of an experiment: found by its configuration, resumed, or made below ``folder/runs``.

        That of a gradient method is found only by an experiment that says all that such a run records: the encoding,
        the method's settings, and the number of its steps.

        The caller closes it.

        Raises:
            Stopped: asked to stop; what was evolved is committed.
            EvoFoolError: see :func:`evo_fool.session.evolve`.
        """
        self.check()
        classifier = self.classifier(experiment.classifier.spec, experiment.classifier.weights)
        shape = {"size": classifier.size, "channels": classifier.channels}
        wanted = configuration_digest(experiment, self.fingerprint(experiment.classifier), **shape)
        run, unfinished = find_configuration(wanted, [self.folder / "runs", *self._runs], self.say)
        if run is None:
            by_gradient = experiment.search.kind == "gradient"  # which is complete or made anew
            how = "following gradients for" if by_gradient else "going on with" if unfinished else "evolving"
            self.say(f"{how} {experiment.name}, seed {experiment.seed}: {experiment.generations} generations")
            hooks: dict[str, Any] = {"callbacks": (self._observer, lambda progress: self._stop())}
            if by_gradient:
                run, _ = gradient_run(experiment, out=self.folder / "runs", classifier=classifier, stop=self._stop)
            elif unfinished:
                named = experiment.classifier
                run = resume(unfinished, classifier=named.spec, weights=named.weights, **hooks)
            else:
                run = evolve(experiment, out=self.folder / "runs", **hooks)
            if run.status != "finished":
                run.close()
                raise Stopped(self._stop() or "stopped")
        summary = run.summary()
        self.ledger.add(str(run.path), images=summary["evaluations"], seconds=summary["wall_seconds"])
        return run

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
        """A scorer in float32 with the batch that suits the device; the ledger counts what it scores."""
        batch = choose_batch(None, classifier.size, self.device)
        return _CountingScorer(self, classifier, batch=batch, view=view, device=self.device)

    def count(self, images: int) -> None:
        """Count images that a network scored other than by :meth:`scorer`: for gradients, for attribution."""
        self.ledger.images += images

    def fingerprint(self, config: ClassifierConfig) -> str:
        """The fingerprint of the classifier that an experiment names; computed once."""
        if config not in self._fingerprints:
            self._fingerprints[config] = self.classifier(config.spec, config.weights).fingerprint()
        return self._fingerprints[config]

    # Cached results

    def cache(self, key: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """A result, read from the cache or made and written there; without a folder it is made.

        Args:
            key: names the result with everything that it depends on but the budget: seeds, sizes, fingerprints of
                networks, :func:`~evo_fool.studies.array_digest.array_digest` of the images.
            make: makes it, JSON-able; it gets its runs from outside, so that the ledger counts them once. What it
                scores is counted, also when the result is read from the cache.

        Raises:
            Stopped: it is not there, and the user has asked to stop.
        """
        path = None if self._folder is None else cache_file(self._folder / "cache" / self.budget, key)
        entry = None if path is None else read_entry(path, key)
        if entry is None:
            self.check()
            if path:
                self.say(f"computing {key}")
            began, before = time.monotonic(), self.ledger.images
            value = plain(make())
            images, self.ledger.images = self.ledger.images - before, before
            entry = {"key": key, "seconds": time.monotonic() - began, "images": images, "value": value}
            if path:
                write_entry(path, entry)
        self.ledger.add(str(path or key), images=entry["images"], seconds=entry["seconds"])
        return dict(entry["value"])


class _CountingScorer(Scorer):
    """Tells the context how many images it scored."""

    def __init__(self, context: Context, classifier: Classifier, **settings: Any) -> None:
        super().__init__(classifier, **settings)
        self._context = context

    def score(self, images: np.ndarray | Tensor) -> np.ndarray:
        self._context.count(len(images))
        return super().score(images)
