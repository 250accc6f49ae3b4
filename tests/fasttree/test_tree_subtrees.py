"""Trees on all features grow by codes down to subtrees that are presorted: the trees must be those that are presorted from the root."""

from unittest import mock

import numba
import numpy as np
import pytest
from sklearn import tree as peer

from fasttree import DecisionTreeClassifier, DecisionTreeRegressor, RandomForestClassifier
from fasttree._growth_plan import n_sorted_rows
from fasttree._splitting_encode import MOST_PACKED

ALL = MOST_PACKED  # rows: all are presorted


def table(n_rows=3000, missing=False):
    """Numbers without ties, a column that repeats another, one with few values; classes and weights that add up exactly."""
    random = np.random.default_rng(0)
    X = random.normal(size=(n_rows, 6))
    X[:, 3], X[:, 4], X[:, 5] = X[:, 0], random.integers(0, 9, size=n_rows), 7.0
    if missing:
        X[::5, 0], X[::7, 4] = np.nan, np.nan
    y = np.digitize(np.nan_to_num(X[:, 0]) + X[:, 1] * X[:, 2] + random.normal(size=n_rows) / 2, [-1.0, 0.0, 1.0])
    return X, y, random.integers(0, 4, size=n_rows) / 2.0


@numba.njit
def variance(sums, weight):
    return sums[1] / weight - (sums[0] / weight) ** 2


def grown(n_sorted, estimator, X, y, weight=None):
    with mock.patch("fasttree._growth_plan.n_sorted_rows", return_value=n_sorted):
        return estimator.fit(X, y, weight).tree_


def assert_same(estimator, X, y, weight=None, n_sorted=(40, 2, 1500)):
    whole = grown(ALL, estimator, X, y, weight)
    for rows in n_sorted:
        tree = grown(rows, estimator, X, y, weight)
        for name in (*tree.NODE_ARRAYS[:4], "n_node_samples", "weighted_n_node_samples", "missing_go_to_left"):
            np.testing.assert_array_equal(getattr(tree, name), getattr(whole, name), err_msg=name)
        np.testing.assert_allclose(tree.value, whole.value, rtol=1e-12, atol=1e-12)
        np.testing.assert_array_equal(tree.category_words, whole.category_words)


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("criterion", "options"),
    [
        ("gini", {}),
        ("gini", {"min_samples_leaf": 20, "max_depth": 9}),
        ("gini", {"categorical_features": [4]}),
        ("gini", {"monotonic_cst": [1, 0, -1, 0, 0, 0]}),
        ("squared_error", {}),
        ("squared_error", {"min_impurity_decrease": 1e-4, "categorical_features": [4]}),
        ("absolute_error", {"min_samples_leaf": 5}),
        ("poisson", {"min_samples_leaf": 5, "categorical_features": [4]}),
        (variance, {"min_samples_leaf": 5}),
    ],
)
def test_subtrees_are_those_of_the_whole(criterion, options, weighted, missing):
    X, y, weight = table(missing=missing)
    if criterion == "gini":
        y = y > 1
    kind = DecisionTreeClassifier if criterion == "gini" else DecisionTreeRegressor
    assert_same(kind(criterion=criterion, **options), X, y, weight if weighted else None)


@pytest.mark.parametrize("criterion", ["gini", "entropy"])
def test_subtrees_of_many_classes_are_those_of_the_whole(criterion):
    X, y, weight = table(missing=True)
    assert_same(DecisionTreeClassifier(criterion=criterion, categorical_features=[4], min_samples_leaf=3), X, y, weight)
    assert_same(DecisionTreeClassifier(criterion=criterion), X, np.column_stack([y, X[:, 1] > 0]), weight)


@pytest.mark.parametrize("most_leaves", [2, 12, 200])
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize(
    ("criterion", "options"), [("gini", {}), ("entropy", {"categorical_features": [4]}), ("absolute_error", {"min_samples_leaf": 5})]
)
def test_trees_grown_best_first_are_those_of_the_whole(criterion, options, most_leaves, missing):
    X, y, _ = table(missing=missing)
    kind = DecisionTreeRegressor if criterion == "absolute_error" else DecisionTreeClassifier
    estimator = kind(criterion=criterion, max_leaf_nodes=most_leaves, random_state=0, **options)
    whole = grown(ALL, estimator, X, y)
    with mock.patch("fasttree._growth_plan.MOST_PACKED", 1000):  # fewer than there are rows: these go by codes
        for n_sorted in (16, 3000, 16 * 900):
            tree = grown(n_sorted, estimator, X, y)
            for name in ("feature", "threshold", "n_node_samples", "missing_go_to_left"):
                np.testing.assert_array_equal(getattr(tree, name), getattr(whole, name), err_msg=name)
            np.testing.assert_allclose(tree.value, whole.value, rtol=1e-12, atol=1e-12)
            np.testing.assert_array_equal(tree.category_words, whole.category_words)


def test_forests_on_all_features_share_their_codes():
    X, y, _ = table(600)
    first, second = (
        RandomForestClassifier(3, max_features=None, random_state=0),
        RandomForestClassifier(3, max_features=None, random_state=0, n_jobs=2),
    )
    with mock.patch("fasttree._growth_plan.n_sorted_rows", return_value=30):
        second.fit(X, y)
    for ours, other in zip(first.fit(X, y), second, strict=True):
        np.testing.assert_array_equal(ours.tree_.threshold, other.tree_.threshold)
        np.testing.assert_array_equal(ours.tree_.value, other.tree_.value)


@pytest.mark.peer
def test_a_tree_of_many_rows_is_scikit_learns():
    X = np.random.default_rng(0).normal(size=(4 * n_sorted_rows(10**6, 40), 40)).astype(np.float32)
    y = X[:, 0] + X[:, 1] * X[:, 2] + np.random.default_rng(1).normal(size=len(X))
    options = {"min_samples_leaf": 15, "max_features": None}
    ours, theirs = (kind(random_state=0, **options).fit(X, y).tree_ for kind in (DecisionTreeRegressor, peer.DecisionTreeRegressor))
    np.testing.assert_array_equal(ours.feature, theirs.feature)
    np.testing.assert_allclose(ours.threshold, theirs.threshold, rtol=1e-12)
    np.testing.assert_allclose(ours.value, theirs.value, rtol=1e-9, atol=1e-12)


def test_keys_of_presorted_rows_can_be_packed():
    assert n_sorted_rows(281, 774) >= 281
    assert n_sorted_rows(1000, 20_000) >= 1000
    assert max(n_sorted_rows(n_rows, n_features) for n_rows in (10, 10**5, 10**9) for n_features in (1, 20, 20_000)) == MOST_PACKED
