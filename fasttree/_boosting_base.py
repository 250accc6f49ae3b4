"""What the two boosting estimators share."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import BaseEstimator, _fit_context
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, RealNotInt, StrOptions
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from fasttree._binning import learn_bins
from fasttree._boosting_crew import run_parts
from fasttree._boosting_fit import Fit, Patience, Rows
from fasttree._boosting_model import Ensemble
from fasttree._boosting_state import Rules
from fasttree._validation import check_weights

_MANY = 10_000  # rows beyond which early_stopping="auto" means yes


class BaseBoosting(BaseEstimator):
    """Histogram gradient boosting; subclasses say what the target is."""

    _parameter_constraints: ClassVar[dict] = {
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "max_leaf_nodes": [Interval(Integral, 2, None, closed="left")],
        "max_depth": [Interval(Integral, 1, None, closed="left"), None],
        "min_samples_leaf": [Interval(Integral, 1, None, closed="left")],
        "min_child_weight": [Interval(Real, 0, None, closed="left")],
        "l1_regularization": [Interval(Real, 0, None, closed="left")],
        "l2_regularization": [Interval(Real, 0, None, closed="left")],
        "min_gain": [Interval(Real, 0, None, closed="left")],
        "max_features": [Interval(RealNotInt, 0, 1, closed="right")],
        "max_bins": [Interval(Integral, 2, 255, closed="both")],
        "warm_start": ["boolean"],
        "early_stopping": [StrOptions({"auto"}), "boolean"],
        "validation_fraction": [Interval(RealNotInt, 0, 1, closed="neither"), Interval(Integral, 1, None, closed="left"), None],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "precision": [StrOptions({"quantized", "full"})],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
    }

    def _rules(self):
        return Rules(
            learning_rate=float(self.learning_rate),
            l1=float(self.l1_regularization),
            l2=float(self.l2_regularization),
            min_child_weight=float(self.min_child_weight),
            min_gain=float(self.min_gain),
            min_samples_leaf=int(self.min_samples_leaf),
            max_leaves=int(self.max_leaf_nodes),
            max_depth=2**31 if self.max_depth is None else int(self.max_depth),
            share_per_split=float(self.max_features),
            picky=self.max_features < 1.0,
            bounded=self.l1_regularization > 0,
            full=self.precision == "full",
        )

    def _check_X(self, X, *, reset):
        return validate_data(self, X, reset=reset, dtype=np.float32, order="C", ensure_all_finite=False)

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Fit the model.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            Taken as float32; NaN is a missing value.
        y : array_like of shape (n_samples,)
        sample_weight : array_like of shape (n_samples,), default=None
            Rows without weight are left out.
        X_val, y_val, sample_weight_val : array_like, default=None
            Rows to stop early on, instead of a share of the training rows.

        Returns
        -------
        self

        Raises
        ------
        FloatingPointError
            If a gradient is not finite; it names the iteration.
        """
        again = self.warm_start and hasattr(self, "_ensemble")
        random = check_random_state(self.random_state)
        X, y = validate_data(self, X, y, reset=not again, dtype=[np.float32], order="C", ensure_all_finite=False, y_numeric=False)
        y, loss = self._encode_target(y, again)
        rows = Rows(X, y, self._combine_weights(y, check_weights(sample_weight, len(y)), loss))
        if not again:
            self._seed = int(random.randint(2**31 - 1))
        random = np.random.RandomState(self._seed)
        rows, watched, patience = self._set_aside(rows, X_val, y_val, sample_weight_val, random)
        if rows.weight is not None and np.any(rows.weight == 0):
            rows = rows.take(rows.weight > 0)
        threads = effective_n_jobs(self.n_jobs)
        n_features = X.shape[1]
        if not again:
            categorical = np.zeros(n_features, bool)
            bins = learn_bins(
                rows.X,
                categorical,
                max_bins=self.max_bins,
                random_state=random,
                run=lambda task, n: run_parts(task, n, threads),
            )
            self._ensemble = Ensemble(bins, loss.start(rows.y, rows.weight))
            self.train_score_, self.validation_score_ = [], []
        self._loss = loss
        self._learn(rows, watched, patience, threads)
        return self

    def _learn(self, rows, watched, patience, threads):
        train, seen = list(self.train_score_), list(self.validation_score_)

        def after_round(n_rounds, raw, watched_raw):
            if patience.rounds is not None or self.verbose:
                train.append(-self._loss.value(rows.y, raw, rows.weight))
                if watched is not None:
                    seen.append(-self._loss.value(watched.y, watched_raw, watched.weight))
                if self.verbose:
                    print(f"[{n_rounds}] train loss {-train[-1]:.6g}" + (f", validation loss {-seen[-1]:.6g}" if seen else ""))
            return patience.exhausted(train if watched is None else seen)

        n_features = rows.X.shape[1]
        fit = Fit(
            ensemble=self._ensemble,
            loss=self._loss,
            rules=self._rules(),
            monotonic=np.zeros(n_features, np.int8),
            groups=np.zeros((n_features, 0), np.uint64),
            seed=self._seed,
            n_threads=threads,
        )
        fit.run(rows, watched, self.max_iter, after_round)
        self.train_score_, self.validation_score_ = np.array(train), np.array(seen)

    def _set_aside(self, rows, X_val, y_val, weight_val, random):
        """Rows to learn from, rows to watch or None, and the patience."""
        given = X_val is not None or y_val is not None
        if given and (X_val is None or y_val is None):
            raise ValueError("X_val and y_val must be given together")
        if weight_val is not None and not given:
            raise ValueError("sample_weight_val needs X_val and y_val")
        stop = len(rows.y) > _MANY if self.early_stopping == "auto" else self.early_stopping
        patience = Patience(self.n_iter_no_change if stop else None, self.tol)
        if given:
            X_val = self._check_X(X_val, reset=False)
            y_val = self._encode_known(y_val)
            check_consistent_length(X_val, y_val)
            return rows, Rows(X_val, y_val, check_weights(weight_val, len(y_val))), patience
        if not stop or self.validation_fraction is None:
            return rows, None, patience
        seed = random.randint(2**31 - 1)
        learn, watch = train_test_split(
            np.arange(len(rows.y)), test_size=self.validation_fraction, stratify=self._strata(rows.y), random_state=seed
        )
        return rows.take(np.sort(learn)), rows.take(np.sort(watch)), patience

    def _raw(self, X):
        check_is_fitted(self, "_ensemble")
        return self._ensemble.raw(self._check_X(X, reset=False), effective_n_jobs(self.n_jobs))

    def _response(self, X):
        raw = self._raw(X)
        return self._loss.response(raw)

    @property
    def n_iter_(self):
        """Rounds of boosting done."""
        check_is_fitted(self, "_ensemble")
        return len(self._ensemble.trees) // self._ensemble.n_outputs

    @property
    def n_trees_per_iteration_(self):
        """Trees in a round: one for each class when there are more than two."""
        check_is_fitted(self, "_ensemble")
        return self._ensemble.n_outputs

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_ensemble")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
