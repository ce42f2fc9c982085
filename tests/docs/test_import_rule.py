"""Rooms import downwards only, as CONTRIBUTING.md says."""

import ast
from pathlib import Path

import evo_fool

PACKAGE = Path(evo_fool.__file__).parent
FLOORS = [
    {"cli"},
    {"studies", "gallery", "bench"},
    {"reports"},
    {"runs"},
    {"evolution"},
    {"evaluation"},
    {"classifiers", "encodings"},
]
FLOOR = {room: len(FLOORS) - i for i, rooms in enumerate(FLOORS) for room in rooms}
UPWARDS = {("reports/reproduction", "studies"), ("bench", "cli")}
"""What the rule does not allow yet."""


def imports(file: Path) -> set[str]:
    """The rooms that a file imports from, wherever in it; files beside the rooms count as the ground."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found |= {name.split(".")[1] for name in names if name.startswith("evo_fool.")}
    return found


def test_rooms_import_downwards_only() -> None:
    seen = set()
    for file in PACKAGE.rglob("*.py"):
        parts = file.relative_to(PACKAGE).parts
        room, folder = parts[0], "/".join(parts[:-1])
        if room not in FLOOR:  # the files beside the rooms
            continue
        for other in imports(file) & FLOOR.keys() - {room}:
            excused = next((pair for pair in UPWARDS if folder.startswith(pair[0]) and pair[1] == other), None)
            seen.add(excused)
            assert excused or FLOOR[other] < FLOOR[room], f"{file} imports {other}"
    assert seen - {None} == UPWARDS, "an exception that is not needed any more"


def test_every_room_has_a_floor() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert rooms == set(FLOOR)
