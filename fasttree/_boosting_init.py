"""What the first tree starts from: a constant, nothing, or another estimator's prediction."""

import numpy as np
from sklearn.base import clone

_TINY = np.finfo(np.float64).eps


def fit_init(init, X, y, weight, classification):
    """A fitted clone of `init`.

    Raises
    ------
    ValueError
        If it is for classes and has no ``predict_proba``.
    """
    if classification and not hasattr(init, "predict_proba"):
        raise ValueError(f"init must have predict_proba for a classifier, which {init!r} has not")
    return clone(init).fit(X, y) if weight is None else clone(init).fit(X, y, sample_weight=weight)


def raw_of_init(init, X, loss, classes):
    """Raw predictions, float64, shape (n_outputs, n), of a fitted estimator.

    Parameters
    ----------
    init : estimator
    X : float32 array, shape (n, n_features)
    loss : fasttree._losses.Loss
    classes : ndarray of the classes, or None for a regressor

    Raises
    ------
    ValueError
        If it does not know the same classes, or predicts what no raw prediction stands for.
    """
    if classes is not None:
        if not np.array_equal(init.classes_, classes):
            raise ValueError(f"init knows the classes {init.classes_!r}, not {classes!r}")
        logs = np.log(np.clip(init.predict_proba(X).T, _TINY, 1.0))
        return logs[1:] - logs[:1] if loss.n_outputs == 1 else logs - logs.mean(axis=0)
    predicted = np.asarray(init.predict(X), np.float64).T
    if predicted.ndim == 2 and len(predicted) != loss.n_outputs:
        raise ValueError(f"init predicts {len(predicted)} columns for {loss.n_outputs} outputs")
    if not np.all(np.isfinite(predicted)) or (loss.logarithmic and not np.all(predicted > 0)):
        raise ValueError(f"init must predict finite{' and positive' if loss.logarithmic else ''} values, and {init!r} does not")
    raw = np.log(predicted) if loss.logarithmic else predicted
    return np.repeat(raw[None], loss.n_outputs, axis=0) if raw.ndim == 1 else raw.copy()
