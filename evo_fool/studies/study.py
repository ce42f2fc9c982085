"""A study: one question, asked by `evo-fool reproduce` of the standard runs and by `evo-fool study` of a run given.

Both front ends call the same :meth:`Study.measure` and show the same rows, sentences and pictures.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evo_fool.studies.options import Options
from evo_fool.studies.section import Picture, Row, Section, Table, Verdict, judged, share_text
from evo_fool.text import percent

if TYPE_CHECKING:
    from evo_fool.studies.context import Context

AnyOptions = TypeVar("AnyOptions", bound=Options)


class Skipped(Exception):
    """What a study needs is missing; the argument is the reason, for people."""


class Study(ABC, Generic[AnyOptions]):
    """One question.

    Args:
        options: as asked by ``evo-fool study``; None: as the report asks, by the context's budget.

    Attributes:
        key: its name in :data:`evo_fool.studies.STUDIES`; with ``_`` for ``-`` also of its folder.
        title: of its section.
        figures: of the paper, such as ``"Figures 4 and 5"``; "" for none.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    figures: ClassVar[str] = ""

    def __init__(self, options: AnyOptions | None = None) -> None:
        self.options = options
        self._loaded: Any = None

    def load(self, context: Context) -> Any:
        """Images and classifiers that both :meth:`measure` and :meth:`pictures` use.

        Raises:
            Skipped: data that it needs are missing.
        """
        return None

    def loaded(self, context: Context) -> Any:
        """What :meth:`load` returns, loaded once."""
        if self._loaded is None:
            self._loaded = self.load(context)
        return self._loaded

    @abstractmethod
    def measure(self, context: Context) -> dict[str, Any]:
        """All that the study finds out, JSON-able.

        Raises:
            Skipped: data that it needs are missing.
            Stopped, EvoFoolError: see :class:`~evo_fool.studies.context.Context`.
        """

    @abstractmethod
    def rows(self, data: dict[str, Any]) -> list[Row]:
        """The table beside the paper, from what :meth:`measure` returned."""

    def pictures(self, context: Context, data: dict[str, Any]) -> list[Picture]:
        """The pictures, from :meth:`loaded` and what :meth:`measure` returned."""
        return []

    def document(self, data: dict[str, Any]) -> dict[str, Any]:
        """What ``evo-fool study --json`` prints."""
        return data

    def table(self, data: dict[str, Any]) -> Table | None:
        """Details for ``evo-fool study``."""
        return None

    def claims(self, data: dict[str, Any]) -> Mapping[str, bool]:
        """The paper's claims: name of a block in ``text.md.j2`` -> whether it held; none: the verdict is "new"."""
        return {}

    def conclude(self, data: dict[str, Any]) -> tuple[Verdict, str]:
        """The verdict and its reason: each claim's block, or the template as a whole; then the block ``remark``."""
        template = _TEMPLATES.get_template(f"{self.key.replace('-', '_')}/text.md.j2")
        values = template.new_context({"data": data, "study": self})

        def block(name: str) -> str:
            return " ".join("".join(template.blocks[name](values)).split())

        if claims := self.claims(data):
            verdict, why = judged([(holds, block(name)) for name, holds in claims.items()])
            return verdict, f"{why} {block('remark')}" if "remark" in template.blocks else why
        return "new", " ".join("".join(template.root_render_func(values)).split())

    def settings(self, context: Context, data: dict[str, Any]) -> dict[str, Any]:
        """What was run, for the report."""
        return {}

    def seeds(self, context: Context) -> tuple[int, ...]:
        """Of the runs that it rests on."""
        return context.seeds[:1]

    def commands(self, context: Context, data: dict[str, Any]) -> tuple[str, ...]:
        """How to run its parts again, for the report."""
        return ()

    def section(self, context: Context) -> Section:
        """The section of the report; the caller adds what the ledger counted.

        Raises:
            Stopped, EvoFoolError: see :meth:`measure`.
        """
        head = {"key": self.key, "title": self.title, "figures": self.figures}
        try:
            data = self.measure(context)
        except Skipped as reason:
            return Section(**head, verdict="skipped", why=str(reason))
        verdict, why = self.conclude(data)
        return Section(
            **head,
            verdict=verdict,
            why=why,
            rows=tuple(self.rows(data)),
            pictures=tuple(self.pictures(context, data)),
            settings=self.settings(context, data),
            seeds=self.seeds(context),
            commands=self.commands(context, data),
            data=data,
        )


_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_TEMPLATES.filters |= {"percent": percent, "share": share_text, "repr": repr}
