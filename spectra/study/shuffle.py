"""Labels shuffled through the whole pipeline: does anything leak, and is the result better than chance?

The patients' labels are permuted within each test fold, so every fold keeps its numbers of each class, and everything that looks at labels
(the filter by class, the model) is fitted anew. Under shuffled labels the expected AUC is exactly one half; a mean above it shows
that the pipeline peeks. The model is a fixed ridge regression: one chosen by the true labels would favour these. Or, slower, models that are named: then
the nested choice among them is made anew under every labelling, as in the study itself.
Permutations end early when ten have done as well as the true labels (Besag & Clifford 1991, Biometrika 78:301).
"""

import numpy as np
from joblib import delayed
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from spectra._threads import parallel
from spectra.containers import FeatureMatrix
from spectra.errors import SpectraError
from spectra.pipeline import learned_steps
from spectra.study import scores
from spectra.study.audit import SHUFFLED, Control
from spectra.study.evaluation import evaluate
from spectra.study.learning import predict
from spectra.study.outcome import settled
from spectra.study.problem import seen_by_steps
from spectra.study.splits import group_labels

ENOUGH = 10


def _blind_part(problem, split):
    """What does not look at labels, fitted once per split: (last step unfitted, training features, held-out features)."""
    steps = learned_steps(problem.settings, problem.data)
    blind, last = Pipeline(steps.steps[:-1]), steps.steps[-1][1]
    if not blind.steps:
        return last, problem.data[split.train], problem.data[split.test]
    known, held = blind.fit_transform(problem.data[split.train]), blind.transform(problem.data[split.test])
    for features in (known, held):
        if isinstance(features, FeatureMatrix):
            _ = features.values  # filled once, for all labellings
    return last, known, held


def _fold(problem, split, parts):
    last, train, held = parts
    step = clone(last).fit(train, seen_by_steps(problem, split.train))
    ridge = LogisticRegression(C=1e-2, max_iter=1000) if problem.n_classes else Ridge(alpha=100.0)
    model = make_pipeline(StandardScaler(), ridge).fit(step.transform(train).values, problem.target[split.train])
    return split.test, predict(model, step.transform(held).values, problem.n_classes)


def _score(problem, splits, parts, models, y, target):
    """AUC (or concordance) under one labelling, and the models that cannot be fitted then: name -> why."""
    problem = problem._replace(y=y, quantity=None if problem.quantity is None else target)
    if models:
        outcomes, left_out, _ = settled(evaluate(problem, splits, models, inner_folds=problem.settings.study.inner_folds, n_jobs=1))
        if not outcomes:
            raise SpectraError(f"[study] shuffle_models: none is left: {'; '.join(left_out.values())}")
        folds = [(split.test, outcome[-1].probability) for split, outcome in zip(splits, outcomes, strict=True)]
    else:
        folds, left_out = [_fold(problem, split, part) for split, part in zip(splits, parts, strict=True)], {}
    return problem.score(folds), left_out


def _shuffled(problem, splits, draw):
    """Classes (or levels) and targets of the rows after permuting the patients' labels within each test fold."""
    random = np.random.default_rng([problem.seed, 3, draw])
    y, target = problem.y.copy(), problem.target.copy()
    for split in splits:
        _, label, member = group_labels(problem.y[split.test], problem.groups[split.test])
        place = random.permutation(label.size)
        y[split.test] = label[place][member]
        target[split.test] = group_labels(problem.target[split.test], problem.groups[split.test])[1][place][member]
    return y, target


def shuffle_test(problem, splits, *, permutations=99, models=(), n_jobs=None, progress=None):
    """Compare the true labels with shuffled ones.

    Parameters
    ----------
    problem : Problem
    splits : list of Split, one repeat: each row is tested once
    permutations : int, at most
    models : list of Candidate, chosen among anew under every labelling; none: a fixed ridge regression

    Returns
    -------
    control : Control
        Its ``auc`` is the mean and the central 95 % of the AUCs under shuffled labels; flagged when that mean shows a leak, or the true
        labels do no better than shuffled ones.
    null : ndarray, the AUCs under shuffled labels
    """
    parts = parallel(n_jobs)(delayed(_blind_part)(problem, split) for split in splits if not models)
    true, left_out = _score(problem, splits, parts, models, problem.y, problem.target)
    null: list[float] = []
    batch = 20
    rounds = range(0, permutations, batch)
    for first in progress(rounds, len(rounds), "shuffled labels") if progress else rounds:
        if np.sum(np.array(null) >= true) < ENOUGH:
            draws = range(first, min(first + batch, permutations))
            jobs = (delayed(_score)(problem, splits, parts, models, *_shuffled(problem, splits, draw)) for draw in draws)
            for score, also in parallel(n_jobs)(jobs):
                null.append(score)
                left_out |= also
    what = "AUC" if problem.n_classes else "concordance"
    by = "" if models else " by ridge regression"  # which need not be the score that the study tells
    by += f" without {', '.join(left_out)}, which cannot always be fitted" if left_out else ""
    return _verdict(true, np.array(null), what, "class" if problem.n_classes else "quantity", by), np.array(null)


def _verdict(true, null, what, predicts, by=""):
    better = int(np.sum(null >= true))
    p_value = (1 + better) / (1 + null.size)
    mean = scores.Interval(float(null.mean()), *(float(q) for q in np.quantile(null, [0.025, 0.975])))
    leak = null.size > 1 and mean.mean > 0.5 + 4 * null.std(ddof=1) / np.sqrt(null.size)
    if leak:
        verdict = f"Shuffled labels still give {what} {mean.mean:.2f} on average: the pipeline sees labels that it must not see."
    elif p_value > 0.05 and not better:
        verdict = (
            f"No shuffling did as well as the true labels ({what} {true:.2f}{by}), but {null.size} are too few to tell: try 19 or more."
        )
    elif p_value > 0.05:
        verdict = f"The true labels ({what} {true:.2f}{by}) do no better than shuffled ones: {better} of {null.size} did as well. No claim can be made."
    else:
        verdict = (
            f"Shuffled labels give {what} {mean.mean:.2f} on average, so nothing leaks; "
            f"the true labels ({what} {true:.2f}{by}) beat {null.size - better} of {null.size} shufflings."
        )
    return Control(SHUFFLED, predicts, mean, float(p_value), bool(leak or p_value > 0.05), verdict)
