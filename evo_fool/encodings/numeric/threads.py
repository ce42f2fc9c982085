"""Two or more cores for one batch: chunks of rows run in threads while the kernels hold no GIL.

numba's own parallel runtime is not used: it competes with torch's OpenMP threads. What a kernel writes for a row
depends on that row alone, so results do not depend on the number of threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

_pools: dict[int, ThreadPoolExecutor] = {}
# A forked child inherits the dictionary but none of the threads.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pools.clear)


def available_cores() -> int:
    """Cores this process may use; on systems that do not tell, such as macOS, all of the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def available_threads() -> int:
    """Cores this process may use, and no more than OMP_NUM_THREADS where that is set."""
    cores = available_cores()
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(limit)) if limit.isdigit() and int(limit) > 0 else cores


def run_chunks(work: Callable[[int, int], object], n: int, threads: int, grain: int) -> None:
    """Call ``work(first, last)`` over chunks that cover ``range(n)``, in up to ``threads`` threads.

    Args:
        work: called with a half-open range of rows; must release the GIL to gain anything.
        n: number of rows.
        threads: upper bound on threads, this one included.
        grain: least number of rows that is worth a thread.
    """
    chunks = max(1, min(threads, n // max(1, grain)))
    if chunks == 1:
        work(0, n)
        return
    bounds = [n * i // chunks for i in range(chunks + 1)]
    pool = _pools.get(chunks)
    if pool is None:
        pool = _pools[chunks] = ThreadPoolExecutor(chunks - 1, thread_name_prefix="evo-fool")
    others = [pool.submit(work, bounds[i], bounds[i + 1]) for i in range(1, chunks)]
    try:
        work(bounds[0], bounds[1])
    finally:
        for other in others:
            other.result()
