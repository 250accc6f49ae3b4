"""Estimators of the candidates, unfitted: each function takes the seed and the parameters that may be chosen."""

import contextlib
import threading

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestCentroid
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR

from fasttree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

_LIBLINEAR = threading.RLock()  # its random numbers are one stream for the whole process: fits on two threads would mix them up


def majority(seed):
    return DummyClassifier(strategy="prior")


def mean(seed):
    return DummyRegressor()


def bayes(seed, **options):
    return GaussianNB(**options)


class Centroids(NearestCentroid):
    """Nearest shrunken centroids, also where a feature does not vary within the classes, or no class has two rows.

    Such a feature has no spread to be shrunk by, so its means stay as they are; without two rows of a class all rows tell the spread.
    """

    def fit(self, X, y):
        """As `NearestCentroid`, which would divide by zero."""
        with np.errstate(divide="ignore", invalid="ignore"):
            super().fit(X, y)
        if not np.isfinite(self.within_class_std_dev_).all():
            self.within_class_std_dev_ = X.std(axis=0)
        means = np.array([X[y == k].mean(axis=0) for k in self.classes_])
        self.centroids_ = np.where(np.isfinite(self.centroids_), self.centroids_, means)
        return self


def centroids(seed, shrink_threshold=0.0, **options):
    """Nearest shrunken centroids (Tibshirani et al. 2002, PNAS 99:6567)."""
    return Centroids(shrink_threshold=shrink_threshold or None, **options)


class _AtMost:
    """As many neighbours as there are rows, at most."""

    def fit(self, X, y):
        self.n_neighbors = min(self.n_neighbors, len(y))
        return super().fit(X, y)


class Neighbours(_AtMost, KNeighborsClassifier):
    """k nearest neighbours of a class."""


class NeighboursMean(_AtMost, KNeighborsRegressor):
    """k nearest neighbours of a quantity."""


def neighbours_class(seed, **options):
    return Neighbours(**{"algorithm": "brute", "weights": "distance"} | options)


def neighbours_quantity(seed, **options):
    return NeighboursMean(**{"algorithm": "brute", "weights": "distance"} | options)


def logistic_l2(seed, **options):
    return LogisticRegression(**{"max_iter": 1000} | options)


class OneAtATime(LogisticRegression):
    """Logistic regression by liblinear."""

    def fit(self, X, y, sample_weight=None):
        """As `LogisticRegression`, while no other thread does."""
        with _LIBLINEAR:
            return super().fit(X, y, sample_weight)


def one_at_a_time(estimator):
    """What to hold while an estimator of unknown make is fitted: a lock where it, or one inside it, uses liblinear, else nothing."""
    inside = [estimator, *estimator.get_params().values()]
    return _LIBLINEAR if any(map(_by_liblinear, inside)) else contextlib.nullcontext()


def _by_liblinear(estimator):
    if isinstance(estimator, CalibratedClassifierCV) and estimator.estimator is None:
        return True  # then it is a LinearSVC
    return isinstance(estimator, (LinearSVC, LinearSVR)) or getattr(estimator, "solver", None) == "liblinear"


def logistic_l1(seed, **options):
    # liblinear penalises the intercept too; a scale of ten makes that harmless
    fixed = {"l1_ratio": 1.0, "solver": "liblinear", "max_iter": 1000, "random_state": seed, "intercept_scaling": 10.0}
    return OneVsRestClassifier(OneAtATime(**fixed | options))


def logistic_elastic(seed, **options):
    return LogisticRegression(**{"solver": "saga", "max_iter": 200, "tol": 1e-3, "random_state": seed} | options)


def ridge(seed, **options):
    return Ridge(**options)


def lasso(seed, **options):
    return Lasso(**{"max_iter": 2000, "tol": 1e-3} | options)


def elastic(seed, **options):
    return ElasticNet(**{"max_iter": 2000, "tol": 1e-3} | options)


def _times(X, factor):
    return X * factor


def _in_widths(model, width):
    """The SVM with the kernel exp(-width |x - x'|^2 / n_features)."""
    return model if model.kernel == "linear" else make_pipeline(FunctionTransformer(_times, kw_args={"factor": width**0.5}), model)


def svm_class(seed, width=1.0, **options):
    return _in_widths(SVC(**{"gamma": "auto"} | options), width)


def svm_quantity(seed, width=1.0, **options):
    return _in_widths(SVR(**{"gamma": "auto"} | options), width)


def tree_class(seed, **options):
    return DecisionTreeClassifier(random_state=seed, **options)


def tree_quantity(seed, **options):
    return DecisionTreeRegressor(random_state=seed, **options)


_TREES = {"n_estimators": 100, "n_jobs": 1}


def forest_class(seed, **options):
    return RandomForestClassifier(random_state=seed, **_TREES | options)


def forest_quantity(seed, **options):
    return RandomForestRegressor(random_state=seed, **_TREES | options)


def extra_class(seed, **options):
    return ExtraTreesClassifier(random_state=seed, **_TREES | options)


def extra_quantity(seed, **options):
    return ExtraTreesRegressor(random_state=seed, **_TREES | options)


# small and shallow: a few hundred rows hold no more
_ROUNDS = {"max_iter": 100, "min_samples_leaf": 5, "early_stopping": False, "n_jobs": 1}


def boosting_class(seed, **options):
    return GradientBoostingClassifier(random_state=seed, **_ROUNDS | options)


def boosting_quantity(seed, **options):
    return GradientBoostingRegressor(random_state=seed, **_ROUNDS | options)


# lbfgs suits a few hundred rows: it converges in a fraction of the epochs that stochastic steps need
_PERCEPTRON = {"hidden_layer_sizes": (16,), "solver": "lbfgs", "max_iter": 100, "max_fun": 200}


def network_class(seed, **options):
    return MLPClassifier(random_state=seed, **_PERCEPTRON | options)


def network_quantity(seed, **options):
    return MLPRegressor(random_state=seed, **_PERCEPTRON | options)
