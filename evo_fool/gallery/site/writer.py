"""Writes a static site: which pages there are, and how a share of its size goes to each kind of file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evo_fool.atomic_write import Put, whole_folder
from evo_fool.errors import ConfigError
from evo_fool.gallery.assets import STATIC
from evo_fool.gallery.data.sprites import Painter, is_exact
from evo_fool.gallery.pages.grid import Grids
from evo_fool.gallery.pages.plots import class_table, plots_page
from evo_fool.gallery.query import GridQuery
from evo_fool.gallery.site.bundle import bundle
from evo_fool.gallery.site.elites import ElitePages
from evo_fool.gallery.site.timeline import write_timeline
from evo_fool.gallery.site.urls import SiteAddresses
from evo_fool.gallery.templating import environment
from evo_fool.runs.run import Run

LIMIT = 60_000_000
"""As many bytes as the site of a run of a thousand classes may take."""

_TIMELINE = 9_000_000
"""Share of the sheets of thumbnails at several generations."""

_REST = 3_000_000
"""Set aside for the first page, the plots and the table."""

_OWN = ("gallery.css", "icon.svg")


@dataclass(frozen=True, slots=True)
class Site:
    """The outcome of :func:`write_site`.

    Attributes:
        directory: where the site is.
        index: its first page.
        files: number of files.
        bytes: their size altogether.
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
        return {
            "directory": str(self.directory),
            "index": str(self.index),
            "files": self.files,
            "bytes": self.bytes,
            "pages": self.pages,
            "generations": list(self.generations),
        }


def write_site(
    run: Run, to: str | Path, *, force: bool = False, progress: Callable[[int, int], None] = lambda done, of: None
) -> Site:
    """Write a run as a static site; all files appear together, or none does.

    Args:
        run: the run; a live one is written as of its last commit.
        to: a folder; made if missing.
        force: replace the site that is there.
        progress: told how many of the elites' pages are written, and of how many.

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
    with run.store.snapshot(), whole_folder(to, "--to") as put:
        return _Writer(run, to, put, progress).write()


class _Writer:
    def __init__(self, run: Run, to: Path, put: Put, progress: Callable[[int, int], None]) -> None:
        self.run = run
        self.to = to
        self.put = put
        self.progress = progress
        self.sizes: dict[str, int] = {}

    def write(self) -> Site:
        """Write everything."""
        run, painter, grids = self.run, Painter(), Grids()
        holders: dict[int, list[int]] = {}
        for elite in run.elites:
            holders.setdefault(elite.id, []).append(elite.class_index)
        suffix = "png" if is_exact(run) else "jpg"
        root, below = SiteAddresses("", holders, suffix), SiteAddresses("../", holders, suffix)
        for name in _OWN:
            self._put(f"static/{name}", (STATIC / name).read_bytes())
        self._put("static/gallery.js", bundle(STATIC / "app.js").encode())
        generations = write_timeline(run, grids, painter, root, self._put, _TIMELINE)
        pages = ElitePages(run, painter, below, self._put, self.progress)
        made = pages.make(room=lambda: LIMIT - _REST - sum(self.sizes.values()))
        for cls, page in made.items():
            self._put(f"classes/{cls}.html", _render(page, below))
        self._put("plots.html", _render(plots_page(run, root), root))
        self._put("classes.csv", class_table(run, root).encode("utf-8", "replace"))
        grid = grids.page(run, GridQuery(), root)
        self._put("index.html", _render(grid, root, steps=generations, timeline="timeline.js"))
        size = sum(self.sizes.values())
        return Site(self.to, self.to / "index.html", len(self.sizes), size, len(made), tuple(generations))

    def _put(self, name: str, content: bytes) -> None:
        self.put(name, content)
        self.sizes[name] = len(content)


def _render(data: Mapping[str, Any], addresses: SiteAddresses, **more: Any) -> bytes:
    template = environment().get_template(f"{data['page']}.html")
    return template.render(data=data, url=addresses, site=True, **more).encode("utf-8", "replace")
