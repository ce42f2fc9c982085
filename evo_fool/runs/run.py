"""A run as a Python object: all that a run directory holds. Opening one never writes and never executes."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from evo_fool.class_names import ClassNames
from evo_fool.encodings import build_encoding
from evo_fool.errors import ConfigError, CorruptRunError, RunNotFoundError
from evo_fool.evolution.statistics import THRESHOLDS
from evo_fool.experiment import Experiment
from evo_fool.probability import probability
from evo_fool.runs.database_files import DATABASE
from evo_fool.runs.lock import is_locked
from evo_fool.runs.packed_image import unpack_image
from evo_fool.runs.schema import METRICS
from evo_fool.runs.store_reader import StoreReader

if TYPE_CHECKING:
    from evo_fool.encodings.base import Encoding


@dataclass(frozen=True, slots=True)
class Elite:
    """The occupant of one cell.

    Attributes:
        class_index: the cell.
        class_name: its name.
        id: the individual that holds it; the same id can hold many cells.
        log_odds: log p/(1-p) of its class.
        probability: the softmax probability p of its class, in [0, 1].
        generation: when it took the cell.
    """

    class_index: int
    class_name: str
    id: int
    log_odds: float
    probability: float
    generation: int


class Run(Mapping[int, Elite]):
    """One run directory. A mapping from class index to :class:`Elite`; usable in a ``with`` statement.

    Every access reads the last commit, so a Run of a live run follows it.

    Args:
        path: the run directory.

    Attributes:
        path: the run directory.
        experiment: its resolved definition.
        classes: names of the classes.
        class_aliases: other names of each class, such as WordNet ids and synonyms.

    Raises:
        RunNotFoundError: there is no run at ``path``.
        CorruptRunError: it is damaged, or newer than this version.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        require_run(self.path)
        self.store = StoreReader(self.path)
        try:
            self.classes = self.store.classes()
            self.class_aliases = self.store.class_aliases(len(self.classes))
            self.meta = self.store.meta()
        except BaseException:
            self.store.close()
            raise

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; the object is of no use afterwards."""
        self.store.close()

    @property
    def experiment(self) -> Experiment:
        """The resolved experiment."""
        try:
            data = json.loads(self.store.meta()["experiment"])
        except (KeyError, ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            raise CorruptRunError(f"{self.path}: the recorded experiment is not readable") from None
        try:
            return Experiment.from_mapping(_as_written_now(data), source=f"{self.path}: recorded experiment")
        except (ConfigError, TypeError, ValueError) as error:
            raise CorruptRunError(str(error)) from None

    @property
    def environment(self) -> dict[str, Any]:
        """Versions, device and threads that the run was started with."""
        try:
            record = json.loads(self.meta.get("environment", "{}"))
        except (ValueError, RecursionError):
            record = None
        if not isinstance(record, dict):
            raise CorruptRunError(f"{self.path}: the environment record is not readable")
        return record

    @property
    def classifier_fingerprint(self) -> str:
        """SHA-256 of the classifier's weights."""
        return self.meta.get("classifier_sha256", "")

    @property
    def generation(self) -> int:
        """The last committed generation; -1 before the first commit."""
        return self.store.progress()[0]

    @property
    def status(self) -> str:
        """``running``, ``finished``, ``stopped`` (asked to), ``failed`` (the classifier) or ``interrupted`` (killed).

        Derived from the writer's lock and the checkpoint, so a run that was killed never reads as running.
        """
        if is_locked(self.path):
            return "running"
        generation, _, _, stopped = self.store.progress()
        if generation >= self.experiment.generations:
            return "finished"
        if stopped:
            return "failed" if stopped == "failed" else "stopped"
        return "interrupted"

    @cached_property
    def targets(self) -> list[int]:
        """The classes that the run evolves: all of them, or the one of a single-class genetic algorithm.

        Raises:
            CorruptRunError: it names a class that the run does not have.
        """
        search = self.experiment.search
        if search.kind != "genetic" or search.target == "all":
            return list(range(len(self.classes)))
        try:
            return [self.class_index(search.target)]
        except KeyError as error:
            raise CorruptRunError(f"{self.path}: search.target = {error.args[0]}") from None

    @cached_property
    def class_names(self) -> ClassNames:
        """The classes by all their names."""
        return ClassNames(self.classes, self.class_aliases)

    @cached_property
    def encoding(self) -> Encoding:
        """The run's encoding; renders and decodes its genomes on the CPU."""
        channels, height, width = self.store.image_shape()
        try:
            encoding = build_encoding(self.experiment.encoding, size=(height, width), channels=channels)
        except ConfigError as error:
            raise CorruptRunError(f"{self.path}: {error}") from None
        if encoding.shape[1:] != (height, width):
            raise CorruptRunError(
                f"{self.path}: its images are {width}x{height}, its encoding's size is "
                f"{encoding.width}x{encoding.height}"
            )
        return encoding

    def __len__(self) -> int:
        """Number of occupied cells."""
        return int(self.store.rows("SELECT count(*) FROM cells")[0][0])

    def __iter__(self) -> Iterator[int]:
        return iter([row[0] for row in self.store.rows("SELECT class FROM cells ORDER BY class")])

    def __getitem__(self, cls: int | str) -> Elite:
        """The elite of one class, by index or by any of its names.

        Raises:
            KeyError: no such class, several, or its cell is empty.
        """
        index = self.class_index(cls)
        rows = self._cells("WHERE class = ?", (index,))
        if not rows:
            raise KeyError(f"{cls!r}: no image holds class {index} ({self.classes[index]}) yet")
        return rows[0]

    @property
    def elites(self) -> list[Elite]:
        """The occupied cells, by class index."""
        return self._cells("ORDER BY class", ())

    @property
    def metrics(self) -> dict[str, np.ndarray]:
        """One array a column of :data:`~evo_fool.runs.schema.METRICS`, one entry a generation.

        Raises:
            CorruptRunError: an entry is not a finite number.
        """
        rows = self.store.rows(f"SELECT {', '.join(METRICS)} FROM metrics ORDER BY generation")
        columns = {name: np.array([row[i] for row in rows]) for i, name in enumerate(METRICS)}
        for name, column in columns.items():
            if column.dtype.kind not in "if" or not np.isfinite(column).all():
                raise CorruptRunError(f"{self.path}: the metrics have entries under {name!r} that are not numbers")
        return columns

    @property
    def captures(self) -> np.ndarray:
        """Who took which class from whom: a structured array by generation and class; ``previous`` is -1 for nobody.

        Raises:
            CorruptRunError: an entry is not a number.
        """
        rows = self.store.rows(
            "SELECT generation, class, id, coalesce(previous, -1), log_odds FROM captures ORDER BY generation, class"
        )
        fields = [("generation", "i8"), ("class", "i8"), ("id", "i8"), ("previous", "i8"), ("log_odds", "f8")]
        try:
            return np.array(rows, dtype=fields)
        except (TypeError, ValueError, OverflowError):
            raise CorruptRunError(f"{self.path}: the captures have entries that are not numbers") from None

    def class_index(self, cls: int | str) -> int:
        """The index of a class given by index, name or another name; see :meth:`.ClassNames.find`.

        Raises:
            KeyError: there is no such class, or several are called so; the message lists them.
        """
        return self.class_names.find(cls)

    def image(self, cls: int | str) -> np.ndarray:
        """The scored image of a class's elite, uint8 ``(channels, height, width)``.

        Raises:
            KeyError: no such class, or its cell is empty.
            CorruptRunError: the stored image is damaged or missing.
        """
        return unpack_image(self._blob(self[cls].id, "image"), self.store.image_shape())

    def genome_bytes(self, cls: int | str) -> bytes:
        """The stored genome of a class's elite, in the run's codec."""
        return self._blob(self[cls].id, "genome")

    def genome(self, cls: int | str) -> Any:
        """The genome of a class's elite as a user's object: a ``neat.DefaultGenome``, or a float array of genes.

        Raises:
            KeyError: no such class, or its cell is empty.
            GenomeError: the stored bytes are not a genome.
        """
        return self.encoding.genome_object(self.encoding.decode(self.genome_bytes(cls))[0])

    def render(self, cls: int | str, size: int | None = None) -> np.ndarray:
        """The elite of a class rendered again, uint8 ``(channels, height, width)``; ``size`` is the longer side.

        Raises:
            ConfigError: another size than its own for an encoding that cannot be resized.
        """
        return self.encoding.render(self.encoding.decode(self.genome_bytes(cls)), size)[0]

    def disk_bytes(self) -> int:
        """Size of the whole run directory in bytes."""
        return sum(entry.stat().st_size for entry in self.path.rglob("*") if entry.is_file() and not entry.is_symlink())

    def summary(self) -> dict[str, Any]:
        """The figures of the run, JSON-able, over the classes it evolves; an empty cell counts as probability 0."""
        experiment = self.experiment
        with self.store.snapshot():
            generation, evaluations, seconds, _ = self.store.progress()
            elites = {elite.class_index: elite for elite in self.elites}
            captures = int(self.store.rows("SELECT count(*) FROM captures")[0][0])
        p = np.array([elites[cell].probability if cell in elites else 0.0 for cell in self.targets])
        return {
            "path": str(self.path),
            "id": self.meta.get("id", ""),
            "name": experiment.name,
            "status": self.status,
            "generation": generation,
            "generations": experiment.generations,
            "evaluations": evaluations,
            "classes": len(self.classes),
            "targets": len(p),
            "occupied": len(elites),
            "median_confidence": float(np.median(p)),
            "mean_confidence": float(p.mean()),
            "min_confidence": float(p.min()),
            "at_least": {f"{threshold:g}": int((p >= threshold).sum()) for threshold in THRESHOLDS.values()},
            "qd_score": float(p.sum()),
            "captures": captures,
            "images_per_second": evaluations / seconds if seconds > 1e-6 else 0.0,
            "wall_seconds": seconds,
            "seed": experiment.seed,
            "device": str(self.environment.get("device", "unknown")),
            "classifier": self.meta.get("classifier", "unknown"),
            "encoding": experiment.encoding.kind,
            "search": experiment.search.kind,
            "preset": experiment.preset,
            "disk_bytes": self.disk_bytes(),
        }

    def _cells(self, clause: str, parameters: tuple[Any, ...]) -> list[Elite]:
        rows = self.store.rows(f"SELECT class, id, log_odds, generation FROM cells {clause}", parameters)
        for cell, id, log_odds, generation in rows:
            if not 0 <= cell < len(self.classes):
                raise CorruptRunError(f"{self.path}: cell {cell} is not one of the {len(self.classes)} classes")
            if not (isinstance(id, int) and isinstance(log_odds, float) and isinstance(generation, int)):
                raise CorruptRunError(f"{self.path}: cell {cell} has entries that are not numbers")
        chances = probability(np.array([row[2] for row in rows])).tolist()
        elites = [
            Elite(cell, self.classes[cell], id, log_odds, p, generation)
            for (cell, id, log_odds, generation), p in zip(rows, chances, strict=True)
        ]
        return elites

    def _blob(self, id: int, column: str) -> bytes:
        rows = self.store.rows(f"SELECT {column} FROM blobs WHERE id = ?", (id,))
        if not rows or not isinstance(rows[0][0], bytes):
            raise CorruptRunError(f"{self.path}: the {column} of individual {id} is missing")
        return bytes(rows[0][0])


def _as_written_now(recorded: dict[str, Any]) -> dict[str, Any]:
    """A recorded experiment without a setting that had no effect, and that earlier versions recorded all the same."""
    encoding, search = recorded.get("encoding"), recorded.get("search")
    if isinstance(encoding, dict) and isinstance(search, dict) and search.get("kind") != "map_elites":
        return recorded | {"encoding": {key: value for key, value in encoding.items() if key != "crossover"}}
    return recorded


def require_run(path: Path) -> None:
    """Refuse a place where there is no run.

    Raises:
        RunNotFoundError: there is none.
    """
    if not os.path.lexists(path / DATABASE):
        raise RunNotFoundError(f"{path}: no run here (there is no {DATABASE}); list runs with: evo-fool ls")


def open_run(path: str | Path) -> Run:
    """Open a run directory for reading.

    Raises:
        RunNotFoundError: there is no run at ``path``.
        CorruptRunError: it is damaged, or newer than this version.
    """
    return Run(path)
