"""The contract of an :class:`~evo_fool.encodings.base.Encoding`."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from evo_fool.encodings.base import Encoding, Genomes, Images
from evo_fool.errors import ConfigError, GenomeError
from evo_fool.randomness import stream

N = 6
"""Genomes in a batch."""


class EncodingContract:
    """Override the fixture ``encoding``; keep its images small, such as 8x8, for the suite draws hundreds of them."""

    @pytest.fixture
    def encoding(self) -> Encoding:
        """The encoding under test."""
        raise NotImplementedError("override the fixture 'encoding'")

    def test_the_codec_has_a_name_and_a_version(self, encoding: Encoding) -> None:
        assert re.fullmatch(r"[\w.-]+/\d+", encoding.codec)

    def test_random_makes_as_many_genomes_as_asked(self, encoding: Encoding) -> None:
        for n in (0, 1, N):
            genomes = encoding.random(n, stream(1, "random"))
            assert isinstance(genomes, np.ndarray)
            assert len(genomes) == n
        assert not genomes.dtype.hasobject, "genes are numbers, not Python objects"

    def test_random_is_a_function_of_its_stream(self, encoding: Encoding) -> None:
        first, again, other = (encoding.random(N, stream(seed, "random")) for seed in (1, 1, 2))
        assert _encoded(encoding, first) == _encoded(encoding, again)
        assert _encoded(encoding, first) != _encoded(encoding, other)

    def test_mutation_is_a_function_of_genomes_stream_and_generation(self, encoding: Encoding) -> None:
        genomes = evolved(encoding)
        children = [encoding.mutate(genomes, stream(seed, "mutate"), 3) for seed in (1, 1)]
        assert _encoded(encoding, children[0]) == _encoded(encoding, children[1])

    def test_mutation_returns_changed_copies(self, encoding: Encoding) -> None:
        genomes = encoding.random(N, stream(1, "random"))
        children = unchanged(genomes, lambda: encoding.mutate(genomes, stream(1, "mutate"), 0))
        assert (children.shape, children.dtype) == (genomes.shape, genomes.dtype)
        assert not np.may_share_memory(children, genomes)
        assert len(encoding.mutate(genomes[:0], stream(1, "mutate"), 0)) == 0
        assert _encoded(encoding, evolved(encoding)) != _encoded(encoding, genomes), "thirty mutations change nothing"

    def test_operators_are_ways_to_mutate(self, encoding: Encoding) -> None:
        operators = encoding.operators
        names = [operator.name for operator in operators]
        assert len(set(names)) == len(names) > 0
        assert all(re.fullmatch(r"[\w+-]+", name) for name in names)
        assert all(0 < operator.expected_gain < np.inf for operator in operators)
        assert not operators[0].mates, "the first operator is mutation itself"
        genomes = evolved(encoding)
        mutated = _encoded(encoding, encoding.mutate(genomes, stream(1, "vary"), 3))
        assert _encoded(encoding, encoding.vary(operators[0], genomes, stream(1, "vary"), 3)) == mutated
        for operator in operators:
            if operator.mates:
                assert encoding.can_mate
                continue
            children = [
                unchanged(genomes, lambda o=operator: encoding.vary(o, genomes, stream(1, "vary"), 3))  # type: ignore[misc]
                for _ in range(2)
            ]
            assert (children[0].shape, children[0].dtype) == (genomes.shape, genomes.dtype)
            assert not np.may_share_memory(children[0], genomes)
            assert _encoded(encoding, children[0]) == _encoded(encoding, children[1])
            assert _encoded(encoding, children[0]) != _encoded(encoding, genomes), f"{operator.name} changes nothing"
            _assert_round_trip(encoding, children[0])
            assert len(encoding.vary(operator, genomes[:0], stream(1, "vary"), 3)) == 0

    def test_mating_returns_two_new_children_a_pair(self, encoding: Encoding) -> None:
        first, second = evolved(encoding, 1), evolved(encoding, 2)
        if not encoding.can_mate:
            with pytest.raises(ConfigError):
                encoding.mate(first, second, stream(1, "mate"))
            return
        pairs = [
            unchanged(first, lambda: unchanged(second, lambda: encoding.mate(first, second, stream(1, "mate"))))
            for _ in range(2)
        ]
        for children, again in zip(*pairs, strict=True):
            assert (children.shape, children.dtype) == (first.shape, first.dtype)
            assert not any(np.may_share_memory(children, parents) for parents in (first, second))
            assert _encoded(encoding, children) == _encoded(encoding, again)
            _assert_round_trip(encoding, children)
        crossed = _encoded(encoding, np.concatenate(pairs[0]))
        assert crossed != _encoded(encoding, np.concatenate([first, second])), "mating changes nothing"

    def test_steps_uphill_are_copies_or_refused(self, encoding: Encoding) -> None:
        genomes = evolved(encoding)
        slopes = stream(1, "slopes").normal(size=render(encoding, genomes).shape).astype(np.float32)
        try:
            encoding.ascend(genomes, slopes, stream(1, "ascend"))
        except ConfigError as error:
            assert "\n" not in str(error)
            return
        children = [unchanged(genomes, lambda: encoding.ascend(genomes, slopes, stream(1, "ascend"))) for _ in range(2)]
        assert (children[0].shape, children[0].dtype) == (genomes.shape, genomes.dtype)
        assert not np.may_share_memory(children[0], genomes)
        assert _encoded(encoding, children[0]) == _encoded(encoding, children[1])
        assert _encoded(encoding, children[0]) != _encoded(encoding, genomes), "a step changes nothing"
        _assert_round_trip(encoding, children[0])
        flat = encoding.ascend(genomes, np.zeros_like(slopes), stream(1, "ascend"))
        assert _encoded(encoding, flat) == _encoded(encoding, genomes), "where nothing rises, nothing moves"
        assert len(encoding.ascend(genomes[:0], slopes[:0], stream(1, "ascend"))) == 0

    def test_images_are_bytes_of_the_right_shape(self, encoding: Encoding) -> None:
        images = render(encoding, evolved(encoding))
        assert images.dtype == np.uint8
        assert images.shape[:2] == (N, encoding.channels)
        assert max(images.shape[2:]) == encoding.size
        assert render(encoding, encoding.random(0, stream(1, "none"))).shape == (0, *images.shape[1:])

    def test_images_show_their_genomes(self, encoding: Encoding) -> None:
        images = render(encoding, np.concatenate([evolved(encoding, seed) for seed in (1, 2)]))
        assert len(np.unique(images.reshape(2 * N, -1), axis=0)) > 1

    def test_an_image_depends_on_its_genome_alone(self, encoding: Encoding) -> None:
        genomes = evolved(encoding)
        images = unchanged(genomes, lambda: render(encoding, genomes))
        assert np.array_equal(render(encoding, genomes), images)
        for rows in ([3], [1, 4], [5, 4, 3, 2, 1, 0], [0, 0, 2]):
            assert np.array_equal(render(encoding, genomes[rows]), images[rows])
        assert np.array_equal(render(encoding, genomes[::2]), images[::2])

    def test_draw_is_render_at_the_scored_size(self, encoding: Encoding) -> None:
        genomes = evolved(encoding)
        drawn: Any = encoding.draw(genomes)
        drawn = drawn.cpu().numpy() if hasattr(drawn, "cpu") else drawn
        assert drawn.dtype == np.uint8
        assert np.array_equal(drawn, render(encoding, genomes))
        assert np.array_equal(drawn, encoding.render(genomes, encoding.size))

    def test_other_sizes_are_drawn_or_refused(self, encoding: Encoding) -> None:
        genomes, size = evolved(encoding), 2 * encoding.size
        if not encoding.resizable:
            with pytest.raises(ConfigError):
                encoding.render(genomes, size)
            return
        images = encoding.render(genomes, size)
        assert images.dtype == np.uint8
        assert images.shape[:2] == (N, encoding.channels)
        assert max(images.shape[2:]) == size

    def test_bytes_come_back(self, encoding: Encoding) -> None:
        genomes = np.concatenate([encoding.random(N, stream(1, "random")), evolved(encoding)])
        unchanged(genomes, lambda: _assert_round_trip(encoding, genomes))

    def test_equal_genomes_have_equal_bytes(self, encoding: Encoding) -> None:
        genomes = evolved(encoding)
        assert _encoded(encoding, genomes.copy()) == _encoded(encoding, genomes)
        assert _encoded(encoding, genomes[::2]) == _encoded(encoding, genomes)[::2]

    def test_damaged_bytes_are_refused(self, encoding: Encoding) -> None:
        """A changed byte may make another genome; then it is one that :meth:`encode` writes in just these bytes."""
        data = encoding.encode(evolved(encoding)[0])
        for damaged in (b"", data[:-1], data[: len(data) // 2], data + b"\0", data + data):
            with pytest.raises(GenomeError):
                encoding.decode(damaged)
        rng = np.random.default_rng(1)
        for position in np.linspace(0, len(data) - 1, min(len(data), 100)).astype(int):
            for byte in (0, 127, 255, data[position] ^ 1 << int(rng.integers(8))):
                _assert_refused_or_valid(encoding, data[:position] + bytes([byte]) + data[position + 1 :])
        for length in (1, 7, 64, len(data)):
            _assert_refused_or_valid(encoding, rng.bytes(length))

    def test_pickles_are_not_executed(self, encoding: Encoding) -> None:
        _executed.clear()
        with pytest.raises(GenomeError):
            encoding.decode(pickle.dumps(_Payload()))
        assert not _executed

    def test_descriptions_are_json(self, encoding: Encoding) -> None:
        genomes = evolved(encoding)
        for genome in genomes:
            described = unchanged(genomes, lambda genome=genome: encoding.describe(genome))  # type: ignore[misc]
            assert isinstance(described, dict)
            assert json.loads(json.dumps(described, allow_nan=False)) == described

    def test_the_object_of_a_genome_is_a_copy(self, encoding: Encoding) -> None:
        genomes = evolved(encoding)
        made = unchanged(genomes, lambda: encoding.genome_object(genomes[0]))
        assert made is not None
        assert not (isinstance(made, np.ndarray) and np.may_share_memory(made, genomes))


def evolved(encoding: Encoding, seed: int = 1) -> Genomes:
    """A batch after thirty generations of mutation without selection."""
    genomes = encoding.random(N, stream(seed, "random"))
    for generation in range(30):
        genomes = encoding.mutate(genomes, stream(seed, "drift", generation), generation)
    return genomes


def render(encoding: Encoding, genomes: Genomes) -> Images:
    """The images at the scored size, which must be an array of four axes."""
    images = encoding.render(genomes)
    assert isinstance(images, np.ndarray)
    assert images.ndim == 4
    return images


def unchanged(genomes: Genomes, action: Callable[[], Any]) -> Any:
    """What ``action`` returns; it must leave ``genomes`` as they are."""
    before = genomes.tobytes()
    result = action()
    assert genomes.tobytes() == before, "the genomes that were passed in have been modified"
    return result


def _encoded(encoding: Encoding, genomes: Genomes) -> list[bytes]:
    return [encoding.encode(genome) for genome in genomes]


def _assert_round_trip(encoding: Encoding, genomes: Genomes) -> None:
    encoded = _encoded(encoding, genomes)
    assert all(type(data) is bytes for data in encoded)
    decoded = [encoding.decode(data) for data in encoded]
    assert all((one.shape, one.dtype) == ((1, *genomes.shape[1:]), genomes.dtype) for one in decoded)
    batch = np.concatenate(decoded)
    assert _encoded(encoding, batch) == encoded
    assert np.array_equal(render(encoding, batch), render(encoding, genomes))
    mutated = [_encoded(encoding, encoding.mutate(g, stream(1, "next"), 1)) for g in (batch, genomes)]
    assert mutated[0] == mutated[1], "a decoded genome mutates in another way than the one that was encoded"


def _assert_refused_or_valid(encoding: Encoding, data: bytes) -> None:
    try:
        genome = encoding.decode(data)
    except GenomeError:
        return
    assert encoding.encode(genome[0]) == data
    render(encoding, genome)
    encoding.mutate(genome, stream(1, "mutate"), 1)


_executed: list[str] = []


def _execute() -> None:
    _executed.append("unpickled")


class _Payload:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _execute, ()
