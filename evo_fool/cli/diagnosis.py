"""The checks of ``evo-fool doctor``: whether this installation can evolve, and with what.

A check returns a line for people and the same as JSON-able data; raising :class:`Problem` fails it with a remedy. No
check leaves a file behind.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from evo_fool.errors import EvoFoolError

LOW_DISK_MB = 500


class Problem(EvoFoolError):
    """Why a check failed, and the remedy (exit code 1)."""


@dataclass(frozen=True)
class Finding:
    """The result of one check: ``detail`` is a line for people, ``facts`` the same as JSON-able data."""

    name: str
    ok: bool
    detail: str
    facts: dict[str, Any] = field(default_factory=dict)


Found = tuple[str, dict[str, Any]]


def diagnose_installation(outputs: Path) -> list[Finding]:
    """Run every check, in an order in which the first failure explains later ones."""
    checks = (check_python, check_packages, check_torch, check_torchvision, check_numba, check_sqlite, check_lenet)
    names = ("python", "packages", "torch", "torchvision", "numba", "sqlite", "lenet-mnist")
    findings = [run_check(name, check) for name, check in zip(names, checks, strict=True)]
    return [*findings, run_check("outputs", lambda: check_outputs(outputs))]


def run_check(name: str, check: Callable[[], Found]) -> Finding:
    """The result of a check; what it raises is a failure."""
    try:
        detail, facts = check()
    except EvoFoolError as problem:
        return Finding(name, False, str(problem))
    except Exception as error:  # a broken installation may raise anything
        return Finding(name, False, f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")
    return Finding(name, True, detail, facts)


def check_python() -> Found:
    """The Python in use; one that is too old cannot install evo-fool."""
    version = ".".join(map(str, sys.version_info[:3]))
    return f"{version} on {sys.platform}", {"version": version, "platform": sys.platform}


def check_packages() -> Found:
    """Every package that evo-fool requires is installed."""
    requirements = [r for r in metadata.requires("evo-fool") or [] if "extra ==" not in r]
    versions: dict[str, str | None] = {}
    for name in ["evo-fool", *(re.split(r"[^\w.-]", r, maxsplit=1)[0] for r in requirements)]:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    missing = [name for name, version in versions.items() if version is None]
    if missing:
        raise Problem(f"missing: {', '.join(missing)}; pip install {' '.join(missing)}")
    return ", ".join(f"{name} {version}" for name, version in versions.items()), dict(versions)


def check_torch() -> Found:
    """Devices and threads."""
    import torch

    devices = ["cpu"]
    if torch.cuda.is_available():
        devices += [f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(torch.cuda.device_count())]
    threads = torch.get_num_threads()
    facts = {"version": torch.__version__, "devices": devices, "threads": threads}
    return f"{torch.__version__} on {', '.join(devices)}, {threads} threads", facts


def check_torchvision() -> Found:
    """It imports, by itself or with evo-fool's workaround for CPU-only torch."""
    import importlib

    from evo_fool.classifiers.sources.torchvision_cpu import import_torchvision

    try:
        version, cured = importlib.import_module("torchvision").__version__, False
    except RuntimeError:
        version, cured = import_torchvision().__version__, True
    how = "made to import beside a CPU-only torch by declaring its operators" if cured else "imports as it is"
    return f"{version}, {how}", {"version": version, "cured": cured}


def check_numba() -> Found:
    """It compiles, and the compiled code is right."""
    import numba

    from evo_fool.encodings.numeric.threads import available_threads

    if numba.njit(lambda x: 3 * x + 1)(13) != 40:
        raise Problem(f"numba {numba.__version__} compiles wrong code; reinstall numba and llvmlite")
    threads = available_threads()
    return f"{numba.__version__} compiles, {threads} threads", {"version": numba.__version__, "threads": threads}


def check_sqlite() -> Found:
    """Recent enough for run directories."""
    import sqlite3

    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < (3, 35):
        raise Problem(f"SQLite {version} is too old; use a Python built with SQLite 3.35 or newer")
    return version, {"version": version}


def check_lenet() -> Found:
    """The shipped weights have the recorded checksum, and pass the preflight."""
    import json

    import torch

    from evo_fool.classifiers.preflight import preflight
    from evo_fool.classifiers.scoring import Scorer
    from evo_fool.classifiers.zoo import SHIPPED, load_classifier
    from evo_fool.sections import ClassifierConfig

    classifier = load_classifier(ClassifierConfig(), torch.device("cpu"))  # compares the checksum
    record = json.loads(SHIPPED.with_suffix(".json").read_text(encoding="utf-8"))
    scorer = Scorer(classifier, batch=16, view="auto", device=torch.device("cpu"))
    found = preflight(scorer)
    error = float(record["test_error"])
    facts = {"sha256": record["sha256"], "test_error": error, **asdict(found)}
    return f"weights as tested ({error:.2%} error on MNIST), {found}", facts


def check_outputs(folder: Path) -> Found:
    """Run directories can be made in ``folder``."""
    free = shutil.disk_usage(writable(folder)).free // 2**20
    if free < LOW_DISK_MB:
        raise Problem(f"{folder} has only {free} MB free; choose another with --out")
    return f"{folder} is writable, {free} MB free", {"path": str(folder.absolute()), "free_mb": free}


def writable(folder: Path) -> Path:
    """The folder, or its nearest existing parent, after a test write to a nameless file.

    Raises:
        Problem: it cannot be written to.
    """
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not existing.is_dir():
        raise Problem(f"{existing} is not a folder; choose another with --out")
    try:
        with tempfile.TemporaryFile(dir=existing) as probe:
            probe.write(b"\0" * 4096)
    except OSError as error:
        raise Problem(f"{existing} cannot be written ({error.strerror}); choose another with --out") from None
    return existing
