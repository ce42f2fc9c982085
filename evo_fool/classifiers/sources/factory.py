"""A classifier of one's own: a function in an importable module or in a Python file that returns a Classifier.

The function needs no argument. Where an experiment names weights, a function with a parameter ``weights`` is given
their path; otherwise they are read as tensors and loaded into the network that the function returned.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.foreign import first_line, same_directory
from evo_fool.classifiers.sources.torchvision_cpu import with_torchvision
from evo_fool.classifiers.weights_io import load_weights, read_weights
from evo_fool.errors import ClassifierError, ConfigError, EvoFoolError


def from_module(target: str, weights: str | None) -> Classifier:
    """The classifier of ``package.module:function``.

    Raises:
        ConfigError: malformed, no such module or function, or weights that do not fit.
        ClassifierError: the module or the function fails, or it returns something else.
    """
    spec = f"import:{target}"
    name, _, function = target.partition(":")
    if not all(part.isidentifier() for part in name.split(".")) or not function.isidentifier():
        raise ConfigError(f"classifier {spec!r}: expected import:package.module:function")
    return _build(spec, lambda: _import(spec, name), function, weights)


def from_file(spec: str, weights: str | None) -> Classifier:
    """The classifier of ``path/to/file.py:function``.

    Raises:
        ConfigError: malformed, no such file or function, or weights that do not fit.
        ClassifierError: the file or the function fails, or it returns something else.
    """
    location, _, function = spec.rpartition(":")
    if not location.endswith(".py") or not function.isidentifier():
        raise ConfigError(f"classifier {spec!r}: say which function of the file builds it, as in my_network.py:build")
    path = Path(location).resolve()
    if not path.is_file():
        raise ConfigError(f"classifier {spec!r}: there is no file {location}")
    return _build(spec, lambda: _execute(path), function, weights)


def _import(spec: str, name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            raise ConfigError(
                f"classifier {spec!r}: there is no module {error.name!r} on the Python path; "
                "install it, set PYTHONPATH, or give path/to/file.py:function"
            ) from None
        raise


def _execute(path: Path) -> ModuleType:
    """The file as a module under a name of its own, so that it hides no other; run afresh each time."""
    name = "evo_fool_own_" + hashlib.sha256(str(path).encode()).hexdigest()[:16]
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise ImportError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module  # data classes and pickling look their module up there
    try:
        found.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _build(spec: str, load: Callable[[], ModuleType], function: str, weights: str | None) -> Classifier:
    module = _guarded(spec, "cannot be imported", lambda: with_torchvision(load))
    factory = getattr(module, function, None)
    if not callable(factory):
        names = [n for n, v in vars(module).items() if inspect.isfunction(v) and v.__module__ == module.__name__]
        near = difflib.get_close_matches(function, names, n=1) or names[:1]
        raise ConfigError(
            f"classifier {spec!r}: no function {function!r} there" + (f"; did you mean {near[0]!r}?" if near else "")
        )
    takes_weights = weights is not None and _accepts_weights(factory)
    arguments: dict[str, Any] = {"weights": weights} if takes_weights else {}
    made = _guarded(spec, f"{function}() failed", lambda: with_torchvision(lambda: factory(**arguments)))
    if not isinstance(made, Classifier):
        raise ClassifierError(
            f"classifier {spec!r}: {function}() returned {type(made).__name__}; it must return an "
            "evo_fool.classifiers.base.Classifier (wrap the network in one)"
        )
    if weights is not None and not takes_weights:
        load_weights(made.network, read_weights(weights), f"weights {weights} for {spec!r}")
    return made


def _accepts_weights(factory: Callable[..., Any]) -> bool:
    try:
        return "weights" in inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return False


def _guarded(spec: str, what: str, action: Callable[[], Any]) -> Any:
    """Whatever foreign code raises becomes one line; the original stays attached as the cause."""
    try:
        with same_directory():
            return action()
    except EvoFoolError as error:
        if str(error).startswith(f"classifier {spec!r}"):
            raise
        raise type(error)(f"classifier {spec!r}: {error}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        raise ClassifierError(
            f"classifier {spec!r} {what}: {type(error).__name__}: {first_line(error)} "
            f"({Path(where.filename).name}, line {where.lineno})"
        ) from error
