"""The report's page on transfer: digits among five networks, and ImageNet's classes among those at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evo_fool.classifiers.spec import WAYS, ClassifierSpec
from evo_fool.runs import Run
from evo_fool.sections import ClassifierConfig
from evo_fool.studies.context import Context
from evo_fool.studies.digit_networks import SHIPPED, DigitNetwork, digit_networks
from evo_fool.studies.digit_runs import digit_run
from evo_fool.studies.elites import elites_of, noise_set
from evo_fool.studies.imagenet_runs import imagenet_run
from evo_fool.studies.page import skipped
from evo_fool.studies.section import Section
from evo_fool.studies.transfer import transfer, transfer_of_noise
from evo_fool.studies.transfer_figures import TransferResult, ensembles_text, pictures_of, rows_of, verdict_of

KEY, TITLE, FIGURES = "transfer", "Transfer from network to network", "text"

_FEW = 50
"""Elites of a run that the smoke budget looks at: a thousand of them, by every network, take minutes."""

Maker = Callable[[int], Run]
"""The run of a seed against one network, or against several."""


def section(context: Context) -> Section:
    """The page."""
    results: list[TransferResult] = []
    settings: dict[str, Any] = {}
    commands: tuple[str, ...] = ()
    data = context.data.mnist()
    if data is not None:
        digits = digit_networks(context, data)
        networks = {name: network.config for name, network in digits.items()}
        taught = [SHIPPED, f"{SHIPPED} B"]
        makers = _digit_makers(context, networks, taught)
        noise = context.scale(smoke=_FEW, laptop=2000, paper=20_000)
        recipes = {
            name: f"{network.epochs} {'passes' if network.epochs > 1 else 'pass'}" for name, network in digits.items()
        }
        results.append(_show_to_all("MNIST", context, networks, taught, makers, _seeds(context), noise, recipes))
        settings["MNIST"] = {
            "networks": {name: network.to_json() for name, network in digits.items()},
            "ensembles of": taught,
            "random images": noise,
        }
        commands = _commands(digits)
    files = context.data.imagenet_networks()
    if len(files) > 1:
        networks = {name: ClassifierConfig(spec=f"torchvision:{name}", weights=str(p)) for name, p in files.items()}
        taught = _taught(list(networks))
        makers = _object_makers(context, networks, taught)
        noise = context.scale(smoke=_FEW, laptop=500, paper=5000)
        results.append(_show_to_all("ImageNet", context, networks, taught, makers, context.seeds[:1], noise, {}))
        settings["ImageNet"] = {
            "networks": {name: {"spec": config.spec} for name, config in networks.items()},
            "ensembles of": taught,
            "random images": noise,
        }
    if not results:
        reason = (
            "There is neither MNIST to train further networks on, nor are there two ImageNet networks: give --data."
        )
        return skipped(KEY, TITLE, FIGURES, reason)
    verdict, why = verdict_of(results)
    return Section(
        key=KEY,
        title=TITLE,
        figures=FIGURES,
        verdict=verdict,
        why=" ".join([why, *map(ensembles_text, results)]).strip(),
        rows=tuple(row for part in results for row in rows_of(part)),
        pictures=tuple(picture for part in results for picture in pictures_of(part)),
        settings=settings,
        seeds=_seeds(context),
        commands=(*commands, "evo-fool study transfer RUN RUN"),
        data={part.name: part.to_json() for part in results},
    )


def _commands(digits: Mapping[str, DigitNetwork]) -> tuple[str, ...]:
    """What makes the second LeNet and the third, and an ensemble of the first two, outside of the page."""
    files = {f"{SHIPPED} {letter}": f"{letter}.safetensors" for letter in "BC"}
    training = [
        f"evo-fool train lenet --data DIR --seed {digits[name].seed} --epochs {digits[name].epochs} --out {file}"
        for name, file in files.items()
    ]
    return (
        *training,
        "evo-fool run mnist-cppn --classifier ensemble:minimum:lenet-mnist+lenet-mnist@B.safetensors",
        "evo-fool study transfer RUN --judge lenet-mnist --judge lenet-mnist@C.safetensors",
    )


def _seeds(context: Context) -> tuple[int, ...]:
    return context.seeds[: context.scale(smoke=1, laptop=2, paper=5)]


def _taught(names: Sequence[str]) -> list[str]:
    """The members of the ensembles: those of one family where there are some, so that a stranger is left out."""
    alike = [name for name in names if name.startswith("squeezenet")]
    return alike if 1 < len(alike) < len(names) else list(names)[:-1]


def _ensembles(taught: Sequence[str]) -> dict[str, tuple[str, Sequence[str]]]:
    """Name -> way and members."""
    return {f"{way} of {' + '.join(taught)}": (way, taught) for way in WAYS} if len(taught) > 1 else {}


def _ensemble_configs(networks: Mapping[str, ClassifierConfig], taught: Sequence[str]) -> dict[str, ClassifierConfig]:
    return {
        name: ClassifierSpec("ensemble", way, ensembled=tuple(ClassifierSpec.of(networks[m]) for m in members)).config()
        for name, (way, members) in _ensembles(taught).items()
    }


def _digit_makers(
    context: Context, networks: Mapping[str, ClassifierConfig], taught: Sequence[str]
) -> dict[str, Maker]:
    def maker(config: ClassifierConfig) -> Maker:
        settings: dict[str, Any] = {} if config == ClassifierConfig() else {"classifier": config.model_dump()}
        return lambda seed: digit_run(context, "mnist-cppn", seed, settings)

    return {name: maker(config) for name, config in (dict(networks) | _ensemble_configs(networks, taught)).items()}


def _object_makers(
    context: Context, networks: Mapping[str, ClassifierConfig], taught: Sequence[str]
) -> dict[str, Maker]:
    files = context.data.imagenet_networks()

    def single(name: str) -> Maker:
        return lambda seed: imagenet_run(context, name, files[name], "cppn", seed)

    def together(config: ClassifierConfig) -> Maker:
        """As long as the run against one network, so that the two are compared at equal numbers of images."""

        def make(seed: int) -> Run:
            with single(taught[0])(seed) as like:
                experiment = like.experiment
            changed = experiment.model_copy(update={"classifier": config, "name": "imagenet-cppn-ensemble"})
            return context.run(changed)

        return make

    makers = {name: single(name) for name in networks}
    return makers | {name: together(config) for name, config in _ensemble_configs(networks, taught).items()}


def _show_to_all(
    name: str,
    context: Context,
    networks: Mapping[str, ClassifierConfig],
    taught: list[str],
    makers: Mapping[str, Maker],
    seeds: Sequence[int],
    noise: int,
    recipes: Mapping[str, str],
) -> TransferResult:
    """Images of every maker, seed by seed, and noise, shown to every network."""
    judges = {label: context.scorer(context.classifier(c.spec, c.weights)) for label, c in networks.items()}
    by_seed, evolved = [], 0
    for seed in seeds:
        sets = []
        for label, make in makers.items():
            with make(seed) as run:
                elites = elites_of(run, name=label)
                evolved = run.summary()["evaluations"]
            step = context.scale(smoke=max(1, len(elites) // _FEW), laptop=1, paper=1)
            sets.append(elites.pick(range(0, len(elites), step)))
        context.check()
        by_seed.append(transfer(sets, judges))
    first = next(iter(judges.values())).classifier
    shape = (first.channels, first.size, first.size)
    context.check()
    random = noise_set(first.classes, shape, noise, seed=seeds[0])
    return TransferResult(
        name=name,
        evolved=tuple(by_seed),
        noise=transfer_of_noise(random, judges, _ensembles(taught)),
        taught=tuple(taught),
        specs={label: config.spec for label, config in networks.items()},
        recipes=dict(recipes),
        evolved_images=evolved,
        noise_images=noise,
    )
