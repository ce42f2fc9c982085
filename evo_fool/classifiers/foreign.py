"""Calling users' code, such as networks: a change of directory or an exit in it does not affect the run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from torch import Tensor


@contextmanager
def same_directory() -> Iterator[None]:
    """Restore the current directory afterwards, so that relative paths keep their meaning.

    Two system calls, about a microsecond: little enough for every forward pass.
    """
    before = _directory()
    try:
        yield
    finally:
        if before is not None and _directory() != before:
            os.chdir(before)


def first_line(error: BaseException) -> str:
    """The first line of an exception's message."""
    return (str(error).strip().splitlines() or ["no message"])[0]


def unwrapped(answer: object) -> object:
    """The logits in a network's output: a tensor, an object or mapping with ``logits`` (as of transformers), or a
    tuple or list of one tensor; anything else is returned as it is.

    >>> logits = Tensor([[1.0, 2.0]])
    >>> all(unwrapped(answer) is logits for answer in (logits, (logits,), [logits], {"logits": logits}))
    True
    """
    if isinstance(answer, Tensor):
        return answer
    if isinstance(answer, Mapping):
        return answer.get("logits", answer)
    if isinstance(answer, tuple | list) and len(answer) == 1:
        return answer[0]
    return getattr(answer, "logits", answer)


def _directory() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # removed, or not to be searched any more: there is nothing to come back to
        return None
