"""Networks that studies train: weights files beside a reproduction's runs, trained again only if they are gone."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import nn

from evo_fool.atomic_write import write_whole
from evo_fool.studies.context import Context
from evo_fool.studies.data_folder import MnistData
from evo_fool.studies.study import Skipped
from evo_fool.training.lenet import deterministic


def mnist_of(context: Context) -> MnistData:
    """MNIST, for a study that cannot do without.

    Raises:
        Skipped: the data folder has none.
    """
    data = context.data.mnist()
    if data is None:
        raise Skipped("It trains on MNIST, and the data folder has none: --data DIR.")
    return data


def trained(
    context: Context, key: str, make: Callable[[], tuple[nn.Module, dict[str, Any]]]
) -> tuple[Path, dict[str, Any]]:
    """The weights file of a network: found, or trained and written; and what was noted of its training.

    Args:
        context: caches the notes, with how long the training took.
        key: names the network with everything that it depends on: seed, passes, and the
            :func:`~evo_fool.studies.array_digest.array_digest` of what it learns.
        make: trains it on one thread, deterministically; returns it with what to note, JSON-able.
    """
    path = context.folder / "weights" / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.safetensors"

    def train() -> dict[str, Any]:
        with deterministic():
            network, noted = make()
        write_whole(path, save({name: value.contiguous() for name, value in network.state_dict().items()}), "--out")
        return noted | {"file": path.name}

    noted = context.cache(key, train)
    if not path.is_file():  # the cache outlived it
        counted = context.ledger.images
        train()
        context.ledger.images = counted  # the cache has counted what it scores
    return path, noted
