"""What torch's two formats of whole programs have in common: a zip archive, and its identity."""

from __future__ import annotations

import zipfile
from pathlib import Path

import torch
from torch import Tensor, nn

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.foreign import first_line, unwrapped
from evo_fool.classifiers.sources.description import Description, described_classifier
from evo_fool.classifiers.weights_io import sha256
from evo_fool.errors import ClassifierError, ConfigError
from evo_fool.sections import ClassifierConfig
from evo_fool.shape import sides


class Program(nn.Module):
    """A program of torch; its file's SHA-256 is part of its state, and so of the classifier's fingerprint."""

    def __init__(self, network: nn.Module, path: Path) -> None:
        super().__init__()
        self.network = network
        digest = torch.frombuffer(bytearray.fromhex(sha256(path)), dtype=torch.uint8)
        self.register_buffer("file", digest)

    def forward(self, images: Tensor) -> object:
        return unwrapped(self.network(images))


def archive(spec: str, path: Path) -> list[str]:
    """The names in a zip archive.

    Raises:
        ConfigError: the file is none, such as a pickle.
    """
    try:
        with zipfile.ZipFile(path) as file:
            return file.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ConfigError(f"classifier {spec!r}: not an archive of torch ({first_line(error)})") from None


def program_classifier(
    network: nn.Module, config: ClassifierConfig, told: Description, shape: tuple[int | None, int | None, int | None]
) -> Classifier:
    """A program as a classifier.

    Args:
        network: from images to scores.
        config: its section.
        told: its description.
        shape: channels, height and width as far as the program tells them.

    Raises:
        ConfigError: the shape stays unknown.
        ClassifierError: it fails on a black image, which has to tell the number of classes.
    """
    size = sides(told.size) if told.size is not None else (None, None)
    channels, height, width = (own or said for own, said in zip(shape, (told.channels, *size), strict=True))
    if channels is None or height is None or width is None:
        raise ConfigError(
            f"classifier {config.spec!r} does not tell the size of its input: say size: 224, and channels: 3, in "
            f"{config.description or config.spec.partition(':')[2] + '.yaml'}"
        )
    device = next((tensor.device for tensor in network.parameters()), torch.device("cpu"))
    try:
        with torch.inference_mode():
            answer = network(torch.zeros(2, channels, height, width, device=device))
        outputs = int(answer.shape[1])
    except Exception as error:
        raise ClassifierError(
            f"classifier {config.spec!r} fails on black images {channels}x{height}x{width} "
            f"({type(error).__name__}: {first_line(error)[:300]})"
        ) from None
    return described_classifier(network, config, told, shape=(channels, height, width), outputs=outputs)
