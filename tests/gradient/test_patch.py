"""Patches by gradient: placed as the scene places them, and reaching their class wherever they lie."""

import numpy as np
import pytest
import torch

from evo_fool.classifiers.base import Classifier
from evo_fool.gradient.patch import patch
from evo_fool.gradient.step import clean_predictions
from evo_fool.randomness import stream
from evo_fool.scenes.placement import Form, Overlays, draw_placements

SIDE = 16


class Brightness(torch.nn.Module):
    """Three classes by the mean of each channel, so that the colour of a patch decides and its place does not."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return 40 * images.mean(dim=(2, 3))


@pytest.fixture
def colours() -> Classifier:
    return Classifier(Brightness(), classes=["red", "green", "blue"], size=SIDE, channels=3, name="colours")


def photos(n: int, seed: int) -> np.ndarray:
    images = np.random.default_rng(seed).integers(60, 180, (n, 3, SIDE, SIDE), dtype=np.uint8)
    images[:, 0] += 20  # red, all of them
    return images


def overlays(form: Form, n: int) -> Overlays:
    places = draw_placements(stream(1, "test"), n, form=form, share=(0.1, 0.25), rotation=20.0, size=(SIDE, SIDE))
    return Overlays(places, form, (12, 10), (SIDE, SIDE), torch.device("cpu"))


@pytest.mark.parametrize("form", ["disc", "square"])
def test_pasting_is_composing_without_rounding(form: Form) -> None:
    pictures = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 3, 12, 10), dtype=np.uint8))
    photographs, there, which = torch.from_numpy(photos(4, 0)), overlays(form, 4), np.arange(4)
    smooth = there.paste(pictures.float(), photographs.float(), which)
    assert (smooth - there.compose(pictures, photographs, which)).abs().max() <= 0.5


def test_the_gradient_flows_to_every_pixel_that_is_read() -> None:
    picture = torch.zeros(1, 3, 12, 10, requires_grad=True)
    overlays("square", 1).paste(picture, torch.zeros(1, 3, SIDE, SIDE), np.arange(1)).sum().backward()
    assert picture.grad is not None and (picture.grad >= 0).all() and (picture.grad > 0).float().mean() > 0.3


def test_held_out_photographs_take_the_colour_of_the_patch(colours: Classifier) -> None:
    steps = list(
        patch(colours, photos(12, 0), 2, share=(0.25, 0.25), steps=60, batch=4, rate=0.3, every=25, size=(8, 8))
    )
    assert [step.pictures.shape for step in steps] == [(1, 3, 8, 8)] * 3
    assert steps[-1].loss < steps[0].loss
    held_out, picture = torch.from_numpy(photos(6, 1)), torch.from_numpy(steps[-1].pictures)
    places = draw_placements(stream(2, "test"), 6, form="disc", share=(0.25, 0.25), rotation=22.5, size=(SIDE, SIDE))
    there = Overlays(places, "disc", (8, 8), (SIDE, SIDE), torch.device("cpu"))
    shown = there.compose(picture.expand(6, -1, -1, -1), held_out, np.arange(6))
    assert clean_predictions(colours, held_out.numpy(), 6).tolist() == [0] * 6
    assert clean_predictions(colours, shown.numpy(), 6).tolist() == [2] * 6


def test_the_seed_decides(colours: Classifier) -> None:
    found = [next(patch(colours, photos(5, 0), 1, steps=4, every=4, seed=seed)).pictures for seed in (1, 1, 2)]
    np.testing.assert_array_equal(found[0], found[1])
    assert (found[0] != found[2]).any()
