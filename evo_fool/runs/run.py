"""A run as a Python object: all that a run directory holds. Opening one writes nothing and executes no code."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evo_fool.class_names import ClassNames
from evo_fool.encodings import build_encoding
from evo_fool.errors import ConfigError, CorruptRunError, EmptyCellError, GenomeError, NotKeptError, RunNotFoundError
from evo_fool.experiment import Experiment
from evo_fool.probability import probability
from evo_fool.runs.database_files import DATABASE
from evo_fool.runs.lock import is_locked
from evo_fool.runs.record import record, recorded_experiment
from evo_fool.runs.schema import METRICS
from evo_fool.runs.store_reader import StoreReader
from evo_fool.runs.summary import summary

if TYPE_CHECKING:
    from evo_fool.encodings.base import Encoding, Genomes
    from evo_fool.scenes import Scene

_CELLS = "SELECT class, id, log_odds, generation FROM cells"


@dataclass(frozen=True, slots=True)
class Elite:
    """The individual in one cell.

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
        encoding: where the run was started with an object for it, the same object; rendering genomes needs it.

    Attributes:
        given_encoding: that object, or None.
        path: the run directory.
        experiment: its resolved definition.
        classes: names of the classes.
        class_aliases: other names of each class, such as WordNet ids and synonyms.

    Raises:
        RunNotFoundError: there is no run at ``path``.
        CorruptRunError: it is damaged, or newer than this version.
    """

    def __init__(self, path: str | Path, encoding: Encoding | None = None) -> None:
        self.path = Path(path)
        self.given_encoding = encoding
        require_run(self.path)
        self.store = StoreReader(self.path)
        try:
            self.classes = self.store.classes()
            self.class_aliases = self.store.class_aliases(len(self.classes))
            self.meta = self.store.meta()
        except BaseException:
            self.store.close()
            raise

    # A Mapping is equal to any with the same items, and has no hash: comparing two runs would read both databases.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; the object cannot be used afterwards."""
        self.store.close()

    @property
    def experiment(self) -> Experiment:
        """The resolved experiment."""
        return recorded_experiment(self.store.meta().get("experiment", ""), self.path)

    @property
    def environment(self) -> dict[str, Any]:
        """Versions, device and threads that the run was started with."""
        return record(self.meta.get("environment", "{}"), f"{self.path}: recorded environment")

    @property
    def objects(self) -> dict[str, str]:
        """Which parts of the run were objects handed to ``evolve``, by name: classifier, encoding, search, toolbox."""
        try:
            objects = json.loads(self.meta.get("objects", "{}"))
        except (ValueError, RecursionError):
            objects = None
        if not isinstance(objects, dict) or not all(isinstance(name, str) for name in objects.values()):
            raise CorruptRunError(f"{self.path}: the record of its objects is not readable")
        return objects

    @property
    def label(self) -> str:
        """Name and id, to tell it from others in a table; a search that used gradients says so."""
        label = f"{self.meta.get('name', 'run')} {self.meta.get('id', '')}".strip()
        return label + ", uses gradients" * self.experiment.uses_gradients

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
        except ConfigError as error:
            raise CorruptRunError(f"{self.path}: search.target: {error}") from None

    @cached_property
    def class_names(self) -> ClassNames:
        """The classes by all their names."""
        return ClassNames(self.classes, self.class_aliases)

    @cached_property
    def encoding(self) -> Encoding:
        """The run's encoding; renders and decodes its genomes on the CPU."""
        channels, height, width = self.store.image_shape()
        if self.given_encoding is not None:
            return self.given_encoding
        if "encoding" in self.objects:
            name = self.objects["encoding"]
            raise ConfigError(f"{self.path}: its encoding was an object of Python ({name}); pass it: encoding=...")
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

    @cached_property
    def scene(self) -> Scene:
        """What the run's pictures are part of when they are scored, at work; see :func:`.scene_of`.

        Raises:
            ConfigError: its classifier or photographs are not where they were, or are others.
        """
        from evo_fool.runs.scenes import scene_of  # torch, which reading a run does not load

        return scene_of(self)

    def __len__(self) -> int:
        """Number of occupied cells."""
        return int(self.store.rows("SELECT count(*) FROM cells")[0][0])

    def __iter__(self) -> Iterator[int]:
        return iter([row[0] for row in self.store.rows("SELECT class FROM cells ORDER BY class")])

    def __getitem__(self, cls: int | str) -> Elite:
        """The elite of one class, by index or by any of its names.

        Raises:
            UnknownClassError, EmptyCellError: no such class, several of this name, or no image holds it.
        """
        index = self.class_index(cls)
        elites = self.read_elites(f"{_CELLS} WHERE class = ?", (index,))
        if not elites:
            raise EmptyCellError(f"class {cls!r}: no image holds class {index} ({self.classes[index]}) yet")
        return elites[0]

    @property
    def elites(self) -> list[Elite]:
        """The occupied cells, by class index."""
        return self.read_elites(f"{_CELLS} ORDER BY class")

    def read_elites(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[Elite]:
        """The elites of a query for class, id, log-odds and generation.

        Raises:
            CorruptRunError: a value is not a number, or not one of the classes.
        """
        rows = self.store.typed(sql, (int, int, float, int), parameters)
        self.check_classes(row[0] for row in rows)
        chances = probability(np.array([row[2] for row in rows])).tolist()
        return [
            Elite(cell, self.classes[cell], id, log_odds, p, generation)
            for (cell, id, log_odds, generation), p in zip(rows, chances, strict=True)
        ]

    def check_classes(self, cells: Iterable[int]) -> None:
        """Refuse class indices that the run does not have.

        Raises:
            CorruptRunError: names the first.
        """
        for cell in cells:
            if not 0 <= cell < len(self.classes):
                raise CorruptRunError(
                    f"{self.path}: class {cell} is not one of the {len(self.classes)} classes; restore a copy"
                )

    @property
    def metrics(self) -> dict[str, np.ndarray]:
        """One array a column of :data:`~evo_fool.runs.schema.METRICS`, one entry a generation; over the targets.

        Raises:
            CorruptRunError: an entry is not a finite number.
        """
        columns = self.recorded_metrics
        if len(self.targets) == 1:  # version 0.1.0 recorded them over all cells, of which such a run fills one
            columns |= dict.fromkeys(("min", "q1", "median", "q3", "mean"), columns["max"])
        return columns

    @property
    def recorded_metrics(self) -> dict[str, np.ndarray]:
        """:attr:`metrics` as they are stored."""
        rows = self.store.rows(f"SELECT {', '.join(METRICS)} FROM metrics ORDER BY generation")
        columns = {name: np.array([row[i] for row in rows]) for i, name in enumerate(METRICS)}
        for name, column in columns.items():
            if column.dtype.kind not in "if" or not np.isfinite(column).all():
                raise CorruptRunError(f"{self.path}: the metrics have entries under {name!r} that are not numbers")
        return columns

    @property
    def captures(self) -> np.ndarray:
        """The captures: a structured array by generation and class; ``previous`` is -1 where the cell was empty.

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
            UnknownClassError: no class has this name, or several do.
        """
        return self.class_names.find(cls)

    def image(self, cls: int | str) -> np.ndarray:
        """The scored image of a class's elite, uint8 ``(channels, height, width)``.

        Raises:
            UnknownClassError, EmptyCellError: no such class, or no image holds it.
            CorruptRunError: the stored image is damaged or missing.
        """
        with self._complete():
            return self.store.image(self[cls].id)

    def genome_bytes(self, cls: int | str) -> bytes:
        """The stored genome of a class's elite, in the run's codec."""
        with self._complete():
            return self.store.blob("genome", self[cls].id)

    def genome(self, cls: int | str) -> Any:
        """The genome of a class's elite as a user's object: a ``neat.DefaultGenome``, or a float array of genes.

        Raises:
            UnknownClassError, EmptyCellError: no such class, or no image holds it.
            CorruptRunError: the stored genome is damaged or missing.
        """
        with self._complete():
            return self.encoding.genome_object(self.genomes(self[cls].id)[0])

    def render(self, cls: int | str, size: int | None = None) -> np.ndarray:
        """The elite of a class rendered again, uint8 ``(channels, height, width)``; ``size`` is the longer side.

        Raises:
            ConfigError: another size than its own for an encoding that cannot be resized.
        """
        with self._complete():
            return self.encoding.render(self.genomes(self[cls].id), size)[0]

    def genomes(self, individual: int) -> Genomes:
        """The genome of an individual as a batch of one, see :meth:`.Encoding.decode`.

        Raises:
            NotKeptError: it was discarded by retention, or the id does not exist.
            CorruptRunError: it is damaged.
        """
        try:
            return self.encoding.decode(self.store.blob("genome", individual))
        except GenomeError as error:
            raise CorruptRunError(f"{self.path}: individual {individual}: {error}") from None

    @contextmanager
    def _complete(self) -> Iterator[None]:
        """One state of a live run. Retention keeps the genome and image of every elite, so a missing one is damage."""
        try:
            with self.store.snapshot():
                yield
        except NotKeptError as error:
            raise CorruptRunError(f"{error}; it is an elite, so it was lost: restore a copy") from None

    def disk_bytes(self) -> int:
        """Size of the whole run directory in bytes."""
        return sum(entry.stat().st_size for entry in self.path.rglob("*") if entry.is_file() and not entry.is_symlink())

    def summary(self) -> dict[str, Any]:
        """The figures of the run, JSON-able, over the classes it evolves; an empty cell counts as probability 0."""
        return summary(self)


def require_run(path: Path) -> None:
    """Refuse a place where there is no run.

    Raises:
        RunNotFoundError: there is none.
    """
    if not os.path.lexists(path / DATABASE):
        raise RunNotFoundError(f"{path}: no run here (there is no {DATABASE}); list runs with: evo-fool ls")


def open_run(path: str | Path, *, encoding: Encoding | None = None) -> Run:
    """Open a run directory for reading; ``encoding``: see :class:`Run`.

    Raises:
        RunNotFoundError: there is no run at ``path``.
        CorruptRunError: it is damaged, or newer than this version.
    """
    return Run(path, encoding)
