"""A reproduction of the smallest budget, whose runs several tests share."""

from pathlib import Path

import pytest

from evo_fool.studies.context import Context


@pytest.fixture(scope="session")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reproduction")


@pytest.fixture
def small_reproduction(small_folder: Path) -> Context:
    """A context of the smoke budget without data; its folder lasts for the session."""
    return Context(small_folder, "smoke")
