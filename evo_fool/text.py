"""Text for users: numbers never rounded up to certainty, names cut to fit, and untrusted names made safe to print."""

from __future__ import annotations

import json
import unicodedata
from decimal import ROUND_FLOOR, Decimal
from typing import Any

_REPLACED = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories without a glyph, and those that control a terminal or reorder or break a line."""


def harmless(text: str) -> str:
    """``text`` with control, format, surrogate, private and unassigned characters replaced by spaces.

    >>> harmless("\\x1b[2Jcat\\u202e")
    ' [2Jcat '
    """
    if text.isprintable():
        return text
    return "".join(" " if unicodedata.category(c) in _REPLACED else c for c in text)


def escaped(text: str) -> str:
    r"""JSON ``text`` with the characters that :func:`harmless` replaces, except line breaks, written as ``\uXXXX``.

    It parses to the same value: those characters only occur inside strings, where an escape means the character.

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
    """A probability with enough digits to distinguish it from 0 and 1, never rounded up.

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
    """``text`` on one line of at most ``limit`` characters; control and direction characters become spaces.

    >>> printable("a\\nb\\u202ec"), printable("abcdef", 4)
    ('a b c', 'abc…')
    """
    line = " ".join(harmless(text[: 4 * limit]).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def provenance(summary: dict[str, Any]) -> str:
    """Classifier, encoding, search, seed, preset and generation: the line below every figure's title.

    Args:
        summary: :meth:`evo_fool.runs.Run.summary`.
    """
    return printable(
        f"{summary['classifier']} · {summary['encoding']} · {summary['search']} · seed {summary['seed']} · "
        f"preset {summary['preset']} · generation {summary['generation']}"
    )


def probability_text(probability: float) -> str:
    """Six decimals, rounded to nearest; only exactly 1 gives 1.000000.

    >>> probability_text(0.12345678), probability_text(1 - 1e-9), probability_text(1.0)
    ('0.123457', '0.999999', '1.000000')
    """
    text = f"{probability:.6f}"
    return "0.999999" if text == "1.000000" and probability < 1 else text
