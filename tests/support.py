"""Runs small enough to make many of them, and digits that are easy to learn. Imported by tests as ``support``."""

import sqlite3
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evo_fool.experiment import Experiment
from evo_fool.runs.database_files import DATABASE
from evo_fool.runs.seals import take_seals
from evo_fool.session import Progress


def small(kind: str = "cppn", **changes: Any) -> Experiment:
    """A run of a second or less on the embedded classifier."""
    settings: dict[str, Any] = {"name": "small", "batch": 16, "generations": 12, "encoding": {"kind": kind}}
    return Experiment.from_mapping(settings | changes)


class StopAt:
    """Asks to stop after so many generations of this process."""

    def __init__(self, generations: int) -> None:
        self.left = generations

    def __call__(self, progress: Progress) -> str:
        self.left -= 1
        return "" if self.left else "ctrl-c"


def change(run: Path, *statements: str, parameters: tuple[Any, ...] = (), reseal: bool = False) -> Path:
    """Edit the database of a run behind evo-fool's back; with ``reseal`` as a careful forger would."""
    with sqlite3.connect(run / DATABASE) as database:
        for statement in statements:
            database.execute(statement, parameters)
        if reseal:
            database.executemany("INSERT OR REPLACE INTO seals VALUES (?, ?, ?)", take_seals(database).take())
    database.close()
    return run


def easy_digits(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 ``(n, 28, 28)`` and labels uint8 ``(n,)``: each digit a bright bar of its own, on noise."""
    rng = np.random.default_rng(seed)
    labels = (np.arange(n) % 10).astype(np.uint8)
    images = rng.integers(0, 60, (n, 28, 28), dtype=np.uint8)
    images[np.arange(n), labels.astype(int) * 2 + 4, 4:24] = 255
    return images, labels


def write_photographs(folder: Path, n: int, name: str = "photographs.npz", *, labels: bool = True) -> Path:
    """``n`` easy digits of 28x28 with their labels, as an npz file."""
    folder.mkdir(parents=True, exist_ok=True)
    images, classes = easy_digits(n, 3)
    arrays = {"images": images[:, None]} | ({"labels": classes.astype(np.int64)} if labels else {})
    np.savez(folder / name, **arrays)  # type: ignore[arg-type]
    return folder / name


def write_mnist(folder: Path, *, train: int, test: int) -> None:
    """Easy digits as the four unpacked files of MNIST, in ``folder/MNIST/raw``."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for half, n, seed in (("train", train, 0), ("t10k", test, 1)):
        images, labels = easy_digits(n, seed)
        header = b"".join(i.to_bytes(4, "big") for i in (2051, n, 28, 28))
        (raw / f"{half}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        header = b"".join(i.to_bytes(4, "big") for i in (2049, n))
        (raw / f"{half}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())


def broken_promises(contract: type, **fixtures: Any) -> set[str]:
    """The tests of a contract suite that fail for an object, by name; ``fixtures`` are those of the suite."""
    failed = set()
    for name in dir(contract):
        if name.startswith("test_"):
            test = getattr(contract(), name)
            wanted = {key: value for key, value in fixtures.items() if key in signature(test).parameters}
            try:
                test(**wanted)
            except pytest.skip.Exception:
                pass
            except (Exception, pytest.fail.Exception):
                failed.add(name.removeprefix("test_"))
    return failed
