"""What the tree estimators share: parameters, growing, walking."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import MultiOutputMixin, clone
from sklearn.utils import Bunch, check_random_state
from sklearn.utils._param_validation import Interval, RealNotInt, StrOptions
from sklearn.utils.validation import check_is_fitted

from fasttree._estimator import Estimator
from fasttree._growth_plan import plan
from fasttree._growth_tree import grow_tree
from fasttree._splitting_scan import Rules
from fasttree._tree_prune import prune, pruning_path
from fasttree._validation import category_counts, check_predict, count_of, feature_count, moderate

SEEDS = np.iinfo(np.int32).max
_UNLIMITED = 2**62

TREE_CONSTRAINTS: dict = {
    "splitter": [StrOptions({"best", "random"})],
    "max_depth": [Interval(Integral, 1, None, closed="left"), None],
    "min_samples_split": [Interval(Integral, 2, None, closed="left"), Interval(RealNotInt, 0.0, 1.0, closed="right")],
    "min_samples_leaf": [Interval(Integral, 1, None, closed="left"), Interval(RealNotInt, 0.0, 1.0, closed="neither")],
    "min_weight_fraction_leaf": [Interval(Real, 0.0, 0.5, closed="both")],
    "max_features": [
        Interval(Integral, 1, None, closed="left"),
        Interval(RealNotInt, 0.0, 1.0, closed="right"),
        StrOptions({"sqrt", "log2"}),
        None,
    ],
    "random_state": ["random_state"],
    "max_leaf_nodes": [Interval(Integral, 2, None, closed="left"), None],
    "min_impurity_decrease": [Interval(Real, 0.0, None, closed="left")],
    "ccp_alpha": [Interval(Real, 0.0, None, closed="left")],
    "monotonic_cst": ["array-like", None],
    "categorical_features": ["array-like", StrOptions({"from_dtype"}), None],
}
CLASS_CRITERIA = {"gini", "entropy", "log_loss"}
TARGET_CRITERIA = {"squared_error", "friedman_mse", "absolute_error", "poisson"}


def growing_rules(estimator, n_samples, total_weight):
    """The estimator's stopping parameters as numbers."""
    min_leaf = count_of(estimator.min_samples_leaf, n_samples)
    min_split = count_of(estimator.min_samples_split, n_samples, least=2)
    return Rules(
        max_depth=_UNLIMITED if estimator.max_depth is None else int(estimator.max_depth),
        max_leaves=_UNLIMITED if estimator.max_leaf_nodes is None else int(estimator.max_leaf_nodes),
        min_split=max(min_split, 2 * min_leaf),
        min_leaf=min_leaf,
        min_weight=float(estimator.min_weight_fraction_leaf * total_weight),
        min_decrease=float(estimator.min_impurity_decrease),
    )


def monotonic_signs(monotonic_cst, n_features, n_classes, n_outputs, categorical):
    """`monotonic_cst` as int8, shape (n_features,), or None; in scikit-learn's words where it is refused.

    categorical : positions of the features of categories
    """
    if monotonic_cst is None:
        return None
    if n_outputs > 1:
        raise ValueError("Monotonicity constraints are not supported with multiple outputs.")
    signs = np.asarray(monotonic_cst)
    if signs.ndim != 1:
        raise ValueError(f"monotonic_cst must be None or an array-like of -1, 0 or 1, one for each feature, but got {monotonic_cst!r}")
    if signs.shape != (n_features,):
        raise ValueError(f"monotonic_cst has shape {len(signs)} but the input data X has {n_features} features.")
    if not np.isin(signs, (-1, 0, 1)).all():
        raise ValueError(f"monotonic_cst must be None or an array-like of -1, 0 or 1, but got {np.unique(signs)}")
    if n_classes is not None and n_classes[0] > 2:
        raise ValueError("Monotonicity constraints are not supported with multiclass classification")
    if any(signs[list(categorical)]):
        raise ValueError("Categorical features cannot have monotonic constraints.")
    one_class = n_classes is not None and n_classes[0] == 1  # whose share is 1 everywhere
    return signs.astype(np.int8) if np.any(signs) and not one_class else None


def growing_seed(random_state):
    """Seed of the draws of one tree."""
    return int(random_state) if isinstance(random_state, Integral) else check_random_state(random_state).randint(SEEDS)


def check_poisson(y, positive="positive"):
    """Poisson deviance needs targets that aren't negative, and not all zero."""
    if np.any(y < 0):
        raise ValueError("Some value(s) of y are negative which is not allowed for Poisson regression.")
    if np.sum(y) <= 0:
        raise ValueError(f"Sum of y is not {positive} which is necessary for Poisson regression.")


class Categorical:
    """What is known of the columns of categories."""

    _levels: ClassVar[dict] = {}  # position -> sorted categories; models of old files have none

    @property
    def is_categorical_(self):
        """Mask of the features of categories, or None without any."""
        check_is_fitted(self, "n_features_in_")
        return np.isin(np.arange(self.n_features_in_), list(self._levels)) if self._levels else None


def class_lists(estimator):
    """The classes of each output of a fitted tree or forest; none of numbers."""
    if not hasattr(estimator, "classes_"):
        return []
    return [np.asarray(classes) for classes in (estimator.classes_ if estimator.n_outputs_ > 1 else [estimator.classes_])]


class BaseTree(Categorical, MultiOutputMixin, Estimator):
    """What both kinds of tree share."""

    def _grow(self, X, y, n_classes, weight):
        n_samples, n_features = X.shape
        vars(self).pop("tree_", None)  # so that a fit that is interrupted doesn't leave the tree of other data
        weight = moderate(weight)
        self.max_features_ = feature_count(self.max_features, n_features)
        rules, seed = growing_rules(self, n_samples, n_samples if weight is None else weight.sum()), growing_seed(self.random_state)
        self.tree_ = grow_tree(
            plan(
                X,
                y,
                n_classes=n_classes,
                criterion=self.criterion,
                max_features=self.max_features_,
                splitter=self.splitter,
                weight=weight,
                signs=monotonic_signs(self.monotonic_cst, n_features, n_classes, y.shape[1], self._levels),
                n_categories=category_counts(self._levels, n_features),
                best_first=self.max_leaf_nodes is not None,
                by_values=self.min_impurity_decrease == 0.0,  # which is relative to the whole tree
            ),
            weight,
            rules,
            seed,
        )
        self.tree_ = prune(self.tree_, self.ccp_alpha)
        return self

    def _values(self, X):
        leaves = self.apply(X)
        return self.tree_.value.take(leaves, axis=0)

    def apply(self, X):
        """Leaf that each row of `X` ends in.

        Parameters
        ----------
        X : {array_like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of int32, shape (n_samples,)
            Numbers of nodes of ``tree_``.
        """
        X = check_predict(self, X, fitted="tree_")
        return self.tree_.apply(X)

    def decision_path(self, X):
        """Nodes that each row of `X` passes.

        Parameters
        ----------
        X : {array_like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        csr_matrix of shape (n_samples, n_nodes)
        """
        X = check_predict(self, X, fitted="tree_")
        return self.tree_.decision_path(X)

    def cost_complexity_pruning_path(self, X, y, sample_weight=None):
        """Prices per leaf at which minimal cost-complexity pruning cuts, from the whole tree to the root alone.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.

        Returns
        -------
        Bunch
            ``ccp_alphas`` and ``impurities`` (of the leaves, weighted), one entry per subtree.
        """
        whole = clone(self).set_params(ccp_alpha=0.0).fit(X, y, sample_weight)
        alphas, impurities = pruning_path(whole.tree_)
        return Bunch(ccp_alphas=alphas, impurities=impurities)

    def get_depth(self):
        """Greatest number of decisions from the root to a leaf."""
        check_is_fitted(self, "tree_")
        return self.tree_.max_depth

    def get_n_leaves(self):
        """Number of leaves."""
        check_is_fitted(self, "tree_")
        return self.tree_.n_leaves

    @property
    def feature_importances_(self):
        """Share of each feature in the total decrease of impurity, shape (n_features,)."""
        check_is_fitted(self, "tree_")
        return self.tree_.compute_feature_importances()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags
