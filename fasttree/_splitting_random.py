"""Searching one node at random thresholds, as extremely randomised trees do (Geurts, Ernst & Wehenkel 2006).

The drawn features are searched four at a time, side by side as lanes of vectors, so that they share each pass over the rows and none
waits for its own sums::

    lanes     feature  7   2  19  11         low, high, threshold, left sums: one entry per lane
    row 4             .1  .8  .3  .5
    row 9             .4  .2  .6  .7

Several such groups go together from step to step, so that the memory they come from is asked for at once. Nodes of few rows take few
groups: they are often parted perfectly by one of the first, which ends the search.
"""

from typing import NamedTuple

import numpy as np

from fasttree._jit import njit
from fasttree._jit_vector import LANES, cast, load, pack, splat, store, where
from fasttree._splitting_absolute import score_absolute
from fasttree._splitting_own import score_children
from fasttree._splitting_scan import _TINY, ABSOLUTE

GROUPS = 8  # of lanes that are searched together, at most
_CELLS = 1 << 13  # values of these, at most, unless a single group has more: they stay in the cache

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_WIDTH = np.uint64(LANES)


class Table(NamedTuple):
    """Values of features: that of a row is at ``row * row_stride + feature * column_stride``."""

    values: np.ndarray  # float32 or float64, flat
    row_stride: int
    column_stride: int


class Lanes(NamedTuple):
    """Room for drawn features, a lane each, overwritten."""

    cells: np.ndarray  # like the values, shape (2, n_cells): row after row of group after group, now and where the best split so far was
    best: np.ndarray  # int64, shape (2,): where its values start: in which half, and at which cell
    low: np.ndarray  # like the values, shape (n_lanes,): least present value
    high: np.ndarray  # like the values, shape (n_lanes,): greatest
    threshold: np.ndarray  # like the values, shape (n_lanes,)
    feature: np.ndarray  # uint64, shape (n_lanes,)
    uniform: np.ndarray  # float64, shape (n_lanes,)
    n_missing: np.ndarray  # int64, shape (n_lanes,)
    missing_left: np.ndarray  # bool, shape (n_lanes,)
    n_left: np.ndarray  # float64, shape (n_lanes,): rows on the left
    weight: np.ndarray  # float64, shape (n_lanes,): of the rows on the left
    value: np.ndarray  # float64, shape (n_lanes,): of the rows on the left
    score: np.ndarray  # float64, shape (n_lanes,)


def new_lanes(n_rows, dtype):
    """Room for nodes of up to `n_rows`."""
    n_lanes = GROUPS * LANES
    return Lanes(
        cells=np.empty((2, max(LANES * n_rows, _CELLS)), dtype),
        best=np.zeros(2, np.int64),
        low=np.empty(n_lanes, dtype),
        high=np.empty(n_lanes, dtype),
        threshold=np.empty(n_lanes, dtype),
        feature=np.zeros(n_lanes, np.uint64),
        uniform=np.empty(n_lanes),
        n_missing=np.zeros(n_lanes, np.int64),
        missing_left=np.zeros(n_lanes, np.bool_),
        n_left=np.empty(n_lanes),
        weight=np.empty(n_lanes),
        value=np.empty(n_lanes),
        score=np.empty(n_lanes),
    )


@njit(_nrt=False, forceinline=True)
def lanes_at_once(n_rows):
    """How many features of a node are searched together."""
    return LANES * max(1, min(GROUPS, n_rows // 2, _CELLS // (LANES * n_rows)))


@njit(_nrt=False, forceinline=True)
def mix(word):
    """64 bits that look random (splitmix64, Steele, Lea & Flood 2014)."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


@njit(_nrt=False, forceinline=True)
def next_word(random):
    """64 random bits; ``random[0]`` is a counter."""
    random[0] += _GOLDEN
    return mix(random[0])


@njit(_nrt=False, forceinline=True)
def draw_lanes(order, n_drawn, n_lanes, random, lanes):
    """Draw `n_lanes` more features without replacement, and a number from 0 up to but not including 1 for each."""
    n_features, first = np.uint64(len(order)), np.uint64(n_drawn)
    features, uniform, state = lanes.feature, lanes.uniform, random[0]
    for j in range(n_lanes):  # a loop of its own, without stores that later draws might have to wait for: several at once
        word = mix(state + np.uint64(j + 1) * _GOLDEN)
        features[j] = word >> _HALF
        uniform[j] = np.float64(np.int64(word & _LOW)) / 4294967296.0
    random[0] = state + np.uint64(n_lanes) * _GOLDEN
    for j in range(n_lanes):
        place = first + np.uint64(j)
        other = place + ((features[j] * (n_features - place)) >> _HALF)
        feature = order[other]
        order[other] = order[place]
        order[place] = feature
        features[j] = np.uint64(feature)
    for j in range(n_lanes, count_groups(n_lanes) * LANES):
        features[j] = features[0]


@njit(_nrt=False, forceinline=True)
def count_groups(n_lanes):
    return (n_lanes + LANES - 1) // LANES


@njit(_nrt=False)
def gather_group(table, rows, first, feature, cells, low, high):
    """Values of four features into `cells`; their ends, missing ones aside: a comparison with NaN is false."""
    values, stride, step = table.values, np.uint64(table.row_stride), np.uint64(table.column_stride)
    f0, f1, f2, f3 = feature[first] * step, feature[first + 1] * step, feature[first + 2] * step, feature[first + 3] * step
    least, most = splat(low, np.inf), splat(high, -np.inf)
    for i in range(len(rows)):
        row = np.uint64(rows[i]) * stride
        cell = pack(values[row + f0], values[row + f1], values[row + f2], values[row + f3])
        store(cells, i * LANES, cell)
        least = where(cell < least, cell, least)
        most = where(most < cell, cell, most)
    store(low, first, least)
    store(high, first, most)


@njit(_nrt=False)
def count_missing(cells, first, n_missing):
    """Number of missing values in each lane of a group."""
    for j in range(LANES):
        n_missing[first + j] = 0
    for i in range(len(cells) // LANES):
        for j in range(LANES):
            cell = cells[i * LANES + j]
            n_missing[first + j] += np.int64(cell != cell)


@njit(_nrt=False)
def place_thresholds(first, low, high, uniform, threshold):
    """A threshold in each lane of a group from `low` up to but not including `high`, unless these are the same."""
    least, most = cast(uniform, load(low, first)), cast(uniform, load(high, first))
    placed = cast(threshold, least + load(uniform, first) * (most - least))
    placed = where(placed < load(high, first), placed, load(low, first))  # rounding, or a range that overflows
    store(threshold, first, placed)


@njit(_nrt=False)
def send_missing_left(cells, first, missing_left):
    """Make a group's missing values small in the lanes where they go left; NaN isn't below any threshold."""
    for i in range(len(cells) // LANES):
        for j in range(LANES):
            cell = cells[i * LANES + j]
            if missing_left[first + j] and cell != cell:
                cells[i * LANES + j] = -np.inf


@njit(_nrt=False)
def add_left(cells, first, threshold, weight, value, left_weight, left_value):
    """Sums of the rows that aren't above the threshold, in each lane of a group; of even and odd rows apart, so that neither waits."""
    zero = splat(left_weight, 0.0)
    limit, weights, values, odd_weights, odd_values = load(threshold, first), zero, zero, zero, zero
    one, two = np.uint64(1), np.uint64(2)
    i, stop = np.uint64(0), np.uint64(len(weight) // 2 * 2)
    while i < stop:
        left = load(cells, i * _WIDTH) <= limit
        weights = where(left, weights + splat(weight, weight[i]), weights)
        values = where(left, values + splat(value, value[i]), values)
        left = load(cells, (i + one) * _WIDTH) <= limit
        odd_weights = where(left, odd_weights + splat(weight, weight[i + one]), odd_weights)
        odd_values = where(left, odd_values + splat(value, value[i + one]), odd_values)
        i += two
    if stop < np.uint64(len(weight)):
        left = load(cells, stop * _WIDTH) <= limit
        weights = where(left, weights + splat(weight, weight[stop]), weights)
        values = where(left, values + splat(value, value[stop]), values)
    store(left_weight, first, weights + odd_weights)
    store(left_value, first, values + odd_values)


@njit(_nrt=False)
def count_left(cells, first, threshold, count):
    """Number of rows that aren't above the threshold, in each lane of a group."""
    zero, one = splat(count, 0.0), splat(count, 1.0)
    limit, counts = load(threshold, first), zero
    for i in range(len(cells) // LANES):
        counts = counts + where(load(cells, i * LANES) <= limit, one, zero)
    store(count, first, counts)


@njit(_nrt=False, forceinline=True)
def fill_lanes(table, rows, n_lanes, has_missing, cells, lanes):
    """Values, ends and threshold of each lane."""
    feature, low, high, uniform, threshold = lanes.feature, lanes.low, lanes.high, lanes.uniform, lanes.threshold
    size, n_groups = LANES * len(rows), count_groups(n_lanes)
    for group in range(n_groups):
        gather_group(table, rows, group * LANES, feature, cells[group * size : (group + 1) * size], low, high)
    for group in range(n_groups):
        place_thresholds(group * LANES, low, high, uniform, threshold)
        if has_missing:
            count_missing(cells[group * size : (group + 1) * size], group * LANES, lanes.n_missing)


@njit(_nrt=False, forceinline=True)
def score_group(first, n_rows, has_missing, weight, total_value, rules, lanes):
    """Scores of a group by squared error from the sums on the left; minus infinity where a split isn't allowed.

    All rows may go left while rounding leaves some weight on the right.
    """
    like = lanes.score
    total, totals = splat(like, weight), splat(like, total_value)
    left, value = load(lanes.weight, first), load(lanes.value, first)
    right, difference = total - left, value * total - left * totals
    score = difference * difference / (left * right)
    least = splat(like, max(rules.min_weight, _TINY))
    allowed = (least <= left) & (least <= right)
    if rules.min_leaf > 1:
        count, min_leaf = load(lanes.n_left, first), splat(like, rules.min_leaf)
        allowed = allowed & (min_leaf <= count) & (min_leaf <= splat(like, n_rows) - count)
    if not has_missing:
        allowed = allowed & (load(lanes.low, first) < load(lanes.high, first))
    store(lanes.score, first, where(allowed, score, splat(like, -np.inf)))


@njit(_nrt=False, forceinline=True)
def score_lanes(cells, n_lanes, has_missing, target, weight, total_value, rules, lanes):
    """Score of each lane's split by squared error; minus infinity where it isn't allowed."""
    threshold, missing_left, left_weight, left_value = lanes.threshold, lanes.missing_left, lanes.weight, lanes.value
    weights, values = target.weight, target.value
    n_rows, n_groups = len(weights), count_groups(n_lanes)
    size = n_rows * LANES
    for group in range(n_groups):
        own, first = cells[group * size : (group + 1) * size], group * LANES
        if has_missing:
            send_missing_left(own, first, missing_left)
        add_left(own, first, threshold, weights, values, left_weight, left_value)
        if rules.min_leaf > 1:
            count_left(own, first, threshold, lanes.n_left)
    for group in range(n_groups):
        score_group(group * LANES, n_rows, has_missing, weight, total_value, rules, lanes)
    if has_missing:
        for j in range(n_lanes):
            if missing_left[j] and lanes.low[j] >= lanes.high[j]:
                lanes.score[j] = -np.inf


@njit(_nrt=False)
def take_lane(cells, lane, out):
    """The values in one lane of ``len(cells) // len(out)``."""
    first = lane // LANES * LANES * len(out) + lane % LANES
    for i in range(len(out)):
        out[i] = cells[first + i * LANES]


@njit(_nrt=False)
def gather_values(table, rows, feature, out):
    """One feature's values of a node's rows into `out`."""
    values, stride, first = table.values, np.uint64(table.row_stride), np.uint64(feature) * np.uint64(table.column_stride)
    for i in range(len(rows)):
        out[i] = values[first + np.uint64(rows[i]) * stride]


@njit(_nrt=False)
def score_sums(values, threshold, missing_left, local, total_weight, totals, work):
    """Number and weight on the left, and the score, for any number of outputs and classes; `values` are overwritten."""
    left, right, outputs, weights = work.left, work.right, local.outputs, local.weight
    count, left_weight = 0, 0.0
    for i in range(len(values)):  # no branch: half of the rows go left, whichever these are
        goes_left = np.int64((values[i] <= threshold) | (missing_left & (values[i] != values[i])))
        values[i] = weights[i] * goes_left
        left_weight += values[i]
        count += goes_left
    left[:] = 0.0
    for output in range(outputs.shape[1]):
        if local.classes:
            for i in range(len(values)):
                left[np.uint64(outputs[i, output])] += values[i]
        else:
            total = 0.0
            for i in range(len(values)):
                total += values[i] * outputs[i, output]
            left[output] = total
    for slot in range(len(left)):
        right[slot] = totals[slot] - left[slot]
    right_weight = total_weight - left_weight
    if left_weight < _TINY or right_weight < _TINY:
        return count, left_weight, -np.inf
    return count, left_weight, score_children(local, left, left_weight, right, right_weight, work.own)


@njit(_nrt=False)
def score_threshold(values, threshold, missing_left, local, weight, totals, rules, work):
    """Score of one split by any other criterion, minus infinity where it isn't allowed; `values` are overwritten."""
    if local.family == ABSOLUTE:
        count, left_weight, score = score_absolute(values, threshold, missing_left, local.outputs.shape[1], work.absolute)
    else:
        count, left_weight, score = score_sums(values, threshold, missing_left, local, weight, totals, work)
    if count < rules.min_leaf or len(values) - count < rules.min_leaf or min(left_weight, weight - left_weight) < rules.min_weight:
        return -np.inf
    return score
