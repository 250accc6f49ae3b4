"""Fit one candidate at one point of its space, and ask it: probabilities of classes, or a quantity."""

import contextlib
import warnings
from typing import Any, NamedTuple

import numpy as np
import sklearn
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from spectra.containers import Cohort
from spectra.errors import ModelError, SpectraError
from spectra.study.models import one_at_a_time
from spectra.study.networks import INPUTS
from spectra.study.problem import fit_steps
from spectra.study.windows import window_edges, window_means


@contextlib.contextmanager
def quietly():
    """Without words where a model stops at its iteration limit or meets a feature that does not vary, which its definition allows for.

    On one thread below ours.
    """
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings("ignore", message="self.within_class_std_dev_", category=UserWarning)
        yield


class Fold:
    """Features of the rows `train` and of the rows `test`, from steps fitted on the former; shared by all candidates.

    Parameters
    ----------
    problem : Problem
    train, test : int arrays, rows
    """

    def __init__(self, problem, train, test):
        self.problem, self.train, self.test = problem, train, test
        self.steps, self.features = fit_steps(problem, train)
        self._inputs = {(False, False): (np.ascontiguousarray(self.features.values), self._held())}

    def _held(self):
        return np.ascontiguousarray(self.steps.transform(self.problem.data[self.test]).values)

    def inputs(self, candidate):
        """What the candidate learns from, and the same of the rows held out; float64 arrays."""
        kind = candidate.spectra, candidate.scaled
        if kind not in self._inputs:
            if candidate.spectra:
                edges = spectra_edges(self.problem.data, candidate)
                found = [window_means(self.problem.data[rows], edges) for rows in (self.train, self.test)]
            else:
                found = self._inputs[False, False]
            if candidate.scaled:
                scaler = StandardScaler().fit(found[0])
                found = [scaler.transform(values) for values in found]
            self._inputs[kind] = tuple(found)
        return self._inputs[kind]


def spectra_edges(data, candidate):
    """Windows of the spectra for a candidate that learns from them."""
    edges = window_edges(data, INPUTS) if isinstance(data, Cohort) else None
    if edges is None:
        raise SpectraError(f"[study] models: {candidate.name!r} learns from spectra over one m/z range; these data have none")
    return edges


class Model(NamedTuple):
    """A fitted estimator, and what stands before and behind it.

    centre, spread : of the quantity it learned; scaler : of its inputs, None where they come standardised, or need not be
    sigmoids : `Sigmoids` that make probabilities of its decisions, or None
    made : (Candidate, point) that it was made of, or None
    """

    estimator: Any
    centre: float = 0.0
    spread: float = 1.0
    scaler: Any = None
    sigmoids: Any = None
    made: Any = None

    @property
    def tree_(self):
        """The tree, of a single one."""
        return self.estimator.tree_


@contextlib.contextmanager
def _blaming(made, what):
    """Errors of a candidate become a `ModelError` that names it and its parameters: of one from elsewhere whatever it may raise."""
    if made is None:
        yield
        return
    candidate, point = made
    expected = (TypeError, ValueError) if candidate.known else (Exception,)
    try:
        yield
    except expected as error:
        words = ", ".join(f"{name}={value}" for name, value in (candidate.fixed | point).items())
        kind = "" if isinstance(error, (TypeError, ValueError)) else f"{type(error).__name__}: "
        raise ModelError(f"{candidate.name} cannot {what} ({words or 'no parameters'}): {kind}{error}") from error


def fit(candidate, point, seed, values, target, n_classes):
    """Fit a candidate; a quantity is learned in standard deviations from its mean (`n_classes` 0).

    Raises
    ------
    ModelError
        When it cannot be fitted.
    """
    centre, spread = 0.0, 1.0
    if not n_classes:
        centre, spread = float(target.mean()), float(target.std()) or 1.0
        target = (target - centre) / spread
    # checks of what is known to be right take up to a third of a fit
    with (
        _blaming((candidate, point), "be fitted"),
        sklearn.config_context(assume_finite=True, skip_parameter_validation=candidate.known),
    ):
        estimator = candidate.estimator(seed, point)
        with contextlib.nullcontext() if candidate.known else one_at_a_time(estimator):
            return Model(estimator.fit(values, target), centre, spread, made=(candidate, point))


def has_probabilities(model):
    """Does the model give probabilities, or only a decision function?"""
    return hasattr(model.estimator, "predict_proba")


def predict(model, values, n_classes):
    """What a model believes of each row: class probabilities in the order of the labels, zero for a class that it never saw.

    Of a model without probabilities its decision function; for a quantity (`n_classes` 0) the prediction, shape (n_rows, 1).

    Raises
    ------
    ModelError
        When the model cannot tell, or answers with something else than numbers.
    """
    model = model if isinstance(model, Model) else Model(model)
    with _blaming(model.made, "predict"):
        out = _believed(model, values if model.scaler is None else model.scaler.transform(values), n_classes)
        if not np.isfinite(out).all():
            raise ValueError("it answers NaN or infinity")
    return out if model.sigmoids is None else model.sigmoids(out)


def _believed(model, values, n_classes):
    estimator, centre, spread, *_ = model
    if not n_classes:
        return np.asarray(estimator.predict(values), float).reshape(-1, 1) * spread + centre
    if hasattr(estimator, "predict_proba"):
        belief, missing = estimator.predict_proba(values), 0.0
    else:
        belief = estimator.decision_function(values)
        belief = np.column_stack([-belief, belief]) if belief.ndim == 1 else belief
        missing = belief.min() - 1
    out = np.full((values.shape[0], n_classes), missing)
    out[:, estimator.classes_] = belief
    return out


def ready(candidate, point, seed, values, target, n_classes, sigmoids=None):
    """A model for new data: `fit`, but from inputs that are not standardised yet."""
    scaler = StandardScaler().fit(values) if candidate.scaled else None
    values = values if scaler is None else scaler.transform(values)
    with quietly():
        model = fit(candidate, point, seed, values, target, n_classes)
    return model._replace(scaler=scaler, sigmoids=sigmoids)


class Sigmoids(NamedTuple):
    """From decisions to probabilities: a logistic curve for each class (Platt 1999), learned on rows that the model had not seen.

    slope, offset : float arrays, shape (n_classes,)
    """

    slope: np.ndarray
    offset: np.ndarray

    @classmethod
    def learn(cls, decisions, y):
        """From decisions on rows held out inside the training set.

        Each class aims a little short of 1 and 0, as Platt has it, so that a perfect separation does not make the curve a step.
        """
        slope, offset = np.zeros((2, decisions.shape[1]))
        for k in range(decisions.shape[1]):
            own = y == k
            high, low = (own.sum() + 1) / (own.sum() + 2), 1 / ((~own).sum() + 2)
            aim = np.where(own, high, low)
            spread = decisions[:, k].std() or 1.0
            twice = np.concatenate([decisions[:, k], decisions[:, k]])[:, None] / spread
            curve = LogisticRegression(C=1e6, max_iter=1000)
            curve.fit(twice, np.repeat([1, 0], y.size), sample_weight=np.concatenate([aim, 1 - aim]))
            slope[k], offset[k] = max(curve.coef_[0, 0], 0.0) / spread, curve.intercept_[0]
        return cls(slope, offset)

    def __call__(self, decisions):
        """Probabilities of the classes, which sum to one."""
        share = expit(decisions * self.slope + self.offset)
        if share.shape[1] == 2:
            return np.column_stack([1 - share[:, 1], share[:, 1]])
        return share / np.maximum(share.sum(axis=1, keepdims=True), 1e-300)
