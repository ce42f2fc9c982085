"""How answers are sent: pages and their JSON twins with ETags, what never changes, and errors as sentences."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from evo_fool import __version__
from evo_fool.errors import ConfigError, CorruptRunError, EvoFoolError, NotKeptError, RunNotFoundError
from evo_fool.gallery.assets import version
from evo_fool.gallery.data.run_registry import RunGoneError
from evo_fool.gallery.templating import render_page
from evo_fool.gallery.urls import Addresses
from evo_fool.text import printable

FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
"""May be kept, but is to be asked for with its ETag."""


def page_answer(
    request: Request, state: object, make: Callable[[], Mapping[str, Any]], addresses: Addresses
) -> Response:
    """A page as HTML, or as JSON at the address of its twin; 304 where the browser has it already.

    Args:
        request: what was asked.
        state: everything that the page depends on besides its address; found out before ``make`` is called.
        make: makes the page's data.
        addresses: where everything is found.
    """
    etag = etag_of(request, state)
    headers = {"etag": etag, "cache-control": ASK_AGAIN, "vary": "accept"}
    if matches(request, etag):
        return Response(status_code=304, headers=headers)
    data = make()
    if wants_json(request):
        return Response(json_bytes(data), media_type="application/json", headers=headers)
    return Response(render_page(data, addresses, _here(request)), media_type="text/html", headers=headers)


def etag_of(request: Request, state: object) -> str:
    """A name for what an address shows in a state, with this version of the program."""
    text = repr((__version__, version(), str(request.url.path), request.url.query, state))
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'


def matches(request: Request, etag: str) -> bool:
    """Whether the browser has what the ETag names."""
    given = request.headers.get("if-none-match", "")
    return etag in [tag.strip() for tag in given.split(",")]


def wants_json(request: Request) -> bool:
    """Whether the address is that of a JSON twin."""
    return request.url.path.endswith(".json")


def json_bytes(data: object) -> bytes:
    """Data as JSON.

    Raises:
        CorruptRunError: a number is infinite or none, which JSON cannot say and no run of ours records.
    """
    try:
        text = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except ValueError:
        raise CorruptRunError("the run has entries that are not numbers") from None
    return text.encode("utf-8", "replace")  # a name may have half of a character


def sentence_answer(request: Request, status: int, sentence: str, addresses: Addresses) -> Response:
    """A sentence instead of what was asked for."""
    headers = {"cache-control": "no-store"}
    if status == 503:
        headers["retry-after"] = "5"
    sentence = printable(sentence, 500)
    if not wants_json(request) and "text/html" in request.headers.get("accept", ""):
        data = {"page": "error", "status": status, "error": sentence}
        html = render_page(data, addresses, _here(request))
        return Response(html, status, media_type="text/html", headers=headers)
    return Response(json_bytes({"error": sentence}), status, media_type="application/json", headers=headers)


def status_of(error: Exception) -> int:
    """The HTTP status for an error."""
    match error:
        case RunGoneError():
            return 410
        case RunNotFoundError() | NotKeptError():
            return 404
        case ConfigError():
            return 400
        case EvoFoolError():  # damaged, or too busy
            return 503
        case _:
            return 500


def _here(request: Request) -> str:
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path
