"""Patches to compare: the elites of runs, published PNGs, and photographs of the class."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from evo_fool.classifiers.base import Classifier
from evo_fool.classifiers.photographs import opened
from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.randomness import stream
from evo_fool.runs import Run
from evo_fool.runs.scenes import recorded_scene
from evo_fool.scene_sections import PatchConfig
from evo_fool.scenes.perturbation import OTHER
from evo_fool.scenes.photographs import Photographs
from evo_fool.scenes.placement import Form, side_of
from evo_fool.sections import GradientConfig

_NUMBER = re.compile(r"\d{1,6}(?!\d)")


@dataclass(frozen=True, slots=True)
class PlacedPatch:
    """One picture that is put on photographs.

    Attributes:
        name: a short label, distinct in a study.
        kind: ``evolved``, ``gradient``, ``published`` or ``natural``.
        picture: uint8 ``(channels, side, side)``.
        form: what of it is seen.
        target: the class that it is made for, by index.
        made_on: fingerprint of the network that it was made against; "" where none is known.
        photographs: how many it was made on; None where that is not known.
        setting: what its run shares with those of other seeds, see :func:`.group_labels`; "" where there is no run.
        source: the bytes of the photograph that it is, which is not to be tested on; of others empty.
    """

    name: str
    kind: str
    picture: np.ndarray
    form: Form
    target: int
    made_on: str = ""
    photographs: int | None = None
    setting: str = ""
    source: bytes = b""

    def at(self, side: float) -> np.ndarray:
        """The picture for a patch of ``side`` pixels: reduced by means where it is larger, else as it is."""
        pixels = math.ceil(side)
        if pixels >= self.picture.shape[1]:
            return self.picture
        values = torch.from_numpy(self.picture[None].astype(np.float32))
        reduced = F.interpolate(values, (pixels, pixels), mode="bilinear", antialias=True)
        return np.asarray(reduced[0].clamp(0, 255).round().to(torch.uint8))

    def to_json(self) -> dict[str, Any]:
        """What a study records of it."""
        keys = ("name", "kind", "form", "target", "photographs", "setting")
        return {key: getattr(self, key) for key in keys}


def patch_of(run: Run, target: str | None, classifier: Classifier, setting: str) -> PlacedPatch:
    """The patch of a run.

    Args:
        run: of a scene that puts its pictures on photographs.
        target: whose elite; None: the only one.
        classifier: of the inputs that it is put on.
        setting: of the run.

    Raises:
        ConfigError: a run of another scene, other classes or channels, without an elite, or with several.
        UnknownClassError, EmptyCellError: no such cell, or an empty one.
    """
    scene = run.experiment.scene
    if not isinstance(scene, PatchConfig):
        raise ConfigError(f"{run.path}: its scene is {scene.kind}; only pictures that are put on photographs compare")
    elites = [elite for elite in run.elites if elite.class_name != OTHER]
    if target is None and len(elites) != 1:
        raise ConfigError(f"{run.path}: {len(elites)} classes have a patch; name one: --target CLASS")
    name = run.classes[run.class_index(target)] if target is not None else elites[0].class_name
    if name not in classifier.classes:
        raise ConfigError(f"{run.path}: {classifier.name} has no class {name!r}; name a network that has: --classifier")
    picture = run.image(name)
    if len(picture) != classifier.channels:
        raise ConfigError(
            f"{run.path}: patches of {len(picture)} channels; {classifier.name} takes {classifier.channels}"
        )
    largest = scene.share[1] if isinstance(scene.share, tuple) else scene.share
    side = max(1, math.ceil(side_of(scene.form, largest, (classifier.shape[1], classifier.shape[2]))))
    shown = F.interpolate(torch.from_numpy(picture[None].copy()), (side, side), mode="nearest-exact")
    return PlacedPatch(
        run.label,
        "gradient" if isinstance(run.experiment.search, GradientConfig) else "evolved",
        shown[0].numpy(),
        scene.form,
        classifier.classes.index(name),
        run.classifier_fingerprint,
        recorded_scene(run.meta).get("photographs"),
        setting,
    )


def read_published(path: Path, classifier: Classifier) -> Iterator[PlacedPatch]:
    """Published patches: a PNG whose name begins with the index of its class, or a folder of them.

    Raises:
        ConfigError: one cannot be read, is not square, or names no class.
    """
    files = sorted(path.glob("*.png")) if path.is_dir() else [path]
    if not files:
        raise ConfigError(f"--published {path}: no PNG in it; give patches such as 954_banana.png")
    if classifier.channels not in (1, 3):
        raise ConfigError(f"{classifier.name} takes {classifier.channels} channels, a PNG has 1 or 3")
    for file in files:
        number = _NUMBER.match(file.name)
        if number is None or int(number[0]) >= len(classifier.classes):
            raise ConfigError(
                f"--published {file}: its name begins with no class of {classifier.name}, 0 to "
                f"{len(classifier.classes) - 1}; rename it as 954_banana.png"
            )
        try:
            if not file.is_file():  # a FIFO would be waited for
                raise ConfigError(f"--published {file}: there is no such file; give a PNG")
            with opened(file) as image:
                disc = image.has_transparency_data and image.convert("RGBA").getpixel((0, 0))[3] == 0  # type: ignore[index]
                pixels = np.asarray(image.convert("L" if classifier.channels == 1 else "RGB"))
        except ConfigError:
            raise
        except Exception as error:  # decoders raise anything on damaged files
            raise ConfigError(
                f"--published {file}: not readable as an image ({type(error).__name__}); leave it out"
            ) from None
        if pixels.shape[0] != pixels.shape[1]:
            raise ConfigError(f"--published {file}: {pixels.shape[1]}x{pixels.shape[0]} pixels; a patch is square")
        picture = pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))
        yield PlacedPatch(file.stem, "published", picture, "disc" if disc else "square", int(number[0]))


def natural_patch(classifier: Classifier, image: np.ndarray, target: int, form: Form) -> PlacedPatch:
    """The middle of a photograph of a class, an input of the classifier, as a patch."""
    side = min(image.shape[1:])
    top, left = ((length - side) // 2 for length in image.shape[1:])
    middle = np.ascontiguousarray(image[:, top : top + side, left : left + side])
    name = f"photograph of {classifier.classes[target]}, {form}"
    return PlacedPatch(name, "natural", middle, form, target, source=image.tobytes())


def surest(scorer: Scorer, photographs: Photographs, target: int) -> np.ndarray | None:
    """The photograph of a class of which the network is surest; None where there is none of that class."""
    if photographs.labels is None or not (photographs.labels == target).any():
        return None
    of_class = photographs.images[photographs.labels == target]
    image: np.ndarray = of_class[scorer.score(of_class)[:, target].argmax()]
    return image


def noise_picture(form: Form, share: float, shape: tuple[int, int, int], seed: int) -> np.ndarray:
    """Uniform bytes, pixel by pixel, for a patch of this share: uint8 ``(channels, side, side)``."""
    side = math.ceil(side_of(form, share, shape[1:]))
    rng = stream(seed, f"noise patch {form}", round(1e6 * share))
    return rng.integers(0, 256, (shape[0], side, side), dtype=np.uint8)
