"""Studies that are still functions: ``module:section`` as a study. Goes when the last of them is a class."""

from __future__ import annotations

import sys
from importlib import import_module

from evo_fool.studies.context import Context
from evo_fool.studies.section import Section


def skipped(key: str, title: str, figures: str, reason: str) -> Section:
    """The section of a study that lacks what it needs."""
    return Section(key=key, title=title, figures=figures, verdict="skipped", why=reason)


class Page:
    """What the report needs of a study, from a function that makes its section."""

    def __init__(self, key: str, path: str) -> None:
        module, _, function = path.partition(":")
        self.key = key
        self._make = getattr(import_module(module), function)

    def section(self, context: Context) -> Section:
        """The section of the report."""
        section: Section = self._make(context)
        return section

    @property
    def title(self) -> str:
        """Of its section."""
        return str(getattr(sys.modules[self._make.__module__], "TITLE", self.key))

    @property
    def figures(self) -> str:
        """Of the paper."""
        return str(getattr(sys.modules[self._make.__module__], "FIGURES", ""))
