"""Would more patients help? The held-out score of models that learned from ever more of them."""

from typing import NamedTuple

import numpy as np
from joblib import delayed

from spectra._threads import parallel
from spectra.errors import ModelError
from spectra.study import scores
from spectra.study.evaluation import evaluate_split
from spectra.study.splits import Split, group_labels

POINTS = 5
FEWEST = 4  # patients of the smallest class in a training set, so that inner folds can choose


class Point(NamedTuple):
    """Held-out and training score of models that learned from so many patients; `patients` is the mean over the splits."""

    patients: float
    auc: scores.Interval
    train_auc: float


def shares(counts, fewest=FEWEST):
    """Parts of the training patients to learn from, evenly spaced on a logarithmic scale, the last one all.

    Parameters
    ----------
    counts : int array, training patients of each class
    fewest : int, patients of the smallest class in the first part

    Returns
    -------
    float array; empty where there are too few patients for two points

    Examples
    --------
    >>> shares(np.array([40, 64])).round(2).tolist()
    [0.1, 0.18, 0.32, 0.56, 1.0]
    >>> shares(np.array([5, 9])).size
    0
    """
    least = fewest / counts.min()
    return np.geomspace(least, 1.0, POINTS) if least <= 0.7 else np.empty(0)


def part_of(y, groups, train, share, seed):
    """Rows of a share of the training patients of each class; a larger share holds the smaller ones."""
    _, label, member = group_labels(y[train], groups[train])
    random, chosen = np.random.default_rng(seed), []
    for k in np.unique(label):
        patients = random.permutation(np.flatnonzero(label == k))
        chosen.append(patients[: max(2, round(share * patients.size))])
    return train[np.isin(member, np.concatenate(chosen))]


def learning_curve(problem, candidate, splits, resampler, *, inner_folds=0, search=None, n_jobs=None, progress=None):
    """Score one candidate, its parameters chosen inside each training part, on patients held out.

    Parameters
    ----------
    problem : Problem
    candidate : Candidate
    splits : list of Split, one repeat: each row is tested once
    resampler : PatientResampler of all rows
    search : Search, optional, how the parameters are looked for; default over the grid

    Returns
    -------
    list of Point, by increasing number of patients; empty where there are too few patients

    Raises
    ------
    ModelError
        When the candidate cannot be fitted to one of the parts.
    """
    counts = [np.bincount(group_labels(problem.y[split.train], problem.groups[split.train])[1]) for split in splits]
    parts = {}  # the rows of each split -> share; of shares that come down to the same patients the first
    for share in shares(np.min(counts, axis=0), max(FEWEST, inner_folds)):
        rows = [part_of(problem.y, problem.groups, split.train, share, [problem.seed, 7, i]) for i, split in enumerate(splits)]
        parts.setdefault(tuple(map(bytes, rows)), (share, rows))
    parts = list(parts.values())

    def one(share, rows, i):
        split = splits[i]
        part, how = Split(split.scheme, split.repeat, rows, split.test), {"inner_folds": inner_folds, "search": search}
        (outcome, *_) = evaluate_split(problem, part, [candidate], name=f"learning curve {share:.4f} {i}", **how)
        if outcome.failed:
            raise ModelError(outcome.trouble)
        return np.unique(problem.groups[rows]).size, outcome

    todo = [(share, rows[i], i) for share, rows in parts for i in range(len(splits))]
    jobs = parallel(n_jobs, "generator")(delayed(one)(*each) for each in todo)
    found = list(progress(jobs, len(todo), "learning curve") if progress and todo else jobs)
    curve = []
    for k in range(len(parts)):
        mine = found[k * len(splits) : (k + 1) * len(splits)]
        folds = [(split.test, outcome.probability) for split, (_, outcome) in zip(splits, mine, strict=True)]
        train = float(np.mean([outcome.train_auc for _, outcome in mine]))
        curve.append(Point(float(np.mean([n for n, _ in mine])), resampler.interval(problem.task.rank, folds), train))
    return curve
