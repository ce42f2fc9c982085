"""Text from elsewhere, made safe to print: a class or run name may come from a stranger's run directory."""

import json
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
