"""ONNX networks, run by onnxruntime: on the CPU with torch's number of threads, or on a GPU where it can.

Layout, size, channels and classes are read off the graph where it tells them; the rest stands in a description
(:mod:`.description`). A file holds no code, but it may name others that hold its weights: only those in its own folder
are opened.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.foreign import first_line
from evo_fool.classifiers.opaque import Opaque
from evo_fool.classifiers.sources.batches import FixedBatch
from evo_fool.classifiers.sources.description import (
    PICTURES,
    Description,
    described,
    described_classifier,
    existing_file,
)
from evo_fool.classifiers.sources.extras import import_extra
from evo_fool.classifiers.spec import ClassifierSpec
from evo_fool.classifiers.weights_io import sha256
from evo_fool.errors import ClassifierError, ConfigError
from evo_fool.sections import ClassifierConfig
from evo_fool.shape import sides

_EXTRA = "onnx"
_FLOATS = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(double)": np.float64}
_PLANES = (1, 3, 4)
"""Numbers of channels by which a layout is recognised."""


class OnnxNetwork(Opaque):
    """One input and one answer of an ONNX graph.

    Args:
        session: onnxruntime's.
        identity: SHA-256 of the file and of the files with its weights.
        layout: of its input.
    """

    def __init__(self, session: Any, identity: str, layout: str) -> None:
        super().__init__(identity)
        self.session = session
        self.layout = layout
        self.input = session.get_inputs()[0]

    def answer(self, images: np.ndarray) -> np.ndarray:
        if self.layout == "nhwc":
            images = images.transpose(0, 2, 3, 1)
        if self.input.type == "tensor(uint8)":
            images = np.rint(images).astype(np.uint8)
        given = np.ascontiguousarray(images, _FLOATS.get(self.input.type))
        try:
            (answer,) = self.session.run([self.session.get_outputs()[0].name], {self.input.name: given})
        except Exception as error:
            if "allocate memory" in str(error) or "bad_alloc" in str(error):
                raise MemoryError(first_line(error)) from error
            raise
        return np.asarray(answer, np.float32).reshape(answer.shape[0], -1)


def from_onnx(config: ClassifierConfig, device: torch.device) -> Classifier:
    """The network of an ONNX file.

    Raises:
        ConfigError: no such file, a description that does not fit, or weights outside the file's folder.
        ClassifierError: onnx or onnxruntime is not installed, or they refuse the file.
    """
    path = existing_file(config.spec, ClassifierSpec.of(config).target)
    told = described(config, path, (*PICTURES, "layout"))
    identity = _identity(config.spec, path)
    session = _session(config.spec, path, device)
    batch, shape, layout = _input(config.spec, session, told)
    if session.get_inputs()[0].type == "tensor(uint8)":  # bytes, which it normalises itself
        told = told.model_copy(update={"scale": 255.0})
    network: nn.Module = OnnxNetwork(session, identity, layout)
    if batch is not None:
        network = FixedBatch(network, batch)
    outputs = _outputs(config.spec, network, session, shape)
    return described_classifier(network, config, told, shape=shape, outputs=outputs)


def _identity(spec: str, path: Path) -> str:
    """SHA-256 of the file and of those with its weights, all in its folder."""
    onnx = import_extra("onnx", _EXTRA)
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:  # protobuf's own, of which there are several
        raise ClassifierError(f"classifier {spec!r}: not an ONNX file ({first_line(error)})") from None
    folder = path.resolve().parent
    digest = hashlib.sha256(sha256(path).encode())
    for location in sorted({*_external(model)}):
        file = (folder / location).resolve()
        if Path(location).is_absolute() or not file.is_relative_to(folder) or not file.is_file():
            raise ConfigError(
                f"classifier {spec!r} wants weights of {location!r}, which is no file in its own folder; "
                "put them beside it"
            )
        digest.update(sha256(file).encode())
    return digest.hexdigest()


def _external(message: Any) -> Iterator[str]:
    """The files that the tensors anywhere in a protobuf message are stored in."""
    for field, value in message.ListFields():
        if field.message_type is None or field.message_type.GetOptions().map_entry:
            continue
        for each in value if _repeated(field) else [value]:
            if field.message_type.name == "TensorProto" and each.data_location == each.EXTERNAL:
                locations = [entry.value for entry in each.external_data if entry.key == "location"]
                yield from locations or [""]
            yield from _external(each)


def _repeated(field: Any) -> bool:
    return bool(field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED)


def _session(spec: str, path: Path, device: torch.device) -> Any:
    runtime = import_extra("onnxruntime", _EXTRA)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 4  # what goes wrong is raised
    providers: list[Any] = ["CPUExecutionProvider"]
    if device.type == "cuda" and "CUDAExecutionProvider" in runtime.get_available_providers():
        exact = {"device_id": device.index or 0, "use_tf32": 0, "cudnn_conv_algo_search": "HEURISTIC"}
        providers.insert(0, ("CUDAExecutionProvider", exact))
    try:
        return runtime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # onnxruntime raises a class a kind of failure, none of them public
        raise ClassifierError(f"classifier {spec!r}: onnxruntime refuses it ({first_line(error)[:300]})") from None


def _input(spec: str, session: Any, told: Description) -> tuple[int | None, tuple[int, int, int], str]:
    """The size of the batch, None for any; channels, height and width; and the layout."""
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise ConfigError(
            f"classifier {spec!r} has {len(inputs)} inputs ({', '.join(i.name for i in inputs)}); not one"
        )
    given = list(inputs[0].shape)
    if len(given) != 4 or inputs[0].type not in (*_FLOATS, "tensor(uint8)"):
        raise ConfigError(
            f"classifier {spec!r} takes {inputs[0].type} {given}; expected floats or bytes of 4 dimensions"
        )
    batch, *rest = [side if isinstance(side, int) and side > 0 else None for side in given]
    layout = told.layout or _layout(rest, told.channels)
    if layout is None:
        raise ConfigError(
            f"classifier {spec!r} takes {given}: which are channels? Say layout: nchw, or nhwc, in {_where(spec)}"
        )
    channels, height, width = rest if layout == "nchw" else (rest[2], rest[0], rest[1])
    size = sides(told.size) if told.size is not None else (None, None)
    facts = {"channels": (channels, told.channels), "height": (height, size[0]), "width": (width, size[1])}
    for key, (own, said) in facts.items():
        if own is not None and said is not None and own != said:
            raise ConfigError(f"classifier {spec!r} takes images of {key} {own}, its description says {said}")
    found = [own or said for own, said in facts.values()]
    if None in found:
        raise ConfigError(f"classifier {spec!r} takes {given}: say size: 224, and channels: 3, in {_where(spec)}")
    return batch, (int(found[0] or 0), int(found[1] or 0), int(found[2] or 0)), layout


def _layout(rest: list[int | None], channels: int | None) -> str | None:
    """Which of the last three sizes is that of the channels; None where both or neither could be."""
    likely = _PLANES if channels is None else (channels,)
    first, last = rest[0] in likely, rest[2] in likely
    return None if first == last else "nchw" if first else "nhwc"


def _where(spec: str) -> str:
    return f"{spec.partition(':')[2]}.yaml"


def _outputs(spec: str, network: nn.Module, session: Any, shape: tuple[int, int, int]) -> int:
    """The number of classes: of the graph, or counted in its answer."""
    last = session.get_outputs()[0].shape[-1:]
    if last and isinstance(last[0], int) and len(session.get_outputs()[0].shape) == 2:
        return last[0]
    try:
        return int(network(torch.zeros(1, *shape)).shape[1])
    except Exception as error:
        raise ClassifierError(f"classifier {spec!r} fails on a black image ({first_line(error)[:300]})") from None
