"""What was made lately and may be asked for again, within a bound."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """A dictionary that forgets what was used least recently. Safe to be used by several threads.

    Args:
        capacity: the sum of the sizes that it keeps.
        size: the size of a value; by default each counts as one.
    """

    def __init__(self, capacity: int, size: Callable[[Value], int] = lambda value: 1) -> None:
        self._capacity = capacity
        self._size = size
        self._held = 0
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key) -> Value | None:
        """The value of a key, if it is remembered."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: Key, value: Value) -> Value:
        """Remember a value. Returns the one to use: that of another thread which was faster, if there was one."""
        with self._lock:
            if key in self._values:
                return self._values[key]
            self._values[key] = value
            self._held += self._size(value)
            while self._held > self._capacity and len(self._values) > 1:
                self._held -= self._size(self._values.popitem(last=False)[1])
            return value
