import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from spectra.study.logistic import EachAgainstRest, ElasticLogistic


def rows(n_classes, seed=0, n=90, p=40):
    random = np.random.default_rng(seed)
    X, y = random.normal(size=(n, p)), np.arange(n) % n_classes
    X[:, :3] += y[:, None]
    return X, y


def objective(X, y, C, l1_ratio, weights, level):
    loss = C * np.logaddexp(0, -(2 * y - 1) * (X @ weights + level)).sum()
    return loss + l1_ratio * np.abs(weights).sum() + (1 - l1_ratio) / 2 * (weights**2).sum()


@pytest.mark.parametrize("l1_ratio", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("C", [0.01, 0.3, 3.0])
def test_the_optimum_is_saga_s(C, l1_ratio):
    X, y = rows(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        saga = LogisticRegression(C=C, l1_ratio=l1_ratio, solver="saga", max_iter=20_000, tol=1e-8, random_state=0).fit(X, y)
    mine = ElasticLogistic(C=C, l1_ratio=l1_ratio).fit(X, y)
    best = objective(X, y, C, l1_ratio, saga.coef_[0], saga.intercept_[0])
    assert objective(X, y, C, l1_ratio, mine.coef_[0], mine.intercept_[0]) <= best * (1 + 1e-5)
    if saga.coef_.any():  # else saga's intercept is off, by 0.003 in probability; ours is the share of the classes
        np.testing.assert_allclose(mine.predict_proba(X), saga.predict_proba(X), atol=0.003)
    else:
        np.testing.assert_allclose(mine.predict_proba(X), 0.5, atol=1e-6)


def test_classes_that_are_apart_and_classes_of_one_row_do_no_harm():
    X = np.r_[np.zeros((20, 2)), np.ones((1, 2))]
    model = ElasticLogistic(C=1000.0).fit(X, np.r_[np.zeros(20), 1])
    assert model.predict(X).tolist() == [0.0] * 20 + [1.0]
    assert np.isfinite(model.coef_).all()


def test_another_number_of_classes_is_named():
    X, y = rows(3)
    with pytest.raises(ValueError, match="two classes are needed, not 3"):
        ElasticLogistic().fit(X, y)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_each_against_the_rest_is_scikit_learn_s(n_classes):
    X, y = rows(n_classes)
    names = np.array(["b", "a", "c"])[y]
    known = OneVsRestClassifier(LogisticRegression(C=0.1)).fit(X, names)
    mine = EachAgainstRest(LogisticRegression(C=0.1)).fit(X, names)
    assert mine.classes_.tolist() == known.classes_.tolist()
    assert np.array_equal(mine.predict_proba(X), known.predict_proba(X))
    assert mine.predict(X).tolist() == known.predict(X).tolist()
