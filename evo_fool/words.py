"""Text from elsewhere, made safe to print: a class or run name may come from a stranger's run directory."""

import unicodedata

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
