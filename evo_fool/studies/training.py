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
from evo_fool.training.lenet import deterministic


def trained(context: Context, key: str, make: Callable[[], tuple[nn.Module, dict[str, Any]]]) -> Path:
    """The weights file of a network: found, or trained, written and noted in the cache with how long it took.

    Args:
        context: whose.
        key: names the network with everything that it depends on: seed, passes, and the
            :func:`~evo_fool.studies.array_digest.array_digest` of what it learns.
        make: trains it on one thread, deterministically; returns it with what else to note, JSON-able.
    """
    return trained_and_noted(context, key, make)[0]


def trained_and_noted(
    context: Context, key: str, make: Callable[[], tuple[nn.Module, dict[str, Any]]]
) -> tuple[Path, dict[str, Any]]:
    """As :func:`trained`, with what ``make`` noted, as JSON gives it back."""
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
