"""What is evolved. A new encoding is one file, its section in experiment.py and one line in _BUILDERS."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evo_fool.encodings.base import Encoding
from evo_fool.encodings.cppn.encoding import CppnEncoding
from evo_fool.encodings.pixels import PixelEncoding
from evo_fool.experiment import CppnConfig, PixelsConfig

__all__ = ["Encoding", "build_encoding"]

_BUILDERS: dict[type, Callable[..., Encoding]] = {
    PixelsConfig: lambda config, device, **options: PixelEncoding(config, **options),
    CppnConfig: CppnEncoding,
}


def build_encoding(
    config: PixelsConfig | CppnConfig, *, size: int, channels: int, device: str = "cpu", threads: int | None = None
) -> Encoding:
    """The encoding of an experiment.

    Args:
        config: the experiment's encoding section; its ``size`` overrides ``size``.
        size: height and width of the classifier's input.
        channels: the classifier's input channels.
        device: a torch device that images are rendered on where the encoding can.
        threads: upper bound on CPU threads; none: the cores of this process.

    Raises:
        ConfigError: a colour that does not fit the channels, or channels other than 1 and 3.
    """
    options: dict[str, Any] = {"size": config.size or size, "channels": channels, "threads": threads}
    return _BUILDERS[type(config)](config, device=device, **options)
