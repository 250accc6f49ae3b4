"""Trees of boosting as the kernel for Shapley values takes them: over the codes of bins and categories instead of values.

A category's code is its bit in the sets; 255, of missing and unknown ones, is a category like the others. So every set takes four words.
"""

from typing import NamedTuple

import numpy as np

from fasttree._histogram import BINS, MISSING
from fasttree._tree import LEAF
from fasttree._tree_categories import NO_SETS, WORD_BITS, Sets
from fasttree._tree_shapley import add_shapley_rows


class Described(NamedTuple):
    """One tree's arrays, by node."""

    left: np.ndarray
    right: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray  # codes up to it go left
    missing_left: np.ndarray
    sets: Sets
    weight: np.ndarray  # training rows
    value: np.ndarray
    depth: int


def describe(ensemble):
    """A `Described` for each tree of an ensemble."""
    found = []
    n_categories = np.where(ensemble.bins.categorical == 1, BINS, 0).astype(np.int64)
    for nodes, sets in zip(ensemble.trees, ensemble.sets, strict=True):
        inner = nodes["feature"] >= 0
        left = np.where(inner, nodes["left"], LEAF).astype(np.int32)
        depth = np.zeros(len(nodes), np.int64)
        for node in np.flatnonzero(inner):  # children come after their parents
            depth[left[node] : left[node] + 2] = depth[node] + 1
        by_set = NO_SETS
        if len(sets):
            starts = np.where(nodes["category"] >= 0, nodes["category"].astype(np.int64) * (BINS // WORD_BITS), -1)
            by_set = Sets(n_categories, starts, np.ascontiguousarray(sets).reshape(-1))
        found.append(
            Described(
                left,
                np.where(inner, left + 1, LEAF).astype(np.int32),
                np.ascontiguousarray(nodes["feature"]),
                nodes["code"].astype(np.float64),
                np.ascontiguousarray(nodes["missing_left"]),
                by_set,
                nodes["count"].astype(np.float64),
                nodes["value"][:, None].copy(),
                int(depth.max()),
            )
        )
    return found


def codes_of(ensemble, X):
    """Codes of float32 rows as float64, shape (n_rows, n_features); missing ones of features of numbers are NaN."""
    codes = ensemble.encode(X).T.astype(np.float64, order="C")
    codes[(codes == MISSING) & (ensemble.bins.categorical == 0)] = np.nan
    return codes


def add_shares(described, n_outputs, codes, out):
    """Add all trees' Shapley values to `out`, shape (n_outputs, n_rows, n_features, 1)."""
    for t, one in enumerate(described):
        add_shapley_rows(codes, *one, out[t % n_outputs])


def mean_prediction(ensemble, described):
    """Raw predictions where no feature is told, shape (n_outputs,)."""
    mean = ensemble.start.copy()
    for t, one in enumerate(described):
        leaves = one.left == LEAF
        mean[t % ensemble.n_outputs] += np.average(one.value[leaves, 0], weights=one.weight[leaves])
    return mean
