"""What the forests share: many trees on resampled rows, averaged."""

import importlib
import warnings
from numbers import Integral

import numpy as np
from scipy import sparse
from sklearn.base import MultiOutputMixin
from sklearn.exceptions import DataConversionWarning
from sklearn.utils._param_validation import Interval, RealNotInt
from sklearn.utils.validation import check_is_fitted

from fasttree._estimator import Estimator
from fasttree._estimators_members import Members
from fasttree._estimators_tree import (
    SEEDS,
    TREE_CONSTRAINTS,
    Categorical,
    growing_rules,
    monotonic_signs,
)
from fasttree._growth_plan import grow_trees, plan
from fasttree._threads import generator_of, over_threads, seeded, threads_for
from fasttree._tree import dense_blocks
from fasttree._tree_prune import prune
from fasttree._validation import category_counts, check_predict, feature_count, moderate

_TASK = 32768  # rows of all trees that one task grows, at least
_DRAWS = 1 << 13  # rows that are drawn at a time: few enough to stay in cache, 100,000 take two thirds of the time
_BLOCK = 32768  # rows that one thread predicts at a time, at most: few enough to stay in cache for all trees
_LEAST_BLOCK = 256  # at least, unless there are fewer: more threads cost more than they save

FOREST_CONSTRAINTS: dict = {
    "n_estimators": [Interval(Integral, 1, None, closed="left")],
    **{name: allowed for name, allowed in TREE_CONSTRAINTS.items() if name != "splitter"},
    "bootstrap": ["boolean"],
    "oob_score": ["boolean", callable],
    "n_jobs": [Integral, None],
    "verbose": ["verbose"],
    "warm_start": ["boolean"],
    "max_samples": [None, Interval(RealNotInt, 0.0, None, closed="neither"), Interval(Integral, 1, None, closed="left")],
}
_TREE_PARAMETERS = (
    "criterion",
    "max_depth",
    "min_samples_split",
    "min_samples_leaf",
    "min_weight_fraction_leaf",
    "max_features",
    "max_leaf_nodes",
    "min_impurity_decrease",
    "ccp_alpha",
    "monotonic_cst",
    "categorical_features",
)


def drawn_counts(seed, n_samples, n_drawn, weight):
    """How often a bootstrap draws each row, as float64; rows are drawn in proportion to `weight`."""
    random_state = seeded(seed)
    if weight is not None:
        rows = random_state.choice(n_samples, n_drawn, replace=True, p=weight / np.sum(weight))
        return np.bincount(rows, minlength=n_samples).astype(np.float64)
    if n_drawn <= _DRAWS:
        return np.bincount(random_state.randint(0, n_samples, n_drawn), minlength=n_samples).astype(np.float64)
    counts = np.zeros(n_samples)
    for start in range(0, n_drawn, _DRAWS):
        np.add.at(counts, random_state.randint(0, n_samples, min(n_drawn - start, _DRAWS)), 1.0)
    return counts


def one_column(y):
    """Warn, as scikit-learn does, of a single column where a row is expected."""
    if getattr(y, "ndim", 1) == 2 and y.shape[1] == 1:
        warnings.warn(
            "A column-vector y was passed when a 1d array was expected. Please change the shape of y to (n_samples,), "
            "for example using ravel().",
            DataConversionWarning,
            stacklevel=3,
        )
    return y


def block_size(n_rows, n_threads):
    """Rows of a block: as many blocks for each thread, or the last ones would be waited for."""
    n_blocks = -(-n_rows // _BLOCK)
    if n_rows >= n_threads * _LEAST_BLOCK:
        n_blocks = -(-n_blocks // n_threads) * n_threads
    return -(-n_rows // n_blocks)


class BaseForest(Categorical, MultiOutputMixin, Estimator):
    """What all forests share."""

    _splitter = "best"
    _other_rows = False

    def __len__(self):
        return len(self.estimators_)

    def __iter__(self):
        return iter(self.estimators_)

    def __getitem__(self, index):
        return self.estimators_[index]

    def _fit(self, X, y, n_classes, weight, row_weight=None):
        """Grow the trees that are missing.

        y : ndarray of float64, shape (n_samples, n_outputs)
        weight : ndarray or None, probabilities of the draws, or weights without bootstrap
        row_weight : callable or None, counts of the draws -> factors on them
        """
        if not self.bootstrap and self.max_samples is not None:
            raise ValueError("`max_sample` cannot be set if `bootstrap=False`. Either switch to `bootstrap=True` or set `max_sample=None`.")
        if not self.bootstrap and self.oob_score:
            raise ValueError("Out of bag estimation only available if bootstrap=True")
        n_samples = len(y)
        n_drawn, weight = self._draws(n_samples, weight) if self.bootstrap else None, moderate(weight)
        random_state = generator_of(self.random_state)
        kept = self.estimators_ if self._n_kept() else []
        n_more = self.n_estimators - len(kept)
        if n_more < 0:
            raise ValueError(
                f"n_estimators={self.n_estimators} must be larger or equal to len(estimators_)={len(kept)} when warm_start==True"
            )
        if n_more == 0:
            warnings.warn("Warm-start fitting without increasing n_estimators does not fit new trees.", UserWarning, stacklevel=3)
            return
        if kept:  # as if these had been drawn in one go
            random_state.randint(SEEDS, size=len(kept))
            self._note_other_rows(n_samples)
        else:  # so that a fit that is interrupted doesn't leave the forest of other data
            vars(self).pop("_members", None)
            self._other_rows = False
        self._n_samples, self._n_drawn, self._weight = n_samples, n_drawn, weight
        seeds = random_state.randint(SEEDS, size=n_more).tolist()
        max_features = feature_count(self.max_features, X.shape[1])
        problem = plan(
            X,
            y,
            n_classes=n_classes,
            criterion=self.criterion,
            max_features=max_features,
            splitter=self._splitter,
            weight=weight,
            signs=monotonic_signs(self.monotonic_cst, X.shape[1], n_classes, y.shape[1], self._levels),
            n_categories=category_counts(self._levels, X.shape[1]),
            best_first=self.max_leaf_nodes is not None,
            n_trees=n_more,
            n_jobs=self.n_jobs,
        )

        def weigh(seed):
            own = drawn_counts(seed, n_samples, n_drawn, weight)
            return own if row_weight is None else own * row_weight(own)

        def rules(own):
            return growing_rules(self, n_samples, own.sum())

        def run(seeds):
            weights = [weigh(seed) for seed in seeds] if self.bootstrap else [np.ones(n_samples) if weight is None else weight]
            trees = grow_trees(problem, weights, rules, seeds)
            return [prune(tree, self.ccp_alpha) for tree in trees] if self.ccp_alpha else trees

        # small trees together: a task costs about as much as a tree of 300 rows
        size = max(1, min(-(-n_more // threads_for(self.n_jobs)), _TASK // n_samples))
        tasks = [seeds[start : start + size] for start in range(0, n_more, size)]
        grown = over_threads(run, tasks, n_jobs=self.n_jobs, shared=False, verbose=self.verbose)
        self._members = self._as_members(list(grown), seeds, max_features, kept)

    def _note_other_rows(self, n_samples):
        """Whether trees of a warm start were drawn from another number of rows, so that nobody knows which are out of their bags."""
        self._other_rows = self._other_rows or n_samples != getattr(self, "_n_samples", n_samples)
        if self._other_rows and self.oob_score:
            raise ValueError(
                f"oob_score={self.oob_score!r} with warm_start=True needs the rows of the first fit, of which there were others"
            )

    def _n_kept(self):
        """Trees that `fit` keeps."""
        return len(getattr(self, "estimators_", [])) if self.warm_start else 0

    @property
    def estimators_(self):
        """The trees, estimators of their own."""
        if "_members" not in vars(self):
            raise AttributeError(f"this {type(self).__name__} is not fitted, so that it has no estimators_")
        return self._members.estimators()

    @estimators_.setter
    def estimators_(self, estimators):
        self._members = Members.of(estimators)

    @property
    def estimator_(self):
        """An unfitted tree with the parameters of those of the forest."""
        return self._unfitted_tree(None)

    def _unfitted_tree(self, random_state):
        # not `set_params`, which inspects the signature: that took longer than growing a tree of 281 rows
        parameters = {name: getattr(self, name) for name in _TREE_PARAMETERS}
        return self._tree_class(random_state=random_state, splitter=self._splitter, **parameters)

    def _draws(self, n_samples, weight):
        """Size of a bootstrap."""
        if self.max_samples is None:
            return n_samples
        if isinstance(self.max_samples, Integral):
            return int(self.max_samples)
        return max(1, round((n_samples if weight is None else weight.sum()) * self.max_samples))

    def _as_members(self, parts, seeds, max_features, kept=()):
        """Grown trees, in parts one after the other, as members of this forest."""
        alike = vars(self._unfitted_tree(None)) | {
            "max_features_": max_features,
            "n_features_in_": self.n_features_in_,
            "n_outputs_": self.n_outputs_,
            "_levels": self._levels,
        }
        alike |= {name: getattr(self, name) for name in ("classes_", "n_classes_") if hasattr(self, name)}
        return Members(self._tree_class, alike, seeds, parts, kept)

    def _values(self, X):
        """Leaf values averaged over the trees, shape (n_samples, n_outputs, n_classes); trees are always added in the same order."""
        X = check_predict(self, X, fitted="estimators_")
        trees = [estimator.tree_ for estimator in self.estimators_]
        out = np.zeros((X.shape[0], *trees[0].value.shape[1:]))

        size = block_size(X.shape[0], threads_for(self.n_jobs))

        def run(start):
            for first, part in dense_blocks(X[start : start + size]):
                mean = out[start + first : start + first + len(part)]
                with np.errstate(over="ignore", invalid="ignore"):  # of large values
                    missing = bool(np.isnan(np.sum(part)))
                for tree in trees:
                    tree.add_values(part, mean, missing)
                mean /= len(trees)

        over_threads(run, range(0, X.shape[0], size), n_jobs=self.n_jobs)
        return out

    def _in_bag(self, estimator):
        return drawn_counts(estimator.random_state, self._n_samples, self._n_drawn, self._weight)

    def _oob_metric(self, usual):
        """The user's score, or the `usual` one of scikit-learn, whose metrics take long to import."""
        return self.oob_score if callable(self.oob_score) else getattr(importlib.import_module("sklearn.metrics"), usual)

    def _out_of_bag_values(self, X):
        """Leaf values averaged over the trees that didn't see a row."""
        total, count = 0.0, np.zeros(X.shape[0])
        X = X.tocsr() if sparse.issparse(X) else X
        for estimator in self.estimators_:
            unseen = self._in_bag(estimator) == 0
            value = np.zeros((X.shape[0], *estimator.tree_.value.shape[1:]))
            value[unseen] = estimator.tree_.value.take(estimator.tree_.apply(X[unseen]), axis=0)
            total, count = total + value, count + unseen
        if np.any(count == 0):
            warnings.warn(
                "Some inputs do not have OOB scores. This probably means too few trees were used to compute any reliable OOB estimates.",
                UserWarning,
                stacklevel=4,
            )
        return total / np.maximum(count, 1)[:, None, None]

    def apply(self, X):
        """Leaf that each row of `X` ends in, tree by tree.

        Parameters
        ----------
        X : {array_like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of int32, shape (n_samples, n_estimators)
        """
        X = check_predict(self, X, fitted="estimators_")
        return np.column_stack([estimator.tree_.apply(X) for estimator in self.estimators_])

    def decision_path(self, X):
        """Nodes that each row of `X` passes.

        Parameters
        ----------
        X : {array_like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        indicator : csr_matrix of shape (n_samples, n_nodes)
        n_nodes_ptr : ndarray of shape (n_estimators + 1,)
            Columns ``n_nodes_ptr[i]:n_nodes_ptr[i + 1]`` belong to tree i.
        """
        X = check_predict(self, X, fitted="estimators_")
        paths = [estimator.tree_.decision_path(X) for estimator in self.estimators_]
        return sparse.hstack(paths, format="csr"), np.cumsum([0] + [path.shape[1] for path in paths])

    @property
    def feature_importances_(self):
        """Mean over the trees of each feature's share in the decrease of impurity, shape (n_features,)."""
        check_is_fitted(self, "estimators_")
        trees = [estimator.tree_ for estimator in self.estimators_ if estimator.tree_.node_count > 1]
        if not trees:
            return np.zeros(self.n_features_in_)
        mean = np.mean([tree.compute_feature_importances() for tree in trees], axis=0)
        return mean / np.sum(mean)

    @property
    def estimators_samples_(self):
        """Rows that each tree was grown on, repeated as often as drawn."""
        check_is_fitted(self, "estimators_")
        if not hasattr(self, "_n_samples"):
            raise AttributeError("estimators_samples_ isn't known of a forest from a file, which doesn't keep the draws of its rows")
        if self._other_rows:
            raise AttributeError("estimators_samples_ isn't known of a forest whose trees were grown on different numbers of rows")
        every = np.arange(self._n_samples, dtype=np.int32)
        return [np.repeat(every, self._in_bag(e).astype(np.intp)) if self.bootstrap else every for e in self.estimators_]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags
