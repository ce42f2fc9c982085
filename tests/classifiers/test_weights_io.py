"""Weights from files: what loads, what is refused and why, and that nothing in a file is ever executed."""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from evo_fool.classifiers.weights_io import load_weights, read_weights
from evo_fool.errors import ConfigError

STATE = {"weight": torch.arange(6.0).view(2, 3), "bias": torch.zeros(2)}


@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".bin"])
def test_tensors_come_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"w{suffix}"
    if suffix == ".safetensors":
        save_file(STATE, path)
    else:
        torch.save(STATE, path)
    found = read_weights(path)
    assert found.keys() == STATE.keys()
    assert all(torch.equal(found[key], STATE[key]) for key in STATE)


class Malicious:
    """A pickle that makes a file when it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch '{self.mark}'",)


def _torch_saved(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("writer", [pickle.dumps, _torch_saved])
@pytest.mark.parametrize("suffix", [".pt", ".pth", ".pkl", ".safetensors"])
@pytest.mark.parametrize("nested", [False, True])
def test_a_malicious_pickle_is_refused_and_not_executed(
    tmp_path: Path, writer: Callable[[object], bytes], suffix: str, nested: bool
) -> None:
    mark, path = tmp_path / "executed", tmp_path / f"w{suffix}"
    payload = Malicious(mark)
    path.write_bytes(writer({"weight": payload} if nested else payload))
    with pytest.raises(ConfigError) as caught:
        read_weights(path)
    assert not mark.exists()
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    if suffix != ".safetensors":
        assert "refused" in str(caught.value)


def test_that_pickle_does_execute_when_it_is_read_carelessly(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Malicious(tmp_path / "executed")))
    assert (tmp_path / "executed").exists()


def test_a_pickled_network_is_refused_with_the_remedy(tmp_path: Path) -> None:
    torch.save(nn.Linear(3, 2), tmp_path / "w.pt")
    with pytest.raises(ConfigError, match="state_dict"):
        read_weights(tmp_path / "w.pt")


@pytest.mark.parametrize("value", [{}, [torch.zeros(1)], {"a": 1}, {1: torch.zeros(1)}, {"state_dict": STATE}])
def test_anything_but_named_tensors_is_refused(tmp_path: Path, value: object) -> None:
    torch.save(value, tmp_path / "w.pt")
    with pytest.raises(ConfigError, match="named tensors"):
        read_weights(tmp_path / "w.pt")


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
@pytest.mark.parametrize("damage", ["empty", "text", "truncated"])
def test_damaged_files(tmp_path: Path, suffix: str, damage: str) -> None:
    whole = tmp_path / f"whole{suffix}"
    if suffix == ".pt":
        torch.save(STATE, whole)
    else:
        save_file(STATE, whole)
    content = {"empty": b"", "text": b"not weights at all\n" * 9, "truncated": whole.read_bytes()[:-20]}[damage]
    path = tmp_path / f"w{suffix}"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="weights") as caught:
        read_weights(path)
    assert "\n" not in str(caught.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        read_weights(tmp_path / "none.pt")
    with pytest.raises(ConfigError, match="not a file"):
        read_weights(tmp_path)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_are_cast(dtype: torch.dtype) -> None:
    network = nn.Linear(3, 2)
    load_weights(network, {key: value.to(dtype) for key, value in STATE.items()}, "w")
    assert network.weight.dtype == torch.float32
    assert torch.equal(network.weight, STATE["weight"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bias": None}, ["missing: bias"]),
        ({"extra.weight": torch.zeros(1)}, ["unexpected: extra.weight"]),
        ({"weight": torch.zeros(3, 2)}, ["another shape: weight (3, 2) for (2, 3)"]),
        ({"weight": torch.zeros(2, 3, dtype=torch.int64)}, ["another kind: weight torch.int64"]),
        (
            {f"x{i}": torch.zeros(1) for i in range(5)} | {"bias": None},
            ["missing: bias; unexpected: x0, x1, x2 and 2 more"],
        ),
    ],
)
def test_weights_of_another_network_say_which_keys(change: dict[str, Tensor | None], words: list[str]) -> None:
    network = nn.Linear(3, 2)
    before = network.weight.clone()
    state = {key: value for key, value in (STATE | change).items() if value is not None}
    with pytest.raises(ConfigError, match="another network") as caught:
        load_weights(network, state, "weights here.pt")
    assert all(word in str(caught.value) for word in words), caught.value
    assert "here.pt" in str(caught.value)
    assert torch.equal(network.weight, before)


def test_tensors_without_values_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save({key: value.to("meta") for key, value in STATE.items()}, path)
    with pytest.raises(ConfigError, match=r"without values.*weight, bias; save them from a network on the cpu"):
        read_weights(path)
