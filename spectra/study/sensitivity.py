"""Changing anything changes everything: what other values of each setting do to peaks, score and markers.

Each declared option with a ``sweep`` is moved on its own, all else as set. Only what lies downstream of the
change is computed anew: a signal step starts from the raw spectra, peaks from the processed ones, a learned step from the peaks. The score is that of one fixed forest on three held-out folds: it shows
how much the result hangs on a choice, and is no ground for choosing the value that scores best.
"""

from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed

from fasttree import RandomForestClassifier
from spectra.errors import SpectraError
from spectra.pipeline import on_common_axis, pick_peaks, preprocess
from spectra.settings import LEARNED, PER_SPECTRUM, change, options
from spectra.study import scores
from spectra.study.evaluation import fit_steps, predict
from spectra.study.markers import top_columns


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


def variants(settings):
    """Every (step, option, value) to try, present values included."""
    for step in PER_SPECTRUM + LEARNED:
        for option in options(settings, step):
            for value in sorted({*option.sweep, option.value}) if option.sweep else ():
                yield step, option.name, value, value == option.value


def _outcome(problem, splits):
    """Score of a fixed forest over `splits`."""
    n_classes, folds = len(problem.classes), []
    for split in splits:
        steps, features = fit_steps(problem, split.train)
        model = RandomForestClassifier(n_estimators=100, random_state=problem.seed, n_jobs=1).fit(features.values, problem.y[split.train])
        folds.append((split.test, predict(model, steps.transform(problem.data[split.test]).values, n_classes)))
    return float(scores.auc(folds, problem.y[None, :], np.ones((1, problem.y.size)))[0])


def sweep(problem, raw, nuisance, features, splits, *, tolerance, n_jobs=None, progress=None):
    """Move each setting over its declared values.

    Parameters
    ----------
    problem : Problem with the processed cohort
    raw, nuisance : Cohort, the same rows before processing; DataFrame, what `preprocess` gave beside the processed ones
    features : FeatureMatrix of all rows under the present settings
    splits : list of Split, on which every variant is scored

    Returns
    -------
    list of Variant
    """
    reference = top_columns(features, problem.y, features, tolerance=tolerance, seed=problem.seed)
    all_rows = np.arange(problem.y.size)
    counts = on_common_axis(raw, problem.settings.read, n_jobs=n_jobs)
    present = _outcome(problem, splits)

    def one(step, name, value, is_present):
        if is_present:
            return Variant(step, name, value, True, features.shape[1], present, 1.0)
        settings = change(problem.settings, step, **{name: value})
        try:
            if step in LEARNED:
                data = problem.data
            elif step in ("noise", "peaks"):
                data = pick_peaks(problem.data, counts, nuisance, settings, n_jobs=1)[0]
            else:
                data = preprocess(raw, settings, n_jobs=1)[0]
            if len(data) != all_rows.size:
                raise SpectraError(f"{all_rows.size - len(data)} spectra could not be processed")
            moved = problem._replace(data=data, settings=settings)
            _, changed = fit_steps(moved, all_rows)
            again = top_columns(changed, problem.y, features, tolerance=tolerance, seed=problem.seed)
            overlap = np.intersect1d(again, reference).size / max(1, reference.size)
            return Variant(step, name, value, False, changed.shape[1], _outcome(moved, splits), float(overlap))
        except SpectraError as error:
            return Variant(step, name, value, False, 0, float("nan"), float("nan"), str(error))

    todo = list(variants(problem.settings))
    found = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")(delayed(one)(*variant) for variant in todo)
    return list(progress(found, len(todo), "sensitivity to settings") if progress else found)
