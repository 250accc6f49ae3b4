"""Growing trees one after the other without a step of Python between them, which took as long as growing a tree of 300 rows."""

from typing import NamedTuple

import numpy as np

from fasttree._growth import grow
from fasttree._growth_state import Sketch
from fasttree._jit import njit
from fasttree._splitting_encode import PACKED_ROW, ROW, select_rows
from fasttree._splitting_own import FAILED
from fasttree._splitting_random import mix
from fasttree._splitting_scan import Rules, Target


class Lot(NamedTuple):
    """What differs from tree to tree, and where each tree ends up."""

    weights: np.ndarray  # float64, shape (n_trees, n_rows), or one row for all trees; rows of weight 0 take no part
    min_weights: np.ndarray  # float64, as long: the least weight of a leaf
    seeds: np.ndarray  # uint64, shape (n_trees,)
    rows: np.ndarray  # uint32, shape (n_trees, n_rows). Filled with the rows of each tree, in the order of its leaves.
    stops: np.ndarray  # int64, shape (n_trees + 1,), the first 0. Filled with where the nodes of each tree end in the sketch.


@njit(_nrt=False)
def choose_rows(weight, rows):
    """Rows that take part into `rows`; returns their number, and whether each weighs one."""
    count, unit = 0, True
    for row in range(len(weight)):
        if weight[row] != 0.0:
            rows[count] = row
            count += 1
            unit = unit and weight[row] == 1.0
    return count, unit


@njit(_nrt=False)
def take_codes(codes, rows, out):
    for feature in range(codes.shape[0]):
        for i in range(len(rows)):
            out[feature, i] = codes[feature, rows[i]]


@njit(_nrt=False)
def weigh_values(weight, outputs, value):
    for row in range(len(value)):
        value[row] = weight[row] * outputs[row, 0]


@njit(_nrt=False)
def with_weight(rules, min_weight):
    """The rules with another least weight of a leaf."""
    return Rules(
        rules.max_depth,
        rules.max_leaves,
        rules.min_split,
        rules.min_leaf,
        min_weight,
        rules.min_decrease,
        rules.sign,
        rules.lower,
        rules.upper,
    )


@njit(_nrt=False)
def rest_of(sketch, first):
    """The sketch from one of its nodes on."""
    return Sketch(
        sketch.left[first:],
        sketch.feature[first:],
        sketch.cut[first:],
        sketch.low[first:],
        sketch.high[first:],
        sketch.threshold[first:],
        sketch.missing_left[first:],
        sketch.start[first:],
        sketch.stop[first:],
        sketch.depth[first:],
        sketch.weight[first:],
        sketch.decrease[first:],
        sketch.sums[first:],
        sketch.bounds[first:],
    )


@njit(_nrt=False)
def grow_many(columns, codes, by_target, target, lot, rules, sketch, work, room):
    """Grow a lot of trees; whether a user's criterion failed.

    codes : uint32[:, :], those of all rows, or their packed keys; without columns where they are in `columns` already
    by_target : uint64[:, :], of all rows; without columns where they aren't used
    target : its `value` is overwritten, its `weight` not used
    rules : `min_weight` isn't used
    sketch : receives tree after tree; what is numbered from the first node of a tree on stays so
    """
    for tree in range(len(lot.seeds)):
        shared = tree if len(lot.weights) > 1 else 0
        weight, min_weight = lot.weights[shared], lot.min_weights[shared]
        n_rows, unit = choose_rows(weight, lot.rows[tree])
        if tree == 0 or shared:
            weigh_values(weight, target.outputs, target.value)
        if columns.presorted:
            select_rows(codes, weight, PACKED_ROW, columns.codes)
        elif codes.shape[1]:
            take_codes(codes, lot.rows[tree, :n_rows], columns.codes)
        select_rows(by_target, weight, ROW, work.absolute.by_target)
        for feature in range(len(work.order)):
            work.order[feature] = feature
        work.random[0] = mix(lot.seeds[tree] + np.uint64(1))  # a state that isn't 0; without it, draws of near seeds overlap
        own = Target(target.family, target.classes, target.n_slots, unit, weight, target.value, target.outputs)
        least = with_weight(rules, min_weight)
        first = lot.stops[tree]
        n_nodes = grow(columns, own, lot.rows[tree, :n_rows], least, rest_of(sketch, first), work, room)
        lot.stops[tree + 1] = first + n_nodes
        if work.own.numbers[FAILED]:
            return True
    return False
