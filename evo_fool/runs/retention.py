"""Which individuals a run still needs: elites, members of populations, and the ancestors of either.

References are counted: an individual is alive while it holds a cell, belongs to a population, or has a living child.
The genomes and images of the others are discarded (see :class:`~evo_fool.sections.RetentionConfig`); the rows of
those that ever held a cell stay for good, so that captures and scores can always be read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from evo_fool.sections import RetentionConfig


class Record:
    """One living individual."""

    __slots__ = ("captor", "children", "holds", "parents")

    def __init__(self, parents: tuple[int, ...], captor: bool) -> None:
        self.parents = parents
        self.captor = captor
        self.holds = 0
        self.children = 0

    @property
    def alive(self) -> bool:
        return self.holds > 0 or self.children > 0


@dataclass
class Departures:
    """What a commit deletes from the store: the blobs of some ids, the whole row of others."""

    blobs: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)


class Retention:
    """Reference counts of all living individuals, and the retention policy.

    Args:
        policy: which genomes and images stay.

    Attributes:
        records: the living individuals, by ascending id.
        sizes: bytes of each genome and image that is kept, by ascending id.
        bytes: their sum.
    """

    def __init__(self, policy: RetentionConfig) -> None:
        self.policy = policy
        self.records: dict[int, Record] = {}
        self.sizes: dict[int, int] = {}
        self.bytes = 0
        self._departed = Departures()

    def add(self, id: int, parents: Iterable[int], *, captor: bool, size: int) -> None:
        """Add an individual, which must be held next. Parents that are no longer alive are ignored."""
        known = tuple(sorted({parent for parent in parents if parent in self.records}))
        self.records[id] = Record(known, captor)
        self.add_unreferenced(id, size)
        for parent in known:
            self.records[parent].children += 1

    def add_unreferenced(self, id: int, size: int) -> None:
        """Record an unreferenced individual that ``keep: all`` retains."""
        if size:
            self.sizes[id] = size
            self.bytes += size

    def hold(self, ids: np.ndarray | list[int]) -> None:
        """Count one more cell or population place for each id."""
        for id in _plain(ids):
            self.records[id].holds += 1

    def release(self, ids: np.ndarray | list[int]) -> None:
        """Count one cell or population place less for each id."""
        for id in _plain(ids):
            record = self.records[id]
            record.holds -= 1
            if not record.alive:
                self._bury(id)
            elif record.holds == 0 and self.policy.keep == "elites":
                self._drop_blobs(id)

    def depart(self) -> Departures:
        """Apply the size limit, oldest first and never to an elite, and return what the store has to delete."""
        limit = self.policy.limit_mb * 1e6
        if self.bytes > limit:
            for id in list(self.sizes):
                if self.bytes <= limit:
                    break
                record = self.records.get(id)
                if record is None or not record.holds:
                    self._drop_blobs(id)
        departed, self._departed = self._departed, Departures()
        return departed

    def _bury(self, id: int) -> None:
        # A loop, not recursion: a chain of ancestors can be thousands long.
        dying = [id]
        while dying:
            id = dying.pop()
            record = self.records.pop(id)
            if not record.captor:
                self._departed.rows.append(id)
                self.bytes -= self.sizes.pop(id, 0)
            elif self.policy.keep != "all":
                self._drop_blobs(id)
            for parent in record.parents:
                self.records[parent].children -= 1
                if not self.records[parent].alive:
                    dying.append(parent)

    def _drop_blobs(self, id: int) -> None:
        if id in self.sizes:
            self.bytes -= self.sizes.pop(id)
            self._departed.blobs.append(id)


def _plain(ids: np.ndarray | list[int]) -> list[int]:
    return ids.tolist() if isinstance(ids, np.ndarray) else ids
