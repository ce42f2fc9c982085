"""The package of docs/howto/add-an-encoding.md, as its page has it. Imported by tests as ``strokes_package``."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "howto" / "add-an-encoding.md"
_FILES = {"toml": "pyproject.toml", "python": "evo_fool_strokes.py", "yaml": "strokes.yaml"}


def write_package(folder: Path) -> Path:
    """The three files of the page in a new folder."""
    folder.mkdir()
    text = PAGE.read_text(encoding="utf-8")
    for language, name in _FILES.items():
        (content,) = re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def install(folder: Path) -> None:
    """Write the metadata that installing the package leaves beside its module."""
    info = folder / "evo_fool_strokes-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: evo-fool-strokes\nVersion: 0.1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(
        "[evo_fool.encodings]\nstrokes = evo_fool_strokes:StrokeEncoding\n", encoding="utf-8"
    )
