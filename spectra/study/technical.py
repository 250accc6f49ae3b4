"""The instrument's own behaviour: does it drift over the run, and do replicates of a sample agree?"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from spectra.study.audit import ALARM, as_numbers, holm, is_date

ORDERS = ("run_order", "order", "acquired", "acquisition_time", "acquisition_date", "time", "datetime")
STRONG = 0.4  # least |rank correlation| worth an alarm
POOR, MODERATE, GOOD = 0.5, 0.75, 0.9  # intraclass correlation in the words of Koo & Li (2016), J. Chiropr. Med. 15:155
TOLD = 10  # markers whose agreement decides
FEWEST = 8  # patients for a drift to be tested


class Drift(NamedTuple):
    """How one number moves over the run.

    correlation : Spearman's, of patients' means with their place in the run; p_value : adjusted over the numbers tested (Holm)
    change : last quarter over first quarter, of the medians, less one
    """

    what: str
    order: str
    correlation: float
    p_value: float
    change: float
    flag: bool
    verdict: str


class Agreement(NamedTuple):
    """How well replicates agree.

    icc, cv : float arrays, shape (n_features,), intraclass correlation and coefficient of variation of each feature
    n_samples, n_rows : with at least two replicates; markers, everything : median ICC of the top markers and of all features
    """

    unit: str
    n_samples: int
    n_rows: int
    icc: list[float]
    cv: list[float]
    markers: float
    everything: float
    flag: bool
    verdict: str


def run_order(table, roles):
    """The column that tells when each row was measured, and each row's place: (name, float array), or None."""
    named = {str(name).lower(): name for name in table}
    for name in dict.fromkeys([roles.get("date"), *(named.get(word) for word in ORDERS)]):
        if name is None or name not in table or not (name == roles.get("date") or is_date(table[name]) or _is_number(table[name])):
            continue
        place = as_numbers(table[name])
        if place is not None and place.shape[1] == 1 and np.unique(place).size >= FEWEST:
            return str(name), place[:, 0]
    return None


def _is_number(column):
    return pd.to_numeric(pd.Series(column), errors="coerce").notna().all()


def drifts(numbers, place, order, groups):
    """Does a number rise or fall over the run?

    Parameters
    ----------
    numbers : dict of name -> float array, shape (n_rows,)
    place : float array, shape (n_rows,), when each row was measured
    order : str, the column that says so
    groups : array, shape (n_rows,): rows of one patient count once

    Returns
    -------
    list of Drift; empty with fewer than eight patients
    """
    member = np.unique(groups, return_inverse=True)[1].ravel()
    if member.max(initial=-1) + 1 < FEWEST:
        return []
    when = _means(place, member)
    found = []
    for name, values in numbers.items():
        mean = _means(values, member)
        known = np.isfinite(mean)
        if known.sum() >= FEWEST and np.ptp(mean[known]) > 0:
            found.append((name, mean[known], when[known], *spearmanr(mean[known], when[known])))
    p_values = holm([float(p) for *_, p in found]) if found else []
    return [
        _drift(name, order, float(r), float(p), _change(mean, time)) for (name, mean, time, r, _), p in zip(found, p_values, strict=True)
    ]


def _means(values, member):
    return np.bincount(member, weights=values) / np.bincount(member)


def _change(values, when):
    ordered = values[np.argsort(when, kind="stable")]
    quarter = max(1, ordered.size // 4)
    first, last = np.median(ordered[:quarter]), np.median(ordered[-quarter:])
    return float(last / first - 1) if first > 0 else float("nan")


def _drift(what, order, correlation, p_value, change):
    flag = p_value < ALARM and abs(correlation) >= STRONG
    if flag:
        by = f" by {abs(change):.0%} from the first quarter to the last" if np.isfinite(change) else ""
        verdict = (
            f"The {what} {'rises' if correlation > 0 else 'falls'} over the run{by}. Measure classes in random order, with a control sample at intervals; "
            "where class and order go together, no marker can be told from the drift."
        )
    else:
        verdict = f"No sign that the {what} drifts over the run."
    return Drift(what, order, correlation, p_value, change, bool(flag), verdict)


def agreement(features, samples, unit, top):
    """Do replicates of a sample agree?

    Parameters
    ----------
    features : FeatureMatrix
    samples : array, shape (n_rows,): rows with the same value are replicates
    unit : str, what such a value is: "sample" or "patient"
    top : int array, columns of the first markers

    Returns
    -------
    Agreement, or None where no two rows are replicates
    """
    _, member, counts = np.unique(samples, return_inverse=True, return_counts=True)
    member = member.ravel()
    rows = np.flatnonzero(counts[member] > 1)
    if not rows.size or not features.shape[1]:
        return None
    member = np.unique(member[rows], return_inverse=True)[1].ravel()
    values = features.values[rows]
    icc, cv = intraclass(values, member), variation(values, member)
    decisive = icc[top[:TOLD]] if len(top) else icc
    markers, everything = (float(np.nanmedian(each)) if np.isfinite(each).any() else float("nan") for each in (decisive, icc))
    n_samples = int(member.max() + 1)
    spread = f"median ICC {markers:.2f} for the first markers, {everything:.2f} for all features; median CV {np.nanmedian(cv):.0%}"
    if n_samples < 3:
        return Agreement(
            unit, n_samples, rows.size, icc.tolist(), cv.tolist(), markers, everything, False, f"Too few {unit}s have replicates to judge."
        )
    words = "badly" if markers < POOR else "moderately" if markers < MODERATE else "well" if markers < GOOD else "very well"
    verdict = f"Replicates of a {unit} agree {words} ({spread})."
    if markers < POOR:
        verdict += " What a marker says of a person is mostly chance of the measurement: measure more replicates and average them, or mend the preparation."
    elif markers < MODERATE:
        verdict += " Average replicates (read.replicates = average) before a single spectrum decides."
    return Agreement(unit, n_samples, rows.size, icc.tolist(), cv.tolist(), markers, everything, bool(markers < POOR), verdict)


def intraclass(values, member):
    """One-way random intraclass correlation, ICC(1), of each column; groups may differ in size.

    Share of a column's variance that lies between the groups: 1 where replicates agree exactly, 0 or less where they agree no better than
    strangers. NaN for a constant column.

    References
    ----------
    Shrout & Fleiss (1979), Psychol. Bull. 86, 420; unequal sizes as in Donner (1986), Int. Stat. Rev. 54, 67.

    Examples
    --------
    >>> import numpy as np
    >>> intraclass(np.array([[1.0], [1.1], [3.0], [3.1], [5.0], [5.1]]), np.array([0, 0, 1, 1, 2, 2])).round(3)
    array([0.999])
    """
    size = np.bincount(member).astype(float)
    n, k = size.sum(), size.size
    mean = np.zeros((k, values.shape[1]))
    np.add.at(mean, member, values)
    mean /= size[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        between = (size[:, None] * (mean - values.mean(axis=0)) ** 2).sum(axis=0) / (k - 1)
        within = ((values - mean[member]) ** 2).sum(axis=0) / (n - k)
        usual = (n - (size**2).sum() / n) / (k - 1)
        return (between - within) / (between + (usual - 1) * within)


def variation(values, member):
    """Coefficient of variation within groups, pooled, of each column: the standard deviation of replicates over the mean; NaN for a mean of zero or below."""
    size = np.bincount(member).astype(float)
    mean = np.zeros((size.size, values.shape[1]))
    np.add.at(mean, member, values)
    mean /= size[:, None]
    spread = np.sqrt(((values - mean[member]) ** 2).sum(axis=0) / (size.sum() - size.size))
    level = values.mean(axis=0)
    return np.divide(spread, level, out=np.full(level.size, np.nan), where=level > 0)
