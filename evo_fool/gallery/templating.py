"""From a page's data to HTML. The server and the static site render the same templates."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evo_fool.gallery.assets import TEMPLATES
from evo_fool.gallery.urls import Urls


@cache
def _environment() -> Environment:
    """Values are escaped, and missing ones are errors."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def render_page(data: Mapping[str, Any], urls: Urls, **more: Any) -> bytes:
    """A page as HTML.

    Args:
        data: one of :mod:`evo_fool.gallery.schemas`; ``page`` names the template.
        urls: the templates' ``url``.
        more: further variables of the templates.
    """
    html = _environment().get_template(f"{data['page']}.html").render(data=data, url=urls, **more)
    return html.encode("utf-8", "replace")  # a name may contain half of a surrogate pair
