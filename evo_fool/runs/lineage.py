"""Who is still needed: elites, members of populations, and the ancestors of either.

References are counted: an individual is alive while it holds a cell, belongs to a population, or has a living child.
What dies gives up its genome and image (see :class:`~evo_fool.experiment.RetentionConfig`); the rows of those that
ever held a cell stay for good, so that captures and scores can always be read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from evo_fool.experiment import RetentionConfig


class Record:
    """One living individual. ``bytes`` is the size of its genome and image while they are kept, else 0."""

    __slots__ = ("bytes", "captor", "children", "holds", "parents")

    def __init__(self, parents: tuple[int, ...], captor: bool, size: int) -> None:
        self.parents = parents
        self.captor = captor
        self.bytes = size
        self.holds = 0
        self.children = 0

    @property
    def alive(self) -> bool:
        return self.holds > 0 or self.children > 0


@dataclass
class Departures:
    """What a commit has to take out of the store: ids whose blobs go, ids whose whole row goes."""

    blobs: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)


class Lineage:
    """Reference counts over everybody alive, and the retention policy.

    Args:
        policy: which genomes and images stay.

    Attributes:
        records: the living, by ascending id.
        bytes: size of all kept genomes and images.
    """

    def __init__(self, policy: RetentionConfig) -> None:
        self.policy = policy
        self.records: dict[int, Record] = {}
        self.bytes = 0
        self._departed = Departures()

    def add(self, id: int, parents: Iterable[int], *, captor: bool, size: int) -> None:
        """A newcomer; it must be held at once. Parents that have died before are ignored."""
        known = tuple(sorted({parent for parent in parents if parent in self.records}))
        self.records[id] = Record(known, captor, size)
        self.bytes += size
        for parent in known:
            self.records[parent].children += 1

    def hold(self, ids: np.ndarray | list[int]) -> None:
        """One more cell or population place for each id."""
        for id in _plain(ids):
            self.records[id].holds += 1

    def release(self, ids: np.ndarray | list[int]) -> None:
        """One cell or population place less for each id."""
        for id in _plain(ids):
            record = self.records[id]
            record.holds -= 1
            if not record.alive:
                self._bury(id)
            elif record.holds == 0 and self.policy.keep == "elites":
                self._drop_blobs(id)

    def depart(self) -> Departures:
        """Apply the size limit, oldest first and never to an elite, and hand over what has to leave the store."""
        limit = self.policy.limit_mb * 1e6
        if self.bytes > limit:
            for id, record in self.records.items():
                if self.bytes <= limit:
                    break
                if record.bytes and not record.holds:
                    self._drop_blobs(id)
        departed, self._departed = self._departed, Departures()
        return departed

    def _bury(self, id: int) -> None:
        # A loop, not recursion: a chain of ancestors can be thousands long.
        dying = [id]
        while dying:
            id = dying.pop()
            record = self.records.pop(id)
            self.bytes -= record.bytes
            if not record.captor:
                self._departed.rows.append(id)
            elif self.policy.keep != "all" and record.bytes:
                self._departed.blobs.append(id)
            for parent in record.parents:
                self.records[parent].children -= 1
                if not self.records[parent].alive:
                    dying.append(parent)

    def _drop_blobs(self, id: int) -> None:
        record = self.records[id]
        if record.bytes:
            self.bytes -= record.bytes
            record.bytes = 0
            self._departed.blobs.append(id)


def _plain(ids: np.ndarray | list[int]) -> list[int]:
    return ids.tolist() if isinstance(ids, np.ndarray) else ids
