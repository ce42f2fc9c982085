"""The user's data folder: MNIST, weights of ImageNet networks, and photographs; any of them may be missing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from evo_fool.classifiers.mnist_data import Digits, load_mnist
from evo_fool.classifiers.sources.torchvision_cpu import import_torchvision
from evo_fool.errors import ConfigError


@dataclass(frozen=True, slots=True)
class MnistData:
    """The two halves of MNIST."""

    train: Digits
    test: Digits


class DataFolder:
    """Finds data by its layout.

    Args:
        folder: holds ``mnist`` (or ``MNIST/raw``), ``imagenet`` with ``weights/NAME.pt``, named as torchvision names
            its networks, and ``photos/CLASS/*.jpg``, and ``uap/*.npy``; None: there is no data.

    Raises:
        ConfigError: there is no such folder.
    """

    def __init__(self, folder: Path | None) -> None:
        if folder is not None and not folder.is_dir():
            raise ConfigError(f"--data {folder}: there is no such folder; it should hold mnist/ or imagenet/")
        self.folder = folder

    @cached_property
    def _mnist(self) -> MnistData | None:
        for folder in () if self.folder is None else (self.folder / "mnist", self.folder):
            for raw in (folder / "MNIST" / "raw", folder / "raw", folder):
                if any(raw.glob("train-images-idx3-ubyte*")):
                    return MnistData(*load_mnist(folder))
        return None

    def mnist(self) -> MnistData | None:
        """MNIST; None where there is none.

        Raises:
            ConfigError: it is damaged.
        """
        return self._mnist

    def imagenet_networks(self) -> dict[str, Path]:
        """Weights files of ImageNet networks by torchvision's names, in alphabetical order."""
        folder = self._imagenet("weights")
        if folder is None:
            return {}
        models = import_torchvision().models
        known = set(models.list_models(module=models))
        files = (path for path in sorted(folder.iterdir()) if path.suffix in (".pt", ".pth", ".safetensors"))
        return {path.stem: path.absolute() for path in files if path.stem in known}

    def photographs(self) -> Path | None:
        """The folder of photographs, one folder per class; None where there is none."""
        return self._imagenet("photos")

    def universal_perturbations(self) -> list[Path]:
        """Published universal perturbations, arrays as ``evo-fool study universal --published`` takes them."""
        return [] if self.folder is None else sorted((self.folder / "uap").glob("*.npy"))

    def _imagenet(self, name: str) -> Path | None:
        for folder in () if self.folder is None else (self.folder / "imagenet" / name, self.folder / name):
            if folder.is_dir():
                return folder
        return None
