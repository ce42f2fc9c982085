"""Classifiers: where they come from, what they take, and how images become log-odds. Knows nothing of genomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_fool.lazy import lazy_names

if TYPE_CHECKING:
    from evo_fool.classifiers.base import Classifier as Classifier
    from evo_fool.classifiers.ensemble import Ensemble as Ensemble
    from evo_fool.classifiers.preparation import Preparation as Preparation
    from evo_fool.classifiers.scoring import Scorer as Scorer
    from evo_fool.classifiers.spec import ClassifierSpec as ClassifierSpec
    from evo_fool.classifiers.zoo import load_classifier as load_classifier

_HOMES = {
    "Classifier": "evo_fool.classifiers.base",
    "ClassifierSpec": "evo_fool.classifiers.spec",
    "Ensemble": "evo_fool.classifiers.ensemble",
    "Preparation": "evo_fool.classifiers.preparation",
    "Scorer": "evo_fool.classifiers.scoring",
    "load_classifier": "evo_fool.classifiers.zoo",
}

__all__ = ["Classifier", "ClassifierSpec", "Ensemble", "Preparation", "Scorer", "load_classifier"]


__getattr__ = lazy_names(__name__, _HOMES)
