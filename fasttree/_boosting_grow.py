"""Leaf-wise growth of one tree, by several threads that all run the same loop.

Every thread takes every decision for itself, from the same numbers, so nobody waits for orders; only the work on rows and features is
divided, and the threads meet at barriers::

    histogram of the root        each thread its own features
    ┌─ scan the new leaves       each thread its own features                          barrier before: histograms are complete
    │  take the best split       of all threads' proposals, lowest feature first       barrier before: proposals are complete
    │  split the best leaf       blocks of rows, or everybody alone when it is small   barrier inside when divided
    └─ histogram of the smaller child; the other's by subtraction
"""

import numpy as np

from fasttree._boosting_presort import mark_sides
from fasttree._boosting_rows import fill_leaf, make_table, partition
from fasttree._boosting_search import search_all
from fasttree._boosting_split import leaf_value
from fasttree._boosting_state import (
    BIN,
    DEPTH,
    FEATURE,
    FLOOR,
    GAIN,
    HIGH,
    LEFT_G,
    LEFT_H,
    LOW,
    MISSING_LEFT,
    NODE,
    NOTHING,
    SLOT,
    SMALL,
    START,
    STOP,
    SUM_G,
    SUM_H,
)
from fasttree._boosting_sync import STRIDE, barrier
from fasttree._jit import njit


@njit(_nrt=False)
def close_node(nodes, node, j, ints, floats, units, rules):
    """Write leaf `j` into the tree as a leaf."""
    gradient, hessian = ints[j, SUM_G] * units[0], ints[j, SUM_H] * units[1]
    nodes[node]["feature"] = NOTHING
    nodes[node]["left"] = node
    nodes[node]["category"] = NOTHING
    nodes[node]["gain"] = 0.0
    nodes[node]["value"] = rules.learning_rate * leaf_value(gradient, hessian, rules.l1, rules.l2, floats[j, LOW], floats[j, HIGH])
    nodes[node]["weight"] = hessian
    nodes[node]["count"] = ints[j, STOP] - ints[j, START]


@njit(_nrt=False)
def open_node(tree, j, ints, floats, sets, data):
    """Write the split of leaf `j` into the tree; returns the number of its left child."""
    node, f, left = ints[j, NODE], ints[j, FEATURE], tree.size[0]
    nodes = tree.nodes
    nodes[node]["feature"] = f
    nodes[node]["left"] = left
    nodes[node]["gain"] = floats[j, GAIN]
    nodes[node]["code"] = ints[j, BIN]
    nodes[node]["missing_left"] = ints[j, MISSING_LEFT]
    nodes[node]["threshold"] = data.cuts[f, ints[j, BIN]]
    if data.categorical[f]:
        nodes[node]["category"] = tree.size[1]
        for i in range(4):
            tree.sets[tree.size[1], i] = sets[j, i]
        tree.size[1] += 1
    tree.size[0] += 2
    return left


@njit(_nrt=False)
def start_tree(thread, n, data, frontier, totals, drawn):
    """Make the root the only leaf."""
    ints, floats = frontier.ints[thread], frontier.floats[thread]
    gradient, hessian = np.int64(0), np.int64(0)
    for t in range(len(totals)):
        gradient += totals[t, 0]
        hessian += totals[t, 1]
    ints[0, START], ints[0, STOP], ints[0, SLOT], ints[0, NODE], ints[0, DEPTH] = 0, n, 0, 0, 0
    ints[0, SUM_G], ints[0, SUM_H], ints[0, FEATURE] = gradient, hessian, NOTHING
    floats[0, LOW], floats[0, HIGH], floats[0, FLOOR] = -np.inf, np.inf, 0.0
    for g in range(data.groups.shape[1]):
        frontier.groups[thread, 0, g] = ~np.uint64(0)
    for f in range(len(data.n_bins)):
        drawn[thread, f] = f


@njit(_nrt=False)
def split_leaf(thread, j, new, lefts, units, data, rules, frontier):
    """Leaf `j` becomes its left child, row `new` of the tables the right one. Histogram slots and nodes are the caller's."""
    ints, floats, groups = frontier.ints[thread], frontier.floats[thread], frontier.groups[thread]
    f, middle = ints[j, FEATURE], ints[j, START] + lefts
    gl, hl = ints[j, LEFT_G], ints[j, LEFT_H]
    low, high = floats[j, LOW], floats[j, HIGH]
    ints[new, START], ints[new, STOP], ints[j, STOP] = middle, ints[j, STOP], middle
    ints[new, SUM_G], ints[new, SUM_H] = ints[j, SUM_G] - gl, ints[j, SUM_H] - hl
    ints[j, SUM_G], ints[j, SUM_H] = gl, hl
    ints[j, DEPTH] += 1
    ints[new, DEPTH] = ints[j, DEPTH]
    ints[j, FEATURE], ints[new, FEATURE] = NOTHING, NOTHING
    floats[new, LOW], floats[new, HIGH] = low, high
    floats[j, FLOOR], floats[new, FLOOR] = 0.0, 0.0
    if data.monotonic[f] != 0:
        left = leaf_value(gl * units[0], hl * units[1], rules.l1, rules.l2, low, high)
        right = leaf_value(ints[new, SUM_G] * units[0], ints[new, SUM_H] * units[1], rules.l1, rules.l2, low, high)
        lower = j if data.monotonic[f] > 0 else new
        floats[lower, HIGH], floats[j + new - lower, LOW] = 0.5 * (left + right), 0.5 * (left + right)
    for g in range(data.groups.shape[1]):
        groups[j, g] &= data.groups[f, g]
        groups[new, g] = groups[j, g]


@njit(_nrt=False)
def may_split(j, ints, units, rules):
    """Could leaf `j` have two children that are large and heavy enough?"""
    n = ints[j, STOP] - ints[j, START]
    heavy = ints[j, SUM_H] * units[1] >= 2.0 * rules.min_child_weight
    return heavy and n >= 2 * rules.min_samples_leaf and ints[j, DEPTH] < rules.max_depth


@njit(_nrt=False)
def best_leaf(n_leaves, ints, floats):
    """The leaf whose split gains most, the oldest of equals; -1 when none can be split."""
    best = NOTHING
    for j in range(n_leaves):
        if ints[j, FEATURE] != NOTHING and (best == NOTHING or floats[j, GAIN] > floats[best, GAIN]):
            best = j
    return best


@njit(_nrt=False)
def refuse(j, lefts, ints, floats, units):
    """The split of leaf `j` leaves a child too few rows: raise the least hessian above that child's."""
    n = ints[j, STOP] - ints[j, START]
    hessian = ints[j, LEFT_H] if 2 * lefts < n else ints[j, SUM_H] - ints[j, LEFT_H]
    floats[j, FLOOR] = (hessian + 0.5 + 1e-6 * ints[j, SUM_H]) * units[1]  # the scan's float32 cannot tell less apart
    ints[j, FEATURE] = NOTHING


@njit(_nrt=False)
def divide(thread, n_threads, j, turn, data, frontier, lists, arrived):
    """Partition the rows of leaf `j` by its split; returns the number of lefts."""
    ints = frontier.ints[thread]
    f = ints[j, FEATURE]
    make_table(data.categorical[f], ints[j, BIN], ints[j, MISSING_LEFT], frontier.sets[thread, j], lists.table[thread])
    return partition(thread, n_threads, data.codes[f], ints[j, START], ints[j, STOP], lists, turn, arrived)


@njit(_nrt=False)
def take_slot(leaf, ints, floats, holders):
    """A histogram slot for a leaf: a free one, or that of the leaf whose split gains least."""
    slot = NOTHING
    for s in range(len(holders)):
        if holders[s] == NOTHING:
            slot = s
            break
        other = holders[s]
        if ints[other, FEATURE] != NOTHING and (slot == NOTHING or floats[other, GAIN] < floats[holders[slot], GAIN]):
            slot = s
    if holders[slot] != NOTHING:
        ints[holders[slot], SLOT] = NOTHING
    holders[slot] = leaf
    ints[leaf, SLOT] = slot
    return np.int64(slot)


@njit(_nrt=False)
def leave_slot(leaf, ints, holders):
    """A leaf that will not be split needs no histogram."""
    if ints[leaf, SLOT] != NOTHING:
        holders[ints[leaf, SLOT]] = NOTHING
        ints[leaf, SLOT] = NOTHING


@njit(_nrt=False)
def hand_over(j, new, smaller, wanted, ints, floats, holders):
    """Slots of the two children: the larger one keeps the parent's, the smaller one gets another; returns (that one, parent's)."""
    parent = ints[j, SLOT]
    ints[new, SLOT] = NOTHING
    if not wanted:
        leave_slot(j, ints, holders)
        return np.int64(NOTHING), parent
    ints[j, SLOT] = NOTHING
    ints[j + new - smaller, SLOT] = parent
    holders[parent] = j + new - smaller
    return take_slot(smaller, ints, floats, holders), parent


@njit(_nrt=False)
def grow(thread, n_threads, n_rows, units, seed, data, rules, plan, work, tree):
    """Grow one tree from the first `n_rows` rows of the lists, whose values are quantised and summed; returns its number of leaves."""
    ints, floats, nothing = work.frontier.ints[thread], work.frontier.floats[thread], np.int64(NOTHING)
    start_tree(thread, n_rows, data, work.frontier, work.sums.totals, work.search.drawn)
    if thread == 0:
        tree.size[0], tree.size[1] = 1, 0
        close_node(tree.nodes, np.int64(0), np.int64(0), ints, floats, units, rules)
        if ints[0, SUM_H] * units[1] < max(rules.min_child_weight, 0.5 * units[1]):
            tree.nodes[0]["value"] = 0.0  # too light for a leaf: its value would be a gradient divided by next to nothing
    parity, turn, n_leaves, parent, fresh, to_fill = np.int64(0), np.int64(0), np.int64(1), nothing, nothing, nothing
    pair, j, presorted, holders = (nothing, nothing), nothing, work.sums.orders.shape[1] > 0, work.frontier.holders[thread]
    for s in range(len(holders)):
        holders[s] = 0 if s == 0 else NOTHING
    if rules.max_leaves > 1 and may_split(np.int64(0), ints, units, rules):
        fresh, to_fill, pair = np.int64(0), np.int64(0), (np.int64(0), nothing)
    while True:
        if presorted and to_fill != NOTHING and n_leaves > 1:
            lefts = ints[j, STOP] - ints[j, START]
            mark_sides(work.lists.rows[thread, ints[j, START] : ints[n_leaves - 1, STOP]], lefts, work.sums.sides[thread])
        elif to_fill != NOTHING and not presorted:
            start, stop = ints[to_fill, START], ints[to_fill, STOP]
            fill_leaf(thread, n_threads, start, stop, data, plan, work.lists, work.sums, work.arrived, fresh, parity)
        if pair[0] != NOTHING or pair[1] != NOTHING:
            if not presorted:
                barrier(work.arrived, thread, n_threads)
            if thread == 0:
                for s in range(len(plan.shared) + 1):
                    work.sums.claims[((1 - parity) * (len(plan.shared) + 1) + s) * STRIDE] = 0
            search_all(thread, n_threads, pair, fresh, parent, units, seed, data, rules, plan, work, parity)
            parity = 1 - parity
            for which in range(2):
                if not presorted and n_leaves > 1 and ints[(j, n_leaves - 1)[which], FEATURE] == NOTHING:
                    leave_slot((j, n_leaves - 1)[which], ints, holders)
        j = best_leaf(n_leaves, ints, floats) if n_leaves < rules.max_leaves else nothing
        if j == NOTHING:
            return n_leaves
        n, to_fill, fresh, parent = ints[j, STOP] - ints[j, START], nothing, nothing, nothing
        if ints[j, SLOT] == NOTHING and not presorted:  # it gave its histogram up: fill it anew, and find the split again
            fresh, to_fill, pair = take_slot(j, ints, floats, holders), j, (j, nothing)
            continue
        lefts = divide(thread, n_threads, j, turn, data, work.frontier, work.lists, work.arrived)
        turn = 1 - turn if n > SMALL else turn
        if min(lefts, n - lefts) < rules.min_samples_leaf:
            refuse(j, lefts, ints, floats, units)
            pair = (j, nothing)
            continue
        new, smaller = n_leaves, j if 2 * lefts <= n else n_leaves
        if thread == 0:
            left = open_node(tree, j, ints, floats, work.frontier.sets[thread], data)
        split_leaf(thread, j, new, lefts, units, data, rules, work.frontier)
        if thread == 0:
            close_node(tree.nodes, left, j, ints, floats, units, rules)
            close_node(tree.nodes, left + 1, new, ints, floats, units, rules)
        ints[j, NODE], ints[new, NODE] = 2 * n_leaves - 1, 2 * n_leaves
        n_leaves += 1
        more = n_leaves < rules.max_leaves
        pair = (
            j if more and may_split(j, ints, units, rules) else nothing,
            new if more and may_split(new, ints, units, rules) else nothing,
        )
        wanted = pair[0] != NOTHING or pair[1] != NOTHING
        if presorted:
            fresh, parent = (new, j) if wanted else (nothing, nothing)
        else:
            fresh, parent = hand_over(j, new, smaller, wanted, ints, floats, holders)
        to_fill = smaller if wanted else nothing
