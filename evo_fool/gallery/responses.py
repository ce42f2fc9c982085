"""HTTP responses: pages and their JSON twins with ETags, and errors as sentences."""

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
from evo_fool.gallery.urls import Urls
from evo_fool.text import printable

FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"
"""May be kept, but must be revalidated by its ETag."""


def page_answer(request: Request, state: object, make: Callable[[], Mapping[str, Any]], urls: Urls) -> Response:
    """A page as HTML, or as JSON at the URL of its twin; 304 where the browser has it already.

    Args:
        request: the request.
        state: everything that the page depends on besides its URL; determined before ``make`` is called.
        make: makes the page's data.
        urls: of the page.
    """
    headers = {"etag": etag_of(request, state), "cache-control": ASK_AGAIN, "vary": "accept"}
    if matches(request, headers["etag"]):
        return Response(status_code=304, headers=headers)
    data = make()
    if wants_json(request):
        return Response(json_bytes(data), media_type="application/json", headers=headers)
    return Response(render_page(data, urls), media_type="text/html", headers=headers)


def etag_of(request: Request, state: object) -> str:
    """Identifies what a URL shows in a state, with this version of the program."""
    text = repr((__version__, version(), str(request.url.path), request.url.query, state))
    return f'W/"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'


def matches(request: Request, etag: str) -> bool:
    """Whether the browser has what the ETag identifies."""
    return etag in [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]


def wants_json(request: Request) -> bool:
    """Whether the URL is that of a JSON twin."""
    return request.url.path.endswith(".json")


def json_bytes(data: object) -> bytes:
    """Data as JSON.

    Raises:
        CorruptRunError: a number is infinite or NaN, which JSON cannot express and evo-fool never records.
    """
    try:
        text = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except ValueError:
        raise CorruptRunError("the run has entries that are not numbers") from None
    return text.encode("utf-8", "replace")  # a name may contain half of a surrogate pair


def error_answer(request: Request, status: int, sentence: str, urls: Urls) -> Response:
    """An error as a page, or as JSON."""
    headers = {"cache-control": "no-store"} | ({"retry-after": "5"} if status == 503 else {})
    sentence = printable(sentence, 500)
    if not wants_json(request) and "text/html" in request.headers.get("accept", ""):
        html = render_page({"page": "error", "status": status, "error": sentence}, urls)
        return Response(html, status, media_type="text/html", headers=headers)
    return Response(json_bytes({"error": sentence}), status, media_type="application/json", headers=headers)


def status_of(error: Exception) -> int:
    """The HTTP status of an error."""
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
