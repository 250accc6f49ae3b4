"""The black boxes that compete, simplest first, each with the few settings that nested selection may choose from."""

import functools
import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fasttree import DecisionTreeClassifier, RandomForestClassifier
from spectra._validation import check_choice


class Candidate(NamedTuple):
    """A model and its grid.

    build : callable (n_classes, seed, **parameters) -> scikit-learn classifier with ``predict_proba``
    grid : list of dict, tried in this order; ties go to the first
    """

    name: str
    build: Callable[..., Any]
    grid: list[dict[str, Any]]


def _grid(**values):
    return [dict(zip(values, point, strict=True)) for point in itertools.product(*values.values())]


def _dummy(n_classes, seed):
    return DummyClassifier(strategy="prior")


def _bayes(n_classes, seed, var_smoothing):
    return make_pipeline(StandardScaler(), GaussianNB(var_smoothing=var_smoothing))


def _logistic_l2(n_classes, seed, C):
    return make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=1000))


def _logistic_l1(n_classes, seed, C):
    model = LogisticRegression(C=C, l1_ratio=1.0, solver="liblinear", max_iter=1000, random_state=seed, intercept_scaling=10.0)
    return make_pipeline(StandardScaler(), model if n_classes == 2 else OneVsRestClassifier(model))


def _tree(n_classes, seed, max_depth):
    return DecisionTreeClassifier(max_depth=max_depth, min_samples_leaf=3, random_state=seed)


def _forest(n_classes, seed):
    return RandomForestClassifier(n_estimators=100, random_state=seed, n_jobs=1)


def _network(n_classes, seed, alpha):
    # lbfgs suits a few hundred rows: it converges in a fraction of the epochs that stochastic steps need
    model = MLPClassifier((16,), alpha=alpha, solver="lbfgs", max_iter=100, max_fun=200, random_state=seed)
    return make_pipeline(StandardScaler(), model)


_ALL = [
    Candidate("majority class", _dummy, [{}]),
    Candidate("naive Bayes", _bayes, _grid(var_smoothing=[1e-9, 1e-1])),
    Candidate("logistic regression L2", _logistic_l2, _grid(C=[1e-4, 1e-3, 1e-2, 1e-1])),
    Candidate("logistic regression L1", _logistic_l1, _grid(C=[0.03, 0.1, 0.3, 1.0])),
    Candidate("decision tree", _tree, _grid(max_depth=[2, 4, None])),
    Candidate("random forest", _forest, [{}]),
    Candidate("neural network", _network, _grid(alpha=[1.0, 100.0])),
]
NAMES = tuple(candidate.name for candidate in _ALL)


def candidates(names=()):
    """The named candidates, or all, in the order of simplicity.

    >>> [candidate.name for candidate in candidates(["random forest", "majority class"])]
    ['majority class', 'random forest']
    """
    for name in names:
        check_choice(name, "[study] models", NAMES)
    return [candidate for candidate in _ALL if not names or candidate.name in names]


@functools.cache
def by_name(name):
    """One candidate."""
    return candidates([name])[0]
