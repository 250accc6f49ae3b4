"""Gradient boosting against its plain twin, its peers and itself on other numbers of threads."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import roc_auc_score
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

from fasttree import GradientBoostingClassifier, GradientBoostingRegressor
from tests.naive import boosting as naive


def make(n=300, n_features=5, seed=0, missing=0.0, classification=True):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, n_features)).astype(np.float32)
    X[:, -1] = np.round(X[:, -1])
    signal = X[:, 0] + np.abs(X[:, 1]) + X[:, 0] * X[:, -1] + rng.normal(size=n)
    X[rng.random(X.shape) < missing] = np.nan
    return X, (signal > 0.5).astype(float) if classification else signal


def not_by_repeats(estimator):
    reason = "min_samples_leaf and the bins count rows, not their weights, as in scikit-learn"
    return {"check_sample_weight_equivalence_on_dense_data": reason}


@parametrize_with_checks(
    [GradientBoostingClassifier(max_iter=5, min_samples_leaf=5), GradientBoostingRegressor(max_iter=5, min_samples_leaf=5)],
    expected_failed_checks=not_by_repeats,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("classification", [True, False])
@pytest.mark.parametrize("missing", [0.0, 0.2])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), l1=st.sampled_from([0.0, 0.5]), l2=st.sampled_from([0.0, 3.0]), weighted=st.booleans())
def test_equals_the_twin(classification, missing, seed, l1, l2, weighted):
    X, y = make(150, 4, seed, missing, classification)
    weight = np.random.default_rng(seed).uniform(0.5, 2.0, len(y)) if weighted else np.ones(len(y))
    rules = {"max_leaf_nodes": 6, "min_samples_leaf": 5, "learning_rate": 0.3}
    codes = np.column_stack([naive.encode(column, naive.cut_points(column, 16)) for column in X.T])
    ties: list[float] = []
    raw, _ = naive.boost(codes, [False] * 4, y, weight, 3, classification=classification, l1=l1, l2=l2, ties=ties, **rules)
    assume(not ties)  # of two classes without weights, where rounding decides between splits that are as good
    kind = GradientBoostingClassifier if classification else GradientBoostingRegressor
    model = kind(max_iter=3, max_bins=16, l1_regularization=l1, l2_regularization=l2, precision="full", **rules).fit(
        X, y, sample_weight=weight if weighted else None
    )
    ours = model.decision_function(X) if classification else model.predict(X)
    np.testing.assert_allclose(ours, raw, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("precision", ["quantized", "full"])
def test_any_number_of_threads_gives_the_same_bits(classes, precision):
    X, _ = make(9000, 21, 1, missing=0.05)
    y = np.digitize(np.nan_to_num(X[:, 0]) + np.nan_to_num(X[:, 1]) ** 2, [0.5, 1.5])
    y = np.minimum(y, classes - 1)
    one = GradientBoostingClassifier(max_iter=4, early_stopping=False, precision=precision, n_jobs=1).fit(X, y)
    for threads in (2, 7):
        many = GradientBoostingClassifier(max_iter=4, early_stopping=False, precision=precision, n_jobs=threads).fit(X, y)
        assert one.predict_proba(X).tobytes() == many.predict_proba(X).tobytes()
        assert [t.tobytes() for t in one._ensemble.trees] == [t.tobytes() for t in many._ensemble.trees]


def test_quantised_is_as_good_as_full():
    X, y = make(4000, 8, 2, missing=0.1)
    scores = [
        roc_auc_score(y[2000:], GradientBoostingClassifier(precision=p).fit(X[:2000], y[:2000]).decision_function(X[2000:]))
        for p in ("quantized", "full")
    ]
    assert abs(scores[0] - scores[1]) < 0.005


@pytest.mark.peer
@threadpool_limits.wrap(limits=1)
def test_scores_as_scikit_learn():
    X, y = make(6000, 10, 3, missing=0.1)
    ours = GradientBoostingClassifier().fit(X[:3000], y[:3000]).decision_function(X[3000:])
    theirs = HistGradientBoostingClassifier().fit(X[:3000], y[:3000]).decision_function(X[3000:])
    assert abs(roc_auc_score(y[3000:], ours) - roc_auc_score(y[3000:], theirs)) < 0.01
    X, y = make(6000, 10, 3, missing=0.1, classification=False)
    ours = GradientBoostingRegressor().fit(X[:3000], y[:3000]).score(X[3000:], y[3000:])
    theirs = HistGradientBoostingRegressor().fit(X[:3000], y[:3000]).score(X[3000:], y[3000:])
    assert abs(ours - theirs) < 0.02


def test_leaves_keep_their_least_rows():
    X, y = make(2000, 6, 4)
    weight = np.random.default_rng(0).exponential(size=len(y)) ** 3 + 1e-6
    model = GradientBoostingClassifier(min_samples_leaf=30, max_iter=20).fit(X, y, sample_weight=weight)
    assert min(tree["count"].min() for tree in model._ensemble.trees) >= 30


def test_stops_early():
    X, y = make(2000, 5, 5)
    model = GradientBoostingClassifier(learning_rate=0.5, max_iter=200, early_stopping=True, n_iter_no_change=3, random_state=0).fit(X, y)
    assert model.n_iter_ < 200
    assert len(model.validation_score_) == len(model.train_score_) == model.n_iter_ + 1
    assert np.argmax(model.validation_score_) <= model.n_iter_ - 3
    again = GradientBoostingClassifier(learning_rate=0.5, max_iter=200, early_stopping=True, n_iter_no_change=3)
    again.fit(X[:1500], y[:1500], X_val=X[1500:], y_val=y[1500:])
    p = again.predict_proba(X[1500:])[:, 1]
    loss = -np.mean(np.where(y[1500:] == 1, np.log(p), np.log(1 - p)))
    assert again.validation_score_[-1] == pytest.approx(-loss)


def test_warm_start_continues():
    X, y = make(500, 5, 6)
    whole = GradientBoostingClassifier(max_iter=6, random_state=0).fit(X, y)
    parts = GradientBoostingClassifier(max_iter=3, random_state=0, warm_start=True).fit(X, y)
    parts.set_params(max_iter=6).fit(X, y)
    assert parts.n_iter_ == 6
    np.testing.assert_allclose(whole.predict_proba(X), parts.predict_proba(X), rtol=1e-6)


def test_rows_without_weight_are_left_out():
    X, y = make(400, 4, 7)
    weight = (np.arange(400) % 2).astype(float)
    some = GradientBoostingClassifier(max_iter=5).fit(X, y, sample_weight=weight)
    half = GradientBoostingClassifier(max_iter=5).fit(X[1::2], y[1::2])
    np.testing.assert_array_equal(some.predict_proba(X), half.predict_proba(X))


@pytest.mark.parametrize("loss", ["poisson", "gamma", "tweedie"])
def test_positive_targets(loss):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 4))
    mean = np.exp(0.5 * X[:, 0] + np.abs(X[:, 1]))
    y = rng.poisson(mean) if loss != "gamma" else rng.gamma(2.0, mean / 2.0) + 1e-9
    predicted = GradientBoostingRegressor(loss=loss).fit(X[:1500], y[:1500]).predict(X[1500:])
    assert np.all(predicted > 0)
    assert np.corrcoef(np.log(predicted), np.log(mean[1500:]))[0, 1] > 0.9


def test_bad_input_is_named():
    X, y = make(60, 3, 0)
    with pytest.raises(ValueError, match="one class"):
        GradientBoostingClassifier().fit(X, np.zeros(60))
    with pytest.raises(ValueError, match="gamma"):
        GradientBoostingRegressor(loss="gamma").fit(X, y - 1)
    with pytest.raises(ValueError, match="X_val and y_val"):
        GradientBoostingClassifier().fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="classes that y does not"):
        GradientBoostingClassifier().fit(X, y, X_val=X, y_val=y + 5)
    with pytest.raises(FloatingPointError, match="iteration 1"):
        GradientBoostingRegressor(loss="poisson", learning_rate=0.1).fit(X, np.where(np.arange(60) == 3, 1e308, 1.0) * 1.0)


@pytest.mark.parametrize("precision", ["quantized", "full"])
@pytest.mark.parametrize("threads", [1, 3])
def test_presorted_growth_gives_the_same_bits_as_histograms(monkeypatch, precision, threads):
    X, y = make(700, 40, 8, missing=0.1)
    X[:, :3] = np.round(3 * X[:, :3])
    trees = []
    for presorted in (True, False):
        monkeypatch.setattr("fasttree._boosting_fit.presorting_pays", lambda *arguments, answer=presorted: answer)
        model = GradientBoostingClassifier(max_iter=10, categorical_features=[0, 1], precision=precision, n_jobs=threads)
        trees.append([tree.tobytes() for tree in model.fit(X, y)._ensemble.trees])
    assert trees[0] == trees[1]
