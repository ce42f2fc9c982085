"""Every page and its JSON twin: what they tell, how a query is understood, and what the browser has already."""

import csv
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from evo_fool.runs import open_run
from evo_fool.runs.history import archive_at

HTML = {"accept": "text/html"}

PAGES = [
    "/",
    "/runs/cppn",
    "/runs/pixels?generation=3&sort=confidence&order=asc",
    "/runs/cppn/classes/3",
    "/runs/pixels/classes/9",
    "/runs/cppn/plots",
    "/compare",
    "/compare?runs=cppn,pixels&class=3&generation=5",
]


def twin(page: str) -> str:
    path, mark, query = page.partition("?")
    return f"{'/index' if path == '/' else path}.json{mark}{query}"


@pytest.mark.parametrize("page", PAGES)
def test_page_and_twin(client: TestClient, page: str) -> None:
    html = client.get(page, headers=HTML)
    assert html.status_code == 200 and html.headers["content-type"] == "text/html; charset=utf-8"
    assert html.text.lstrip().lower().startswith("<!doctype html>")
    data = client.get(twin(page))
    assert data.status_code == 200 and data.headers["content-type"] == "application/json"
    assert data.json()["page"] in ("runs", "run", "individual", "plots", "compare")


@pytest.mark.parametrize("page", [*PAGES, "/runs/cppn/classes.csv", "/runs/cppn/classes/1/history.json"])
def test_a_page_that_the_browser_has_is_not_sent_again(
    client: TestClient, shelf: Path, page: str, change: Callable[..., None]
) -> None:
    first = client.get(page)
    again = client.get(page, headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304 and not again.content
    change(shelf / "cppn", "UPDATE progress SET seconds = seconds + 1")
    change(shelf / "pixels", "UPDATE progress SET seconds = seconds + 1")
    assert client.get(page, headers={"if-none-match": first.headers["etag"]}).status_code == 200


def test_every_address_in_a_twin_leads_somewhere(client: TestClient) -> None:
    waiting, seen = ["/index.json", "/runs/cppn.json", "/runs/pixels/classes/2.json"], set()
    while waiting and len(seen) < 150:
        address = waiting.pop(0)
        if address in seen or address.endswith(("2048.png", "1024.png", "1792.png")):
            continue
        seen.add(address)
        answer = client.get(address)
        assert answer.status_code == 200, (address, answer.text[:200])
        if answer.headers["content-type"] == "application/json":
            waiting += [text for text in _texts(answer.json()) if text.startswith("/")]
    assert len(seen) > 40


def _texts(value: object) -> list[str]:
    match value:
        case str():
            return [value]
        case dict():
            return [text for item in value.values() for text in _texts(item)]
        case list():
            return [text for item in value for text in _texts(item)]
        case _:
            return []


def test_runs_page(client: TestClient, shelf: Path) -> None:
    shutil.copytree(shelf / "cppn", shelf / "another")
    data = client.get("/index.json").json()
    assert {row["run"] for row in data["runs"]} == {"cppn", "pixels", "another"} and data["total"] == 3
    row = next(row for row in data["runs"] if row["run"] == "cppn")
    with open_run(shelf / "cppn") as run:
        summary = run.summary()
        assert row["facts"]["median"] == summary["median_confidence"]
        assert row["sparkline"] == run.metrics["median"].tolist()
        best = max(run.elites, key=lambda elite: elite.log_odds)
    assert row["best"][0]["individual"] == best.id and len(row["best"]) <= 4
    assert client.get("/index.json?q=PIXELS").json()["shown"] == 1
    assert client.get("/index.json?status=running").json()["runs"] == []
    medians = [r["facts"]["median"] for r in client.get("/index.json?sort=median&order=asc").json()["runs"]]
    assert medians == sorted(medians)


def test_grid(client: TestClient, shelf: Path) -> None:
    data = client.get("/runs/cppn.json").json()
    with open_run(shelf / "cppn") as run:
        elites = {elite.class_index: elite for elite in run.elites}
        for tile in data["tiles"]:
            elite = elites[tile["class"]]
            assert (tile["individual"], tile["p"], tile["captured"]) == (elite.id, elite.probability, elite.generation)
            genome = run.encoding.describe(run.encoding.decode(run.genome_bytes(tile["class"]))[0])
            assert tile["nodes"] == len(genome["nodes"])
    assert data["generation"] == 12 and data["events"] is None


@pytest.mark.parametrize("generation", [0, 1, 5, 11, 12])
def test_grid_at_a_generation(client: TestClient, shelf: Path, generation: int) -> None:
    tiles = client.get(f"/runs/pixels.json?generation={generation}").json()["tiles"]
    with open_run(shelf / "pixels") as run:
        wanted = {elite.class_index: (elite.id, elite.generation) for elite in archive_at(run, generation)}
    assert {t["class"]: (t["individual"], t["captured"]) for t in tiles if t["individual"] is not None} == wanted


@pytest.mark.parametrize(
    ("sort", "key"),
    [("confidence", "p"), ("name", "name"), ("index", "class"), ("improved", "captured"), ("complexity", "nodes")],
)
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_grid_sorted(client: TestClient, sort: str, key: str, order: str) -> None:
    tiles = client.get(f"/runs/cppn.json?sort={sort}&order={order}").json()["tiles"]
    values = [tile[key] for tile in tiles]
    assert values == sorted(values, reverse=order == "desc")


def test_grid_searched_and_cut(client: TestClient, shelf: Path, change: Callable[..., None]) -> None:
    names = '["zero", "Big_Cat", "cat", "three", "4", "five", "six", "seven", "eight", "nine"]'
    aliases = '[["n00000001"], ["tabby"], [], [], [], [], [], [], [], ["n09999999", "neuf"]]'
    change(shelf / "cppn", "UPDATE meta SET value = ? WHERE key = 'classes'", (names,))
    change(shelf / "cppn", "INSERT INTO meta VALUES ('class_aliases', ?)", (aliases,))

    def found(query: str) -> list[int]:
        return [tile["class"] for tile in client.get(f"/runs/cppn.json?{query}").json()["tiles"]]

    assert found("q=cat") == [1, 2] and found("q=big cat") == [1] and found("q=TABBY") == [1]
    assert found("q=n09999999") == [9] and found("q=7") == [7] and found("q=nothing") == []
    assert found("limit=3&offset=2") == [2, 3, 4]
    tiles = client.get("/runs/cppn.json").json()["tiles"]
    middle = sorted(tile["p"] for tile in tiles)[5]
    assert found(f"at_least={middle!r}") == [tile["class"] for tile in tiles if tile["p"] >= middle]


@pytest.mark.parametrize(
    "address",
    [
        "/index.json?sort=colour",
        "/index.json?order=up",
        "/index.json?status=sleeping",
        "/index.json?srot=name",
        "/index.json?q=a&q=b",
        f"/index.json?q={'x' * 1000}",
        "/runs/cppn.json?generation=13",
        "/runs/cppn.json?generation=-1",
        "/runs/cppn.json?generation=two",
        "/runs/cppn.json?generation=1e3",
        "/runs/cppn.json?generation=99999999999999999999999999",
        "/runs/cppn.json?at_least=1.5",
        "/runs/cppn.json?at_least=nan",
        "/runs/cppn.json?limit=0",
        "/runs/cppn.json?limit=1000000",
        "/runs/cppn.json?sort=index%00",
        "/runs/cppn/classes/3.json?generation=3",
        "/runs/cppn/classes/3/history.json?offset=-5",
        "/runs/cppn/events?since=x",
        "/compare.json?runs=a,b,c,d,e,f,g",
        "/compare.json?runs=cppn&class=walrus",
        "/runs/cppn/plots.json?x=1",
        "/runs/cppn/classes.csv?x=1",
        "/runs/cppn/images/1.png?size=100000",
        "/runs/cppn/images/1/4.png",
        "/runs/cppn/images/1/100000.png",
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_sentence(client: TestClient, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 400, answer.text
    sentence = answer.json()["error"]
    assert 10 < len(sentence) <= 500 and "\n" not in sentence


@pytest.mark.parametrize(
    "address",
    [
        "/nothing",
        "/runs/nothing.json",
        "/runs/cppn/classes/10.json",
        "/runs/cppn/classes/three.json",
        "/runs/cppn/individuals/999999999.json",
        "/runs/cppn/individuals/99999999999999999999999.json",
        "/runs/cppn/images/999999999.png",
        "/runs/cppn/individuals/999999999/graph.svg",
        "/runs/cppn/individuals/999999999/top5.json",
        "/runs/cppn/sprites/0/7-abc",
        "/runs/cppn/sprites/999/0-abc",
        "/compare.json?runs=nothing",
        "/static/x/nothing.css",
    ],
)
def test_what_is_not_there(client: TestClient, address: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 404 and answer.json()["error"]


def test_an_error_is_a_page_where_a_page_was_asked_for(client: TestClient) -> None:
    answer = client.get("/runs/<b>nothing", headers=HTML)
    assert answer.status_code == 404 and "there is no such run here" in answer.text
    assert "<b>nothing" not in answer.text and answer.headers["cache-control"] == "no-store"


def test_individual(client: TestClient, shelf: Path) -> None:
    data = client.get("/runs/cppn/classes/3.json").json()
    with open_run(shelf / "cppn") as run:
        elite = run[3]
        taken = [row for row in run.captures.tolist() if row[1] == 3]
    assert (data["individual"], data["class"], data["p"]) == (elite.id, 3, elite.probability)
    assert data["current"] and data["holder"] is None and data["kept"] and data["missing"] is None
    assert [(row["generation"], row["individual"]) for row in data["history"]] == [(row[0], row[2]) for row in taken]
    line = [row for row in data["lineage"] if row["main"]]
    assert line[-1]["individual"] == elite.id and line[0]["parents"] == []
    for child, parent in zip(line[1:], line, strict=False):
        assert child["parents"][0] == parent["individual"]
    same = client.get(data["permanent"].replace(f"/{elite.id}", f"/{elite.id}.json")).json()
    assert same == data


def test_a_former_holder_says_so(client: TestClient) -> None:
    history = client.get("/runs/pixels/classes/4/history.json").json()["history"]
    former = history[0]
    data = client.get(f"/runs/pixels/individuals/{former['individual']}.json?class=4").json()
    assert not data["current"] and data["holder"] == "/runs/pixels/classes/4" and data["p"] == former["p"]
    other = next(cls for cls in range(10) if cls not in {cell["class"] for cell in data["cells"]})
    assert client.get(f"/runs/pixels/individuals/{former['individual']}.json?class={other}").status_code == 400


def test_an_image_that_was_let_go(client: TestClient, shelf: Path, change: Callable[..., None]) -> None:
    id = client.get("/runs/cppn/classes/3.json").json()["individual"]
    change(shelf / "cppn", "DELETE FROM blobs WHERE id = ?", (id,))
    data = client.get("/runs/cppn/classes/3.json").json()
    assert data["image"] is None and not data["kept"] and "no longer" in data["missing"] and not data["downloads"]
    tile = client.get("/runs/cppn.json").json()["tiles"][3]
    assert tile["image"] is None and tile["sprite"] is None and tile["individual"] == id
    assert client.get(f"/runs/cppn/images/{id}.png").status_code == 404
    assert client.get("/runs/cppn/classes/3", headers=HTML).status_code == 200


def test_plots(client: TestClient, shelf: Path) -> None:
    data = client.get("/runs/cppn/plots.json").json()
    with open_run(shelf / "cppn") as run:
        metrics = run.metrics
        captures = len(run.captures)
    assert data["series"]["median"] == metrics["median"].tolist()
    assert data["series"]["captures"] == metrics["captures"].tolist()
    assert sum(row["captures"] for row in data["rows"]) == captures
    rows = list(csv.DictReader(io.StringIO(client.get("/runs/cppn/classes.csv").text)))
    assert [float(row["p"]) for row in rows] == [row["p"] for row in data["rows"]]


def test_plots_of_a_long_run_are_thinned_out(client: TestClient, shelf: Path, change: Callable[..., None]) -> None:
    change(
        shelf / "cppn",
        "WITH RECURSIVE g(n) AS (SELECT 13 UNION ALL SELECT n + 1 FROM g WHERE n < 4999) INSERT INTO metrics "
        "SELECT n, 16 * (n + 1), min, q1, median, q3, max, mean, qd_score, at_least_90, at_least_99, at_least_9999, "
        "2, n FROM g, (SELECT * FROM metrics WHERE generation = 12)",
    )
    series = client.get("/runs/cppn/plots.json").json()["series"]
    assert len(series["generation"]) == 600 and series["generation"][-1] == 4999
    assert all(len(column) == 600 for column in series.values())
    assert np.allclose(series["captures"][-100:], 2) and np.allclose(series["images_per_second"][-100:], 16)


def test_compare(client: TestClient, shelf: Path) -> None:
    data = client.get("/compare.json?runs=cppn,pixels&class=3&generation=4").json()
    assert [run["facts"]["run"] for run in data["runs"]] == ["cppn", "pixels"]
    assert "encoding.kind" in {row["setting"] for row in data["differences"]} and data["generation"] == 4
    for name, run in zip(("cppn", "pixels"), data["runs"], strict=True):
        assert run["tile"] == client.get(f"/runs/{name}.json?generation=4").json()["tiles"][3]
        assert len(run["tiles"]) == 10
    shutil.copytree(shelf / "cppn", shelf / "third")
    assert client.get("/compare.json?runs=cppn,pixels,third").json()["runs"][0]["tiles"] == []
    assert {choice["value"] for choice in data["choices"]} == {"cppn", "pixels"}


def test_nothing_there_yet(tmp_path: Path) -> None:
    from evo_fool.gallery.app import Gallery
    from evo_fool.gallery.data.run_registry import Library

    with TestClient(Gallery(Library(tmp_path / "outputs")), base_url="http://localhost") as client:
        assert client.get("/index.json").json()["runs"] == []
        assert client.get("/", headers=HTML).status_code == 200
