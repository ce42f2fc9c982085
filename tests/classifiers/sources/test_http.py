"""A server evolves through the command line; one that lies, dawdles or never ends is refused in one line."""

from __future__ import annotations

import base64
import itertools
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.preflight import preflight
from evo_fool.classifiers.scoring import Scorer
from evo_fool.classifiers.sources.http import spent
from evo_fool.classifiers.zoo import load_classifier
from evo_fool.cli.main import main
from evo_fool.errors import ClassifierError, ConfigError
from evo_fool.sections import ClassifierConfig

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "http_classifier.py"
CPU = torch.device("cpu")
ABOUT = {"classes": ["ant", "bee", "cat"], "size": [4, 6], "channels": 3, "fingerprint": "one", "max_batch": 4}


def corner(pixels: list[np.ndarray]) -> list[list[float]]:
    return [[float(value) / 20 for value in image[0, 0]] for image in pixels]


class Served:
    """A server on the loopback whose parts a test replaces."""

    def __init__(self) -> None:
        self.about: Any = dict(ABOUT)
        self.scores: Callable[[list[np.ndarray]], Any] = lambda pixels: {"scores": corner(pixels)}
        self.statuses: list[int] = []
        self.raw: Callable[[Any], None] | None = None
        self.batches: list[int] = []
        self.arrivals: list[float] = []
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer(served.about)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                images = [np.asarray(Image.open(BytesIO(base64.b64decode(png)))) for png in body["images"]]
                served.batches.append(len(images))
                served.arrivals.append(time.monotonic())
                if served.raw is not None:
                    return served.raw(self)
                status = served.statuses.pop(0) if served.statuses else 200
                self.answer(served.scores(images), status)

            def answer(self, data: Any, status: int = 200) -> None:
                body = data if isinstance(data, bytes) else json.dumps(data).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                if status == 302:
                    self.send_header("Location", served.url + "elsewhere")
                if status == 429:
                    self.send_header("Retry-After", "0")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def load(served: Served, tmp_path: Path) -> Callable[..., Classifier]:
    def make(description: str = "timeout: 5\nretries: 2\n", **settings: Any) -> Classifier:
        path = tmp_path / "server.yaml"
        path.write_text(description)
        return load_classifier(ClassifierConfig(spec=f"http:{served.url}", description=str(path), **settings), CPU)

    return make


def images(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 3, 4, 6), dtype=np.uint8)


def score(classifier: Classifier, pixels: np.ndarray) -> np.ndarray:
    return Scorer(classifier, batch=16, view="auto", device=CPU).score(pixels)


def test_images_arrive_as_they_are_stored_and_each_is_asked_once(
    served: Served, load: Callable[..., Classifier]
) -> None:
    made = load()
    assert (made.shape, made.classes, made.opaque) == ((3, 4, 6), ("ant", "bee", "cat"), True)
    pixels = np.concatenate([images(9), images(9)[:3]])
    found = score(made, pixels)
    logits = pixels[:, :, 0, 0] / 20
    expected = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True) - np.exp(logits))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    assert served.batches == [4, 4, 1]
    np.testing.assert_array_equal(score(made, pixels), found)
    assert sum(served.batches) == spent(served.url).images == 9
    assert spent(served.url).kept == 3 + 12


def test_it_tries_again_and_then_gives_up(served: Served, load: Callable[..., Classifier]) -> None:
    made = load()
    served.statuses = [503, 429]
    score(made, images(2))
    assert served.batches == [2, 2, 2]
    served.statuses = [503] * 3
    with pytest.raises(ClassifierError, match=r"it answers 503, after 3 attempt"):
        score(made, images(2, seed=1))
    served.statuses = [500]
    with pytest.raises(ClassifierError, match=r"it answers 500, after 1 attempt"):
        score(made, images(2, seed=2))


def test_it_keeps_to_a_number_of_queries_and_to_a_rate(served: Served, load: Callable[..., Classifier]) -> None:
    made = load("rate: 20\n", max_queries=9)
    score(made, images(8))
    assert served.arrivals[1] - served.arrivals[0] > 0.15  # four images at twenty a second
    with pytest.raises(ClassifierError, match="8 images asked, and --max-queries 9 allows no 2 more") as caught:
        score(made, images(2, seed=1))
    assert "\n" not in str(caught.value)
    assert sum(served.batches) == 8


def test_a_server_that_changes_its_mind_fails_the_preflight(served: Served, load: Callable[..., Classifier]) -> None:
    scorer = Scorer(load(), batch=16, view="auto", device=CPU)
    assert preflight(scorer).scores == 16
    assert sum(served.batches) < 60
    calls = itertools.count()
    served.scores = lambda pixels: {"scores": (np.array(corner(pixels)) + next(calls) % 3 * np.eye(3)[0]).tolist()}
    with pytest.raises(ClassifierError, match=r"other scores the second time|moves by"):
        preflight(scorer)


def test_another_network_is_noticed(served: Served, load: Callable[..., Classifier]) -> None:
    first = load().fingerprint()
    served.about["fingerprint"] = "two"
    made = load()
    assert made.fingerprint() != first
    served.scores = lambda pixels: {"scores": corner(pixels), "fingerprint": "three"}
    with pytest.raises(ClassifierError, match="has become another network"):
        score(made, images(2))
    del served.about["fingerprint"]
    served.scores = lambda pixels: {"scores": corner(pixels)}
    unnamed = load().fingerprint()
    assert unnamed == load().fingerprint()
    served.scores = lambda pixels: {"scores": [row[::-1] for row in corner(pixels)]}
    assert load().fingerprint() != unnamed


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"<html>", "is not JSON"),
        (b"[" * 100_000, "is not JSON|longer than"),
        ([1, 2], "answers no list of scores to 2 images"),
        ({"scores": [[1.0, 2.0, 3.0]]}, "answers 1 rows to 2 images"),
        ({"scores": [[1.0, 2.0, 3.0]] * 3}, "answers 3 rows to 2 images"),
        ({"scores": [[1.0, 2.0]] * 2}, "rows that are not 3 scores long"),
        ({"scores": [[1.0, 2.0, "3"]] * 2}, "scores that are no numbers"),
        ({"scores": [[1.0, 2.0, [3.0]]] * 2}, "scores that are no numbers"),
        ({"scores": [[1, 2, 10**400]] * 2}, "scores that are no numbers"),
        (b'{"scores": [[1, 2, NaN], [1, 2, Infinity]]}', "NaN or infinity"),
        ({"scores": [[1.0, 2.0, 3.0]] * 2, "more": "x" * 10**6}, "longer than"),
    ],
)
def test_answers_that_lie(served: Served, load: Callable[..., Classifier], answer: Any, message: str) -> None:
    made = load()
    served.scores = lambda pixels: answer
    with pytest.raises(ClassifierError, match=message) as caught:
        score(made, images(2))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": ["ant"]}, "classes"),
        ({"classes": None}, "classes"),
        ({"size": [4, 6, 8]}, "size"),
        ({"size": 10**9}, "size"),
        ({"channels": 2}, "2 channels"),
        ({"max_batch": 0}, "max_batch"),
        ({"output": "odds"}, "output"),
    ],
)
def test_a_server_has_to_say_what_it_takes(
    served: Served, load: Callable[..., Classifier], change: dict[str, Any], message: str
) -> None:
    served.about |= change
    with pytest.raises((ClassifierError, ConfigError), match=message) as caught:
        load()
    assert "\n" not in str(caught.value)


def endless(handler: Any) -> None:
    """Streams without end."""
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b"1" * 65536)
    except OSError:
        pass


def dripping(handler: Any) -> None:
    """A byte now and then, so that no single wait is long."""
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(200):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.1)
    except OSError:
        pass


def silent(handler: Any) -> None:
    time.sleep(3)


@pytest.mark.parametrize(
    ("behaviour", "message"),
    [(endless, "longer than"), (dripping, "no complete answer within 1 s"), (silent, "no complete answer within 1 s")],
)
def test_answers_without_end_are_cut(
    served: Served, load: Callable[..., Classifier], behaviour: Callable[[Any], None], message: str
) -> None:
    made = load("timeout: 1\nretries: 0\n")
    served.raw = behaviour
    began = time.monotonic()
    with pytest.raises(ClassifierError, match=message):
        score(made, images(2))
    assert time.monotonic() - began < 10


def test_redirections_are_not_followed(served: Served, load: Callable[..., Classifier]) -> None:
    made = load()
    served.statuses = [302]
    with pytest.raises(ClassifierError, match="it answers 302"):
        score(made, images(2))


def test_no_server_and_no_address(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "none.yaml").write_text("retries: 0\n")
    config = ClassifierConfig(spec=f"http://127.0.0.1:{port}/", description=str(tmp_path / "none.yaml"))
    with pytest.raises(ClassifierError, match="ConnectionRefusedError"):
        load_classifier(config, CPU)
    for text, message in {
        "http:ftp://a/": "expected http:URL",
        "http:": "expected http:URL",
        "http://user:secret@a/": "user's name or password",
    }.items():
        with pytest.raises(ConfigError, match=message) as caught:
            load_classifier(ClassifierConfig(spec=text), CPU)
        assert "secret" not in str(caught.value)


def test_the_example_evolves_and_a_recorded_address_is_not_asked(
    workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = subprocess.Popen([sys.executable, str(EXAMPLE), "0"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        spec = f"http:{server.stdout.readline().strip()}"
        run = ("run", "mnist-pixels", "-S", "batch=20", "--generations", "3", "--classifier", spec)
        assert main([*run, "--max-queries", "1000"]) == 0
        out = capsys.readouterr().out
        assert "images sent in" in out and f"--classifier {spec}" in out
        assert main(["resume", "latest", "--generations", "4", "--classifier", spec]) == 0
        capsys.readouterr()
        assert main(["doctor", "--classifier", spec, "--json"]) == 0
        report = json.loads(capsys.readouterr().out)
        assert report["checks"]["classifier"]["opaque"] is True
        assert main([*run, "--max-queries", "30", "--name", "few"]) == 1
        assert "--max-queries 30 allows no" in capsys.readouterr().err
    finally:
        server.kill()
        server.wait()

    def refuse(*_: Any) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for verb in ("resume", "verify"):
        assert main([verb, "latest"]) == 2
        assert "the run's classifier is reached over the network; if you trust it" in capsys.readouterr().err
    for verb in ("show", "sheet", "plot"):
        assert main([verb, "latest"]) == 0
