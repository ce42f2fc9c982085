"""The generated parts of the reference are what docs/generate.py would write today."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

GENERATOR = Path(__file__).parents[2] / "docs" / "generate.py"


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", GENERATOR)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["command-line.md", "experiment-file.md", "gallery.md"])
def test_page_is_up_to_date(page: str) -> None:
    found, wanted = _generator().render(page)
    assert found == wanted, f"docs/reference/{page} is out of date; run: python docs/generate.py"
