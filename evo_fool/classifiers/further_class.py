"""One more class: widen the last layer of a trained network (paper, section 3.7)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from evo_fool.errors import ConfigError

Head = nn.Linear | nn.Conv2d


def find_head(network: nn.Module, classes: int) -> tuple[str, Head]:
    """The name and the module of the last linear or 1×1 convolutional layer with ``classes`` outputs.

    Raises:
        ConfigError: there is none.

    >>> find_head(nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 5)), 5)[0]
    '2'
    """
    heads = [
        (name, module)
        for name, module in network.named_modules()
        if (isinstance(module, nn.Linear) and module.out_features == classes)
        or (isinstance(module, nn.Conv2d) and module.out_channels == classes and module.kernel_size == (1, 1))
    ]
    if not heads:
        raise ConfigError(f"{type(network).__name__} has no last layer of {classes} outputs to widen")
    return heads[-1]


def widen(network: nn.Module, classes: int) -> Head:
    """Give the head one more output, whose weights are zero, and return the new head; the others stay as they are.

    Raises:
        ConfigError: the network has no head.
    """
    name, old = find_head(network, classes)
    bias = old.bias is not None
    new: Head
    if isinstance(old, nn.Linear):
        new = nn.utils.skip_init(nn.Linear, old.in_features, classes + 1, bias=bias)
    else:
        new = nn.utils.skip_init(nn.Conv2d, old.in_channels, classes + 1, 1, bias=bias)
    with torch.no_grad():
        new.weight.zero_()
        new.weight[:classes] = old.weight
        if old.bias is not None and new.bias is not None:
            new.bias.zero_()
            new.bias[:classes] = old.bias
    parent, _, attribute = name.rpartition(".")
    setattr(network.get_submodule(parent), attribute, new)
    return new


def has_further_class(state: Mapping[str, Tensor], network: nn.Module, classes: int) -> bool:
    """Whether ``state`` belongs to the network with one more output."""
    try:
        name, _ = find_head(network, classes)
    except ConfigError:
        return False
    weight = state.get(f"{name}.weight")
    return weight is not None and weight.ndim > 0 and weight.shape[0] == classes + 1
