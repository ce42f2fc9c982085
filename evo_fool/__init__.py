"""evo-fool: evolve images that a classifier is sure about and a human cannot recognise.

>>> from evo_fool import Experiment
>>> Experiment().encoding.kind
'cppn'

The heavy parts are loaded when first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_fool.lazy import lazy_names

if TYPE_CHECKING:
    from evo_fool.classifiers.base import Classifier as Classifier
    from evo_fool.encodings.base import Encoding as Encoding
    from evo_fool.errors import EvoFoolError as EvoFoolError
    from evo_fool.experiment import Experiment as Experiment
    from evo_fool.runs import Elite as Elite
    from evo_fool.runs import Run as Run
    from evo_fool.runs import open_run as open_run
    from evo_fool.runs import verify as verify
    from evo_fool.session import evolve as evolve
    from evo_fool.session import resume as resume

__version__ = "0.1.0"

_HOMES = {
    "Classifier": "evo_fool.classifiers.base",
    "Elite": "evo_fool.runs",
    "Encoding": "evo_fool.encodings.base",
    "EvoFoolError": "evo_fool.errors",
    "Experiment": "evo_fool.experiment",
    "Run": "evo_fool.runs",
    "evolve": "evo_fool.session",
    "open_run": "evo_fool.runs",
    "resume": "evo_fool.session",
    "verify": "evo_fool.runs",
}

__all__ = sorted(_HOMES)


__getattr__ = lazy_names(__name__, _HOMES)
