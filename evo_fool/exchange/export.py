"""A run's elites as files for other programs: PNG, genomes, one npz of everything, the layout of the 2015 image set."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from evo_fool.atomic_write import whole_folder
from evo_fool.errors import ConfigError, CorruptRunError, NotKeptError
from evo_fool.exchange.file_names import layout_path, stem
from evo_fool.image import png_bytes
from evo_fool.jsonable import plain
from evo_fool.runs.individuals import image_of, picture_of
from evo_fool.runs.run import Elite, Run

KINDS = ("png", "genomes", "npz", "layout2015")
"""What can be exported."""

MAX_SIZE = 16384
"""Largest height or width of an exported image, in pixels."""


@dataclass(frozen=True, slots=True)
class Exported:
    """The outcome of :func:`export`.

    Attributes:
        directory: where the files are.
        files: what was written, in order.
        elites: number of elites that were exported.
        left_out: number of elites below ``min_confidence``.
    """

    directory: Path
    files: tuple[Path, ...]
    elites: int
    left_out: int

    def to_json(self) -> dict[str, Any]:
        """The outcome as plain data."""
        return dict(plain(asdict(self)))


_ABOUT = ("class_index", "class_name", "probability", "log_odds", "id", "generation")
"""What is exported of an elite beside image and genome."""

_Plan = dict[str, Callable[[], bytes]]
"""Relative path -> what makes the file's bytes. Content is made one file at a time: images can be large."""


def export(
    run: Run,
    to: str | Path,
    *,
    what: Iterable[str] = ("png",),
    size: int | None = None,
    min_confidence: float = 0.0,
    force: bool = False,
) -> Exported:
    """Write the elites of a run below ``to``; all files appear together, or none does.

    ``png``: ``<class>_<probability>.png``. ``genomes``: ``genomes/<class>_<probability>`` as ``.json`` or, for
    pixels, as ``.npz``. ``npz``: ``elites.npz``, see :func:`elites_npz`. ``layout2015``:
    ``map_gen_<g>/map_<g>_<class>_<probability>.png``.

    Args:
        run: the run; a live one is exported as of its last commit.
        to: a folder; made if missing.
        what: any of :data:`KINDS`.
        size: longer side of the images. None: the stored images, exactly. Else a CPPN is rendered from its genome at
            that size and pixels are enlarged to the nearest.
        min_confidence: leave out elites below this probability.
        force: replace files that are there.

    Raises:
        ConfigError: files are in the way and ``force`` is not set, or a bad size or kind.
        CorruptRunError: a genome or image is damaged.
        EvoFoolError: the folder cannot be written.
    """
    to, what = Path(to), tuple(dict.fromkeys(what))
    if unknown := sorted(set(what) - set(KINDS)):
        raise ConfigError(f"--what {unknown[0]}: choose from {', '.join(KINDS)}")
    if size is not None and not 1 <= size <= MAX_SIZE:
        raise ConfigError(f"--size {size}: an image is 1 to {MAX_SIZE} pixels wide")
    with run.store.snapshot():
        occupied = run.elites
        elites = [elite for elite in occupied if elite.probability >= min_confidence]
        plan = _plan(run, elites, what, size) if elites else {}
        refuse_overwriting(to, plan, force)
        with whole_folder(to, "--to") as put:
            for name, content in plan.items():
                try:
                    put(name, content())
                except (CorruptRunError, NotKeptError) as error:
                    raise CorruptRunError(f"{run.path}: {name} cannot be made: {error}; nothing is written") from None
    return Exported(to, tuple(to / name for name in plan), len(elites), len(occupied) - len(elites))


def elites_npz(run: Run, elites: Sequence[Elite]) -> bytes:
    """All elites in one file that ``np.load(file, allow_pickle=False)`` reads; first axis elites.

    ``images`` uint8 ``(n, channels, h, w)``, ``log_odds`` and ``probability`` float64, ``class_index``, ``id`` and
    ``generation`` int64, ``class_name`` text.
    """
    return _npz(
        images=np.stack([image_of(run, elite.id) for elite in elites]),
        **{name: np.array([getattr(elite, name) for elite in elites]) for name in _ABOUT},
    )


def _plan(run: Run, elites: Sequence[Elite], what: tuple[str, ...], size: int | None) -> _Plan:
    stems = {elite: stem(elite.class_index, len(run.classes), elite.probability) for elite in elites}
    plan: _Plan = {}
    for kind in what:
        match kind:
            case "png":
                plan |= {f"{stems[elite]}.png": partial(_png, run, elite, size) for elite in elites}
            case "genomes":
                plan |= {
                    f"genomes/{stems[elite]}.{run.encoding.export_as}": partial(_genome_file, run, elite)
                    for elite in elites
                }
            case "npz":
                plan["elites.npz"] = partial(elites_npz, run, elites)
            case "layout2015":
                for elite in elites:
                    name = layout_path(run.generation, elite.class_index, elite.probability)
                    plan[name] = partial(_png, run, elite, size)
    return plan


def _png(run: Run, elite: Elite, size: int | None) -> bytes:
    return png_bytes(picture_of(run, elite.id, size))


def _genome_file(run: Run, elite: Elite) -> bytes:
    genome = run.genomes(elite.id)[0]
    about = {name: getattr(elite, name) for name in _ABOUT}
    described = run.encoding.describe(genome)
    if run.encoding.export_as == "json":
        return json.dumps(about | {"genome": described}, indent=1).encode() + b"\n"
    arrays = run.encoding.arrays(genome)
    rest = {key: value for key, value in described.items() if key not in arrays}
    return _npz(**arrays, **{key: np.array(value) for key, value in (about | rest).items()})


def _npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]  # its stub takes the arrays for options
    return buffer.getvalue()


def refuse_overwriting(to: Path, names: Iterable[str], force: bool) -> None:
    """Refuse to write files of these names below ``to`` where some are there and ``force`` is not set.

    Raises:
        ConfigError: names the first.
    """
    if to.exists() and not to.is_dir():
        raise ConfigError(f"{to} is a file; give a folder")
    # is_symlink: a dangling link is in the way too.
    taken = [name for name in names if (to / name).exists() or (to / name).is_symlink()]
    if taken and not force:
        more = f" and {len(taken) - 1} more" if len(taken) > 1 else ""
        raise ConfigError(f"{to} already holds {taken[0]}{more}; choose another folder, or replace them with --force")
