"""A boosting model as plain arrays and back again: what `fasttree.save` writes of it, and what it may hold to be read.

::

    cuts, n_bins, categorical, categories   how values become codes; see `fasttree._binning.Bins`
    constant                                float64: what the raw predictions start from, one for each output
    seed                                    int64: what further rounds (`warm_start`) draw from
    train_score, validation_score           float64
    starts                                  int64: where each tree's nodes start; one more than there are trees
    node_feature, node_left, ... count      the nodes of all trees, one after the other; see `NODE_TYPE`
    set_starts, sets                        int64, and uint64 of shape (n, 4): sets of categories, likewise
"""

import numpy as np

from fasttree._binning import Bins
from fasttree._boosting_model import Ensemble
from fasttree._boosting_state import NODE_TYPE
from fasttree._histogram import BINS


def arrays_of(estimator):
    """Name → array, of a fitted boosting estimator."""
    ensemble, bins = estimator._ensemble, estimator._ensemble.bins
    nodes = np.concatenate([np.empty(0, NODE_TYPE), *ensemble.trees])
    arrays = {name: getattr(bins, name) for name in Bins._fields}
    arrays |= {"constant": ensemble.start, "seed": np.array([estimator._seed], np.int64)}
    arrays |= {"train_score": estimator.train_score_, "validation_score": estimator.validation_score_}
    arrays["starts"] = np.cumsum([0] + [len(tree) for tree in ensemble.trees], dtype=np.int64)
    arrays["set_starts"] = np.cumsum([0] + [len(some) for some in ensemble.sets], dtype=np.int64)
    arrays["sets"] = np.concatenate([np.empty((0, 4), np.uint64), *ensemble.sets])
    return arrays | {f"node_{name}": np.ascontiguousarray(nodes[name]) for name in NODE_TYPE.names}


def restore(estimator, n_features, levels, part, require):
    """Make an estimator with its parameters (and classes) a fitted one.

    Parameters
    ----------
    estimator : estimator
    n_features : int
    levels : dict, position → sorted categories
    part : callable
        ``part(name, dtype, n_dimensions)`` returns an array of the file, or refuses the file.
    require : callable
        ``require(condition, message)`` refuses the file unless the condition holds.
    """
    try:
        estimator._validate_params()
        estimator._loss = estimator._make_loss()
    except ValueError as error:
        require(False, str(error))
    constant, seed = part("constant", np.float64, 1), part("seed", np.int64, 1)
    require(len(constant) == estimator._loss.n_outputs and bool(np.all(np.isfinite(constant))), "constant has the wrong length or values")
    require(len(seed) == 1 and 0 <= seed[0] < 2**31, "seed isn't one number below 2**31")
    bins = _read_bins(n_features, part, require)
    require(all(bins.categorical[feature] for feature in levels), "a feature with categories isn't categorical")
    ensemble = Ensemble(bins, constant.copy(), *_read_trees(bins, part, require))
    require(len(ensemble.trees) % ensemble.n_outputs == 0, "its last round lacks a tree")
    ensemble.prepare()
    estimator._ensemble, estimator._seed, estimator.init_ = ensemble, int(seed[0]), None
    estimator._levels, estimator._categorical = levels, bins.categorical.astype(bool)
    estimator.train_score_, estimator.validation_score_ = part("train_score", np.float64, 1), part("validation_score", np.float64, 1)


def _read_bins(n_features, part, require):
    cuts, n_bins = part("cuts", np.float32, 2), part("n_bins", np.int64, 1)
    categorical, categories = part("categorical", np.uint8, 1), part("categories", np.float32, 2)
    require(cuts.shape == (n_features, BINS) and len(n_bins) == len(categorical) == n_features, "cuts don't match the features")
    require(bool(np.all((n_bins >= 1) & (n_bins < BINS))) and bool(np.all(categorical <= 1)), "n_bins or categorical is out of range")
    require(categories.shape == (n_features if np.any(categorical) else 0, BINS), "categories don't match the features")
    require(bool(np.all(cuts[:, 1:] >= cuts[:, :-1])), "cuts don't ascend")
    return Bins(*(np.ascontiguousarray(array) for array in (cuts, n_bins, categorical, categories)))


def _read_trees(bins, part, require):
    """The lists of trees and of their sets."""
    fields = {name: part(f"node_{name}", NODE_TYPE[name], 1) for name in NODE_TYPE.names}
    nodes, all_sets = np.empty(len(fields["feature"]), NODE_TYPE), part("sets", np.uint64, 2)
    require(all(len(field) == len(nodes) for field in fields.values()) and all_sets.shape[1] == 4, "arrays of nodes differ in length")
    for name, field in fields.items():
        nodes[name] = field
    starts, set_starts = part("starts", np.int64, 1), part("set_starts", np.int64, 1)
    for bounds, total in ((starts, len(nodes)), (set_starts, len(all_sets))):
        require(len(bounds) == len(starts) > 0 and bounds[0] == 0 and bounds[-1] == total, "starts don't cover the nodes or sets")
        require(bool(np.all(np.diff(bounds) >= 0)), "starts don't ascend")
    trees, sets = [], []
    for t in range(len(starts) - 1):
        trees.append(nodes[starts[t] : starts[t + 1]].copy())
        sets.append(np.ascontiguousarray(all_sets[set_starts[t] : set_starts[t + 1]]))
        _check_tree(trees[-1], len(sets[-1]), bins.categorical, require)
    return trees, sets


def _check_tree(nodes, n_sets, categorical, require):
    """Refuse nodes that aren't a binary tree whose children come after their parents, side by side."""
    feature, left, every = nodes["feature"], nodes["left"], np.arange(len(nodes))
    inner = feature >= 0
    require(len(nodes) > 0, "a tree has no nodes")
    require(bool(np.all((feature >= -1) & (feature < len(categorical)))), "a split's feature is out of range")
    require(bool(np.all(left[~inner] == every[~inner])), "a leaf doesn't point to itself")
    require(bool(np.all(left[inner] > every[inner])), "a child comes before its parent")
    children = np.sort(np.concatenate([left[inner], left[inner] + 1]))
    require(bool(np.array_equal(children, every[1:])), "a node has no parent or two")
    by_set = nodes["category"] >= 0
    require(bool(np.all((nodes["category"] >= -1) & (nodes["category"] < n_sets))), "a split's set of categories is out of range")
    require(
        bool(np.array_equal(by_set[inner], categorical[feature[inner]] == 1)) and not np.any(by_set[~inner]), "sets don't match the splits"
    )
    require(bool(np.all(nodes["missing_left"] <= 1)), "missing_left isn't 0 or 1")
    require(not np.any(np.isnan(nodes["threshold"])) and bool(np.all(np.isfinite(nodes["value"]))), "a threshold or value isn't a number")
