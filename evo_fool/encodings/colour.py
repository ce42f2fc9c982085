"""What the channels of a genome mean: grey, colours of one of three models, or planes of no colour."""

from __future__ import annotations

from evo_fool.errors import ConfigError

OUTPUT_NAMES = {
    "grey": ("brightness",),
    "rgb": ("red", "green", "blue"),
    "hsv": ("hue", "saturation", "value"),
    "hls": ("hue", "lightness", "saturation"),
}

PLANES, HSV, HLS = 0, 1, 2
MODES = {"hsv": HSV, "hls": HLS}
"""How kernels read channels; whatever is not here is planes: each value is a byte of its own."""


def resolve_colour(colour: str, channels: int) -> str:
    """The meaning of so many channels; ``auto`` is grey for one, hsv for three, and planes for any other number.

    Raises:
        ConfigError: a colour that does not give that number of channels.
    """
    if colour == "auto":
        return {1: "grey", 3: "hsv"}.get(channels, "planes")
    if len(OUTPUT_NAMES[colour]) != channels:
        fitting = {1: "grey, or auto", 3: "hsv, hls or rgb, or auto"}.get(channels, "auto")
        raise ConfigError(
            f"encoding.colour {colour}: the classifier takes {channels} channel{'s' * (channels > 1)}; use {fitting}"
        )
    return colour


def output_names(colour: str, channels: int) -> tuple[str, ...]:
    """What each channel of a resolved colour is called.

    >>> output_names("hsv", 3), output_names("planes", 2)
    (('hue', 'saturation', 'value'), ('plane 0', 'plane 1'))
    """
    return OUTPUT_NAMES.get(colour) or tuple(f"plane {i}" for i in range(channels))
