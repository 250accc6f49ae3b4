"""What the two boosting estimators share."""

import copy
import functools
import warnings
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import _fit_context
from sklearn.metrics import check_scoring
from sklearn.model_selection import GroupShuffleSplit, train_test_split
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, RealNotInt, StrOptions
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from fasttree._binning import learn_bins
from fasttree._boosting_columns import interaction_groups, monotonic_signs
from fasttree._boosting_crew import run_parts
from fasttree._boosting_fit import Fit, Patience, Rows, Sampling
from fasttree._boosting_init import fit_init, raw_of_init
from fasttree._boosting_model import Ensemble, RowPredictor
from fasttree._boosting_state import Rules
from fasttree._categories import categorical_mask, learn_levels
from fasttree._estimator import Estimator
from fasttree._threads import threads_for
from fasttree._validation import check_weights, validate

_MANY = 10_000  # rows beyond which early_stopping="auto" means yes
_SHARE = [Interval(RealNotInt, 0, 1, closed="right")]


class BaseBoosting(Estimator):
    """Histogram gradient boosting; subclasses say what the target is."""

    _parameter_constraints: ClassVar[dict] = {
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "max_leaf_nodes": [Interval(Integral, 2, None, closed="left"), None],
        "max_depth": [Interval(Integral, 1, None, closed="left"), None],
        "min_samples_leaf": [Interval(Integral, 1, None, closed="left")],
        "min_child_weight": [Interval(Real, 0, None, closed="left")],
        "l1_regularization": [Interval(Real, 0, None, closed="left")],
        "l2_regularization": [Interval(Real, 0, None, closed="left")],
        "min_gain": [Interval(Real, 0, None, closed="left")],
        "max_features": _SHARE,
        "max_features_per_tree": _SHARE,
        "subsample": _SHARE,
        "gradient_sampling": [tuple, list, None],
        "max_bins": [Interval(Integral, 2, 255, closed="both")],
        "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
        "monotonic_cst": ["array-like", dict, None],
        "interaction_cst": [list, tuple, StrOptions({"pairwise", "no_interactions"}), None],
        "init": [StrOptions({"zero"}), HasMethods(["fit", "predict"]), None],
        "warm_start": ["boolean"],
        "early_stopping": [StrOptions({"auto"}), "boolean"],
        "scoring": [str, callable, None],
        "validation_fraction": [Interval(RealNotInt, 0, 1, closed="neither"), Interval(Integral, 1, None, closed="left"), None],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "callback": [callable, None],
        "precision": [StrOptions({"quantized", "full"})],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
    }

    def _rules(self, n_samples, monotonic, groups):
        most = max(2, n_samples // self.min_samples_leaf)
        if self.max_depth is not None:
            most = min(most, 2 ** min(self.max_depth, 40))
        return Rules(
            learning_rate=float(self.learning_rate),
            l1=float(self.l1_regularization),
            l2=float(self.l2_regularization),
            min_child_weight=float(self.min_child_weight),
            min_gain=float(self.min_gain),
            min_samples_leaf=int(self.min_samples_leaf),
            max_leaves=most if self.max_leaf_nodes is None else min(most, int(self.max_leaf_nodes)),
            max_depth=2**31 if self.max_depth is None else int(self.max_depth),
            share_per_split=float(self.max_features),
            picky=bool(self.max_features < 1.0 or self.max_features_per_tree < 1.0 or groups.shape[1] > 0),
            bounded=bool(self.l1_regularization > 0 or np.any(monotonic)),
            full=self.precision == "full",
        )

    def _sampling(self):
        gradient = self.gradient_sampling
        if gradient is not None:
            if len(gradient) != 2 or not (min(gradient) > 0 and sum(gradient) <= 1):
                raise ValueError(f"gradient_sampling must be two positive shares that add up to at most 1, not {gradient!r}")
            if self.subsample < 1.0:
                raise ValueError(f"gradient_sampling={gradient!r} and subsample={self.subsample!r} exclude each other")
        return Sampling(float(self.subsample), gradient, float(self.max_features_per_tree))

    def _check_X(self, X):
        return validate(self, X, reset=False, dtype=np.float32, order="C", ensure_all_finite=False)

    def _check_training(self, X, y, again):
        if not again:
            self._categorical = categorical_mask(X, self.categorical_features)
            self._levels = learn_levels(X, self._categorical)
        return validate(self, X, y, reset=not again, dtype=np.float32, order="C", ensure_all_finite=False)

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, *, groups=None, X_val=None, y_val=None, sample_weight_val=None):
        """Fit the model.

        Parameters
        ----------
        X : array_like or DataFrame of shape (n_samples, n_features)
            Numbers are taken as float32; NaN is a missing value. Categorical columns may hold anything that can be sorted.
        y : array_like of shape (n_samples,)
        sample_weight : array_like of shape (n_samples,), default=None
            Rows without weight are left out.
        groups : array_like of shape (n_samples,), default=None
            Rows of one group are not divided when a share is set aside for early stopping.
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
        if again and self.max_iter < self.n_iter_:
            raise ValueError(
                f"max_iter={self.max_iter} must be at least n_iter_={self.n_iter_}, the rounds there are, with warm_start=True"
            )
        random = check_random_state(self.random_state)
        X, y = self._check_training(X, y, again)
        y, self._loss = self._encode_target(y, again)
        rows = Rows(X, y, self._combine_weights(y, check_weights(sample_weight, len(y))))
        if not again:
            self._seed = int(random.randint(2**31 - 1))
        random = np.random.RandomState(self._seed)
        rows, watched, patience = self._set_aside(rows, groups, (X_val, y_val, sample_weight_val), random)
        if rows.weight is not None and np.any(rows.weight == 0):
            rows = rows.take(rows.weight > 0)
        self._begin(rows, watched, again)
        threads = threads_for(self.n_jobs)
        monotonic = monotonic_signs(self, self._categorical, self._loss.n_outputs)
        groups = interaction_groups(self.interaction_cst, X.shape[1])
        rules, sampling = self._rules(len(rows.y), monotonic, groups), self._sampling()
        if not again:
            how = {"max_bins": self.max_bins, "random_state": random, "run": functools.partial(run_parts, n_threads=threads)}
            bins = learn_bins(rows.X, self._categorical, **how, names=getattr(self, "feature_names_in_", None))
            constant = self._loss.start(rows.y, rows.weight) if self.init is None else np.zeros(self._loss.n_outputs)
            self._ensemble = Ensemble(bins, constant)
            self.train_score_, self.validation_score_ = np.empty(0), np.empty(0)
        fit = Fit(self._ensemble, self._loss, rules, sampling, monotonic, groups, self._seed, threads)
        train, seen = self.train_score_.tolist(), self.validation_score_.tolist()
        try:
            fit.run(rows, watched, self.max_iter, self._watch(rows, watched, patience, train, seen))
        finally:
            self._ensemble.truncate(len(self._ensemble.trees) // self._ensemble.n_outputs)
            self._ensemble.prepare()
            self.train_score_, self.validation_score_ = np.array(train), np.array(seen)
        if not again:
            self._warn_of_light_rows()
        return self

    def _warn_of_light_rows(self):
        """Say so where not even the first round could split anything, because of tiny weights."""
        heaviest = max((tree["weight"][0] for tree in self._ensemble.trees[: self._ensemble.n_outputs]), default=np.inf)
        if heaviest < 2 * self.min_child_weight:
            warnings.warn(
                f"all rows' hessians add up to {heaviest:.3g}, too little for two leaves of min_child_weight={self.min_child_weight}: "
                "nothing was split; give larger weights or a smaller min_child_weight",
                UserWarning,
                stacklevel=4,
            )

    def _begin(self, rows, watched, again):
        """Fit `init` to the rows and note where the trees of these and of the watched rows begin."""
        if not again:
            estimator = self.init is not None and not isinstance(self.init, str)
            target = self._decode_target(rows.y)
            self.init_ = fit_init(self.init, rows.X, target, rows.weight, hasattr(self, "classes_")) if estimator else None
        for some in (rows, watched):
            if some is not None:
                some.start = self._start(some.X)

    def _start(self, X):
        return None if self.init_ is None else raw_of_init(self.init_, X, self._loss, getattr(self, "classes_", None))

    def _watch(self, rows, watched, patience, train, seen):
        """What to do after each round: note the scores in the lists `train` and `seen`, tell, and say whether to stop."""
        scorer = None if self.scoring == "loss" else check_scoring(self, self.scoring)
        if scorer is None and self._loss.own is not None and (patience.rounds is not None or self.verbose):
            raise ValueError("an own loss has no value to watch: give `scoring`, or early_stopping=False and verbose=0")

        def score(some, raw):
            if scorer is None:
                return -self._loss.value(some.y, raw, some.weight)
            view = copy.copy(self)
            view._given = raw
            arguments = {} if some.weight is None else {"sample_weight": some.weight}
            return float(scorer(view, some.X, self._decode_target(some.y), **arguments))

        def after_round(n_rounds, raw, watched_raw):
            if patience.rounds is not None or self.verbose or watched is not None:
                train.append(score(rows, raw))
                if watched is not None:
                    seen.append(score(watched, watched_raw))
            if self.verbose:
                print(f"[{n_rounds}] train score {train[-1]:.6g}" + (f", validation score {seen[-1]:.6g}" if seen else ""))
            stop = self.callback is not None and self.callback(n_rounds, train[-1:], seen[-1:])
            return bool(stop) or patience.exhausted(train if watched is None else seen)

        return after_round

    def _set_aside(self, rows, groups, given, random):
        """Rows to learn from, rows to watch or None, and the patience."""
        X_val, y_val, weight_val = given
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val must be given together")
        if weight_val is not None and X_val is None:
            raise ValueError("sample_weight_val needs X_val and y_val")
        stop = len(rows.y) > _MANY if self.early_stopping == "auto" else self.early_stopping
        patience = Patience(self.n_iter_no_change if stop else None, self.tol)
        if X_val is not None:
            X_val, y_val = self._check_X(X_val), self._encode_known(y_val)
            check_consistent_length(X_val, y_val)
            return rows, Rows(X_val, y_val, check_weights(weight_val, len(y_val))), patience
        if not stop or self.validation_fraction is None:
            return rows, None, patience
        everything, seed = np.arange(len(rows.y)), random.randint(2**31 - 1)
        if groups is None:
            strata = self._strata(rows.y)
            learn, watch = train_test_split(everything, test_size=self.validation_fraction, stratify=strata, random_state=seed)
        else:
            check_consistent_length(rows.y, groups)
            splitter = GroupShuffleSplit(n_splits=1, test_size=self.validation_fraction, random_state=seed)
            learn, watch = next(splitter.split(everything, groups=groups))
        return rows.take(np.sort(learn)), rows.take(np.sort(watch)), patience

    def _raw(self, X):
        check_is_fitted(self, "_ensemble")
        if getattr(self, "_given", None) is not None:
            return self._given
        X = self._check_X(X)
        raw, start = self._ensemble.raw(X, threads_for(self.n_jobs)), self._start(X)
        return raw if start is None else raw + start

    def _response(self, X):
        raw = self._raw(X)
        return self._loss.response(raw)

    def prepare(self):
        """A function of one row that predicts with the least delay: a probability or value, or an array of them.

        Two classes: the probability of the second. Rows are not checked; categories that are not numbers are not translated.

        Returns
        -------
        callable
            ``f(row)`` with a sequence of n_features_in_ numbers; for one thread.
        """
        check_is_fitted(self, "_ensemble")
        if self._levels:
            raise ValueError("a model with categories that are not numbers cannot be prepared")
        if self.init_ is not None:
            raise ValueError(f"a model that adds to another's predictions, init={self.init!r}, cannot be prepared")
        return RowPredictor(self._ensemble, self._loss.response_of_one)

    def _staged(self, X, finish):
        check_is_fitted(self, "_ensemble")
        X = self._check_X(X)
        start = self._start(X)
        for raw in self._ensemble.staged_raw(X):
            yield finish(raw if start is None else raw + start)

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

    @property
    def feature_importances_(self):
        """Share of each feature in what the splits took off the loss, shape (n_features,); zeros where nothing was split."""
        check_is_fitted(self, "_ensemble")
        gain = self._ensemble.gain_by_feature()
        return gain / max(gain.sum(), np.finfo(np.float64).tiny)

    @property
    def is_categorical_(self):
        """Mask of the categorical features, or None without any."""
        check_is_fitted(self, "_ensemble")
        return self._categorical if np.any(self._categorical) else None

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_ensemble")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
