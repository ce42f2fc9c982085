"""The generations that a static site can show: a few of them, closer together where more changes hands."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from evo_fool.evolution.statistics import THRESHOLDS
from evo_fool.gallery.data.kept import Complexity, chief, kept_members
from evo_fool.gallery.data.sprites import Painter, blocks, plan_sheet
from evo_fool.gallery.data.timeline import EMPTY, Archive
from evo_fool.gallery.pages.grid import Grids, plan_sprites
from evo_fool.gallery.site.urls import SiteAddresses
from evo_fool.probability import probability
from evo_fool.runs.run import Run
from evo_fool.text import percent

MOST = 40
"""As many generations at most."""

_FEWEST = 2

Write = Callable[[str, bytes], None]


def write_timeline(
    run: Run, grids: Grids, painter: Painter, addresses: SiteAddresses, write: Write, share: int
) -> list[int]:
    """Write the sheets and the script of a site's timeline; returns the generations that it has.

    Args:
        run: the run.
        grids: knows its archives.
        painter: draws its sheets.
        addresses: of the site, from its root.
        write: takes a file's name and content.
        share: bytes that the sheets may take.
    """
    last = max(run.generation, 0)
    written: dict[str, int] = {}
    _write_sheets(run, grids.archive(run, last), painter, addresses, write, written)
    most = int(np.clip(share // max(sum(written.values()), 1), _FEWEST, MOST))
    generations = np.unique((last * np.linspace(0, 1, most) ** 2).round().astype(int)).tolist()
    snapshots, before = [], Archive.empty(len(run.classes))
    for generation in generations:
        archive = grids.archive(run, generation)
        kept = _write_sheets(run, archive, painter, addresses, write, written)
        snapshots.append(_snapshot(run, generation, before, archive, kept, addresses))
        before = archive
    tiles = [{"class": cell, "url": _page(run, addresses, cell, before)} for cell in run.targets]
    data = json.dumps({"tiles": tiles, "snapshots": snapshots}, separators=(",", ":"), allow_nan=False)
    write("timeline.js", f"window.evoFoolTimeline = {data};\n".encode())
    return generations


def _page(run: Run, addresses: SiteAddresses, cell: int, last: Archive) -> str | None:
    return addresses.cell(run.path.name, cell) if last.ids[cell] != EMPTY else None


def _write_sheets(
    run: Run, archive: Archive, painter: Painter, addresses: SiteAddresses, write: Write, written: dict[str, int]
) -> dict[int, Complexity]:
    """Write the sheets of an archive that are not there yet; returns its members that are kept."""
    kept = kept_members(run, archive.ids.tolist())
    for block in range(blocks(run)):
        sheet = plan_sheet(run, archive, kept, block)
        if not sheet.blank and sheet.key not in written:
            drawn = painter.sheet(run, sheet)
            write(addresses.sheet(sheet.key), drawn)
            written[sheet.key] = len(drawn)
    return kept


def _snapshot(
    run: Run,
    generation: int,
    before: Archive,
    archive: Archive,
    kept: dict[int, Complexity],
    addresses: SiteAddresses,
) -> dict[str, Any]:
    chances = probability(archive.log_odds)
    changed = []
    for cell in run.targets:
        id = int(archive.ids[cell])
        if id == EMPTY or (id == before.ids[cell] and archive.generations[cell] == before.generations[cell]):
            continue
        complexity, p = kept.get(id), float(chances[cell])
        changed.append(
            [
                cell,
                id,
                int(archive.generations[cell]),
                float(f"{p:.7g}"),
                percent(p),
                chief(complexity),
                int(id in kept),
            ]
        )
    evolved = chances[run.targets]
    return {
        "generation": generation,
        "changed": changed,
        "sheets": plan_sprites(run, archive, kept, addresses)["sheets"],
        "figures": {
            "median_percent": percent(float(np.median(evolved))),
            "at_least": {f"{threshold:g}": int((evolved >= threshold).sum()) for threshold in THRESHOLDS.values()},
        },
    }
