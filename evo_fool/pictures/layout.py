"""The layout of a contact sheet: any number of classes and columns, tiles of any size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from evo_fool.errors import ConfigError

Captions = Literal["dated", "full", "names", "none"]
"""Below a tile: name, confidence and generation of capture; name and confidence; name; nothing."""

_DETAILS: dict[Captions, int] = {"dated": 2, "full": 1, "names": 0, "none": 0}

FEW = 20
"""Up to this many tiles are large, with room for long names."""

MAX_TILE = 4096
"""Largest side of a tile, in pixels."""

MAX_PIXELS = 170_000_000
"""Largest area of a picture, in pixels; pillow refuses to open much larger ones."""

_TITLE_TEXT = 15
_TITLE_WIDTH = 640


@dataclass(frozen=True, slots=True)
class Layout:
    """Measures of a sheet, in pixels.

    Attributes:
        columns: tiles in a row.
        rows: rows of tiles.
        tile: side of a tile.
        gap: space between tiles.
        text: height of the letters.
        lines: lines that a name may take; 0: there are no names.
        details: lines below the name: the confidence, the generation.
        title: whether there is a title.
    """

    columns: int
    rows: int
    tile: int
    gap: int
    text: int
    lines: int = 1
    details: int = 1
    title: bool = True

    @property
    def margin(self) -> int:
        """Space around everything."""
        return 2 * self.gap

    @property
    def title_text(self) -> int:
        """Height of the letters of the title's lower lines."""
        return max(self.text, _TITLE_TEXT)

    @property
    def header(self) -> int:
        """Height of title and provenance, with the space below them."""
        return 5 * self.title_text if self.title else 0

    @property
    def caption(self) -> int:
        """Height of what stands below a tile."""
        lines = self.lines + self.details
        return math.ceil((0.6 + 1.3 * lines) * self.text) if lines else 0

    @property
    def width(self) -> int:
        """Width of the sheet; a single tile leaves room for the title too."""
        tiles = 2 * self.margin + self.columns * self.tile + (self.columns - 1) * self.gap
        return max(_TITLE_WIDTH if self.title else 0, tiles)

    @property
    def height(self) -> int:
        """Height of the sheet."""
        return 2 * self.margin + self.header + self.rows * (self.tile + self.caption) + (self.rows - 1) * self.gap

    def corner(self, place: int) -> tuple[int, int]:
        """Left and upper edge of a tile."""
        row, column = divmod(place, self.columns)
        return (
            self.margin + column * (self.tile + self.gap),
            self.margin + self.header + row * (self.tile + self.caption + self.gap),
        )


def plan(
    classes: int,
    native: int,
    *,
    columns: int | None = None,
    tile: int | None = None,
    lines: int = 1,
    captions: Captions = "full",
    title: bool = True,
) -> Layout:
    """A layout that suits the number of classes: two rows of five for ten, smaller tiles for many.

    Args:
        classes: number of tiles.
        native: side of the images; 1 where they are rendered at the size of the tile.
        columns: tiles in a row; None: chosen.
        tile: side of a tile; rounded down to a whole multiple of ``native`` where it is larger than that. None: chosen.
        lines: lines that a name may take.
        captions: see :data:`Captions`.
        title: leave room for a title.

    Raises:
        ConfigError: a number out of range, or a sheet that would be too large.

    >>> plan(10, 28)
    Layout(columns=5, rows=2, tile=168, gap=18, text=13, lines=1, details=1, title=True)
    """
    if columns is not None and not 1 <= columns <= 10_000:
        raise ConfigError(f"--columns {columns}: give 1 to 10000")
    if tile is not None and not 8 <= tile <= MAX_TILE:
        raise ConfigError(f"--tile {tile}: a tile is 8 to {MAX_TILE} pixels wide")
    wished = tile or (176 if classes <= FEW else 112 if classes <= 120 else 72)
    side = native * (wished // native) if wished >= native else wished
    # A sheet that is somewhat wider than high.
    across = columns or (min(classes, 5) if classes <= 10 else math.ceil(math.sqrt(1.4 * classes)))
    across = min(across, classes)
    layout = Layout(
        columns=across,
        rows=math.ceil(classes / across),
        tile=side,
        gap=max(2, side // 16) if captions == "none" else max(6, min(side // 9, 24), side // 20),
        text=max(9, min(13, side // 8), side // 14),
        lines=0 if captions == "none" else lines,
        details=_DETAILS[captions],
        title=title,
    )
    if layout.width * layout.height > MAX_PIXELS:
        raise ConfigError(
            f"a picture of {layout.width}x{layout.height} pixels is too large (more than {MAX_PIXELS // 10**6} "
            "million); choose a smaller --tile"
        )
    return layout
