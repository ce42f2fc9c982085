"""Perturbations to compare: the elites of runs, published arrays, and noise of the same size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from evo_fool.errors import ConfigError
from evo_fool.randomness import stream
from evo_fool.runs import Run
from evo_fool.runs.scenes import recorded_scene
from evo_fool.scene_sections import PerturbationConfig
from evo_fool.scenes.perturbation import OTHER, perturbation_of
from evo_fool.sections import GradientConfig

NOISE = "noise"

_ALIKE = 2
"""Decimals by which two bounds are the same."""


@dataclass(frozen=True, slots=True)
class UniversalPerturbation:
    """One array that is added to every photograph.

    Attributes:
        name: a short label, distinct in a study.
        kind: ``evolved``, ``gradient``, ``published`` or ``noise``.
        values: of 255, float32 ``(channels, height, width)``.
        bound: in L∞, by which it is scaled and grouped: the one that it was made under, else its largest value; of
            Gaussian noise that of the perturbations that it stands beside.
        made_on: fingerprint of the network that it was made against; "" where none is known.
        photographs: how many it was made on; None where that is not known.
        setting: what its run shares with those of other seeds, see :func:`.group_labels`; "" where there is no run.
    """

    name: str
    kind: str
    values: np.ndarray
    bound: float
    made_on: str = ""
    photographs: int | None = None
    setting: str = ""

    @property
    def linf(self) -> float:
        """The largest magnitude of a value."""
        return float(np.abs(self.values).max())

    @property
    def l2(self) -> float:
        """The Euclidean norm over all values."""
        return float(np.linalg.norm(self.values.astype(np.float64)))

    def scaled(self, bound: float) -> np.ndarray:
        """The values under another bound in L∞; zeros stay."""
        return self.values * np.float32(bound / self.bound if self.bound else 0)

    def to_json(self) -> dict[str, Any]:
        """What a study records of it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "linf": self.linf,
            "l2": self.l2,
            "photographs": self.photographs,
            "setting": self.setting,
        }


def perturbations_of(
    run: Run, cells: Sequence[str], shape: tuple[int, int, int], setting: str = ""
) -> list[UniversalPerturbation]:
    """The perturbations of a run, as its scene adds them to inputs of a height and width.

    Args:
        run: of a scene that adds its pictures to photographs.
        cells: whose elites; none: that of "anything else", or else the surest.
        shape: channels, height and width of the networks' inputs.
        setting: of the run.

    Raises:
        ConfigError: a run of another scene, or without an elite.
        UnknownClassError, EmptyCellError: no such cell, or an empty one.
    """
    scene = run.experiment.scene
    if not isinstance(scene, PerturbationConfig):
        raise ConfigError(f"{run.path}: its scene is {scene.kind}; only pictures that are added to photographs compare")
    if not (elites := run.elites):
        raise ConfigError(f"{run.path}: no image holds any cell yet; evolve further")
    best = max(elites, key=lambda elite: (elite.class_name == OTHER, elite.log_odds)).class_index
    label = run.label
    chosen: Sequence[str | int] = cells or [best]
    found = []
    for cell in chosen:
        picture = torch.from_numpy(run.image(cell)[None].copy())
        if tuple(picture.shape[2:]) != shape[1:]:
            picture = F.interpolate(picture, shape[1:], mode="nearest-exact")
        values = perturbation_of(scene, picture)[0].numpy()
        found.append(
            UniversalPerturbation(
                f"{label}, {cell}" if cells else label,
                "gradient" if isinstance(run.experiment.search, GradientConfig) else "evolved",
                values,
                scene.epsilon if scene.norm == "linf" else float(np.abs(values).max()),
                run.classifier_fingerprint,
                recorded_scene(run.meta).get("photographs"),
                f"{setting}, {cell}" if cells and setting else setting,
            )
        )
    return found


def read_published(path: Path, shape: tuple[int, int, int]) -> UniversalPerturbation:
    """A published perturbation: floating point ``(height, width, channels)``, of 255.

    Args:
        path: a .npy file; it is never unpickled.
        shape: channels, height and width of the networks' inputs.

    Raises:
        ConfigError: it cannot be read, or is no such array.
    """
    if path.exists() and not path.is_file():  # a FIFO would be waited for
        raise ConfigError(f"--published {path}: no regular file; give an array saved with np.save")
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # numpy, the tokenizer of its headers, zip and the file system each have their own
        reason = getattr(error, "strerror", None) or "not a .npy file of plain numbers"
        raise ConfigError(f"--published {path}: {reason}; give an array saved with np.save") from None
    wanted = (*shape[1:], shape[0])
    if not isinstance(array, np.ndarray) or array.dtype.kind != "f" or array.shape != wanted:
        found = f"{array.dtype} {array.shape}" if isinstance(array, np.ndarray) else "several arrays"
        raise ConfigError(
            f"--published {path}: holds {found}; the networks need floating point {wanted}, height by width by channels"
        )
    values = np.array(array.transpose(2, 0, 1), dtype=np.float32, order="C")
    largest = float(np.abs(values).max())
    if not largest <= 255:  # nor a number at all
        raise ConfigError(f"--published {path}: its largest value is {largest:g}; values are of 255, from -255 to 255")
    return UniversalPerturbation(path.stem, "published", values, largest)


def noise_beside(made: Sequence[UniversalPerturbation], seed: int) -> list[list[UniversalPerturbation]]:
    """The controls of each perturbation: noise of equal L∞, and noise of equal l2.

    Perturbations of one bound share them: random signs of exactly that L∞, the largest noise in that ball, and
    Gaussian noise of exactly the largest l2 among them.
    """
    found: dict[float, list[UniversalPerturbation]] = {}
    bounds = [round(one.bound, _ALIKE) for one in made]
    for number, bound in enumerate(sorted(set(bounds))):
        same = [one for one, its in zip(made, bounds, strict=True) if its == bound]
        shape, linf, l2 = same[0].values.shape, same[0].bound, max(one.l2 for one in same)
        rng = stream(seed, "universal noise", number)
        signs = rng.choice(np.array([-linf, linf], dtype=np.float32), shape)
        gauss = rng.standard_normal(shape)
        gauss = (gauss * (l2 / np.linalg.norm(gauss))).astype(np.float32)
        name = f"Gaussian noise, l2 {l2:.4g}"
        if any(control.name == name for controls in found.values() for control in controls):
            name += f", beside L∞ {bound:g}"
        found[bound] = [
            UniversalPerturbation(f"random signs, L∞ {bound:g}", NOISE, signs, linf),
            UniversalPerturbation(name, NOISE, gauss, linf),
        ]
    return [found[bound] for bound in bounds]
