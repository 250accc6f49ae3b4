"""Growing a tree: one loop for every way to search.

The rows of a node are the range ``[start, stop)`` of `rows`; a split reorders that range so that each child is a range again::

    rows   [ 4 9 1 7 | 0 3 2 8 5 6 ]
             left      right

There are three ways to search. *Presorted* (all features, few rows): each feature's keys are kept sorted within the same ranges. By
*codes*: features are searched without order where nodes are large, else sorted node by node. By *values*: random thresholds.

A tree on all features of many rows is grown by codes down to nodes of a few thousand rows, and the subtree below each of them presorted:
its keys, which take the place of its codes, and its part of the target stay in the cache. Within a subtree rows have numbers of their
own, ``0, 1, ...``, in the order that they had at its top, where `rows` stay until the tree is done; `places` are reordered instead::

    rows   [ 4 9 1 7 | 0 3 2 8 5 6 ]      places   [ 0 1 2 3 | 0 2 5 1 3 4 ]
                       top                           above

These kernels and those they call allocate nothing and are compiled without reference counts (``_nrt=False``): counting the
arrays of each call took from a quarter to a half of the time.
"""

import numpy as np
from numba import types

from fasttree._growth_rows import partition_keys, split_keys, split_rows
from fasttree._growth_state import Columns
from fasttree._growth_sums import add_up, add_up_values, order_target
from fasttree._jit import njit
from fasttree._jit_late import BOOL, FLOAT, FLOATS, INT, ROWS, Late
from fasttree._jit_reference import refer
from fasttree._splitting_absolute import lay_out, measure
from fasttree._splitting_categories import DONE, is_set
from fasttree._splitting_encode import ROW, SHIFT, pack
from fasttree._splitting_own import call_side
from fasttree._splitting_scan import ABSOLUTE, MOMENT, OWN, Target, constrained, decrease
from fasttree._splitting_search import AT_MEASURE, AT_ONCE, call_random, search_presorted, search_sampled
from fasttree._splitting_sort import gather_keys, sort_keys

_EPSILON = np.finfo(np.float64).eps
_ROUNDING = 1e-12  # of an impurity: so much less than nothing is nothing

MEASURE = Late(AT_MEASURE, types.none, "Target", ROWS, INT, BOOL, FLOAT, FLOATS, "Work")
SPLIT_AT_ONCE = Late(AT_ONCE, types.none, "Sketch", INT, types.uint64, "Columns", "Target", ROWS, "Work", "Room")
call_measure, call_at_once = MEASURE.call, SPLIT_AT_ONCE.call

# instead of the top of a presorted subtree
ABOVE = -1  # the node lies in none
UNSORTED = -2  # the node is the top of one that isn't presorted yet
NO_MORE = -3  # there is no node to split


@njit(_nrt=False)
def measure_node(target, rows, start, ordered, weight, sums, work):
    """Lay out the node of these `rows`, which start at `start`, and measure it by absolute error."""
    lay_out(work.absolute, target, rows, start, ordered)
    measure(work.absolute, len(rows), weight, sums)


@njit(_nrt=False)
def open_node(sketch, node, target, rows, ordered, rules, work):
    """Enter a node whose rows and depth are known; True when it might be split.

    What absolute error keeps of a node is added for leaves only, and where values are bounded.
    """
    sketch.left[node] = -1
    start, stop, depth = sketch.start[node], sketch.stop[node], sketch.depth[node]
    if ordered and target.outputs.shape[1] == 0:
        weight, pure = add_up_values(target, start, stop, sketch.sums[node])
    else:
        weight, pure = add_up(target, rows, start, stop, ordered, sketch.sums[node])
    sketch.weight[node] = weight
    size = stop - start
    is_open = depth < rules.max_depth and size >= rules.min_split and size >= 2 * rules.min_leaf and weight >= 2.0 * rules.min_weight
    is_open = is_open and not pure
    if target.family == ABSOLUTE and (not is_open or len(sketch.bounds)):
        call_measure(work.addresses, target, rows[start:stop], start, ordered, weight, sketch.sums[node], work)
    return is_open


@njit(_nrt=False)
def node_value(sketch, node, target):
    """Mean, median, or share of the second class."""
    if target.family == ABSOLUTE:
        return sketch.sums[node, 0]
    return sketch.sums[node, 1 if target.classes else 0] / sketch.weight[node]


@njit(_nrt=False)
def bound_values(sketch, node, left, signs, target):
    """Bound the values below the two children from `left` on by the middle between them, if the feature that parts them is constrained."""
    lower, upper, sign = sketch.bounds[node, 0], sketch.bounds[node, 1], signs[sketch.feature[node]]
    for child in (left, left + 1):
        sketch.bounds[child, 0], sketch.bounds[child, 1] = lower, upper
    if sign != 0:
        middle = node_value(sketch, left, target) / 2.0 + node_value(sketch, left + 1, target) / 2.0
        middle = min(max(middle, lower), upper)
        sketch.bounds[left, 1 if sign > 0 else 0] = middle
        sketch.bounds[left + 1, 0 if sign > 0 else 1] = middle


@njit(_nrt=False)
def find_split(sketch, node, columns, target, rows, rules, work, room):
    """Search a split for `node`; True when there is one that decreases the impurity enough."""
    start, stop = sketch.start[node], sketch.stop[node]
    weight, sums = sketch.weight[node], sketch.sums[node, : target.n_slots]
    if target.family == ABSOLUTE:
        call_measure(work.addresses, target, rows[start:stop], start, not columns.presorted, weight, sketch.sums[node], work)
    if len(sketch.bounds):
        rules = refer(constrained(rules, rules.sign, sketch.bounds[node, 0], sketch.bounds[node, 1]))
    if columns.presorted:
        found = search_presorted(columns.codes, start, stop, target, weight, sums, rules, work)
    else:
        value = target.value[start:stop] if target.family == MOMENT else target.value
        weights, outputs = target.weight[start:stop], target.outputs[start:stop]
        own = refer(Target(target.family, target.classes, target.n_slots, target.unit, weights, value, outputs))
        if len(columns.table.values):
            found = call_random(work.addresses, columns, rows[start:stop], own, weight, sums, rules, work)
        else:
            found = search_sampled(columns, columns.places[start:stop], own, weight, sums, rules, work)
    if found.feature < 0:
        return False
    sketch.feature[node], sketch.cut[node], sketch.missing_left[node] = found.feature, found.cut, found.missing_left
    if len(sketch.threshold):
        sketch.threshold[node] = found.threshold
    elif found.cut != DONE:
        sketch.low[node], sketch.high[node] = found.low, found.high
    if len(columns.names) and found.cut != DONE:
        sketch.low[node] = columns.names[found.low]
        sketch.high[node] = columns.names[found.high] if found.high >= 0 else -1
    if target.family == OWN:
        sketch.decrease[node] = found.score + weight * call_side(work.own.side, sums, np.int64(len(sums)), weight, work.own.numbers)
    else:
        brought = decrease(target, found.score, weight, sketch.sums[node])
        sketch.decrease[node] = 0.0 if -_ROUNDING * weight <= brought < 0.0 else brought
    if sketch.decrease[node] / sketch.weight[0] + _EPSILON < rules.min_decrease:
        return False
    if found.cut == DONE:
        call_at_once(work.addresses, sketch, node, np.uint64(found.low), columns, target, rows, work, room)
    return True


@njit(_nrt=False)
def presort(columns, rows, first, absolute, work):
    """Sort the keys of a subtree's `rows`, which start at `first`, in the place of their codes; the rows get numbers of their own."""
    places, keys = columns.places[first : first + len(rows)], work.keys[: len(rows)]
    for feature in range(columns.codes.shape[0]):
        low, high, n_present = gather_keys(columns.codes[feature], places, keys)
        if low < high:
            sort_keys(keys[:n_present], work.spare[:n_present], low, high, work.places)
        pack(keys, is_set(work.categories, feature), columns.codes[feature, first : first + len(rows)])
    if len(absolute.by_target):
        numbers = absolute.places[len(absolute.by_target)]
        for i in range(len(rows)):
            numbers[rows[i]] = np.uint32(i)
        for output in range(len(absolute.by_target)):
            keys = absolute.by_target[output, first : first + len(rows)]
            for i in range(len(keys)):
                keys[i] = (keys[i] >> SHIFT << SHIFT) | np.uint64(numbers[keys[i] & ROW])
    for i in range(len(rows)):
        places[i] = np.uint32(i)


@njit(_nrt=False)
def reorder(sketch, n_nodes, n_sorted, rows, places, spare):
    """Bring `rows` into the order of their numbers in the subtrees that were presorted."""
    if len(rows) <= n_sorted:
        reorder_below(sketch, 0, rows, places, spare)
        return
    for node in range(n_nodes):
        left = np.int64(sketch.left[node])
        if left >= 0 and sketch.stop[node] - sketch.start[node] > n_sorted:
            for child in range(left, left + 2):
                if sketch.stop[child] - sketch.start[child] <= n_sorted:
                    reorder_below(sketch, child, rows, places, spare)


@njit(_nrt=False)
def reorder_below(sketch, top, rows, places, spare):
    """The same for one subtree; where `top` is a leaf, nothing was moved."""
    if sketch.left[top] >= 0:
        first, stop = np.int64(sketch.start[top]), np.int64(sketch.stop[top])
        for i in range(first, stop):
            spare[i] = rows[i]
        for i in range(first, stop):
            rows[i] = spare[first + np.int64(places[i])]


@njit(_nrt=False)
def columns_below(columns, rows, sketch, top):
    """The features as the nodes of the presorted subtree below `top` are searched, or those that are in none."""
    names, places, side = rows[:0], rows, columns.side
    if columns.ordered:
        names, places = rows, columns.places
    if top >= 0:
        names, side = rows[sketch.start[top] : sketch.stop[top]], side[sketch.start[top] : sketch.stop[top]]
    return Columns(
        columns.presorted or top >= 0,
        columns.ordered and top < 0,
        columns.n_sorted,
        columns.codes,
        places,
        names,
        side,
        columns.table,
        columns.has_missing,
        columns.any_missing,
        columns.max_features,
    )


@njit(_nrt=False)
def target_below(target, told, sketch, top):
    """The target of the rows below `top`; with `told`, outputs are the same as values."""
    if top < 0:
        return target
    first, stop = sketch.start[top], sketch.stop[top]
    value = target.value[first:stop] if target.family == MOMENT else target.value
    outputs = value.reshape(len(value), 1) if told else target.outputs[first:stop]
    return Target(target.family, target.classes, target.n_slots, target.unit, target.weight[first:stop], value, outputs)


@njit(_nrt=False)
def grow_within(node, top, fresh, counts, columns, target, rows, rules, sketch, work, room):
    """Grow from `node` on, as long as what is next lies in the same subtree; returns the next node and the top of its subtree.

    Nodes are split in order of depth, or best first where the number of leaves is limited.

    fresh : whether `node` is a top, whose rows, depth and bounds are known, and not searched yet
    counts : int64[::1], of nodes, of those in the frontier, of leaves
    """
    best_first = rules.max_leaves < len(room.goes_left)
    most_later = columns.n_sorted if columns.ordered else 0
    n_nodes, n_open, n_leaves = counts[0], counts[1], counts[2]
    next_top = np.int64(top)
    while True:  # each kernel is called in one place only: what is inlined is compiled once for each
        new, end = node, node + 1
        if not fresh:
            middle = split_rows(sketch, node, columns, target, rows, room)
            for output in range(len(work.absolute.by_target)):
                partition_keys(work.absolute.by_target[output, sketch.start[node] : sketch.stop[node]], columns.side, ROW, work.spare)
            new, end = n_nodes, n_nodes + 2
            sketch.left[node] = new
            sketch.start[new], sketch.stop[new], sketch.depth[new] = sketch.start[node], middle, sketch.depth[node] + 1
            sketch.start[new + 1], sketch.stop[new + 1], sketch.depth[new + 1] = middle, sketch.stop[node], sketch.depth[node] + 1
            n_nodes += 2
            n_leaves += 1
        opened = 0
        for child in range(new, end):
            opened += np.int64(open_node(sketch, child, target, rows, not columns.presorted, rules, work)) << (child - new)
        if len(sketch.bounds) and not fresh:
            bound_values(sketch, node, new, work.signs, target)
        if columns.presorted and opened and not fresh:
            split_keys(columns.codes, sketch.start[node], sketch.stop[node], columns.side, room.rows)
        for child in range(end - 1, new - 1, -1):
            if opened >> (child - new) & 1 == 0:
                continue
            later = sketch.stop[child] - sketch.start[child] <= most_later
            if later:
                sketch.decrease[child] = np.inf  # to be searched before any other is split
            elif not find_split(sketch, child, columns, target, rows, rules, work, room):
                continue
            room.frontier[n_open, 0], room.frontier[n_open, 1] = child, UNSORTED if later else top
            n_open += 1
        fresh = False
        next_top = np.int64(NO_MORE)
        if n_open > 0:
            node, next_top = take(room.frontier, n_open, sketch.decrease, best_first)
            n_open -= 1
            if n_leaves >= rules.max_leaves and next_top != UNSORTED:  # which absolute error still has to measure
                next_top = np.int64(NO_MORE)
        if next_top != top:
            break
    counts[0], counts[1], counts[2] = n_nodes, n_open, n_leaves
    return node, next_top


@njit(_nrt=False)
def grow(all_columns, all_target, rows, rules, sketch, work, room):
    """Grow one tree on `rows` (uint32[::1], reordered; at least one); returns the number of nodes."""
    rules, sketch, work, room = refer(rules), refer(sketch), refer(work), refer(room)
    family, classes, unit, n_sorted = all_target.family, all_target.classes, all_target.unit, all_columns.n_sorted
    told = family == MOMENT and (unit or (classes and n_sorted == 0))  # whether outputs follow from a row's value and weight
    if not all_columns.presorted:
        weight = all_target.weight if unit and len(rows) == len(all_target.weight) else work.weight
        outputs = work.no_outputs if told else work.outputs
        order_target(refer(all_target), rows, weight, work.value, outputs)
        all_target = Target(family, classes, all_target.n_slots, unit, weight, work.value, outputs)
    for i in range(min(len(rows), len(all_columns.places))):
        all_columns.places[i] = np.uint32(i)
    sketch.start[0], sketch.stop[0], sketch.depth[0] = 0, len(rows), 0
    if len(sketch.bounds):
        sketch.bounds[0, 0], sketch.bounds[0, 1] = -np.inf, np.inf
    counts = room.counts
    counts[0], counts[1], counts[2] = 1, 0, 1
    node, top, fresh = np.int64(0), np.int64(ABOVE), True
    while top != NO_MORE:
        if top == UNSORTED:
            start, stop, top, fresh = sketch.start[node], sketch.stop[node], node, True
            presort(all_columns, rows[start:stop], start, work.absolute, work)
        columns = refer(columns_below(all_columns, rows, sketch, top))
        target = refer(target_below(all_target, told, sketch, top))
        numbers = all_columns.places if top >= 0 else rows
        node, top = grow_within(node, top, fresh, counts, columns, target, numbers, rules, sketch, work, room)
        fresh = False
    if all_columns.ordered:
        reorder(sketch, counts[0], n_sorted, rows, all_columns.places, room.rows)
    return counts[0]


@njit(_nrt=False)
def take(frontier, n_open, decrease, best_first):
    """Remove the next node to split from ``frontier[:n_open]``: the last, or the one of greatest decrease (first of ties).

    Returns the node and the top of its presorted subtree.
    """
    chosen = n_open - 1
    if best_first:
        for i in range(n_open):
            if decrease[frontier[i, 0]] > decrease[frontier[chosen, 0]]:
                chosen = i
    node, top = np.int64(frontier[chosen, 0]), np.int64(frontier[chosen, 1])
    frontier[chosen, 0], frontier[chosen, 1] = frontier[n_open - 1, 0], frontier[n_open - 1, 1]
    return node, top
