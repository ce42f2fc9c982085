"""What lasts: a run is one directory that can be copied, killed, resumed, verified and read by strangers.

Reading a run loads neither torch nor numba: those come with what runs, renders or scores.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from evo_fool.runs.digest import digest
from evo_fool.runs.directory import find_run, list_runs
from evo_fool.runs.run import Elite, Run, open_run
from evo_fool.runs.verify import Verification, verify

if TYPE_CHECKING:
    from evo_fool.runs.session import Progress as Progress
    from evo_fool.runs.session import evolve as evolve
    from evo_fool.runs.session import resume as resume

__all__ = [
    "Elite",
    "Progress",
    "Run",
    "Verification",
    "digest",
    "evolve",
    "find_run",
    "list_runs",
    "open_run",
    "resume",
    "verify",
]

_SESSION = ("Progress", "evolve", "resume")


def __getattr__(name: str) -> Any:
    if name not in _SESSION:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("evo_fool.runs.session"), name)
