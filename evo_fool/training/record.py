"""What a training writes: a weights file, and beside it a record of how it was made and tested."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import nn

from evo_fool.atomic_write import write_whole
from evo_fool.classifiers.weights_io import sha256
from evo_fool.errors import ConfigError


@dataclass(frozen=True)
class TrainingReport:
    """The result of one training.

    Attributes:
        weights: the safetensors file that was written; its record is beside it as ``.json``.
        test_error: share of the test images that are misclassified, in [0, 1].
        test_images: number of test images.
        train_loss: mean loss over the last pass.
        seconds: wall time of the training proper.
        sha256: of the weights file; empty before it is written.
        more: further entries of the record, JSON-able.
    """

    weights: Path
    test_error: float
    test_images: int
    train_loss: float
    seconds: float
    sha256: str = ""
    more: dict[str, Any] = field(default_factory=dict)


def check_request(out: Path, *, seed: int, epochs: int) -> None:
    """Refuse, before hours of training, what could not be written after them.

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
        EvoFoolError: a file cannot be written.
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
    write_whole(out, save({k: v.contiguous() for k, v in network.state_dict().items()}), "--out")
    digest = sha256(out)
    written = {"file": out.name, "sha256": digest, **record}
    write_whole(out.with_suffix(".json"), (json.dumps(written, indent=2) + "\n").encode(), "--out")
    return replace(found, sha256=digest)
