"""A database with values of the wrong kind is damage, not a surprise."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from evo_fool.errors import CorruptRunError
from evo_fool.runs import open_run
from evo_fool.runs.database_files import DATABASE


@pytest.mark.parametrize(
    ("sql", "attribute"),
    [
        ("UPDATE metrics SET median = 'x' WHERE generation = 3", "metrics"),
        ("UPDATE metrics SET captures = 9e999", "metrics"),
        ("UPDATE captures SET id = 'x'", "captures"),
        ("UPDATE captures SET log_odds = x'00'", "captures"),
        ("UPDATE cells SET id = 'x'", "elites"),
        ("UPDATE cells SET log_odds = 'x' WHERE class = 2", "elites"),
        ("UPDATE cells SET generation = 0.5", "elites"),
        ("UPDATE cells SET class = 99 WHERE class = 3", "elites"),
        ("UPDATE cells SET class = -1 WHERE class = 3", "elites"),
    ],
)
def test_values_of_the_wrong_kind_are_damage(sql: str, attribute: str, cppn_run: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(cppn_run, tmp_path / "copied"))
    with sqlite3.connect(copied / DATABASE) as database:
        database.execute(sql)
    database.close()
    with open_run(copied) as run, pytest.raises(CorruptRunError):
        getattr(run, attribute)
