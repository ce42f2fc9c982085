"""What lasts: a run is one directory that can be copied, killed, resumed, verified and read anywhere.

Reading a run loads neither torch nor numba: those come with what runs, renders or scores.
"""

from evo_fool.runs.digest import digest
from evo_fool.runs.directory import find_run, list_runs
from evo_fool.runs.run import Elite, Run, open_run
from evo_fool.runs.verify import Verification, verify

__all__ = ["Elite", "Run", "Verification", "digest", "find_run", "list_runs", "open_run", "verify"]
