"""Runs to look at, and a client of their gallery."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from evo_fool.gallery.app import Gallery
from evo_fool.gallery.data.run_registry import Library


@pytest.fixture
def shelf(tmp_path: Path, cppn_run: Path, pixels_run: Path) -> Path:
    """A folder with copies of two runs, ``cppn`` and ``pixels``."""
    for name, path in (("cppn", cppn_run), ("pixels", pixels_run)):
        shutil.copytree(path, tmp_path / "runs" / name)
    return tmp_path / "runs"


@pytest.fixture
def client(shelf: Path) -> Iterator[TestClient]:
    """A client of the gallery over ``shelf``."""
    with TestClient(Gallery(Library(shelf), interval=0.02, settled=0.0), base_url="http://localhost") as client:
        yield client


@pytest.fixture
def change() -> Callable[..., None]:
    """Changes a run's database behind the store's back: ``change(path, sql, parameters)``."""

    def execute(path: Path, sql: str, parameters: tuple[object, ...] = ()) -> None:
        with sqlite3.connect(path / "run.sqlite3") as connection:
            connection.execute(sql, parameters)
        connection.close()

    return execute
