"""Single decision trees."""

from typing import ClassVar

import numpy as np
from sklearn.utils import compute_sample_weight
from sklearn.utils._param_validation import StrOptions

from fasttree._estimators_predictions import PredictsClasses, PredictsNumbers
from fasttree._estimators_tree import CLASS_CRITERIA, TARGET_CRITERIA, TREE_CONSTRAINTS, BaseTree, check_poisson
from fasttree._validation import check_fit, check_weights, encode_classes, store


class DecisionTreeClassifier(PredictsClasses, BaseTree):
    """A decision tree for classes.

    Every split is the exact best one; ties go to the lowest feature, then to the lowest threshold. NaN in `X` means missing: each
    split learns the side that missing values take, and where training saw none they take the side with more samples.

    Parameters
    ----------
    criterion : {"gini", "entropy", "log_loss"} or function, default="gini"
        Impurity to decrease; the last two are the same.
        A function ``impurity(sums, weight)``, compiled by `numba.njit`, makes a criterion of one's own: `sums` are the weights of
        the classes in a node (of all outputs, one after the other), `weight` is the node's.
    splitter : {"best", "random"}, default="best"
        Whether to take the best threshold of each feature, or one drawn uniformly between its least and greatest value.
    max_depth : int or None, default=None
        Greatest number of decisions on a path.
    min_samples_split, min_samples_leaf : int or float, default=2, 1
        Fewest samples of a node to split and of a leaf; a float is a share of all samples.
    min_weight_fraction_leaf : float, default=0.0
        Least share of the total weight in a leaf.
    max_features : int, float, {"sqrt", "log2"} or None, default=None
        Features to draw anew for each split; a float is a share, None is all. Drawing goes on until one varies in the node.
    random_state : int, RandomState or None, default=None
        Draws the features; without effect when all are searched.
    max_leaf_nodes : int or None, default=None
        Most leaves; nodes are then split in order of the decrease they bring.
    min_impurity_decrease : float, default=0.0
        Least decrease of impurity, weighted by the node's share of the samples, that a split must bring.
    ccp_alpha : float, default=0.0
        Price of a leaf in minimal cost-complexity pruning; 0 prunes nothing.
    class_weight : dict, list of dict, "balanced" or None, default=None
        Factors on the weights of the samples of each class.
    monotonic_cst : array_like of int of shape (n_features,) or None, default=None
        1 where the prediction must not fall as the feature rises, -1 where it must not rise, 0 where it may do either. For one
        output, and two classes at most (of which the second's share is meant). Not for categorical features.
    categorical_features : mask, positions, names, "from_dtype" or None, default="from_dtype"
        Columns whose values are names (text or numbers, 65536 at most), which splits part by sets; "from_dtype": a DataFrame's
        columns of type category. `X` must be dense. For one output of two classes or of numbers the best of all sets is found
        (which `min_samples_leaf`, `min_weight_fraction_leaf` or a sum of no targets may refuse: then the best of those in order of
        the mean). Otherwise no search is exact: it is the best category against the others, or the best set in order of the first
        principal component of the categories' class shares (of several outputs: of all shares, or means) where that is better
        (Coppersmith, Hong & Hosking 1999, Data Min. Knowl. Discov. 3, 197). The random splitter draws a set. A category that a node
        didn't hold goes where its missing values go; one that `fit` didn't see is missing.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or list of such arrays
    n_classes_ : int or ndarray of int
    max_features_ : int
    n_features_in_, n_outputs_ : int
    feature_names_in_ : ndarray of str, where the columns of `X` have names
    is_categorical_ : ndarray of bool, shape (n_features,), or None without categorical features
    tree_ : Tree
        Flat arrays with scikit-learn's names.

    Examples
    --------
    >>> from fasttree import DecisionTreeClassifier
    >>> tree = DecisionTreeClassifier().fit([[0.0], [1.0], [2.0], [3.0]], ["a", "a", "b", "b"])
    >>> tree.predict([[1.4], [1.6]]).tolist()
    ['a', 'b']

    A criterion of one's own, here the share of all but the most frequent class:

    >>> import numba
    >>> @numba.njit
    ... def misclassified(sums, weight):
    ...     return 1.0 - sums.max() / weight
    >>> DecisionTreeClassifier(criterion=misclassified).fit([[0.0], [1.0], [2.0]], ["a", "a", "b"]).get_depth()
    1
    """

    _parameter_constraints: ClassVar[dict] = {
        "criterion": [StrOptions(CLASS_CRITERIA), callable],
        **TREE_CONSTRAINTS,
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        *,
        criterion="gini",
        splitter="best",
        max_depth=None,
        min_samples_split=2,
        min_samples_leaf=1,
        min_weight_fraction_leaf=0.0,
        max_features=None,
        random_state=None,
        max_leaf_nodes=None,
        min_impurity_decrease=0.0,
        ccp_alpha=0.0,
        class_weight=None,
        monotonic_cst=None,
        categorical_features="from_dtype",
    ):
        store(self, locals())

    def fit(self, X, y, sample_weight=None):
        """Grow the tree.

        Parameters
        ----------
        X : {array_like, sparse matrix} of shape (n_samples, n_features)
        y : array_like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array_like of shape (n_samples,) or None
            Not negative; samples of weight 0 are left out. Only ratios matter: weights whose greatest is beyond 2^-32 to 2^32 are
            multiplied by a power of two, as ``tree_.weighted_n_node_samples`` then shows.

        Returns
        -------
        self
        """
        self._validate_params()
        X, y = check_fit(self, X, y, regression=False, sparse_y=TypeError)
        weight = check_weights(sample_weight, len(y))
        if self.class_weight is not None:
            by_class = compute_sample_weight(self.class_weight, y)
            weight = by_class if weight is None else weight * by_class
        classes, numbers = encode_classes(y)
        n_classes = np.array([len(found) for found in classes])
        self.n_outputs_ = len(classes)
        self.classes_, self.n_classes_ = (classes[0], len(classes[0])) if len(classes) == 1 else (classes, n_classes)
        return self._grow(X, numbers, n_classes, weight)


class DecisionTreeRegressor(PredictsNumbers, BaseTree):
    """A decision tree for numbers.

    Every split is the exact best one; ties go to the lowest feature, then to the lowest threshold. NaN in `X` means missing: each
    split learns the side that missing values take, and where training saw none they take the side with more samples.

    Parameters
    ----------
    criterion : {"squared_error", "friedman_mse", "absolute_error", "poisson"} or function, default="squared_error"
        Impurity to decrease. Friedman's criterion ranks the splits of a node as the squared error does; "poisson" (half the
        deviance) needs targets that aren't negative; "absolute_error" makes the leaves medians.
        A function ``impurity(sums, weight)``, compiled by `numba.njit`, makes a criterion of one's own: `sums` are the weighted
        sums of the targets in a node (of each output), then of their squares, `weight` is the node's. Leaves hold means.
    splitter, max_depth, min_samples_split, min_samples_leaf, min_weight_fraction_leaf, max_features, random_state, max_leaf_nodes, \
min_impurity_decrease, ccp_alpha, monotonic_cst, categorical_features
        As in `DecisionTreeClassifier`; but by absolute error no search is exact: it is the best category against the others, or of one
        output the best set in order of the medians, or in the order that the medians of that set's two sides give, where that is
        better. Usually that is the best of all sets.

    Attributes
    ----------
    max_features_, n_features_in_, n_outputs_ : int
    feature_names_in_ : ndarray of str, where the columns of `X` have names
    is_categorical_ : ndarray of bool, shape (n_features,), or None without categorical features
    tree_ : Tree
        Flat arrays with scikit-learn's names.

    Examples
    --------
    >>> from fasttree import DecisionTreeRegressor
    >>> DecisionTreeRegressor(max_depth=1).fit([[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 9.0, 9.0]).predict([[0.0], [5.0]])
    array([2., 9.])
    """

    _parameter_constraints: ClassVar[dict] = {"criterion": [StrOptions(TARGET_CRITERIA), callable], **TREE_CONSTRAINTS}

    def __init__(
        self,
        *,
        criterion="squared_error",
        splitter="best",
        max_depth=None,
        min_samples_split=2,
        min_samples_leaf=1,
        min_weight_fraction_leaf=0.0,
        max_features=None,
        random_state=None,
        max_leaf_nodes=None,
        min_impurity_decrease=0.0,
        ccp_alpha=0.0,
        monotonic_cst=None,
        categorical_features="from_dtype",
    ):
        store(self, locals())

    def fit(self, X, y, sample_weight=None):
        """Grow the tree.

        Parameters
        ----------
        X : {array_like, sparse matrix} of shape (n_samples, n_features)
        y : array_like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array_like of shape (n_samples,) or None
            Not negative; samples of weight 0 are left out. Only ratios matter: weights whose greatest is beyond 2^-32 to 2^32 are
            multiplied by a power of two, as ``tree_.weighted_n_node_samples`` then shows.

        Returns
        -------
        self
        """
        self._validate_params()
        X, y = check_fit(self, X, y, regression=True, sparse_y=TypeError)
        if self.criterion == "poisson":
            check_poisson(y)
        self.n_outputs_ = y.shape[1]
        return self._grow(X, y, None, check_weights(sample_weight, len(y)))
