"""Classifiers of users: a function in an importable module, a Python file or a plugin that returns a Classifier.

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
from evo_fool.classifiers.spec import ClassifierSpec
from evo_fool.classifiers.weights_io import load_weights, read_weights
from evo_fool.errors import ClassifierError, ConfigError, EvoFoolError
from evo_fool.plugins import load

GROUP = "evo_fool.classifiers"
"""The entry points by which installed packages add classifiers: a name and a function as above."""


def from_factory(spec: ClassifierSpec) -> Classifier:
    """The classifier that a user's function returns: of a module, of a file, or of an installed package's plugin.

    Raises:
        ConfigError: no such file, module, plugin or function, or weights that do not fit.
        ClassifierError: the code fails, or the function returns something else.
    """
    text, weights = str(spec), spec.weights
    factory = user_function(spec)
    name = spec.function or getattr(factory, "__name__", spec.target)
    takes_weights = weights is not None and _accepts_weights(factory)
    arguments: dict[str, Any] = {"weights": weights} if takes_weights else {}
    made = _guarded(text, f"{name}() failed", lambda: with_torchvision(lambda: factory(**arguments)))
    if not isinstance(made, Classifier):
        raise ClassifierError(
            f"classifier {text!r}: {name}() returned {type(made).__name__}; it must return an "
            "evo_fool.Classifier (wrap the network in one)"
        )
    if weights is not None and not takes_weights:
        load_weights(made.network, read_weights(weights), f"weights {weights} for {text!r}")
    return made


def user_function(spec: ClassifierSpec) -> Callable[..., Any]:
    """The function that a spec names, of a file, an importable module or a plugin.

    Raises:
        ConfigError: no such file, module, plugin or function.
        ClassifierError: its code fails.
    """
    text, function = str(spec), spec.function
    loaders: dict[str, Callable[[], Any]] = {
        "import": lambda: _import(text, spec.target),
        "file": lambda: _execute(_existing(spec)),
        "plugin": lambda: load(GROUP, spec.target),
    }
    kind = spec.kind if spec.kind != "callable" else "file" if spec.target.endswith(".py") else "import"
    loaded = _guarded(text, "cannot be imported", lambda: with_torchvision(loaders[kind]))
    factory = getattr(loaded, function, None) if function else loaded
    if not callable(factory):
        if not isinstance(loaded, ModuleType):
            raise ClassifierError(f"classifier {text!r}: its entry point names {type(loaded).__name__}, not a function")
        found = [n for n, v in vars(loaded).items() if inspect.isfunction(v) and v.__module__ == loaded.__name__]
        near = difflib.get_close_matches(function, found, n=1) or found[:1]
        raise ConfigError(
            f"classifier {text!r}: no function {function!r} there" + (f"; did you mean {near[0]!r}?" if near else "")
        )
    return factory


def _existing(spec: ClassifierSpec) -> Path:
    path = Path(spec.target).resolve()
    if not path.is_file():
        raise ConfigError(f"classifier {str(spec)!r}: there is no file {spec.target}")
    return path


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
    """The file as a module under a name derived from its path, so that it hides no other; executed each time."""
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


def _accepts_weights(factory: Callable[..., Any]) -> bool:
    try:
        return "weights" in inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return False


def _guarded(spec: str, what: str, action: Callable[[], Any]) -> Any:
    """Call ``action``; whatever the user's code raises becomes one line with the original as its cause."""
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
