"""From validated arrays to a fitted tree: choose the search, allocate, grow, number, weigh."""

import functools
from typing import NamedTuple

import numpy as np
import scipy.sparse

from fasttree._growth import Columns, Room, grow, new_sketch
from fasttree._splitting_absolute import Absolute
from fasttree._splitting_bound import N_BUCKETS
from fasttree._splitting_encode import MISSING, encode, select_rows
from fasttree._splitting_random import new_lanes
from fasttree._splitting_scan import ABSOLUTE, ENTROPY, GINI, MOMENT, POISSON, SQUARED, Target
from fasttree._splitting_search import Work
from fasttree._tree import LEAF, UNDEFINED, Tree, number_preorder

CRITERIA = {
    "gini": GINI,
    "entropy": ENTROPY,
    "log_loss": ENTROPY,
    "squared_error": SQUARED,
    "friedman_mse": SQUARED,  # ranks the splits of a node as the squared error does
    "poisson": POISSON,
    "absolute_error": ABSOLUTE,
}


class Problem(NamedTuple):
    """What the trees of one forest share."""

    X: object  # ndarray or csc matrix, shape (n_rows, n_features): thresholds come from it
    outputs: np.ndarray  # float64, shape (n_rows, n_outputs): slots of classes, or targets less `offset`
    offset: np.ndarray  # float64, shape (n_outputs,)
    n_classes: np.ndarray  # int64, shape (n_outputs,); 1 for regression
    classes: bool
    criterion: str
    max_features: int
    keys: np.ndarray
    codes: np.ndarray
    values: np.ndarray
    has_missing: np.ndarray  # bool, shape (n_features,); not filled for keys
    by_target: np.ndarray  # uint64, shape (n_outputs, n_rows), or no rows: keys of the targets, for absolute error


def plan(X, y, *, n_classes, criterion, max_features, splitter="best", weight=None, n_jobs=None):
    """Encode `X` and `y` once for any number of trees.

    Parameters
    ----------
    X : ndarray or csc matrix, shape (n_rows, n_features)
    y : ndarray of float64, shape (n_rows, n_outputs)
        Class numbers or targets.
    n_classes : ndarray of int, shape (n_outputs,), or None for regression
    criterion : str
    max_features : int
    splitter : {"best", "random"}
    weight : ndarray of float64, shape (n_rows,), or None
        Rows of weight 0, which no tree will use, leave no trace.
    n_jobs : int or None
    """
    n_features, n_outputs = X.shape[1], y.shape[1]
    classes = n_classes is not None
    offset = np.zeros(n_outputs)
    if classes:
        outputs = y + np.concatenate([[0], np.cumsum(n_classes)[:-1]])
    else:
        n_classes = np.ones(n_outputs, dtype=np.int64)
        if CRITERIA[criterion] == SQUARED:
            offset = _central(y if weight is None else y[weight > 0])
        outputs = y - offset
    random = splitter == "random"
    all_features = max_features == n_features and not random
    values, has_missing = np.empty((0, n_features)), np.zeros(n_features, dtype=bool)
    if random:
        keys, codes = np.empty((n_features, 0), dtype=np.uint64), np.empty((n_features, 0), dtype=np.uint32)
        # no copy where the layout serves; read-only memory is copied, which costs less than kernels compiled for it
        values = np.require(X.toarray() if scipy.sparse.issparse(X) else X, requirements=["C", "W"])
        if np.isnan(np.sum(values)):
            has_missing = np.isnan(values).any(axis=0)
    else:
        keys, codes = encode(X, keys=all_features, codes=not all_features, n_jobs=n_jobs)
    if codes.size:
        has_missing = codes.max(axis=1) == MISSING
    absolute = CRITERIA[criterion] == ABSOLUTE
    by_target = encode(y, keys=True, codes=False)[0] if absolute else np.empty((0, len(y)), dtype=np.uint64)
    return Problem(
        X, np.ascontiguousarray(outputs), offset, n_classes, classes, criterion, max_features, keys, codes, values, has_missing, by_target
    )


def _central(y):
    """Each output's target nearest the mean: sums of squares of centred targets lose no digits, and whole numbers stay whole."""
    nearest = np.argmin(np.abs(y - y.mean(axis=0)), axis=0)
    return y[nearest, np.arange(y.shape[1])]


def grow_tree(problem, weight, rules, seed):
    """Grow one tree.

    Parameters
    ----------
    problem : Problem
    weight : ndarray of float64, shape (n_rows,)
        Rows of weight 0 take no part.
    rules : Rules
    seed : int
    """
    rows = np.flatnonzero(weight).astype(np.uint32)
    target = _target(problem, weight)
    n_slots = target.n_slots if problem.classes else 2 * target.n_slots
    keys = problem.keys
    if keys.shape[1]:
        keys = np.empty((len(keys), len(rows)), dtype=np.uint64)  # a copy of its own, which growing reorders
        select_rows(problem.keys, weight, keys)
    sketch = new_sketch(_most_nodes(len(rows), rules), n_slots)
    work = _work(problem, target, len(rows), seed, _absolute(problem, weight, len(rows)))
    reordered = keys.shape[1] or len(work.absolute.by_target)
    any_missing = bool(problem.has_missing.any())
    columns = Columns(keys, problem.codes, problem.values, problem.has_missing, any_missing, problem.max_features)
    room = Room(
        side=np.empty(len(weight) if reordered else 0, dtype=np.uint8),
        goes_left=np.empty(len(rows), dtype=np.uint8),
        rows=np.empty(len(rows), dtype=np.uint32),
        keys=np.empty(len(rows) if reordered else 0, dtype=np.uint64),
        target=np.empty(0 if keys.shape[1] else len(rows)),
        frontier=np.empty(len(rows) // 2 + 2, dtype=np.int64),
    )
    n_nodes = grow(columns, target, rows, rules, sketch, work, room)
    return _finish(problem, sketch, n_nodes)


def _target(problem, weight):
    family = CRITERIA[problem.criterion]
    single = problem.outputs.shape[1] == 1
    if single and (family == SQUARED or (family == GINI and problem.n_classes[0] == 2)):
        family = MOMENT
    value = weight * problem.outputs[:, 0] if family == MOMENT else np.empty(0)
    unit = bool(np.all(weight[weight > 0.0] == 1.0))
    return Target(family, problem.classes, int(np.sum(problem.n_classes)), unit, weight, value, problem.outputs)


def _most_nodes(n_rows, rules):
    leaves = min(n_rows, rules.max_leaves, max(1, n_rows // rules.min_leaf))
    if rules.max_depth < 31:
        leaves = min(leaves, 1 << rules.max_depth)
    return 2 * leaves - 1


def _absolute(problem, weight, n_rows):
    n_outputs = len(problem.by_target)
    by_target = np.empty((n_outputs, n_rows), dtype=np.uint64)
    select_rows(problem.by_target, weight, by_target)
    return Absolute(
        by_target,
        floats=np.empty((2 * n_outputs + 2, n_rows + 2) if n_outputs else (0, 0)),
        places=np.empty((n_outputs + 4, len(weight) + 2) if n_outputs else (0, 0), dtype=np.uint32),
    )


def _work(problem, target, n_rows, seed, absolute):
    sampled = 0 if problem.keys.shape[1] else n_rows
    room = 8
    while room < 2 * sampled + 2:
        room *= 2
    follows = target.family == MOMENT and (problem.classes or target.unit)  # from a row's value and weight
    return Work(
        left=np.empty(target.n_slots),
        right=np.empty(target.n_slots),
        table=_xlogx_table() if target.family == ENTROPY else np.empty(0),
        order=np.arange(problem.X.shape[1]),
        random=np.array([(seed + 1) * 0x9E3779B97F4A7C15 % (1 << 64) or 1], dtype=np.uint64),
        keys=np.empty(sampled, dtype=np.uint64),
        spare=np.empty(sampled, dtype=np.uint64),
        values=np.empty(sampled),
        places=np.empty(room, dtype=np.int64),
        weight=np.empty(sampled),
        value=np.empty(sampled if target.family == MOMENT else 0),
        histograms=np.empty((problem.max_features if sampled and target.family == MOMENT else 0, N_BUCKETS, 4)),
        bounds=np.empty((problem.max_features, N_BUCKETS)),
        tops=np.empty(problem.max_features),
        ranges=np.empty((problem.max_features, 2), dtype=np.int64),
        outputs=np.empty((sampled, 0 if follows else problem.outputs.shape[1])),
        absolute=absolute,
        lanes=new_lanes(n_rows if len(problem.values) else 0, problem.values.dtype),
    )


@functools.cache
def _xlogx_table():
    x = np.arange(1 << 14, dtype=np.float64)
    return x * np.log(np.maximum(x, 1.0))


def _finish(problem, sketch, n_nodes):
    """Number the nodes in preorder and derive what the estimators show."""
    order, parents = np.empty(n_nodes, dtype=np.int64), np.empty(n_nodes, dtype=np.int64)
    number_preorder(sketch.left[:n_nodes], order, parents)
    left, right = np.full(n_nodes, LEAF, dtype=np.int32), np.full(n_nodes, LEAF, dtype=np.int32)
    child = np.arange(1, n_nodes, dtype=np.int32)
    is_right = parents[1:] & 1 == 1
    left[parents[1:][~is_right] >> 1] = child[~is_right]
    right[parents[1:][is_right] >> 1] = child[is_right]
    leaf = left == LEAF
    inner = order[~leaf]
    feature, threshold = np.full(n_nodes, UNDEFINED, dtype=np.int32), np.full(n_nodes, float(UNDEFINED))
    feature[~leaf] = sketch.feature[inner]
    threshold[~leaf] = (
        sketch.threshold[inner]
        if len(problem.values)
        else _thresholds(problem.X, sketch.low[inner], sketch.high[inner], sketch.feature[inner])
    )
    missing_left = np.zeros(n_nodes, dtype=np.uint8)
    missing_left[~leaf] = sketch.missing_left[inner]
    weight, sums = sketch.weight[order], sketch.sums[order]
    value, impurity = _values(problem, weight, sums)
    arrays = {
        "children_left": left,
        "children_right": right,
        "feature": feature,
        "threshold": threshold,
        "impurity": impurity,
        "n_node_samples": sketch.stop[order] - sketch.start[order],
        "weighted_n_node_samples": weight,
        "missing_go_to_left": missing_left,
        "value": value,
    }
    return Tree(arrays, problem.X.shape[1], problem.n_classes)


def _thresholds(X, low, high, feature):
    """Middle between the two neighbours, nearer the lower one where rounding would reach the upper; infinity without an upper one."""
    pick = (lambda rows: np.asarray(X[rows, feature], dtype=np.float64).ravel()) if len(feature) else (lambda rows: np.empty(0))
    below, above = pick(low), pick(np.maximum(high, 0))
    middle = below / 2.0 + above / 2.0
    middle = np.where((middle >= above) | (middle < below), below, middle)
    return np.where(high < 0, np.inf, middle)


def _values(problem, weight, sums):
    """Value (class shares or targets) and impurity of each node."""
    n_outputs = problem.outputs.shape[1]
    if CRITERIA[problem.criterion] == ABSOLUTE:
        return sums[:, :n_outputs, None].copy(), np.mean(sums[:, n_outputs:] / weight[:, None], axis=1)
    if not problem.classes:
        mean = sums[:, :n_outputs] / weight[:, None]
        if CRITERIA[problem.criterion] == SQUARED:
            impurity = np.mean(sums[:, n_outputs:] / weight[:, None] - mean**2, axis=1)
        else:
            impurity = np.mean(sums[:, n_outputs:] / weight[:, None] - mean * np.log(np.where(mean > 0, mean, 1.0)), axis=1)
        return (mean + problem.offset)[:, :, None], np.maximum(impurity, 0.0)
    value = np.zeros((len(weight), n_outputs, int(np.max(problem.n_classes))))
    first = 0
    for output, n_classes in enumerate(problem.n_classes):
        value[:, output, :n_classes] = sums[:, first : first + n_classes] / weight[:, None]
        first += n_classes
    if CRITERIA[problem.criterion] == GINI:
        return value, np.mean(1.0 - np.sum(value**2, axis=2), axis=1)
    bits = np.log2(value, out=np.zeros_like(value), where=value > 0)
    return value, np.maximum(np.mean(-np.sum(value * bits, axis=2), axis=1), 0.0)
