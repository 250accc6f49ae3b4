"""Changing anything changes everything: what other values of each setting do to peaks, score and markers.

Each declared option with a ``sweep`` is moved on its own, all else as set; then the settings that matter most in pairs, and all at random (see
`multiverse`). The score is that of one fixed forest on three held-out folds: it shows how much the result hangs on a choice, and is no
ground for choosing the value that scores best.
"""

from typing import NamedTuple

import numpy as np

from spectra.study.learning import predict
from spectra.study.markers import fixed_forest, top_columns
from spectra.study.multiverse import Grower, Measured, Universe, apply, drawn, movers, overlap, pairs_of, swept
from spectra.study.problem import fit_steps


class Variant(NamedTuple):
    """What one other value of one setting does; `auc` is NaN and `note` says why where the value could not be used."""

    step: str
    setting: str
    value: float
    present: bool
    n_peaks: int
    auc: float
    marker_overlap: float
    note: str = ""


def _outcome(problem, splits):
    """Score of a fixed forest over `splits`."""
    target, folds = problem.target, []
    for split in splits:
        steps, features = fit_steps(problem, split.train)
        model = fixed_forest(problem.task, problem.seed).fit(features.values, target[split.train])
        folds.append((split.test, predict(model, steps.transform(problem.data[split.test]).values, problem.n_classes)))
    return problem.score(folds)


def measure(problem, splits, tolerance):
    """What the settings of a problem give: number of features, score, and the most important features."""
    _, features = fit_steps(problem, np.arange(problem.y.size))
    top = top_columns(features, problem.target, features, task=problem.task, tolerance=tolerance, seed=problem.seed)
    found = features.mz[top].tolist(), [features.names[j] for j in top]
    return Measured(features.shape[1], _outcome(problem, splits), *found)


def sweep(problem, raw, nuisance, splits, *, tolerance, inputs, pairs=0, universes=0, cache=None, n_jobs=None, progress=None):
    """Move each setting over its declared values, then those that matter most in pairs, then all at random.

    Parameters
    ----------
    problem : Problem with the processed cohort
    raw, nuisance : Cohort, the same rows before processing; DataFrame, what `preprocess` gave beside the processed ones
    splits : list of Split, on which every variant is scored
    inputs : dict of plain values, digests of what results depend on besides the settings
    pairs : int, settings tried in pairs; universes : int, combinations drawn at random
    cache : Cache, optional

    Returns
    -------
    variants : list of Variant, each setting alone, present values included
    universes : list of Universe, the others
    """
    settings = problem.settings
    grower = Grower(
        problem,
        raw,
        nuisance,
        lambda moved: measure(moved, splits, tolerance),
        inputs=inputs,
        cache=cache,
        n_jobs=n_jobs,
        progress=progress,
    )
    singles = [[(step, name, value)] for step, name, values in swept(settings) for value in values]
    at_random = drawn(settings, universes, problem.seed)  # grown with the singles: many share their signals

    def grow(several):
        return grower.grow([apply(settings, changes) for changes in several], [told(changes) or "present settings" for changes in several])

    present, *found = grow([[], *singles, *at_random])

    def universe(changes, measured):
        alike = overlap(measured, present, tolerance) if np.isfinite(measured.auc) else float("nan")
        return Universe(changes, measured.n_peaks, measured.auc, alike, measured.note)

    here, measured = universe([], present), list(map(universe, [*singles, *at_random], found))
    alone, mixed = measured[: len(singles)], measured[len(singles) :]
    more = pairs_of(settings, movers(alone, here, pairs)) if pairs > 1 else []
    return _variants(settings, here, alone), [*map(universe, more, grow(more)), *mixed]


def told(changes):
    """A combination in words.

    >>> told([("peaks", "snr", 4.0), ("bin", "tolerance", 0.001)])
    'peaks.snr=4, bin.tolerance=0.001'
    """
    return ", ".join(f"{step}.{name}={value:g}" if isinstance(value, float) else f"{step}.{name}={value}" for step, name, value in changes)


def _variants(settings, here, alone):
    """Each setting's values in order, the present one among them."""
    rows = []
    for step, name, _ in swept(settings):
        present = getattr(getattr(settings, step), name)
        rows.append(Variant(step, name, present, True, here.n_peaks, here.auc, here.marker_overlap, here.note))
        for found in alone:
            ((its_step, its_name, value),) = found.changes
            if (its_step, its_name) == (step, name):
                rows.append(Variant(step, name, value, False, found.n_peaks, found.auc, found.marker_overlap, found.note))
    order = {place: i for i, place in enumerate(dict.fromkeys((row.step, row.setting) for row in rows))}
    return sorted(rows, key=lambda row: (order[row.step, row.setting], row.value))
