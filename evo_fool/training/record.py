"""What a training leaves behind: a weights file, and beside it a record of how it came about and what it is worth."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import nn

from evo_fool.classifiers.weights_io import sha256
from evo_fool.errors import ConfigError


@dataclass(frozen=True)
class TrainingReport:
    """What one training came to.

    Attributes:
        weights: the safetensors file that was written; its record lies beside it as ``.json``.
        test_error: share of the test images that are misclassified, in [0, 1].
        test_images: how many test images that is of.
        train_loss: mean loss over the last pass.
        seconds: wall time of the training proper.
        sha256: of the weights file; empty before it is written.
        more: what else the record says, JSON-able.
    """

    weights: Path
    test_error: float
    test_images: int
    train_loss: float
    seconds: float
    sha256: str = ""
    more: dict[str, Any] = field(default_factory=dict)


def check_request(out: Path, *, seed: int, epochs: int) -> None:
    """Refuse before hours of training what could not be kept after them.

    Raises:
        ConfigError: an ``out`` that is no .safetensors path in a folder that exists, or a bad seed or epochs.
    """
    if out.suffix != ".safetensors":
        raise ConfigError(f"out = {str(out)!r} must end in .safetensors")
    if epochs < 1:
        raise ConfigError(f"epochs = {epochs} must be at least 1")
    if not 0 <= seed < 2**63:
        raise ConfigError(f"seed = {seed} must be a non-negative 63-bit number")
    if not out.parent.is_dir():
        raise ConfigError(f"out = {str(out)!r}: the folder {str(out.parent)!r} does not exist; make it first")


def keep(network: nn.Module, found: TrainingReport, *, verb: str, seed: int, epochs: int) -> TrainingReport:
    """Write the weights and their record; returns the report with the file's SHA-256.

    Args:
        verb: the command that trains such a network, as in ``train lenet``.

    Raises:
        ConfigError: a file cannot be written.
    """
    out = found.weights
    record: Mapping[str, Any] = {
        "command": f"evo-fool {verb} --data DIR --seed {seed} --epochs {epochs} --out {out.name}",
        "data": "MNIST, 60,000 training and 10,000 test images (torchvision.datasets.MNIST)",
        "test_error": found.test_error,
        "test_images": found.test_images,
        "train_loss": round(found.train_loss, 6),
        **found.more,
        "seed": seed,
        "epochs": epochs,
        "seconds": round(found.seconds, 1),
        "versions": {name: version(name) for name in ("torch", "torchvision", "safetensors")}
        | {"python": platform.python_version(), "machine": platform.machine()},
    }
    try:
        _write(out, save({k: v.contiguous() for k, v in network.state_dict().items()}))
        digest = sha256(out)
        written = {"file": out.name, "sha256": digest, **record}
        _write(out.with_suffix(".json"), (json.dumps(written, indent=2) + "\n").encode())
    except OSError as problem:
        raise ConfigError(f"out = {str(out)!r} cannot be written: {problem.strerror}") from None
    return TrainingReport(out, found.test_error, found.test_images, found.train_loss, found.seconds, digest, found.more)


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    os.replace(partial, path)
