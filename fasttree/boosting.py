"""Gradient boosting on histograms."""

from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, column_or_1d

from fasttree import _losses_kernels as kernels
from fasttree._boosting_base import BaseBoosting
from fasttree._losses import Loss
from fasttree._validation import store

_LOSSES = {
    "squared_error": kernels.SQUARED,
    "absolute_error": kernels.ABSOLUTE,
    "huber": kernels.HUBER,
    "quantile": kernels.QUANTILE,
    "poisson": kernels.POISSON,
    "gamma": kernels.GAMMA,
    "tweedie": kernels.TWEEDIE,
}


class GradientBoostingClassifier(ClassifierMixin, BaseBoosting):
    """Gradient boosting for two or more classes.

    Trees grow leaf by leaf, the best split first, on features cut into at most `max_bins` bins. Several threads give the same model,
    to the last bit, as one.

    Parameters
    ----------
    loss : {"log_loss"}, default="log_loss"
    learning_rate : float, default=0.1
        Share of each tree's values that is added.
    max_iter : int, default=100
        Rounds; a round is one tree, or one for each of more than two classes.
    max_leaf_nodes : int or None, default=31
    max_depth : int or None, default=None
    min_samples_leaf : int, default=20
    min_child_weight : float, default=0.001
        Least sum of hessians in a leaf.
    l1_regularization, l2_regularization : float, default=0
        Penalties on the absolute and the squared value of a leaf.
    min_gain : float, default=0
        Least reduction of twice the loss by a split.
    max_features, max_features_per_tree : float, default=1.0
        Share of the features drawn for each leaf, and for each tree.
    subsample : float, default=1.0
        Share of the rows drawn for each round.
    gradient_sampling : (float, float) or None, default=None
        Share of the rows with the largest gradients that each round keeps, and share of all rows that it draws from the others, whose
        gradients then count as much more (GOSS).
    max_bins : int, default=255
        Bins for values; missing values have one of their own.
    categorical_features : mask, positions, names, "from_dtype" or None, default="from_dtype"
        Columns whose values are names, split by sets; "from_dtype": a DataFrame's columns of type category. A category that `fit`
        did not see is missing.
    monotonic_cst : array_like of {-1, 0, 1}, dict or None, default=None
        Whether predictions may only fall or rise with a feature.
    interaction_cst : list of groups of positions, "pairwise", "no_interactions" or None, default=None
        Features of one branch must lie in one group; features not listed are a group.
    init : estimator, "zero" or None, default=None
        What the first tree starts from: an estimator, of which a clone is fitted to the same rows (float32, categories as numbers) and
        whose predictions the trees correct; nothing; or None for the constant of least loss.
    warm_start : bool, default=False
        Whether `fit` adds rounds to those there are, up to `max_iter`.
    early_stopping : bool or "auto", default="auto"
        Whether to stop when the score no longer improves; "auto": with more than 10,000 rows.
    scoring : str, callable or None, default="loss"
        What to watch, as scikit-learn's scorers; "loss": the negative loss; None: what `score` gives, accuracy or R².
    validation_fraction : float, int or None, default=0.1
        Share or number of the rows to score on; None scores the training rows.
    n_iter_no_change : int, default=10
        Rounds without improvement after which to stop.
    tol : float, default=1e-7
        Improvement that counts.
    callback : callable or None, default=None
        ``callback(n_rounds, train_score, validation_score)`` after each round, and before the first; the scores are lists of one, or
        empty when not watched. Something true stops the fit.
    precision : {"quantized", "full"}, default="quantized"
        Gradients as whole numbers of about 31 bits shared among all rows, or of 62.
    verbose : int, default=0
    random_state : int, RandomState or None, default=None
    class_weight : "balanced", dict or None, default=None
    n_jobs : int or None, default=None
        Threads; None means one, -1 all cores.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
    feature_importances_ : ndarray of shape (n_features_in_,)
        Share of each feature in what the splits took off the loss in training, as LightGBM's "gain". Features of noise with many values
        have a share too: see `sklearn.inspection.permutation_importance`.
    init_ : estimator or None
        The fitted clone of `init`.
    n_iter_ : int
        Rounds done.
    n_trees_per_iteration_ : int
    train_score_, validation_score_ : ndarray
        Score before the first and after each round, where it was watched.

    References
    ----------
    Friedman (2001), Annals of Statistics 29, 1189. Ke et al. (2017), LightGBM, NeurIPS.

    Examples
    --------
    >>> from fasttree import GradientBoostingClassifier
    >>> X, y = [[float(i)] for i in range(100)], [int(i >= 50) for i in range(100)]
    >>> GradientBoostingClassifier().fit(X, y).predict([[10.0], [90.0]]).tolist()
    [0, 1]
    """

    _parameter_constraints: ClassVar[dict] = {
        **BaseBoosting._parameter_constraints,
        "loss": [StrOptions({"log_loss"})],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        loss="log_loss",
        *,
        learning_rate=0.1,
        max_iter=100,
        max_leaf_nodes=31,
        max_depth=None,
        min_samples_leaf=20,
        min_child_weight=1e-3,
        l1_regularization=0.0,
        l2_regularization=0.0,
        min_gain=0.0,
        max_features=1.0,
        max_features_per_tree=1.0,
        subsample=1.0,
        gradient_sampling=None,
        max_bins=255,
        categorical_features="from_dtype",
        monotonic_cst=None,
        interaction_cst=None,
        init=None,
        warm_start=False,
        early_stopping="auto",
        scoring="loss",
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-7,
        callback=None,
        precision="quantized",
        verbose=0,
        random_state=None,
        class_weight=None,
        n_jobs=None,
    ):
        store(self, locals())

    def _encode_target(self, y, again):
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        classes, numbers = np.unique(y, return_inverse=True)
        if again and not np.array_equal(classes, self.classes_):
            raise ValueError(f"warm_start=True needs the classes of the first fit {self.classes_!r}, not {classes!r}")
        self.classes_ = classes
        return numbers.astype(np.float64), self._make_loss()

    def _make_loss(self):
        n = len(self.classes_)
        return Loss(kernels.SOFTMAX, n_outputs=n) if n > 2 else Loss(kernels.LOGISTIC)

    def _encode_known(self, y):
        y = column_or_1d(y, warn=True)
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"y_val holds classes that y does not: {unknown.tolist()}")
        return np.searchsorted(self.classes_, y).astype(np.float64)

    def _decode_target(self, y):
        return self.classes_[y.astype(np.intp)]

    def _combine_weights(self, y, weight):
        present = self.classes_ if weight is None else np.unique(self.classes_[y[weight > 0].astype(np.intp)])
        if len(present) < 2:
            raise ValueError(f"the rows with a weight are of one class, {present[0]}; at least two are needed")
        if self.class_weight is None:
            return weight
        own = compute_sample_weight(self.class_weight, self.classes_[y.astype(np.intp)])
        return own if weight is None else own * weight

    def _strata(self, y):
        return y

    def decision_function(self, X):
        """Raw predictions: log odds, or one column for each of more than two classes.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        raw = self._raw(X)
        return raw[0] if len(raw) == 1 else raw.T

    def predict_proba(self, X):
        """Probabilities of the classes.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
        """
        return self._response(X)

    def predict(self, X):
        """The likeliest class of each row.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self._likeliest(self._raw(X))

    def _likeliest(self, raw):
        return self.classes_[(raw[0] > 0).astype(np.intp) if len(raw) == 1 else np.argmax(raw, axis=0)]

    def staged_decision_function(self, X):
        """`decision_function` after each round, as an iterator."""
        return self._staged(X, lambda raw: raw[0] if len(raw) == 1 else raw.T)

    def staged_predict_proba(self, X):
        """`predict_proba` after each round, as an iterator."""
        return self._staged(X, lambda raw: self._loss.response(raw))

    def staged_predict(self, X):
        """`predict` after each round, as an iterator."""
        return self._staged(X, self._likeliest)


class GradientBoostingRegressor(RegressorMixin, BaseBoosting):
    """Gradient boosting for numbers.

    Parameters
    ----------
    loss : {"squared_error", "absolute_error", "huber", "quantile", "poisson", "gamma", "tweedie"} or callable, default="squared_error"
        Poisson, gamma and tweedie predict the exponential of the raw prediction. A loss of your own is a function of one row,
        ``loss(y, raw) -> (gradient, hessian)``, that Numba can compile; it predicts the raw value.
    quantile : float, list of float or None, default=None
        With loss="quantile", what to predict: one or several (a column each). With "huber", the quantile of the absolute residuals
        beyond which these count linearly, 0.9 unless given.
    power : float, default=1.5
        Of tweedie: between 1 (poisson) and 2 (gamma).
    learning_rate, max_iter, max_leaf_nodes, max_depth, min_samples_leaf, min_child_weight, l1_regularization, l2_regularization
        As in `GradientBoostingClassifier`.
    min_gain, max_features, max_features_per_tree, subsample, gradient_sampling, max_bins, categorical_features, monotonic_cst
        As in `GradientBoostingClassifier`.
    interaction_cst, init, warm_start, early_stopping, scoring, validation_fraction, n_iter_no_change, tol, callback, precision
        As in `GradientBoostingClassifier`.
    verbose, random_state, n_jobs
        As in `GradientBoostingClassifier`.

    Attributes
    ----------
    n_features_in_, feature_names_in_, feature_importances_, init_, n_iter_, n_trees_per_iteration_, train_score_, validation_score_
        As in `GradientBoostingClassifier`.

    Examples
    --------
    >>> from fasttree import GradientBoostingRegressor
    >>> X, y = [[float(i)] for i in range(100)], [float(i >= 50) for i in range(100)]
    >>> GradientBoostingRegressor().fit(X, y).predict([[10.0], [90.0]]).round(3).tolist()
    [0.0, 1.0]
    """

    _parameter_constraints: ClassVar[dict] = {
        **BaseBoosting._parameter_constraints,
        "loss": [StrOptions(set(_LOSSES)), callable],
        "quantile": [Interval(Real, 0, 1, closed="both"), "array-like", None],
        "power": [Interval(Real, 1, 2, closed="neither")],
    }

    def __init__(
        self,
        loss="squared_error",
        *,
        quantile=None,
        power=1.5,
        learning_rate=0.1,
        max_iter=100,
        max_leaf_nodes=31,
        max_depth=None,
        min_samples_leaf=20,
        min_child_weight=1e-3,
        l1_regularization=0.0,
        l2_regularization=0.0,
        min_gain=0.0,
        max_features=1.0,
        max_features_per_tree=1.0,
        subsample=1.0,
        gradient_sampling=None,
        max_bins=255,
        categorical_features="from_dtype",
        monotonic_cst=None,
        interaction_cst=None,
        init=None,
        warm_start=False,
        early_stopping="auto",
        scoring="loss",
        validation_fraction=0.1,
        n_iter_no_change=10,
        tol=1e-7,
        callback=None,
        precision="quantized",
        verbose=0,
        random_state=None,
        n_jobs=None,
    ):
        store(self, locals())

    def _encode_target(self, y, again):
        y, loss = self._encode_known(y), self._make_loss()
        loss.check_target(y)
        return y, loss

    def _make_loss(self):
        if callable(self.loss):
            return Loss(kernels.OWN, own=self.loss)
        code, parameters = _LOSSES[self.loss], (float(self.power),)
        if code == kernels.QUANTILE or code == kernels.HUBER:
            if self.quantile is None and code == kernels.QUANTILE:
                raise ValueError("loss='quantile' needs `quantile`")
            parameters = tuple(np.atleast_1d(0.9 if self.quantile is None else self.quantile).astype(float).tolist())
            if not all(0 <= q <= 1 for q in parameters) or (len(parameters) > 1 and code == kernels.HUBER):
                raise ValueError(f"quantile must be between 0 and 1, and a list of these only with loss='quantile', not {self.quantile!r}")
        return Loss(code, parameters, n_outputs=len(parameters))

    def _encode_known(self, y):
        return check_array(column_or_1d(y, warn=True), ensure_2d=False, dtype=np.float64, input_name="y")

    def _decode_target(self, y):
        return y

    def _combine_weights(self, y, weight):
        return weight

    def _strata(self, y):
        return None

    def predict(self, X):
        """The expected value of each row.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        return self._response(X)

    def staged_predict(self, X):
        """`predict` after each round, as an iterator."""
        return self._staged(X, lambda raw: self._loss.response(raw))
