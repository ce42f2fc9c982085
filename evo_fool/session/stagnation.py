"""A warning when a run stagnates."""

from __future__ import annotations


class Stagnation:
    """Warns, once per standstill, that no class has improved for long.

    Args:
        after: generations without a capture before the warning; None: never.
        last: the last generation with a capture, when a run is resumed; -1 for none.

    >>> watch = Stagnation(after=2)
    >>> [bool(watch(generation, captures)) for generation, captures in enumerate([3, 0, 0, 0, 1, 0, 0])]
    [False, False, True, False, False, False, True]
    """

    def __init__(self, after: int | None, last: int = -1) -> None:
        self._after = after
        self._last = last
        self._said = False

    def __call__(self, generation: int, captures: int) -> str:
        """The warning that is due after a generation; empty for none."""
        if captures:
            self._last, self._said = generation, False
        still = generation - self._last
        if self._after is None or still < self._after or self._said:
            return ""
        self._said = True
        return f"no class has improved in {still} generations, since generation {max(0, self._last)}"
