"""MNIST by torchvision's loader, from a local copy in any layout.

torchvision unpacks the four archives where they are. A copy that is read-only, still packed, or not in ``MNIST/raw`` is
therefore copied to a temporary folder and unpacked there.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from evo_fool.classifiers.sources.torchvision_cpu import import_torchvision
from evo_fool.errors import ConfigError

_REMEDY = (
    "give the folder that holds MNIST/raw with torchvision's four .gz files, "
    "or let torchvision fetch them with --download"
)


class Digits(NamedTuple):
    """One half of MNIST: images uint8 ``(n, 28, 28)`` and labels int64 ``(n,)``."""

    images: Tensor
    labels: Tensor


def load_mnist(data: Path | None, *, download: bool = False) -> tuple[Digits, Digits]:
    """The training set (60,000) and the test set (10,000).

    Args:
        data: the folder that holds ``MNIST/raw``, or that folder itself; packed or unpacked. Never written to
            unless ``download`` is set. None: a temporary folder, which needs ``download``.
        download: let torchvision fetch what is missing.

    Raises:
        ConfigError: no data there, or archives that are damaged; the message says how to get them.
    """
    if data is None and not download:
        raise ConfigError(f"no MNIST data given; {_REMEDY}")
    if data is not None and not download:
        raw = _find_raw(data)
        if _unpacked(raw) and raw.parent.name == "MNIST":
            return _read(raw.parent.parent)
        with tempfile.TemporaryDirectory(prefix="evo-fool-mnist-") as root:
            _copy_archives(raw, Path(root) / "MNIST" / "raw")
            return _read(Path(root), unpack=True)
    if data is not None:
        return _read(data, unpack=True)
    with tempfile.TemporaryDirectory(prefix="evo-fool-mnist-") as root:
        return _read(Path(root), unpack=True)


def _archives() -> list[tuple[str, str]]:
    resources: list[tuple[str, str]] = import_torchvision().datasets.MNIST.resources
    return resources


def _unpacked(raw: Path) -> bool:
    return all((raw / name.removesuffix(".gz")).is_file() for name, _ in _archives())


def _find_raw(data: Path) -> Path:
    for raw in (data / "MNIST" / "raw", data / "raw", data):
        if _unpacked(raw) or all((raw / name).is_file() for name, _ in _archives()):
            return raw
    reason = "holds no complete MNIST" if data.is_dir() else "is no folder"
    raise ConfigError(f"{data} {reason}; {_REMEDY}")


def _copy_archives(source: Path, target: Path) -> None:
    """Copy the archives, or the unpacked files of another layout; refuse damaged ones, which torchvision would download
    again."""
    check = import_torchvision().datasets.utils.check_integrity
    target.mkdir(parents=True)
    for name, md5 in _archives():
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)
            if not check(str(target / name), md5):
                raise ConfigError(f"{source / name} is damaged (its md5 is not {md5}); get it again, or use --download")
        else:
            name = name.removesuffix(".gz")
            shutil.copyfile(source / name, target / name)


def _read(root: Path, *, unpack: bool = False) -> tuple[Digits, Digits]:
    mnist = import_torchvision().datasets.MNIST
    try:
        halves = [mnist(str(root), train=train, download=unpack) for train in (True, False)]
    except (RuntimeError, OSError, ValueError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConfigError(f"MNIST in {root} cannot be read: {reason}; {_REMEDY}") from error
    train, test = (Digits(half.data, half.targets) for half in halves)
    return train, test
