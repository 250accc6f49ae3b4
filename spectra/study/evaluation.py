"""Nested cross-validation: choose inside the training patients, score once on those held out.

For each split: the learned steps are fitted on the training rows; within these, inner folds choose each candidate's parameters and the
best candidate; then everything is fitted on all training rows and predicts the held-out rows. The held-out rows take part in no choice.
All candidates share one set of fitted steps per split, since the steps don't depend on the model.
"""

import time
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed

from spectra.pipeline import learned_steps
from spectra.study import scores
from spectra.study.splits import Split, group_labels, grouped_splits, number_of_folds

SELECTED = "selected inside"
"""Name of the row that takes, in each split, whichever candidate the inner folds preferred."""


class Outcome(NamedTuple):
    """What one candidate did in one split."""

    candidate: str
    chosen: dict[str, Any]
    inner_score: float
    train_auc: float
    probability: np.ndarray
    seconds: float


class Problem(NamedTuple):
    """What is to be learned.

    data : preprocessed Cohort, or FeatureMatrix
    settings : Settings
    y : int array, shape (n_rows,)
    groups : array, shape (n_rows,): the patient of each row
    classes : list of str, the labels' names
    seed : int
    """

    data: Any
    settings: Any
    y: np.ndarray
    groups: np.ndarray
    classes: list[str]
    seed: int


def _values(features):
    return np.ascontiguousarray(features.values)


def fit_steps(problem, train):
    """The learned steps fitted on the rows `train`, and these rows' features."""
    steps = learned_steps(problem.settings, problem.data)
    features = steps.fit_transform(problem.data[train], problem.y[train])
    return steps, features


def _rank(probability, y, n_classes):
    """AUC of one model on one set of rows."""
    folds = [(np.arange(y.size), probability)]
    return float(scores.auc(folds, y[None, :], np.ones((1, y.size)))[0])


def predict(model, values, n_classes):
    """Class probabilities in the order of the labels, zero for a class that the model never saw."""
    probability = np.zeros((values.shape[0], n_classes))
    probability[:, model.classes_] = model.predict_proba(values)
    return probability


def inner_scores(problem, train, candidates, parts, *, n_jobs=1):
    """Mean AUC of every candidate and grid point over inner splits of the rows `train`: list of arrays."""
    n_classes = len(problem.classes)

    def scores_of(part):
        fit_rows, check_rows = train[part.train], train[part.test]
        steps, features = fit_steps(problem, fit_rows)
        values, checked = _values(features), _values(steps.transform(problem.data[check_rows]))
        found = []
        for candidate in candidates:
            models = [candidate.build(n_classes, problem.seed, **point).fit(values, problem.y[fit_rows]) for point in candidate.grid]
            found.append(np.array([_rank(predict(model, checked, n_classes), problem.y[check_rows], n_classes) for model in models]))
        return found

    each = Parallel(n_jobs=n_jobs, prefer="threads")(delayed(scores_of)(part) for part in parts)
    return [np.mean(of_candidate, axis=0) for of_candidate in zip(*each, strict=True)]


def evaluate_split(problem: Problem, split: Split, candidates, *, inner_folds=0) -> list[Outcome]:
    """Choose on ``split.train``, predict ``split.test``; one `Outcome` per candidate and one for the best of them by inner score."""
    train, test, n_classes = split.train, split.test, len(problem.classes)
    _, label, _ = group_labels(problem.y[train], problem.groups[train])
    folds = number_of_folds(label, inner_folds, most=3, classes=problem.classes)
    parts = grouped_splits(problem.y[train], problem.groups[train], folds=folds, repeats=1, seed=problem.seed + split.repeat)
    inner = inner_scores(problem, train, candidates, parts)
    steps, features = fit_steps(problem, train)
    values, held = _values(features), _values(steps.transform(problem.data[test]))
    outcomes = []
    for candidate, score in zip(candidates, inner, strict=True):
        start = time.perf_counter()
        point = int(np.argmax(score))
        model = candidate.build(n_classes, problem.seed, **candidate.grid[point]).fit(values, problem.y[train])
        train_auc = _rank(predict(model, values, n_classes), problem.y[train], n_classes)
        probability = predict(model, held, n_classes)
        spent = time.perf_counter() - start
        outcomes.append(Outcome(candidate.name, candidate.grid[point], float(score[point]), train_auc, probability, spent))
    best = max(outcomes, key=lambda outcome: outcome.inner_score)
    return [*outcomes, best._replace(candidate=SELECTED, chosen={"model": best.candidate} | best.chosen)]


def evaluate(problem: Problem, splits, candidates, *, inner_folds=0, n_jobs=None, done=None, progress=None, keep=None):
    """`evaluate_split` for all splits over threads.

    Parameters
    ----------
    done : dict of int -> list of Outcome, splits finished earlier (a resumed run)
    progress : callable (iterable, total, description) -> iterable, such as a progress bar
    keep : callable (index, outcomes), called as each split ends, to store it

    Returns
    -------
    list of list of Outcome, one list per split
    """
    finished = dict(done or {})

    def run(i):
        return i, evaluate_split(problem, splits[i], candidates, inner_folds=inner_folds)

    todo = [i for i in range(len(splits)) if i not in finished]
    results = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator_unordered")(delayed(run)(i) for i in todo)
    for i, outcomes in progress(results, len(todo), "nested cross-validation") if progress else results:
        finished[i] = outcomes
        if keep is not None:
            keep(i, outcomes)
    return [finished[i] for i in range(len(splits))]
