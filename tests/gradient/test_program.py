"""Programs by gradient for a linear network, where any labelling of two tasks is within reach."""

import numpy as np
import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.gradient.program import framed, program


def tasks(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A dark or a bright middle, and the class for each."""
    labels = np.arange(n) % 2
    images = np.random.default_rng(seed).integers(0, 30, (n, 1, 2, 2), dtype=np.uint8)
    return images + (200 * labels).astype(np.uint8)[:, None, None, None], labels


class Contrast(torch.nn.Module):
    """The middle votes for class 1, the frame for class 0; a frame of the right brightness tells the tasks apart."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        middle = images[..., 3:5, 3:5].mean(dim=(1, 2, 3))
        bright = (images.sum(dim=(1, 2, 3)) - 4 * middle) / 60
        return torch.stack([20 * bright, 10 * middle, torch.full_like(middle, -5.0)], dim=1)


def test_the_frame_is_tuned_to_the_task() -> None:
    """Right of the threshold at which the middle decides: 20 · frame between 10 · .06 and 10 · .84."""
    classifier = Classifier(Contrast(), classes=["dark", "bright", "none"], size=8, channels=1, name="contrast")
    images, labels = tasks(40, 0)
    steps = list(program(classifier, images, labels, epochs=30, batch=10))
    assert len(steps) == 30 and steps[-1].loss < steps[0].loss
    held_out, wanted = tasks(40, 1)
    shown = framed(torch.from_numpy(steps[-1].pictures[0]), torch.from_numpy(held_out))
    np.testing.assert_array_equal(classifier(shown / 255).argmax(dim=1).numpy(), wanted)


def test_the_seed_decides(linear: Classifier) -> None:
    images, labels = tasks(12, 0)
    runs = [list(program(linear, images, labels, epochs=2, batch=4, seed=seed)) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(runs[0][-1].pictures, runs[1][-1].pictures)
    assert (runs[2][-1].pictures != runs[0][-1].pictures).any()


def test_pictures_every_few_epochs_are_those_of_every_epoch(linear: Classifier) -> None:
    images, labels = tasks(12, 0)
    each = list(program(linear, images, labels, epochs=5, batch=4))
    some = list(program(linear, images, labels, epochs=5, batch=4, every=2))
    assert len(some) == 3
    for found, numbers in zip(some, ((0, 1), (2, 3), (4,)), strict=True):
        np.testing.assert_array_equal(found.pictures, each[numbers[-1]].pictures)
        assert np.isclose(found.loss, np.mean([each[number].loss for number in numbers]))


def test_a_task_image_lies_in_the_middle() -> None:
    picture, images = torch.zeros(1, 7, 6), torch.ones(2, 1, 3, 2)
    found = framed(picture, images)
    assert found.shape == (2, 1, 7, 6) and found.sum() == 12 and (found[:, :, 2:5, 2:4] == 1).all()
    assert not picture.any()


def test_the_penalty_pulls_to_middle_grey(linear: Classifier) -> None:
    images, labels = tasks(12, 0)
    spread = [
        list(program(linear, images, labels, epochs=15, batch=12, penalty=penalty))[-1].pictures[0].std()
        for penalty in (0.0, 100.0)
    ]
    assert spread[1] < spread[0] / 2
