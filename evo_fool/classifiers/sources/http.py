"""A server that answers images with scores: the classifier behind ``http:URL``.

The contract is JSON over HTTP. ``GET URL`` says what the server takes:

    {"name": "my network", "classes": ["ant", "bee"], "size": [64, 64], "channels": 3,
     "output": "probabilities", "fingerprint": "any text", "max_batch": 32}

``output``, ``fingerprint`` and ``max_batch`` may be left out. ``POST URL`` with ``{"images": ["…"]}``, each a PNG in
base64, is answered with one list of scores an image, in order:

    {"scores": [[0.9, 0.1]], "fingerprint": "the same text"}

A server is asked once for an image, no faster than ``rate`` images a second, and again after 429, 502, 503, 504 or a
broken connection. Its answers are bounded in size and time; redirections are not followed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from io import BytesIO
from socket import SHUT_RDWR, socket
from typing import Annotated, Any
from urllib.parse import urlsplit

import numpy as np
import torch
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evo_fool.classifiers.base import Classifier, Output
from evo_fool.classifiers.foreign import first_line
from evo_fool.classifiers.opaque import Opaque, as_bytes
from evo_fool.classifiers.sources.description import Description, class_names, described
from evo_fool.classifiers.spec import ClassifierSpec
from evo_fool.errors import ClassifierError
from evo_fool.sections import ClassifierConfig, Integer, Side

_log = logging.getLogger(__name__)

_AGAIN = (429, 502, 503, 504)
"""Answers after which the same question may succeed."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 60.0
"""Seconds before the first repetition, doubled each time, and the most that a server's Retry-After is given."""

_INTRODUCTION = 16_000_000
_A_SCORE = 40
"""Most bytes of what a server says of itself, and of one score in JSON."""

_KEPT_BYTES = 256_000_000
"""Most bytes of scores that are kept."""


class Introduction(BaseModel):
    """What a server says of itself."""

    model_config = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False)

    name: str = Field("", max_length=200)
    classes: Annotated[list[str | int], Field(min_length=2)]
    size: Side | Annotated[list[Side], Field(min_length=2, max_length=2)]
    channels: Annotated[Integer, Field(ge=1, le=3)] = 3
    output: Output = "logits"
    fingerprint: str = Field("", max_length=1000)
    max_batch: Annotated[Integer, Field(ge=1)] = 64


@dataclass
class Spent:
    """What this process has asked of a server.

    Attributes:
        images: sent, repetitions included.
        kept: images that were answered from earlier ones.
        requests: made.
        seconds: spent waiting for answers.
    """

    images: int = 0
    kept: int = 0
    requests: int = 0
    seconds: float = 0.0


_spent: dict[str, Spent] = {}


def spent(url: str) -> Spent:
    """What this process has asked of the server at ``url`` so far; the limit of queries counts by it."""
    return _spent.setdefault(url, Spent())


class Server:
    """Questions to one URL, each bounded in size and time.

    Args:
        url: http or https.
        told: its ``rate``, ``timeout`` and ``retries``.
        most: images that this process may send to it; None: any number.
    """

    def __init__(self, url: str, told: Description, most: int | None) -> None:
        self.url = url
        self.told = told
        self.most = most
        self.spent = spent(url)
        self._free = 0.0

    def ask(self, body: bytes | None, images: int, limit: int) -> Any:
        """The JSON that the server answers.

        Args:
            body: JSON to POST; None: GET.
            images: in it.
            limit: most bytes of the answer.

        Raises:
            ClassifierError: no answer, or one that is too long, too slow or not JSON.
        """
        pause = _FIRST_PAUSE
        for attempt in range(self.told.retries + 1):
            self._count(images)
            began = time.monotonic()
            try:
                status, wait, data = self._request(body, limit)
            except (OSError, HTTPException) as error:
                status, wait, data = 0, None, f"{type(error).__name__}: {first_line(error)}".encode()
            finally:
                self.spent.seconds += time.monotonic() - began
            if status == 200:
                return self._parsed(data)
            reason = data.decode(errors="replace") if status == 0 else f"it answers {status}"
            if status not in (0, *_AGAIN) or attempt == self.told.retries:
                break
            pause_now = min(wait if wait is not None else pause, _LONGEST_PAUSE)
            _log.warning("%s: %s; again in %.2g s", self.url, reason, pause_now)
            time.sleep(pause_now)
            pause = min(2 * pause, _LONGEST_PAUSE)
        raise self._error(f"{reason[:200]}, after {attempt + 1} attempt(s)")

    def _error(self, text: str) -> ClassifierError:
        return ClassifierError(f"classifier {self.url}: {text}")

    def _count(self, images: int) -> None:
        """Keep to the limit of queries and to the rate."""
        if self.most is not None and self.spent.images + images > self.most:
            raise self._error(
                f"{self.spent.images} images asked, and --max-queries {self.most} allows no {images} more; "
                "what is committed stands, and resume goes on with as many again"
            )
        if self.told.rate is not None and images:
            now = time.monotonic()
            time.sleep(max(0.0, self._free - now))
            self._free = max(now, self._free) + images / self.told.rate
        self.spent.images += images
        self.spent.requests += 1

    def _request(self, body: bytes | None, limit: int) -> tuple[int, float | None, bytes]:
        """Status, Retry-After in seconds, and at most ``limit`` bytes; the connection is cut when time is up."""
        parts = urlsplit(self.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=self.told.timeout)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Connection": "close"}
        with _Deadline(connection, self.told.timeout) as deadline:
            try:
                deadline.connect()
                connection.request("GET" if body is None else "POST", target, body, headers)
                response = connection.getresponse()
                data = response.read(limit + 1)
            except (OSError, HTTPException) as error:
                if deadline.expired or isinstance(error, TimeoutError):
                    raise TimeoutError(f"no complete answer within {self.told.timeout:g} s") from None
                raise
            if deadline.expired:  # a connection that is cut may look like one that has ended
                raise TimeoutError(f"no complete answer within {self.told.timeout:g} s")
        if len(data) > limit:
            raise self._error(f"its answer is longer than {limit:,} bytes, too long for what was asked")
        after = response.getheader("Retry-After", "")
        return response.status, float(after) if after.isdigit() else None, data

    def _parsed(self, data: bytes) -> Any:
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            raise self._error("its answer is not JSON") from None


class _Deadline:
    """Ends a connection that takes too long, whatever it is waiting for.

    Args:
        connection: the one to end.
        seconds: from now on.
    """

    def __init__(self, connection: HTTPConnection, seconds: float) -> None:
        self.connection = connection
        self.socket: socket | None = None
        self.expired = False
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self.connection.close()

    def connect(self) -> None:
        """Connect, and hold the socket: the connection lets go of it before the answer is read."""
        self.connection.connect()
        self.socket = self.connection.sock

    def _cut(self) -> None:
        self.expired = True
        for each in (self.connection.sock, self.socket):
            if each is not None:
                with suppress(OSError):
                    each.shutdown(SHUT_RDWR)


class HttpNetwork(Opaque):
    """A server's network; its answers are kept, so that an image is paid for once."""

    def __init__(self, server: Server, introduction: Introduction, identity: str) -> None:
        super().__init__(identity)
        self.server = server
        self.introduction = introduction
        self.classes = len(introduction.classes)
        self._kept: OrderedDict[bytes, np.ndarray] = OrderedDict()

    def answer(self, images: np.ndarray) -> np.ndarray:
        pixels = as_bytes(images)
        keys = [hashlib.sha256(image.tobytes()).digest() for image in pixels]
        new = list({key: i for i, key in enumerate(keys) if key not in self._kept}.items())
        self.server.spent.kept += len(keys) - len(new)
        fresh: dict[bytes, np.ndarray] = {}
        for start in range(0, len(new), self.introduction.max_batch):
            part = new[start : start + self.introduction.max_batch]
            rows = self._scores(pixels[[i for _, i in part]])
            fresh |= {key: row for (key, _), row in zip(part, rows, strict=True)}
        answers = np.stack([fresh[key] if key in fresh else self._kept[key] for key in keys])
        self._keep(fresh)
        return answers

    def forget(self) -> None:
        self._kept.clear()

    def _scores(self, pixels: np.ndarray) -> np.ndarray:
        """The scores float64 ``(n, classes)`` that the server gives to uint8 images."""
        n = len(pixels)
        body = json.dumps({"images": [png(image) for image in pixels]}).encode()
        answer = self.server.ask(body, n, 4096 + n * (16 + self.classes * _A_SCORE))
        rows = answer.get("scores") if isinstance(answer, dict) else None
        if not isinstance(rows, list) or len(rows) != n:
            found = f"{len(rows)} rows" if isinstance(rows, list) else "no list of scores"
            raise ClassifierError(f"classifier {self.server.url} answers {found} to {n} images")
        if any(not isinstance(row, list) or len(row) != self.classes for row in rows):
            raise ClassifierError(f"classifier {self.server.url} answers rows that are not {self.classes} scores long")
        if any(type(score) not in (int, float) for row in rows for score in row):
            raise ClassifierError(f"classifier {self.server.url} answers scores that are no numbers")
        told = answer.get("fingerprint", self.introduction.fingerprint)
        if told != self.introduction.fingerprint:
            raise ClassifierError(f"classifier {self.server.url} has become another network while it was asked")
        try:
            return np.asarray(rows, np.float64)
        except OverflowError:
            raise ClassifierError(f"classifier {self.server.url} answers scores that are no numbers") from None

    def _keep(self, fresh: dict[bytes, np.ndarray]) -> None:
        self._kept.update(fresh)
        while len(self._kept) * (self.classes * 8 + 200) > _KEPT_BYTES:
            self._kept.popitem(last=False)


def png(image: np.ndarray) -> str:
    """A uint8 image ``(height, width, channels)`` as PNG, in base64."""
    buffer = BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(buffer, "PNG", compress_level=1)
    return base64.b64encode(buffer.getvalue()).decode()


def from_http(config: ClassifierConfig, device: torch.device) -> Classifier:
    """The classifier that a server offers.

    Raises:
        ConfigError: a description that does not fit.
        ClassifierError: the server cannot be reached, or does not say what it takes.
    """
    told = described(config, None, ("rate", "timeout", "retries"))
    server = Server(ClassifierSpec.of(config).target, told, config.max_queries)
    try:
        introduction = Introduction.model_validate(server.ask(None, 0, _INTRODUCTION))
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(map(str, problem["loc"])) or "its answer"
        raise ClassifierError(
            f"classifier {server.url} does not say what it takes: {where}: {problem['msg']}"
        ) from None
    if introduction.channels == 2:
        raise ClassifierError(f"classifier {server.url} takes 2 channels; PNG has 1 or 3")
    size, classes = introduction.size, tuple(introduction.classes)
    names, aliases = class_names(config, Description(classes=classes), len(classes))
    return Classifier(
        HttpNetwork(server, introduction, introduction.fingerprint),
        classes=names,
        aliases=aliases,
        size=size if isinstance(size, int) else (size[0], size[1]),
        channels=introduction.channels,
        output=introduction.output,
        name=config.spec,
    )
