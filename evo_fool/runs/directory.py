"""Run directories: made whole or not at all, and found by path, name or id."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evo_fool.atomic_write import why_not_written
from evo_fool.errors import EvoFoolError, RunNotFoundError
from evo_fool.runs.database_files import DATABASE
from evo_fool.runs.store import Store
from evo_fool.runs.store_reader import StoreReader

EVENTS = "events.jsonl"
EXPERIMENT = "experiment.yaml"


@contextmanager
def new_directory(out: Path, name: str, files: dict[str, str], meta: dict[str, str]) -> Iterator[tuple[Path, Path]]:
    """A new run directory ``out/<UTC time>_<name>_<id>/`` with its files and an empty database.

    It is built under a hidden name and renamed when the ``with`` block ends, so that an interruption leaves no
    half-made run.

    Yields:
        The path it is built at, and its final path.

    Raises:
        EvoFoolError: ``out`` cannot be written.
    """
    created = datetime.now(UTC)
    run_id = secrets.token_hex(3)
    final = out / f"{created:%Y%m%dT%H%M%SZ}_{_slug(name)}_{run_id}"
    draft = out / f".{final.name}.part"
    try:
        try:
            draft.mkdir(parents=True)
            for file, text in files.items():
                (draft / file).write_text(text, encoding="utf-8")
            Store.create(
                draft, meta | {"id": run_id, "name": name, "created": created.isoformat(timespec="seconds")}
            ).finish()
        except OSError as error:
            raise _unwritable(out, error) from None
        yield draft, final
        try:
            draft.rename(final)
        except OSError as error:
            raise _unwritable(out, error) from None
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _unwritable(out: Path, error: OSError) -> EvoFoolError:
    return EvoFoolError(f"{out}: {why_not_written(error, out)}, or choose another folder with --out DIR")


def _slug(name: str) -> str:
    """A run's name as part of its directory's name."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", name).strip("-.")[:60] or "run"


def log_event(directory: Path, event: str, **details: Any) -> None:
    """Append one line to the run's log of events; a failure, such as a full disk, does not stop the run."""
    line = json.dumps(
        {"time": datetime.now(UTC).isoformat(timespec="seconds"), "event": event, "pid": os.getpid(), **details}
    )
    try:
        # Never through a link: the directory may come from elsewhere.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
        with open(os.open(directory / EVENTS, flags, 0o644), "w", encoding="utf-8") as log:
            log.write(line + "\n")
    except OSError:
        pass


def list_runs(root: Path) -> list[Path]:
    """The run directories directly below ``root``, oldest first."""
    try:
        entries = [entry for entry in root.iterdir() if not entry.name.startswith(".")]
    except OSError:
        return []
    return sorted((entry for entry in entries if os.path.lexists(entry / DATABASE)), key=_age)


def _age(path: Path) -> tuple[str, int, str]:
    """Sorts run directories by age: the second in the name, then the moment the first file in it was written."""
    try:
        written = (path / EXPERIMENT).stat().st_mtime_ns
    except OSError:
        written = 0
    return path.name.partition("_")[0], written, path.name


def find_run(text: str, root: Path = Path("outputs")) -> Path:
    """The run directory that ``text`` means: a path, a directory name, a run's name, an id prefix, or ``latest``.

    Raises:
        RunNotFoundError: there is none, or there are several.
    """
    path = Path(text)
    try:
        if (path / DATABASE).is_file():
            return path
    except OSError:  # longer than any file name
        pass
    runs = list_runs(root)
    if text == "latest":
        if not runs:
            raise RunNotFoundError(f"{root}: there are no runs yet; start one with: evo-fool run mnist-cppn")
        return runs[-1]
    matches: list[Path] = []
    for answers in (_is_directory, _is_name, _is_id):  # a whole name before the beginning of an id
        matches = matches or [run for run in runs if text and answers(run, text)]
    matches = matches or [run for run in runs if text and _is_recorded(run, text)]
    if not matches:
        raise RunNotFoundError(f"{text!r}: no such run here or in {root}; list them with: evo-fool ls {root}")
    if len(matches) > 1:
        names = ", ".join(run.name for run in matches[-3:])
        raise RunNotFoundError(f"{text!r} means {len(matches)} runs; name one by its id or directory, such as {names}")
    return matches[0]


def _is_directory(run: Path, text: str) -> bool:
    return run.name == text


def _is_name(run: Path, text: str) -> bool:
    return run.name.partition("_")[2].rpartition("_")[0] == _slug(text)


def _is_recorded(run: Path, text: str) -> bool:
    """For a directory that was renamed: the name and the id on record in the run."""
    try:
        store = StoreReader(run)
    except EvoFoolError:
        return False
    try:
        meta = store.meta()
    except EvoFoolError:
        return False
    finally:
        store.close()
    return meta.get("name") == text or meta.get("id", "").startswith(text)


def _is_id(run: Path, text: str) -> bool:
    return run.name.rpartition("_")[2].startswith(text) or run.name.startswith(text)
