"""YAML read and written as plain data; anything else is a one-line error.

YAML 1.2's core schema instead of PyYAML's 1.1, in which ``yes`` is true, ``0200`` is 128 and ``2026-02-30`` a broken
date: here they are text. Files may come from elsewhere, so anchors, tags and deep nesting are refused.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from evo_fool.errors import ConfigError

_MAX_BYTES = 100_000
_MAX_DEPTH = 20
_MAX_DIGITS = 40

_NULL, _BOOL, _INT, _FLOAT, _STR, _SEQ, _MAP = (
    f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map")
)
_INT_TEXT = re.compile(r"[-+]?(?:0|[1-9](?:_?[0-9])*|0x[0-9a-fA-F]+|0o[0-7]+)$")
_FLOAT_TEXT = re.compile(
    r"(?:[-+]?(?:\.[0-9]+|(?:0|[1-9](?:_?[0-9])*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)


class _Refused(yaml.YAMLError):
    """Valid YAML that is not read, at a place in the text."""

    def __init__(self, reason: str, mark: yaml.Mark) -> None:
        self.reason = reason
        self.problem_mark = mark


class _Loader(yaml.SafeLoader):
    """Plain data only, each value as YAML 1.2 has it."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            # A few hundred bytes of them stand for billions of values.
            raise _Refused("anchors (&) and aliases (*) are not read; write the value out", event.start_mark)
        if tag := getattr(event, "tag", None):
            raise _Refused(f"tags such as {tag!r} are not read; leave it out, or quote it", event.start_mark)
        if self.depth >= _MAX_DEPTH:
            raise _Refused(f"nested more than {_MAX_DEPTH} levels deep; remove some brackets", event.start_mark)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.tag != _STR:
                raise _Refused("a key must be a name such as batch; quote it, or check the indentation", key.start_mark)
            if key.value in seen:
                raise _Refused(f"{_short(key.value)!r} is given twice; keep one of the two", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_yaml_int(self, node: yaml.ScalarNode) -> int:
        text = str(self.construct_scalar(node)).replace("_", "")
        if len(text) > _MAX_DIGITS:
            raise _Refused(f"an integer of {len(text):,} digits; give a smaller one", node.start_mark)
        return int(text, 0)


# Replaces everything that the parent class resolves and constructs.
_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver(_NULL, re.compile(r"(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver(_BOOL, re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver(_INT, _INT_TEXT, list("-+0123456789"))
_Loader.add_implicit_resolver(_FLOAT, _FLOAT_TEXT, list("-+.0123456789"))
_Loader.yaml_constructors = {
    _NULL: _Loader.construct_yaml_null,
    _BOOL: _Loader.construct_yaml_bool,
    _INT: _Loader.construct_yaml_int,
    _FLOAT: _Loader.construct_yaml_float,
    _STR: _Loader.construct_yaml_str,
    _SEQ: _Loader.construct_yaml_seq,
    _MAP: _Loader.construct_yaml_map,
}


class _Dumper(yaml.SafeDumper):
    """Quotes text that either version of YAML would read as another type."""


_Dumper.add_implicit_resolver(_INT, _INT_TEXT, list("-+0123456789"))
_Dumper.add_implicit_resolver(_FLOAT, _FLOAT_TEXT, list("-+.0123456789"))


def parse_yaml(text: str, source: str) -> Any:
    """The plain data of a YAML text: text, numbers, booleans, None, lists, and mappings with distinct names.

    Args:
        text: at most 100,000 characters.
        source: its origin; begins an error.

    Raises:
        ConfigError: not YAML, longer or nested deeper than any experiment, a key given twice, or an anchor, an alias
            or a tag.
    """
    if len(text) > _MAX_BYTES:
        raise ConfigError(f"{source}: longer than {_MAX_BYTES:,} characters; this is not an experiment")
    try:
        return yaml.load(text, _Loader)
    except _Refused as error:
        raise ConfigError(f"{source}, line {error.problem_mark.line + 1}: {error.reason}") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # PyYAML lets a few of Python's own errors through
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{source}: not valid YAML{where}; check quotes, brackets and indentation") from None


def read_yaml(path: str | Path) -> dict[str, Any]:
    """A YAML mapping from a file, as plain data (never objects).

    Raises:
        ConfigError: missing or unreadable file, one that :func:`parse_yaml` refuses, or something other than a mapping.
    """
    try:
        with Path(path).open("rb") as file:
            text = file.read(_MAX_BYTES + 1).decode("utf-8")
    except (OSError, ValueError) as error:  # ValueError: no UTF-8, or a path with a null byte
        reason = getattr(error, "strerror", None) or "not a UTF-8 text file"
        raise ConfigError(
            f"{path}: {reason}; give the path of an experiment file such as experiments/mnist-cppn.yaml"
        ) from None
    data = parse_yaml(text, str(path))
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected a mapping of settings such as 'batch: 200', found {type(data).__name__}")
    return data


def write_yaml(data: dict[str, Any]) -> str:
    """Plain data as YAML that :func:`parse_yaml` and readers of YAML 1.1 read back unchanged."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
