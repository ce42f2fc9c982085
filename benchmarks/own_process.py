"""A measurement in a process of its own: its peak memory is its own, and nothing that ran before has warmed it up."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, TypeVar

from evo_fool.errors import EvoFoolError
from evo_fool.host_memory import keep_large_blocks

Result = TypeVar("Result")

_STATUS = Path("/proc/self/status")


def in_own_process(function: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Result:
    """What ``function`` returns, called in a fresh interpreter that is set up as the command line sets itself up.

    Args:
        function: of a module's top level.
        args, kwargs: for it; they and the result have to be picklable.

    Raises:
        EvoFoolError: the process was ended from outside, as the system does when memory runs out. Whatever else
            ``function`` raises is raised here.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # see cli/main.py; the new process reads it when it loads torch
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=keep_large_blocks) as pool:
        try:
            return pool.submit(function, *args, **kwargs).result()
        except BrokenProcessPool:
            raise EvoFoolError("the process that measured was ended from outside; memory may have run out") from None


def peak_memory_mb() -> float | None:
    """The most host memory this process has had in use so far, in MB of 10^6 bytes; None where nobody counts it."""
    try:
        # Not getrusage where there is this: its maximum also counts the process that this one was started from.
        for line in _STATUS.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6
