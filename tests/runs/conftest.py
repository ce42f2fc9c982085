"""A place for runs."""

from pathlib import Path

import pytest


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where run directories are made."""
    return tmp_path / "outputs"
