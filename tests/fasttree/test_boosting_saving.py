"""Boosting models in files: what comes back, and what is refused."""

import io

import numba
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyRegressor

from fasttree import GradientBoostingClassifier, GradientBoostingRegressor, load, save
from tests.fasttree.test_interop import rewritten, saved


def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4)).astype(np.float32)
    X[:, 2] = np.round(X[:, 2])
    X[::7, 1] = np.nan
    return X, np.abs(np.nan_to_num(X).sum(axis=1)) + 0.1


def regressor(**options):
    return GradientBoostingRegressor(**{"max_iter": 4, "categorical_features": [2]} | options).fit(*table())


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "quantile", "poisson", "gamma", "tweedie"])
def test_every_loss_comes_back(loss):
    model, (X, _) = regressor(loss=loss, quantile=[0.1, 0.9] if loss == "quantile" else None), table()
    copy = load(io.BytesIO(saved(model)))
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))
    assert saved(copy) == saved(model)
    assert copy.n_iter_ == 4 and copy.is_categorical_.tolist() == [False, False, True, False]


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classifiers_with_named_categories_come_back(n_classes, tmp_path):
    X, y = table()
    frame = pd.DataFrame(X, columns=list("abcd")).assign(c=pd.Categorical(np.array(["x", "y", "z"])[np.arange(300) % 3]))
    labels = np.array(["low", "mid", "top"])[np.digitize(y, [1.0, 2.0][: n_classes - 1])]
    options = {"class_weight": {"low": 2.0, "mid": 1.0, "top": 1.0} if n_classes == 3 else "balanced", "monotonic_cst": None}
    model = GradientBoostingClassifier(max_iter=4, init="zero", early_stopping=True, random_state=1, **options).fit(frame, labels)
    save(model, tmp_path / "model")
    copy = load(tmp_path / "model")
    np.testing.assert_array_equal(copy.predict_proba(frame), model.predict_proba(frame))
    assert copy.predict(frame).tolist() == model.predict(frame).tolist()
    assert copy.get_params() == model.get_params()
    np.testing.assert_array_equal(copy.validation_score_, model.validation_score_)
    more = [one.set_params(warm_start=True, max_iter=8, early_stopping=False).fit(frame, labels) for one in (model, copy)]
    np.testing.assert_array_equal(more[0].predict_proba(frame), more[1].predict_proba(frame))


def test_objects_are_not_saved():
    own = numba.njit(lambda y, raw: (raw - y, 1.0))
    with pytest.raises(TypeError, match="parameter loss="):
        saved(regressor(loss=own, early_stopping=False))
    with pytest.raises(TypeError, match="parameter init="):
        saved(regressor(init=DummyRegressor()))
    with pytest.raises(ValueError, match="not fitted"):
        save(GradientBoostingRegressor(), io.BytesIO())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"header": {"parameters": {"loss": "shell"}}}, "loss"),
        ({"header": {"parameters": {"loss": "quantile"}}}, "quantile"),
        ({"header": {"parameters": {"loss": "quantile", "quantile": [0.1, 0.9]}}}, "constant"),
        ({"header": {"estimator": "GradientBoostingClassifier"}}, "unknown parameters"),
        ({"header": {"n_features": 5}}, "cuts"),
        ({"header": {"categories": {"0": [1.0]}}}, "isn't categorical"),
        ({"constant": np.array([np.nan])}, "constant"),
        ({"seed": np.array([-1])}, "seed"),
        ({"categories": np.zeros((0, 256), np.float32)}, "categories"),
        ({"n_bins": np.array([300, 1, 1, 1])}, "n_bins"),
        ({"starts": np.array([0, 1])}, "starts"),
        ({"sets": np.zeros((0, 4), np.uint64)}, "starts"),
        ({"node_left": None}, "has no node_left"),
        ({"node_value": np.zeros(3)}, "differ in length"),
    ],
)
def test_malformed_files_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        load(rewritten(saved(regressor()), **changes))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_changed_numbers_are_refused_or_harmless(data):
    content = saved(regressor(max_iter=2))
    names = ["node_feature", "node_left", "node_category", "node_code", "node_missing_left", "starts", "set_starts", "categorical"]
    with np.load(io.BytesIO(content)) as archive:
        name = data.draw(st.sampled_from(names))
        array = archive[name].copy()
    place, value = data.draw(st.integers(0, len(array) - 1)), data.draw(st.integers(-3, len(array) + 2))
    array[place] = value % 256 if array.dtype == np.uint8 else value
    try:
        model = load(rewritten(content, **{name: array}))
    except ValueError:
        return
    X = np.tile(table()[0], (5, 1))
    model.predict(X), model.predict(X[:3]), list(model.staged_predict(X[:9]))
