"""The words on figures: percentages that do not lie, names that fit, and where a figure comes from."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from typing import Any

from evo_fool.words import harmless

_NINES = 6
"""Percentages are shown up to this many nines: 99.9999 %."""


def percent(probability: float) -> str:
    """A probability in as many digits as it takes to tell it from certainty or from nothing, never rounded up.

    >>> percent(0.873), percent(0.99949), percent(0.9999873), percent(1 - 1e-9)
    ('87.3 %', '99.94 %', '99.998 %', '> 99.9999 %')
    >>> percent(0.0123), percent(0.00037), percent(1e-6), percent(1e-7), percent(0.0)
    ('1.2 %', '0.03 %', '0.0001 %', '0.0 %', '0.0 %')
    """
    exact = Decimal(repr(probability))
    complement = 1 - exact
    if complement < Decimal(10) ** -_NINES:
        return f"> {100 - 10 ** (2 - _NINES):.{_NINES - 2}f} %"
    decimals = max(1, -complement.adjusted() - 2)
    if Decimal(10) ** -_NINES <= exact < Decimal("0.001"):
        decimals = -exact.adjusted() - 2
    return f"{(100 * exact).quantize(Decimal(10) ** -decimals, ROUND_FLOOR)} %"


def printable(text: str, limit: int = 200) -> str:
    """``text`` on one line: control and direction characters become spaces, and what is too long is cut.

    >>> printable("a\\nb\\u202ec"), printable("abcdef", 4)
    ('a b c', 'abc…')
    """
    line = " ".join(harmless(text[: 4 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def provenance(summary: dict[str, Any]) -> str:
    """Which network, seed, preset and generation: what every figure says below its title.

    Args:
        summary: :meth:`evo_fool.runs.Run.summary`.
    """
    return printable(
        f"{summary['classifier']} · {summary['encoding']} · {summary['search']} · seed {summary['seed']} · "
        f"preset {summary['preset']} · generation {summary['generation']}"
    )
