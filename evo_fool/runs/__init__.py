"""What lasts: a run is one directory that can be copied, killed, resumed, verified and read by strangers."""

from evo_fool.runs.digest import digest
from evo_fool.runs.directory import find_run, list_runs
from evo_fool.runs.run import Elite, Run, open_run
from evo_fool.runs.session import Progress, evolve, resume
from evo_fool.runs.verify import Verification, verify

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
