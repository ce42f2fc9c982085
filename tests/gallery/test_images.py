"""Images, sheets of thumbnails and genomes: the right pixels, at the sizes asked for, for ever."""

import io
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient
from support import small

from evo_fool.gallery.app import Gallery
from evo_fool.gallery.data.lru import Recent
from evo_fool.gallery.data.pictures import reduce
from evo_fool.gallery.data.run_registry import Library
from evo_fool.gallery.data.sprites import Painter, plan_sheet
from evo_fool.image import enlarge
from evo_fool.runs import open_run
from evo_fool.runs.history import Archive
from evo_fool.session import evolve

FOREVER = "public, max-age=31536000, immutable"


def pixels(content: bytes) -> np.ndarray:
    """uint8 ``(h, w)`` or ``(h, w, 3)``."""
    return np.asarray(Image.open(io.BytesIO(content)))


def tiles(client: TestClient, run: str, query: str = "") -> dict[str, Any]:
    data: dict[str, Any] = client.get(f"/runs/{run}.json{query}").json()
    return data


@pytest.mark.parametrize("kind", ["cppn", "pixels"])
def test_the_scored_image(client: TestClient, shelf: Path, kind: str) -> None:
    id = tiles(client, kind)["tiles"][4]["individual"]
    answer = client.get(f"/runs/{kind}/images/{id}.png")
    assert answer.headers["content-type"] == "image/png" and answer.headers["cache-control"] == FOREVER
    with open_run(shelf / kind) as run:
        image = run.image(4)
    assert np.array_equal(pixels(answer.content), image[0])
    assert np.array_equal(pixels(client.get(f"/runs/{kind}/images/{id}/28.png").content), image[0])
    assert pixels(client.get(f"/runs/{kind}/images/{id}/14.png").content).shape == (14, 14, 3)
    large = pixels(client.get(f"/runs/{kind}/images/{id}/84.png").content)
    with open_run(shelf / kind) as run:
        wanted = run.render(4, 84) if kind == "cppn" else enlarge(image, 84)
    assert np.array_equal(large, wanted[0])


@pytest.mark.parametrize("query", ["", "?generation=2"])
def test_a_sheet_shows_its_members_where_the_tiles_say(client: TestClient, shelf: Path, query: str) -> None:
    data = tiles(client, "pixels", query)
    sprites = data["sprites"]
    assert sprites["pixelated"] and sprites["tile"] == 28 and len(sprites["sheets"]) == 1
    answer = client.get(sprites["sheets"][0])
    assert answer.headers["cache-control"] == FOREVER and answer.headers["content-type"] == "image/png"
    sheet = pixels(answer.content)
    for tile in data["tiles"]:
        row, column = divmod(tile["sprite"]["place"], sprites["columns"])
        part = sheet[row * 28 : (row + 1) * 28, column * 28 : (column + 1) * 28]
        assert np.array_equal(part, pixels(client.get(tile["image"]).content))


def test_generations_that_show_the_same_share_a_sheet(client: TestClient, shelf: Path) -> None:
    with open_run(shelf / "cppn") as run:
        captured = set(run.captures["generation"].tolist())
    sheets = [tiles(client, "cppn", f"?generation={g}")["sprites"]["sheets"][0] for g in range(13)]
    assert [before != after for before, after in pairwise(sheets)] == [g in captured for g in range(1, 13)]


def test_thumbnails_of_large_images(tmp_path: Path) -> None:
    with evolve(small("cppn", generations=1, encoding={"kind": "cppn", "size": 200}), out=tmp_path) as run:
        name, wanted = run.path.name, reduce(run.image(7), 96)
    with TestClient(Gallery(Library(tmp_path)), base_url="http://localhost") as client:
        data = tiles(client, name)
        answer = client.get(data["sprites"]["sheets"][0])
        single = pixels(client.get(data["tiles"][7]["image"]).content)
    assert not data["sprites"]["pixelated"] and data["sprites"]["tile"] == 96
    assert answer.headers["content-type"] == "image/jpeg" and np.array_equal(single, wanted)
    sheet = pixels(answer.content)
    assert sheet.shape == (96, 960, 3)
    assert np.abs(sheet[:, 672:768].astype(int) - wanted).mean() < 12


def test_a_sheet_that_has_lost_an_image_is_not_kept_for_ever(
    client: TestClient, shelf: Path, change: Callable[..., None]
) -> None:
    data = tiles(client, "pixels", "?generation=3")
    address, lost = data["sprites"]["sheets"][0], data["tiles"][0]
    change(shelf / "pixels", "DELETE FROM blobs WHERE id = ?", (lost["individual"],))
    answer = client.get(address)
    assert answer.status_code == 200 and answer.headers["cache-control"] == "no-store"
    assert tiles(client, "pixels", "?generation=3")["sprites"]["sheets"][0] != address


def test_a_sheet_without_images_is_none(client: TestClient, shelf: Path, change: Callable[..., None]) -> None:
    change(shelf / "pixels", "DELETE FROM blobs")
    data = tiles(client, "pixels")
    assert data["sprites"]["sheets"] == [None] and all(tile["sprite"] is None for tile in data["tiles"])


def test_sheets_are_of_a_hundred_neighbours(shelf: Path, change: Callable[..., None]) -> None:
    names = [f"class {i}" for i in range(230)]
    change(shelf / "cppn", "UPDATE meta SET value = ? WHERE key = 'classes'", (json.dumps(names),))
    change(shelf / "cppn", "INSERT INTO cells SELECT 210, id, log_odds, generation FROM cells WHERE class = 3")
    with open_run(shelf / "cppn") as run:
        archive = Archive.current(run)
        kept = set(archive.ids.tolist())
        sheets = [plan_sheet(run, archive, kept, block) for block in range(3)]
        drawn = pixels(Painter().sheet(run, sheets[2]))
        image = run.image(3)[0]
    assert [len(sheet.members) for sheet in sheets] == [100, 100, 30]
    assert [sheet.blank for sheet in sheets] == [False, True, False]
    assert drawn.shape == (3 * 28, 280) and np.array_equal(drawn[28:56, :28], image)


def test_reduce() -> None:
    image = np.zeros((3, 4, 4), np.uint8)
    image[0, :2, :2] = 200
    small = reduce(image, 2)
    assert small.shape == (2, 2, 3) and small[0, 0].tolist() == [200, 0, 0] and not small[1:].any()
    assert reduce(image[:1], 8).shape == (8, 8, 3)


def test_genome_files(client: TestClient, shelf: Path) -> None:
    for kind in ("cppn", "pixels"):
        id = tiles(client, kind)["tiles"][4]["individual"]
        with open_run(shelf / kind) as run:
            genome = run.encoding.decode(run.genome_bytes(4))
            described = run.encoding.describe(genome[0])
            image = run.image(4)
        told = client.get(f"/runs/{kind}/individuals/{id}/genome.json").json()
        assert told["individual"] == id and told["genome"] == json.loads(json.dumps(described))
        answer = client.get(f"/runs/{kind}/individuals/{id}/genome.npz")
        assert "attachment" in answer.headers["content-disposition"]
        with np.load(io.BytesIO(answer.content), allow_pickle=False) as arrays:
            assert np.array_equal(arrays["image"], image)
            if kind == "cppn":
                assert len(arrays["node_key"]) == len(described["nodes"])
                assert arrays["link_weight"].tolist() == [link["weight"] for link in described["links"]]
            else:
                assert np.array_equal(arrays["genes"], np.array(described["genes"], np.float32))
    drawing = client.get(f"/runs/cppn/individuals/{tiles(client, 'cppn')['tiles'][4]['individual']}/graph.svg")
    assert drawing.headers["content-type"] == "image/svg+xml" and drawing.text.startswith("<svg")
    assert drawing.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert "<script" not in drawing.text


def test_static_files(client: TestClient) -> None:
    from evo_fool.gallery.assets import STATIC, version

    for path in STATIC.iterdir():
        answer = client.get(f"/static/{version()}/{path.name}")
        assert answer.content == path.read_bytes() and answer.headers["cache-control"] == FOREVER
        assert client.get(f"/static/old/{path.name}").headers["cache-control"] == "no-cache"


def test_recent_forgets_what_was_used_least_recently() -> None:
    recent: Recent[str, bytes] = Recent(10, len)
    recent.put("a", b"1234")
    recent.put("b", b"1234")
    assert recent.get("a") == b"1234"
    recent.put("c", b"1234")
    assert recent.get("b") is None and recent.get("a") and recent.get("c")
    assert recent.put("a", b"other") == b"1234"
    recent.put("large", b"x" * 100)
    assert recent.get("large") and recent.get("a") is None
