"""Programs by gradient for a linear network, where any labelling of two tasks is within reach."""

import numpy as np
import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.gradient.program import program


def frame() -> np.ndarray:
    """All but the four pixels in the middle."""
    mask = np.ones((8, 8), dtype=bool)
    mask[3:5, 3:5] = False
    return mask


def tasks(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A dark or a bright middle, and the class for each."""
    labels = np.arange(n) % 2
    images = np.random.default_rng(seed).integers(0, 30, (n, 1, 8, 8), dtype=np.uint8)
    images[:, 0, 3:5, 3:5] += (200 * labels).astype(np.uint8)[:, None, None]
    return images, labels


class Contrast(torch.nn.Module):
    """The middle votes for class 1, the frame for class 0: only a frame of the right brightness tells the tasks apart."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        middle = images[..., 3:5, 3:5].mean(dim=(1, 2, 3))
        bright = (images.sum(dim=(1, 2, 3)) - 4 * middle) / 60
        return torch.stack([20 * bright, 10 * middle, torch.full_like(middle, -5.0)], dim=1)


def test_the_frame_is_tuned_to_the_task() -> None:
    """Right of the threshold at which the middle decides: 20 · frame between 10 · .06 and 10 · .84."""
    classifier = Classifier(Contrast(), classes=["dark", "bright", "none"], size=8, channels=1, name="contrast")
    images, labels = tasks(40, 0)
    steps = list(program(classifier, images, labels, frame(), epochs=30, batch=10))
    assert len(steps) == 30 and steps[-1].loss < steps[0].loss
    held_out, wanted = tasks(40, 1)
    shown = np.where(frame(), steps[-1].pictures[0], held_out).astype(np.float32) / 255
    np.testing.assert_array_equal(classifier(torch.from_numpy(shown)).argmax(dim=1).numpy(), wanted)


def test_what_lies_under_the_frame_is_not_used(linear: Classifier) -> None:
    images, labels = tasks(12, 0)
    other = np.where(frame(), 255 - images, images)
    runs = [list(program(linear, each, labels, frame(), epochs=2, batch=4, seed=3)) for each in (images, other)]
    np.testing.assert_array_equal(runs[0][-1].pictures, runs[1][-1].pictures)
    different = list(program(linear, images, labels, frame(), epochs=2, batch=4, seed=4))
    assert (different[-1].pictures != runs[0][-1].pictures).any()


def test_the_penalty_pulls_to_middle_grey(linear: Classifier) -> None:
    images, labels = tasks(12, 0)
    spread = [
        list(program(linear, images, labels, frame(), epochs=15, batch=12, penalty=penalty))[-1].pictures[0].std()
        for penalty in (0.0, 100.0)
    ]
    assert spread[1] < spread[0] / 2
