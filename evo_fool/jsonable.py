"""Results as JSON: arrays and numpy numbers become Python's own, NaN and infinity become null."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from evo_fool.text import escaped


def plain(value: Any) -> Any:
    """``value`` as JSON returns it: lists for tuples and arrays, strings for keys and paths, None for NaN.

    >>> import numpy as np
    >>> plain({"p": np.array([0.5, np.nan]), 3: (np.int64(1), True)})
    {'p': [0.5, None], '3': [1, True]}
    """
    match value:
        case np.generic() | np.ndarray():
            return plain(value.tolist())
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case Path():
            return str(value)
        case _:
            return value


def to_json(value: Any) -> str:
    """One indented JSON document; non-ASCII text is kept, terminal control characters are escaped."""
    return escaped(json.dumps(plain(value), indent=2, allow_nan=False, ensure_ascii=False))
