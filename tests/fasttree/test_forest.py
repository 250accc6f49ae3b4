"""Forests: against scikit-learn, and properties."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config, register_parallel_backend
from joblib._parallel_backends import ThreadingBackend
from sklearn import clone
from sklearn import ensemble as peer
from sklearn.exceptions import SkipTestWarning
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.utils.estimator_checks import check_estimator

import fasttree
from fasttree import (
    DecisionTreeClassifier,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

# What scikit-learn's own forests fail, for the same reason: rows are drawn in proportion to their weights.
FAILS_AS_PEER = {
    f"check_sample_weight_equivalence_on_{kind}_data": "drawing by weight isn't repeating rows" for kind in ("dense", "sparse")
}
RANDOM_FORESTS = [RandomForestClassifier, RandomForestRegressor]
FORESTS = [*RANDOM_FORESTS, ExtraTreesClassifier, ExtraTreesRegressor]


def table(n_rows=300, n_features=8, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n_rows, n_features)).astype(np.float32)
    return X, X[:, 0] + X[:, 1] * X[:, 2] + random.normal(size=n_rows) / 2


@pytest.mark.parametrize("forest", FORESTS)
def test_estimator_checks_of_scikit_learn(forest):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        check_estimator(forest(n_estimators=5), expected_failed_checks=FAILS_AS_PEER if forest in RANDOM_FORESTS else {})


@pytest.mark.parametrize("forest", FORESTS)
@pytest.mark.parametrize("max_features", ["sqrt", None])
def test_number_of_threads_changes_nothing(forest, max_features):
    X, y = table(9000, 8)  # large enough to encode and predict in several blocks
    y = (y > 0).astype(float)
    fits = [forest(7, max_features=max_features, max_depth=6, n_jobs=n, random_state=3).fit(X, y) for n in (1, 2, 7)]
    for other in fits[1:]:
        for first, second in zip(fits[0], other, strict=True):
            for name in first.tree_.NODE_ARRAYS:
                assert np.array_equal(getattr(first.tree_, name), getattr(second.tree_, name))
        assert np.array_equal(fits[0].predict(X), other.predict(X))


@pytest.mark.parametrize("n_rows", [300, 15_000])  # the smaller is laid out anew
def test_layout_of_the_values_changes_nothing(n_rows):
    X = np.random.default_rng(0).normal(size=(n_rows, 20)).astype(np.float32)
    y = X[:, 0] + X[:, 1] > 0
    fits = [ExtraTreesClassifier(2, random_state=0).fit(given, y) for given in (X, np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2])]
    for other in fits[1:]:
        for first, second in zip(fits[0], other, strict=True):
            assert all(np.array_equal(getattr(first.tree_, name), getattr(second.tree_, name)) for name in first.tree_.NODE_ARRAYS)


@pytest.mark.peer
def test_forest_on_all_features_is_scikit_learns():
    """With all features searched and leaves too large for ties, nothing but the bootstrap is drawn, and that in the same way."""
    X, y = table()
    options = {"n_estimators": 5, "min_samples_leaf": 20, "random_state": 7, "oob_score": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # rows without out-of-bag prediction
        ours = RandomForestRegressor(**options).fit(X, y)
        theirs = peer.RandomForestRegressor(**options).fit(X, y)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-9)
    np.testing.assert_allclose(ours.feature_importances_, theirs.feature_importances_)
    assert ours.oob_score_ == pytest.approx(theirs.oob_score_)
    assert all(np.array_equal(a, np.sort(b)) for a, b in zip(ours.estimators_samples_, theirs.estimators_samples_, strict=True))


@pytest.mark.peer
@pytest.mark.parametrize("options", [{}, {"criterion": "entropy", "class_weight": "balanced"}, {"bootstrap": True, "max_depth": 5}])
@pytest.mark.parametrize("name", ["RandomForestClassifier", "ExtraTreesClassifier"])
def test_scores_equal_scikit_learns_within_noise(name, options):
    X, y = table(400, 10)
    y = np.digitize(y, [-1, 1])
    ours, theirs = [], []
    for seed in range(10):
        order = np.random.default_rng(seed).permutation(len(y))
        fit, rest = order[:250], order[250:]
        for forest, scores in ((getattr(fasttree, name), ours), (getattr(peer, name), theirs)):
            scores.append(forest(30, random_state=seed, **options).fit(X[fit], y[fit]).score(X[rest], y[rest]))
    difference = np.subtract(ours, theirs)
    assert abs(difference.mean()) < 3 * difference.std(ddof=1) / np.sqrt(len(difference)) + 1e-3


@pytest.mark.data
def test_red_wine_reproduces_the_literature(data):
    """Good wine (quality at least 6) is told with 0.80 to 0.83 accuracy by a random forest."""
    wine = pd.read_csv(data / "tabular" / "winequality-red.csv", sep=";")
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    forest = RandomForestClassifier(random_state=0, n_jobs=2)
    accuracy = cross_val_score(forest, wine.drop(columns="quality"), wine["quality"] >= 6, cv=folds)
    assert 0.79 <= accuracy.mean() <= 0.85


def test_out_of_bag_rows_are_predicted_by_trees_that_did_not_see_them():
    X, y = table()
    forest = RandomForestClassifier(25, oob_score=True, random_state=0).fit(X, y > 0)
    row = 11
    unseen = [tree for tree, rows in zip(forest, forest.estimators_samples_, strict=True) if row not in rows]
    expected = np.mean([tree.predict_proba(X[[row]])[0] for tree in unseen], axis=0)
    np.testing.assert_allclose(forest.oob_decision_function_[row], expected)
    assert 0.6 < forest.oob_score_ < forest.score(X, y > 0)


@pytest.mark.parametrize("forest", FORESTS)
def test_each_tree_can_be_grown_again(forest):
    X, y = table()
    model = forest(3, random_state=0).fit(X, y > 0)
    for tree, rows in zip(model, model.estimators_samples_, strict=True):
        again = clone(tree).fit(X[rows], (y > 0)[rows])
        assert np.array_equal(again.tree_.threshold, tree.tree_.threshold)
        np.testing.assert_allclose(again.tree_.value, tree.tree_.value, atol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_trees_on_missing_values_can_be_grown_again(weighted):
    """Nothing of one tree is left for the next in the memory they share, and no node is empty."""
    random = np.random.default_rng(0)
    X, y = random.integers(0, 2, (100, 12)).astype(float), random.random(100) < 0.3
    X[random.random(X.shape) < 0.4] = np.nan
    weight = random.uniform(0.1, 1.0, len(y)) if weighted else None
    for max_features in (1, 2):
        for tree in ExtraTreesClassifier(20, max_features=max_features, random_state=0).fit(X, y, weight):
            again = clone(tree).fit(X, y, weight)
            assert np.array_equal(again.tree_.feature, tree.tree_.feature)
            assert np.array_equal(again.tree_.threshold, tree.tree_.threshold)
            assert tree.tree_.n_node_samples.min() > 0


def test_large_values_are_summed_without_a_warning():
    X = np.array([[3e38], [3e38], [1.0]], np.float32)
    assert ExtraTreesRegressor(2, random_state=0).fit(X, [1.0, 1.0, 2.0]).predict(X).tolist() == [1.0, 1.0, 2.0]


class Counting(ThreadingBackend):
    """A backend that can't share memory, as far as joblib knows."""

    supports_sharedmem = False
    started = 0

    def start_call(self):
        type(self).started += 1


def test_forests_grow_on_any_backend_of_joblib():
    X, y = table(60)
    register_parallel_backend("counting", Counting)
    first, second = ExtraTreesRegressor(3, random_state=0), ExtraTreesRegressor(3, random_state=0, n_jobs=2)
    with parallel_config("counting"):
        second.fit(X, y)
    assert Counting.started == 1
    assert np.array_equal(first.fit(X, y).predict(X), second.predict(X))


@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_forests_grow_in_processes_that_map_memory(backend):
    X, y = table(60)
    first, second = RandomForestRegressor(2, random_state=0), RandomForestRegressor(2, random_state=0, n_jobs=2)
    with parallel_config(backend, max_nbytes=100):
        second.fit(X, y)
    assert np.array_equal(first.fit(X, y).predict(X), second.predict(X))


def test_warm_start_adds_the_trees_of_one_fit():
    X, y = table()
    forest = RandomForestClassifier(3, warm_start=True, random_state=0).fit(X, y > 0)
    forest.set_params(n_estimators=6).fit(X, y > 0)
    whole = RandomForestClassifier(6, random_state=0).fit(X, y > 0)
    assert np.array_equal(forest.predict_proba(X), whole.predict_proba(X))
    with pytest.warns(UserWarning, match="does not fit new trees"):
        forest.fit(X, y > 0)
    with pytest.raises(ValueError, match="must be larger or equal"):
        forest.set_params(n_estimators=2).fit(X, y > 0)


@pytest.mark.parametrize("forest", [RandomForestClassifier, ExtraTreesClassifier])
@pytest.mark.parametrize("power", [-1070, -300, 300, 1014])
def test_only_ratios_of_weights_matter(forest, power):
    X, y = table()
    weight = np.random.default_rng(0).integers(1, 16, len(y)).astype(float)
    usual, scaled = (forest(5, random_state=0).fit(X, y > 0, w) for w in (weight, np.ldexp(weight, power)))
    np.testing.assert_array_equal(scaled.predict_proba(X), usual.predict_proba(X))


def test_several_outputs():
    X, y = table()
    both = np.column_stack([y > 0, np.digitize(X[:, 3], [0, 1])])
    forest = RandomForestClassifier(20, random_state=0, oob_score=False).fit(X, both)
    assert forest.predict(X).shape == both.shape
    assert [part.shape[1] for part in forest.predict_proba(X)] == [2, 3]
    assert np.mean(forest.predict(X) == both) > 0.9
    numbers = np.column_stack([y, -y])
    regressor = RandomForestRegressor(10, random_state=0).fit(X, numbers)
    np.testing.assert_allclose(regressor.predict(X)[:, 0], -regressor.predict(X)[:, 1])


def test_balanced_classes():
    X, y = table(500)
    y = y > 2
    plain = RandomForestClassifier(20, max_depth=3, random_state=0).fit(X, y)
    for weight in ("balanced", "balanced_subsample", {False: 1, True: 12}):
        balanced = RandomForestClassifier(20, max_depth=3, class_weight=weight, random_state=0).fit(X, y)
        assert balanced.predict(X).sum() > plain.predict(X).sum()


def test_bootstrap_parameters_that_contradict_are_refused():
    X, y = table(50)
    with pytest.raises(ValueError, match="max_sample"):
        RandomForestRegressor(bootstrap=False, max_samples=0.5).fit(X, y)
    with pytest.raises(ValueError, match="Out of bag"):
        RandomForestRegressor(bootstrap=False, oob_score=True).fit(X, y)
    with pytest.raises(ValueError, match="cannot be used to compute OOB estimates"):
        RandomForestClassifier(3, oob_score=True).fit(X, np.column_stack([y > 0, np.digitize(y, [0, 1])]))
    with pytest.raises(ValueError, match="max_samples"):
        RandomForestRegressor(max_samples=-1.0).fit(X, y)


def test_a_forest_is_a_sequence_of_trees_and_can_be_pickled():
    X, y = table(80)
    forest = RandomForestClassifier(4, max_samples=0.5, random_state=0).fit(X, y > 0)
    assert len(forest) == 4 and all(isinstance(tree, DecisionTreeClassifier) for tree in forest)
    assert [len(rows) for rows in forest.estimators_samples_] == [40] * 4
    copy = pickle.loads(pickle.dumps(forest))
    assert np.array_equal(copy.predict_proba(X), forest.predict_proba(X))
    assert forest.apply(X).shape == (80, 4)
    path, starts = forest.decision_path(X)
    assert path.shape == (80, starts[-1]) and len(starts) == 5


@pytest.mark.parametrize("missing", [False, True])
def test_random_thresholds_lie_between_the_values(missing):
    X, y = table(200)
    X = X.astype(np.float64)
    if missing:
        X[::5, 1] = np.nan
    forest = ExtraTreesRegressor(5, random_state=0).fit(X, y)
    for tree in forest:
        path = tree.decision_path(X).toarray().astype(bool)
        inner = np.flatnonzero(tree.tree_.children_left >= 0)
        for node in inner:
            values = X[path[:, node], tree.tree_.feature[node]]
            assert np.nanmin(values) <= tree.tree_.threshold[node] <= np.nanmax(values)
            assert tree.tree_.threshold[node] < np.nanmax(values) or np.isnan(values).any()
    assert forest.score(X, y) == 1.0


def test_random_thresholds_are_uniform():
    X = np.array([[0.0], [1.0], [4.0]])
    seeds = range(400)
    thresholds = [ExtraTreesRegressor(1, max_depth=1, random_state=s).fit(X, [0.0, 1.0, 2.0])[0].tree_.threshold[0] for s in seeds]
    share = np.mean(np.array(thresholds) < 1.0)
    assert abs(share - 0.25) < 4 * np.sqrt(0.25 * 0.75 / len(thresholds))
    assert abs(np.mean(thresholds) - 2.0) < 4 * 4 / np.sqrt(12 * len(thresholds))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_rows", [1, 7, 8, 45])  # eight go down together
def test_missing_values_slow_other_rows_but_send_them_nowhere_else(n_rows, dtype):
    X, y = table()
    tree = fasttree.DecisionTreeRegressor(random_state=0).fit(X, y).tree_
    X = X[:n_rows].astype(dtype)
    node = np.zeros(n_rows, dtype=np.int64)
    while (tree.children_left[node] >= 0).any():
        inner = tree.children_left[node] >= 0
        left = X[np.arange(n_rows), np.maximum(tree.feature[node], 0)] <= tree.threshold[node]
        node = np.where(inner, np.where(left, tree.children_left[node], tree.children_right[node]), node)
    for missing in (False, True):
        assert np.array_equal(tree.walker.numbers[tree.walker.leaves(X, missing)], node)
