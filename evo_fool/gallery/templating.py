"""From a page's data to HTML. The server and the static export render the same templates."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evo_fool.gallery.assets import TEMPLATES
from evo_fool.gallery.urls import Addresses


@cache
def environment() -> Environment:
    """The templates. Whatever is put into one is escaped, and what is not there is an error."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def render_page(data: Mapping[str, Any], addresses: Addresses, here: str) -> str:
    """A page as HTML.

    Args:
        data: one of :mod:`evo_fool.gallery.schemas`; ``page`` names the template.
        addresses: the templates' ``url``.
        here: the page's own address, with its query.
    """
    return environment().get_template(f"{data['page']}.html").render(data=data, url=addresses, here=here)
