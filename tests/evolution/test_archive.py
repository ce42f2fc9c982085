"""The batch insertion is the one-by-one insertion, only faster."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from evo_fool.evolution.archive import EMPTY, ClassArchive, argmax_only, one_class

# A few distinct values, so that ties are common: ties are where insertion rules go wrong.
SCORES = st.sampled_from([-40.0, -2.0, -1.0, 0.0, 0.5, 1.0, 3.0, 50.0])


@st.composite
def batches(draw: st.DrawFn) -> list[np.ndarray]:
    classes = draw(st.integers(1, 7))
    return [
        draw(hnp.arrays(np.float64, (draw(st.integers(1, 9)), classes), elements=SCORES))
        for _ in range(draw(st.integers(1, 6)))
    ]


def genomes_for(ids: np.ndarray) -> np.ndarray:
    """A genome that tells its id."""
    return np.repeat(ids[:, None].astype(np.float32), 3, axis=1)


@given(batches())
def test_offer_leaves_what_offering_one_by_one_leaves(scores: list[np.ndarray]) -> None:
    classes = scores[0].shape[1]
    fast, plain = ClassArchive(classes), ClassArchive(classes)
    first = 0
    for generation, batch in enumerate(scores):
        ids = np.arange(first, first + len(batch))
        before = plain.ids.copy()
        captures = fast.add(ids, batch, genomes_for(ids), generation)
        for id, row in zip(ids, batch, strict=True):
            plain.add_one(int(id), row, genomes_for(np.array([id])), generation)
        assert np.array_equal(fast.ids, plain.ids)
        assert np.array_equal(fast.log_odds, plain.log_odds)
        assert np.array_equal(fast.generations, plain.generations)
        assert captures.cells.tolist() == np.flatnonzero(before != plain.ids).tolist()
        assert np.array_equal(captures.previous, before[captures.cells])
        assert np.array_equal(captures.ids, fast.ids[captures.cells])
        first += len(batch)


@pytest.mark.parametrize(("n", "classes"), [(1, 130), (70, 63), (300, 200)])
def test_a_wide_batch_leaves_what_its_images_leave_one_by_one(n: int, classes: int) -> None:
    rng = np.random.default_rng(1)
    fast, plain = ClassArchive(classes), ClassArchive(classes)
    for generation in range(3):
        ids = np.arange(n) + n * generation
        batch = rng.integers(-3, 4 + generation, (n, classes)).astype(float)
        batch[rng.random((n, classes)) < 0.2] = -0.0  # equal to 0.0, and the first of both is kept as it is
        fast.add(ids, batch, genomes_for(ids), generation)
        for id, row in zip(ids, batch, strict=True):
            plain.add_one(int(id), row, genomes_for(np.array([id])), generation)
        assert np.array_equal(fast.ids, plain.ids)
        assert fast.log_odds.tobytes() == plain.log_odds.tobytes()


@given(batches())
def test_every_cell_hands_out_its_own_occupants_genome(scores: list[np.ndarray]) -> None:
    archive = ClassArchive(scores[0].shape[1])
    first = 0
    for generation, batch in enumerate(scores):
        ids = np.arange(first, first + len(batch))
        archive.add(ids, batch, genomes_for(ids), generation)
        cells = archive.occupied
        assert np.array_equal(archive.genomes_of(cells)[:, 0], archive.ids[cells])
        first += len(batch)


def test_an_equal_score_does_not_take_a_cell() -> None:
    archive = ClassArchive(2)
    archive.add(np.array([0]), np.array([[1.0, 2.0]]), np.zeros((1, 3)), 0)
    captures = archive.add(np.array([1]), np.array([[1.0, 2.5]]), np.zeros((1, 3)), 1)
    assert captures.cells.tolist() == [1]
    assert archive.ids.tolist() == [0, 1]
    assert archive.generations.tolist() == [0, 1]


def test_log_odds_beyond_the_saturation_of_probability_still_compete() -> None:
    archive = ClassArchive(1)
    for step, log_odds in enumerate([40.0, 41.0, 42.0]):  # p rounds to 1.0 in float64 for all three
        assert len(archive.add(np.array([step]), np.array([[log_odds]]), np.zeros((1, 1)), step)) == 1


def test_one_image_can_hold_every_cell_and_is_kept_once() -> None:
    archive = ClassArchive(1000)
    archive.add(np.arange(4), np.vstack([np.zeros((3, 1000)), np.ones((1, 1000))]), genomes_for(np.arange(4)), 0)
    assert set(archive.ids) == {3}
    assert len(set(archive._slots)) == 1


def test_argmax_only_lets_an_image_compete_for_its_top_class_alone() -> None:
    archive = ClassArchive(3)
    scores = np.array([[5.0, 1.0, 0.0], [4.0, 3.0, 0.0]])
    archive.add(np.arange(2), scores, np.zeros((2, 1)), 0, argmax_only(scores))
    assert archive.ids.tolist() == [0, EMPTY, EMPTY]
    assert archive.occupied.tolist() == [0]


def test_one_class_touches_one_cell() -> None:
    archive = ClassArchive(3)
    scores = np.array([[5.0, 1.0, 0.0], [4.0, 3.0, 0.0]])
    archive.add(np.arange(2), scores, np.zeros((2, 1)), 0, one_class(scores, 1))
    assert archive.ids.tolist() == [EMPTY, 1, EMPTY]


def test_an_empty_batch_changes_nothing() -> None:
    archive = ClassArchive(3)
    assert len(archive.add(np.empty(0, int), np.empty((0, 3)), np.empty((0, 5)), 0)) == 0
    with pytest.raises(LookupError):
        archive.genomes_of(np.array([0]))


@given(batches())
def test_a_restored_archive_goes_on_as_the_original(scores: list[np.ndarray]) -> None:
    classes = scores[0].shape[1]
    original = ClassArchive(classes)
    original.add(np.arange(len(scores[0])), scores[0], genomes_for(np.arange(len(scores[0]))), 3)
    cells = original.occupied
    copy = ClassArchive(classes)
    copy.restore(
        cells, original.ids[cells], original.log_odds[cells], original.generations[cells], original.genomes_of(cells)
    )
    assert np.array_equal(copy.generations, original.generations)
    for later in scores[1:]:
        ids = np.arange(len(later)) + 100
        for archive in (original, copy):
            archive.add(ids, later, genomes_for(ids), 4)
        assert np.array_equal(copy.ids, original.ids)
        assert np.array_equal(copy.genomes_of(cells), original.genomes_of(cells))
