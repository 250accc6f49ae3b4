"""Quantiles, proximities and importances of forests, each against its definition."""

import functools
import io
from itertools import combinations, pairwise
from math import comb

import numpy as np
import pandas as pd
import pytest
from sklearn.base import is_regressor
from sklearn.linear_model import LinearRegression

from fasttree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    explain,
    load,
    out_of_bag_importances,
    predict_quantiles,
    proximity,
    save,
)


def table(n_rows=150, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n_rows, 4))
    return X, X[:, 0] + random.normal(size=n_rows) * (1 + (X[:, 1] > 0))


def naive_weights(forest, X_train, x):
    weights = np.zeros(len(X_train))
    for tree, rows in zip(forest, forest.estimators_samples_, strict=True):
        same = [row for row in rows if tree.apply(X_train[[row]])[0] == tree.apply(x[None])[0]]
        for row in same:
            weights[row] += 1 / len(same)
    return weights / len(forest)


@pytest.mark.parametrize("kind", [RandomForestRegressor, ExtraTreesRegressor])
def test_quantiles_follow_their_definition(kind):
    X, y = table(40)
    forest = kind(5, min_samples_leaf=4, random_state=0).fit(X, y)
    new = table(3, seed=9)[0]
    levels = [0.0, 0.25, 0.5, 0.9, 1.0]
    found = predict_quantiles(forest, new, X_train=X, y_train=y, quantiles=levels)
    order = np.argsort(y)
    for x, row in zip(new, found, strict=True):
        weights = naive_weights(forest, X, x)
        assert np.dot(weights, y) == pytest.approx(forest.predict(x[None])[0])
        share = np.cumsum(weights[order])
        used = weights[order] > 0
        expected = [y[order][used][np.argmax(share[used] >= level - 1e-9)] for level in levels]
        np.testing.assert_array_equal(row, expected)


def test_quantiles_cover_what_they_promise():
    X, y = table(2000)
    forest = RandomForestRegressor(60, min_samples_leaf=20, random_state=0).fit(X, y)
    new, truth = table(2000, seed=5)
    low, high = predict_quantiles(forest, new, X_train=X, y_train=y, quantiles=(0.1, 0.9)).T
    assert np.mean((truth >= low) & (truth <= high)) == pytest.approx(0.8, abs=0.05)


def test_quantiles_refuse_other_training_data():
    X, y = table()
    forest = RandomForestRegressor(3, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="fitted on 150 samples"):
        predict_quantiles(forest, X, X_train=X[1:], y_train=y[1:])
    with pytest.raises(ValueError, match="ascend"):
        predict_quantiles(forest, X, X_train=X, y_train=y, quantiles=(0.9, 0.1))
    file = io.BytesIO()
    save(forest, file)
    with pytest.raises(ValueError, match="loaded"):
        predict_quantiles(load(file), X, X_train=X, y_train=y)


def test_proximity_counts_shared_leaves():
    X, y = table(30)
    forest = RandomForestClassifier(9, max_depth=3, random_state=0).fit(X, y > 0)
    leaves = forest.apply(X)
    expected = np.mean(leaves[:, None] == leaves[None], axis=2)
    np.testing.assert_allclose(proximity(forest, X), expected)
    np.testing.assert_allclose(proximity(forest, X[:4], X), expected[:4])


def naive_importances(forest, X, value_of):
    total = np.zeros(X.shape[1])
    for tree, rows in zip(forest, forest.estimators_samples_, strict=True):
        unseen = [row for row in range(len(X)) if row not in set(rows.tolist())]
        for row in unseen:
            path = tree.decision_path(X[[row]]).indices
            for node, child in pairwise(path):
                change = tree.tree_.value[child, 0] - tree.tree_.value[node, 0]
                total[tree.tree_.feature[node]] += np.dot(change, value_of(row)) / len(unseen)
    return total / len(forest)


def test_out_of_bag_importances_follow_their_definition():
    X, y = table(60)
    numbers = RandomForestRegressor(4, max_depth=4, random_state=0).fit(X, y)
    np.testing.assert_allclose(out_of_bag_importances(numbers, X, y), naive_importances(numbers, X, lambda row: [y[row]]))
    classes = RandomForestClassifier(4, max_depth=4, random_state=0).fit(X, y > 0)
    expected = naive_importances(classes, X, lambda row: [y[row] <= 0, y[row] > 0])
    np.testing.assert_allclose(out_of_bag_importances(classes, X, y > 0), expected)


def test_noise_with_many_values_is_not_important_out_of_bag():
    random = np.random.default_rng(1)
    signal = random.integers(0, 2, size=600)
    X = np.column_stack([signal, random.normal(size=(600, 3))])
    y = np.where(random.random(600) < 0.25, 1 - signal, signal)
    forest = RandomForestClassifier(60, random_state=0).fit(X, y)
    unbiased = out_of_bag_importances(forest, X, y)
    assert forest.feature_importances_[1:].min() > 0.15
    assert unbiased[0] > 0.05
    assert np.abs(unbiased[1:]).max() < unbiased[0] / 4


def test_importances_need_rows_out_of_bag():
    X, y = table(20)
    with pytest.raises(ValueError, match="bootstrap=False"):
        out_of_bag_importances(ExtraTreesRegressor(2).fit(X, y), X, y)


def told(tree, x, features, node=0):
    """Expected value of a tree's leaf when only `features` of the row are told."""
    left, right = tree.children_left[node], tree.children_right[node]
    if left == -1:
        return tree.value[node].ravel()
    feature = tree.feature[node]
    if feature in features:
        goes_left = bool(tree.missing_go_to_left[node]) if np.isnan(x[feature]) else x[feature] <= tree.threshold[node]
        return told(tree, x, features, left if goes_left else right)
    weight = tree.weighted_n_node_samples
    return (weight[left] * told(tree, x, features, left) + weight[right] * told(tree, x, features, right)) / weight[node]


def told_codes(nodes, sets, codes, features, node=0):
    """The same for a tree of boosting and a row's codes, 255 where a value is missing."""
    feature, left = nodes[node]["feature"], nodes[node]["left"]
    if feature < 0:
        return nodes[node]["value"]
    if feature in features:
        code = int(codes[feature])
        if nodes[node]["category"] >= 0:
            goes_left = int(sets[nodes[node]["category"]][code // 64]) >> (code % 64) & 1
        else:
            goes_left = nodes[node]["missing_left"] if code == 255 else code <= nodes[node]["code"]
        return told_codes(nodes, sets, codes, features, left if goes_left else left + 1)
    parts = [told_codes(nodes, sets, codes, features, child) for child in (left, left + 1)]
    return np.average(parts, weights=nodes["count"][left : left + 2])


def naive_shares(told, n):
    """Shapley values of `n` features by their definition, over all sets of the others; told : expected value when these are told."""
    shares = []
    for feature in range(n):
        others = [f for f in range(n) if f != feature]
        total = 0.0
        for size in range(n):
            for chosen in combinations(others, size):
                total += (told({*chosen, feature}) - told(set(chosen))) / (n * comb(n - 1, size))
        shares.append(total)
    return np.array(shares)


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("classes", [False, True])
def test_shares_follow_their_definition(missing, classes):
    X, y = table(80)
    if missing:
        X[np.random.default_rng(0).random(X.shape) < 0.2] = np.nan
    y = np.digitize(y, [-1, 1]) if classes else y
    model = (DecisionTreeClassifier if classes else DecisionTreeRegressor)().fit(X, y, np.random.default_rng(1).integers(1, 4, size=80))
    shares, mean = explain(model, X[:6])
    for x, row in zip(X[:6], shares, strict=True):
        expected = naive_shares(functools.partial(told, model.tree_, x), len(x))
        np.testing.assert_allclose(row.reshape(len(x), -1), expected, atol=1e-12)
    np.testing.assert_allclose(mean, told(model.tree_, X[0], set()) if classes else told(model.tree_, X[0], set())[0])


def test_shares_sum_to_the_prediction_for_any_number_of_threads():
    X, y = table(600)
    numbers = RandomForestRegressor(5, criterion="absolute_error", min_samples_leaf=5, random_state=0).fit(X, y)
    shares, mean = explain(numbers, X)
    np.testing.assert_allclose(shares.sum(axis=1) + mean, numbers.predict(X), atol=1e-12)
    assert np.array_equal(explain(numbers, X, n_jobs=2)[0], shares)
    classes = RandomForestClassifier(5, random_state=0).fit(X, np.digitize(y, [-1, 1]))
    shares, mean = explain(classes, X.astype(np.float32))
    np.testing.assert_allclose(shares.sum(axis=1) + mean, classes.predict_proba(X.astype(np.float32)), atol=1e-12)
    both = RandomForestRegressor(3, random_state=0).fit(X, np.column_stack([y, -y]))
    shares, mean = explain(both, X)
    np.testing.assert_allclose(shares.sum(axis=1) + mean, both.predict(X), atol=1e-12)
    np.testing.assert_allclose(shares[:, :, 0], -shares[:, :, 1], atol=1e-12)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_shares_of_boosting_follow_their_definition(n_classes):
    """With missing values, and categories of which some are unknown to `fit`."""
    X, y = table(200)
    X[:, 3] = np.random.default_rng(1).integers(0, 6, size=200)
    y = np.digitize(y + X[:, 3] % 2, [0.5, 1.5][: n_classes - 1])
    X[np.random.default_rng(0).random(X.shape) < 0.1] = np.nan
    model = GradientBoostingClassifier(max_iter=4, categorical_features=[3], min_samples_leaf=5).fit(X, y)
    X[:3, 3] = [77.0, -1.0, np.nan]
    shares, mean = explain(model, X[:6])
    ensemble = model._ensemble
    codes, n_outputs = ensemble.encode(X[:6].astype(np.float32)), ensemble.n_outputs
    expected, start = np.zeros((6, 4, n_outputs)), ensemble.start.copy()
    for t, (nodes, sets) in enumerate(zip(ensemble.trees, ensemble.sets, strict=True)):
        start[t % n_outputs] += told_codes(nodes, sets, codes[:, 0], set())
        for row in range(6):
            expected[row, :, t % n_outputs] += naive_shares(functools.partial(told_codes, nodes, sets, codes[:, row]), 4)
    np.testing.assert_allclose(shares.reshape(expected.shape), expected, atol=1e-12)
    np.testing.assert_allclose(mean, start if n_outputs > 1 else start[0])


@pytest.mark.parametrize("model", [GradientBoostingClassifier, GradientBoostingRegressor])
def test_shares_of_boosting_sum_to_the_raw_prediction(model):
    X, y = table(700)
    model = model(max_iter=20).fit(X, y if model is GradientBoostingRegressor else y > 0)
    shares, mean = explain(model, X)
    raw = model.predict(X) if is_regressor(model) else model.decision_function(X)
    np.testing.assert_allclose(shares.sum(axis=1) + mean, raw)
    np.testing.assert_array_equal(explain(model, X, n_jobs=2)[0], shares)
    file = io.BytesIO()
    save(model, file)
    file.seek(0)
    np.testing.assert_array_equal(explain(load(file), X)[0], shares)


def test_shares_of_boosting_know_words():
    frame = pd.DataFrame({"kind": pd.Categorical(["red", "blue", "green"] * 40), "x": np.arange(120.0)})
    model = GradientBoostingRegressor(max_iter=5).fit(frame, frame["kind"] == "blue")
    shares, mean = explain(model, frame)
    np.testing.assert_allclose(shares.sum(axis=1) + mean, model.predict(frame))
    assert np.all(np.abs(shares[:, 0]) > 10 * np.abs(shares[:, 1]))


@pytest.mark.peer
def test_shares_of_boosting_are_lightgbms():
    lightgbm = pytest.importorskip("lightgbm")
    random = np.random.default_rng(0)
    X = random.integers(0, 4, (800, 4)).astype(float)
    y = X[:, 0] * X[:, 1] - (X[:, 2] > 1) * X[:, 3] + random.normal(size=800)
    options = {"objective": "regression", "num_leaves": 8, "learning_rate": 0.3, "min_data_in_leaf": 5, "min_data_in_bin": 1}
    options |= {"verbose": -1, "num_threads": 1, "lambda_l2": 0.0}
    theirs = lightgbm.train(options, lightgbm.Dataset(X, y), 5).predict(X[:50], pred_contrib=True)
    model = GradientBoostingRegressor(max_iter=5, max_leaf_nodes=8, learning_rate=0.3, min_samples_leaf=5).fit(X, y)
    shares, mean = explain(model, X[:50])
    np.testing.assert_allclose(np.column_stack([shares, np.full(50, mean)]), theirs, atol=1e-4)


def test_other_models_are_not_explained():
    X, y = table(40)
    with pytest.raises(TypeError, match="LinearRegression"):
        explain(LinearRegression().fit(X, y), X)
    with pytest.raises(ValueError, match="init=LinearRegression"):
        explain(GradientBoostingRegressor(init=LinearRegression(), max_iter=1).fit(X, y), X)
    with pytest.raises(TypeError, match="only fitted"):
        explain(GradientBoostingRegressor(), X)
    with pytest.raises(ValueError, match="2 outputs"):
        explain(DecisionTreeClassifier().fit(X, np.column_stack([y > 0, y > 1])), X)


def test_what_is_no_forest_of_the_right_kind_is_named():
    X, y = np.arange(12.0)[:, None], np.arange(12) % 2
    tree, forest = DecisionTreeRegressor().fit(X, y), RandomForestRegressor(3).fit(X, y)
    for look in (lambda model: proximity(model, X), lambda model: out_of_bag_importances(model, X, y)):
        with pytest.raises(TypeError, match="forest is of type DecisionTreeRegressor, not a forest of fasttree"):
            look(tree)
    for model in (tree, RandomForestClassifier(3).fit(X, y)):
        with pytest.raises(TypeError, match=f"of type {type(model).__name__}, not a RandomForestRegressor or ExtraTreesRegressor"):
            predict_quantiles(model, X, X_train=X, y_train=y)
    with pytest.raises(ValueError, match="y_train contains NaN"):
        predict_quantiles(forest, X, X_train=X, y_train=np.full(12, np.nan))
