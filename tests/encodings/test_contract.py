"""The project's encodings keep the contract of encodings, and the contract tells what does not."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from support import broken_promises

from evo_fool.encodings import build_encoding
from evo_fool.encodings.base import Encoding, Genomes, Images, Operator
from evo_fool.errors import GenomeError
from evo_fool.randomness import Stream
from evo_fool.sections import CppnConfig, PixelsConfig, SpectralConfig
from evo_fool.testing import EncodingContract


class TestPixels(EncodingContract):
    @pytest.fixture(params=[{}, {"mutation": "bounded"}, {"colour": "rgb"}, {"colour": "hls"}, {"size": 11}], ids=str)
    def encoding(self, request: pytest.FixtureRequest) -> Encoding:
        channels = 3 if "colour" in request.param else 1
        return build_encoding(PixelsConfig(kind="pixels", **request.param), size=8, channels=channels)


class TestCppn(EncodingContract):
    @pytest.fixture(
        params=[{}, {"colour": "hsv"}, {"colour": "hls"}, {"coordinates": "pixel"}, {"max_nodes": 6, "max_links": 14}],
        ids=str,
    )
    def encoding(self, request: pytest.FixtureRequest) -> Encoding:
        channels = 3 if "colour" in request.param else 1
        return build_encoding(CppnConfig(kind="cppn", **request.param), size=8, channels=channels)


class TestCppnOnADevice(EncodingContract):
    """Drawn by torch, here on the CPU's own device, as a GPU would."""

    @pytest.fixture
    def encoding(self) -> Encoding:
        return build_encoding(CppnConfig(kind="cppn"), size=8, channels=3, device="cpu:0")


class TestSpectral(EncodingContract):
    @pytest.fixture(params=[{}, {"colour": "hsv"}, {"colour": "rgb"}, {"grid": 1}], ids=str)
    def encoding(self, request: pytest.FixtureRequest) -> Encoding:
        channels = 3 if "colour" in request.param else 2 if "grid" in request.param else 1
        return build_encoding(
            SpectralConfig(kind="spectral", **({"grid": 4} | request.param)), size=8, channels=channels
        )


class Bytes(Encoding):
    """A toy that keeps the contract: every pixel of a 4x4 grey image is a gene of one byte."""

    codec = "bytes/1"
    can_mate = True
    resizable = False
    channels, size = 1, 4

    def __init__(self) -> None:
        pass

    def random(self, n: int, rng: Stream) -> Genomes:
        return rng.integers(0, 256, (n, 16), dtype=np.uint8)

    def mutate(self, genomes: Genomes, rng: Stream, generation: int) -> Genomes:
        return genomes + (rng.random(genomes.shape) < 0.2).astype(np.uint8)

    def mate(self, first: Genomes, second: Genomes, rng: Stream) -> tuple[Genomes, Genomes]:
        swap = rng.random(first.shape) < 0.5
        return np.where(swap, second, first), np.where(swap, first, second)

    def ascend(self, genomes: Genomes, slopes: np.ndarray, rng: Stream) -> Genomes:
        steps = rng.integers(1, 9, (len(genomes), 1)) * np.sign(slopes.reshape(genomes.shape))
        return np.clip(genomes + steps, 0, 255).astype(np.uint8)

    def render(self, genomes: Genomes, size: int | None = None) -> Images:
        if size not in (None, 4):
            return super().mate(genomes, genomes, None)  # type: ignore[arg-type, return-value]  # raises ConfigError
        return genomes.reshape(-1, 1, 4, 4).copy()

    def encode(self, genome: Any) -> bytes:
        return np.ascontiguousarray(genome).tobytes()

    def decode(self, data: bytes) -> Genomes:
        if len(data) != 16:
            raise GenomeError(f"{len(data)} bytes")
        return np.frombuffer(data, np.uint8).reshape(1, 16)

    def describe(self, genome: Any) -> dict[str, Any]:
        return {"genes": genome.tolist()}

    def genome_object(self, genome: Any) -> Any:
        return genome.copy()


def mutate_in_place(self: Bytes, genomes: Genomes, rng: Stream, generation: int) -> Genomes:
    genomes += 1
    return genomes


def vary_nothing(self: Bytes, operator: Operator, genomes: Genomes, rng: Stream, generation: int) -> Genomes:
    return genomes.copy() if operator.name == "other" else self.mutate(genomes, rng, generation)


def mate_once(self: Bytes, first: Genomes, second: Genomes, rng: Stream) -> tuple[Genomes, Genomes]:
    return Bytes.mate(self, first, second, rng)[0], second


def lazily(data: bytes) -> Genomes:
    try:
        return np.frombuffer(pickle.loads(data), np.uint8).reshape(1, 16)
    except Exception as error:
        raise GenomeError("not a pickle") from error


BREAKAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "no version": ("the_codec_has_a_name_and_a_version", {"codec": "bytes"}),
    "one too many": (
        "random_makes_as_many_genomes_as_asked",
        {"random": lambda self, n, rng: Bytes.random(self, n + 1, rng)},
    ),
    "objects": (
        "random_makes_as_many_genomes_as_asked",
        {"random": lambda self, n, rng: Bytes.random(self, n, rng).astype(object)},
    ),
    "own random numbers": (
        "random_is_a_function_of_its_stream",
        {"random": lambda self, n, rng: Bytes.random(self, n, np.random.default_rng())},
    ),
    "no random numbers": (
        "random_is_a_function_of_its_stream",
        {"random": lambda self, n, rng: Bytes.random(self, n, np.random.default_rng(1))},
    ),
    "own random mutations": (
        "mutation_is_a_function_of_genomes_stream_and_generation",
        {"mutate": lambda self, genomes, rng, g: Bytes.mutate(self, genomes, np.random.default_rng(), g)},
    ),
    "mutation in place": ("mutation_returns_changed_copies", {"mutate": mutate_in_place}),
    "mutation of nothing": (
        "mutation_returns_changed_copies",
        {"mutate": lambda self, genomes, rng, g: genomes.copy()},
    ),
    "mutation to float": (
        "mutation_returns_changed_copies",
        {"mutate": lambda self, genomes, rng, g: Bytes.mutate(self, genomes, rng, g).astype(np.float32)},
    ),
    "operators of one name": (
        "operators_are_ways_to_mutate",
        {"operators": (Operator("default"), Operator("default"))},
    ),
    "an operator that does nothing": (
        "operators_are_ways_to_mutate",
        {"operators": (Operator("default"), Operator("other")), "vary": vary_nothing},
    ),
    "crossover without mates": (
        "operators_are_ways_to_mutate",
        {"operators": (Operator("default"), Operator("crossover", mates=True)), "can_mate": False},
    ),
    "one child a pair": ("mating_returns_two_new_children_a_pair", {"mate": mate_once}),
    "a crossover that is denied": ("mating_returns_two_new_children_a_pair", {"can_mate": False}),
    "a step in place": ("steps_uphill_are_copies_or_refused", {"ascend": lambda self, genomes, slopes, rng: genomes}),
    "a step where it is flat": (
        "steps_uphill_are_copies_or_refused",
        {"ascend": lambda self, genomes, slopes, rng: Bytes.ascend(self, genomes, slopes + 1, rng)},
    ),
    "floats for images": (
        "images_are_bytes_of_the_right_shape",
        {"render": lambda self, genomes, size=None: Bytes.render(self, genomes, size) / 255},
    ),
    "another shape": (
        "images_are_bytes_of_the_right_shape",
        {"render": lambda self, genomes, size=None: Bytes.render(self, genomes, size)[..., :3, :3]},
    ),
    "always black": (
        "images_show_their_genomes",
        {"render": lambda self, genomes, size=None: 0 * Bytes.render(self, genomes, size)},
    ),
    "images of neighbours": (
        "an_image_depends_on_its_genome_alone",
        {"render": lambda self, genomes, size=None: Bytes.render(self, np.sort(genomes, axis=0), size)},
    ),
    "draws something else": (
        "draw_is_render_at_the_scored_size",
        {"draw": lambda self, genomes: 255 - self.render(genomes)},
    ),
    "any size": (
        "other_sizes_are_drawn_or_refused",
        {"render": lambda self, genomes, size=None: Bytes.render(self, genomes)},
    ),
    "not resizable after all": (
        "other_sizes_are_drawn_or_refused",
        {"render": lambda self, genomes, size=None: Bytes.render(self, genomes), "resizable": True},
    ),
    "loses a bit": ("bytes_come_back", {"decode": lambda self, data: Bytes.decode(self, data) & 254}),
    "bytes of the place in memory": (
        "equal_genomes_have_equal_bytes",
        {"encode": lambda self, genome: Bytes.encode(self, genome) + str(genome.ctypes.data).encode()},
    ),
    "takes any length": (
        "damaged_bytes_are_refused",
        {"decode": lambda self, data: Bytes.decode(self, (data + bytes(16))[:16])},
    ),
    "another error": (
        "damaged_bytes_are_refused",
        {"decode": lambda self, data: np.frombuffer(data, np.uint8).reshape(1, 16)},
    ),
    "pickles": ("pickles_are_not_executed", {"decode": lambda self, data: lazily(data)}),
    "numbers of numpy": ("descriptions_are_json", {"describe": lambda self, genome: {"first": genome[0]}}),
    "hands out a view": ("the_object_of_a_genome_is_a_copy", {"genome_object": lambda self, genome: genome}),
}


def test_a_toy_keeps_the_contract() -> None:
    assert broken_promises(EncodingContract, encoding=Bytes()) == set()


@pytest.mark.parametrize("what", BREAKAGES)
def test_a_broken_encoding_is_noticed(what: str) -> None:
    promise, change = BREAKAGES[what]
    assert promise in broken_promises(EncodingContract, encoding=type("Broken", (Bytes,), change)())


def test_every_promise_can_be_broken() -> None:
    promises = {name.removeprefix("test_") for name in dir(EncodingContract) if name.startswith("test_")}
    assert promises == {promise for promise, _ in BREAKAGES.values()}
