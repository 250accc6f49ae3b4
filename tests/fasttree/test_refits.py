"""Fits after a first one: on other data, failed, interrupted, continued."""

import pickle
from unittest import mock

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

import fasttree
from fasttree import ExtraTreesRegressor, GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor, explain

SIZE = {"DecisionTree": {}, "RandomForest": {"n_estimators": 3}, "ExtraTrees": {"n_estimators": 3}, "GradientBoosting": {"max_iter": 3}}


def table(n_rows=60, n_features=40):
    X = np.random.default_rng(0).normal(size=(n_rows, n_features))
    return X, (X[:, -1] > 0).astype(int)


@pytest.mark.parametrize("task", ["Classifier", "Regressor"])
@pytest.mark.parametrize("kind", SIZE)
def test_after_a_fit_that_failed_nothing_reads_beyond_the_rows(kind, task):
    X, y = table()
    model = getattr(fasttree, kind + task)(random_state=0, **SIZE[kind]).fit(X, y)
    with pytest.raises(ValueError, match="Negative"):
        model.fit(X[:, :2], y, sample_weight=-np.ones(len(y)))
    asked = [model.predict]
    if kind == "GradientBoosting":
        asked.append(lambda X: list(model.staged_predict(X)))
    else:
        asked += [model.apply, model.decision_path, lambda X: explain(model, X)]
    for ask in asked:
        with pytest.raises(ValueError, match=r"X has 2 features, but the trees? w.* grown on 40: the last fit was not completed"):
            ask(X[:, :2])


@pytest.mark.parametrize("forest", [RandomForestClassifier, ExtraTreesRegressor])
def test_a_warm_start_needs_the_features_of_the_first_fit(forest):
    X, y = table()
    model = forest(3, warm_start=True, random_state=0).fit(X, y)
    before = model.predict(X)
    with pytest.raises(ValueError, match=r"X has 2 features, but .* is expecting 40"):
        model.set_params(n_estimators=6).fit(X[:, :2], y)
    np.testing.assert_array_equal(model.predict(X), before)


@pytest.mark.parametrize("other", ["names", "subset", "more", "outputs"])
def test_a_warm_start_needs_the_classes_of_the_first_fit(other):
    X, y = table()
    targets = {"names": y + 5, "subset": np.zeros_like(y), "more": np.arange(len(y)) % 3, "outputs": np.column_stack([y, y])}
    model = RandomForestClassifier(3, warm_start=True, random_state=0).fit(X, y)
    before = model.predict_proba(X)
    with pytest.raises(ValueError, match="warm_start=True needs the classes of the first fit"):
        model.set_params(n_estimators=6).fit(X, targets[other])
    np.testing.assert_array_equal(model.predict_proba(X), before)


def test_a_warm_start_needs_the_outputs_of_the_first_fit():
    X, y = table()
    model = RandomForestRegressor(3, warm_start=True, random_state=0).fit(X, y)
    with pytest.raises(ValueError, match="warm_start=True needs as many outputs as the first fit, 1, not 3"):
        model.set_params(n_estimators=6).fit(X, np.column_stack([y, y, y]))
    assert model.predict(X).shape == y.shape


def test_after_a_warm_start_on_other_rows_nobody_tells_which_are_out_of_the_bag():
    """Trees grown before were taken to have drawn from the rows of the last fit."""
    X, y = table()
    model = RandomForestClassifier(3, warm_start=True, random_state=0).fit(X, y)
    model.set_params(n_estimators=6).fit(X[:50], y[:50])
    with pytest.raises(AttributeError, match="different numbers of rows"):
        _ = model.estimators_samples_
    with pytest.raises(ValueError, match="oob_score=True with warm_start=True needs the rows of the first fit"):
        model.set_params(n_estimators=9, oob_score=True).fit(X[:50], y[:50])
    assert model.predict(X).shape == y.shape
    model.set_params(warm_start=False, n_estimators=50).fit(X, y)
    assert len(model.estimators_samples_[0]) == len(X) and model.oob_score_ > 0.5


@pytest.mark.parametrize(("kind", "place"), [("DecisionTree", "tree.grow_tree"), ("RandomForest", "forest.grow_trees")])
def test_an_interrupted_fit_leaves_nothing_fitted(kind, place, monkeypatch):
    """A tree kept the tree of the fit before, and a forest an empty list, with which predictions failed oddly."""
    X, y = table()
    model = getattr(fasttree, kind + "Classifier")(random_state=0, **SIZE[kind]).fit(X, y)
    monkeypatch.setattr(f"fasttree._estimators_{place}", mock.Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, 1 - y)
    with pytest.raises(NotFittedError):
        model.predict(X)
    monkeypatch.undo()
    assert model.fit(X, y).score(X, y) > 0.8


def test_an_interrupted_warm_start_keeps_the_forest(monkeypatch):
    X, y = table()
    model = RandomForestClassifier(3, warm_start=True, random_state=0).fit(X, y)
    before = model.predict_proba(X)
    monkeypatch.setattr("fasttree._estimators_forest.grow_trees", mock.Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        model.set_params(n_estimators=6).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), before)


def test_a_warm_start_cannot_take_rounds_away():
    X, y = table()
    model = GradientBoostingClassifier(max_iter=3, warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="max_iter=2 must be at least n_iter_=3"):
        model.set_params(max_iter=2).fit(X, y)


def test_a_forests_estimators_are_those_of_its_fit():
    """They are made when first asked for, by then the forest's parameters may be others."""
    X, y = table()
    assert not hasattr(RandomForestClassifier(), "estimators_")
    model = RandomForestClassifier(4, max_depth=3, random_state=0).fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    model.set_params(max_depth=1)
    assert model.estimators_ is model.estimators_ and len(model) == 4
    assert [one.max_depth for one in model.estimators_] == [3] * 4 and max(one.get_depth() for one in model) > 1
    np.testing.assert_array_equal(model.estimators_[0].classes_, model.classes_)
    later = pickle.loads(pickle.dumps(model))
    for other in (copy, later):
        np.testing.assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    model.estimators_ = model.estimators_[:2]
    two = np.mean([one.predict_proba(X) for one in model.estimators_], axis=0)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), two)
    np.testing.assert_array_equal(model.predict_proba(X), two)
