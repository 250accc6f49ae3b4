"""From grown nodes to trees: thresholds, values and impurities, and the words of sets of categories."""

import itertools

import numpy as np

from fasttree._growth_criteria import family_of
from fasttree._growth_number import Nodes
from fasttree._splitting_own import compile_own
from fasttree._splitting_scan import ABSOLUTE, GINI, OWN, SQUARED
from fasttree._tree import Trees
from fasttree._tree_categories import collect_sets, count_words, start_words


def finish(problem, nodes, lot):
    """Derive what the estimators show, for all trees at once."""
    threshold = nodes.threshold
    if not len(problem.values):
        inner = np.flatnonzero((nodes.left >= 0) & ~np.isnan(threshold))  # NaN: by categories
        threshold[inner] = _thresholds(problem.X, nodes.low[inner], nodes.high[inner], nodes.feature[inner])
    value, impurity = _values(problem, nodes.weight, nodes.sums)
    if len(problem.signs):
        _clip(problem, value, nodes.bounds)
    if callable(problem.criterion):
        compile_own(problem.criterion, problem.classes).of_nodes(nodes.sums, nodes.weight, impurity)
        if not np.isfinite(impurity).all():
            node = np.argmin(np.isfinite(impurity))
            given = f"{impurity[node]} for sums {nodes.sums[node]} and weight {nodes.weight[node]}"
            raise ValueError(f"criterion={problem.criterion!r} gave {given}; it must give finite numbers")
    arrays = {
        "children_left": nodes.left,
        "children_right": nodes.right,
        "feature": nodes.feature,
        "threshold": threshold,
        "impurity": impurity,
        "n_node_samples": nodes.size,
        "weighted_n_node_samples": nodes.weight,
        "missing_go_to_left": nodes.missing_left,
        "value": value,
    }
    stops = lot.stops.tolist()  # by NumPy's numbers, cutting arrays takes twice as long
    n_categories, words = None, None
    if len(problem.n_categories):
        n_categories, parts = problem.n_categories, itertools.pairwise(stops)
        words = [
            _read_sets(problem, Nodes(*(array[start:stop] for array in nodes)), rows)
            for rows, (start, stop) in zip(lot.rows, parts, strict=True)
        ]
    return Trees(arrays, stops, problem.X.shape[1], problem.n_classes, n_categories, words)


def _thresholds(X, low, high, feature):
    """Middle between the two neighbours, nearer the lower one where rounding would reach the upper; infinity without an upper one."""
    pick = (lambda rows: np.asarray(X[rows, feature], dtype=np.float64).ravel()) if len(feature) else (lambda rows: np.empty(0))
    below, above = pick(low), pick(np.maximum(high, 0))
    middle = below / 2.0 + above / 2.0
    middle = np.where((middle >= above) | (middle < below), below, middle)
    return np.where(high < 0, np.inf, middle)


def _clip(problem, value, bounds):
    """Keep the values within the bounds that monotonic constraints set; `value` is overwritten."""
    if problem.classes:
        value[:, 0, 1] = np.clip(value[:, 0, 1], bounds[:, 0], bounds[:, 1])
        value[:, 0, 0] = 1.0 - value[:, 0, 1]
    else:
        value[:, 0, 0] = np.clip(value[:, 0, 0], bounds[:, 0] + problem.offset[0], bounds[:, 1] + problem.offset[0])


def _values(problem, weight, sums):
    """Value (class shares or targets) and impurity of each node; the impurity means nothing for a user's criterion."""
    n_outputs, family = len(problem.n_classes), family_of(problem.criterion)
    if family == ABSOLUTE:
        return (sums[:, :n_outputs] + problem.offset)[:, :, None], np.mean(sums[:, n_outputs:] / weight[:, None], axis=1)
    if not problem.classes:
        mean = sums[:, :n_outputs] / weight[:, None]
        if family in (SQUARED, OWN):
            impurity = np.mean(sums[:, n_outputs:] / weight[:, None] - mean**2, axis=1)
        else:
            impurity = np.mean(sums[:, n_outputs:] / weight[:, None] - mean * np.log(np.where(mean > 0, mean, 1.0)), axis=1)
        return (mean + problem.offset)[:, :, None], np.maximum(impurity, 0.0)
    value = np.zeros((len(weight), n_outputs, int(np.max(problem.n_classes))))
    first = 0
    for output, n_classes in enumerate(problem.n_classes):
        np.divide(sums[:, first : first + n_classes], weight[:, None], out=value[:, output, :n_classes])
        first += n_classes
    if family == GINI:
        products = _sum_products(value, value)
        products /= n_outputs
        return value, np.subtract(1.0, products, out=products)
    bits = np.log2(value, out=np.zeros_like(value), where=value > 0)
    return value, np.maximum(-_sum_products(value, bits) / n_outputs, 0.0)


def _sum_products(a, b):
    """Products of each node's entries, summed: a few of them by `np.sum` take four times as long, two by `einsum` six times."""
    if a.shape[1:] == (1, 2):
        products = a[:, 0, 0] * b[:, 0, 0]
        products += a[:, 0, 1] * b[:, 0, 1]
        return products
    return np.einsum("noc,noc->n", a, b)


def _read_sets(problem, nodes, rows):
    """Words of a tree's sets of categories, which its rows in the order of the leaves tell."""
    n_categories = problem.n_categories
    words = np.zeros(int(np.sum(count_words(nodes.left, nodes.feature, n_categories))), dtype=np.uint64)
    places = np.cumsum(n_categories > 0) - 1
    starts = start_words(nodes.left, nodes.feature, n_categories)
    collect_sets(nodes, rows, problem.category_codes, places, n_categories, starts, words)
    return words
