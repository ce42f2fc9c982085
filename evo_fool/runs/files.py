"""Files for others to read: whole under their name, or not there."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from evo_fool.errors import EvoFoolError


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under a hidden name and rename it; what stood there before is replaced, never followed or cut short.

    Raises:
        EvoFoolError: the folder cannot be made or written, or the disk is full; nothing is left behind.
    """
    draft = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with draft.open("xb") as file:
                file.write(data)
            os.replace(draft, path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise EvoFoolError(
            f"{path}: {error.strerror or error}; free some space or choose another place with --to"
        ) from None
