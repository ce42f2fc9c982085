"""The store keeps its contract, and the contract tells a store that does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from support import broken_promises

from evo_fool.runs.store import Batch, Store
from evo_fool.runs.store_reader import StoreReader
from evo_fool.testing import StoreContract


class TestStore(StoreContract):
    @pytest.fixture
    def store_class(self) -> type[Store]:
        return Store


def without(**fields: Any) -> Callable[[Store, Batch], None]:
    """A ``commit`` that loses some fields of the batch."""

    def commit(self: Store, batch: Batch) -> None:
        for name, value in fields.items():
            setattr(batch, name, value)
        Store.commit(self, batch)

    return commit


def in_pieces(self: Store, batch: Batch) -> None:
    """A commit of one transaction for each individual."""
    rows, batch.individuals = batch.individuals, []
    for row in rows:
        self.connection.execute("INSERT INTO individuals VALUES (?,?,?,?,?,?,?,?,?)", row.columns(None))
    Store.commit(self, batch)


def unsealed(self: Store, key: str, value: str) -> None:
    self.connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def kept(self: Store, batch: Batch) -> None:
    batch.departures = type(batch.departures)()
    Store.commit(self, batch)


def same_reason(self: Store, batch: Batch) -> None:
    reason = self.progress()[3]
    Store.commit(self, batch)
    if reason:
        self.set_stopped(reason)


def only_closed(self: Store) -> None:
    (self.path.parent / "notes.txt").write_text("finished")
    Store.finish(self)


class Unsteady(StoreReader):
    """Its snapshots are none."""

    def snapshot(self) -> Any:
        return nullcontext()


def renamed(directory: Path, meta: dict[str, str]) -> Store:
    return Store.create(directory, meta | {"classes": json.dumps(["other"])})


BREAKAGES: dict[str, tuple[str, dict[str, Any], type[StoreReader]]] = {
    "other classes": (
        "a_new_store_holds_what_the_run_was_made_with",
        {"create": staticmethod(renamed)},
        StoreReader,
    ),
    "no captures": ("a_commit_comes_back", {"commit": without(captures=[])}, StoreReader),
    "no memory": ("cells_populations_and_memory_are_replaced", {"commit": without(memory=[])}, StoreReader),
    "nothing departs": ("what_departs_is_deleted_or_never_written", {"commit": kept}, StoreReader),
    "in pieces": ("a_commit_that_fails_leaves_nothing", {"commit": in_pieces}, StoreReader),
    "no seal": ("seals_match_after_every_write", {"set_meta": unsealed}, StoreReader),
    "stays stopped": ("a_reason_to_stop_lasts_until_the_next_commit", {"commit": same_reason}, StoreReader),
    "leaves files": (
        "a_store_is_opened_again_with_or_without_a_clean_finish",
        {"finish": only_closed},
        StoreReader,
    ),
    "no snapshots": ("a_snapshot_is_one_state_and_blocks_no_writer", {}, Unsteady),
    "any writer": ("a_second_writer_is_noticed", {"_data_version": lambda self: 0}, StoreReader),
}


@pytest.mark.parametrize("what", BREAKAGES)
def test_a_broken_store_is_noticed(what: str, tmp_path: Path) -> None:
    promise, change, reader_class = BREAKAGES[what]
    broken = type("Broken", (Store,), change)
    only = type("Only", (), {f"test_{promise}": getattr(StoreContract, f"test_{promise}")})
    assert broken_promises(only, store_class=broken, reader_class=reader_class, tmp_path=tmp_path) == {promise}


def test_every_promise_can_be_broken() -> None:
    promises = {name.removeprefix("test_") for name in dir(StoreContract) if name.startswith("test_")}
    assert promises == {promise for promise, *_ in BREAKAGES.values()}
