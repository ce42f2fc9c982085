"""Queries: what is valid, and the sentence that refuses the rest."""

from typing import Any

import pytest
from starlette.requests import Request

from evo_fool.gallery.query import CompareQuery, EventsQuery, GridQuery, HistoryQuery, Query, QueryError, RunsQuery


def parsed(model: type[Query], text: str) -> dict[str, Any]:
    return model.parse(Request({"type": "http", "query_string": text.encode()})).model_dump()


@pytest.mark.parametrize(
    ("model", "text", "wanted"),
    [
        (RunsQuery, "", {"sort": "created", "order": "desc", "q": "", "status": ""}),
        (RunsQuery, "sort=name&q=%20a%1Bb%20", {"sort": "name", "order": "asc", "q": "a b", "status": ""}),
        (
            RunsQuery,
            "sort=&order=asc&status=damaged",
            {"sort": "created", "order": "asc", "q": "", "status": "damaged"},
        ),
        (EventsQuery, "since=-1", {"since": -1}),
        (HistoryQuery, "offset=&limit=7", {"offset": 0, "limit": 7}),
        (CompareQuery, "class=3", {"runs": (), "cls": "3", "generation": None}),
        (CompareQuery, "runs=a%252Cb,c,c,", {"runs": ("a,b", "c"), "cls": "", "generation": None}),
    ],
)
def test_valid(model: type[Query], text: str, wanted: dict[str, Any]) -> None:
    assert parsed(model, text) == wanted


@pytest.mark.parametrize(("sort", "order"), [("index", "asc"), ("name", "asc"), ("confidence", "desc")])
def test_the_order_follows_the_sort(sort: str, order: str) -> None:
    assert parsed(GridQuery, f"sort={sort}")["order"] == order == GridQuery(sort=sort).order  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model", "text", "sentence"),
    [
        (GridQuery, "sort=colour", r"^sort='colour': .*'index', 'confidence'"),
        (GridQuery, "srot=name", r"^'srot' is not a parameter of this page; did you mean 'sort'\?$"),
        (Query, "x=1", r"^'x' is not a parameter of this page; there are none$"),
        (CompareQuery, "cls=3", r"^'cls' is not a parameter of this page; did you mean 'class'\?$"),
        (GridQuery, "q=a&q=b", r"^'q' is given twice; give it once$"),
        (GridQuery, "generation=two", r"^generation='two': .*integer"),
        (GridQuery, f"generation={2**53}", rf"^generation='{2**53}': .*less than {2**53}$"),
        (GridQuery, "at_least=nan", r"^at_least='nan': "),
        (GridQuery, f"q={'x' * 201}", r"…': .*at most 200 characters$"),
        (CompareQuery, "runs=a,b,c,d,e,f,g", r"^runs='a,b,c,d,e,f,g': .*at most 6 items"),
    ],
)
def test_invalid(model: type[Query], text: str, sentence: str) -> None:
    with pytest.raises(QueryError, match=sentence):
        parsed(model, text)
