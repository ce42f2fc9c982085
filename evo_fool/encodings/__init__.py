"""What is evolved. Encodings of other packages come by the entry-point group ``evo_fool.encodings``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evo_fool.lazy import lazy_names

if TYPE_CHECKING:
    from evo_fool.encodings.base import Encoding, Genomes, Images, Operator
    from evo_fool.encodings.cppn.encoding import CppnEncoding
    from evo_fool.encodings.pixels import PixelEncoding
    from evo_fool.encodings.spectral import SpectralEncoding
    from evo_fool.sections import EncodingSection
    from evo_fool.shape import Size

__all__ = [
    "CppnEncoding",
    "Encoding",
    "Genomes",
    "Images",
    "Operator",
    "PixelEncoding",
    "SpectralEncoding",
    "build_encoding",
]

_HOMES = {
    "CppnEncoding": "evo_fool.encodings.cppn.encoding",
    "Encoding": "evo_fool.encodings.base",
    "Genomes": "evo_fool.encodings.base",
    "Images": "evo_fool.encodings.base",
    "Operator": "evo_fool.encodings.base",
    "PixelEncoding": "evo_fool.encodings.pixels",
    "SpectralEncoding": "evo_fool.encodings.spectral",
}
_KINDS = {"cppn": "CppnEncoding", "pixels": "PixelEncoding", "spectral": "SpectralEncoding"}


__getattr__ = lazy_names(__name__, _HOMES)


def build_encoding(
    config: EncodingSection, *, size: Size, channels: int, device: str = "cpu", threads: int | None = None
) -> Encoding:
    """The encoding of an experiment.

    Args:
        config: the experiment's encoding section; its ``size`` overrides ``size``.
        size: height and width of the classifier's input, in pixels; one number for a square.
        channels: the classifier's input channels.
        device: a torch device that images are rendered on where the encoding can.
        threads: upper bound on CPU threads; none: the cores of this process.

    Raises:
        ConfigError: a colour or cap that does not fit the channels, or no installed package has such an encoding.
    """
    from evo_fool.plugins import load

    known = _KINDS.get(config.kind)
    build = __getattr__(known) if known else load("evo_fool.encodings", config.kind)
    encoding: Encoding = build(config, size=config.size or size, channels=channels, device=device, threads=threads)
    return encoding
