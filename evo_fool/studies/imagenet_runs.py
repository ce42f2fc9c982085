"""The runs on ImageNet that the report rests on: every study that asks for the same gets the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evo_fool.runs import Run
from evo_fool.studies.context import Context

PRIMARY = "squeezenet1_1"
"""The network that most is measured on: the fastest of torchvision's."""

PRESETS = {
    "cppn": "imagenet-cppn",
    "paper": "paper/imagenet-cppn",
    "pixels": "imagenet-pixels",
    "random": "imagenet-random",
    "random-pixels": "imagenet-random",
}
"""Kind of run -> the experiment that ships."""


def primary_network(context: Context) -> tuple[str, Path] | None:
    """The ImageNet network to work on, and its weights; None where there is none."""
    networks = context.data.imagenet_networks()
    name = PRIMARY if PRIMARY in networks else next(iter(networks), None)
    return None if name is None else (name, networks[name])


def imagenet_run(context: Context, name: str, weights: Path, kind: str, seed: int) -> Run:
    """A run of the budget's size; other studies that ask for the same get the same.

    Args:
        context: where to look for it and to evolve it.
        name: torchvision's name of the network.
        weights: its file.
        kind: ``cppn`` (the default search), ``paper`` (the paper's operators; below the paper's budget in one view of
            the network's own size), ``pixels``, ``random`` (fresh random CPPNs) or ``random-pixels``.
        seed: of the run.
    """
    preset = PRESETS[kind]
    settings: dict[str, Any] = {
        "seed": seed,
        "name": f"{'imagenet-random-pixels' if kind == 'random-pixels' else preset.replace('/', '-')}-{name}",
        "generations": context.scale(smoke=3, laptop=100, paper=5000),
        "classifier.weights": str(weights),
        # Ancestors are not looked at here, and a thousand classes have many.
        "retention.keep": "elites",
    }
    if kind == "pixels":  # whose batches are 200, the others' 400
        settings["generations"] = context.scale(smoke=3, laptop=200, paper=20_000)
    if name != PRIMARY or kind == "paper":
        settings["classifier.spec"] = f"torchvision:{name}"
    if kind == "paper" and context.budget != "paper":
        settings |= {"scoring.view": "auto", "encoding.size": None}
    if kind == "random-pixels":
        settings["encoding.kind"] = "pixels"
    if context.budget == "smoke":
        settings |= {"batch": 32, "initial": 32} if kind == "paper" else {"batch": 32}
    return context.run(context.experiment(preset, settings))
