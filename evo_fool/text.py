"""Text for people: numbers that do not lie, names that fit, and names from other run directories made safe to print."""

from __future__ import annotations

import json
import unicodedata
from decimal import ROUND_FLOOR, Decimal
from typing import Any

_REPLACED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories that have no glyph, that steer a terminal, or that reorder or break a line."""


def harmless(text: str) -> str:
    """``text`` with every character that is none, or that steers a terminal, turned into a space.

    >>> harmless("\\x1b[2Jcat\\u202e")
    ' [2Jcat '
    """
    if text.isprintable():
        return text
    return "".join(" " if unicodedata.category(c) in _REPLACED else c for c in text)


def escaped(text: str) -> str:
    r"""``text`` of JSON with the characters that :func:`harmless` replaces as ``\uXXXX``, line breaks apart.

    It parses to the same value: all of them stand inside strings, where an escape means the character.

    >>> print(escaped('["cat\u202e", "\x9b2J"]'))
    ["cat\u202e", "\u009b2J"]
    """
    return "\n".join(
        line if line.isprintable() else "".join(_escape(c) if unicodedata.category(c) in _REPLACED else c for c in line)
        for line in text.split("\n")
    )


def _escape(character: str) -> str:
    return json.dumps(character)[1:-1] if ord(character) > 0x7F else f"\\u{ord(character):04x}"


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


def probability_text(probability: float) -> str:
    """Six decimals, rounded to nearest, but never up to 1.000000: that is for what is exactly 1.

    >>> probability_text(0.12345678), probability_text(1 - 1e-9), probability_text(1.0)
    ('0.123457', '0.999999', '1.000000')
    """
    text = f"{probability:.6f}"
    return "0.999999" if text == "1.000000" and probability < 1 else text
