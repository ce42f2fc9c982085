"""From an experiment to what it needs to run: its classifier, encoding and evaluator, with nothing left to choose.

Also whom a recorded experiment may name: a run directory can come from a stranger, so code that it names as its
classifier is never loaded on its word alone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from evo_fool.class_names import ClassNames
from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.ensemble import ensemble_spec, is_ensemble, parse_ensemble
from evo_fool.classifiers.precision import choose_batch, choose_precision
from evo_fool.classifiers.preflight import Preflight, preflight
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.views import check_view
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.encodings import build_encoding
from evo_fool.encodings.base import Encoding
from evo_fool.errors import ConfigError
from evo_fool.evaluation import Evaluator
from evo_fool.evaluation.environment import choose_device
from evo_fool.evaluation.memory_need import check_memory
from evo_fool.experiment import ClassifierConfig, Experiment, GeneticConfig, ScoringConfig

_LARGE_IMAGE = 64
"""Images of more pixels a side are checkpointed by time: writing them takes longer than scoring small ones."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What an experiment needs to run: its classifier, encoding and evaluator, on one device."""

    device: torch.device
    classifier: Classifier
    encoding: Encoding
    evaluator: Evaluator
    targets: list[int]


def assemble(experiment: Experiment, classifier: Classifier | None = None) -> Parts:
    """Load the classifier and build everything that the toolbox needs.

    Args:
        experiment: what to run.
        classifier: one that is ready, in place of the one that the experiment names; it is moved to the device.

    Raises:
        ConfigError, ClassifierError: see their messages.
    """
    device = choose_device(experiment.device)
    classifier = load_classifier(experiment.classifier, device) if classifier is None else classifier.to(device)
    channels, *size = classifier.shape
    encoding = build_encoding(experiment.encoding, size=(size[0], size[1]), channels=channels, device=str(device))
    scoring = resolve_scoring(experiment, classifier.size, device)
    check_view(scoring.view, encoding.shape[1:], classifier.shape[1:])
    scorer = Scorer(classifier, batch=scoring.batch or 1, view=scoring.view, device=device, precision=scoring.precision)
    return Parts(device, classifier, encoding, Evaluator(encoding, scorer), resolve_targets(experiment, classifier))


@dataclass(frozen=True, slots=True)
class Plan:
    """A new run before anything of it is written.

    Attributes:
        experiment: with everything decided that ``auto`` leaves to a rule, and absolute paths.
        parts: what runs it.
        preflight: what the classifier showed.
    """

    experiment: Experiment
    parts: Parts
    preflight: Preflight

    def to_json(self) -> dict[str, Any]:
        """What would run, as plain data."""
        experiment, classifier, scorer = self.experiment, self.parts.classifier, self.parts.evaluator.scorer
        return {
            "name": experiment.name,
            "preset": experiment.preset,
            "classifier": classifier.name,
            "fingerprint": classifier.fingerprint(),
            "input": classifier.input_contract(),
            "classes": len(classifier.classes),
            "image": list(self.parts.encoding.shape),
            "encoding": experiment.encoding.kind,
            "search": experiment.search.kind,
            "targets": [classifier.classes[target] for target in self.parts.targets],
            "seed": experiment.seed,
            "batch": experiment.batch,
            "generations": experiment.generations,
            "device": str(self.parts.device),
            "threads": torch.get_num_threads(),
            "precision": scorer.precision,
            "sub_batch": scorer.batch,
            "preflight": asdict(self.preflight),
        }


def plan(experiment: Experiment) -> Plan:
    """Load and check all that a new run needs; nothing is written.

    Raises:
        ConfigError, ClassifierError: the experiment cannot be run, or its classifier is not fit to be evolved against.
    """
    refuse_imported(experiment)
    experiment = with_absolute_paths(experiment)
    parts = assemble(experiment)
    check_memory(experiment, parts)
    # What was chosen by rule is written down, so that a resumed run does not choose again on another machine.
    return Plan(resolved(experiment, parts), parts, preflight(parts.evaluator.scorer))


def refuse_imported(experiment: Experiment) -> None:
    """Imported images are a run that is complete.

    Raises:
        ConfigError: it is one.
    """
    if experiment.search.kind == "imported":
        raise ConfigError(
            "search.kind = 'imported': imported images cannot be evolved; choose map_elites, genetic or random"
        )


def resolve_scoring(experiment: Experiment, size: int, device: torch.device) -> ScoringConfig:
    """The experiment's scoring with nothing left to choose."""
    scoring = experiment.scoring
    # A network of one's own may mix in tensors that are float32 for good; torchvision's are known not to.
    known = all(member.spec.startswith("torchvision:") for member in members(experiment.classifier))
    own = scoring.precision == "auto" and not known
    precision = "float32" if own else choose_precision(scoring.precision, size, device)
    batch = choose_batch(scoring.batch, size, device)
    return ScoringConfig.model_validate(scoring.model_dump() | {"precision": precision, "batch": batch})


def resolved(experiment: Experiment, parts: Parts) -> Experiment:
    """The experiment with everything decided that ``auto`` leaves to a rule."""
    checkpoint = experiment.checkpoint
    if checkpoint.generations == "auto":
        large = parts.encoding.size > _LARGE_IMAGE
        chosen = {"generations": None, "seconds": checkpoint.seconds or 30.0} if large else {"generations": 1}
        checkpoint = checkpoint.model_copy(update=chosen)
    scoring = resolve_scoring(experiment, parts.classifier.size, parts.device)
    return experiment.model_copy(update={"scoring": scoring, "checkpoint": checkpoint})


def with_absolute_paths(experiment: Experiment) -> Experiment:
    """A copy whose classifier file and weights are named absolutely, so that it can be resumed from anywhere."""
    config = experiment.classifier
    if is_ensemble(config.spec):
        way, listed = parse_ensemble(config.spec)
        spec = ensemble_spec(way, [_absolute(member) for member in listed])
        return experiment.model_copy(update={"classifier": config.model_copy(update={"spec": spec})})
    return experiment.model_copy(update={"classifier": _absolute(config)})


def _absolute(config: ClassifierConfig) -> ClassifierConfig:
    spec, weights = config.spec, config.weights
    if is_file_spec(spec):
        file, _, factory = spec.rpartition(":")
        spec = f"{Path(file).absolute()}:{factory}"
    if weights is not None:
        weights = str(Path(weights).absolute())
    return ClassifierConfig(spec=spec, weights=weights)


def trusted_classifier(experiment: Experiment, classifier: str | None, weights: str | None) -> ClassifierConfig:
    """The classifier of a recorded experiment, as the user now names it.

    A record that names code is never followed on its own: the run directory may come from a stranger.

    Raises:
        ConfigError: the record names code, and the user has not named the classifier.
    """
    recorded = experiment.classifier
    if classifier is None and names_code(recorded):
        raise ConfigError(f"the run's classifier is code; if you trust it, repeat it: --classifier {recorded.spec}")
    config = {
        "spec": recorded.spec if classifier is None else classifier,
        "weights": recorded.weights if weights is None else weights,
    }
    named = Experiment.from_mapping(experiment.model_dump() | {"classifier": config}, source="--classifier")
    return with_absolute_paths(named).classifier


def names_code(classifier: ClassifierConfig) -> bool:
    """Whether loading the classifier would execute code that the spec names."""
    return any(member.spec.startswith("import:") or is_file_spec(member.spec) for member in members(classifier))


def members(classifier: ClassifierConfig) -> tuple[ClassifierConfig, ...]:
    """The classifiers that a spec names: those of an ensemble, or itself alone."""
    return parse_ensemble(classifier.spec)[1] if is_ensemble(classifier.spec) else (classifier,)


def is_file_spec(spec: str) -> bool:
    """Whether a classifier spec is ``path/to/file.py:factory``."""
    return spec.rpartition(":")[0].endswith(".py") and not spec.startswith(("import:", "torchvision:", "ensemble:"))


def resolve_targets(experiment: Experiment, classifier: Classifier) -> list[int]:
    """The class indices that the single-class GA evolves; empty for the other strategies."""
    if not isinstance(experiment.search, GeneticConfig):
        return []
    target = experiment.search.target
    if target == "all":
        return list(range(len(classifier.classes)))
    try:
        return [ClassNames(classifier.classes, classifier.aliases).find(target)]
    except KeyError as error:
        raise ConfigError(f"search.target = {error.args[0]}") from None
