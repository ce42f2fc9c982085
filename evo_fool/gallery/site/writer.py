"""Writes a static site: all files appear together, or none does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evo_fool.atomic_write import whole_folder
from evo_fool.errors import ConfigError
from evo_fool.gallery.assets import STATIC
from evo_fool.gallery.data.sprites import Painter, is_exact
from evo_fool.gallery.pages.grid import Grids
from evo_fool.gallery.pages.plots import class_table, plots_page
from evo_fool.gallery.query import GridQuery
from evo_fool.gallery.site.bundle import bundle
from evo_fool.gallery.site.elites import elite_pages
from evo_fool.gallery.site.timeline import write_timeline
from evo_fool.gallery.site.urls import SiteUrls
from evo_fool.gallery.templating import render_page
from evo_fool.runs.run import Run


@dataclass(frozen=True, slots=True)
class Site:
    """The outcome of :func:`write_site`.

    Attributes:
        directory: where the site is.
        index: its first page.
        files: number of files.
        bytes: their total size.
        pages: elites that have a page.
        generations: those that the scrubber of the site can show.
    """

    directory: Path
    index: Path
    files: int
    bytes: int
    pages: int
    generations: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """The outcome as plain data."""
        paths = {"directory": str(self.directory), "index": str(self.index)}
        return asdict(self) | paths | {"generations": list(self.generations)}


def write_site(
    run: Run, to: str | Path, *, force: bool = False, progress: Callable[[int, int], None] = lambda done, of: None
) -> Site:
    """Write a run as a static site.

    Args:
        run: the run; a live one is written as of its last commit.
        to: a folder; made if missing.
        force: replace the site that is there.
        progress: told how many of the elites' pages are made, and of how many.

    Raises:
        ConfigError: a site is in the way and ``force`` is not set.
        CorruptRunError: a genome or image is damaged.
        EvoFoolError: the folder cannot be written.
    """
    to = Path(to)
    if to.exists() and not to.is_dir():
        raise ConfigError(f"{to} is a file; give a folder")
    index = to / "index.html"
    if (index.exists() or index.is_symlink()) and not force:
        raise ConfigError(f"{to} already holds index.html; choose another folder, or replace the site with --force")
    sizes: dict[str, int] = {}
    with run.store.snapshot(), whole_folder(to, "--to") as put_file:

        def put(name: str, content: bytes) -> None:
            put_file(name, content)
            sizes[name] = len(content)

        painter, grids = Painter(), Grids()
        holders: dict[int, list[int]] = {}
        for elite in run.elites:
            holders.setdefault(elite.id, []).append(elite.class_index)
        suffix = "png" if is_exact(run) else "jpg"
        root, below = SiteUrls("", holders, suffix), SiteUrls("../", holders, suffix)
        for name in ("gallery.css", "icon.svg"):
            put(f"static/{name}", (STATIC / name).read_bytes())
        put("static/gallery.js", bundle(STATIC / "app.js").encode())
        generations = write_timeline(run, grids, painter, root, put)
        pages = elite_pages(run, painter, below, put, progress)
        for cls, page in pages.items():
            put(f"classes/{cls}.html", render_page(page, below, site=True))
        put("plots.html", render_page(plots_page(run, root), root, site=True))
        put("classes.csv", class_table(run, root).encode("utf-8", "replace"))
        grid = grids.page(run, GridQuery(), root)
        put("index.html", render_page(grid, root, site=True, steps=generations, timeline="timeline.js"))
    return Site(to, index, len(sizes), sum(sizes.values()), len(pages), tuple(generations))
