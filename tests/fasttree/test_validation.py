"""What callers give, checked and put in order."""

import numpy as np
import pytest

from fasttree._validation import encode_classes

COLUMNS = {
    "from zero": np.array([0, 1, 1, 0, 3]),
    "negative": np.array([-2, 0, -2, 1]),
    "one class": np.array([7, 7]),
    "bool": np.array([True, False, True]),
    "range of the type": np.repeat(np.array([-128, 127, 5], dtype=np.int8), 100),
    "the greatest numbers": np.array([2**64 - 1, 2**64 - 3, 2**64 - 1], dtype=np.uint64),
    "far apart": np.array([-(2**63), 2**63 - 1, 0]),
    "other bytes": np.array([3, 1, 3], dtype=">i4"),
    "floats": np.array([0.5, -1.0, 0.5]),
    "names": np.array(["b", "a", "b"]),
    "objects": np.array(["b", "a", "b"], dtype=object),
}


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_classes_are_numbered_as_numpy_does(kind, n_outputs):
    y = np.column_stack([COLUMNS[kind], COLUMNS[kind][::-1]][:n_outputs])
    classes, numbers = encode_classes(y)
    assert numbers.dtype == np.float64 and numbers.shape == y.shape
    for column, found, number in zip(y.T, classes, numbers.T, strict=True):
        expected, inverse = np.unique(column, return_inverse=True)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(number, inverse.ravel())
        assert found.dtype == expected.dtype
