"""Options that the verbs that make pictures share: ``sheet``, ``timelapse`` and ``poster``."""

from __future__ import annotations

from collections.abc import Callable

import click

from evo_fool.cli.options import Verb


def board_options(verb: Verb) -> Verb:
    """How tiles are laid out: ``columns``, ``tile``, ``captions``, ``title``; others are the verb's choice."""
    for option in reversed(_BOARD):
        verb = option(verb)
    return verb


_BOARD = (
    click.option("--columns", type=int, metavar="N", help="Tiles in a row."),
    click.option("--tile", type=int, metavar="N", help="Side of a tile in pixels."),
    click.option(
        "--captions",
        type=click.Choice(["dated", "full", "names", "none"]),
        help="Below each tile: name, confidence and the generation it was found in; without that; the name; nothing.",
    ),
    click.option("--title/--no-title", default=None, help="Name, provenance and progress at the top."),
)


def rerender_option(*, default: bool) -> Callable[[Verb], Verb]:
    """Whether a CPPN is drawn anew at the size of the picture: ``rerender``."""
    return click.option(
        "--rerender/--as-scored",
        default=default,
        show_default=True,
        help="Draw CPPNs anew at that size, or repeat the pixels that were scored.",
    )


def dpi_option(*, default: int) -> Callable[[Verb], Verb]:
    """The resolution on record: ``dpi``."""
    return click.option(
        "--dpi", type=float, default=default, show_default=True, metavar="N", help="Pixels an inch, for printers."
    )
