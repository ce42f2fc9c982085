"""The studies, one folder each.

``measure.py`` computes, ``study.py`` holds the :class:`~evo_fool.studies.study.Study`, ``text.md.j2`` its sentences,
and ``__init__.py`` the options of ``evo-fool study``. A study is imported when it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from evo_fool.errors import ConfigError

if TYPE_CHECKING:
    from evo_fool.studies.options import Options
    from evo_fool.studies.study import Study

STUDIES: dict[str, str] = {
    "mnist": "evo_fool.studies.mnist.study:Mnist",
    "imagenet": "evo_fool.studies.imagenet.study:ImageNet",
    "controls": "evo_fool.studies.controls.study:Controls",
    "searches": "evo_fool.studies.searches.study:Searches",
    "gradient-ascent": "evo_fool.studies.gradient_ascent.study:GradientAscent",
    "transfer": "evo_fool.studies.transfer.study:Transfer",
    "repetition": "evo_fool.studies.repetition.study:Repetitions",
    "attribution": "evo_fool.studies.attribution.study:Attribution",
    "paths": "evo_fool.studies.paths.study:Paths",
    "retraining": "evo_fool.studies.retraining.study:Retraining",
    "retraining-imagenet": "evo_fool.studies.retraining_imagenet.study:RetrainingImagenet",
    "generative": "evo_fool.studies.generative.study:Generative",
    "universal": "evo_fool.studies.universal.study:Universal",
    "per-image": "evo_fool.studies.per_image.study:PerImage",
    "program": "evo_fool.studies.program.study:Programs",
    "network-comparison": "evo_fool.studies.network_comparison.study:NetworkComparison",
    "stability": "evo_fool.studies.stability.study:Stability",
    "detectors": "evo_fool.studies.detectors.study:Detectors",
}
"""Name -> ``module:class``, in the order of the report."""

QUESTIONS: dict[str, str] = {
    "gradient-ascent": STUDIES["gradient-ascent"],
    "transfer": STUDIES["transfer"],
    "repetition": STUDIES["repetition"],
    "attribution": STUDIES["attribution"],
    "paths": STUDIES["paths"],
    "retraining": STUDIES["retraining"],
    "generative": STUDIES["generative"],
    "noise": "evo_fool.studies.noise.study:Noise",
    "switching": "evo_fool.studies.switching.study:GoalSwitches",
    "universal": STUDIES["universal"],
    "patch": "evo_fool.studies.patch.study:Patches",
    "per-image": STUDIES["per-image"],
    "program": STUDIES["program"],
    "network-comparison": STUDIES["network-comparison"],
    "natural": "evo_fool.studies.natural.study:Natural",
    "stability": STUDIES["stability"],
    "detectors": STUDIES["detectors"],
}
"""The verbs of ``evo-fool study``: name -> ``module:class``. The module's package has its ``Options``."""

FIGURES: dict[str, tuple[str, ...]] = {
    "1": ("imagenet",),
    "4": ("mnist",),
    "5": ("mnist",),
    "6": ("imagenet",),
    "7": ("imagenet",),
    "8": ("imagenet",),
    "9": ("imagenet",),
    "10": ("repetition",),
    "11": ("retraining",),
    "12": ("imagenet", "retraining-imagenet"),
    "13": ("gradient-ascent",),
}
"""The paper's figures -> the studies that answer them."""


def chosen(names: Sequence[str]) -> list[str]:
    """The studies that ``names`` mean, in the report's order: names of studies, numbers of figures, or ``all``.

    Raises:
        ConfigError: there is no such study and no such figure.
    """
    found: set[str] = set()
    for name in names:
        number = name.lower().removeprefix("figure").removeprefix("fig").lstrip(" .-")
        if name == "all":
            found |= set(STUDIES)
        elif name in STUDIES:
            found.add(name)
        elif number in FIGURES:
            found |= set(FIGURES[number])
        else:
            known = f"all, {', '.join(STUDIES)}, or figure {', '.join(FIGURES)}"
            raise ConfigError(f"{name!r}: no such study or figure; choose {known}")
    return [name for name in STUDIES if name in found]


def study_of(name: str, options: Options | None = None) -> Study[Any]:
    """A study by its name in :data:`STUDIES` or :data:`QUESTIONS`; imports it."""
    module, _, attribute = (STUDIES | QUESTIONS)[name].partition(":")
    study: Study[Any] = getattr(import_module(module), attribute)(options)
    return study


def options_of(name: str) -> type[Options]:
    """What ``evo-fool study NAME`` can be asked; imports the options alone."""
    package = QUESTIONS[name].partition(":")[0].rpartition(".")[0]
    options: type[Options] = import_module(package).Options
    return options
