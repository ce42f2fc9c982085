"""Finding a class by whatever people call it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evo_fool.class_names import ClassNames
from evo_fool.errors import UnknownClassError

NAMES = ClassNames(
    ["cardigan", "Cardigan", "crane bird", "crane", "remote control", "7"],
    [["n02963159"], ["n02113186", "Cardigan Welsh corgi"], ["n02012849", "crane"], ["n03126707"], ["remote"], []],
)


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("remote control", 4),
        ("Remote_Control ", 4),
        ("REMOTE", 4),
        ("n03126707", 3),
        ("N02012849", 2),
        ("crane", 3),  # its name; of "crane bird" it is another name only
        ("Crane", 3),
        ("cardigan", 0),
        ("Cardigan", 1),
        ("cardigan  welsh corgi", 1),
        ("7", 5),  # a name before an index
        ("2", 2),
        (0, 0),
    ],
)
def test_found(text: str | int, index: int) -> None:
    assert NAMES.find(text) == index


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("CARDIGAN", "may be 0 cardigan or 1 Cardigan; give the index or full name"),
        ("remot control", "did you mean 'remote control'"),
        ("n0312670", "did you mean 'crane'"),
        ("submarine", "no such class; give an index from 0 to 5 or a name"),
        ("6", "classes 0 to 5"),
        (-1, "classes 0 to 5"),
        ("", "no such class"),
    ],
)
def test_not_found(text: str | int, message: str) -> None:
    with pytest.raises(UnknownClassError) as caught:
        NAMES.find(text)
    assert str(caught.value).startswith(f"class {text!r}")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, KeyError)


def test_many_candidates_are_counted() -> None:
    crowd = ClassNames([f"dog {i}" for i in range(9)], [["dog"]] * 9)
    with pytest.raises(UnknownClassError, match=r"0 dog 0 or 1 dog 1 or .* or 4 more"):
        crowd.find("dog")


@given(st.lists(st.text(min_size=1), min_size=1, unique=True))
def test_every_exact_name_is_found(names: list[str]) -> None:
    classes = ClassNames(names)
    assert [classes.find(name) for name in names] == list(range(len(names)))
