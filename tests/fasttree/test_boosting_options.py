"""Each option of gradient boosting does what it says."""

import numba
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.feature_selection import RFE
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor
from sklearn.metrics import log_loss, mean_pinball_loss, roc_auc_score

from fasttree import GradientBoostingClassifier, GradientBoostingRegressor
from tests.naive import boosting as naive


def regression(n=1500, n_features=5, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, n_features))
    return X, X[:, 0] + np.abs(X[:, 1]) + X[:, 0] * X[:, 2] + 0.3 * rng.normal(size=n)


def categories(n=600, n_levels=12, seed=0):
    rng = np.random.default_rng(seed)
    level = rng.integers(0, n_levels, n)
    effect = rng.normal(size=n_levels)[level]
    x = rng.normal(size=n)
    return np.column_stack([level, x]).astype(float), effect + 0.5 * x + 0.2 * rng.normal(size=n)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), missing=st.booleans())
def test_category_sets_equal_the_twin(seed, missing):
    X, y = categories(seed=seed)
    if missing:
        X[::7, 0] = np.nan
    levels = np.unique(X[~np.isnan(X[:, 0]), 0])
    first = np.where(np.isnan(X[:, 0]), naive.MISSING, np.searchsorted(levels, X[:, 0]))
    codes = np.column_stack([first, naive.encode(X[:, 1].astype(np.float32), naive.cut_points(X[:, 1].astype(np.float32), 16))])
    rules = {"max_leaf_nodes": 5, "min_samples_leaf": 5}
    raw, _ = naive.boost(codes, [True, False], y, np.ones(len(y)), 2, classification=False, **rules)
    model = GradientBoostingRegressor(max_iter=2, max_bins=16, categorical_features=[0], precision="full", **rules).fit(X, y)
    np.testing.assert_allclose(model.predict(X), raw, rtol=1e-5, atol=1e-6)


def test_categories_may_be_strings_and_unknown_ones_are_missing():
    X, y = categories()
    names = np.array([f"c{int(v):02d}" for v in X[:, 0]])
    frame = pd.DataFrame({"kind": pd.Categorical(names), "x": X[:, 1]})
    by_name = GradientBoostingRegressor(max_iter=20).fit(frame, y)
    by_number = GradientBoostingRegressor(max_iter=20, categorical_features=[True, False]).fit(X, y)
    np.testing.assert_array_equal(by_name.predict(frame), by_number.predict(X))
    np.testing.assert_array_equal(by_name.is_categorical_, [True, False])
    objects = np.column_stack([names.astype(object), X[:, 1]])
    by_object = GradientBoostingRegressor(max_iter=20, categorical_features=[0]).fit(objects, y)
    np.testing.assert_array_equal(by_object.predict(objects), by_number.predict(X))
    strange = frame.assign(kind=pd.Categorical(["new"] * len(frame)))
    unknown = frame.assign(kind=pd.Categorical([None] * len(frame), categories=["c00"]))
    np.testing.assert_array_equal(by_name.predict(strange), by_name.predict(unknown))


def test_category_sets_beat_numbers():
    X, y = categories(2000, 60)
    sets = GradientBoostingRegressor(categorical_features=[0], max_iter=30).fit(X[:1000], y[:1000]).score(X[1000:], y[1000:])
    numbers = GradientBoostingRegressor(max_iter=30).fit(X[:1000], y[:1000]).score(X[1000:], y[1000:])
    assert sets > numbers


def test_too_many_categories_are_refused():
    X, y = np.arange(300.0)[:, None], np.arange(300.0)
    with pytest.raises(ValueError, match="categorical feature 0 has 300 categories"):
        GradientBoostingRegressor(categorical_features=[0]).fit(X, y)
    with pytest.raises(ValueError, match="categorical feature 'colour' has 300 categories"):
        GradientBoostingRegressor().fit(pd.DataFrame({"colour": pd.Categorical(X[:, 0])}), y)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
def test_monotonic(sign, loss):
    X, y = regression()
    y = sign * (y + np.sin(4 * X[:, 0]))
    model = GradientBoostingRegressor(loss=loss, monotonic_cst=[sign, 0, 0, 0, 0], max_iter=50).fit(X, y)
    for row in X[:20]:
        grid = np.repeat(row[None], 200, axis=0)
        grid[:, 0] = np.linspace(-4, 4, 200)
        assert np.all(sign * np.diff(model.predict(grid)) >= -1e-12)


def test_interaction_groups_are_kept():
    X, y = regression()
    model = GradientBoostingRegressor(interaction_cst=[{0, 1}, {2, 3}], max_iter=20).fit(X, y)  # and 4 alone
    for tree in model._ensemble.trees:
        for used in branches(tree):
            assert used <= {0, 1} or used <= {2, 3} or used <= {4}
    alone = GradientBoostingRegressor(interaction_cst="no_interactions", max_iter=5).fit(X, y)
    assert all(len(used) <= 1 for tree in alone._ensemble.trees for used in branches(tree))


def branches(tree, node=0, used=frozenset()):
    if tree["feature"][node] < 0:
        yield used
        return
    used = used | {int(tree["feature"][node])}
    for child in (tree["left"][node], tree["left"][node] + 1):
        yield from branches(tree, child, used)


def test_depth_leaves_and_gain_are_bounded():
    X, y = regression()
    deep = GradientBoostingRegressor(max_iter=3, max_depth=2).fit(X, y)
    assert max(len(tree) for tree in deep._ensemble.trees) == 7
    gainful = GradientBoostingRegressor(max_iter=10, min_gain=50.0).fit(X, y)
    assert all(np.all(tree["gain"][tree["feature"] >= 0] > 50.0) for tree in gainful._ensemble.trees)
    heavy = GradientBoostingRegressor(max_iter=10, min_child_weight=200.0).fit(X, y)
    assert all(np.all(tree["weight"] >= 199.9) for tree in heavy._ensemble.trees)


@pytest.mark.parametrize("option", [{"max_features": 0.4}, {"max_features_per_tree": 0.4}])
def test_some_features(option):
    X, y = regression()
    model = GradientBoostingRegressor(max_iter=40, random_state=0, **option).fit(X, y)
    again = GradientBoostingRegressor(max_iter=40, random_state=0, n_jobs=2, **option).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), again.predict(X))
    used = [set(tree["feature"][tree["feature"] >= 0].tolist()) for tree in model._ensemble.trees]
    assert set().union(*used) == set(range(5))
    if "max_features_per_tree" in option:
        assert max(map(len, used)) <= 2


@pytest.mark.parametrize("option", [{"subsample": 0.5}, {"gradient_sampling": (0.2, 0.2)}])
def test_some_rows(option):
    X, y = regression(3000)
    all_rows = GradientBoostingRegressor(random_state=0).fit(X[:2000], y[:2000])
    model = GradientBoostingRegressor(random_state=0, **option).fit(X[:2000], y[:2000])
    assert all(tree["count"][0] in (1000, 800) for tree in model._ensemble.trees)
    assert model.score(X[2000:], y[2000:]) > all_rows.score(X[2000:], y[2000:]) - 0.03
    two = GradientBoostingRegressor(random_state=0, n_jobs=2, **option).fit(X[:2000], y[:2000])
    np.testing.assert_array_equal(two.predict(X), model.predict(X))


def test_quantiles_cover_their_share():
    X, y = regression(3000)
    model = GradientBoostingRegressor(loss="quantile", quantile=[0.1, 0.5, 0.9], min_samples_leaf=60, max_iter=60).fit(X[:2000], y[:2000])
    predicted = model.predict(X[2000:])
    assert predicted.shape == (1000, 3)
    np.testing.assert_allclose((y[2000:, None] <= predicted).mean(axis=0), [0.1, 0.5, 0.9], atol=0.07)
    single = GradientBoostingRegressor(loss="quantile", quantile=0.9, min_samples_leaf=60, max_iter=60).fit(X[:2000], y[:2000])
    np.testing.assert_array_equal(single.predict(X[2000:]), predicted[:, 2])
    assert mean_pinball_loss(y[2000:], predicted[:, 2], alpha=0.9) < mean_pinball_loss(y[2000:], predicted[:, 1], alpha=0.9)


@pytest.mark.parametrize("loss", ["absolute_error", "huber"])
@pytest.mark.parametrize("weighted", [False, True])
def test_outliers_do_little(loss, weighted):
    X, y = regression(3000)
    spoilt = np.where(np.arange(len(y)) % 20 == 0, 1000.0, y)
    weight = np.random.default_rng(0).uniform(0.5, 1.5, 2000) if weighted else None
    model = GradientBoostingRegressor(loss=loss).fit(X[:2000], spoilt[:2000], sample_weight=weight)
    assert np.median(np.abs(model.predict(X[2000:]) - y[2000:])) < 0.6


@numba.njit
def half_square(y, raw):
    return raw - y, 1.0


def test_own_loss_equals_the_built_in():
    X, y = regression()
    own = GradientBoostingRegressor(loss=half_square, max_iter=10).fit(X, y)
    np.testing.assert_allclose(own.predict(X), GradientBoostingRegressor(max_iter=10).fit(X, y).predict(X), rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match="scoring"):
        GradientBoostingRegressor(loss=half_square, early_stopping=True).fit(X, y)
    with pytest.raises(FloatingPointError, match="iteration 1"):
        GradientBoostingRegressor(loss=lambda y, raw: (raw / 0.0, 1.0), max_iter=10).fit(X, y)


@pytest.mark.parametrize("loss", ["squared_error", "poisson", "quantile"])
def test_trees_add_to_what_init_predicts(loss):
    X, y = regression(400)
    y = np.exp(0.3 * y) if loss == "poisson" else y
    first = LinearRegression() if loss != "poisson" else PoissonRegressor()
    options = {"loss": loss, "max_iter": 6, "quantile": [0.3, 0.7] if loss == "quantile" else None}
    model = GradientBoostingRegressor(init=first, **options).fit(X, y)
    base = clone(first).fit(X.astype(np.float32), y).predict(X.astype(np.float32))
    if loss == "squared_error":  # then the trees see the residuals alone
        rest = GradientBoostingRegressor(init="zero", max_iter=6).fit(X, y - base)
        np.testing.assert_allclose(model.predict(X), base + rest.predict(X), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(list(model.staged_predict(X))[-1], model.predict(X), rtol=1e-12)
    stump = GradientBoostingRegressor(init=first, learning_rate=1e-12, **options).fit(X, y).predict(X)
    np.testing.assert_allclose(stump, base if stump.ndim == 1 else np.column_stack([base, base]), rtol=1e-6)
    with pytest.raises(ValueError, match="prepared"):
        model.prepare()


@pytest.mark.parametrize("classes", [2, 3])
def test_init_of_classes(classes):
    X, y = regression(900)
    y = np.digitize(y, [0.5, 1.5][: classes - 1])
    names = np.array(["a", "b", "c"])[y]
    first = LogisticRegression().fit(X[:600].astype(np.float32), names[:600])
    nearly = GradientBoostingClassifier(init=LogisticRegression(), learning_rate=1e-12, max_iter=1).fit(X[:600], names[:600])
    np.testing.assert_allclose(nearly.predict_proba(X), first.predict_proba(X.astype(np.float32)), rtol=1e-6)
    model = GradientBoostingClassifier(init=LogisticRegression(), max_iter=30, warm_start=True)
    model.fit(X[:600], names[:600], X_val=X[600:], y_val=names[600:])
    assert model.validation_score_[-1] > model.validation_score_[0]
    assert -model.validation_score_[-1] == pytest.approx(log_loss(names[600:], model.predict_proba(X[600:])))
    model.set_params(max_iter=31).fit(X[:600], names[:600])
    assert model.n_iter_ == 31
    with pytest.raises(ValueError, match="predict_proba"):
        GradientBoostingClassifier(init=LinearRegression()).fit(X, y)
    with pytest.raises(ValueError, match="positive"):
        GradientBoostingRegressor(loss="gamma", init=LinearRegression()).fit(X, np.exp(3 * X[:, 0]))


def test_staged_predictions_end_with_the_prediction():
    X, y = regression(400)
    model = GradientBoostingRegressor(max_iter=7).fit(X, y)
    stages = list(model.staged_predict(X))
    assert len(stages) == 7
    np.testing.assert_allclose(stages[-1], model.predict(X), rtol=1e-12)
    classifier = GradientBoostingClassifier(max_iter=4).fit(X, np.digitize(y, [0, 1]))
    for stage, final in (("staged_predict_proba", "predict_proba"), ("staged_decision_function", "decision_function")):
        np.testing.assert_allclose(list(getattr(classifier, stage)(X))[-1], getattr(classifier, final)(X), rtol=1e-12)
    np.testing.assert_array_equal(list(classifier.staged_predict(X))[-1], classifier.predict(X))


def test_callback_sees_the_rounds_and_stops_them():
    X, y = regression(300)
    seen = []

    def callback(n_rounds, train, validation):
        seen.append((n_rounds, len(train), len(validation)))
        return n_rounds == 5

    model = GradientBoostingRegressor(callback=callback).fit(X, y, X_val=X, y_val=y)
    assert model.n_iter_ == 5
    assert seen == [(i, 1, 1) for i in range(6)]


@pytest.mark.parametrize("scoring", ["roc_auc", None])
def test_scoring_decides_when_to_stop(scoring):
    X, y = regression(2000)
    model = GradientBoostingClassifier(scoring=scoring, early_stopping=True, max_iter=30, random_state=0).fit(X, y > 0.5)
    assert len(model.validation_score_) == model.n_iter_ + 1
    if scoring is None:
        assert model.train_score_[-1] == pytest.approx(model.score(X, y > 0.5), abs=0.02)
    else:
        assert 0.5 <= model.validation_score_[-1] <= 1.0
        assert model.train_score_[-1] == pytest.approx(roc_auc_score(y > 0.5, model.decision_function(X)), abs=0.02)


def test_groups_stay_together_when_rows_are_set_aside():
    X, y = regression(400)
    groups = np.arange(400) // 10
    weight = np.ones(400)
    model = GradientBoostingRegressor(early_stopping=True, max_iter=5, random_state=0)
    model.fit(X, y, sample_weight=weight, groups=groups)
    assert model._ensemble.trees[0]["count"][0] == 360


def test_bad_options_are_named():
    X, y = regression(50)
    for options, words in (
        ({"gradient_sampling": (0.9, 0.3)}, "gradient_sampling"),
        ({"gradient_sampling": (0.2, 0.3), "subsample": 0.5}, "exclude"),
        ({"monotonic_cst": [1, 0, 0, 0, 0], "categorical_features": [0]}, "monotonic"),
        ({"interaction_cst": [(0, 9)]}, "interaction_cst"),
        ({"interaction_cst": [1, 2]}, "interaction_cst"),
        ({"categorical_features": ["a"]}, "names"),
        ({"categorical_features": [7]}, "integer indices"),
        ({"categorical_features": [True]}, "mask"),
        ({"loss": "quantile"}, "quantile"),
        ({"loss": "quantile", "quantile": [0.5, 2.0]}, "quantile"),
    ):
        with pytest.raises(ValueError, match=words):
            GradientBoostingRegressor(**options).fit(X, y)


@pytest.mark.parametrize("threads", [1, 2])
def test_few_histograms_grow_the_same_trees(monkeypatch, threads):
    X, y = regression(4000, 20)
    wide = GradientBoostingRegressor(max_iter=5, max_leaf_nodes=60, n_jobs=threads).fit(X, y)
    monkeypatch.setattr("fasttree._boosting_state.HISTOGRAM_BYTES", 0)
    narrow = GradientBoostingRegressor(max_iter=5, max_leaf_nodes=60, n_jobs=threads).fit(X, y)
    assert [tree.tobytes() for tree in wide._ensemble.trees] == [tree.tobytes() for tree in narrow._ensemble.trees]


def test_a_root_too_light_for_a_leaf_adds_nothing():
    """Saturated classes have next to no hessian: a lone root added a gradient divided by that, up to 1e43, and the fit failed."""
    random = np.random.default_rng(0)
    X, y = random.normal(size=(100, 3)), np.arange(100) % 3
    X[:, 0] += 2 * y
    model = GradientBoostingClassifier(learning_rate=100, max_iter=10, min_samples_leaf=5).fit(X, y)
    weights = np.array([tree["weight"][0] for tree in model._ensemble.trees])
    lone = np.array([tree["value"][0] for tree in model._ensemble.trees if tree["weight"][0] < model.min_child_weight])
    assert np.min(weights) < model.min_child_weight and not np.any(lone)
    assert np.abs(model.decision_function(X)).max() < 1e4


@pytest.mark.parametrize("model", [GradientBoostingClassifier, GradientBoostingRegressor])
def test_weights_too_small_for_any_leaf_are_told(model):
    X, y = regression(100)
    y = y > 0.5 if model is GradientBoostingClassifier else y
    with pytest.warns(UserWarning, match="too little for two leaves of min_child_weight=0.001: nothing was split"):
        constant = model(max_iter=3).fit(X, y, sample_weight=np.full(100, 1e-9))
    assert len(np.unique(constant.predict(X))) == 1
    assert model(max_iter=3, min_child_weight=1e-12).fit(X, y, sample_weight=np.full(100, 1e-9)).score(X, y) > 0.2


def test_leaves_without_bound():
    X, y = regression(2000)
    whole = GradientBoostingRegressor(max_iter=3, max_leaf_nodes=None, min_samples_leaf=1, min_child_weight=0, learning_rate=1.0).fit(X, y)
    assert whole._ensemble.trees[0]["count"].min() == 1
    assert whole.score(X, y) > 0.99
    shallow = GradientBoostingRegressor(max_iter=3, max_leaf_nodes=None, max_depth=3).fit(X, y)
    assert max(len(tree) for tree in shallow._ensemble.trees) <= 15


def test_importances_tell_what_mattered():
    X, y = regression(600)
    order = np.argsort(GradientBoostingRegressor(max_iter=20).fit(X, y).feature_importances_)
    swapped = GradientBoostingRegressor(max_iter=20).fit(X[:, ::-1], y).feature_importances_
    np.testing.assert_array_equal(np.argsort(swapped[::-1]), order)
    assert swapped.sum() == pytest.approx(1.0)
    assert not GradientBoostingRegressor(max_iter=2).fit(X, np.ones(len(y))).feature_importances_.any()
    assert RFE(GradientBoostingRegressor(max_iter=5), n_features_to_select=1).fit(X, y).ranking_[order[-1]] == 1


@pytest.mark.peer
def test_splits_of_coarse_data_equal_lightgbm():
    lightgbm = pytest.importorskip("lightgbm")
    rng = np.random.default_rng(0)
    X = rng.integers(0, 4, (800, 4)).astype(float)
    y = X[:, 0] * X[:, 1] - (X[:, 2] > 1) * X[:, 3] + rng.normal(size=800)
    options = {"objective": "regression", "num_leaves": 8, "learning_rate": 0.3, "min_data_in_leaf": 5, "min_data_in_bin": 1}
    options |= {"verbose": -1, "num_threads": 1, "lambda_l2": 0.0}
    theirs = lightgbm.train(options, lightgbm.Dataset(X, y), 5)
    ours = GradientBoostingRegressor(max_iter=5, max_leaf_nodes=8, learning_rate=0.3, min_samples_leaf=5).fit(X, y)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-4, atol=1e-4)
    for tree, other in zip(ours._ensemble.trees, theirs.dump_model()["tree_info"], strict=True):
        assert sorted(splits_of(tree)) == sorted(lightgbm_splits(other["tree_structure"]))
    gain = theirs.feature_importance("gain")
    np.testing.assert_allclose(ours.feature_importances_, gain / gain.sum(), rtol=1e-4)


def splits_of(tree):
    inner = tree[tree["feature"] >= 0]
    return [(int(f), int(np.floor(t))) for f, t in zip(inner["feature"], inner["threshold"], strict=True)]


def lightgbm_splits(node):
    if "split_feature" not in node:
        return []
    own = (node["split_feature"], int(np.floor(node["threshold"])))
    return [own, *lightgbm_splits(node["left_child"]), *lightgbm_splits(node["right_child"])]
