"""What a study hands to its front ends: rows, pictures, a table of details, and a section of the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from evo_fool.text import percent

Verdict = Literal["reproduced", "partly", "not reproduced", "new", "skipped", "failed"]
"""``new``: the paper has no such result. ``skipped``: data or results that it needs are missing. ``failed``: an error
ended it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a study's table.

    Attributes:
        what: what was measured, with the moment and the number of seeds where they matter.
        ours: our figure, formatted; None where there is none.
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
    """One picture of a study.

    Attributes:
        name: a file name without suffix, distinct in its study.
        png: the bytes of a PNG.
        caption: one or two sentences that say what it shows.
        borrowed: whether it shows images of the data folder, which may not be free to publish.
    """

    name: str
    png: bytes
    caption: str
    borrowed: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Details for the terminal, such as a line per class; a column whose name begins with a space is right-aligned."""

    columns: Sequence[str]
    lines: Sequence[Sequence[Any]]
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A study's section of the report.

    Attributes:
        key, title, figures: the study's.
        verdict: see :data:`Verdict`.
        why: the verdict in one to three sentences, with numbers.
        images: scored by a network for it, in all.
        seconds: of computing, in this or an earlier process.
        settings: what was run, JSON-able.
        seeds: of the runs that it rests on.
        commands: how to run its parts again.
        rows, pictures: in this order.
        data: the raw figures behind table and pictures, JSON-able.
    """

    key: str
    title: str
    figures: str
    verdict: Verdict
    why: str
    images: int = 0
    seconds: float = 0.0
    settings: dict[str, Any] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    commands: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    pictures: tuple[Picture, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)


def judged(claims: Sequence[tuple[bool, str]]) -> tuple[Verdict, str]:
    """The verdict and its reason.

    Args:
        claims: at least one of the paper's claims: whether it held, and a sentence with our number.

    >>> judged([(True, "The median reaches 99.99 %."), (False, "Every digit does by generation 130, not 50.")])
    ('partly', 'The median reaches 99.99 %. But: Every digit does by generation 130, not 50.')
    """
    held, broken = ([text for holds, text in claims if holds is wanted] for wanted in (True, False))
    verdict: Verdict = "partly" if held and broken else "reproduced" if held else "not reproduced"
    return verdict, " ".join(held + (["But:"] if held and broken else []) + broken)


def share_text(share: float) -> str:
    """A share of images for people: unlike a confidence it is a count, and all of them are 100 %.

    >>> share_text(1.0), share_text(0.2), share_text(2 / 3)
    ('100.0 %', '20.0 %', '66.7 %')
    """
    return f"{100 * share:.1f} %"


def spread(values: np.ndarray) -> str:
    """Probabilities over seeds for people: the median, and the range where there is one.

    >>> spread(np.array([0.5])), spread(np.array([0.2, 0.5, 0.9]))
    ('50.0 %', '50.0 % (20.0 % to 90.0 %)')
    """
    low, middle, high = (percent(float(v)) for v in (np.min(values), np.median(values), np.max(values)))
    return middle if low == high else f"{middle} ({low} to {high})"
