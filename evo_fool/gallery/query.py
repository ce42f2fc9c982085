"""The state of a page as its query says it. What cannot be meant is refused with a sentence."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from evo_fool.errors import ConfigError
from evo_fool.text import harmless

MAX_TEXT = 200
MAX_GENERATION = 2**53 - 1
"""What JavaScript can count to."""

RUN_SORTS = ("created", "name", "status", "generation", "median", "classifier")
TILE_SORTS = ("index", "confidence", "name", "improved", "complexity")
ORDERS = ("asc", "desc")
STATUSES = ("running", "finished", "stopped", "failed", "interrupted", "damaged")

MAX_TILES = 10_000
COMPARED = 6
"""As many runs as can stand side by side."""


class QueryError(ConfigError):
    """A query that says nothing that could be done (HTTP 400)."""


class Parameters:
    """A query string's pairs, read one by one; :meth:`finish` refuses what nobody read.

    Args:
        pairs: keys and values, decoded.

    Raises:
        QueryError: a key occurs twice.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._given: dict[str, str] = {}
        self._known: list[str] = []
        for key, value in pairs:
            if key in self._given:
                raise QueryError(f"{_quoted(key)} is given twice; give it once")
            self._given[key] = value

    def text(self, key: str, limit: int = MAX_TEXT) -> str:
        """Any text on one line, stripped; empty where it is not given."""
        value = self._take(key) or ""
        if len(value) > limit:
            raise QueryError(f"{key} is {len(value)} characters long; give at most {limit}")
        return harmless(value).strip()

    def choice(self, key: str, choices: Sequence[str], default: str) -> str:
        """One of ``choices``."""
        value = self._take(key) or default
        if value not in choices and value != default:
            raise QueryError(f"{key}={_quoted(value)}: choose one of {', '.join(choices)}")
        return value

    def integer(self, key: str, low: int, high: int) -> int | None:
        """A whole number in [low, high]; None where it is not given."""
        value = self._take(key)
        if not value:
            return None
        try:
            number = int(value) if value.isascii() and len(value) <= 20 else None
        except ValueError:
            number = None
        if number is None or not low <= number <= high:
            raise QueryError(f"{key}={_quoted(value)}: give a whole number from {low} to {high}")
        return number

    def number(self, key: str, low: float, high: float, default: float) -> float:
        """A number in [low, high]."""
        value = self._take(key)
        if not value:
            return default
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            raise QueryError(f"{key}={_quoted(value)}: give a number from {low:g} to {high:g}")
        return number

    def finish(self) -> None:
        """Refuse what is left over."""
        for key in self._given:
            if key not in self._known:
                near = difflib.get_close_matches(key, self._known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(self._known) or 'none'}"
                raise QueryError(f"{_quoted(key)} is no parameter of this page; {hint}")

    def _take(self, key: str) -> str | None:
        self._known.append(key)
        return self._given.get(key)


@dataclass(frozen=True, slots=True)
class RunsQuery:
    """What to show on the page of all runs."""

    sort: str = "created"
    order: str = "desc"
    q: str = ""
    status: str = ""

    @classmethod
    def parse(cls, pairs: Iterable[tuple[str, str]]) -> RunsQuery:
        """From a query string's pairs.

        Raises:
            QueryError: it cannot be meant.
        """
        given = Parameters(pairs)
        sort = given.choice("sort", RUN_SORTS, "created")
        order = given.choice("order", ORDERS, "desc" if sort in ("created", "generation", "median") else "asc")
        query = cls(sort, order, given.text("q"), given.choice("status", STATUSES, ""))
        given.finish()
        return query


@dataclass(frozen=True, slots=True)
class GridQuery:
    """Which classes of a run to show, as of which generation, and in what order. ``generation`` None is the last."""

    generation: int | None = None
    sort: str = "index"
    order: str = "asc"
    q: str = ""
    at_least: float = 0.0
    offset: int = 0
    limit: int = MAX_TILES

    @classmethod
    def parse(cls, pairs: Iterable[tuple[str, str]]) -> GridQuery:
        """From a query string's pairs.

        Raises:
            QueryError: it cannot be meant.
        """
        given = Parameters(pairs)
        generation = given.integer("generation", 0, MAX_GENERATION)
        sort = given.choice("sort", TILE_SORTS, "index")
        order = given.choice("order", ORDERS, "asc" if sort in ("index", "name") else "desc")
        q, at_least = given.text("q"), given.number("at_least", 0.0, 1.0, 0.0)
        offset, limit = given.integer("offset", 0, MAX_GENERATION), given.integer("limit", 1, MAX_TILES)
        given.finish()
        return cls(generation, sort, order, q, at_least, offset or 0, limit or MAX_TILES)


@dataclass(frozen=True, slots=True)
class CompareQuery:
    """Which runs, by their directories' names, which class, and the generation; None is the last of any of them."""

    runs: tuple[str, ...] = ()
    cls: str = ""
    generation: int | None = None

    @classmethod
    def parse(cls, pairs: Iterable[tuple[str, str]]) -> CompareQuery:
        """From a query string's pairs.

        Raises:
            QueryError: it cannot be meant.
        """
        given = Parameters(pairs)
        text = given.text("runs", limit=COMPARED * 3 * MAX_TEXT)
        runs = tuple(dict.fromkeys(unquote(name) for name in text.split(",") if name))
        if len(runs) > COMPARED:
            raise QueryError(f"runs: {len(runs)} are given; at most {COMPARED} stand side by side")
        query = cls(runs, given.text("class"), given.integer("generation", 0, MAX_GENERATION))
        given.finish()
        return query


@dataclass(frozen=True, slots=True)
class IndividualQuery:
    """Which of its classes the page of an individual is to tell about; None is the one it holds most surely."""

    cls: int | None = None

    @classmethod
    def parse(cls, pairs: Iterable[tuple[str, str]]) -> IndividualQuery:
        """From a query string's pairs.

        Raises:
            QueryError: it cannot be meant.
        """
        given = Parameters(pairs)
        query = cls(given.integer("class", 0, MAX_GENERATION))
        given.finish()
        return query


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Which part of the history of a class to tell."""

    offset: int = 0
    limit: int = MAX_TILES

    @classmethod
    def parse(cls, pairs: Iterable[tuple[str, str]]) -> HistoryQuery:
        """From a query string's pairs.

        Raises:
            QueryError: it cannot be meant.
        """
        given = Parameters(pairs)
        offset, limit = given.integer("offset", 0, MAX_GENERATION), given.integer("limit", 1, MAX_TILES)
        given.finish()
        return cls(offset or 0, limit or MAX_TILES)


@dataclass(frozen=True, slots=True)
class EventsQuery:
    """The generation that the page knows; -1 for none."""

    since: int = -1

    @classmethod
    def parse(cls, pairs: Iterable[tuple[str, str]]) -> EventsQuery:
        """From a query string's pairs.

        Raises:
            QueryError: it cannot be meant.
        """
        given = Parameters(pairs)
        since = given.integer("since", -1, MAX_GENERATION)
        given.finish()
        return cls(-1 if since is None else since)


def no_query(pairs: Iterable[tuple[str, str]]) -> None:
    """For a page that has no parameters.

    Raises:
        QueryError: there are some.
    """
    Parameters(pairs).finish()


def _quoted(text: str) -> str:
    return repr(harmless(text if len(text) <= 40 else text[:39] + "…"))
