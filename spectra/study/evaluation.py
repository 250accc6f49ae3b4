"""Nested cross-validation: choose inside the training patients, score once on those held out.

For each split: the learned steps are fitted on the training rows; within these, inner folds choose each candidate's parameters (and, if
asked, settings of the steps) and the best candidate; then everything is fitted on all training rows and predicts the held-out rows. The
held-out rows take part in no choice. All candidates share one set of fitted steps per split, since the steps don't depend on the model.
"""

import collections
import time
from typing import Any, NamedTuple

import numpy as np
from joblib import delayed

from spectra._threads import parallel
from spectra.errors import ModelError
from spectra.study.learning import Fold, Sigmoids, fit, has_probabilities, predict
from spectra.study.outcome import SELECTED, Outcome, with_selected
from spectra.study.problem import Problem, fit_steps
from spectra.study.search import Search
from spectra.study.splits import Split, group_labels, grouped_splits, number_of_folds

__all__ = ["SELECTED", "Choice", "Outcome", "Problem", "choose", "evaluate", "evaluate_split", "fit_steps", "predict"]


class Choice(NamedTuple):
    """What the inner folds chose of one candidate.

    point : settings of the tuned steps and parameters; score : mean over the inner folds
    sigmoids : `Sigmoids` or None where the model gives probabilities by itself
    trouble : why the candidate could not be fitted at some other point; empty where it could
    """

    point: dict[str, Any]
    score: float
    sigmoids: Any
    seconds: float
    trouble: str = ""

    def of_model(self, problem):
        """The parameters of the model alone."""
        return {name: value for name, value in self.point.items() if problem.tuned is None or name not in problem.tuned.space}


class _Inner:
    """The inner folds of one training set: made once, for each setting of the tuned steps."""

    def __init__(self, problem, train, parts, n_jobs=1):
        self.problem, self.train, self.parts, self.n_jobs = problem, train, parts, n_jobs
        self._folds = {}

    def folds(self, point):
        """The folds under the settings that a point names."""
        moved = self.problem.at(point)
        key = id(moved.data), id(moved.settings)
        if key not in self._folds:
            jobs = (delayed(Fold)(moved, self.train[part.train], self.train[part.test]) for part in self.parts)
            self._folds[key] = parallel(self.n_jobs)(jobs)
        return self._folds[key]

    def choose(self, candidate, search, name):
        """The best point of a candidate's space and the tuned steps' together: a `Choice`, or the `ModelError` where none can be fitted."""
        problem, start, kept, troubles = self.problem, time.thread_time(), {}, []
        tuned = problem.tuned.space if problem.tuned else {}

        def measured(point):
            parameters, found, beliefs, sure = {key: point[key] for key in candidate.space}, [], [], True
            for fold in self.folds(point):
                values, held = fold.inputs(candidate)
                known, target = problem.target[fold.train], problem.target[fold.test]
                model = fit(candidate, parameters, problem.seed, values, known, problem.n_classes)
                belief = predict(model, held, problem.n_classes)
                found.append(problem.task.choose(belief, target, known))
                if problem.n_classes:
                    beliefs.append((belief, target))
                    sure = has_probabilities(model)
            kept[repr(point)] = beliefs, sure
            return float(np.mean(found))

        def score(point):
            try:
                return measured(point)
            except ModelError as error:
                troubles.append(error)
                return np.nan

        def found_at(point):
            if repr(point) not in kept:  # an Optuna search that was finished earlier, or the point cannot be fitted
                score(point)
            return kept.get(repr(point), ((), True))

        def among_equals(point):
            beliefs, sure = found_at(point)
            return float(np.mean([_fit_of(*each, sure) for each in beliefs])) if beliefs else 0.0

        point, best = search.best(tuned | candidate.space, score, f"{name} {candidate.name}", among_equals)
        (beliefs, sure), sigmoids = found_at(point), None
        if repr(point) not in kept:
            return troubles[0]
        if beliefs and not sure:
            sigmoids = Sigmoids.learn(*(np.concatenate(each) for each in zip(*beliefs, strict=True)))
        return Choice(point, best, sigmoids, time.thread_time() - start, str(troubles[0]) if troubles else "")


def _fit_of(belief, y, probabilities):
    """How well beliefs fit the classes beyond their order: the Brier score off zero, or of a decision function the share recognised."""
    if probabilities:
        return -float(((belief - (y[:, None] == np.arange(belief.shape[1]))) ** 2).sum(axis=1).mean())
    return float((belief.argmax(axis=1) == y).mean())


def choose(problem, train, candidates, *, inner_folds=0, seed=0, search=None, name="", n_jobs=1) -> list[Choice | ModelError]:
    """Choose each candidate's parameters by inner splits of the rows `train`; of one that cannot be fitted the error stands in its place.

    seed : int, of the inner folds; name : str, of this choice, see `Search.best`
    """
    _, label, _ = group_labels(problem.y[train], problem.groups[train])
    folds = number_of_folds(label, inner_folds, most=3, classes=problem.classes, option="inner_folds")
    parts = grouped_splits(problem.y[train], problem.groups[train], folds=folds, repeats=1, seed=seed)
    inner = _Inner(problem, train, parts, n_jobs)
    search = search or Search()
    if problem.tuned is None:
        inner.folds({})  # before the candidates share them
        jobs = (delayed(inner.choose)(candidate, search, name) for candidate in reversed(candidates))  # the most laborious first
        return parallel(n_jobs)(jobs)[::-1]
    return [inner.choose(candidate, search, name) for candidate in candidates]


def evaluate_split(problem: Problem, split: Split, candidates, *, inner_folds=0, search=None, name="") -> list[Outcome]:
    """Choose on ``split.train``, predict ``split.test``; one `Outcome` per candidate and one for the best of them by inner score.

    Of a candidate that cannot be fitted the outcome holds nothing but the reason.
    """
    train = split.train
    seed = problem.seed + split.repeat
    choices = choose(problem, train, candidates, inner_folds=inner_folds, seed=seed, search=search, name=name)
    outer = _Inner(problem, np.arange(problem.y.size), [split])

    def outcome(candidate, choice):
        if isinstance(choice, ModelError):
            raise choice
        (fold,) = outer.folds(choice.point)
        values, held = fold.inputs(candidate)
        start = time.thread_time()
        model = fit(candidate, choice.of_model(problem), problem.seed, values, problem.target[train], problem.n_classes)
        train_auc = problem.task.rank_of(predict(model, values, problem.n_classes), problem.target[train])
        belief = predict(model, held, problem.n_classes)
        belief = choice.sigmoids(belief) if choice.sigmoids else belief
        spent = choice.seconds + time.thread_time() - start
        return Outcome(candidate.name, choice.point, choice.score, train_auc, belief, spent, choice.trouble)

    outcomes = []
    for candidate, choice in zip(candidates, choices, strict=True):
        try:
            outcomes.append(outcome(candidate, choice))
        except ModelError as error:
            outcomes.append(Outcome(candidate.name, {}, np.nan, np.nan, np.empty(0), 0.0, str(error)))
    return with_selected(outcomes)


def evaluate(problem: Problem, splits, candidates, *, inner_folds=0, search=None, n_jobs=None, progress=None, store=None):
    """`evaluate_split` for all splits, of one scheme or several, over threads.

    Parameters
    ----------
    progress : callable (iterable, total, description) -> iterable, such as a progress bar
    store : object with ``load(scheme)`` and ``keep(scheme, index, outcomes)``, optional: splits finished earlier (a resumed run)

    Returns
    -------
    list of list of Outcome, one list per split
    """
    places: list[tuple[str, int]] = []
    count: collections.Counter[str] = collections.Counter()
    for split in splits:
        places.append((split.scheme, count[split.scheme]))
        count[split.scheme] += 1
    split_at = dict(zip(places, splits, strict=True))
    finished = {(scheme, i): outcomes for scheme in (count if store else ()) for i, outcomes in store.load(scheme).items()}

    def run(scheme, i):
        split, how = split_at[scheme, i], {"inner_folds": inner_folds, "search": search, "name": f"{scheme} {i}"}
        return scheme, i, evaluate_split(problem, split, candidates, **how)

    todo = [place for place in places if place not in finished]
    todo.sort(key=lambda place: -split_at[place].train.size)  # the longest first, so that no thread starts it last
    results = parallel(n_jobs, "generator_unordered")(delayed(run)(*place) for place in todo)
    for scheme, i, outcomes in progress(results, len(todo), "nested cross-validation") if progress else results:
        finished[scheme, i] = outcomes
        if store is not None:
            store.keep(scheme, i, outcomes)
    return [finished[place] for place in places]
