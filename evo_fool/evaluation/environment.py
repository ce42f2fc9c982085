"""The environment of a run: versions, device and threads; recorded at the start and compared on resume."""

from __future__ import annotations

import platform
import re
import sqlite3
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from evo_fool.encodings.numeric.threads import available_cores
from evo_fool.errors import ConfigError

PACKAGES = ("evo-fool", "torch", "torchvision", "deap", "neat-python", "numba", "numpy", "pydantic", "safetensors")


def package_versions() -> dict[str, str]:
    """Installed versions of the packages that decide what a run computes; "not installed" where one is missing."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def environment(device: torch.device) -> dict[str, Any]:
    """The environment record, JSON-able."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cpus": available_cores(),
        "torch_threads": torch.get_num_threads(),
        "device": str(device),
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "sqlite": sqlite3.sqlite_version,
        "packages": package_versions(),
    }


def choose_device(name: str) -> torch.device:
    """The device named; ``auto`` is the GPU where there is one.

    Raises:
        ConfigError: no device of that name, or a GPU is asked for and there is none.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if not re.fullmatch(r"cpu|cuda(:[0-9]{1,3})?", name):
        raise ConfigError(f"--device {name}: choose auto, cpu, cuda or cuda:N")
    device = torch.device(name)
    if device.type == "cuda" and not (torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count()):
        raise ConfigError(f"--device {name}: this machine has no such GPU; use --device cpu or auto")
    return device
