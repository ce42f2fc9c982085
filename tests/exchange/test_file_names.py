"""File names carry a class and a claim, survive a round trip, and never carry anything else."""

from hypothesis import given
from hypothesis import strategies as st

from evo_fool.exchange.file_names import ImageName, layout_path, parse_folder_name, parse_image_name, stem
from evo_fool.text import probability_text

probabilities = st.floats(0, 1)


@given(probabilities)
def test_six_decimals_that_only_certainty_rounds_to_one(p: float) -> None:
    text = probability_text(p)
    assert len(text) == 8
    assert (text == "1.000000") == (p == 1)
    assert abs(float(text) - p) <= 1e-6


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n - 1), st.just(n))), probabilities)
def test_a_name_reads_back(place: tuple[int, int], p: float) -> None:
    index, classes = place
    name = stem(index, classes, p) + ".png"
    assert len(name.partition("_")[0]) == len(str(classes - 1))
    assert parse_image_name(name) == ImageName(index, float(probability_text(p)))


@given(st.integers(0, 10**6), st.integers(0, 10**6), probabilities)
def test_a_path_of_the_2015_layout_reads_back(generation: int, index: int, p: float) -> None:
    folder, name = layout_path(generation, index, p).split("/")
    assert parse_folder_name(folder) == generation
    assert parse_image_name(name) == ImageName(index, float(probability_text(p)), generation)


@given(st.text())
def test_any_other_name_is_none_and_no_error(name: str) -> None:
    parsed = parse_image_name(name)
    assert parsed is None or 0 <= parsed.probability <= 1


def test_names_that_are_almost_right_are_none() -> None:
    for name in (
        "3.png",
        "_0.5.png",
        "3_0.5.jpg",
        "3_0.5.png\n",
        "3_1.01.png",
        "3_nan.png",
        "3_..png",
        "-3_0.5.png",
        "٣_0.5.png",
        "map_3_0.5.png",
        "9999999999_0.5.png",
        "../3_0.5.png",
    ):
        assert parse_image_name(name) is None, name
    for name in ("map_gen_", "map_gen_1x", "map_gen_-1", "map_gen_9999999999", "Map_gen_1"):
        assert parse_folder_name(name) is None, name
