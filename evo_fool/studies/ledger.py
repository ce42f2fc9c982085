"""What one study's result rests on: images scored and seconds computed."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Ledger:
    """The cost of one study, in this and earlier processes.

    Attributes:
        images: scored.
        seconds: wall time of its runs and cached results, when they were made.
    """

    images: int = 0
    seconds: float = 0.0
    _counted: set[str] = field(default_factory=set)

    def add(self, what: str, *, images: int = 0, seconds: float = 0.0) -> None:
        """Count a run or a cached result once, however often it is used; ``what`` identifies it."""
        if what not in self._counted:
            self._counted.add(what)
            self.images += images
            self.seconds += seconds
