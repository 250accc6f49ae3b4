"""The two kinds of question: which class, and how much. What is scored, and what the inner folds choose by."""

import functools
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from spectra.study import scores, scores_quantity

MOST_LEVELS, LEAST_IN_LEVEL = 4, 5  # of a quantity


class Task(NamedTuple):
    """One kind of question.

    measures : name -> score (folds, label, weight); the first ranks: 0.5 is guessing and 1 perfect
    choose : callable (belief, y, y_of_training) -> float, by which the inner folds choose; higher is better
    """

    name: str
    measures: dict[str, Callable[..., Any]]
    choose: Callable[..., float]

    @property
    def rank(self):
        """The score by which models are ranked."""
        return next(iter(self.measures.values()))

    def rank_of(self, belief, y):
        """That score for one model on one set of rows."""
        return float(self.rank([(np.arange(y.size), belief)], y[None, :], np.ones((1, y.size)))[0])


def _auc(belief, y, known):
    return float(scores.auc([(np.arange(y.size), belief)], y[None, :], np.ones((1, y.size)))[0])


def _explained(belief, y, known):
    """Share of the training rows' variance that the predictions of other rows leave unexplained, off one."""
    return float(1 - np.mean((belief[:, 0] - y) ** 2) / max(np.var(known), 1e-300))


CLASSES = Task(
    "classification",
    {
        "auc": scores.auc,
        "balanced_accuracy": scores.balanced_accuracy,
        "accuracy": scores.accuracy,
        "sensitivity": scores.sensitivity,
        "brier": scores.brier,
    },
    _auc,
)
QUANTITY = Task(
    "regression",
    {
        "concordance": scores_quantity.concordance,
        "r2": scores_quantity.r2,
        "rmse": scores_quantity.rmse,
        "mae": scores_quantity.mae,
        "spearman": scores_quantity.spearman,
    },
    _explained,
)


def positive(classes):
    """Of two classes the one to be found: the second, unless it is the one that is called healthy.

    >>> positive(["case", "control"]), positive(["bad", "good"])
    (0, 1)
    """
    return 0 if re.fullmatch(r"control.*|healthy.*|normal.*|well|benign|negative", classes[1].lower()) else 1


def measures_for(classes):
    """Name -> score (folds, label, weight), the ranking one first; of a quantity where there are no classes."""
    found = dict((CLASSES if classes else QUANTITY).measures)
    if len(classes) == 2:
        found["sensitivity"] = functools.partial(scores.sensitivity, positive=positive(classes))
    return found


def levels(quantity):
    """A quantity cut at its quantiles: what a class is to splits, audit and figures.

    Parameters
    ----------
    quantity : float array, one per patient or row

    Returns
    -------
    level : int array, below four
    edges : float array, the greatest value of each level

    Examples
    --------
    >>> import numpy as np
    >>> levels(np.arange(10.0))
    (array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]), array([4., 9.]))
    """
    quantity = np.asarray(quantity, float)
    wanted = int(np.clip(quantity.size // LEAST_IN_LEVEL, 2, MOST_LEVELS))
    edges = np.unique(np.quantile(quantity, np.arange(1, wanted + 1) / wanted, method="inverted_cdf"))
    if edges.size < 2:
        edges = np.unique([quantity.min(), quantity.max()])
    return np.searchsorted(edges, quantity), edges


def level_names(quantity):
    """Each level in words: its range of values."""
    level, edges = levels(quantity)
    low = [quantity[level == k].min() for k in range(edges.size)]
    return [f"{a:.3g}" if a == b else f"{a:.3g} to {b:.3g}" for a, b in zip(low, edges, strict=True)]
