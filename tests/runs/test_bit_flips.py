"""One bit of a finished run's database turned over: ``verify`` notices, and ``resume`` refuses or computes the same.

EVO_FOOL_FLIPS sets how many flips that change stored data are tried of each kind of run.
"""

import os
import random
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from support import small

from evo_fool.errors import EvoFoolError
from evo_fool.runs import digest, open_run, verify
from evo_fool.runs.database_files import DATABASE
from evo_fool.runs.schema import TABLES
from evo_fool.session import evolve, resume

FLIPS = int(os.environ.get("EVO_FOOL_FLIPS", "25"))
RUNS: dict[str, Any] = {
    "cppn": small(generations=6),
    "pixels": small("pixels", generations=6),
    "genetic": small("pixels", generations=20, search={"kind": "genetic", "crossover": 0.5}),
    "curiosity": small(generations=6, search={"kind": "map_elites", "parents": "curiosity"}),
}


def stored_rows(path: Path) -> dict[str, list[str]] | None:
    """Everything that the database holds; None where it cannot be read."""
    connection = sqlite3.connect(f"{(path / DATABASE).as_uri()}?mode=ro", uri=True)
    try:
        return {name: sorted(map(repr, connection.execute(f"SELECT * FROM {name}"))) for name in TABLES}
    except (sqlite3.Error, UnicodeDecodeError):
        return None
    finally:
        connection.close()


def resumed(path: Path, generations: int) -> str:
    with resume(path, generations=generations) as run:
        return digest(run.store)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", RUNS)
def test_no_flipped_bit_goes_unnoticed(kind: str, tmp_path: Path) -> None:
    source = evolve(RUNS[kind], out=tmp_path / "source").path
    longer = RUNS[kind].generations + 2
    expected = resumed(Path(shutil.copytree(source, tmp_path / "longer")), longer)
    data, rows = (source / DATABASE).read_bytes(), stored_rows(source)
    rng = random.Random(kind)
    tried, refused = 0, 0
    while tried < FLIPS:
        place, bit = rng.randrange(len(data)), rng.randrange(8)
        victim = tmp_path / "victim"
        shutil.rmtree(victim, ignore_errors=True)
        shutil.copytree(source, victim)
        with (victim / DATABASE).open("r+b") as file:
            file.seek(place)
            file.write(bytes([data[place] ^ 1 << bit]))
        if stored_rows(victim) == rows:
            continue
        tried += 1
        where = f"bit {bit} of byte {place}"
        try:
            with open_run(victim) as run:
                clean = verify(run).clean
        except EvoFoolError:
            clean = False
        assert not clean, f"{where}: verify is clean"
        try:
            assert resumed(victim, longer) == expected, f"{where}: resume computed something else"
        except EvoFoolError:
            refused += 1
    print(f"{kind}: {tried} flips, all noticed by verify; resume refused {refused}")
    assert refused
