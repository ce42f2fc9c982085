"""A hostile query, host, name or run directory does no harm, and the other runs go on being shown."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from starlette.testclient import TestClient
from starlette.types import Message

from evo_fool.gallery.app import Gallery
from evo_fool.gallery.data.run_registry import Library
from evo_fool.gallery.security import own_names

HTML = {"accept": "text/html"}
SCRIPT = "<script>alert('x')</script>"
ATTRIBUTE = "\" onerror='alert(1)' x=\""


@pytest.mark.parametrize("host", ["localhost", "localhost:8317", "127.0.0.1:80", "[::1]:8317", "LOCALHOST"])
def test_loopback_hosts_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/index.json", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["example.org", "localhost.example.org", "192.168.1.5", "", "[::1", "127.0.0.1.nip.io"]
)
def test_other_hosts_are_not(client: TestClient, host: str) -> None:
    answer = client.get("/index.json", headers={"host": host})
    assert answer.status_code == 400 and "host name" in answer.json()["error"]


def test_a_server_on_all_addresses_answers_to_addresses_but_not_to_names(shelf: Path) -> None:
    gallery = Gallery(Library(shelf), hosts=own_names("0.0.0.0"), any_address=True)
    with TestClient(gallery, base_url="http://192.168.1.5:8317") as client:
        assert client.get("/index.json").status_code == 200
        assert client.get("/index.json", headers={"host": "attacker.example"}).status_code == 400


@pytest.mark.parametrize("address", ["/", "/index.json", "/nothing", "/runs/cppn", "/runs/cppn/images/0.png"])
def test_every_answer_forbids_what_is_foreign(client: TestClient, address: str) -> None:
    headers = client.get(address, headers=HTML).headers
    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"


def test_so_does_the_answer_to_an_unexpected_error(shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evo_fool.gallery.pages.endpoints.plots_page", lambda *_: 1 / 0)
    with TestClient(Gallery(Library(shelf)), base_url="http://localhost", raise_server_exceptions=False) as client:
        answer = client.get("/runs/cppn/plots.json")
    assert answer.status_code == 500 and "division" not in answer.text and "terminal" in answer.json()["error"]
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_there_is_nothing_to_write_to(client: TestClient, method: str) -> None:
    assert getattr(client, method)("/runs/cppn").status_code == 405


@pytest.mark.parametrize("name", [SCRIPT, ATTRIBUTE, "{{ 7 * 7 }}", "a\u202eb\x1b[2J"])
def test_names_are_text(client: TestClient, shelf: Path, name: str, change: Callable[..., None]) -> None:
    classes = [name, *(f"{name}{i}" for i in range(1, 10))]
    with sqlite3.connect(shelf / "cppn" / "run.sqlite3") as db:
        experiment = json.loads(db.execute("SELECT value FROM meta WHERE key = 'experiment'").fetchone()[0])
    db.close()
    for key, value in (
        # An experiment with control characters in its name is not even read.
        ("experiment", json.dumps(experiment | ({"name": name} if name.isprintable() else {}))),
        ("name", name),
        ("classifier", name),
        ("created", name),
        ("id", name),
        ("classes", json.dumps(classes)),
        ("class_aliases", json.dumps([[name]] * 10)),
    ):
        change(shelf / "cppn", "INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))
    change(shelf / "cppn", "UPDATE individuals SET operator = ?", (name,))
    for page in ("/", "/runs/cppn", "/runs/cppn/classes/3", "/runs/cppn/plots", "/compare?runs=cppn"):
        answer = client.get(page, headers=HTML)
        assert answer.status_code == 200, answer.text
        for forbidden in ("<script>alert", "onerror='alert", "\u202e", "\x1b", ">49<"):
            assert forbidden not in answer.text


def test_a_directory_with_a_hostile_name(client: TestClient, shelf: Path) -> None:
    name = "<img src=x onerror=alert(1)>'\"&?#,;"
    shutil.copytree(shelf / "pixels", shelf / name)
    row = next(row for row in client.get("/index.json").json()["runs"] if row["run"] == name)
    for address in (row["url"], row["best"][0]["image"]):
        assert client.get(address, headers=HTML).status_code == 200
    assert "<img src=x" not in client.get("/", headers=HTML).text
    from evo_fool.gallery.urls import Urls

    compared = client.get(Urls().compare([name, "cppn"]).replace("/compare", "/compare.json")).json()
    assert [run["facts"]["run"] for run in compared["runs"]] == [name, "cppn"]


@pytest.mark.parametrize(
    "path",
    [
        "/runs/../../../etc/passwd",
        "/runs/..",
        "/runs/...json",
        "/runs/..json",
        "/runs/\0.json",
        "/runs/.hidden.json",
        "/runs/elsewhere/cppn.json",
        "/static/x/../app.py",
        "/static/../app.py",
        "/static/x//etc/passwd",
        "/static/x/../../../pyproject.toml",
        "/runs/cppn/images/../run.sqlite3",
        f"/runs/{'x' * 3000}.json",
    ],
)
def test_no_path_from_an_address_reaches_the_files(shelf: Path, path: str) -> None:
    shutil.copytree(shelf / "cppn", shelf / ".hidden")
    shutil.copytree(shelf / "cppn", shelf / "elsewhere" / "cppn")
    assert anyio.run(_status, Gallery(Library(shelf)), path) == 404


async def _status(app: Gallery, path: str) -> int:
    """The answer to a path that no client would send as it is."""
    answers: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        answers.append(message)

    scope = {"type": "http", "http_version": "1.1", "method": "GET", "scheme": "http", "server": ("localhost", 80)}
    scope |= {"path": path, "raw_path": path.encode(), "query_string": b"", "headers": [(b"host", b"localhost")]}
    await app(scope, receive, send)
    return int(answers[0]["status"])


def test_reading_leaves_no_trace(client: TestClient, shelf: Path) -> None:
    def contents() -> dict[str, bytes]:
        return {str(path.relative_to(shelf)): path.read_bytes() for path in shelf.rglob("*") if path.is_file()}

    before = contents()
    data = client.get("/runs/cppn.json?generation=4").json()
    for address in ("/", "/runs/cppn", "/runs/cppn/plots", data["sprites"]["sheets"][0], data["tiles"][0]["image"]):
        assert client.get(address).status_code == 200
    assert contents() == before


def _cut_short(path: Path) -> None:
    file = path / "run.sqlite3"
    file.write_bytes(file.read_bytes()[:5000])


def _garbage(path: Path) -> None:
    (path / "run.sqlite3").write_bytes(b"<script>alert(1)</script>" * 1000)


def _tampered(path: Path) -> None:
    with sqlite3.connect(path / "run.sqlite3") as db:
        db.execute("CREATE TRIGGER t AFTER UPDATE ON progress BEGIN DELETE FROM cells; END")
    db.close()


def _bad_experiment(path: Path) -> None:
    with sqlite3.connect(path / "run.sqlite3") as db:
        db.execute("UPDATE meta SET value = '[1, 2' WHERE key = 'experiment'")
    db.close()


def _bad_classes(path: Path) -> None:
    with sqlite3.connect(path / "run.sqlite3") as db:
        db.execute("UPDATE meta SET value = '[1, 2' WHERE key = 'classes'")
    db.close()


def _folder_for_log(path: Path) -> None:
    (path / "run.sqlite3-wal").mkdir()


def _class_beyond(path: Path) -> None:
    with sqlite3.connect(path / "run.sqlite3") as db:
        db.execute("UPDATE cells SET class = 77 WHERE class = 9")
    db.close()


def _text_for_numbers(path: Path) -> None:
    with sqlite3.connect(path / "run.sqlite3") as db:
        db.execute("UPDATE cells SET log_odds = 'high' WHERE class = 3")
        db.execute("UPDATE captures SET id = 'me', log_odds = x'00' WHERE class = 3")
    db.close()


DAMAGES = [
    _cut_short,
    _garbage,
    _tampered,
    _bad_experiment,
    _bad_classes,
    _folder_for_log,
    _class_beyond,
    _text_for_numbers,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_run_is_shown_as_such(client: TestClient, shelf: Path, damage: Callable[[Path], None]) -> None:
    damage(shelf / "cppn")
    rows = {row["run"]: row for row in client.get("/index.json").json()["runs"]}
    assert rows["cppn"]["error"] and rows["cppn"]["facts"] is None and str(shelf) not in rows["cppn"]["error"]
    assert rows["pixels"]["error"] is None and rows["pixels"]["facts"]["status"] == "finished"
    for page in (
        "/runs/cppn.json",
        "/runs/cppn.json?generation=3",
        "/runs/cppn/classes/3.json",
        "/runs/cppn/plots.json",
    ):
        answer = client.get(page)
        assert answer.status_code == 503, page
        assert answer.json()["error"] and str(shelf) not in answer.text
    assert client.get("/", headers=HTML).status_code == 200
    assert client.get("/runs/cppn", headers=HTML).status_code == 503
    assert client.get("/runs/pixels.json").status_code == 200
    assert client.get("/compare.json?runs=pixels").status_code == 200


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_stays_with_its_run(client: TestClient, shelf: Path, damage: Callable[[Path], None]) -> None:
    shutil.copytree(shelf / "pixels", shelf / "other")
    damage(shelf / "cppn")
    compared = client.get("/compare.json?runs=cppn,pixels,other").json()
    assert [run["facts"]["run"] for run in compared["runs"]] == ["pixels", "other"]
    ((left_out, error),) = [entry.values() for entry in compared["damaged"]]
    assert left_out == "cppn" and error and str(shelf) not in error
    assert {"pixels", "other"} <= {choice["value"] for choice in compared["choices"]}
    assert "Left out: " in client.get("/compare?runs=cppn,pixels,other", headers=HTML).text
    assert client.get("/compare.json?runs=cppn").status_code == 503
    assert "event: end" in client.get("/runs/pixels/events?since=5").text
    ended = client.get("/runs/cppn/events?since=5").text
    assert '"status":"damaged"' in ended and str(shelf) not in ended


def test_a_run_that_is_damaged_at_one_generation_is_compared_at_others(
    client: TestClient, shelf: Path, change: Callable[..., None]
) -> None:
    change(shelf / "cppn", "UPDATE captures SET class = class + 70 WHERE generation = 2")
    compared = client.get("/compare.json?runs=pixels,cppn&generation=3").json()
    assert [run["facts"]["run"] for run in compared["runs"]] == ["pixels"]
    assert [entry["run"] for entry in compared["damaged"]] == ["cppn"]


def test_what_no_check_foresees_stays_with_its_run(
    client: TestClient, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from evo_fool.gallery.pages import runs as overview

    really = overview.run_facts
    monkeypatch.setattr(
        overview, "run_facts", lambda run, urls: 1 / 0 if run.path.name == "cppn" else really(run, urls)
    )
    rows = {row["run"]: row["error"] for row in client.get("/index.json").json()["runs"]}
    assert rows == {"cppn": "cppn: unexpected ZeroDivisionError: division by zero", "pixels": None}


@pytest.mark.parametrize("captures", ["9e999", "-1", "9223372036854775807", "'none'"])
def test_hostile_counts_are_refused(
    client: TestClient, shelf: Path, captures: str, change: Callable[..., None]
) -> None:
    change(shelf / "cppn", f"UPDATE metrics SET captures = {captures}")
    assert client.get("/runs/cppn", headers=HTML).status_code == 200
    assert client.get("/runs/cppn.json?generation=3").status_code == 503


def test_hostile_captures_are_refused_where_they_are_read(
    client: TestClient, shelf: Path, change: Callable[..., None]
) -> None:
    change(shelf / "cppn", "UPDATE captures SET class = class + 70 WHERE generation = 2")
    assert client.get("/runs/cppn.json").status_code == 200
    assert client.get("/runs/cppn.json?generation=3").status_code == 503


def test_a_run_that_is_deleted_while_it_is_looked_at(client: TestClient, shelf: Path) -> None:
    assert client.get("/runs/cppn.json").status_code == 200
    (shelf / "cppn" / "run.sqlite3").unlink()
    answer = client.get("/runs/cppn.json")
    assert answer.status_code == 410 and "deleted" in answer.json()["error"]
    shutil.rmtree(shelf / "cppn")
    assert client.get("/runs/cppn/classes/3", headers=HTML).status_code == 410
    assert [row["run"] for row in client.get("/index.json").json()["runs"]] == ["pixels"]


def test_a_damaged_image_leaves_its_place_blank(client: TestClient, shelf: Path, change: Callable[..., None]) -> None:
    tiles = client.get("/runs/cppn.json").json()["tiles"]
    id = tiles[3]["individual"]
    change(shelf / "cppn", "UPDATE blobs SET image = x'0102', genome = x'00' WHERE id = ?", (id,))
    data = client.get("/runs/cppn.json").json()
    assert client.get(data["sprites"]["sheets"][0]).status_code == 200
    assert client.get(f"/runs/cppn/images/{id}.png").status_code == 503
    assert client.get(f"/runs/cppn/individuals/{id}/graph.svg").status_code == 503
    assert client.get("/runs/cppn/classes/3", headers=HTML).status_code == 200
