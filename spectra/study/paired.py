"""Is one model really better than another? Differences on the same splits, with the variance corrected for overlapping training sets.

Folds of a repeated cross-validation share most of their training rows, so their differences hang together and the plain t-test finds
differences where there are none. Nadeau & Bengio (2003, Machine Learning 52:239) add the share of test to training rows to the variance.

Which model is the best is learned from the same splits, so the best looks better than it is. The p-values therefore are those of all pairs of models,
adjusted together (Holm 1979), of which the pairs with the best are told: whichever pair the data point to, it was counted.
"""

import itertools
from typing import NamedTuple

import numpy as np
from scipy import stats

from spectra.study.audit import holm
from spectra.study.outcome import SELECTED


class Pair(NamedTuple):
    """A model against the best one: mean difference of the ranking score over the splits, its 95 % interval by itself, p adjusted for all pairs."""

    name: str
    best: str
    difference: float
    low: float
    high: float
    p_value: float


def corrected_t(differences, n_train, n_test):
    """Mean, 95 % interval and two-sided p of differences over splits.

    Parameters
    ----------
    differences : float array, shape (n_splits,)
    n_train, n_test : float, mean numbers of rows

    Returns
    -------
    mean, low, high, p_value : float
    """
    differences = np.asarray(differences, float)
    mean, n = float(differences.mean()), differences.size
    if n < 2:
        return mean, float("nan"), float("nan"), float("nan")
    error = float(np.sqrt((1 / n + n_test / n_train) * differences.var(ddof=1)))
    if error < 1e-12:
        return mean, mean, mean, 1.0 if abs(mean) < 1e-12 else 0.0
    half = float(stats.t.ppf(0.975, n - 1)) * error
    return mean, mean - half, mean + half, float(2 * stats.t.sf(abs(mean) / error, n - 1))


def compare_pairs(problem, rows, splits):
    """Every candidate of the comparison against the one with the highest score.

    Parameters
    ----------
    rows : list of ModelScore
    splits : list of Split, in the order of their ``folds``

    Returns
    -------
    list of Pair, in the order of `rows`, without the best and the nested selection
    """
    by_split = {row.name: np.array([problem.score([fold]) for fold in row.folds]) for row in rows if row.name != SELECTED}
    if len(by_split) < 2:
        return []
    best = max((row for row in rows if row.name in by_split), key=lambda row: np.nan_to_num(row.auc.mean)).name
    n_train, n_test = (float(np.mean([getattr(split, side).size for split in splits])) for side in ("train", "test"))
    return against(best, by_split, n_train, n_test)


def against(best, by_split, n_train, n_test):
    """Every model against the best one.

    Parameters
    ----------
    best : str
    by_split : dict of name -> float array, shape (n_splits,), scores; NaN where a split could not be scored
    n_train, n_test : float, mean numbers of rows

    Returns
    -------
    list of Pair
    """
    found = {}
    for pair in itertools.combinations(by_split, 2):
        name, other = pair if pair[1] == best else pair[::-1]
        difference = by_split[name] - by_split[other]
        found[name, other] = corrected_t(difference[np.isfinite(difference)], n_train, n_test)
    adjusted = dict(zip(found, holm([row[-1] for row in found.values()]), strict=True))
    return [Pair(name, best, *found[name, best][:-1], float(adjusted[name, best])) for name in by_split if name != best]
