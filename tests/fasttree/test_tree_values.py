"""Trees of many rows search large nodes by the values themselves: kernels against plain Python, trees against those that are presorted."""

import tracemalloc
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fasttree import DecisionTreeClassifier, DecisionTreeRegressor
from fasttree._growth_plan import table_of
from fasttree._splitting_bound import N_BUCKETS
from fasttree._splitting_encode import encode, room_to_sort
from fasttree._splitting_values import MIDDLE, find_buckets, measure_spread, part_values, rank_rows

FINITE = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -0.0, 1.0, -1.0, 5e-324, -5e-324, 1.7e308, -1.7e308])


@settings(deadline=None, max_examples=200)
@given(st.lists(FINITE, min_size=1, max_size=40), FINITE, st.floats(5e-324, 4e307))
def test_buckets_have_the_order_of_the_values(values, middle, width):
    values = np.sort([*values, middle])
    buckets = np.empty(len(values), dtype=np.int32)
    find_buckets(values, middle, width, buckets)
    assert np.all(np.diff(buckets) >= 0) and np.all((buckets >= 0) & (buckets < N_BUCKETS))
    assert ((buckets == MIDDLE) == (values == middle)).all()


@settings(deadline=None, max_examples=50)
@given(st.lists(st.lists(FINITE, min_size=2, max_size=2), min_size=1, max_size=40))
def test_widths_are_positive_whatever_the_values(rows):
    spread = measure_spread(np.array(rows))
    assert np.isfinite(spread.middle).all() and np.isfinite(spread.width).all() and (spread.width > 0.0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_of_a_table_are_ranked_as_a_table_of_their_own(dtype, order):
    random = np.random.default_rng(0)
    X = np.require(random.normal(size=(300, 5)).round(1), dtype, [order])
    rows = np.flatnonzero(random.random(300) < 0.4).astype(np.uint32)
    codes, room = np.empty((5, len(rows)), dtype=np.uint32), room_to_sort(len(rows), 300)
    rank_rows(table_of(X), rows, True, codes, room["cells"], room["bits"], room["values"], room["order"], room["counts"])
    np.testing.assert_array_equal(codes, encode(X[rows], packed=True))


def test_rows_are_parted_beside_a_value():
    x, rows = np.array([3.0, 1.0, 2.0, 1.0, 2.0, 0.0, 9.0]), np.array([0, 1, 2, 3, 4, 6], dtype=np.uint32)
    goes_left = np.empty(6, dtype=np.uint8)
    low, high, n_left = part_values(table_of(x[:, None]), rows, 0, 1.0, goes_left)
    assert (low, high, n_left, goes_left.tolist()) == (3, 2, 2, [0, 1, 0, 1, 0, 0])


def skewed(n_rows=4000):
    """Features of heavy tails, few values, mostly zeros, one far outlier, huge and tiny numbers; one is another's multiple."""
    random = np.random.default_rng(0)
    Z = random.normal(size=(n_rows, 9))
    y = Z[:, :7] @ random.normal(size=7) + random.normal(size=n_rows)
    X = Z.copy()
    X[:, 0], X[:, 1], X[:, 2] = np.tan(1.5 * np.tanh(Z[:, 0])) ** 3, np.exp(3 * Z[:, 1]), np.where(np.abs(Z[:, 2]) < 1.3, 0.0, Z[:, 2])
    X[:, 3], X[7, 4], X[:, 5], X[:, 6] = Z[:, 3].round(1), 1e30, Z[:, 5] * 1e300, 1e3 + Z[:, 6].round(2)
    X[:, 7], X[:, 8] = 3.0 * X[:, 6], -0.0
    return X, y


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
def test_trees_on_any_distribution_are_those_that_are_presorted(dtype, weighted):
    X, y = skewed()
    X[:, 5] *= 1.0 if dtype == np.float64 else 1e-300
    X, weight = X.astype(dtype), np.random.default_rng(1).random(len(X)) if weighted else None
    for estimator, target in ((DecisionTreeClassifier(min_samples_leaf=3), y > 0), (DecisionTreeRegressor(min_samples_leaf=3), y)):
        trees = []
        for n_sorted in (len(X), 50, 700):
            with mock.patch("fasttree._growth_plan.n_sorted_rows", return_value=n_sorted):
                trees.append(estimator.fit(X, target, weight).tree_)
        for tree in trees[1:]:
            for name in ("children_left", "children_right", "feature", "threshold", "n_node_samples", "missing_go_to_left"):
                np.testing.assert_array_equal(getattr(tree, name), getattr(trees[0], name), err_msg=name)
            np.testing.assert_allclose(tree.value, trees[0].value, rtol=1e-9, atol=1e-12)


def test_trees_are_the_same_whatever_the_layout():
    X, y = skewed()
    expected = DecisionTreeRegressor().fit(X, y).tree_
    fixed = X.copy()
    fixed.setflags(write=False)
    gap = X.copy()
    gap[0, 8] = np.nan  # by codes, for a value is missing
    with mock.patch("fasttree._growth_plan.n_sorted_rows", return_value=100):
        for other in (X, np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2], fixed, gap):
            tree = DecisionTreeRegressor().fit(other, y).tree_
            np.testing.assert_array_equal(tree.threshold, expected.threshold)
            np.testing.assert_allclose(tree.value, expected.value, rtol=1e-9, atol=1e-12)


def test_a_tree_of_many_rows_takes_less_memory_than_codes_would():
    X = np.random.default_rng(0).normal(size=(40_000, 100)).astype(np.float32)
    estimator = DecisionTreeClassifier(max_depth=3)
    estimator.fit(X, X[:, 0] > 0)
    tracemalloc.start()
    estimator.fit(X, X[:, 0] + X[:, 1] > 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.nbytes / 2
