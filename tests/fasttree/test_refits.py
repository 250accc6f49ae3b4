"""Fits after a first one: on other data, failed, interrupted, continued."""

import numpy as np
import pytest

import fasttree
from fasttree import explain

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
