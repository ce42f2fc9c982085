"""Shipped experiments by name: ``evo-fool run mnist-cppn`` works in a checkout and from an installed package."""

from __future__ import annotations

import difflib
from pathlib import Path

from evo_fool.errors import ConfigError


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
