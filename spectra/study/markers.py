"""Which peaks carry the answer, and would they be chosen again?

Stability selection (Meinshausen & Bühlmann 2010, J. R. Stat. Soc. B 72:417): half of the patients are drawn many times; each time the
bins are learned anew, a forest ranks the peaks, and the best ten (of few columns, the best third) are noted. A marker's stability is the
share of draws in which it stood among them. The effect is the standardised difference of means between the class in which the peak is highest and the others.
"""

from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed

from fasttree import RandomForestClassifier
from spectra.identification import match_masses
from spectra.study.evaluation import fit_steps
from spectra.study.splits import group_labels

TOP = 10
IDENTIFIED = 20  # markers that are looked up


class Marker(NamedTuple):
    """One peak (or column), most stable first.

    mz : Da/e, NaN for a plain column; stability : 0 to 1; direction : class in which it is highest; effect : in standard deviations;
    column : of the features; candidates : list of dict, known molecules of about this mass (the first markers only)
    """

    name: str
    mz: float
    stability: float
    direction: str
    effect: float
    column: int
    candidates: list[dict[str, Any]]


def importances(values, y, seed):
    """Importance of each feature to a forest."""
    return RandomForestClassifier(n_estimators=100, random_state=seed, n_jobs=1).fit(values, y).feature_importances_


def matched(features, reference, tolerance):
    """Column of `reference` for each column of `features`, -1 without one: by m/z within `tolerance` (relative), else by name."""
    if reference.shape[1] == 0:
        return np.full(features.shape[1], -1)
    if np.isnan(reference.mz).any() or np.isnan(features.mz).any():
        place = {name: i for i, name in enumerate(reference.names)}
        return np.array([place.get(name, -1) for name in features.names])
    right = np.clip(np.searchsorted(reference.mz, features.mz), 1, max(1, reference.mz.size - 1))
    right = np.minimum(right, reference.mz.size - 1)
    left = np.maximum(right - 1, 0)
    nearest = np.where(np.abs(reference.mz[left] - features.mz) <= np.abs(reference.mz[right] - features.mz), left, right)
    close = np.abs(reference.mz[nearest] - features.mz) <= tolerance * features.mz
    return np.where(close, nearest, -1)


def top_columns(features, y, reference, *, tolerance, seed):
    """Columns of `reference` that match the most important features (fewer when some have no match)."""
    importance = importances(features.values, y, seed)
    best = np.argsort(-importance, kind="stable")[: min(TOP, max(1, importance.size // 3))]
    columns = matched(features, reference, tolerance)[best[importance[best] > 0]]
    return np.unique(columns[columns >= 0])


def _half(problem, draw):
    """Rows of a random half of the patients of each class."""
    random = np.random.default_rng([problem.seed, 2, draw])
    _, label, member = group_labels(problem.y, problem.groups)
    chosen = [random.permutation(np.flatnonzero(label == k)) for k in np.unique(label)]
    chosen = np.concatenate([patients[: max(2, patients.size // 2)] for patients in chosen])
    return np.flatnonzero(np.isin(member, chosen))


def effects(values, y):
    """For each feature the class with the highest mean, and how far that mean lies above the others' in pooled standard deviations."""
    classes = np.unique(y)
    means = np.array([values[y == k].mean(axis=0) for k in classes])
    high = means.argmax(axis=0)
    effect = np.zeros(values.shape[1])
    for j in range(values.shape[1]):
        own, other = values[y == classes[high[j]], j], values[y != classes[high[j]], j]
        spread = np.sqrt((own.var() * own.size + other.var() * other.size) / max(1, own.size + other.size - 2))
        effect[j] = (own.mean() - other.mean()) / spread if spread > 0 else 0.0
    return classes[high], effect


def find_markers(problem, features, *, draws=50, tolerance=0.002, n_jobs=None, progress=None):
    """Markers by stability, then by size of effect.

    Parameters
    ----------
    problem : Problem
    features : FeatureMatrix of all rows, whose columns name the markers
    draws : int, halves of the patients
    tolerance : relative, to recognise a peak whose bin was learned anew

    Returns
    -------
    list of Marker, all columns of `features`
    """

    def one(draw):
        rows = _half(problem, draw)
        _, half = fit_steps(problem, rows)
        return top_columns(half, problem.y[rows], features, tolerance=tolerance, seed=problem.seed + draw)

    count = np.zeros(features.shape[1])
    found = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator_unordered")(delayed(one)(i) for i in range(draws))
    for columns in progress(found, draws, "stability of markers") if progress else found:
        count[columns] += 1
    high, effect = effects(features.values, problem.y)
    order = np.lexsort([-np.abs(effect), -count])
    known = _candidates(features.mz[order[:IDENTIFIED]])
    known += [[] for _ in range(order.size - len(known))]
    return [
        Marker(features.names[j], float(features.mz[j]), count[j] / draws, problem.classes[high[j]], float(effect[j]), int(j), molecules)
        for j, molecules in zip(order, known, strict=True)
    ]


def _candidates(mz):
    """Known molecules of about each mass, best first, with the share of matches that chance would give as well."""
    if np.isnan(mz).any():
        return [[] for _ in mz]
    found = match_masses(mz)
    rows = found[["name", "form", "error_ppm", "alternatives", "fdr", "source"]].to_dict("records")
    return [[row for row, peak in zip(rows, found["peak"], strict=True) if peak == i] for i in range(mz.size)]
