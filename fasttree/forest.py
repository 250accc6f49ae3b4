"""Forests: many trees on resampled rows, averaged."""

from typing import ClassVar

from sklearn.utils._param_validation import StrOptions

from fasttree._estimators_forest import FOREST_CONSTRAINTS
from fasttree._estimators_forest_classes import ForestClassifier
from fasttree._estimators_forest_numbers import ForestRegressor
from fasttree._estimators_tree import CLASS_CRITERIA, TARGET_CRITERIA
from fasttree._validation import store
from fasttree.tree import DecisionTreeClassifier, DecisionTreeRegressor


class RandomForestClassifier(ForestClassifier):
    """A random forest for classes.

    Each tree is grown on a bootstrap of the rows and draws `max_features` features for each split. The forest depends on
    `random_state` alone, never on `n_jobs`.

    Parameters
    ----------
    n_estimators : int, default=100
        Number of trees.
    criterion : {"gini", "entropy", "log_loss"} or function, default="gini"
    max_depth, min_samples_split, min_samples_leaf, min_weight_fraction_leaf, max_leaf_nodes, min_impurity_decrease, ccp_alpha, \
monotonic_cst, categorical_features
        As in `DecisionTreeClassifier`.
    max_features : int, float, {"sqrt", "log2"} or None, default="sqrt"
        Features to draw anew for each split.
    bootstrap : bool, default=True
        Whether each tree sees a draw of the rows, with replacement, or all of them.
    oob_score : bool or callable, default=False
        Whether to predict each row by the trees that didn't see it; a callable (y_true, y_pred) replaces the accuracy.
    n_jobs : int or None, default=None
        Threads.
    random_state : int, RandomState or None, default=None
    verbose : int, default=0
    warm_start : bool, default=False
        Whether `fit` keeps the trees there are and adds those missing.
    class_weight : {"balanced", "balanced_subsample"}, dict, list of dict or None, default=None
        "balanced_subsample" balances each bootstrap anew.
    max_samples : int, float or None, default=None
        Size of a bootstrap, or its share of the rows.

    Attributes
    ----------
    estimators_ : list of DecisionTreeClassifier
    classes_, n_classes_, n_features_in_, feature_names_in_, is_categorical_, n_outputs_
        As in `DecisionTreeClassifier`.
    oob_score_ : float
    oob_decision_function_ : ndarray of shape (n_samples, n_classes) or (n_samples, n_classes, n_outputs)

    References
    ----------
    Breiman (2001), Machine Learning 45, 5.

    Examples
    --------
    >>> from fasttree import RandomForestClassifier
    >>> forest = RandomForestClassifier(n_estimators=10, random_state=0).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    >>> forest.predict([[-1.0], [4.0]]).tolist()
    [0, 1]
    """

    _tree_class = DecisionTreeClassifier
    _parameter_constraints: ClassVar[dict] = {
        "criterion": [StrOptions(CLASS_CRITERIA), callable],
        **FOREST_CONSTRAINTS,
        "class_weight": [StrOptions({"balanced", "balanced_subsample"}), dict, list, None],
    }

    def __init__(
        self,
        n_estimators=100,
        *,
        criterion="gini",
        max_depth=None,
        min_samples_split=2,
        min_samples_leaf=1,
        min_weight_fraction_leaf=0.0,
        max_features="sqrt",
        max_leaf_nodes=None,
        min_impurity_decrease=0.0,
        ccp_alpha=0.0,
        bootstrap=True,
        oob_score=False,
        n_jobs=None,
        random_state=None,
        verbose=0,
        warm_start=False,
        class_weight=None,
        max_samples=None,
        monotonic_cst=None,
        categorical_features="from_dtype",
    ):
        store(self, locals())


class RandomForestRegressor(ForestRegressor):
    """A random forest for numbers.

    Each tree is grown on a bootstrap of the rows. The forest depends on `random_state` alone, never on `n_jobs`.

    Parameters
    ----------
    n_estimators : int, default=100
        Number of trees.
    criterion : {"squared_error", "friedman_mse", "absolute_error", "poisson"} or function, default="squared_error"
    max_features : int, float, {"sqrt", "log2"} or None, default=1.0
        Features to draw anew for each split.
    max_depth, min_samples_split, min_samples_leaf, min_weight_fraction_leaf, max_leaf_nodes, min_impurity_decrease, ccp_alpha, \
monotonic_cst, categorical_features
        As in `DecisionTreeClassifier`.
    bootstrap, oob_score, n_jobs, random_state, verbose, warm_start, max_samples
        As in `RandomForestClassifier`; the out-of-bag score is R².

    Attributes
    ----------
    estimators_ : list of DecisionTreeRegressor
    n_features_in_, feature_names_in_, is_categorical_, n_outputs_
        As in `DecisionTreeRegressor`.
    oob_score_ : float
    oob_prediction_ : ndarray of shape (n_samples,) or (n_samples, n_outputs)

    References
    ----------
    Breiman (2001), Machine Learning 45, 5.

    Examples
    --------
    >>> from fasttree import RandomForestRegressor
    >>> forest = RandomForestRegressor(n_estimators=10, random_state=0).fit([[0.0], [1.0], [2.0], [3.0]], [1.0, 1.0, 5.0, 5.0])
    >>> bool(forest.predict([[0.0]])[0] < forest.predict([[3.0]])[0])
    True
    """

    _tree_class = DecisionTreeRegressor
    _parameter_constraints: ClassVar[dict] = {"criterion": [StrOptions(TARGET_CRITERIA), callable], **FOREST_CONSTRAINTS}

    def __init__(
        self,
        n_estimators=100,
        *,
        criterion="squared_error",
        max_depth=None,
        min_samples_split=2,
        min_samples_leaf=1,
        min_weight_fraction_leaf=0.0,
        max_features=1.0,
        max_leaf_nodes=None,
        min_impurity_decrease=0.0,
        ccp_alpha=0.0,
        bootstrap=True,
        oob_score=False,
        n_jobs=None,
        random_state=None,
        verbose=0,
        warm_start=False,
        max_samples=None,
        monotonic_cst=None,
        categorical_features="from_dtype",
    ):
        store(self, locals())


class ExtraTreesClassifier(RandomForestClassifier):
    """A forest of extremely randomised trees for classes.

    For each split, one threshold is drawn uniformly (or one set of categories) for each of `max_features` drawn features, and the best
    of these splits is taken. Missing values take a random side. The forest depends on `random_state` alone, never on `n_jobs`.

    Parameters
    ----------
    bootstrap : bool, default=False
        Whether each tree sees a draw of the rows, with replacement, or all of them.
    n_estimators, criterion, max_depth, min_samples_split, min_samples_leaf, min_weight_fraction_leaf, max_features, \
max_leaf_nodes, min_impurity_decrease, ccp_alpha, oob_score, n_jobs, random_state, verbose, warm_start, class_weight, max_samples, monotonic_cst, \
categorical_features
        As in `RandomForestClassifier`.

    Attributes
    ----------
    estimators_, classes_, n_classes_, n_features_in_, feature_names_in_, is_categorical_, n_outputs_, oob_score_, oob_decision_function_
        As in `RandomForestClassifier`.

    References
    ----------
    Geurts, Ernst & Wehenkel (2006), Machine Learning 63, 3.

    Examples
    --------
    >>> from fasttree import ExtraTreesClassifier
    >>> forest = ExtraTreesClassifier(n_estimators=10, random_state=0).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    >>> forest.predict([[-1.0], [4.0]]).tolist()
    [0, 1]
    """

    _splitter = "random"

    def __init__(
        self,
        n_estimators=100,
        *,
        criterion="gini",
        max_depth=None,
        min_samples_split=2,
        min_samples_leaf=1,
        min_weight_fraction_leaf=0.0,
        max_features="sqrt",
        max_leaf_nodes=None,
        min_impurity_decrease=0.0,
        ccp_alpha=0.0,
        bootstrap=False,
        oob_score=False,
        n_jobs=None,
        random_state=None,
        verbose=0,
        warm_start=False,
        class_weight=None,
        max_samples=None,
        monotonic_cst=None,
        categorical_features="from_dtype",
    ):
        store(self, locals())


class ExtraTreesRegressor(RandomForestRegressor):
    """A forest of extremely randomised trees for numbers.

    For each split, one threshold is drawn uniformly (or one set of categories) for each of `max_features` drawn features, and the best
    of these splits is taken. Missing values take a random side. The forest depends on `random_state` alone, never on `n_jobs`.

    Parameters
    ----------
    bootstrap : bool, default=False
        Whether each tree sees a draw of the rows, with replacement, or all of them.
    n_estimators, criterion, max_depth, min_samples_split, min_samples_leaf, min_weight_fraction_leaf, max_features, \
max_leaf_nodes, min_impurity_decrease, ccp_alpha, oob_score, n_jobs, random_state, verbose, warm_start, max_samples, monotonic_cst, \
categorical_features
        As in `RandomForestRegressor`.

    Attributes
    ----------
    estimators_, n_features_in_, feature_names_in_, is_categorical_, n_outputs_, oob_score_, oob_prediction_
        As in `RandomForestRegressor`.

    References
    ----------
    Geurts, Ernst & Wehenkel (2006), Machine Learning 63, 3.

    Examples
    --------
    >>> from fasttree import ExtraTreesRegressor
    >>> forest = ExtraTreesRegressor(n_estimators=10, random_state=0).fit([[0.0], [1.0], [2.0], [3.0]], [1.0, 1.0, 5.0, 5.0])
    >>> bool(forest.predict([[0.0]])[0] < forest.predict([[3.0]])[0])
    True
    """

    _splitter = "random"

    def __init__(
        self,
        n_estimators=100,
        *,
        criterion="squared_error",
        max_depth=None,
        min_samples_split=2,
        min_samples_leaf=1,
        min_weight_fraction_leaf=0.0,
        max_features=1.0,
        max_leaf_nodes=None,
        min_impurity_decrease=0.0,
        ccp_alpha=0.0,
        bootstrap=False,
        oob_score=False,
        n_jobs=None,
        random_state=None,
        verbose=0,
        warm_start=False,
        max_samples=None,
        monotonic_cst=None,
        categorical_features="from_dtype",
    ):
        store(self, locals())
