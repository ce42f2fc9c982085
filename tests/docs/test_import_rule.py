"""Rooms import downwards only, as CONTRIBUTING.md says."""

import ast
import re
from pathlib import Path

import networkx

import evo_fool

PACKAGE = Path(evo_fool.__file__).parent
CONTRIBUTING = (Path(__file__).parents[2] / "CONTRIBUTING.md").read_text(encoding="utf-8")
FLOORS = [
    {"cli", "testing"},
    {"paper", "gallery"},
    {"studies"},
    {"pictures", "exchange", "training"},
    {"session"},
    {"runs"},
    {"evolution", "gradient"},
    {"evaluation"},
    {"scenes"},
    {"classifiers", "encodings"},
]
FLOOR = {room: len(FLOORS) - i for i, rooms in enumerate(FLOORS) for room in rooms}


def imports(file: Path) -> set[str]:
    """The rooms that a file imports from, wherever in it; files beside the rooms count as the ground."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found |= {name.split(".")[1] for name in names if name.startswith("evo_fool.")}
    return found


def test_rooms_import_downwards_only() -> None:
    for file in PACKAGE.rglob("*.py"):
        room = file.relative_to(PACKAGE).parts[0]
        if room not in FLOOR:  # the files beside the rooms
            continue
        for other in imports(file) & FLOOR.keys() - {room}:
            assert FLOOR[other] < FLOOR[room], f"{file} imports {other}"


def test_every_room_has_a_floor() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert rooms == set(FLOOR)


def test_contributing_shows_the_same_rule() -> None:
    arrow = CONTRIBUTING.partition("    cli → ")[2].partition(" → the files beside the rooms")[0]
    floors = [set(re.findall(r"\w+", floor)) for floor in f"cli → {arrow}".split("→")]
    assert floors == [rooms - {"testing"} for rooms in FLOORS]  # no room imports it, as the text says


def test_contributing_explains_every_room() -> None:
    table = CONTRIBUTING.partition("| room |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(FLOOR)


def test_files_are_short() -> None:
    long = {file.name: n for file in PACKAGE.rglob("*.py") if (n := len(file.read_text("utf-8").splitlines())) > 400}
    assert not long


def test_files_import_in_no_circle() -> None:
    """Imports at the top of files; those inside functions and for type checking are made later or never."""
    graph = networkx.DiGraph()
    for file in PACKAGE.rglob("*.py"):
        name = ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("evo_fool"):
                for imported in node.names:
                    module = f"{node.module}.{imported.name}"
                    path = PACKAGE.parent.joinpath(*module.split("."))
                    found = module if path.is_dir() or path.with_suffix(".py").exists() else str(node.module)
                    graph.add_edge(name, found)
    assert list(networkx.simple_cycles(graph)) == []
