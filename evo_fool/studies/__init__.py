"""What is asked of elites: one module a study, each a set of functions and a page of the report.

``STUDIES`` is the order of the report. A study's ``section(workshop)`` runs what it needs, or takes what is there, and
returns a :class:`~evo_fool.studies.base.Section`; the module is imported when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from evo_fool.errors import ConfigError

if TYPE_CHECKING:
    from evo_fool.studies.base import Section
    from evo_fool.studies.workshop import Workshop

STUDIES: dict[str, str] = {
    "mnist": "evo_fool.studies.mnist:section",
    "imagenet": "evo_fool.studies.imagenet:section",
    "controls": "evo_fool.studies.controls:section",
    "searches": "evo_fool.studies.searches:section",
    "gradient-ascent": "evo_fool.studies.gradient_ascent_page:section",
    "transfer": "evo_fool.studies.transfer_page:section",
    "repetition": "evo_fool.studies.repetition_page:section",
    "attribution": "evo_fool.studies.attribution_page:section",
    "paths": "evo_fool.studies.paths_page:section",
    "retraining": "evo_fool.studies.retraining_page:section",
    "retraining-imagenet": "evo_fool.studies.retraining_imagenet_page:section",
    "generative": "evo_fool.studies.generative_page:section",
}
"""Name -> ``module:function`` of its page."""

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
        elif any(study in STUDIES for study in FIGURES.get(number, ())):
            found |= set(FIGURES[number]) & set(STUDIES)
        else:
            figures = [figure for figure, studies in FIGURES.items() if set(studies) & set(STUDIES)]
            known = f"all, {', '.join(STUDIES)}" + (f", or figure {', '.join(figures)}" if figures else "")
            raise ConfigError(f"{name!r}: no such study or figure; choose {known}")
    return [name for name in STUDIES if name in found]


def page_of(name: str) -> Callable[[Workshop], Section]:
    """The function that makes a study's page; imports its module."""
    module, _, function = STUDIES[name].partition(":")
    page: Callable[[Workshop], Section] = getattr(import_module(module), function)
    return page
