"""The number of threads, which decides the last bits of a score and is restored when a run is resumed.

A sum of floats depends on its order, which depends on the number of threads: where two scores are close, another order
can decide a capture and everything after it. The number of images in a forward pass matters too; the experiment
records it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from evo_fool.encodings.numeric.threads import available_threads

_SHOWN = 40


@contextmanager
def same_arithmetic(record: Mapping[str, Any], device: torch.device) -> Iterator[str]:
    """Compute with as many threads as the run was started with, and restore the number afterwards.

    Args:
        record: the run's environment record; missing or malformed entries are not compared.
        device: where scores are computed.

    Yields:
        The differences as one line for the user; "" where there are none.
    """
    own = torch.get_num_threads()
    wanted = record.get("torch_threads")
    differences = []
    if device.type == "cpu" and type(wanted) is int and wanted > 0 and wanted != own:
        if os.environ.get("OMP_NUM_THREADS"):
            differences.append(f"{own} threads for {wanted} (OMP_NUM_THREADS)")
        elif wanted > available_threads():
            differences.append(f"{own} threads for {wanted} (this machine has no more)")
        else:
            torch.set_num_threads(wanted)
    packages = record.get("packages")
    recorded = packages.get("torch") if isinstance(packages, Mapping) else None
    for what, before, now in (("device", record.get("device"), str(device)), ("torch", recorded, torch.__version__)):
        if isinstance(before, str) and before.partition(":")[0] != now.partition(":")[0]:
            differences.append(f"{what} {now} for {before[:_SHOWN]}")
    warning = "the last bits of scores, and with them the run, may differ from the run without a stop: "
    try:
        yield warning + ", ".join(differences) if differences else ""
    finally:
        torch.set_num_threads(own)
