"""A board of tiles, one per class, that can be redrawn: a contact sheet, or the frames of a film."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from evo_fool.errors import CorruptRunError, NotKeptError
from evo_fool.image import to_pillow
from evo_fool.pictures.layout import FEW, Captions, Layout, plan
from evo_fool.pictures.style import GREY, INK, LINE, PAPER, VACANT, font, shorten, wrap
from evo_fool.runs.individuals import image_of, picture_of
from evo_fool.runs.run import Elite, Run
from evo_fool.text import percent, printable, provenance


class Board:
    """Tiles of some classes of a run, empty at first.

    Args:
        run: the run.
        cells: the classes, in order.
        columns: see :func:`.plan`.
        tile: see :func:`.plan`.
        captions: see :func:`.plan`.
        title: whether there is a title.
        rerender: draw images from their genomes at the tile's size where the encoding can, rather than enlarge or
            reduce the scored image.

    Attributes:
        layout: the measures.
        image: the board as it is, RGB.

    Raises:
        ConfigError: a board that cannot be drawn so.
    """

    def __init__(
        self,
        run: Run,
        cells: Sequence[int],
        *,
        columns: int | None = None,
        tile: int | None = None,
        captions: Captions = "full",
        title: bool = True,
        rerender: bool = False,
    ) -> None:
        self.run = run
        self.rerender = rerender and run.encoding.resizable
        self._places = {cell: place for place, cell in enumerate(cells)}
        self._labels = {cell: _label(run.classes[cell], cell, len(cells)) for cell in cells}
        native = 1 if self.rerender else max(run.store.image_shape()[1:])

        def planned(lines: int) -> Layout:
            return plan(len(cells), native, columns=columns, tile=tile, lines=lines, captions=captions, title=title)

        self.layout = planned(1)
        bold = font(self.layout.text, bold=True)
        if len(cells) > FEW and any(bold.getlength(label) > self.layout.tile for label in self._labels.values()):
            self.layout = planned(2)
        self.image = Image.new("RGB", (self.layout.width, self.layout.height), PAPER)
        self._pen = ImageDraw.Draw(self.image)
        # What does not change with the generation.
        self._summary = run.summary() if title else {}

    def draw_title(self, generation: int, elites: Collection[Elite] | None = None) -> None:
        """Name, provenance, and what the run had reached when it had ``elites``."""
        layout, summary = self.layout, self._summary
        if not layout.title:
            return
        size = layout.title_text
        lines = [
            (printable(summary["name"]), font(size + 5, bold=True), INK),
            (provenance(summary | {"generation": generation}), font(size - 3), GREY),
        ]
        if elites is not None:
            reached = {elite.class_index: elite.probability for elite in elites}
            p = np.array([reached.get(cell, 0.0) for cell in self.run.targets])
            progress = f"median {percent(float(np.median(p)))} · {(p >= 0.99).sum()} of {len(p)} classes ≥ 99 %"
            lines.append((progress, font(size - 3), GREY))
        top, room = layout.margin, layout.width - 2 * layout.margin
        self._pen.rectangle((0, top, layout.width, top + layout.header - 2), fill=PAPER)
        for text, letters, colour in lines:
            self._pen.text((layout.margin, top), shorten(text, letters, room), font=letters, fill=colour)
            top += math.ceil(letters.size * 1.45)

    def draw(self, cell: int, elite: Elite | None) -> bool:
        """Draw a class's tile and caption, over what was there; None: its cell is empty.

        Returns:
            Whether its image could be shown; retention may have discarded it.

        Raises:
            CorruptRunError: a stored image or genome is damaged, or that of a current elite is missing.
        """
        if cell not in self._places:
            return True
        left, top = self.layout.corner(self._places[cell])
        right, bottom = left + self.layout.tile - 1, top + self.layout.tile - 1
        shown = True
        if elite is None:
            self._pen.rectangle((left, top, right, bottom), fill=VACANT, outline=LINE)
            self._pen.line((left, bottom, right, top), fill=LINE)
            self._pen.line((left, top, right, bottom), fill=LINE)
        else:
            try:
                self.image.paste(self._picture(elite), (left, top))
                self._pen.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=LINE)
            except NotKeptError as error:
                if (present := self.run.get(cell)) and present.id == elite.id:
                    raise CorruptRunError(str(error)) from None
                self._draw_forgotten(left, top)
                shown = False
        self._draw_caption(cell, elite)
        return shown

    def _picture(self, elite: Elite) -> Image.Image:
        """The elite's image on a square: rendered at its size, or pixels repeated to enlarge, averaged to reduce."""
        side = self.layout.tile
        image = picture_of(self.run, elite.id, side) if self.rerender else image_of(self.run, elite.id)
        picture = to_pillow(image).convert("RGB")
        way = Image.Resampling.NEAREST if side >= max(picture.size) else Image.Resampling.BOX
        return ImageOps.pad(picture, (side, side), way, color=PAPER)

    def _draw_forgotten(self, left: int, top: int) -> None:
        """A hatched tile: the class had an elite whose image was discarded."""
        side = self.layout.tile
        tile = Image.new("RGB", (side, side), VACANT)
        pen = ImageDraw.Draw(tile)
        for x in range(-side, side, max(4, side // 12)):
            pen.line((x, side, x + side, 0), fill=LINE)
        self.image.paste(tile, (left, top))
        self._pen.rectangle((left - 1, top - 1, left + side, top + side), outline=LINE)

    def _draw_caption(self, cell: int, elite: Elite | None) -> None:
        layout = self.layout
        if not layout.caption:
            return
        left, top = layout.corner(self._places[cell])
        top += layout.tile
        self._pen.rectangle((left, top + 1, left + layout.tile - 1, top + layout.caption - 1), fill=PAPER)
        top += layout.text // 2
        bold, plain = font(layout.text, bold=True), font(max(8, layout.text - 1))
        lines = [(line, bold, INK) for line in wrap(self._labels[cell], bold, layout.tile, layout.lines)]
        details = ["no image"] if elite is None else [percent(elite.probability), f"generation {elite.generation:,}"]
        lines += [(shorten(detail, plain, layout.tile), plain, GREY) for detail in details[: layout.details]]
        for text, letters, colour in lines:
            self._pen.text((left, top), text, font=letters, fill=colour)
            top += round(1.3 * layout.text)


def _label(name: str, cell: int, classes: int) -> str:
    """The text below a tile: with many tiles, names are cut, so the index stands before them."""
    crowd = classes > FEW and len(name) > len(str(cell))
    return printable(f"{cell} {name}" if crowd else name)
