"""A study: one question, asked by `evo-fool reproduce` of the standard runs and by `evo-fool study` of a run given.

Both front ends call the same :meth:`Study.measure` and show the same rows, sentences and pictures.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from evo_fool.studies.options import Options
from evo_fool.studies.section import Picture, Row, Section, Table, Verdict, judged, share_text, spread
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

    def tables(self, data: dict[str, Any]) -> Sequence[Table]:
        """All details for ``evo-fool study``."""
        table = self.table(data)
        return [] if table is None else [table]

    def claims(self, data: dict[str, Any]) -> Mapping[str, bool]:
        """The paper's claims: name of a block in ``text.md.j2`` -> whether it held; none: the verdict is "new"."""
        return {}

    def values(self, data: dict[str, Any]) -> Mapping[str, Any]:
        """Numbers that the sentences need beside ``data``, by their names in the template."""
        return {}

    def sentence(self, data: dict[str, Any], block: str | None = None) -> str:
        """A block of ``text.md.j2``, or None: all of it; on one line."""
        template = self._template()
        render = template.root_render_func if block is None else template.blocks[block]
        text = "".join(render(template.new_context({"data": data, "study": self, **self.values(data)})))
        return " ".join(text.split())

    def conclude(self, data: dict[str, Any]) -> tuple[Verdict, str]:
        """The verdict and its reason: the blocks of the claims and, where there is one, the block ``after``; without
        claims the whole template."""
        claims = self.claims(data)
        if not claims:
            return "new", self.sentence(data)
        verdict, why = judged([(holds, self.sentence(data, block)) for block, holds in claims.items()])
        after = [self.sentence(data, "after")] if "after" in self._template().blocks else []
        return verdict, " ".join([why, *after])

    def _template(self) -> Template:
        return _TEMPLATES.get_template(f"{self.key.replace('-', '_')}/text.md.j2")

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
        begin = partial(Section, key=self.key, title=self.title, figures=self.figures)
        try:
            data = self.measure(context)
        except Skipped as reason:
            return begin(verdict="skipped", why=str(reason))
        verdict, why = self.conclude(data)
        return begin(
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
_TEMPLATES.filters |= {"percent": percent, "share": share_text, "repr": repr, "spread": spread}
