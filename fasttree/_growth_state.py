"""What growing a tree works on: its columns, the tree so far, and room."""

from typing import NamedTuple

import numpy as np

from fasttree._pages import unused
from fasttree._splitting_random import Table


class Columns(NamedTuple):
    """The features of a problem. Arrays that the way to search doesn't use are empty (codes without columns, values without rows)."""

    presorted: bool  # are the nodes searched by keys, which `codes` hold: those of each node's rows, packed, each feature's sorted
    ordered: bool  # else: do the codes have the order of `rows`
    n_sorted: int  # rows up to which subtrees are presorted
    codes: np.ndarray  # uint32, shape (n_features, n_all_rows); overwritten where presorted or ordered
    places: np.ndarray  # uint32, shape (n_rows,): where the codes of `rows` lie: 0, 1, ..., or at `rows` themselves where it is empty;
    # in presorted subtrees, the order of the rows by numbers of their own
    names: np.ndarray  # uint32: the rows that are known by their places or by numbers of their own; else empty
    side: np.ndarray  # uint8, shape (n_all_rows,): does a row go left; overwritten where presorted, and for absolute error
    table: Table  # for random thresholds
    has_missing: np.ndarray  # bool, shape (n_features,)
    any_missing: bool
    max_features: int


class Sketch(NamedTuple):
    """A tree while it grows: one entry per node, in order of creation."""

    left: np.ndarray  # int32; the right child follows the left one; -1 for a leaf
    feature: np.ndarray  # int32
    cut: np.ndarray  # uint32, the greatest code that goes left, or DONE
    low: np.ndarray  # int32, a row with the greatest value on the left
    high: np.ndarray  # int32, a row with the least value on the right; -1 where only missing values go right; see `split_at_once`
    threshold: np.ndarray  # float64, of random splits, NaN by a set of categories; empty where all are searched
    missing_left: np.ndarray  # uint8
    start: np.ndarray  # int32
    stop: np.ndarray  # int32
    depth: np.ndarray  # int32
    weight: np.ndarray  # float64
    decrease: np.ndarray  # float64, of the node's weight times its impurity
    sums: np.ndarray  # float64, shape (n_nodes, n_slots)
    bounds: np.ndarray  # float64, shape (n_nodes, 2): of the node's value, by monotonic constraints; without rows where there are none


class Room(NamedTuple):
    """Arrays that growing overwrites."""

    goes_left: np.ndarray  # uint8, shape (n_rows,)
    rows: np.ndarray  # uint32, shape (n_rows,)
    target: np.ndarray  # float64, shape (n_rows,), not where all is presorted
    frontier: np.ndarray  # int32, shape (n_rows // 2 + 2, 2): nodes to split; the top of the presorted subtree that each is in
    counts: np.ndarray  # int64, shape (3,)


def new_sketch(n_rows, n_nodes, n_slots, n_bounded, n_random):
    """Room for `n_nodes` of trees of `n_rows`, so many of which have bounds, and splits at random."""
    kinds = {
        "threshold": (np.float64, (n_random,)),
        "weight": (np.float64, (n_nodes,)),
        "decrease": (np.float64, (n_nodes,)),
        "sums": (np.float64, (n_nodes, n_slots)),
        "bounds": (np.float64, (n_bounded, 2)),
        **{name: (np.int32, (n_nodes,)) for name in ("left", "feature", "low", "high", "start", "stop", "depth")},
        "cut": (np.uint32, (n_nodes,)),
        "missing_left": (np.uint8, (n_nodes,)),
    }
    return Sketch(**unused(n_rows, kinds))
