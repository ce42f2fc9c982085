"""A name for arrays must change with every value, type and shape."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from evo_fool.studies.array_digest import array_digest


@given(st.lists(st.integers(0, 255), min_size=1, max_size=12), st.data())
def test_it_changes_with_any_value(values: list[int], data: st.DataObject) -> None:
    array = np.array(values, np.uint8)
    other = array.copy()
    other[data.draw(st.integers(0, len(values) - 1))] ^= 1
    assert array_digest(array) != array_digest(other)
    assert array_digest(array) == array_digest(array.copy()) == array_digest(torch.from_numpy(array))


def test_it_changes_with_type_shape_and_number() -> None:
    array = np.zeros(4, np.uint8)
    others = [array.view(np.int8), array.reshape(2, 2), array[:2], np.zeros(1, np.uint32)]
    names = {array_digest(array), array_digest(array, None), array_digest(), *(array_digest(other) for other in others)}
    assert len(names) == 3 + len(others)
    assert array_digest(array[:2], array[2:]) != array_digest(array)
