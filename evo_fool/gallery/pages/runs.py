"""The page of all runs."""

from __future__ import annotations

from typing import Any

from evo_fool.errors import CorruptRunError, EvoFoolError, RunNotFoundError
from evo_fool.gallery.data.kept import kept_members
from evo_fool.gallery.data.lru import Recent
from evo_fool.gallery.data.run_header import run_facts
from evo_fool.gallery.data.run_registry import Library, Stamp, stamp
from evo_fool.gallery.data.sprites import thumbnail_side
from evo_fool.gallery.query import STATUSES, RunsQuery
from evo_fool.gallery.schemas import Choice, Face, RunRow, RunsPage
from evo_fool.gallery.urls import Urls
from evo_fool.runs.run import Run
from evo_fool.sampling import evenly
from evo_fool.text import percent, printable

_ROWS = 1000
_SPARKS = 60
_FACES = 4

DAMAGED = "damaged"


class Overview:
    """Makes the page of all runs; rows of unchanged runs are cached."""

    def __init__(self, library: Library, urls: Urls) -> None:
        self._library = library
        self._urls = urls
        self._rows: Recent[Stamp, RunRow] = Recent(_ROWS)

    def page(self, query: RunsQuery) -> RunsPage:
        """The page. A run that cannot be read is on it with the reason."""
        rows = self._all()
        found = [row for row in rows if _matches(row, query)]
        shown = sorted(found, key=lambda row: _key(row, query), reverse=query.order == "desc")
        occurring = {_status(row) for row in rows}
        return {
            "page": "runs",
            "query": query.model_dump(),
            "statuses": [status for status in STATUSES if status in occurring],
            "total": len(rows),
            "shown": len(shown),
            "runs": shown,
        }

    def choices(self) -> list[Choice]:
        """The runs that can be read, newest first."""
        readable = [(row["run"], facts) for row in self._all() if (facts := row["facts"])]
        return [{"value": run, "label": f"{facts['name']} {facts['id']}"} for run, facts in readable]

    def _all(self) -> list[RunRow]:
        return [row for name, path in self._library.paths().items() if (row := self._row(name, stamp(path)))]

    def _row(self, name: str, now: Stamp) -> RunRow | None:
        known = self._rows.get(now)
        if known is not None:
            return known
        try:
            with self._library.open(name) as run:
                return self._rows.put(now, _readable(run, self._urls))
        except RunNotFoundError:
            return None  # deleted since the folder was listed
        except EvoFoolError as error:
            reason = self._library.public(error)
        except Exception as error:  # whatever is wrong with one run does not hide the others
            reason = f"{name}: unexpected {type(error).__name__}: {error}"
        row: RunRow = {"run": name, "url": None, "error": printable(reason), "facts": None, "sparkline": [], "best": []}
        return self._rows.put(now, row)


def _readable(run: Run, urls: Urls) -> RunRow:
    facts = run_facts(run, urls)
    best, sparkline = _best(run, urls), _sparkline(run)
    return {
        "run": facts["run"],
        "url": facts["url"],
        "error": None,
        "facts": facts,
        "sparkline": sparkline,
        "best": best,
    }


def _sparkline(run: Run) -> list[float]:
    """The median, or the confidence of the only class that a run evolves, at evenly spread generations."""
    column = "median" if len(run.targets) > 1 else "max"
    values = [value for (value,) in run.store.rows(f"SELECT {column} FROM metrics ORDER BY generation")]
    values = [values[place] for place in evenly(len(values), _SPARKS)]
    if not all(isinstance(value, int | float) and 0 <= value <= 1 for value in values):
        raise CorruptRunError(f"{run.path}: the metrics have entries under {column!r} that are no probabilities")
    return values


def _best(run: Run, urls: Urls) -> list[Face]:
    """The surest images, each individual once."""
    elites = sorted(run.elites, key=lambda elite: elite.log_odds, reverse=True)
    distinct = list({elite.id: elite for elite in reversed(elites)}.values())[::-1]
    kept = kept_members(run, [elite.id for elite in distinct])
    side = thumbnail_side(run)
    return [
        {
            "class": elite.class_index,
            "name": printable(elite.class_name),
            "p": elite.probability,
            "percent": percent(elite.probability),
            "individual": elite.id,
            "image": urls.image(run.path.name, elite.id, side),
        }
        for elite in [elite for elite in distinct if elite.id in kept][:_FACES]
    ]


def _status(row: RunRow) -> str:
    return row["facts"]["status"] if row["facts"] else DAMAGED


def _matches(row: RunRow, query: RunsQuery) -> bool:
    if query.status and _status(row) != query.status:
        return False
    facts = row["facts"]
    words = [row["run"], *((facts[key] for key in _SEARCHED) if facts else ())]  # type: ignore[literal-required]
    return query.q.casefold() in " ".join(words).casefold()


_SEARCHED = ("name", "classifier", "encoding", "search", "preset")


def _key(row: RunRow, query: RunsQuery) -> tuple[bool, Any]:
    """Damaged runs come last in either order."""
    if row["facts"] is None:
        return query.order == "asc", ""
    value: Any = row["facts"][query.sort]
    return query.order == "desc", value.casefold() if isinstance(value, str) else value
