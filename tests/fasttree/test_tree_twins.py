"""Single trees against the plain twin, node for node, on small tables full of ties."""

from unittest import mock

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fasttree import DecisionTreeClassifier, DecisionTreeRegressor
from fasttree._tree_categories import members
from tests.naive import trees as naive

CLASSES = ["gini", "entropy"]
TARGETS = ["squared_error", "poisson", "absolute_error"]
NAN = float("nan")


def walk(tree, twin, check, node=0):
    """Call `check(node, twin)` for every node of both trees, which must have the same shape."""
    check(node, twin)
    if twin.split is None:
        assert tree.children_left[node] == -1
        return
    walk(tree, twin.left, check, tree.children_left[node])
    walk(tree, twin.right, check, tree.children_right[node])


def threshold_of(tree, node, X):
    """The threshold, or the set of the values of `X` that go left though they aren't missing."""
    feature = tree.feature[node]
    if not np.isnan(tree.threshold[node]):
        return tree.threshold[node]
    levels = sorted({row[feature] for row in X if row[feature] == row[feature]})
    return frozenset(value for value, left in zip(levels, members(tree.sets, node, feature), strict=True) if left)


def assert_same_tree(tree, twin, X):
    """Same splits, sizes, weights, impurities in every node."""

    def check(node, twin):
        if twin.split is not None:
            feature, threshold, missing_left = twin.split
            if isinstance(threshold, frozenset) and missing_left:  # with those that the node doesn't hold
                threshold |= {row[feature] for row in X if row[feature] == row[feature]} - {X[i][feature] for i in twin.rows}
            split = tree.feature[node], threshold_of(tree, node, X), bool(tree.missing_go_to_left[node])
            assert split == (feature, threshold, missing_left)
        assert tree.n_node_samples[node] == len(twin.rows)
        assert tree.weighted_n_node_samples[node] == float(twin.weight)
        assert tree.impurity[node] == pytest.approx(twin.impurity, abs=1e-12)

    walk(tree, twin, check)


@st.composite
def problems(draw, n_classes=2, n_outputs=1, least=1):
    """Small tables full of ties, with missing values and weights that may be zero."""
    n_rows, n_features = draw(st.integers(least, 9)), draw(st.integers(1, 3))
    value = st.one_of(st.integers(-2, 3).map(float), st.just(NAN)) if draw(st.booleans()) else st.integers(-2, 3).map(float)
    X = draw(st.lists(st.lists(value, min_size=n_features, max_size=n_features), min_size=n_rows, max_size=n_rows))
    targets = st.lists(st.integers(0, n_classes - 1), min_size=n_rows, max_size=n_rows)
    ys = [draw(targets) for _ in range(n_outputs)]
    weight = draw(st.lists(st.integers(0, 3), min_size=n_rows, max_size=n_rows).filter(any))
    rules = draw(st.fixed_dictionaries({"min_leaf": st.integers(1, 3), "min_split": st.integers(2, 4), "max_depth": st.integers(1, 5)}))
    rules["categorical"] = [feature for feature in range(n_features) if draw(st.booleans())]
    return X, ys, weight, rules


def fitted(estimator, X, ys, weight, rules):
    names = {
        "min_leaf": "min_samples_leaf",
        "min_split": "min_samples_split",
        "max_depth": "max_depth",
        "categorical": "categorical_features",
        "signs": "monotonic_cst",
    }
    estimator.set_params(**{names[name]: value for name, value in rules.items()})
    target = np.array(ys).T if len(ys) > 1 else ys[0]
    whole = estimator.fit(X, target, weight).tree_
    with mock.patch("fasttree._growth_plan.n_sorted_rows", return_value=3):  # grown by codes down to subtrees of three rows
        tree = estimator.fit(X, target, weight).tree_
    for name in ("children_left", "feature", "threshold", "missing_go_to_left", "n_node_samples"):
        np.testing.assert_array_equal(getattr(tree, name), getattr(whole, name))
    np.testing.assert_array_equal(tree.category_words, whole.category_words)
    return tree


@settings(deadline=None, max_examples=150)
@given(problems())
def test_two_classes_grow_the_twins_tree(problem):
    X, ys, weight, rules = problem
    assert_same_tree(fitted(DecisionTreeClassifier(), *problem), naive.grow(X, ys, weight, "gini", **rules), X)


@settings(deadline=None, max_examples=100)
@given(problems(), st.sampled_from(["gini", "squared_error"]))
def test_drawn_features_grow_the_twins_tree(problem, criterion):
    """One feature that varies, drawn until it is found."""
    X, ys, weight, rules = problem
    X = [[row[0], 7.0] for row in X]
    rules["categorical"] = [0] if 0 in rules["categorical"] else []
    kind = DecisionTreeClassifier if criterion == "gini" else DecisionTreeRegressor
    tree = fitted(kind(criterion=criterion, max_features=1, random_state=0), X, ys, weight, rules)
    assert_same_tree(tree, naive.grow(X, ys, weight, criterion, **rules), X)


@settings(deadline=None, max_examples=100)
@given(problems(), st.data(), st.sampled_from(["gini", "squared_error", "absolute_error"]))
def test_constrained_trees_are_the_twins(problem, data, criterion):
    X, ys, weight, rules = problem
    free = [feature in rules["categorical"] for feature in range(len(X[0]))]
    rules["signs"] = [0 if any_way else data.draw(st.integers(-1, 1)) for any_way in free]
    if criterion == "gini" and len({y for y, w in zip(ys[0], weight, strict=True)}) < 2:
        return
    kind = DecisionTreeClassifier if criterion == "gini" else DecisionTreeRegressor
    tree, twin = fitted(kind(criterion=criterion), *problem), naive.grow(X, ys, weight, criterion, **rules)
    assert_same_tree(tree, twin, X)

    def check(node, twin):
        expected = twin.value[0] if any(rules["signs"]) or criterion != "gini" else tree.value[node, 0]
        np.testing.assert_allclose(tree.value[node, 0], [float(v) for v in expected], atol=1e-12)

    walk(tree, twin, check)


A_TIE = (  # one category or all, without the missing values: the former, which is tried first
    [[NAN], [1.0], [0.0], [NAN], [2.0], [0.0], [NAN], [1.0]],
    [[0, 0, 0, 0, 0, 0, 1, 1]],
    [0, 2, 0, 0, 1, 0, 1, 2],
    {"min_leaf": 1, "min_split": 2, "max_depth": 1, "categorical": [0]},
)


@settings(deadline=None, max_examples=150)
@given(problems(n_classes=6), st.sampled_from(["squared_error", "absolute_error"]))
@example(A_TIE, "absolute_error")
def test_numbers_grow_the_twins_tree(problem, criterion):
    X, ys, weight, rules = problem
    tree, twin = fitted(DecisionTreeRegressor(criterion=criterion), *problem), naive.grow(X, ys, weight, criterion, **rules)
    assert_same_tree(tree, twin, X)
    walk(tree, twin, lambda node, twin: np.testing.assert_allclose(tree.value[node, 0], [float(v) for v in twin.value[0]], atol=1e-12))


def assert_greedy(tree, X, ys, weight, criterion, rules, n_all):
    """Every split brings as much as any could; leaves are leaves for a reason.

    Where sets of categories aren't searched exactly, a split brings as much as the sets that are surely tried, and no more than all.
    """
    X = np.asarray(X)

    def every_set(column):
        return [naive.every_set(sorted({value for value in column if value == value}))]

    best_may_be_missed = rules["categorical"] and criterion != "absolute_error" and not naive.is_exact(ys, criterion)

    def visit(node, rows, depth):
        total = sum(weight[i] for i in rows)
        own = naive.total_impurity(ys, weight, criterion, rows)
        assert tree.impurity[node] == pytest.approx(float(own), abs=1e-9)
        pure = all(len({y[i] for i in rows}) == 1 for y in ys)
        stop = pure or depth >= rules["max_depth"] or len(rows) < rules["min_split"]
        options = {"categorical": rules["categorical"]}
        best = None if stop else naive.best_split(X.tolist(), ys, weight, rows, criterion, rules["min_leaf"], 0, **options)
        most = best
        if best_may_be_missed and not stop:
            options["sets"] = every_set
            most = naive.best_split(X.tolist(), ys, weight, rows, criterion, rules["min_leaf"], 0, **options)
        if tree.children_left[node] == -1:
            assert best is None
            return
        feature, threshold, missing_left = tree.feature[node], threshold_of(tree, node, X.tolist()), tree.missing_go_to_left[node]
        left = [i for i in rows if naive.goes_left(X[i, feature], threshold, missing_left)]
        right = [i for i in rows if i not in left]
        brought = total * own - sum(
            sum(weight[i] for i in part) * naive.total_impurity(ys, weight, criterion, part) for part in (left, right)
        )
        assert (float(best[0]) if best else 0.0) - 1e-9 <= brought <= float(most[0]) + 1e-9
        visit(tree.children_left[node], left, depth + 1)
        visit(tree.children_right[node], right, depth + 1)

    visit(0, [i for i in range(n_all) if weight[i]], 0)


@settings(deadline=None, max_examples=60)
@given(st.data(), st.sampled_from(CLASSES), st.integers(1, 2), st.integers(2, 4))
def test_every_split_of_classes_is_a_best_one(data, criterion, n_outputs, n_classes):
    X, ys, weight, rules = data.draw(problems(n_classes=n_classes, n_outputs=n_outputs))
    tree = fitted(DecisionTreeClassifier(criterion=criterion), X, ys, weight, rules)
    assert_greedy(tree, X, ys, weight, criterion, rules, len(X))


@settings(deadline=None, max_examples=60)
@given(st.data(), st.sampled_from(TARGETS), st.integers(1, 2))
def test_every_split_of_numbers_is_a_best_one(data, criterion, n_outputs):
    X, ys, weight, rules = data.draw(problems(n_classes=5, n_outputs=n_outputs))
    if criterion == "poisson" and any(sum(y[i] * weight[i] for i in range(len(y))) == 0 for y in ys):
        return
    tree = fitted(DecisionTreeRegressor(criterion=criterion), X, ys, weight, rules)
    assert_greedy(tree, X, ys, weight, criterion, rules, len(X))


@settings(deadline=None, max_examples=50)
@given(problems(n_classes=4), st.floats(0.0, 0.5))
def test_pruned_trees_are_the_cheapest_subtrees(problem, alpha):
    """No subtree has less impurity plus `alpha` per leaf."""
    whole = fitted(DecisionTreeRegressor(), *problem)
    pruned = fitted(DecisionTreeRegressor(ccp_alpha=alpha), *problem)
    risk = whole.impurity * whole.weighted_n_node_samples / whole.weighted_n_node_samples[0]

    def cheapest(node):
        left, right = whole.children_left[node], whole.children_right[node]
        own = risk[node] + alpha
        return own if left == -1 else min(own, cheapest(left) + cheapest(right))

    leaves = pruned.children_left == -1
    shares = pruned.weighted_n_node_samples[leaves] / pruned.weighted_n_node_samples[0]
    assert np.sum(pruned.impurity[leaves] * shares + alpha) == pytest.approx(cheapest(0))
