"""What a study hands to the report: one page, on which each of the paper's results stands beside ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

Verdict = Literal["reproduced", "partly", "not reproduced", "new", "skipped", "failed"]
"""What came of it. ``new``: the paper has no such result. ``skipped``: something that it needs is not there.
``failed``: an error ended it."""

VERDICTS: tuple[str, ...] = get_args(Verdict)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a page's table.

    Attributes:
        what: what was measured, with the moment and the number of seeds where they matter.
        ours: our figure, as it should be read; None where we have none.
        paper: the paper's figure; None where the paper has none or it is not available.
        control: what noise or chance gives at the same budget; None where there is no control.
        note: what a reader has to know to compare them.
    """

    what: str
    ours: str | float | None
    paper: str | float | None = None
    control: str | float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a page.

    Attributes:
        name: a file name without suffix, distinct on its page.
        png: the bytes of a PNG.
        caption: one or two sentences that say what is to be seen.
        borrowed: whether images of the data folder can be seen in it, which may not be everybody's to publish.
    """

    name: str
    png: bytes
    caption: str
    borrowed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One page of the report.

    Attributes:
        key: the study's name in :data:`evo_fool.studies.STUDIES`.
        title: the page's title.
        figures: which of the paper's figures it stands beside, such as ``"Figures 4 and 5"``; "" for none.
        verdict: see :data:`Verdict`.
        why: the verdict in one to three sentences, with numbers.
        rows: the table.
        pictures: below it, in this order.
        settings: what was run, JSON-able.
        seeds: of the runs that it rests on.
        commands: what to type to run its parts again.
        images: scored by a network for it, in all.
        seconds: of computing that they took, in this or an earlier process.
        data: the raw figures behind table and pictures, JSON-able.
    """

    key: str
    title: str
    figures: str
    verdict: Verdict
    why: str
    rows: tuple[Row, ...] = ()
    pictures: tuple[Picture, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    commands: tuple[str, ...] = ()
    images: int = 0
    seconds: float = 0.0
    data: dict[str, Any] = field(default_factory=dict)

    def with_pictures(self, pictures: Sequence[Picture]) -> Section:
        """The same page with these pictures."""
        return replace(self, pictures=tuple(pictures))


def judged(claims: Sequence[tuple[bool, str]]) -> tuple[Verdict, str]:
    """The verdict on a page and its reason, from what the paper claims and whether it held.

    Args:
        claims: whether one held, and a sentence that says how, with our number; at least one.

    >>> judged([(True, "The median reaches 99.99 %."), (False, "Every digit does by generation 130, not 50.")])
    ('partly', 'The median reaches 99.99 %. But: Every digit does by generation 130, not 50.')
    """
    held, broken = ([text for holds, text in claims if holds is wanted] for wanted in (True, False))
    verdict: Verdict = "partly" if held and broken else "reproduced" if held else "not reproduced"
    return verdict, " ".join(held + (["But:"] if held and broken else []) + broken)


def skipped(key: str, title: str, figures: str, reason: str) -> Section:
    """The page of a study that could not be made, which says why."""
    return Section(key=key, title=title, figures=figures, verdict="skipped", why=reason)
