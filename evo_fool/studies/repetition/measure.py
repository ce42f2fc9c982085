"""Whether repeated elements are needed (paper, Figure 10), by machine and over all elites.

The paper took three images and removed by hand all but one of their repeated elements; the confidence hardly fell. Here
the elements are found in one of two ways:

- *objects*: the image is split into its background, the colour of most pixels, and connected patches on it; patches of
  like size, shape and colour are one element repeated.
- *lattice*: where there are none, a peak of the autocorrelation is a period, and one period of the pattern the element.

All but one are painted over with the background. What is left is scored, and beside it the same image with not one
element left, which tells whether the element mattered at all; and the image with as many pixels painted over at random
places, which tells what any change of that size costs: elites are maxima, and nearly every change lowers them. The
converse is tiling: the image k × k times, smaller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from PIL import Image
from scipy import ndimage

from evo_fool.classifiers.scoring import Scorer
from evo_fool.errors import ConfigError
from evo_fool.randomness import Stream, stream
from evo_fool.studies.elites import ImageSet, confidences

_LEVELS = 8
"""Levels a channel into which colours are binned to find the background."""

_CONTRAST = 48
"""Distance in bytes, in the channel where it is largest, from which two colours are not the same."""

_SMALLEST = 0.002
"""Share of the image below which a patch is dust."""

_LARGEST = 0.25
"""Share of the image above which a patch is no element of a repetition."""

_HALO = 3
"""Pixels around a patch that go with it, unless they are another patch: its soft edge."""

_MAIN = 0.25
"""Share of all that is not background that the repeated patches must make up: specks beside a pattern are not it."""

_ALIKE = 0.6
"""Overlap (intersection over union) of two patches, each scaled to a square, from which they are the same element."""

_BOX = 24
_PEAK = 0.5
"""Autocorrelation from which a displacement is a period."""

_DIP = 0.15
"""How far the autocorrelation must fall on the way to a peak: a smooth shade correlates with itself everywhere."""

QUARTILES = (0.25, 0.5, 0.75)


@dataclass(frozen=True, slots=True)
class Repetition:
    """The repeated elements of one image.

    Attributes:
        kind: how they were found.
        count: how many there are, the kept one included.
        kept: the pixels of the one that stays, bool ``(height, width)``.
        removed: the pixels of all others, bool ``(height, width)``.
        fill: the background, uint8 ``(channels,)``.
    """

    kind: Literal["objects", "lattice"]
    count: int
    kept: np.ndarray
    removed: np.ndarray
    fill: np.ndarray


def find_repetition(image: np.ndarray) -> Repetition | None:
    """The repeated elements of an image, uint8 ``(channels, height, width)``; None where there are none."""
    fill = background(image)
    return _objects(image, fill) or _lattice(image, fill)


def background(image: np.ndarray) -> np.ndarray:
    """The mean colour of the commonest bin of colours, uint8 ``(channels,)``."""
    pixels = image.reshape(len(image), -1)
    bins = (pixels.astype(np.int64) * _LEVELS // 256 * _LEVELS ** np.arange(len(image))[:, None]).sum(axis=0)
    commonest = np.bincount(bins).argmax()
    fill: np.ndarray = pixels[:, bins == commonest].mean(axis=1).round().astype(np.uint8)
    return fill


def without(image: np.ndarray, pixels: np.ndarray, fill: np.ndarray) -> np.ndarray:
    """The image with some pixels, bool ``(height, width)``, painted in one colour."""
    return np.where(pixels, fill[:, None, None], image)


def random_places(shape: tuple[int, int], pixels: int, side: int, rng: Stream) -> np.ndarray:
    """Squares at random places that together cover so many pixels, bool ``shape`` (height, width).

    Args:
        shape: of the image, which squares leave on one side to enter it again on the other.
        pixels: 0 to all; the last square is cut to fit.
        side: of a square, at most the image's smaller side.
        rng: draws the places.
    """
    covered = np.zeros(shape, dtype=bool)
    left = pixels
    for place in rng.permutation(covered.size).tolist():
        if not left:
            break
        rows, columns = (np.arange(at, at + side) % n for at, n in zip(divmod(place, shape[1]), shape, strict=True))
        fresh = np.argwhere(~covered[np.ix_(rows, columns)])[:left]
        covered[rows[fresh[:, 0]], columns[fresh[:, 1]]] = True
        left -= len(fresh)
    return covered


def elsewhere(image: np.ndarray, repetition: Repetition, rng: Stream) -> np.ndarray:
    """The image with as many pixels as there are in the repeats painted over at random places, uint8 as it was.

    They are squares of a repeat's size; some may fall on the repeats, as chance has it.
    """
    pixels = int(repetition.removed.sum())
    height, width = repetition.removed.shape
    side = int(np.clip(round((pixels / max(1, repetition.count - 1)) ** 0.5), 1, min(height, width)))
    return without(image, random_places((height, width), pixels, side, rng), repetition.fill)


def ablate(images: ImageSet, scorer: Scorer, *, seed: int = 1) -> dict[str, Any]:
    """Remove all repeated elements but one from every image that has any, and score what is left.

    Args:
        images: what to search.
        scorer: the classifier at work.
        seed: of the random places that are painted over for comparison.

    Returns:
        The numbers of images ``searched`` and ``repeating``. Of each of the k repeating images ``rows``: its place in
        the set, the ``names`` of the classes, ``kinds`` and ``counts`` of the elements, and the probability of its
        class ``before``, with ``one`` element left, with ``none``, and with as many pixels as for ``one`` painted over
        ``elsewhere``, float64 ``(k,)``; ``changed``: the shares of the pixels that ``one`` and ``elsewhere`` clearly
        change, float64 ``(k, 2)``: painting background over background changes nothing. The medians of ``elements``
        and ``removed_pixels``, the quartiles of the ``drop`` in probability, and the share of images that it leaves
        ``within_1_percent``; None where nothing repeats.

    Raises:
        ClassifierError: the classifier fails.
    """
    searched = [(row, find_repetition(image)) for row, image in enumerate(images.images)]
    found = {row: repetition for row, repetition in searched if repetition is not None}
    chosen = images.pick(np.array(list(found), dtype=np.int64))
    scored: dict[str, list[np.ndarray]] = {"before": list(chosen.images), "one": [], "none": [], "elsewhere": []}
    for image, (row, repetition) in zip(chosen.images, found.items(), strict=True):
        one = without(image, repetition.removed, repetition.fill)
        scored["one"].append(one)
        scored["none"].append(without(one, repetition.kept, repetition.fill))
        scored["elsewhere"].append(elsewhere(image, repetition, stream(seed, "equal area", row)))
    result: dict[str, Any] = {
        "searched": len(images),
        "repeating": len(found),
        "rows": list(found),
        "names": chosen.names,
        "kinds": [repetition.kind for repetition in found.values()],
        "counts": [repetition.count for repetition in found.values()],
        "changed": [
            [_differs(image, other).mean() for other in others]
            for image, *others in zip(scored["before"], scored["one"], scored["elsewhere"], strict=True)
        ],
    }
    if not found:
        return result | scored | dict.fromkeys(("elements", "drop"))
    p = {key: confidences(scorer, np.stack(made), chosen.targets) for key, made in scored.items()}
    drop = p["before"] - p["one"]
    return (
        result
        | p
        | {
            "elements": np.median(result["counts"]),
            "removed_pixels": np.median([repetition.removed.mean() for repetition in found.values()]),
            "drop": np.quantile(drop, QUARTILES),
            "within_1_percent": (drop <= 0.01).mean(),
        }
    )


def tiled(image: np.ndarray, times: int) -> np.ndarray:
    """The image ``times`` × ``times`` times, reduced so that the whole keeps its size; uint8 as it was.

    Raises:
        ConfigError: fewer than one, or so many that a tile would have no pixel.
    """
    height, width = image.shape[1:]
    if not 1 <= times <= min(height, width):
        raise ConfigError(f"{times} tiles a side: give 1 to {min(height, width)}")
    # Tiles of unequal size, by at most a pixel, so that they fill the image exactly.
    rows, columns = (np.diff(np.linspace(0, side, times + 1).round().astype(int)) for side in (height, width))
    tiles = {(h, w): _resized(image, h, w) for h in set(rows.tolist()) for w in set(columns.tolist())}
    return np.concatenate(
        [np.concatenate([tiles[h, w] for w in columns.tolist()], axis=2) for h in rows.tolist()], axis=1
    )


def _resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    planes = [Image.fromarray(plane).resize((width, height), Image.Resampling.BOX) for plane in image]
    return np.stack([np.asarray(plane) for plane in planes])


def _objects(image: np.ndarray, fill: np.ndarray) -> Repetition | None:
    labels, _ = ndimage.label(_differs(image, fill[:, None, None]), structure=np.ones((3, 3)))
    areas = np.bincount(labels.ravel())
    pixels = labels.size
    patches = [
        i for i in range(1, len(areas)) if max(4, _SMALLEST * pixels) <= areas[i] <= _LARGEST * pixels
    ]  # dust is left where it is
    shapes = dict(zip(patches, _shapes(labels, patches), strict=True))
    means = np.stack([ndimage.mean(plane, labels, patches) for plane in image], axis=1)
    colours = dict(zip(patches, means, strict=True))
    best: list[int] = []
    for patch in patches:
        group = [
            other
            for other in patches
            if np.abs(colours[patch] - colours[other]).max() < _CONTRAST
            and _alike(shapes[patch], shapes[other], areas[patch], areas[other])
        ]
        if (len(group), areas[group].sum()) > (len(best), areas[best].sum() if best else 0):
            best = group
    if len(best) < 2 or areas[best].sum() < _MAIN * areas[1:].sum():
        return None
    kept = best[int(areas[best].argmax())]
    one, others = labels == kept, np.isin(labels, [patch for patch in best if patch != kept])
    grown, rest = (ndimage.binary_dilation(m, iterations=_HALO) & ((labels == 0) | m) for m in (one, others))
    return Repetition("objects", len(best), grown, rest & ~grown, fill)


def _differs(image: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Where two colours are told apart, bool ``(height, width)``."""
    difference: np.ndarray = np.abs(image.astype(np.int16) - other.astype(np.int16)).max(axis=0) >= _CONTRAST
    return difference


def _shapes(labels: np.ndarray, patches: list[int]) -> list[np.ndarray]:
    """Each patch's silhouette, scaled to a square."""
    boxes = ndimage.find_objects(labels)
    squares = []
    for patch in patches:
        silhouette = (labels[boxes[patch - 1]] == patch).astype(np.uint8) * 255
        square = Image.fromarray(silhouette).resize((_BOX, _BOX), Image.Resampling.BOX)
        squares.append(np.asarray(square) >= 128)
    return squares


def _alike(one: np.ndarray, other: np.ndarray, area: int, other_area: int) -> bool:
    """Whether two silhouettes are one shape, either way round, at areas that differ by a factor of three at most."""
    if not 1 / 3 <= area / other_area <= 3:
        return False
    views = (other, other[::-1], other[:, ::-1], other[::-1, ::-1])
    return max((one & view).sum() / max(1, (one | view).sum()) for view in views) >= _ALIKE


def _lattice(image: np.ndarray, fill: np.ndarray) -> Repetition | None:
    """One period of the pattern, the one nearest to the middle, if the image has a period."""
    period = find_period(image)
    if period is None:
        return None
    height, width = image.shape[1:]
    rows, columns = np.mgrid[:height, :width].astype(np.float64)
    step = np.array(period, dtype=np.float64)
    # Which repeat a pixel belongs to: its place along the period, in periods, counted from the middle.
    place = ((rows - (height - 1) / 2) * step[0] + (columns - (width - 1) / 2) * step[1]) / (step**2).sum()
    repeat = np.floor(place + 0.5).astype(int)
    kept = repeat == 0
    return Repetition("lattice", len(np.unique(repeat)), kept, ~kept, fill)


def find_period(image: np.ndarray) -> tuple[int, int] | None:
    """The shortest displacement (rows, columns) after which an image repeats; None where it does not.

    It is a peak of the autocorrelation of at least :data:`_PEAK`, each displacement weighed by the overlap that it
    leaves, and at most half the image long. uint8 ``(channels, height, width)``.
    """
    planes = image.astype(np.float64)
    planes = planes - planes.mean(axis=(1, 2), keepdims=True)
    if not planes.any():
        return None
    height, width = planes.shape[1:]
    correlation = _autocorrelation(planes)
    middle = (height // 2, width // 2)
    highest = ndimage.maximum_filter(correlation, size=3)
    peaks = np.argwhere((correlation == highest) & (correlation >= _PEAK)) - middle
    # One of each pair of opposites, the shortest first.
    peaks = peaks[(peaks[:, 0] > 0) | ((peaks[:, 0] == 0) & (peaks[:, 1] > 0))]
    for down, right in sorted(peaks.tolist(), key=lambda peak: peak[0] ** 2 + peak[1] ** 2):
        along = max(abs(down), abs(right))
        if along < 3:
            continue
        share = np.linspace(0, 1, along + 1)
        way = correlation[middle[0] + np.rint(share * down).astype(int), middle[1] + np.rint(share * right).astype(int)]
        if way.min() <= correlation[middle[0] + down, middle[1] + right] - _DIP:
            return down, right
    return None


def _autocorrelation(planes: np.ndarray) -> np.ndarray:
    """For displacements up to half the image, the correlation of what overlaps; the middle is no displacement."""
    height, width = planes.shape[1:]
    size = (2 * height, 2 * width)

    def correlate(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        product = np.conj(np.fft.rfft2(a, size)) * np.fft.rfft2(b, size)
        found: np.ndarray = np.fft.fftshift(np.fft.irfft2(product, size))
        rows, columns = height // 2, width // 2
        return found[height - rows : height + rows + 1, width - columns : width + columns + 1]

    ones = np.ones((height, width))
    shared = sum(correlate(plane, plane) for plane in planes)
    here = sum(correlate(plane**2, ones) for plane in planes)
    there = sum(correlate(ones, plane**2) for plane in planes)
    # What overlaps counts as no plainer than the whole: two stretches of background would correlate perfectly.
    least = correlate(ones, ones) * (planes**2).sum() / ones.size
    result: np.ndarray = shared / np.sqrt(np.maximum(here, least) * np.maximum(there, least))
    return result
