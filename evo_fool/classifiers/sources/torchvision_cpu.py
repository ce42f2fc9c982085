"""torchvision, importable everywhere.

torchvision's wheels on PyPI are built against the CUDA build of torch. Beside a CPU-only torch their compiled
operators do not load, torchvision carries on without them, and then fails all the same: it registers a shape function
for the operators ``nms`` and ``qnms`` that are not declared ("operator torchvision::nms does not exist").
Declaring the two schemas is the whole cure; the operators themselves belong to object detection and are never called.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_SYMPTOM = "operator torchvision::nms does not exist"


def import_torchvision() -> ModuleType:
    """The torchvision package, imported as usual and cured only where that fails.

    Raises:
        ImportError: torchvision is not installed.
    """
    return with_torchvision(lambda: importlib.import_module("torchvision"))


def with_torchvision(action: Callable[[], T]) -> T:
    """Call ``action``; if it fails because torchvision lacks its operators, declare them and call it once more."""
    try:
        return action()
    except RuntimeError as error:
        if _SYMPTOM not in str(error):
            raise
    import torch

    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]  # what the failed import left behind
    torch.library.define("torchvision::nms", _SCHEMA)
    torch.library.define("torchvision::qnms", _SCHEMA)
    return action()
