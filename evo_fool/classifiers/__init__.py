"""Classifiers: where they come from, what they take, and how images become log-odds. Knows nothing of genomes."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evo_fool.classifiers.base import Classifier as Classifier
    from evo_fool.classifiers.ensemble import Ensemble as Ensemble
    from evo_fool.classifiers.preparation import Preparation as Preparation
    from evo_fool.classifiers.scoring import Scorer as Scorer
    from evo_fool.classifiers.spec import ClassifierSpec as ClassifierSpec
    from evo_fool.classifiers.zoo import load_classifier as load_classifier

_HOMES = {
    "Classifier": "base",
    "ClassifierSpec": "spec",
    "Ensemble": "ensemble",
    "Preparation": "preparation",
    "Scorer": "scoring",
    "load_classifier": "zoo",
}

__all__ = ["Classifier", "ClassifierSpec", "Ensemble", "Preparation", "Scorer", "load_classifier"]


def __getattr__(name: str) -> Any:
    """Import a name when it is first used: torch is slow to load, and reading runs needs none of it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
