"""The parameters of each page: pydantic models of its query string. An invalid query raises :class:`QueryError`."""

from __future__ import annotations

import difflib
from typing import Annotated, Literal, Self, get_args
from urllib.parse import unquote

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from starlette.requests import Request

from evo_fool.errors import ConfigError
from evo_fool.text import harmless

Status = Literal["running", "finished", "stopped", "failed", "interrupted", "damaged"]
STATUSES: tuple[str, ...] = get_args(Status)
Order = Literal["asc", "desc"]

MAX_TILES = 10_000
COMPARED = 6
"""The largest number of runs in a comparison."""

_MAX_TEXT = 200

Text = Annotated[str, StringConstraints(max_length=_MAX_TEXT), AfterValidator(lambda text: harmless(text).strip())]
Whole = Annotated[int, Field(ge=0, lt=2**53)]
"""At most what JavaScript can count to."""


class QueryError(ConfigError):
    """An invalid query (HTTP 400)."""


class Query(BaseModel):
    """A page without parameters; subclasses have some. An empty parameter counts as absent."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    @classmethod
    def parse(cls, request: Request) -> Self:
        """The query of a request.

        Raises:
            QueryError: a parameter is unknown, given twice, or has an invalid value.
        """
        known = [field.alias or name for name, field in cls.model_fields.items()]
        given: dict[str, str] = {}
        for key, value in request.query_params.multi_items():
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known) or 'none'}"
                raise QueryError(f"{_quoted(key)} is not a parameter of this page; {hint}")
            if key in given:
                raise QueryError(f"{_quoted(key)} is given twice; give it once")
            given[key] = value
        try:
            return cls.model_validate({key: value for key, value in given.items() if value})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key, reason = str(first["loc"][0]), first["msg"]
            raise QueryError(f"{key}={_quoted(given[key])}: {reason[0].lower()}{reason[1:]}") from None


class RunsQuery(Query):
    """Which runs the page of all runs shows, and in what order."""

    sort: Literal["created", "name", "status", "generation", "median", "classifier"] = "created"
    order: Order = Field(
        default_factory=lambda given: "desc" if given["sort"] in ("created", "generation", "median") else "asc"
    )
    q: Text = ""
    status: Status | Literal[""] = ""


class GridQuery(Query):
    """Which classes of a run to show, at which generation (None: the last), and in what order."""

    generation: Whole | None = None
    sort: Literal["index", "confidence", "name", "improved", "complexity"] = "index"
    order: Order = Field(default_factory=lambda given: "asc" if given["sort"] in ("index", "name") else "desc")
    q: Text = ""
    at_least: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.0
    offset: Whole = 0
    limit: Annotated[int, Field(ge=1, le=MAX_TILES)] = MAX_TILES


def _names(value: object) -> object:
    """Directory names, quoted one by one and joined by commas."""
    if not isinstance(value, str):
        return value
    return tuple(dict.fromkeys(unquote(name) for name in harmless(value).strip().split(",") if name))


class CompareQuery(Query):
    """Which runs, by their directories' names, which class, and which generation (None: the last of any of them)."""

    runs: Annotated[tuple[str, ...], BeforeValidator(_names), Field(max_length=COMPARED)] = ()
    cls: Annotated[Text, Field(alias="class")] = ""
    generation: Whole | None = None


class IndividualQuery(Query):
    """Which of its classes the page of an individual is about; None: the one with the highest confidence."""

    cls: Annotated[Whole | None, Field(alias="class")] = None


class HistoryQuery(Query):
    """Which part of the history of a class to return."""

    offset: Whole = 0
    limit: Annotated[int, Field(ge=1, le=MAX_TILES)] = MAX_TILES


class EventsQuery(Query):
    """The generation that the page shows; -1 for none."""

    since: Annotated[int, Field(ge=-1, lt=2**53)] = -1


def _quoted(text: str) -> str:
    return repr(harmless(text if len(text) <= 40 else text[:39] + "…"))
