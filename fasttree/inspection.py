"""Looking into forests: quantiles, proximities, importances that don't flatter features with many values, shares in predictions."""

import numpy as np
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, column_or_1d

from fasttree._estimators_forest import BaseForest
from fasttree._estimators_forest_numbers import ForestRegressor
from fasttree._estimators_tree import class_lists
from fasttree._threads import over_threads
from fasttree._tree import LEAF, dense_blocks
from fasttree._tree_categories import NO_SETS
from fasttree._tree_shapley import add_shapley_rows
from fasttree._tree_weights import add_up_below, add_weights, count_shared, group_rows, weighted_quantiles
from fasttree._validation import check_predict

_CELLS = 1 << 23  # of weights held at a time
_ROWS = 256  # that one thread explains at a time


def predict_quantiles(forest, X, *, X_train, y_train, quantiles=(0.1, 0.5, 0.9)):
    """Quantiles of the target given `X`, from the training targets that share leaves with each row.

    Parameters
    ----------
    forest : RandomForestRegressor or ExtraTreesRegressor
        Fitted on one output.
    X : array_like of shape (n_samples, n_features)
    X_train, y_train
        What the forest was fitted on, in the same order.
    quantiles : sequence of float
        Ascending, from 0 to 1.

    Returns
    -------
    ndarray of shape (n_samples, n_quantiles)
        Each a target that occurred in training.

    Raises
    ------
    TypeError, ValueError
        If it is no forest of numbers, the quantiles don't ascend from 0 to 1, or the rows are not those that the forest was fitted on.

    References
    ----------
    Meinshausen (2006), Journal of Machine Learning Research 7, 983.

    Examples
    --------
    >>> import numpy as np
    >>> from fasttree import RandomForestRegressor, predict_quantiles
    >>> X = np.arange(20.0)[:, None]
    >>> forest = RandomForestRegressor(50, min_samples_leaf=5, random_state=0).fit(X, X[:, 0])
    >>> low, middle, high = predict_quantiles(forest, [[10.0]], X_train=X, y_train=X[:, 0])[0]
    >>> bool(low < middle < high)
    True
    """
    _check_forest(forest, ForestRegressor)
    X, X_train = (check_predict(forest, part, fitted="estimators_") for part in (X, X_train))
    y = check_array(column_or_1d(y_train), ensure_2d=False, dtype=np.float64, input_name="y_train")
    levels = np.asarray(quantiles, dtype=np.float64)
    if levels.ndim != 1 or not np.all((levels >= 0) & (levels <= 1)) or np.any(np.diff(levels) < 0):
        raise ValueError(f"quantiles={quantiles!r} must ascend from 0 to 1")
    counts = _drawn(forest, X_train, len(y))
    groups = []
    for one, own in zip(forest.estimators_, counts, strict=True):
        starts, rows = np.empty(one.tree_.node_count + 1, dtype=np.int64), np.empty(len(y), dtype=np.int64)
        group_rows(one.tree_.apply(X_train), own, starts, rows)
        groups.append((starts, rows))
    order = np.argsort(y, kind="stable")
    out = np.empty((X.shape[0], len(levels)))
    step = max(1, _CELLS // len(y))
    for start in range(0, X.shape[0], step):
        part = X[start : start + step]
        weights = np.zeros((part.shape[0], len(y)))
        for one, (starts, rows), own in zip(forest.estimators_, groups, counts, strict=True):
            add_weights(one.tree_.apply(part), starts, rows, own, weights)
        weighted_quantiles(y, order, weights, levels, out[start : start + step])
    return out


def _check_forest(forest, kind=BaseForest):
    if not isinstance(forest, kind):
        wanted = "a forest of fasttree" if kind is BaseForest else "a RandomForestRegressor or ExtraTreesRegressor of fasttree"
        raise TypeError(f"forest is of type {type(forest).__name__}, not {wanted}")


def _drawn(forest, X, n_targets):
    """How often each tree drew each training row."""
    n_samples = getattr(forest, "_n_samples", None)
    if n_samples is None:
        raise ValueError("the forest was loaded from a file, which doesn't keep the draws of its rows")
    if X.shape[0] != n_samples or n_targets != n_samples:
        raise ValueError(f"the forest was fitted on {n_samples} samples; got {X.shape[0]} rows and {n_targets} targets")
    return [np.bincount(rows, minlength=n_samples) for rows in forest.estimators_samples_]


def proximity(forest, X, Y=None):
    """Share of the trees in which two rows end in the same leaf.

    Parameters
    ----------
    forest : forest estimator
        Fitted.
    X, Y : array_like of shape (n_samples, n_features)
        Default for `Y`: `X`.

    Returns
    -------
    ndarray of shape (n_samples of X, n_samples of Y)
        From 0 to 1.

    Raises
    ------
    TypeError
        If it is no forest of this package.

    Examples
    --------
    >>> from fasttree import ExtraTreesClassifier, proximity
    >>> X = [[0.0], [1.0], [8.0], [9.0]]
    >>> forest = ExtraTreesClassifier(50, max_depth=1, random_state=0).fit(X, [0, 0, 1, 1])
    >>> near, far = proximity(forest, X)[0, [1, 3]]
    >>> bool(near > far)
    True
    """
    _check_forest(forest)
    check_is_fitted(forest, "estimators_")
    first = np.ascontiguousarray(forest.apply(X))
    second = first if Y is None else np.ascontiguousarray(forest.apply(Y))
    shared = np.zeros((len(first), len(second)))
    count_shared(first, second, shared)
    return shared / first.shape[1]


def out_of_bag_importances(forest, X, y):
    """Decrease of impurity by feature, measured on the rows that each tree didn't see.

    Importances measured on the rows a tree was grown on favour features with many values, even of pure noise; these are zero on
    average for noise, and may come out negative.

    Parameters
    ----------
    forest : forest estimator
        Fitted with ``bootstrap=True``.
    X, y
        What it was fitted on, in the same order.

    Returns
    -------
    ndarray of shape (n_features,)
        Mean over the trees, in the units of the impurity (Gini for classes, variance for numbers).

    Raises
    ------
    TypeError, ValueError
        If it is no forest of this package, or no rows are out of bag.

    References
    ----------
    Li, Wang, Basu, Kumbier & Yu (2019), A debiased MDI feature importance measure for random forests, NeurIPS 32.

    Examples
    --------
    >>> import numpy as np
    >>> from fasttree import RandomForestClassifier, out_of_bag_importances
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> forest = RandomForestClassifier(50, random_state=0).fit(X, X[:, 1] > 0)
    >>> int(np.argmax(out_of_bag_importances(forest, X, X[:, 1] > 0)))
    1
    """
    _check_forest(forest)
    X = check_predict(forest, X, fitted="estimators_")
    if not forest.bootstrap:
        raise ValueError("the forest was grown with bootstrap=False: no rows are out of bag")
    y = np.asarray(y).reshape(len(y), -1)
    targets = _as_values(forest, y)
    counts = _drawn(forest, X, len(y))
    total = np.zeros(X.shape[1])
    for one, own in zip(forest.estimators_, counts, strict=True):
        unseen = np.flatnonzero(own == 0)
        if len(unseen):
            total += _gain_of(one.tree_, X[unseen], targets[unseen])
    return total / len(counts)


def _as_values(forest, y):
    """Targets in the layout of leaf values, flat: shares of classes, or numbers."""
    if not hasattr(forest, "classes_"):
        return y.astype(np.float64)
    classes = class_lists(forest)
    most = max(len(found) for found in classes)
    shares = np.zeros((len(y), len(classes), most))
    for output, found in enumerate(classes):
        shares[np.arange(len(y)), output, np.searchsorted(found, y[:, output])] = 1.0
    return shares.reshape(len(y), -1)


def _gain_of(tree, X, targets):
    """By feature: how well the change of the value from each node to its child agrees with the unseen targets that pass."""
    leaves = tree.apply(X)
    sums = np.zeros((tree.node_count, targets.shape[1]))
    np.add.at(sums, leaves, targets)
    add_up_below(tree.children_left, tree.children_right, sums)
    inner = np.flatnonzero(tree.children_left != LEAF)
    value = tree.value.reshape(tree.node_count, -1)
    gain = np.zeros(len(inner))
    for child in (tree.children_left[inner], tree.children_right[inner]):
        gain += np.sum((value[child] - value[inner]) * sums[child], axis=1)
    return np.bincount(tree.feature[inner], weights=gain, minlength=tree.n_features) / (len(X) * tree.n_outputs)


def explain(model, X, *, n_jobs=None):
    """Share of each feature in each prediction: Shapley values, exact for the trees.

    They and the mean prediction sum to the prediction. A feature that is not told is averaged over by the training weights of the
    children it would choose between (the "path dependent" way of the package shap); in boosting by their training rows, as LightGBM does.

    Parameters
    ----------
    model : tree, forest or boosting estimator
        Fitted; a tree or forest for classes on one output, boosting without `init`.
    X : {array_like, sparse matrix} of shape (n_samples, n_features)
    n_jobs : int or None
        Threads over the rows.

    Returns
    -------
    shares : ndarray of shape (n_samples, n_features), or (n_samples, n_features, n_classes or n_outputs)
        In the units of `predict`, or of `predict_proba` for classes. Of boosting in those of the raw prediction: of `decision_function`
        for classes, of the logarithm for Poisson, gamma and tweedie losses.
    mean : float, or ndarray of shape (n_classes or n_outputs,)
        Prediction where no feature is told.

    Raises
    ------
    TypeError
        If `model` is no tree, forest or boosting.
    ValueError
        If a tree or forest for classes has several outputs, or boosting adds to what `init` predicts.

    References
    ----------
    Lundberg et al. (2020), From local explanations to global understanding with explainable AI for trees, Nature Machine
    Intelligence 2, 56.

    Examples
    --------
    >>> from fasttree import DecisionTreeRegressor, explain
    >>> tree = DecisionTreeRegressor().fit([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [1.0, 1.0, 5.0, 5.0])
    >>> shares, mean = explain(tree, [[1.0, 0.0]])
    >>> shares.tolist(), mean
    ([[2.0, 0.0]], 3.0)
    """
    if hasattr(model, "_ensemble"):
        return _explain_boosting(model, X, n_jobs)
    is_forest = hasattr(model, "estimators_")
    members = model.estimators_ if is_forest else [model]
    if not all(hasattr(member, "tree_") for member in members):
        raise TypeError(f"model is a {type(model).__name__}; only fitted trees, forests and boosting are explained")
    if hasattr(model, "classes_") and model.n_outputs_ > 1:
        raise ValueError(f"model has {model.n_outputs_} outputs of classes; fit one model for each to explain it")
    X = check_predict(model, X, fitted="estimators_" if is_forest else "tree_")
    trees = [member.tree_ for member in members]
    for one in trees:
        one.check_width(X)
    values = [one.value.reshape(one.node_count, -1) for one in trees]
    depths = [one.max_depth for one in trees]
    shares = np.zeros((X.shape[0], X.shape[1], values[0].shape[1]))

    def run(start):
        for first, part in dense_blocks(X[start : start + _ROWS]):
            out = shares[start + first : start + first + len(part)]
            for one, value, depth in zip(trees, values, depths, strict=True):
                arrays = one.children_left, one.children_right, one.feature, one.threshold, one.missing_go_to_left
                sets = NO_SETS if one.n_categories is None else one.sets
                add_shapley_rows(part, *arrays, sets, one.weighted_n_node_samples, value, depth, out)

    over_threads(run, range(0, X.shape[0], _ROWS), n_jobs=n_jobs)
    shares /= len(trees)
    mean = np.mean([_mean_value(one, value) for one, value in zip(trees, values, strict=True)], axis=0)
    return (shares[:, :, 0], float(mean[0])) if len(mean) == 1 else (shares, mean)


def _explain_boosting(model, X, n_jobs):
    from fasttree._boosting_shapley import add_shares, codes_of, describe, mean_prediction

    if model.init_ is not None:
        raise ValueError(f"a model that adds to another's predictions, init={model.init!r}, can't be explained")
    X, ensemble = model._check_X(X), model._ensemble
    described = describe(ensemble)
    shares = np.zeros((ensemble.n_outputs, *X.shape, 1))

    def run(start):
        add_shares(described, ensemble.n_outputs, codes_of(ensemble, X[start : start + _ROWS]), shares[:, start : start + _ROWS])

    over_threads(run, range(0, len(X), _ROWS), n_jobs=n_jobs)
    shares, mean = np.moveaxis(shares[..., 0], 0, 2), mean_prediction(ensemble, described)
    return (shares[:, :, 0], float(mean[0])) if len(mean) == 1 else (np.ascontiguousarray(shares), mean)


def _mean_value(tree, value):
    """Mean of the leaves' values by their training weights."""
    leaves = tree.children_left == LEAF
    return np.average(value[leaves], axis=0, weights=tree.weighted_n_node_samples[leaves])
