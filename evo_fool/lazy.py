"""Packages whose names are imported when they are first used, because what lies behind them is slow to load."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package.

    Args:
        package: its ``__name__``.
        homes: name -> the module that defines it.

    >>> lazy_names("evo_fool.runs", {"digest": "evo_fool.runs.digest"})("nothing")
    Traceback (most recent call last):
    AttributeError: module 'evo_fool.runs' has no attribute 'nothing'
    """

    def find(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(homes[name]), name)

    return find
