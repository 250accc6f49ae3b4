"""The instrument's own behaviour: does it drift over the run, and do replicates of a sample agree?"""

import dataclasses
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from spectra.replicates import replicate_agreement
from spectra.study.audit import ALARM, as_numbers, holm, is_date

ORDERS = ("run_order", "order", "acquired", "acquisition_time", "acquisition_date", "time", "datetime")
STRONG = 0.4  # least |rank correlation| worth an alarm
POOR, MODERATE, GOOD = 0.5, 0.75, 0.9  # intraclass correlation in the words of Koo & Li (2016), J. Chiropr. Med. 15:155
TOLD = 10  # markers whose agreement decides
FEWEST = 8  # patients for a drift to be tested
SHIFT = "calibration shift"  # how far a spectrum's peaks lie from the reference peaks before alignment, in ppm


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

    icc, cv : of each feature, as of `spectra.replicate_agreement`
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
        _drift(name, order, float(r), float(p), *_ends(mean, time)) for (name, mean, time, r, _), p in zip(found, p_values, strict=True)
    ]


def _means(values, member):
    return np.bincount(member, weights=values) / np.bincount(member)


def _ends(values, when):
    """Medians of the first and the last quarter of the run."""
    ordered = values[np.argsort(when, kind="stable")]
    quarter = max(1, ordered.size // 4)
    return float(np.median(ordered[:quarter])), float(np.median(ordered[-quarter:]))


def _drift(what, order, correlation, p_value, first, last):
    flag = p_value < ALARM and abs(correlation) >= STRONG
    change = last / first - 1 if first > 0 else float("nan")
    if flag:
        by = f" by {abs(change):.0%} from the first quarter to the last" if np.isfinite(change) else ""
        if what == SHIFT:
            by = f", from {first:.0f} to {last:.0f} ppm (medians of the first and the last quarter)"
        verdict = (
            f"The {what} {'rises' if correlation > 0 else 'falls'} over the run{by}. Measure classes in random order, with a control sample at intervals; "
            "where class and order go together, no marker can be told from the drift."
        )
    else:
        verdict = f"No sign that the {what} drifts over the run."
    return Drift(what, order, correlation, p_value, change, bool(flag), verdict)


def _median(values):
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")


def agreement(features, samples, unit, top):
    """Do replicates of a sample agree?

    Parameters
    ----------
    features : FeatureMatrix
    samples : array, shape (n_rows,): rows with the same value are replicates
    unit : str, what such a value is called: "sample", "patient"
    top : int array, columns of the first markers

    Returns
    -------
    Agreement, or None where no two rows are replicates
    """
    _, member, counts = np.unique(samples, return_inverse=True, return_counts=True)
    rows = np.flatnonzero(counts[member.ravel()] > 1)
    if not rows.size or not features.shape[1]:
        return None
    n_samples = int((counts > 1).sum())
    icc = cv = np.full(features.shape[1], np.nan)
    if n_samples > 1:
        named = dataclasses.replace(features[rows], samples=pd.DataFrame({"file": rows, unit: np.asarray(samples)[rows]}))
        icc, cv = replicate_agreement(named, by=unit)[["icc", "cv"]].to_numpy().T
    markers, everything, varies = (_median(each) for each in (icc[top[:TOLD]] if len(top) else icc, icc, cv))
    known = f"; median CV {varies:.0%}" if np.isfinite(varies) else ""
    spread = f"median ICC {markers:.2f} for the first markers, {everything:.2f} for all features{known}"
    if n_samples < 3 or not np.isfinite(markers):
        why = (
            f"Too few {unit}s have replicates to judge." if n_samples < 3 else "The first markers do not vary, so replicates tell nothing."
        )
        return Agreement(unit, n_samples, rows.size, icc.tolist(), cv.tolist(), markers, everything, False, why)
    words = "badly" if markers < POOR else "moderately" if markers < MODERATE else "well" if markers < GOOD else "very well"
    verdict = f"Replicates of a {unit} agree {words} ({spread})."
    if markers < POOR:
        verdict += " What a marker says of a person is mostly chance of the measurement: measure more replicates and average them, or mend the preparation."
    elif markers < MODERATE:
        verdict += " Average replicates (read.replicates = average) before a single spectrum decides."
    return Agreement(unit, n_samples, rows.size, icc.tolist(), cv.tolist(), markers, everything, bool(markers < POOR), verdict)
