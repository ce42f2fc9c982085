"""Packages that only some classifiers need: a missing one says what to install."""

from __future__ import annotations

import importlib
from typing import Any

from evo_fool.classifiers.sources.torchvision_cpu import with_torchvision
from evo_fool.errors import ClassifierError


def import_extra(module: str, extra: str) -> Any:
    """The module, which the extra ``extra`` of evo-fool installs.

    Raises:
        ClassifierError: it is not installed, or it does not import.

    >>> import_extra("no_such_package", "timm")
    Traceback (most recent call last):
    evo_fool.errors.ClassifierError: no_such_package is not installed; run: pip install 'evo-fool[timm]'
    """
    try:
        return with_torchvision(lambda: importlib.import_module(module))
    except ImportError as error:
        package = module.partition(".")[0]
        missing = error.name is None or error.name.partition(".")[0] == package
        what = f"{package} is not installed" if missing else f"{package} cannot be imported ({error})"
        raise ClassifierError(f"{what}; run: pip install 'evo-fool[{extra}]'") from None
