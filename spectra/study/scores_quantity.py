"""How well held-out predictions of a quantity agree with it; same arguments as the scores of classes.

`folds` is a list of (rows, prediction) with prediction of shape (n_rows_of_fold, 1); `label` float, shape (1, n_rows), the quantity;
`weight` float, shape (n_weightings, n_rows). Ranks are compared within a fold only, as the AUC is: predictions of different models
share no scale.
"""

import numpy as np
from scipy.stats import rankdata


def concordance(folds, label, weight):
    """Share of pairs with different quantities that are put in the right order, ties counting half: 0.5 is guessing, 1 perfect.

    For two quantities only this is the AUC (Harrell et al. 1982, JAMA 247:2543).
    """
    right = there = 0.0
    for rows, prediction in folds:
        more = np.sign(label[0, rows][:, None] - label[0, rows][None, :])
        said = np.sign(np.round(prediction[:, 0][:, None] - prediction[:, 0][None, :], 12))
        pair = (more > 0).astype(np.float32)
        won = pair * (0.5 + 0.5 * said).astype(np.float32)
        own = np.asarray(weight[:, rows], np.float32)
        right = right + ((own @ won) * own).sum(axis=1, dtype=np.float64)
        there = there + ((own @ pair) * own).sum(axis=1, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return right / there


def _sums(folds, label, weight, value):
    """Weighted sum of ``value(prediction, truth)`` over all folds, and of the weights."""
    total = there = 0.0
    for rows, prediction in folds:
        own = np.asarray(weight[:, rows], np.float64)
        total = total + own @ value(prediction[:, 0], label[0, rows])
        there = there + own.sum(axis=1)
    return total, there


def r2(folds, label, weight):
    """One less the squared error over that of the mean of all: 1 is perfect, 0 no better than the mean, below 0 worse."""
    error, n = _sums(folds, label, weight, lambda said, true: (said - true) ** 2)
    centre = label.mean()
    first, _ = _sums(folds, label, weight, lambda said, true: true - centre)
    second, _ = _sums(folds, label, weight, lambda said, true: (true - centre) ** 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return 1 - error / (second - first**2 / n)


def rmse(folds, label, weight):
    """Root of the mean squared error, in units of the quantity."""
    error, n = _sums(folds, label, weight, lambda said, true: (said - true) ** 2)
    return np.sqrt(error / n)


def mae(folds, label, weight):
    """Mean absolute error, in units of the quantity."""
    error, n = _sums(folds, label, weight, lambda said, true: np.abs(said - true))
    return error / n


def spearman(folds, label, weight):
    """Correlation of ranks within the folds (Spearman 1904); ranks are those of the fold as it is, whatever the weights."""
    both = own_said = own_true = 0.0
    for rows, prediction in folds:
        w = np.asarray(weight[:, rows], np.float64)
        said, true = (rankdata(values) / len(rows) for values in (np.round(prediction[:, 0], 12), label[0, rows]))
        n = np.maximum(w.sum(axis=1), 1e-300)
        mean_said, mean_true = w @ said / n, w @ true / n
        both = both + w @ (said * true) - n * mean_said * mean_true
        own_said = own_said + w @ said**2 - n * mean_said**2
        own_true = own_true + w @ true**2 - n * mean_true**2
    spread = np.sqrt(np.maximum(own_said, 0.0) * np.maximum(own_true, 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(spread > 1e-9, both / spread, 0.0)
