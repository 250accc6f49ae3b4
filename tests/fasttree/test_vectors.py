"""Vectors against arrays, lane by lane."""

import numpy as np
import pytest

from fasttree._jit import njit
from fasttree._jit_vector import LANES, cast, greatest, load, pack, splat, store, where


@njit(_nrt=False)
def compute(a, b, doubles, out):
    """One row of `out` for each operation on the first lanes of `a` and the last of `b`; `doubles` is of the other kind of float."""
    x, y, last = load(a, 0), load(b, len(b) - LANES), len(b) - 1
    zero, one = splat(out, 0.0), splat(out, 1.0)
    flat = out.reshape(out.size)
    results = (x + y, x - y, x * y, x / y, pack(b[last], b[last - 1], b[last - 2], b[last - 3]))
    for i in range(len(results)):
        store(flat, i * LANES, cast(out, results[i]))
    truths = (x < y, x <= y, (x <= y) & (y <= x))
    for i in range(len(truths)):
        store(flat, (len(results) + i) * LANES, where(truths[i], one, zero))
    store(flat, (len(results) + len(truths)) * LANES, cast(out, cast(doubles, x)))
    return greatest(x)


@pytest.mark.parametrize(("dtype", "other"), [(np.float32, np.float64), (np.float64, np.float32)])
def test_vectors_are_arrays_lane_by_lane(dtype, other):
    random = np.random.default_rng(0)
    for case in range(50):
        a, b = random.normal(size=(2, 9)).round(case % 2).astype(dtype)
        if case % 5 == 0:
            a[random.integers(LANES)] = b[-1] = np.nan
        if case % 7 == 0:
            b[-LANES:] = a[:LANES]
        out = np.zeros((9, LANES))
        with np.errstate(all="ignore"):
            found = compute(a, b, np.empty(1, other), out)
            x, y = a[:LANES], b[-LANES:]
            expected = [x + y, x - y, x * y, x / y, y[::-1], x < y, x <= y, x == y, x.astype(other)]
        np.testing.assert_array_equal(out, np.array([row.astype(np.float64) for row in expected]))
        if not np.isnan(x).any():
            assert found == x.max()
