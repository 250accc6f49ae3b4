"""What is to be learned: data, labels, patients; and the same under other settings."""

from typing import Any, NamedTuple

import numpy as np

from spectra.pipeline import learned_steps
from spectra.study.tasks import CLASSES, QUANTITY, Task, levels


class Kept:
    """Fitted steps of one problem by the rows they learned from: panel, learning curve and sensitivity ask for those of the comparison again.

    Parameters
    ----------
    most : int, bytes of features kept; what comes later is not
    """

    def __init__(self, most=128_000_000):
        self._room, self._found, self._of = most, {}, None

    def steps(self, problem, train, fit):
        """What ``fit(problem, train)`` gives; taken from memory only for the very data, settings and labels that came first."""
        of = problem.data, problem.settings, problem.y, problem.quantity
        if self._of is None:
            self._of = of
        if any(mine is not theirs for mine, theirs in zip(self._of, of, strict=True)):
            return fit(problem, train)
        key = train.tobytes()
        if key not in self._found:
            steps, features = fit(problem, train)
            size = 9 * features.shape[0] * features.shape[1]  # values and whether a peak was found
            if size > self._room:
                return steps, features
            self._room -= size
            self._found[key] = steps, features
        return self._found[key]


class Problem(NamedTuple):
    """What is to be learned.

    data : preprocessed Cohort, or FeatureMatrix
    settings : Settings
    y : int array, shape (n_rows,): the class of each row; of a quantity, its level (see `tasks.levels`)
    groups : array, shape (n_rows,): the patient of each row
    classes : list of str, names of the classes or levels
    seed : int
    quantity : float array, shape (n_rows,), or None when classes are predicted
    tuned : `Tuned` or None, the steps that are hyperparameters too
    kept : `Kept` or None, where fitted steps are remembered
    copies : `Copies` or None, rows that repeat others; `groups` has joined them
    """

    data: Any
    settings: Any
    y: np.ndarray
    groups: np.ndarray
    classes: list[str]
    seed: int
    quantity: np.ndarray | None = None
    tuned: Any = None
    kept: Any = None
    copies: Any = None

    @property
    def task(self) -> Task:
        """Classes or a quantity."""
        return CLASSES if self.quantity is None else QUANTITY

    @property
    def target(self) -> np.ndarray:
        """What models learn: the class or the quantity of each row."""
        return self.y if self.quantity is None else self.quantity

    @property
    def n_classes(self) -> int:
        """Number of classes, 0 for a quantity."""
        return len(self.classes) if self.quantity is None else 0

    @property
    def models(self) -> dict[str, Any]:
        """What `candidates` must know: the task, and what the settings say of single models."""
        study = self.settings.study
        return {"task": self.task.name, "parameters": study.parameters, "grids": study.grid}

    def at(self, point):
        """The problem under the settings that the tuned part of a point names."""
        return self if self.tuned is None else self.tuned.at(self, point)

    def score(self, folds) -> float:
        """The ranking score of held-out beliefs: AUC or concordance."""
        target = self.target
        return float(self.task.rank(folds, target[None, :], np.ones((1, target.size)))[0])


def seen_by_steps(problem, train):
    """Labels for a filter by class: of a quantity, levels of the training rows' own values, cut without those held out."""
    return problem.y[train] if problem.quantity is None else levels(problem.quantity[train])[0]


def fit_steps(problem, train):
    """The learned steps fitted on the rows `train`, and these rows' features; neither may be changed."""
    return problem.kept.steps(problem, train, _fitted) if problem.kept is not None else _fitted(problem, train)


def _fitted(problem, train):
    steps = learned_steps(problem.settings, problem.data)
    return steps, steps.fit_transform(problem.data[train], seen_by_steps(problem, train))
