"""Patches on photographs: where they lie, and the composed bytes against the readable specification."""

import math

import numpy as np
import pytest
import torch

from evo_fool.errors import ConfigError
from evo_fool.randomness import stream
from evo_fool.scenes.placement import Form, Overlays, Placement, compose_slowly, draw_placements, side_of

PHOTO = (20, 31)
CPU = torch.device("cpu")


def drawn(n: int = 40, **changes: object) -> list[Placement]:
    settings = {"form": "disc", "share": (0.05, 0.3), "rotation": 180.0, "size": PHOTO} | changes
    return draw_placements(stream(3, "patch"), n, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["disc", "square"])
@pytest.mark.parametrize("picture", [(9, 9), (40, 24), (1, 1)])
def test_composing_equals_its_specification(form: Form, picture: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    pictures = rng.integers(0, 256, (12, 3, *picture), dtype=np.uint8)
    photos = rng.integers(0, 256, (12, 3, *PHOTO), dtype=np.uint8)
    places, which = drawn(6, form=form), rng.integers(0, 6, 12)
    before = photos.copy()
    overlays = Overlays(places, form, picture, PHOTO, CPU)
    fast = overlays.compose(torch.from_numpy(pictures), torch.from_numpy(photos), which).numpy()
    trios = zip(which, pictures, photos, strict=True)
    slow = np.stack([compose_slowly(places[i], form, each, photo) for i, each, photo in trios])
    np.testing.assert_array_equal(fast, slow)
    np.testing.assert_array_equal(photos, before)


@pytest.mark.parametrize(("angle", "turns"), [(0.0, 0), (90.0, 1), (180.0, 2)])
def test_at_its_own_size_the_picture_is_pasted_and_turned(angle: float, turns: int) -> None:
    picture = np.random.default_rng(2).integers(0, 256, (1, 1, 8, 8), dtype=np.uint8)
    overlays = Overlays([Placement(10.0, 14.0, 8.0, angle)], "square", (8, 8), PHOTO, CPU)
    photo = torch.zeros((1, 1, *PHOTO), dtype=torch.uint8)
    composed = overlays.compose(torch.from_numpy(picture), photo, np.zeros(1, int)).numpy()
    np.testing.assert_array_equal(composed[0, 0, 6:14, 10:18], np.rot90(picture[0, 0], turns))
    assert composed.sum() == picture.sum()


@pytest.mark.parametrize("form", ["disc", "square"])
@pytest.mark.parametrize("share", [0.05, 0.2, 0.4])
def test_the_patch_covers_its_share(form: Form, share: float) -> None:
    places = draw_placements(stream(1, "patch"), 20, form=form, share=(share, share), rotation=20.0, size=(60, 60))
    covered = Overlays(places, form, (9, 9), (60, 60), CPU).counts / 3600
    assert np.mean(covered) == pytest.approx(share, rel=0.02)


@pytest.mark.parametrize("form", ["disc", "square"])
def test_places_lie_inside_and_spread_over_all_they_may(form: Form) -> None:
    places = drawn(2000, form=form)
    rows = np.array([place.row for place in places])
    for place in places:
        turn = math.radians(place.angle)
        reach = place.side / 2 * (1 if form == "disc" else abs(math.cos(turn)) + abs(math.sin(turn)))
        assert reach - 0.01 <= place.row <= PHOTO[0] - reach + 0.01
        assert reach - 0.01 <= place.column <= PHOTO[1] - reach + 0.01
    assert rows.mean() == pytest.approx(PHOTO[0] / 2, abs=0.3)
    assert np.mean([place.angle > 0 for place in places]) == pytest.approx(0.5, abs=0.05)
    least, most = (side_of(form, share, PHOTO) for share in (0.05, 0.3))
    sides = np.array([place.side for place in places])
    assert sides.min() == pytest.approx(least, rel=0.02)
    assert sides.max() == pytest.approx(most, rel=0.02)
    assert np.mean(sides**2) == pytest.approx((least**2 + most**2) / 2, rel=0.02)


def test_the_same_seed_draws_the_same_places() -> None:
    assert drawn() == drawn()
    assert drawn() != draw_placements(stream(4, "patch"), 40, form="disc", share=(0.05, 0.3), rotation=180, size=PHOTO)


@pytest.mark.parametrize(
    ("form", "share", "rotation"), [("disc", 0.6, 0.0), ("square", 0.65, 0.0), ("square", 0.4, 45.0)]
)
def test_a_patch_that_does_not_fit_is_refused(form: Form, share: float, rotation: float) -> None:
    with pytest.raises(ConfigError, match=r"scene\.share = .* does not fit into 20x31"):
        drawn(form=form, share=(share, share), rotation=rotation)
