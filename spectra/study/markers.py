"""Which peaks carry the answer, and would they be chosen again?

Stability selection in complementary pairs (Meinshausen & Bühlmann 2010, J. R. Stat. Soc. B 72:417; Shah & Samworth 2013, 75:55): half of the
patients are drawn many times, and the other half answers too; each time the bins are learned anew, a forest ranks the peaks, and the best ten (of few
columns, the best third) are noted. A marker's stability is the share of halves in which it stood among them; `error_bounds` says how many markers of
such a stability chance would give. The effect is the standardised difference of means between the class (of a quantity,
the level) in which the peak is highest and the others, with an interval by resampling patients. Peaks that say the same as a more stable one, or are another form of its molecule, are told.
"""

from typing import Any, NamedTuple

import numpy as np
from joblib import delayed

from fasttree import RandomForestClassifier, RandomForestRegressor
from spectra._threads import parallel
from spectra.identification import match_masses
from spectra.study import error_bounds, families
from spectra.study.problem import fit_steps
from spectra.study.splits import group_labels

TOP = 10


class Marker(NamedTuple):
    """One peak (or column), most stable first.

    mz : Da/e, NaN for a plain column; stability : 0 to 1; direction : class in which it is highest; effect : in standard deviations;
    column : of the features; candidates : list of dict, known molecules of about this mass, but not those that `origin` contradicts
    effect_low, effect_high : 95 % interval of the effect; expected_false : how many markers at least this stable chance would give at most
    (Shah & Samworth), NaN where no bound holds; family : name of the more stable marker that says the same, "" for none; form : in what form it
    may be that one's molecule; alike : greatest |correlation| with a more stable marker
    origin : what the cohort itself says the peak is, such as "m/z 4467.2 with sodium", "" for nothing; origin_chance : that peaks strewn blindly would say so too
    """

    name: str
    mz: float
    stability: float
    direction: str
    effect: float
    column: int
    candidates: list[dict[str, Any]]
    effect_low: float = float("nan")
    effect_high: float = float("nan")
    expected_false: float = float("nan")
    family: str = ""
    form: str = ""
    alike: float = 0.0
    origin: str = ""
    origin_chance: float = float("nan")


def fixed_forest(task, seed, trees=100):
    """The forest that ranks features and scores variants, whatever the candidates are tuned to."""
    if task.name == "regression":
        return RandomForestRegressor(n_estimators=trees, max_features=1 / 3, random_state=seed, n_jobs=1)
    return RandomForestClassifier(n_estimators=trees, random_state=seed, n_jobs=1)


def importances(values, target, task, seed, trees=100):
    """Importance of each feature to the fixed forest."""
    return fixed_forest(task, seed, trees).fit(values, target).feature_importances_


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


def noted(n_features):
    """How many of the best features a draw notes: ten, or of few a third."""
    return min(TOP, max(1, n_features // 3))


def top_columns(features, target, reference, *, task, tolerance, seed):
    """Columns of `reference` that match the features most important to a forest (fewer when some have no match)."""
    importance = importances(features.values, target, task, seed)
    best = np.argsort(-importance, kind="stable")[: noted(importance.size)]
    columns = matched(features, reference, tolerance)[best[importance[best] > 0]]
    return np.unique(columns[columns >= 0])


def _half(problem, draw):
    """Rows of half of the patients of each class; the next odd draw holds the other half. Of two or three patients always two are drawn."""
    random = np.random.default_rng([problem.seed, 2, draw // 2])
    _, label, member = group_labels(problem.y, problem.groups)
    chosen = []
    for patients in (random.permutation(np.flatnonzero(label == k)) for k in np.unique(label)):
        size = max(2, patients.size // 2)
        chosen.append(patients[:size] if draw % 2 == 0 else patients[-size:])
    return np.flatnonzero(np.isin(member, np.concatenate(chosen)))


def complementary(problem):
    """Do the halves of a pair share no patient? Not with fewer than four patients in a class."""
    _, label, _ = group_labels(problem.y, problem.groups)
    return bool(np.bincount(label).min() >= 4)


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


def effect_intervals(values, y, high, weight):
    """95 % intervals of `effects` by resampled patients.

    Parameters
    ----------
    values : ndarray, shape (n_rows, n_features)
    y : int array, shape (n_rows,); high : int array, shape (n_features,), the class compared with the others
    weight : ndarray, shape (n_resamples, n_rows)

    Returns
    -------
    low, high : float arrays, shape (n_features,)
    """
    low, top = np.full((2, values.shape[1]), np.nan)
    for k in np.unique(high):
        columns = np.flatnonzero(high == k)
        x = values[:, columns] - values[:, columns].mean(axis=0)
        (n_own, own, own_var), (n_other, other, other_var) = (_moments(weight * side, x) for side in (y == k, y != k))
        spread = np.sqrt((own_var * n_own + other_var * n_other) / np.maximum(n_own + n_other - 2, 1))
        with np.errstate(invalid="ignore", divide="ignore"):
            drawn = np.where(spread > 0, (own - other) / spread, 0.0)
        low[columns], top[columns] = np.nanquantile(drawn, [0.025, 0.975], axis=0)
    return low, top


def _moments(weight, x):
    total = weight.sum(axis=1, keepdims=True).astype(float)
    mean = weight @ x / np.maximum(total, 1)
    return total, mean, np.maximum(weight @ (x * x) / np.maximum(total, 1) - mean**2, 0)


def find_markers(problem, features, *, draws=50, tolerance=0.002, weight=None, n_jobs=None, progress=None):
    """Markers by stability, then by size of effect.

    Parameters
    ----------
    problem : Problem
    features : FeatureMatrix of all rows, whose columns name the markers
    draws : int, halves of the patients, two of a pair behind one another
    tolerance : relative, to recognise a peak whose bin was learned anew
    weight : ndarray, shape (n_resamples, n_rows), of resampled patients, for the effects' intervals; None leaves them out

    Returns
    -------
    list of Marker, all columns of `features`
    """

    def one(draw):
        rows = _half(problem, draw)
        _, half = fit_steps(problem, rows)
        return top_columns(half, problem.target[rows], features, task=problem.task, tolerance=tolerance, seed=problem.seed + draw)

    count = np.zeros(features.shape[1])
    found = parallel(n_jobs, "generator_unordered")(delayed(one)(i) for i in range(draws))
    for columns in progress(found, draws, "stability of markers") if progress else found:
        count[columns] += 1
    high, effect = effects(features.values, problem.y)
    low, top = np.full((2, effect.size), np.nan)
    if weight is not None:
        low, top = effect_intervals(features.values, problem.y, high, weight)
    order = np.lexsort([-np.abs(effect), -count])
    known = _candidates(features.mz)
    origins = families.origins(features.mz, features.values)
    leader, form = families.leaders(features.values, features.mz, order)
    alike = _alike(features.values, order)
    pairs = draws // 2 if complementary(problem) else 0
    return [
        Marker(
            features.names[j],
            float(features.mz[j]),
            count[j] / draws,
            problem.classes[high[j]],
            float(effect[j]),
            int(j),
            _uncontradicted(known, int(j), origins.get(int(j))),
            float(low[j]),
            float(top[j]),
            error_bounds.shah_samworth(count.sum() / draws, features.shape[1], count[j] / draws, pairs),
            features.names[leader[j]] if leader[j] != j else "",
            form[j],
            float(alike[j]),
            *_origin(features.mz, origins.get(int(j))),
        )
        for j in order
    ]


def _alike(values, order):
    """Greatest |correlation| of each feature with one before it in the order, for the first thousand; zero for the others."""
    unit, alike = families.correlation(values[:, order[:1000]]), np.zeros(values.shape[1])
    together = np.abs(np.triu(unit.T @ unit, 1))
    alike[order[: together.shape[0]]] = together.max(axis=0, initial=0.0)
    return alike


def _candidates(mz):
    """Known molecules of about each mass, best first, with the share of matches that chance would give as well."""
    found: list[list[dict[str, Any]]] = [[] for _ in mz]
    if not np.isnan(mz).any():
        table = match_masses(mz)
        for peak, row in zip(
            table["peak"], table[["name", "kind", "form", "error_ppm", "alternatives", "fdr", "source"]].to_dict("records"), strict=True
        ):
            found[peak].append(row)
    return found


def _uncontradicted(known, peak, link):
    """The molecules that a peak may be; where other peaks explain it, those that fit the peak it comes from as well."""
    if link is None:
        return known[peak]
    parents = {row["name"] for row in known[link["first"]] if row["form"] == "M+H"}
    return [row for row in known[peak] if row["form"] == link["form"] and row["name"] in parents]


def _origin(mz, link):
    """What the other peaks say a peak is, and how easily chance would."""
    return (f"m/z {mz[link['first']]:.1f} {families.WORDS[link['form']]}", float(link["chance"])) if link else ("", float("nan"))
