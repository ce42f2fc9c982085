"""Programs of ``torch.export`` (``.pt2``); gradients flow.

``torch.export.load`` unpickles whatever an archive holds of pickles, looks operators up by names such as
``torch.os.system``, and evaluates expressions. So an archive is searched first, and one with pickles of more than
tensors, with other operators than tensors', or with compiled code is refused. It stays a program, though: name only
those that you trust.
"""

from __future__ import annotations

import json
import logging
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.foreign import first_line
from evo_fool.classifiers.sources.batches import FixedBatch
from evo_fool.classifiers.sources.description import PICTURES, described, existing_file
from evo_fool.classifiers.sources.programs import Program, archive, program_classifier
from evo_fool.classifiers.spec import ClassifierSpec
from evo_fool.errors import ClassifierError, ConfigError
from evo_fool.sections import ClassifierConfig

_OPERATOR = re.compile(
    r"torch\.ops\.(aten|prims|higher_order)\.\w+(\.\w+)?|_operator\.(add|sub|mul|floordiv|truediv|mod|neg|pow|getitem|"
    r"eq|ne|lt|le|gt|ge|and_|or_|not_)|math\.(ceil|floor|trunc)|torch\.sym_(float|int|ite|max|min|not|sqrt|sum)|"
    r"torch\._sym_sqrt"
)
_SYMBOL = re.compile(r"Symbol\('\w+'")
_WORD = re.compile(
    "Symbol|positive|negative|nonnegative|nonzero|integer|real|finite|True|False|Integer|Float|Rational|Add|Mul|Pow|"
    "Max|Min|Mod|PythonMod|FloorDiv|CeilDiv|CleanDiv|IntTrueDiv|FloatTrueDiv|Where|Eq|Ne|Lt|Le|Gt|Ge"
)
"""What expressions of sizes are made of; torch evaluates them."""

_MOST_JSON = 200_000_000
_HARMLESS = re.compile(r"(archive_)?(format|version)|\.format_version|byteorder|\.data/(version|serialization_id)")
_KNOWN = re.compile(r"models/\w+\.json|data/(weights|constants)/\w+|data/(weights|constants)/\w+\.json|extra/.*")


def from_exported(config: ClassifierConfig, device: torch.device) -> Classifier:
    """The network of a ``.pt2`` file.

    Raises:
        ConfigError: no such file, one that holds more than tensors and their operators, or a description that does not
            fit.
        ClassifierError: torch refuses it, or it fails.
    """
    path = existing_file(config.spec, ClassifierSpec.of(config).target)
    _search(config.spec, path)
    told = described(config, path, PICTURES)
    logger = logging.getLogger("torch.export")
    before = logger.level
    logger.setLevel(logging.CRITICAL)  # it logs whole tracebacks before it raises
    try:
        program = torch.export.load(path)
        if device.type != "cpu":
            from torch.export.passes import move_to_device_pass

            program = move_to_device_pass(program, str(device))
        module = program.module()
        (name,) = program.graph_signature.user_inputs
        shape = next(node for node in program.graph.nodes if node.name == name).meta["val"].shape
    except Exception as error:
        raise ClassifierError(f"classifier {config.spec!r}: torch refuses it ({first_line(error)[:300]})") from None
    finally:
        logger.setLevel(before)
    batch, *rest = (side if isinstance(side, int) else None for side in shape)
    if len(rest) != 3:
        raise ConfigError(f"classifier {config.spec!r} takes {tuple(shape)}; expected (n, channels, height, width)")
    network: nn.Module = Program(_still(module), path)
    if batch is not None:
        network = FixedBatch(network, batch)
    return program_classifier(network, config, told, (rest[0], rest[1], rest[2]))


def _still(module: nn.Module) -> nn.Module:
    """The module with ``train`` and ``eval``, which exported ones refuse, doing nothing: its mode is fixed."""

    def unchanged(mode: bool = True) -> nn.Module:
        return module

    for each in module.modules():
        each.training = False
    module.train = unchanged  # type: ignore[method-assign]
    module.eval = unchanged  # type: ignore[method-assign]
    return module


def _search(spec: str, path: Path) -> None:
    """Refuse an archive with anything in it that loading could execute."""

    def refuse(name: str, why: str) -> ConfigError:
        return ConfigError(f"classifier {spec!r}: refused, because {name} {why}; save it again with torch.export.save")

    archive(spec, path)
    with zipfile.ZipFile(path) as file:
        entries = file.infolist()
        for entry in entries:
            name = entry.filename.partition("/")[2]
            if _HARMLESS.fullmatch(name):
                continue
            if name.startswith("data/sample_inputs/"):
                try:
                    torch.load(BytesIO(file.read(entry)), weights_only=True)
                except Exception:  # torch.export.load would go on with pickle
                    raise refuse(name, "holds more than plain tensors (a pickle can run code)") from None
            elif not _KNOWN.fullmatch(name) or (name.endswith(".json") and entry.file_size > _MOST_JSON):
                raise refuse(name, "is not part of an exported program")
            elif name.endswith(".json"):
                try:
                    data = json.loads(file.read(entry))
                except (ValueError, RecursionError, zipfile.BadZipFile):
                    raise refuse(name, "is not JSON") from None
                for key, value in _pairs(data):
                    if key == "use_pickle" and value:
                        raise refuse(name, "names a pickle, which can run code")
                    if (
                        key == "target"
                        and isinstance(value, str)
                        and _is_call(value)
                        and not _OPERATOR.fullmatch(value)
                    ):
                        raise refuse(name, f"calls {value[:60]!r}, which is no operator of tensors")
                    if key == "guards_code" and value:
                        raise refuse(name, "has guards, which are code")
                    if key == "expr_str" and not (isinstance(value, str) and _plain(value)):
                        raise refuse(name, "has an expression that is no size")


def _is_call(target: str) -> bool:
    return target.split(".")[0] in ("torch", "_operator", "math") or target.startswith("#")


def _plain(expression: str) -> bool:
    bare = _SYMBOL.sub("Symbol(", expression)
    words = re.findall(r"[^\W\d]\w*", bare)
    known = all(_WORD.fullmatch(word) for word in words)
    return known and len(bare) < 10_000 and re.fullmatch(r"[\w\s.+\-*/(),<>=]*", bare) is not None


def _pairs(data: Any) -> Iterator[tuple[str, Any]]:
    """All keys with their values, at any depth."""
    waiting = [data]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield from each.items()
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
