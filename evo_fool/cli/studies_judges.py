"""The images and the networks that ``evo-fool study transfer`` compares."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evo_fool.classifiers.precision import choose_batch
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.spec import ClassifierSpec
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.errors import ConfigError
from evo_fool.evaluation.environment import choose_device
from evo_fool.runs import Run, find_run, open_run
from evo_fool.sections import ClassifierConfig
from evo_fool.studies.elites import ImageSet, elites_of, judge_of


def judges_of(
    runs: Sequence[str], out: Path, judges: Sequence[str], classifiers: Sequence[str], device: str
) -> tuple[list[ImageSet], dict[str, Scorer], list[str]]:
    """The elites of runs, the networks that judge them, each once, by name, and what there is to remark.

    Args:
        runs: as the user names them.
        out: the folder in which they are looked for.
        judges: further networks, ``SPEC`` or ``SPEC@WEIGHTS``.
        classifiers: the networks of the runs, in the same form, where they cannot be loaded by the record alone.
        device: where to score.

    Raises:
        ConfigError: no such run or network, or a classifier that is no run's.
    """
    named = {text: ClassifierSpec.parse_with_weights(text).config() for text in classifiers}
    used: set[str] = set()
    sets: list[ImageSet] = []
    at_work: dict[str, Scorer] = {}
    known: dict[str, str] = {}
    remarks: list[str] = []

    def add(scorer: Scorer, where: str) -> None:
        fingerprint = scorer.classifier.fingerprint()
        if fingerprint in known:
            if where:
                remarks.append(f"{where} is the network {known[fingerprint]}, which judges already")
            return
        known[fingerprint] = _distinct(scorer.classifier.name, at_work)
        at_work[known[fingerprint]] = scorer

    recorded = []
    for text in runs:
        with open_run(find_run(text, out)) as run:
            sets.append(elites_of(run))
            recorded.append(run.experiment.classifier.spec)
            fitting = {key: config for key, config in named.items() if _same(run, config)}
            used.update(fitting)
            if run.classifier_fingerprint not in known:
                scorer, remark = _judge(run, list(fitting.values()), device)
                remarks += [remark] if remark else []
                add(scorer, "")
    if unused := [text for text in named if text not in used]:
        raise ConfigError(
            f"--classifier {unused[0]}: no RUN was evolved on it, but on {', '.join(dict.fromkeys(recorded))}; "
            "to judge by one more network use --judge"
        )
    place = choose_device(device)
    for text in judges:
        network = load_classifier(ClassifierSpec.parse_with_weights(text).config(), place)
        batch = choose_batch(None, network.size, place)
        add(Scorer(network, batch=batch, view="auto", device=place), f"--judge {text}")
    return sets, at_work, remarks


def _judge(run: Run, named: Sequence[ClassifierConfig], device: str) -> tuple[Scorer, str]:
    """The network of a run: by its record where that is allowed and works, else as the user names it.

    Several runs may share a spec and differ in weights, so that a name that fits by its spec may be another's.
    """
    if not named:
        return judge_of(run, device=device)
    if not ClassifierSpec.of(run.experiment.classifier).executes_code:
        try:
            scorer, remark = judge_of(run, device=device)
            if not remark:
                return scorer, remark
        except ConfigError:
            pass  # the reason for which the user names it
    found = [judge_of(run, classifier=config.spec, weights=config.weights, device=device) for config in named]
    return next((pair for pair in found if not pair[1]), found[0])


def _same(run: Run, config: ClassifierConfig) -> bool:
    """Whether it has the spec of a run's record, a file's path being taken from here."""
    return run.experiment.classifier.spec in (config.spec, str(ClassifierSpec.of(config).absolute()))


def _distinct(name: str, taken: dict[str, Scorer]) -> str:
    """The name, numbered where another has it: two LeNets are both called lenet-mnist."""
    number = sum(other == name or other.startswith(f"{name} #") for other in taken)
    return name if not number else f"{name} #{number + 1}"
