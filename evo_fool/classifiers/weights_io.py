"""Weights from files, tensors only.

A weights file may come from elsewhere: ``.safetensors`` cannot hold code, and other files are read by torch's
restricted unpickler, which refuses everything but tensors. Nothing in a file is executed.
"""

from __future__ import annotations

import hashlib
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from evo_fool.errors import ConfigError

State = dict[str, Tensor]

_SHOWN = 3


def read_weights(path: str | Path) -> State:
    """The tensors of a weights file by name, on the CPU.

    Args:
        path: ``.safetensors``, or what ``torch.save(network.state_dict(), path)`` writes.

    Raises:
        ConfigError: no such file, a damaged one, or one that holds anything but named tensors.
    """
    path = Path(path)
    if not path.is_file():
        reason = "is not a file" if path.exists() else "does not exist"
        raise ConfigError(f"weights {path}: {reason}; give the path of a .safetensors or .pt file")
    try:
        state = load_file(path) if path.suffix == ".safetensors" else _read_torch(path)
    except OSError as error:
        raise ConfigError(f"weights {path}: cannot be read ({error.strerror or error})") from None
    except SafetensorError as error:
        raise ConfigError(f"weights {path}: not a valid safetensors file ({error})") from None
    if (
        not isinstance(state, Mapping)
        or not state
        or not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in state.items())
    ):
        raise ConfigError(
            f"weights {path}: expected named tensors, as torch.save(network.state_dict(), path) writes them"
        )
    if empty := [key for key, value in state.items() if value.is_meta]:
        raise ConfigError(
            f"weights {path}: {_listed('tensors without values (of the device meta)', empty)}; "
            "save them from a network on the cpu"
        )
    return dict(state)


def _read_torch(path: Path) -> object:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise ConfigError(
            f"weights {path}: refused, because it holds more than plain tensors (a pickle can run code); "
            "save the tensors alone: torch.save(network.state_dict(), path)"
        ) from None
    except OSError:
        raise
    except Exception as error:  # a damaged archive fails in many ways, none of them documented
        raise ConfigError(f"weights {path}: damaged or not a weights file ({type(error).__name__})") from None


def load_weights(network: nn.Module, state: Mapping[str, Tensor], source: str) -> None:
    """Copy ``state`` into ``network``: every name must fit, shapes must agree, half precision is cast.

    Raises:
        ConfigError: weights of another architecture; names the first few keys that do not fit. The network is
            left as it was.
    """
    own = network.state_dict()
    problems = [
        _listed("missing", [key for key in own if key not in state]),
        _listed("unexpected", [key for key in state if key not in own]),
        _listed(
            "of another shape",
            [
                f"{k} {tuple(v.shape)} for {tuple(own[k].shape)}"
                for k, v in state.items()
                if k in own and v.shape != own[k].shape
            ],
        ),
        _listed(
            "of another kind",
            [f"{k} {v.dtype} for {own[k].dtype}" for k, v in state.items() if k in own and not _castable(v, own[k])],
        ),
    ]
    if any(problems):
        raise ConfigError(f"{source}: weights of another network; keys " + "; ".join(filter(None, problems)))
    with torch.no_grad():
        for key, value in own.items():
            value.copy_(state[key])


def sha256(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _castable(value: Tensor, target: Tensor) -> bool:
    plain = value.layout == torch.strided and not value.is_quantized
    return (
        plain and value.is_floating_point() == target.is_floating_point() and value.is_complex() == target.is_complex()
    )


def _listed(what: str, keys: list[str]) -> str:
    if not keys:
        return ""
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return f"{what}: {', '.join(keys[:_SHOWN])}{more}"
