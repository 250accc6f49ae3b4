"""Labels shuffled through the whole pipeline: does anything leak, and is the result better than chance?

The patients' labels are permuted within each test fold, so every fold keeps its numbers of each class, and everything that looks at labels
(the filter by class, the model) is fitted anew. Under shuffled labels the expected AUC is exactly one half; a mean above it shows
that the pipeline peeks. The model is a fixed ridge logistic regression: choosing it by the true labels would favour these.
Permutations end early when ten have done as well as the true labels (Besag & Clifford 1991, Biometrika 78:301).
"""

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from spectra.pipeline import learned_steps
from spectra.study import scores
from spectra.study.audit import SHUFFLED, Control
from spectra.study.evaluation import predict
from spectra.study.splits import group_labels

ENOUGH = 10


def _blind_part(problem, split):
    """What does not look at labels, fitted once per split: (last step unfitted, training features, held-out features)."""
    steps = learned_steps(problem.settings, problem.data)
    blind, last = Pipeline(steps.steps[:-1]), steps.steps[-1][1]
    if not blind.steps:
        return last, problem.data[split.train], problem.data[split.test]
    features = blind.fit_transform(problem.data[split.train])
    return last, features, blind.transform(problem.data[split.test])


def _fold(problem, split, parts, y):
    last, train, held = parts
    step = clone(last).fit(train, y[split.train])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1e-2, max_iter=1000))
    model.fit(step.transform(train).values, y[split.train])
    return split.test, predict(model, step.transform(held).values, len(problem.classes))


def _auc(problem, splits, parts, y):
    folds = [_fold(problem, split, part, y) for split, part in zip(splits, parts, strict=True)]
    return float(scores.auc(folds, y[None, :], np.ones((1, y.size)))[0])


def _shuffled(problem, splits, draw):
    """Labels of the rows after permuting the patients' labels within each test fold."""
    random = np.random.default_rng([problem.seed, 3, draw])
    y = problem.y.copy()
    for split in splits:
        _, label, member = group_labels(problem.y[split.test], problem.groups[split.test])
        y[split.test] = random.permutation(label)[member]
    return y


def shuffle_test(problem, splits, *, permutations=99, n_jobs=None, progress=None):
    """Compare the true labels with shuffled ones.

    Parameters
    ----------
    problem : Problem
    splits : list of Split, one repeat: each row is tested once
    permutations : int, at most

    Returns
    -------
    control : Control
        Its ``auc`` is the mean and the central 95 % of the AUCs under shuffled labels; flagged when that mean shows a leak, or the true
        labels do no better than shuffled ones.
    null : ndarray, the AUCs under shuffled labels
    """
    parts = Parallel(n_jobs=n_jobs, prefer="threads")(delayed(_blind_part)(problem, split) for split in splits)
    true = _auc(problem, splits, parts, problem.y)
    null: list[float] = []
    batch = 20
    rounds = range(0, permutations, batch)
    for first in progress(rounds, len(rounds), "shuffled labels") if progress else rounds:
        if np.sum(np.array(null) >= true) < ENOUGH:
            draws = range(first, min(first + batch, permutations))
            jobs = (delayed(_auc)(problem, splits, parts, _shuffled(problem, splits, draw)) for draw in draws)
            null += Parallel(n_jobs=n_jobs, prefer="threads")(jobs)
    return _verdict(true, np.array(null)), np.array(null)


def _verdict(true, null):
    better = int(np.sum(null >= true))
    p_value = (1 + better) / (1 + null.size)
    mean = scores.Interval(float(null.mean()), *(float(q) for q in np.quantile(null, [0.025, 0.975])))
    leak = mean.mean > 0.5 + 4 * null.std(ddof=1) / np.sqrt(null.size)
    if leak:
        verdict = f"Shuffled labels still give AUC {mean.mean:.2f} on average: the pipeline sees labels that it must not see."
    elif p_value > 0.05:
        verdict = (
            f"The true labels (AUC {true:.2f}) do no better than shuffled ones: {better} of {null.size} did as well. No claim can be made."
        )
    else:
        verdict = (
            f"Shuffled labels give AUC {mean.mean:.2f} on average, so nothing leaks; "
            f"the true labels (AUC {true:.2f}) beat {null.size - better} of {null.size} shufflings."
        )
    return Control(SHUFFLED, "class", mean, float(p_value), bool(leak or p_value > 0.05), verdict)
