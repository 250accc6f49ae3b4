"""Splits by absolute error: the least sum of distances to a median, on both sides of every boundary, in constant time a row.

The rows of a node stand in a list in the order of their targets, and a hand points at the median. Taking the rows out of the list,
one after the other in the order of a feature, leaves the rows on one side of each boundary; the hand moves by about one place::

    targets    0.1 -> 0.4 -> 0.5 -> 0.7 -> 2.0        take out 0.5:    0.1 -> 0.4 --------> 0.7 -> 2.0
                             hand                                             hand

Rows of equal weight move it by one place at most, others by the ratio of the greatest to the least weight at most. Heaps or a
tree of partial sums take a logarithmic number of steps instead.
"""

from typing import NamedTuple

import numpy as np

from fasttree._jit import njit
from fasttree._splitting_encode import ROW, SHIFT
from fasttree._splitting_scan import allowed, scan_bounds

_TINY = 1e-300


class Absolute(NamedTuple):
    """Room for splits by absolute error; empty for other criteria. Places in the list are numbered from 1."""

    by_target: np.ndarray  # uint64, shape (n_outputs, n_rows): rank of the target << 32 | row, ascending within each node
    floats: (
        np.ndarray
    )  # float64, shape (2 * n_outputs + 4, n_rows + 2): targets, weights by place; sums, then medians, left and right by boundary
    places: np.ndarray  # uint32, shape (n_outputs + 4, n_all_rows + 2): place of each row; neighbours in the list; room


@njit(_nrt=False)
def lay_out(absolute, target, rows, start, ordered):
    """Fill the places, targets and weights of one node, whose rows are `rows` and start at `start`.

    With `ordered`, the target's arrays have the order of all rows, and rows are known by their position in the node.
    """
    n_outputs = target.outputs.shape[1]
    for output in range(n_outputs):
        keys = absolute.by_target[output, start : start + len(rows)]
        place_of_row = absolute.places[n_outputs if ordered else output]
        place = absolute.places[output]
        y, weight = absolute.floats[2 * output], absolute.floats[2 * output + 1]
        for i in range(len(rows)):
            place_of_row[keys[i] & ROW] = np.uint32(i + 1)
        for i in range(len(rows)):
            row = np.uint64(rows[i])
            own = place_of_row[row]
            if ordered:
                place[i] = own
                row = np.uint64(start + i)
            y[np.uint64(own)] = target.outputs[row, output]
            weight[np.uint64(own)] = target.weight[row]


@njit(_nrt=False)
def measure(absolute, n_rows, total_weight, sums):
    """Medians of the node that is laid out (the middle of two where both serve) and sums of distances to them, into `sums`."""
    n_outputs = len(absolute.by_target)
    for output in range(n_outputs):
        y, weight = absolute.floats[2 * output], absolute.floats[2 * output + 1]
        place, below = 1, weight[1]
        while below < total_weight / 2.0 and place < n_rows:
            place += 1
            below += weight[place]
        median = y[place]
        if below == total_weight / 2.0 and place < n_rows:
            median = median / 2.0 + y[place + 1] / 2.0
        distance = 0.0
        for i in range(1, n_rows + 1):
            distance += weight[i] * abs(y[i] - median)
        sums[output], sums[n_outputs + output] = median, distance


@njit(_nrt=False)
def take_out(order, from_end, y, weight, before, after, sums, medians):
    """Add to ``sums[i]`` the least sum of distances on one side of boundary i, put the median into ``medians[i]``.

    order : uint32[::1], places in the order of a feature.
    from_end : bool. Take rows out from the last to the first, which leaves the left side, or else from the first on.
    y, weight : float64[::1], by place.
    before, after : uint32[::1], at least two longer than `order`. Overwritten.
    """
    n_rows = len(order)
    total, moment = 0.0, 0.0
    for i in range(1, n_rows + 1):
        before[i], after[i] = i - 1, i + 1
        total += weight[i]
        moment += weight[i] * y[i]
    after[0], before[n_rows + 1] = 1, n_rows
    weight[0], y[0] = 0.0, 0.0
    hand, end, one = np.uint64(0), np.uint64(n_rows + 1), np.uint64(1)
    below, moment_below = 0.0, 0.0
    for step in range(n_rows - 1):
        i = n_rows - 1 - step if from_end else step
        own = np.uint64(order[np.uint64(i)])
        left, right = np.uint64(before[own]), np.uint64(after[own])
        after[left], before[right] = np.uint32(right), np.uint32(left)
        part, share = weight[own], weight[own] * y[own]
        total -= part
        moment -= share
        if own <= hand:
            below -= part
            moment_below -= share
            if own == hand:
                hand = left
        half = total / 2.0
        while below < half and np.uint64(after[hand]) != end:
            hand = np.uint64(after[hand])
            below += weight[hand]
            moment_below += weight[hand] * y[hand]
        while below - weight[hand] >= half and hand >= one:
            below -= weight[hand]
            moment_below -= weight[hand] * y[hand]
            hand = np.uint64(before[hand])
        boundary = np.uint64(i - 1 if from_end else i)
        medians[boundary] = y[hand]
        if below == half and np.uint64(after[hand]) != end:
            medians[boundary] = y[hand] / 2.0 + y[np.uint64(after[hand])] / 2.0
        sums[boundary] += moment - 2.0 * moment_below - y[hand] * (total - 2.0 * below)


@njit(_nrt=False)
def scan_absolute(keys, n_present, missing_left, total_weight, rules, best, absolute):
    """Best boundary by absolute error of the node that is laid out; the score is minus the sum of distances, over the outputs.

    Returns the score and the boundary, -1 when none beats `best`.
    """
    n_rows, n_outputs = len(keys), len(absolute.by_target)
    n_first = n_rows - n_present if missing_left else 0
    left, right = absolute.floats[2 * n_outputs], absolute.floats[2 * n_outputs + 1]
    left_median, right_median = absolute.floats[2 * n_outputs + 2], absolute.floats[2 * n_outputs + 3]
    before, after = absolute.places[n_outputs + 1], absolute.places[n_outputs + 2]
    for i in range(n_rows):
        left[i], right[i] = 0.0, 0.0
    order = absolute.places[n_outputs + 3, :n_rows]
    for output in range(n_outputs):
        place, y, weight = absolute.places[output], absolute.floats[2 * output], absolute.floats[2 * output + 1]
        for i in range(n_first):
            order[i] = place[keys[n_present + i] & ROW]
        for i in range(n_rows - n_first):
            order[n_first + i] = place[keys[i] & ROW]
        take_out(order, True, y, weight, before, after, left, left_median)
        take_out(order, False, y, weight, before, after, right, right_median)
    first, stop = scan_bounds(n_rows, n_present, missing_left, rules.min_leaf)
    least = max(rules.min_weight, _TINY)
    weight = absolute.floats[2 * n_outputs - 1]
    where = -1
    left_weight = 0.0
    for i in range(n_first):
        left_weight += weight[order[i]]
    for i in range(stop):
        left_weight += weight[order[n_first + i]]
        if i >= first and keys[i] >> SHIFT != keys[i + 1] >> SHIFT:
            if left_weight < least or total_weight - left_weight < least:
                continue
            score = -(left[n_first + i] + right[n_first + i])
            if score > best and allowed(rules, left_median[n_first + i], right_median[n_first + i]):
                best = score
                where = i
    return best, where


@njit(_nrt=False)
def score_absolute(values, threshold, missing_left, n_outputs, absolute):
    """Number and weight of the rows at most `threshold`, and minus the sum of distances on both sides, of the node laid out.

    Leaves the medians of the last output's two sides in the row of ``absolute.floats`` for medians on the left.

    values : float64[::1], by position in the node; missing ones go left with `missing_left`.
    """
    n_rows = len(values)
    goes_left = absolute.floats[2 * n_outputs]
    medians = absolute.floats[2 * n_outputs + 2]
    count, score, sides = 0, 0.0, (0.0, 0.0)
    for output in range(n_outputs):
        place, y, weight = absolute.places[output], absolute.floats[2 * output], absolute.floats[2 * output + 1]
        count, left_weight, right_weight = 0, 0.0, 0.0
        for i in range(n_rows):
            is_left = values[i] <= threshold or (missing_left and values[i] != values[i])
            goes_left[place[i]] = 1.0 if is_left else 0.0
            count += np.int64(is_left)
        for i in range(1, n_rows + 1):
            left_weight += weight[i] * goes_left[i]
            right_weight += weight[i] * (1.0 - goes_left[i])
        sides = (left_weight, right_weight)
        for side in range(2):
            distance, medians[side] = distance_of(y, weight, goes_left, n_rows, 1.0 - side, sides[side])
            score -= distance
    return count, sides[0], score


@njit(_nrt=False)
def distance_of(y, weight, flags, n_rows, flag, total):
    """Sum of distances to the median of the places with ``flags == flag``, whose weight is `total`, and that median."""
    below, moment, moment_below, median, between = 0.0, 0.0, 0.0, 0.0, False
    for i in range(1, n_rows + 1):
        if flags[i] == flag:
            moment += weight[i] * y[i]
            if below < total / 2.0:
                below += weight[i]
                moment_below += weight[i] * y[i]
                median = y[i]
                between = below == total / 2.0
            elif between:
                median = median / 2.0 + y[i] / 2.0
                between = False
    return moment - 2.0 * moment_below - median * (total - 2.0 * below), median
