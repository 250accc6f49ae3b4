"""Criteria of one's own and constraints: against what is built in, scikit-learn, and properties."""

import numba
import numpy as np
import pytest
from sklearn import tree as peer

import fasttree
from fasttree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    save,
)

WAYS = [{}, {"max_features": 3}, {"splitter": "random"}, {"max_leaf_nodes": 9}]


def table(n_rows=600, n_features=6, seed=0):
    X = np.random.default_rng(seed).normal(size=(n_rows, n_features))
    return X, X[:, 0] + X[:, 1] ** 2 - X[:, 2] + np.random.default_rng(seed + 1).normal(size=n_rows)


@numba.njit
def gini(sums, weight):
    impurity = 1.0
    for total in sums:
        impurity -= (total / weight) ** 2
    return impurity


@numba.njit
def variance(sums, weight):
    return sums[1] / weight - (sums[0] / weight) ** 2


@numba.njit
def mean_gini_of_two(sums, weight):
    """Outputs of two and three classes."""
    return gini(sums[:2], weight) / 2.0 + gini(sums[2:], weight) / 2.0


@numba.njit
def mean_variance_of_two(sums, weight):
    return (sums[2] + sums[3]) / weight / 2.0 - ((sums[0] / weight) ** 2 + (sums[1] / weight) ** 2) / 2.0


def assert_alike(own, built_in):
    np.testing.assert_array_equal(own.tree_.feature, built_in.tree_.feature)
    np.testing.assert_array_equal(own.tree_.threshold, built_in.tree_.threshold)
    np.testing.assert_allclose(own.tree_.value, built_in.tree_.value, atol=1e-12)
    np.testing.assert_allclose(own.tree_.impurity, built_in.tree_.impurity, atol=1e-12)


@pytest.mark.parametrize("options", WAYS)
@pytest.mark.parametrize("missing", [False, True])
def test_own_criterion_grows_the_tree_of_the_built_in_one(options, missing):
    X, y = table()
    if missing:
        X[::6, 0] = np.nan
    weight = np.random.default_rng(3).uniform(0.5, 2.0, size=len(y))
    options = {"min_samples_leaf": 15, "min_weight_fraction_leaf": 0.02, "random_state": 0} | options
    for n_classes in (2, 4):
        classes = np.digitize(y, np.quantile(y, np.linspace(0, 1, n_classes + 1)[1:-1]))
        own, built_in = (DecisionTreeClassifier(criterion=c, **options).fit(X, classes, weight) for c in (gini, "gini"))
        assert_alike(own, built_in)
    assert_alike(*(DecisionTreeRegressor(criterion=c, **options).fit(X, y, weight) for c in (variance, "squared_error")))


def test_own_criterion_of_several_outputs():
    X, y = table()
    classes = np.column_stack([y > 0, np.digitize(X[:, 3], [-0.5, 0.5])])
    options = {"min_samples_leaf": 15}
    assert_alike(*(DecisionTreeClassifier(criterion=c, **options).fit(X, classes) for c in (mean_gini_of_two, "gini")))
    numbers = np.column_stack([y, X[:, 3] + y / 2])
    assert_alike(*(DecisionTreeRegressor(criterion=c, **options).fit(X, numbers) for c in (mean_variance_of_two, "squared_error")))


def test_own_criterion_in_forests():
    X, y = table(300)
    for kind in (RandomForestClassifier, ExtraTreesClassifier):
        own, built_in = (kind(5, criterion=c, min_samples_leaf=10, random_state=0, n_jobs=2).fit(X, y > 0) for c in (gini, "gini"))
        np.testing.assert_allclose(own.predict_proba(X), built_in.predict_proba(X))


def test_a_plain_function_is_compiled():
    X, y = table(100)
    own = DecisionTreeClassifier(criterion=lambda sums, weight: 1.0 - np.sum((sums / weight) ** 2), max_depth=3)
    assert_alike(own.fit(X, y > 0), DecisionTreeClassifier(max_depth=3).fit(X, y > 0))
    with pytest.raises(TypeError, match="criterion"):
        save(own, "nowhere")


@numba.njit
def picky(sums, weight):
    if sums[0] < -1e-9:
        raise ValueError("a sum is negative")
    return sums[1] / weight - (sums[0] / weight) ** 2


@pytest.mark.parametrize("options", [{}, {"max_features": 2}, {"splitter": "random"}])
def test_an_own_criterion_that_raises_stops_the_fit(options):
    X, y = table(60)
    with pytest.raises(ValueError, match=r"criterion=.*picky.* raised an exception"):
        DecisionTreeRegressor(criterion=picky, random_state=0, **options).fit(X, y - y.mean() + 0.1)
    DecisionTreeRegressor(criterion=picky, random_state=0, **options).fit(X, y - y.min())


@numba.njit
def lost_at_the_root(sums, weight):
    return variance(sums, weight) if weight < 60.0 else np.nan


def test_an_own_criterion_must_be_finite():
    with pytest.raises(ValueError, match=r"gave nan for sums .* and weight 60\.0"):
        DecisionTreeRegressor(criterion=lost_at_the_root).fit(*table(60))


@numba.njit
def lost_below(sums, weight):
    return variance(sums, weight) if weight > 30.0 else np.nan


@pytest.mark.parametrize("options", [{}, {"splitter": "random"}, {"categorical_features": [0, 1, 2, 3, 4, 5]}])
def test_an_own_criterion_must_give_numbers_for_what_is_tried(options):
    with pytest.raises(ValueError, match="gave NaN for a split that was tried"):
        DecisionTreeRegressor(criterion=lost_below, max_depth=1, random_state=0, **options).fit(*table(60))


MODELS = [
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    RandomForestClassifier,
    ExtraTreesClassifier,
    RandomForestRegressor,
    ExtraTreesRegressor,
]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("options", [{}, {"max_leaf_nodes": 40}, {"max_features": 2}])
@pytest.mark.parametrize("missing", [False, True])
def test_constrained_predictions_are_monotonic(model, options, missing):
    X, y = table()
    new = X[:50].copy()
    if missing:
        X[np.random.default_rng(0).random(X.shape) < 0.2] = np.nan
    options = (
        options
        | {"random_state": 0, "monotonic_cst": [1, -1, -1, 0, 0, 0]}
        | ({"n_estimators": 5} if "Forest" in model.__name__ or "Extra" in model.__name__ else {})
    )
    classifies = model.__name__.endswith("Classifier")
    for criterion in ("gini", "entropy") if classifies else ("squared_error", "absolute_error"):
        fitted = model(criterion=criterion, **options).fit(X, y > 0 if classifies else y)

        def predict(Z, fitted=fitted):
            return fitted.predict_proba(Z)[:, 1] if classifies else fitted.predict(Z)

        for feature, sign in ((0, 1), (1, -1), (2, -1)):
            steps = []
            for value in np.linspace(-3, 3, 25):
                new[:, feature], kept = value, new[:, feature].copy()
                steps.append(predict(new))
                new[:, feature] = kept
            assert (sign * np.diff(steps, axis=0) >= 0).all()
        if classifies:
            np.testing.assert_allclose(fitted.predict_proba(new).sum(axis=1), 1.0)


@pytest.mark.peer
@pytest.mark.parametrize("criterion", ["squared_error", "absolute_error"])
def test_constrained_tree_is_scikit_learns(criterion):
    X, y = table()
    X = X.astype(np.float32)
    options = {"monotonic_cst": [1, -1, 0, 0, 1, 0], "min_samples_leaf": 20, "criterion": criterion}
    weight = np.random.default_rng(2).uniform(0.5, 2.0, size=len(y))  # unequal: sums of distances tie otherwise
    ours, theirs = (kind.DecisionTreeRegressor(random_state=0, **options).fit(X, y, weight) for kind in (fasttree, peer))
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X))


def test_one_class_fulfils_any_constraint():
    for model in (DecisionTreeClassifier(monotonic_cst=[1]), RandomForestClassifier(2, monotonic_cst=[1])):
        assert model.fit([[0.0], [1.0]], ["a", "a"]).predict_proba([[0.5]]).tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("signs", "y", "message"),
    [
        ([1, 0], [0, 1, 0], "shape 2 but the input data X has 3"),
        ([2, 0, 0], [0, 1, 0], "array-like of -1, 0 or 1, but got"),
        ({"a": 1}, [0, 1, 0], "one for each feature, but got {'a': 1}"),
        ([1, 0, 0], [0, 1, 2], "not supported with multiclass"),
        ([1, 0, 0], [[0, 1], [1, 0], [0, 0]], "not supported with multiple outputs"),
    ],
)
def test_constraints_that_make_no_sense_are_refused(signs, y, message):
    for model in (DecisionTreeClassifier(monotonic_cst=signs), RandomForestClassifier(2, monotonic_cst=signs)):
        with pytest.raises(ValueError, match=message):
            model.fit(np.eye(3), y)
