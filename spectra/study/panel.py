"""The smallest set of markers that does about as well as the best one: a panel that a laboratory could measure.

In each training set the features are ranked by a forest, those that say the same are spoken for by one of them, and a ridge regression learns from the
first 1, 2, 3, ... of them. Inner folds choose the smallest size whose score is within one standard error of the best (Breiman et al. 1984); then
the patients held out are answered once. So size and members are chosen without them, and the score is nested.
"""

from typing import Any, NamedTuple

import numpy as np
from joblib import delayed
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from spectra._threads import parallel
from spectra.study import scores
from spectra.study.families import leaders
from spectra.study.learning import predict
from spectra.study.markers import importances, matched
from spectra.study.problem import fit_steps
from spectra.study.splits import group_labels, grouped_splits, number_of_folds

SIZES = (1, 2, 3, 4, 5, 7, 10, 15, 20, 30)
RESAMPLES = 200  # of patients, behind the standard error
TREES = 800  # of the forest that ranks. With 100 its own chance chose among peaks that do as well: over six seeds, other splits' panels held 57 % of the
# members again for four species of bacteria, with 800 all of them; for 160 simulated spectra 60 % and 75 %


class Member(NamedTuple):
    """A marker of the panel.

    column : of the features; same : columns that it speaks for; chosen : share of the outer splits whose panel held it, or one that it speaks for
    """

    column: int
    same: list[int]
    chosen: float


class Panel(NamedTuple):
    """The panel for new data, and what such panels were worth.

    score : AUC (of a quantity the concordance) with interval of the panels chosen inside each outer split, on its held-out patients
    sizes : list of (size, Interval), the AUC of the first so many markers on held-out patients: a picture, not a choice
    inside : sizes that the outer splits chose
    """

    members: list[Member]
    score: scores.Interval
    sizes: list[tuple[int, scores.Interval]]
    inside: list[int]


def _ranked(problem, rows):
    """Steps and features of the rows, and the columns that speak for themselves, best first."""
    steps, features = fit_steps(problem, rows)
    if not features.shape[1]:
        return steps, features, []
    order = np.argsort(-importances(features.values, problem.target[rows], problem.task, problem.seed, TREES), kind="stable")
    leader, _ = leaders(features.values, features.mz, order)
    return steps, features, [int(j) for j in order if leader[j] == j]


def _answers(problem, train, test):
    """Held-out probabilities of the first 1, 2, 3, ... ranked columns: dict of size -> array, empty without a column; and what they were ranked from."""
    steps, features, heads = _ranked(problem, train)
    if not heads:
        return {}, features, heads
    first, found = heads[: SIZES[-1]], {}
    known, held = features.values[:, first], steps.transform(problem.data[test]).values[:, first]
    scaler = StandardScaler().fit(known)
    known, held = scaler.transform(known), scaler.transform(held)
    for size in SIZES:
        if size <= len(heads):
            # Newton's steps are few, and for few columns cheap
            ridge = LogisticRegression(solver="newton-cholesky") if problem.n_classes else Ridge()
            found[size] = predict(ridge.fit(known[:, :size], problem.target[train]), held[:, :size], problem.n_classes)
    return found, features, heads


def _size(problem, rows, inner_folds):
    """The smallest size within one standard error of the best, by inner folds of the rows; 0 where one of them has no feature."""
    _, label, member = group_labels(problem.y[rows], problem.groups[rows])
    folds = number_of_folds(label, inner_folds, most=3, option="inner_folds")
    parts = grouped_splits(problem.y[rows], problem.groups[rows], folds=folds, repeats=1, seed=problem.seed)
    answers = [_answers(problem, rows[part.train], rows[part.test])[0] for part in parts]
    sizes = sorted(set.intersection(*map(set, answers)))
    if not sizes:
        return 0
    target, rank = group_labels(problem.target[rows], problem.groups[rows])[1], problem.task.rank
    resampler = scores.PatientResampler(target, member, resamples=RESAMPLES, seed=problem.seed, strata=label)
    drawn = {}
    for size in sizes:
        by_fold = [(part.test, answer[size]) for part, answer in zip(parts, answers, strict=True)]
        one = np.ones((1, rows.size), np.float32)
        drawn[size] = (rank(by_fold, resampler.label, one)[0], np.nanstd(rank(by_fold, resampler.label, resampler.weight)))
    best = max(sizes, key=lambda size: drawn[size][0])
    return next(size for size in sizes if drawn[size][0] >= drawn[best][0] - drawn[best][1])


def find_panel(problem, features, splits, resampler, *, tolerance, inner_folds=0, n_jobs=None, progress=None) -> Any:
    """Choose a panel on all rows, and judge the choosing on held-out patients.

    Parameters
    ----------
    problem : Problem
    features : FeatureMatrix of all rows, whose columns name the members
    splits : list of Split, one repeat: each row is tested once
    resampler : PatientResampler of all rows
    tolerance : relative, to recognise a peak whose bin was learned anew

    Returns
    -------
    Panel, or None where no feature was found, be it in one of the training sets
    """
    if not features.shape[1]:
        return None

    def one(split):
        size = _size(problem, split.train, inner_folds)
        answers, own, heads = _answers(problem, split.train, split.test)
        size = max((known for known in answers if known <= size), default=0)
        return size, answers, matched(own, features, tolerance)[heads[:size]]

    everyone = np.arange(problem.y.size)
    todo = [delayed(_size)(problem, everyone, inner_folds), *(delayed(one)(split) for split in splits)]
    jobs = parallel(n_jobs, "generator")(todo)
    last, *outer = progress(jobs, len(todo), "panel") if progress else jobs
    if not last or not all(size for size, _, _ in outer):
        return None
    score = resampler.interval(
        problem.task.rank, [(split.test, answers[size]) for split, (size, answers, _) in zip(splits, outer, strict=True)]
    )
    sizes = []
    for size in sorted(set.intersection(*(set(answers) for _, answers, _ in outer))):
        folds = [(split.test, answers[size]) for split, (_, answers, _) in zip(splits, outer, strict=True)]
        sizes.append((size, resampler.interval(problem.task.rank, folds)))
    order = np.argsort(-importances(features.values, problem.target, problem.task, problem.seed, TREES), kind="stable")
    leader, _ = leaders(features.values, features.mz, order)
    heads = [int(j) for j in order if leader[j] == j][:last]
    members = []
    for j in heads:
        same = np.flatnonzero(leader == j)
        again = np.mean([bool(np.isin(columns, same).any()) for _, _, columns in outer])
        members.append(Member(j, [int(i) for i in same if i != j], float(again)))
    return Panel(members, score, sizes, [size for size, _, _ in outer])
