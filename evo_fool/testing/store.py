"""The contract of a :class:`~evo_fool.runs.store.Store`: whole transactions, one writer, readers that see one state."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from evo_fool.errors import EvoFoolError, RunLockedError
from evo_fool.evolution.statistics import THRESHOLDS
from evo_fool.runs.packed_image import unpack_image
from evo_fool.runs.retention import Departures
from evo_fool.runs.schema import METRICS, SEALED
from evo_fool.runs.seals import take_seals
from evo_fool.runs.store import Batch, IndividualRow, Store
from evo_fool.runs.store_reader import StoreReader

SHAPE = (1, 2, 3)
_WHOLE_NUMBERS = {"evaluations", "captures", *THRESHOLDS}
META = {"image_shape": json.dumps(SHAPE), "classes": json.dumps(["zero", "one"]), "codec": "pixels/1"}


class StoreContract:
    """Override the fixtures ``store_class`` and, where reading is another class's, ``reader_class``."""

    @pytest.fixture
    def store_class(self) -> type[Store]:
        """The class under test; ``store_class.create(directory, meta)`` makes a run's store."""
        raise NotImplementedError("override the fixture 'store_class'")

    @pytest.fixture
    def reader_class(self) -> type[StoreReader]:
        """What reads a directory while, and after, a store writes to it."""
        return StoreReader

    def test_a_new_store_holds_what_the_run_was_made_with(
        self, store_class: type[Store], reader_class: type[StoreReader], tmp_path: Path
    ) -> None:
        store_class.create(tmp_path, META).finish()
        reader = reader_class(tmp_path)
        assert reader.meta() == META
        assert reader.image_shape() == SHAPE
        assert reader.classes() == ("zero", "one")
        assert reader.progress() == (-1, 0, 0.0, "")
        assert reader.last_capture() == -1
        assert reader.memory() == []
        assert reader.integrity() == []
        reader.close()

    def test_a_commit_comes_back(
        self, store_class: type[Store], reader_class: type[StoreReader], tmp_path: Path
    ) -> None:
        store = store_class.create(tmp_path, META)
        store.commit(batch(0, individuals=[individual(0), individual(1, parents=(0, -1))], memory=[0.5, 2.0]))
        reader = reader_class(tmp_path)
        assert reader.rows("SELECT id, parent, second_parent FROM individuals") == [(0, None, None), (1, 0, None)]
        for id, genome, image in reader.rows("SELECT id, genome, image FROM blobs"):
            given = individual(id)
            assert genome == given.genome
            assert unpack_image(image, SHAPE).tobytes() == given.pixels
            digests = tuple(hashlib.sha256(data).digest() for data in (genome, given.pixels, image))
            columns = "genome_sha256, image_sha256, packed_sha256"
            assert reader.rows(f"SELECT {columns} FROM individuals WHERE id = ?", (id,)) == [digests]
        assert reader.rows("SELECT * FROM captures") == [(0, 0, 0, None, 1.0)]
        assert reader.rows("SELECT * FROM cells") == [(0, 0, 1.0, 0)]
        assert reader.rows("SELECT * FROM members") == [(1, 0, 0, -1.0)]
        assert reader.rows("SELECT generation FROM metrics") == [(0,)]
        assert reader.progress() == (0, 10, 1.5, "")
        assert reader.memory() == [0.5, 2.0]
        assert reader.last_capture() == 0
        reader.close()
        store.close()

    def test_cells_populations_and_memory_are_replaced(self, store_class: type[Store], tmp_path: Path) -> None:
        store = store_class.create(tmp_path, META)
        store.commit(batch(0, individuals=[individual(0)], memory=[1.0]))
        members = [(1, [2, 1], [3.0, 2.0])]
        store.commit(batch(1, individuals=[individual(1), individual(2)], holder=2, members=members, memory=[2.0]))
        assert store.rows("SELECT * FROM cells") == [(0, 2, 1.0, 1)]
        assert store.rows("SELECT * FROM members") == [(1, 0, 2, 3.0), (1, 1, 1, 2.0)]
        assert store.memory() == [2.0]
        assert [row[0] for row in store.rows("SELECT generation FROM captures")] == [0, 1]
        store.close()

    def test_what_departs_is_deleted_or_never_written(self, store_class: type[Store], tmp_path: Path) -> None:
        store = store_class.create(tmp_path, META)
        store.commit(batch(0, individuals=[individual(id) for id in range(4)], departures=([0], [1])))
        assert ids(store, "individuals") == [0, 2, 3]
        assert ids(store, "blobs") == [2, 3]
        store.commit(batch(1, departures=([2], [3])))
        assert ids(store, "individuals") == [0, 2]
        assert ids(store, "blobs") == []
        assert_sealed(store)
        store.close()

    def test_a_commit_that_fails_leaves_nothing(self, store_class: type[Store], tmp_path: Path) -> None:
        store = store_class.create(tmp_path, META)
        store.commit(batch(0, individuals=[individual(0)]))
        before = contents(store)
        with pytest.raises(EvoFoolError):
            store.commit(batch(1, individuals=[individual(1), individual(0)]))  # no id is given twice
        assert contents(store) == before
        store.commit(batch(1, individuals=[individual(1)]))
        assert store.progress()[0] == 1
        assert_sealed(store)
        store.close()

    def test_seals_match_after_every_write(self, store_class: type[Store], tmp_path: Path) -> None:
        store = store_class.create(tmp_path, META)
        writes: list[Callable[[], None]] = [
            lambda: store.commit(batch(0, individuals=[individual(0)], memory=[1.0])),
            lambda: store.commit(batch(1, individuals=[individual(1)], holder=1, departures=([], [0]))),
            lambda: store.set_stopped("ctrl-c"),
            lambda: store.set_meta("note", "two\nlines"),
        ]
        assert_sealed(store)
        for write in writes:
            write()
            assert_sealed(store)
        store.close()

    def test_a_reason_to_stop_lasts_until_the_next_commit(self, store_class: type[Store], tmp_path: Path) -> None:
        store = store_class.create(tmp_path, META)
        store.commit(batch(0))
        store.set_stopped("ctrl-c")
        assert store.progress() == (0, 10, 1.5, "ctrl-c")
        store.commit(batch(1))
        assert store.progress()[3] == ""
        store.close()

    def test_a_store_is_opened_again_with_or_without_a_clean_finish(
        self, store_class: type[Store], reader_class: type[StoreReader], tmp_path: Path
    ) -> None:
        store = store_class.create(tmp_path, META)
        store.commit(batch(0, individuals=[individual(0)]))
        before = contents(store)
        store.close()
        store = store_class(tmp_path)
        assert contents(store) == before
        store.commit(batch(1, individuals=[individual(1)]))
        before = contents(store)
        store.finish()
        files = sorted(tmp_path.iterdir())
        assert len(files) == 1, f"a finished run is one file: {files}"
        reader = reader_class(tmp_path)
        assert contents(reader) == before
        reader.close()
        assert sorted(tmp_path.iterdir()) == files, "reading leaves files behind"

    def test_a_snapshot_is_one_state_and_blocks_no_writer(
        self, store_class: type[Store], reader_class: type[StoreReader], tmp_path: Path
    ) -> None:
        store = store_class.create(tmp_path, META)
        store.commit(batch(0, individuals=[individual(0)]))
        reader = reader_class(tmp_path)
        with reader.snapshot():
            before = contents(reader)
            store.commit(batch(1, individuals=[individual(1)]))
            assert contents(reader) == before
        assert reader.progress()[0] == 1
        reader.close()
        store.close()

    def test_a_second_writer_is_noticed(self, store_class: type[Store], tmp_path: Path) -> None:
        store = store_class.create(tmp_path, META)
        store.commit(batch(0))
        other = store_class(tmp_path)
        other.commit(batch(1))
        with pytest.raises(RunLockedError):
            store.commit(batch(1))
        assert other.progress()[0] == 1
        store.close()
        other.close()


def individual(id: int, parents: tuple[int, int] = (-1, -1)) -> IndividualRow:
    """One of a genome and an image of its own."""
    pixels = bytes((id * 7 + offset) % 256 for offset in range(SHAPE[0] * SHAPE[1] * SHAPE[2]))
    return IndividualRow(id, 0, parents, "random", True, b"genome %d" % id, pixels)


def batch(
    generation: int,
    *,
    individuals: Iterable[IndividualRow] = (),
    holder: int = 0,
    departures: tuple[list[int], list[int]] = ([], []),
    members: Iterable[tuple[int, list[int], list[float]]] = ((1, [0], [-1.0]),),
    memory: Iterable[float] = (),
) -> Batch:
    """What one generation commits: ``holder`` takes cell 0; departures are ids of blobs and of whole rows."""
    blobs, rows = departures
    return Batch(
        list(individuals),
        Departures(blobs, rows),
        [(generation, 0, holder, None, 1.0)],
        [(0, holder, 1.0, generation)],
        [(generation, *[0 if name in _WHOLE_NUMBERS else 0.5 for name in METRICS[1:]])],
        list(members),
        list(memory),
        generation,
        10 * (generation + 1),
        1.5 * (generation + 1),
    )


def ids(store: StoreReader, table: str) -> list[int]:
    """The ids in a table, ascending."""
    return [id for (id,) in store.rows(f"SELECT id FROM {table} ORDER BY id")]


def contents(store: StoreReader) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    return {table: sorted(store.rows(f"SELECT * FROM {table}"), key=repr) for table in (*SEALED, "seals")}


def assert_sealed(store: Store) -> None:
    """The seals are those of what the tables hold."""
    assert take_seals(store.connection).differing(store.seals()) == []
