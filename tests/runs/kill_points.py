"""Kill a run before each call that changes a file, and see that it goes on. Started by ``test_kill_points.py`` with the
library of ``system_calls.c`` preloaded; prints one JSON document.

usage: kill_points.py WHAT FOLDER STRIDE [FIRST]
"""

import ctypes
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from support import small

from evo_fool.exchange.export import export
from evo_fool.exchange.importer import import_images
from evo_fool.runs import digest, list_runs, open_run, verify
from evo_fool.session import evolve, resume

SHIM = ctypes.CDLL(None)
EXPERIMENT = small(generations=3, batch=8)
LONGER = 6


def find(path: Path) -> str:
    with open_run(path) as run:
        return digest(run.store)


def count(action: Callable[[Path], Any], folder: Path) -> int:
    """How many calls change a file while ``action`` runs undisturbed."""
    SHIM.arm(ctypes.c_long(-1))
    action(folder)
    return int(SHIM.calls())


def kill(action: Callable[[Path], Any], folder: Path, n: int) -> None:
    """Run ``action`` in a process of its own that dies before call ``n``."""
    if (child := os.fork()) == 0:
        SHIM.arm(ctypes.c_long(n))
        action(folder)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    SHIM.arm(ctypes.c_long(-1))
    if os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
        raise SystemExit(f"call {n}: the process ended by itself with {status}")


def visible(folder: Path) -> list[Path]:
    return [entry for entry in folder.iterdir() if not entry.name.startswith(".")] if folder.exists() else []


def main(what: str, root: Path, stride: int, first: int) -> dict[str, Any]:
    torch.set_num_threads(1)  # a fork has none of its parent's threads
    source = evolve(EXPERIMENT, out=root / "source").path
    expected = {"evolve": find(source), "resume": find(resume(copy(source, root / "long"), generations=LONGER).path)}
    with open_run(source) as run:
        export(run, root / "set")

    def start(folder: Path) -> None:
        evolve(EXPERIMENT, out=folder).close()

    def go_on(folder: Path) -> None:
        resume(next(iter(folder.iterdir())), generations=LONGER).close()

    def bring_in(folder: Path) -> None:
        import_images(root / "set", out=folder).run.close()

    action = {"evolve": start, "resume": go_on, "import": bring_in}[what]

    def fresh(name: str) -> Path:
        folder = root / name
        shutil.rmtree(folder, ignore_errors=True)
        if what == "resume":
            copy(source, folder / source.name)
        return folder

    total = count(action, fresh("count"))
    if what == "import":
        expected[what] = find(list_runs(root / "count")[0])
    named = 0
    for n in range(first, total, stride):
        folder = fresh("killed")
        kill(action, folder, n)
        runs = list_runs(folder)
        if len(visible(folder)) != len(runs) or len(runs) > 1:
            raise SystemExit(f"call {n}: left {visible(folder)}")
        for path in runs:
            named += 1
            look(path, n)
            if what != "import":
                resume(path, generations=LONGER if what == "resume" else None).close()
            if find(path) != expected[what]:
                raise SystemExit(f"call {n}: another digest")
            with open_run(path) as run:
                if not verify(run).clean:
                    raise SystemExit(f"call {n}: {verify(run).damage}")
    return {"calls": total, "killed": len(range(first, total, stride)), "left a run": named}


def look(path: Path, n: int) -> None:
    """Reading verbs work on what the kill left, and change nothing in it."""
    before = {entry.name: entry.stat().st_mtime_ns for entry in path.iterdir()}
    with open_run(path) as run:
        run.summary()
        digest(run.store)
    after = {entry.name: entry.stat().st_mtime_ns for entry in path.iterdir()}
    if before != after:
        raise SystemExit(f"call {n}: reading changed {sorted(set(before.items()) ^ set(after.items()))}")


def copy(source: Path, target: Path) -> Path:
    return Path(shutil.copytree(source, target))


if __name__ == "__main__":
    _, what, folder, stride, *rest = sys.argv
    print(json.dumps(main(what, Path(folder), int(stride), int(*rest or [0]))))
