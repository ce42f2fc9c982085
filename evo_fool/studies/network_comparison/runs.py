"""The runs of each network: evolved, and as many random and drifted CPPNs; made alike, or given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.evaluation.assembly import trusted_classifier
from evo_fool.runs import Run, find_run, open_run
from evo_fool.sections import ClassifierConfig, RandomConfig
from evo_fool.studies.context import Context
from evo_fool.studies.networks import Networks
from evo_fool.studies.run_finder import opened

EVOLVED, RANDOM, DRIFTED = "evolved", "random", "drifted"

KINDS: dict[str, dict[str, Any]] = {
    EVOLVED: {},
    RANDOM: {"search.kind": "random", "encoding.crossover": 0.0},
    # Mutated without selection, until they are as large as evolved ones.
    DRIFTED: {"search.kind": "random", "search.mutations": [0, 60], "encoding.crossover": 0.0},
}
"""Kind of run -> what it changes in the experiment."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network and its runs.

    Attributes:
        name: distinct.
        config: where it is from.
        scorer: at work.
        runs: directories by kind.
    """

    name: str
    config: ClassifierConfig
    scorer: Scorer
    runs: dict[str, list[Path]] = field(default_factory=dict)

    @contextmanager
    def opened(self, kind: str) -> Iterator[list[Run]]:
        """Its runs of a kind."""
        with opened(open_run(path) for path in self.runs[kind]) as runs:
            yield runs


def networks_of(
    context: Context, configs: Sequence[ClassifierConfig], runs: Sequence[str] = (), out: Path = Path()
) -> dict[str, Network]:
    """Networks by name, each once: those named and those of runs that are there, with these.

    Args:
        context: loads them.
        configs: networks that the user names.
        runs: paths, or names below ``out``.
        out: a folder of run directories.

    Raises:
        ConfigError: a run's network has changed or is code that is not named, or a network has no evolved run.
    """
    known, found = Networks(), dict[str, Network]()

    def add(config: ClassifierConfig) -> None:
        scorer = context.scorer(context.classifier(config.spec, config.weights))
        name = known.add(scorer)
        found.setdefault(name, Network(name, config, scorer))

    for config in configs:
        add(config)
    for text in runs:
        with open_run(find_run(text, out)) as run:
            if run.classifier_fingerprint not in known.names:
                add(trusted_classifier(run.experiment, None, None))
            if run.classifier_fingerprint not in known.names:
                raise ConfigError(f"{text}: its network has changed; name the one it was made on: --classifier")
            made = found[known.names[run.classifier_fingerprint]].runs
            made.setdefault(_kind(run), []).append(run.path)
    if without := [name for name, network in found.items() if runs and EVOLVED not in network.runs]:
        raise ConfigError(f"{without[0]}: no RUN was evolved on it; give one, or leave the network out")
    return found


def make_runs(
    context: Context,
    network: Network,
    images: int,
    experiment: str | None,
    seeds: Sequence[int],
    settings: dict[str, Any] | None = None,
) -> None:
    """Find or make a network's runs of every kind, one a seed.

    Args:
        context: where they lie.
        network: gets them.
        images: that each scores, in whole generations.
        experiment: the search; None: by the number of channels.
        seeds: of the runs.
        settings: dotted settings to change.

    Raises:
        Stopped: asked to stop.
        EvoFoolError: see :func:`evo_fool.session.evolve`.
    """
    preset = experiment or ("imagenet-cppn" if network.scorer.classifier.channels == 3 else "mnist-cppn")
    changed = {
        "classifier.spec": network.config.spec,
        "classifier.weights": network.config.weights,
        "retention.keep": "elites",
    } | (settings or {})
    batch = context.experiment(preset, changed).batch
    for kind, changes in KINDS.items():
        for seed in seeds:
            own = {
                "seed": seed,
                "name": f"{preset.replace('/', '-')}-{kind}",
                "generations": max(0, images // batch - 1),
            }
            with context.run(context.experiment(preset, changed | changes | own)) as run:
                network.runs.setdefault(kind, []).append(run.path)


def _kind(run: Run) -> str:
    search = run.experiment.search
    if not isinstance(search, RandomConfig):
        return EVOLVED
    return DRIFTED if search.drift[1] else RANDOM
