"""What the report measures: LeNets trained plainly, by CEDA and by ACET, and runs against each of the detectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evo_fool.classifiers.guarded import Guarded
from evo_fool.classifiers.lenet import LeNet
from evo_fool.classifiers.mnist_data import Digits
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.sources.extras import import_extra
from evo_fool.classifiers.spec import DETECTORS, Detecting
from evo_fool.errors import ClassifierError
from evo_fool.runs import Run
from evo_fool.sampling import evenly
from evo_fool.scenes.photographs import Photographs
from evo_fool.sections import ClassifierConfig
from evo_fool.studies.array_digest import array_digest
from evo_fool.studies.baselines import outliers
from evo_fool.studies.context import Context
from evo_fool.studies.data_folder import MnistData
from evo_fool.studies.detectors.measure import Subject, climbed, controls, guards_of, made_by
from evo_fool.studies.digit_runs import digit_run
from evo_fool.studies.run_finder import opened
from evo_fool.studies.study import Skipped
from evo_fool.studies.training import mnist_of, trained
from evo_fool.training.detector import train_detector
from evo_fool.training.lenet import EPOCHS, fit

LOSSES = {"plain": "LeNet", "ceda": "LeNet by CEDA", "acet": "LeNet by ACET"}
"""Loss -> the network's name."""

_SEEDS = 3

_DRIFT = {"search.kind": "random", "search.mutations": [0, 60]}
"""The control: CPPNs that are mutated without selection, as many as evolution has."""

COMMANDS = (
    "evo-fool train lenet --data DIR --loss ceda --seed 1 --out ceda.safetensors",
    "evo-fool train detector energy --photos DIR --out energy.safetensors",
    "evo-fool run mnist-cppn --classifier guarded:energy.safetensors:lenet-mnist",
    'evo-fool run mnist-cppn -S search.kind=random -S "search.mutations=[0, 60]"',
    "evo-fool study detectors RUN… --photos DIR",
)
"""How its parts are made again."""


def standard_seeds(context: Context) -> tuple[int, ...]:
    """Of the runs; the first is that of the trainings too."""
    return context.seeds[: context.scale(smoke=1, laptop=_SEEDS, paper=len(context.seeds))]


def asked_detectors(context: Context) -> tuple[Detecting, ...]:
    """What the budget measures: ``vae``, which needs weights, is left to ``evo-fool study``."""
    every = tuple(kind for kind in DETECTORS if kind != "vae")
    return context.scale(smoke=("energy", "mahalanobis"), laptop=every, paper=every)


def standard_subjects(context: Context) -> list[Subject]:
    """LeNets trained alike but for the loss, evolved against as they are, and the plain one behind every detector.

    Raises:
        Skipped: there is no MNIST, or pytorch-ood is not installed.
        Stopped: asked to stop.
    """
    data = mnist_of(context)
    try:
        import_extra("pytorch_ood.detector", "ood")
    except ClassifierError as error:
        raise Skipped(f"It needs detectors: {error}.") from None
    seen, others = (_some(half, context.scale(smoke=400, laptop=5000, paper=5000)) for half in (data.train, data.test))
    found = []
    for loss in LOSSES:
        path = _network(context, data, loss)
        config = ClassifierConfig(weights=str(path))
        scorer = context.scorer(context.classifier(config.spec, config.weights))
        guards = asked_detectors(context) if loss == "plain" else ()
        if context.budget == "smoke":
            guards = guards[:1]
        specs = [config.spec, *(_guard(context, kind, scorer, seen, others) for kind in guards)]
        made = ((spec, drift, seed) for spec in specs for drift in (False, True) for seed in standard_seeds(context))
        with opened(_run(context, loss, str(path), *each) for each in made) as runs:
            loaded = [context.classifier(run.experiment.classifier.spec, str(path)) for run in runs]
            against = [network if isinstance(network, Guarded) else None for network in loaded]
            plain = [run for run, network in zip(runs, against, strict=True) if network is None]
            sources = made_by(list(zip(runs, against, strict=True)))
            sources += controls(scorer, plain, context.scale(smoke=50, laptop=1000, paper=1000), seed=context.seeds[0])
        steps = context.scale(smoke=50, laptop=500, paper=500)
        sources.append(climbed(context, scorer, len(scorer.classifier.classes), steps, seed=context.seeds[0]))
        found.append(Subject(LOSSES[loss], scorer, seen, others, sources, guards_of(against)))
    return found


def _some(half: Digits, n: int) -> Photographs:
    rows = evenly(len(half.labels), n)
    return Photographs(half.images[rows].unsqueeze(1).numpy(), half.labels[rows].numpy(), tuple(map(str, rows)))


def _network(context: Context, data: MnistData, loss: str) -> Path:
    """The weights file of a LeNet."""
    epochs, seed = context.scale(smoke=1, laptop=5, paper=EPOCHS), context.seeds[0]
    digits = context.scale(smoke=2000, laptop=None, paper=None)
    train = Digits(data.train.images[:digits], data.train.labels[:digits])

    def make() -> tuple[LeNet, dict[str, Any]]:
        taught = None if loss == "plain" else outliers(train.images, loss, seed=seed)
        network, mean_loss = fit(train, seed=seed, epochs=epochs, report=context.say, outliers=taught)
        return network, {"train_loss": mean_loss}

    learnt = array_digest(train.images, train.labels)
    return trained(context, f"LeNet, {loss}, seed {seed}, {epochs} passes, {learnt}", make)[0].absolute()


def _guard(context: Context, kind: Detecting, scorer: Scorer, seen: Photographs, others: Photographs) -> str:
    """The spec of the plain LeNet behind a detector, which is fitted where its file is missing."""
    name = f"{kind}-{scorer.classifier.fingerprint()[:12]}-{array_digest(seen.images, others.images)}"
    out = (context.folder / "weights" / f"{name}.safetensors").absolute()
    if not out.with_suffix(".json").is_file():
        out.parent.mkdir(parents=True, exist_ok=True)
        context.say(f"fitting {kind}")
        train_detector(kind, scorer, seen, others, out)
    return f"guarded:{out}:lenet-mnist"


def _run(context: Context, loss: str, weights: str, spec: str, drift: bool, seed: int) -> Run:
    """Evolved, or the best of as many CPPNs that drifted."""
    how = ("drifted" if drift else "evolved") + ("" if spec == "lenet-mnist" else "-adaptive")
    settings = {"name": f"{how}-{loss}", "classifier.spec": spec, "classifier.weights": weights}
    return digit_run(context, "mnist-cppn", seed, settings | (_DRIFT if drift else {}))
