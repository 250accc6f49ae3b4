"""Searching large nodes by the values themselves, without codes: the branch and bound of `fasttree._splitting_bound` on other buckets.

A value lies in the bucket that its distance from the feature's middle tells, measured in the feature's width; far values crowd together,
whatever the distribution's tails::

    distance in widths    -oo .. -3   -1   -1/3   0   1/3    1    3 .. +oo
    bucket                  0    32   64     96  128  160  192  224    255      (128: the middle and no other value)

A later value is never in an earlier bucket, and no more is asked of them: where rows crowd in few, more of them are sorted.
"""

from typing import NamedTuple

import numpy as np

from fasttree._jit import FAST_MATH, njit
from fasttree._splitting_bound import _SLACK, N_AT_ONCE, N_BUCKETS, bound_buckets, greatest, moment_score, scan_survivors
from fasttree._splitting_encode import SHIFT, rank_column, sort_column
from fasttree._splitting_random import gather_values
from fasttree._splitting_scan import _TINY

MIDDLE = N_BUCKETS // 2  # the bucket of the middle alone, which may be the value of most rows
_CELLS = 1 << 12  # values that are looked at together: few enough to stay in the cache while feature after feature takes its own
_SAMPLE = 1 << 12  # values that tell the middles and widths of the features
_NEAR = 1.0 + 1e-13  # by which a later feature's score must be greater, where sums are rounded: equal ones are added up differently


class Spread(NamedTuple):
    """Where the values of each feature lie."""

    middle: np.ndarray  # float64, shape (n_features,)
    width: np.ndarray  # float64, shape (n_features,), positive


class Room(NamedTuple):
    """Arrays that searching overwrites."""

    block: np.ndarray  # float64, shape (most rows that are looked at together,)
    buckets: np.ndarray  # int32, as long
    histograms: np.ndarray  # float64, shape (n_at_once, n_buckets, 4)
    bounds: np.ndarray  # float64, shape (n_at_once, n_buckets)
    table: np.ndarray  # float64: nothing, where others have x log x
    low: np.ndarray  # float64, shape (n_at_once,): least values
    high: np.ndarray  # float64, shape (n_at_once,): greatest
    ends: np.ndarray  # int64, shape (n_buckets,): where what is to be sorted of each bucket ends
    cells: np.ndarray  # float64, shape (n_rows,): values that are to be sorted
    bits: np.ndarray  # uint64: the same memory
    places: np.ndarray  # uint32, shape (n_rows,): their places in the node
    keys: np.ndarray  # uint64, shape (n_rows,)
    values: np.ndarray  # uint64, shape (2, n_rows)
    order: np.ndarray  # uint32, shape (2, n_rows)
    counts: np.ndarray  # int64, shape (n_digits, n_buckets of a digit)


def measure_spread(X):
    """Middles and widths of features of numbers, none missing, from a sample of the rows."""
    n_rows, n_features = X.shape
    step = max(1, n_rows // max(64, _SAMPLE // n_features))
    sample = np.sort(X[::step].astype(np.float64), axis=0)
    middle = sample[len(sample) // 2].copy()
    with np.errstate(over="ignore", invalid="ignore"):  # of large values
        width = sample[3 * len(sample) // 4] / 2.0 - sample[len(sample) // 4] / 2.0
        rest = np.mean(np.abs(sample - middle), axis=0)
    width = np.where(width > 0.0, width, rest)
    return Spread(middle, np.where(width > 0.0, np.minimum(width, np.finfo(np.float64).max / 4.0), 1.0))


def rows_at_once(n_features):
    """Rows of so many features that are looked at together."""
    return max(64, _CELLS // min(n_features, N_AT_ONCE))


@njit(_nrt=False)
def find_buckets(values, middle, width, buckets):
    """Bucket of each value; every step is monotonic after rounding as well."""
    for i in range(len(values)):
        distance = values[i] - middle
        share = width / (abs(distance) + width)
        below = min(np.int32(share * MIDDLE), np.int32(MIDDLE - 1))
        above = min(np.int32((1.0 - share) * (MIDDLE - 1) + (MIDDLE + 1)), np.int32(N_BUCKETS - 1))
        buckets[i] = below if distance < 0.0 else above if distance > 0.0 else np.int32(MIDDLE)


@njit(fastmath=FAST_MATH, _nrt=False)
def range_of_values(values):
    low, high = values[0], values[0]
    for i in range(1, len(values)):
        low, high = min(low, values[i]), max(high, values[i])
    return low, high


@njit(_nrt=False)
def add_block(buckets, unit, weight, value, histogram):
    """Add rows to their buckets: their number, weight, value, and positive part of the value."""
    for i in range(len(buckets)):
        cell, v = histogram[buckets[i]], value[i]
        cell[0] += 1.0
        cell[1] += 1.0 if unit else weight[i]
        cell[2] += v
        cell[3] += v if v > 0.0 else 0.0


@njit(_nrt=False)
def fill_histograms(table, rows, spread, local, first, n_features, room):
    """Histograms and ranges of `n_features` from `first` on."""
    histograms, block, buckets = room.histograms, room.block, room.buckets
    for j in range(n_features):
        room.low[j], room.high[j] = np.inf, -np.inf
        for bucket in range(N_BUCKETS):
            for k in range(4):
                histograms[j, bucket, k] = 0.0
    for begin in range(0, len(rows), len(block)):
        size = min(len(block), len(rows) - begin)
        value = local.value[begin : begin + size]
        weight = local.weight if local.unit else local.weight[begin : begin + size]
        for j in range(n_features):
            gather_values(table, rows[begin : begin + size], first + j, block)
            find_buckets(block[:size], spread.middle[first + j], spread.width[first + j], buckets)
            add_block(buckets[:size], local.unit, weight, value, histograms[j])
            low, high = range_of_values(block[:size])
            room.low[j], room.high[j] = min(low, room.low[j]), max(high, room.high[j])


@njit(_nrt=False)
def bound_middle(histogram, total_weight, total_value, n_rows, rules, bounds):
    """Bound the middle's bucket by its end alone, for no boundary is inside."""
    count, weight, value, least = 0.0, 0.0, 0.0, max(rules.min_weight, _TINY)
    if histogram[MIDDLE, 0] == 0.0:
        return
    for bucket in range(MIDDLE + 1):
        count += histogram[bucket, 0]
        weight += histogram[bucket, 1]
        value += histogram[bucket, 2]
    bounds[MIDDLE] = -np.inf
    if count < n_rows and weight >= least and total_weight - weight >= least:
        bounds[MIDDLE] = moment_score(weight, value, total_weight, total_value) * _SLACK


@njit(_nrt=False)
def keep_survivors(table, rows, feature, middle, width, histogram, bounds, floor, room):
    """Values and places of the rows whose buckets reach `floor`, bucket after bucket; `room.ends` tells where each bucket's end."""
    block, buckets, cells, places, ends, n_kept = room.block, room.buckets, room.cells, room.places, room.ends, np.int64(0)
    for bucket in range(N_BUCKETS):
        ends[bucket] = n_kept
        if bounds[bucket] >= floor:
            n_kept += np.int64(histogram[bucket, 0])
    for begin in range(0, len(rows), len(block)):
        size = min(len(block), len(rows) - begin)
        gather_values(table, rows[begin : begin + size], feature, block)
        find_buckets(block[:size], middle, width, buckets)
        for i in range(size):
            bucket = buckets[i]
            if bounds[bucket] >= floor:
                place = ends[bucket]
                cells[place], places[place] = block[i], begin + i
                ends[bucket] = place + 1


@njit(_nrt=False)
def are_equal(values):
    n_equal = 0
    while n_equal < len(values) and values[n_equal] == values[0]:
        n_equal += 1
    return n_equal == len(values)


@njit(_nrt=False)
def sort_survivors(room):
    """Keys of what was kept, ascending: number of the value << 32 | place; returns how many there are.

    Buckets of one value, which are the largest where a feature has few values, are in order already.
    """
    values, order, keys, places, code, first = room.values, room.order, room.keys, room.places, np.uint64(0), np.int64(0)
    for bucket in range(N_BUCKETS):
        stop = room.ends[bucket]
        if first == stop:
            continue
        if are_equal(room.cells[first:stop]):
            for i in range(first, stop):
                keys[i] = (code << SHIFT) | np.uint64(places[i])
        else:
            source, _ = sort_column(room.bits[first:stop], values, order, room.counts)
            for i in range(stop - first):
                code += np.uint64(i > 0 and values[source, i] != values[source, i - 1])
                keys[first + i] = (code << SHIFT) | np.uint64(places[first + np.int64(order[source, i])])
        code += np.uint64(1)
        first = stop
    return first


@njit(_nrt=False)
def search_values(table, rows, spread, local, weight, total_value, rules, room):
    """Best split of a node over all features. Ties: lowest feature, then threshold.

    local : the node's own target, in the order of `rows`

    Returns the feature, -1 without any, and the place of a row with the greatest value on the left.
    """
    n_features, size = len(spread.middle), len(rows)
    floor, score, best, place = -np.inf, -np.inf, -1, -1
    near = 1.0 if local.unit and local.classes else _NEAR
    for first in range(0, n_features, N_AT_ONCE):
        n_group = min(N_AT_ONCE, n_features - first)
        fill_histograms(table, rows, spread, local, first, n_group, room)
        for j in range(n_group):
            if room.low[j] < room.high[j]:
                histogram, bounds = room.histograms[j], room.bounds[j]
                end = bound_buckets(histogram, False, local.classes, weight, total_value, size, rules, room.table, bounds)
                bound_middle(histogram, weight, total_value, size, rules, bounds)
                floor = max(floor, end)
        for j in range(n_group):
            if room.low[j] >= room.high[j] or greatest(room.bounds[j]) < floor:
                continue
            middle, width = spread.middle[first + j], spread.width[first + j]
            histogram, bounds = room.histograms[j], room.bounds[j]
            keep_survivors(table, rows, first + j, middle, width, histogram, bounds, floor, room)
            keys, least = room.keys[: sort_survivors(room)], score * near
            found, where = scan_survivors(keys, histogram, bounds, floor, local, weight, total_value, size, rules, room.table, least)
            if where >= 0:
                score, best, place = found, first + j, np.int64(keys[where] & np.uint64(0xFFFFFFFF))
                floor = max(floor, score)
    return best, place


@njit(_nrt=False)
def part_values(table, rows, feature, cut, goes_left):
    """Set ``goes_left[i]`` for the rows whose value is at most `cut`.

    Returns the places of the last row with that value and of the first with the least one above it, and how many go left.
    """
    values, stride, first = table.values, np.uint64(table.row_stride), np.uint64(feature) * np.uint64(table.column_stride)
    low, high, n_left, least = -1, -1, 0, np.inf
    for i in range(len(rows)):
        value = np.float64(values[first + np.uint64(rows[i]) * stride])
        goes_left[i] = value <= cut
        n_left += np.int64(value <= cut)
        if value == cut:
            low = i
        elif value > cut and value < least:
            least, high = value, i
    return low, high, n_left


@njit
def rank_rows(table, rows, packed, codes, cells, bits, values, order, counts):
    """Codes of some rows of a table, by themselves: feature after feature into the first of `codes`; see `rank_columns`.

    cells, bits : float64, uint64, the same memory, at least as long as `rows`. Overwritten.
    """
    size = len(rows)
    for feature in range(len(codes)):
        gather_values(table, rows, feature, cells)
        rank_column(bits[:size], packed, codes[feature, :size], values, order, counts)
