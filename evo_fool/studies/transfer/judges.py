"""The images and the networks that ``evo-fool study transfer`` compares."""

from __future__ import annotations

from collections.abc import Sequence

from evo_fool.classifiers.precision import choose_batch
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.spec import ClassifierSpec
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.errors import ConfigError
from evo_fool.evaluation.environment import choose_device
from evo_fool.runs import Run, find_run, open_run
from evo_fool.sections import ClassifierConfig
from evo_fool.studies.elites import ImageSet, elites_of, judge_of
from evo_fool.studies.networks import Networks
from evo_fool.studies.run_finder import opened
from evo_fool.studies.transfer import Options


def judges_of(options: Options) -> tuple[list[ImageSet], dict[str, Scorer], list[str]]:
    """The elites of the runs, the networks that judge them, each once, by name, and the remarks for the reader.

    Raises:
        ConfigError: no such run or network, or a classifier that is no run's.
    """
    with opened(open_run(find_run(text, options.out)) for text in options.runs) as runs:
        sets = [elites_of(run) for run in runs]
        judges, _, remarks = own_networks(runs, options.classifiers, options.device)
    device = choose_device(options.device)
    for text in options.judges:
        network = load_classifier(ClassifierSpec.parse_with_weights(text).config(), device)
        if double := judges.names.get(network.fingerprint()):
            remarks.append(f"--judge {text} is the network {double}, which judges already")
        else:
            judges.add(Scorer(network, batch=choose_batch(None, network.size, device), view="auto", device=device))
    return sets, judges.scorers, remarks


def own_networks(runs: Sequence[Run], classifiers: Sequence[str], device: str) -> tuple[Networks, list[str], list[str]]:
    """The networks of runs, each once, the name of each run's, and the remarks for the reader.

    Args:
        runs: open.
        classifiers: ``SPEC[@WEIGHTS]`` of those whose record names code or whose weights have moved.
        device: where they work.

    Raises:
        ConfigError: a network is not found, or one that is named is no run's.
    """
    named = {text: ClassifierSpec.parse_with_weights(text).config() for text in classifiers}
    used: set[str] = set()
    networks, names, remarks = Networks(), [], []
    for run in runs:
        fitting = {key: config for key, config in named.items() if _same(run, config)}
        used |= set(fitting)
        if run.classifier_fingerprint not in networks.names:
            scorer, remark = _judge(run, list(fitting.values()), device)
            remarks += [remark] if remark else []
            names.append(networks.add(scorer))
        else:
            names.append(networks.names[run.classifier_fingerprint])
    if unused := [text for text in named if text not in used]:
        recorded = dict.fromkeys(run.experiment.classifier.spec for run in runs)
        raise ConfigError(
            f"--classifier {unused[0]}: no RUN was evolved on it, but on {', '.join(recorded)}; "
            "to judge by one more network use evo-fool study transfer --judge"
        )
    return networks, names, remarks


def _judge(run: Run, named: Sequence[ClassifierConfig], device: str) -> tuple[Scorer, str]:
    """The network of a run: by its record where that is allowed and works, else as the user names it.

    Several runs may share a spec and differ in weights, so that a name that fits by its spec may be another's.
    """
    if not named:
        return judge_of(run, device=device)
    if not ClassifierSpec.of(run.experiment.classifier).hazard:
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
