"""Shipped experiments by name: ``evo-fool run mnist-cppn`` works in a checkout and from an installed package."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evo_fool.errors import ConfigError

if TYPE_CHECKING:
    from evo_fool.experiment import Experiment

NEUTRAL = ("name", "preset", "device", "warn_after", "checkpoint", "retention")
"""Settings that decide the outcome in its last bits at most: labels, the machine, and what is kept on disk."""

_LABEL = 120
"""Letters of a preset's label that fit on a figure."""


def preset_folder() -> Path:
    """Where the shipped experiments are: inside an installed package, or the checkout's own folder."""
    package = Path(__file__).resolve().parent
    installed = package / "_experiments"
    return installed if installed.is_dir() else package.parent / "experiments"


def preset_names() -> list[str]:
    """The names of the shipped experiments, such as ``mnist-cppn`` and ``paper/mnist-cppn``."""
    folder = preset_folder()
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.yaml"))


def find_experiment(text: str) -> Path:
    """The file that EXPERIMENT names: a path, or else the name of a shipped experiment.

    >>> find_experiment("mnist-cppn").name
    'mnist-cppn.yaml'

    Raises:
        ConfigError: neither; the message names the nearest shipped experiment.
    """
    path = Path(text)
    if path.is_file():
        return path
    if path.is_dir():
        raise ConfigError(f"{text}: a folder; give an experiment file, such as experiments/mnist-cppn.yaml")
    names = preset_names()
    name = text.removeprefix("experiments/").removesuffix(".yaml")
    if name in names:
        return preset_folder() / f"{name}.yaml"
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"shipped: {', '.join(names)}"
    raise ConfigError(f"{text}: no such file, and no shipped experiment has that name; {hint}")


def changed_label(preset: Experiment, experiment: Experiment) -> str:
    """The label of a preset with changed settings, "mnist-cppn, batch changed"; its own where only the seed, the
    generations or :data:`NEUTRAL` settings were changed."""
    before, after = (each.model_dump(exclude={*NEUTRAL, "seed", "generations"}) for each in (preset, experiment))
    if before == after:
        return preset.preset
    labels = [f"{preset.preset}, {', '.join(_changes(before, after, depth))} changed" for depth in (2, 1)]
    return next((label for label in labels if len(label) <= _LABEL), labels[-1])[:200]


def _changes(before: dict[str, Any], after: dict[str, Any], depth: int) -> list[str]:
    """The settings that differ, dotted down to ``depth``; a section of another kind is named as a whole."""
    changes = []
    for key in after:
        old, new = before.get(key), after[key]
        if depth > 1 and isinstance(old, dict) and isinstance(new, dict) and old.keys() == new.keys():
            changes += [f"{key}.{inner}" for inner in _changes(old, new, depth - 1)]
        elif old != new:
            changes.append(key)
    return changes
