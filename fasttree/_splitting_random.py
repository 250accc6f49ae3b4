"""Searching one node at random thresholds, as extremely randomised trees do (Geurts, Ernst & Wehenkel 2006).

The drawn features are searched four at a time, side by side, so that they share each pass over the rows and none waits for its own sums::

    lanes     feature  7   2  19  11         low, high, threshold, left sums: one entry per lane
    row 4             .1  .8  .3  .5
    row 9             .4  .2  .6  .7

Growing with sixteen at a time took 1.3 (281 rows) and 1.9 times as long (100,000 rows), and with one after the other longer still
(`benchmarks.peers`, group trees).
"""

from typing import NamedTuple

import numpy as np

from fasttree._jit import njit
from fasttree._splitting_absolute import score_absolute
from fasttree._splitting_own import score_children
from fasttree._splitting_scan import _TINY, ABSOLUTE, move_row

LANES = 4

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
_SUMS = frozenset({"contract", "nsz", "reassoc"})  # values may be NaN
_LOW = np.uint64(0xFFFFFFFF)
_WIDTH = np.uint64(LANES)


class Table(NamedTuple):
    """Values of features: that of a row is at ``row * row_stride + feature * column_stride``."""

    values: np.ndarray  # float32 or float64, flat
    row_stride: int
    column_stride: int


class Lanes(NamedTuple):
    """Room for the drawn features of one group, overwritten."""

    cells: np.ndarray  # like the values, shape (2, LANES * rows): row after row, of this group and of that with the best split so far
    best: np.ndarray  # int64, shape (2,): group and lane of the best split so far
    low: np.ndarray  # like the values, shape (LANES,): least present value
    high: np.ndarray  # like the values, shape (LANES,): greatest
    threshold: np.ndarray  # like the values, shape (LANES,)
    feature: np.ndarray  # uint64, shape (LANES,)
    uniform: np.ndarray  # float64, shape (LANES,)
    n_missing: np.ndarray  # int64, shape (LANES,)
    missing_left: np.ndarray  # bool, shape (LANES,)
    n_left: np.ndarray  # float64, shape (LANES,): rows on the left
    weight: np.ndarray  # float64, shape (LANES,): of the rows on the left
    value: np.ndarray  # float64, shape (LANES,): of the rows on the left
    score: np.ndarray  # float64, shape (LANES,)


def new_lanes(n_rows, dtype):
    """Room for nodes of up to `n_rows`."""
    floats = [np.empty(LANES) for _ in range(5)]
    return Lanes(
        cells=np.empty((2, LANES * n_rows), dtype),
        best=np.zeros(2, np.int64),
        low=np.empty(LANES, dtype),
        high=np.empty(LANES, dtype),
        threshold=np.empty(LANES, dtype),
        feature=np.zeros(LANES, np.uint64),
        uniform=floats[0],
        n_missing=np.zeros(LANES, np.int64),
        missing_left=np.zeros(LANES, np.bool_),
        n_left=floats[4],
        weight=floats[1],
        value=floats[2],
        score=floats[3],
    )


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
    n_features = np.uint64(len(order))
    features, uniform = lanes.feature, lanes.uniform
    for j in range(n_lanes):
        word = next_word(random)
        place = np.uint64(n_drawn + j)
        other = place + (((word >> _HALF) * (n_features - place)) >> _HALF)
        feature = order[other]
        order[other] = order[place]
        order[place] = feature
        features[j] = np.uint64(feature)
        uniform[j] = np.float64(np.int64(word & _LOW)) / 4294967296.0
    for j in range(n_lanes, LANES):
        features[j] = features[0]


@njit(_nrt=False)
def gather_lanes(table, rows, feature, cells, low, high):
    """Values of four features into `cells`; their ends, missing ones aside: a comparison with NaN is false."""
    values, stride, step = table.values, np.uint64(table.row_stride), np.uint64(table.column_stride)
    zero, one, two, three = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3)
    f0, f1, f2, f3 = feature[zero] * step, feature[one] * step, feature[two] * step, feature[three] * step
    low[zero], high[zero] = np.inf, -np.inf
    least0 = least1 = least2 = least3 = low[zero]
    most0 = most1 = most2 = most3 = high[zero]
    for i in range(len(rows)):
        place = np.uint64(i) * _WIDTH
        row = np.uint64(rows[i]) * stride
        v0, v1, v2, v3 = values[row + f0], values[row + f1], values[row + f2], values[row + f3]
        cells[place], cells[place + one], cells[place + two], cells[place + three] = v0, v1, v2, v3
        least0 = v0 if v0 < least0 else least0
        least1 = v1 if v1 < least1 else least1
        least2 = v2 if v2 < least2 else least2
        least3 = v3 if v3 < least3 else least3
        most0 = v0 if v0 > most0 else most0
        most1 = v1 if v1 > most1 else most1
        most2 = v2 if v2 > most2 else most2
        most3 = v3 if v3 > most3 else most3
    low[zero], low[one], low[two], low[three] = least0, least1, least2, least3
    high[zero], high[one], high[two], high[three] = most0, most1, most2, most3


@njit(_nrt=False)
def count_missing(cells, n_missing):
    for j in range(LANES):
        n_missing[j] = 0
    for i in range(len(cells) // LANES):
        for j in range(LANES):
            cell = cells[i * LANES + j]
            n_missing[j] += np.int64(cell != cell)


@njit(_nrt=False)
def place_thresholds(low, high, uniform, threshold):
    """A threshold in each lane from `low` up to but not including `high`, unless these are the same."""
    for j in range(LANES):
        threshold[j] = np.float64(low[j]) + uniform[j] * (np.float64(high[j]) - np.float64(low[j]))
    for j in range(LANES):  # rounding, or a range that overflows
        threshold[j] = threshold[j] if threshold[j] < high[j] else low[j]


@njit(_nrt=False)
def send_missing_left(cells, missing_left):
    """Make missing values small in the lanes where they go left; NaN isn't below any threshold."""
    for i in range(len(cells) // LANES):
        for j in range(LANES):
            cell = cells[i * LANES + j]
            if missing_left[j] and cell != cell:
                cells[i * LANES + j] = -np.inf


@njit(fastmath=_SUMS, _nrt=False)
def add_left(cells, threshold, weight, value, left_weight, left_value):
    """Sums of the rows that aren't above the threshold, in each lane."""
    t0, t1, t2, t3 = threshold[0], threshold[1], threshold[2], threshold[3]
    w0 = w1 = w2 = w3 = s0 = s1 = s2 = s3 = 0.0
    for i in range(len(weight)):
        place = np.uint64(i) * _WIDTH
        own, y = weight[i], value[i]
        in0, in1 = cells[place] <= t0, cells[place + np.uint64(1)] <= t1
        in2, in3 = cells[place + np.uint64(2)] <= t2, cells[place + np.uint64(3)] <= t3
        w0 += own if in0 else 0.0
        w1 += own if in1 else 0.0
        w2 += own if in2 else 0.0
        w3 += own if in3 else 0.0
        s0 += y if in0 else 0.0
        s1 += y if in1 else 0.0
        s2 += y if in2 else 0.0
        s3 += y if in3 else 0.0
    left_weight[0], left_weight[1], left_weight[2], left_weight[3] = w0, w1, w2, w3
    left_value[0], left_value[1], left_value[2], left_value[3] = s0, s1, s2, s3


@njit(_nrt=False)
def count_left(cells, threshold, count):
    """Number of rows that aren't above the threshold, in each lane."""
    for j in range(LANES):
        count[j] = 0.0
    for i in range(len(cells) // LANES):
        for j in range(LANES):
            count[j] += 1.0 if cells[i * LANES + j] <= threshold[j] else 0.0


@njit(_nrt=False, forceinline=True)
def fill_lanes(table, rows, has_missing, cells, lanes):
    """Values, ends and threshold of each lane."""
    low, high = lanes.low, lanes.high
    gather_lanes(table, rows, lanes.feature, cells, low, high)
    if has_missing:
        count_missing(cells, lanes.n_missing)
    place_thresholds(low, high, lanes.uniform, lanes.threshold)


@njit(_nrt=False, forceinline=True)
def score_lanes(cells, has_missing, target, weight, total_value, rules, lanes):
    """Score of each lane's split by squared error; minus infinity where it isn't allowed."""
    counted, n_rows = rules.min_leaf > 1, len(cells) // LANES
    threshold, missing_left = lanes.threshold, lanes.missing_left
    n_left, left_weight, left_value = lanes.n_left, lanes.weight, lanes.value
    if has_missing:
        send_missing_left(cells, missing_left)
    add_left(cells, threshold, target.weight, target.value, left_weight, left_value)
    if counted:
        count_left(cells, threshold, n_left)
    least = max(rules.min_weight, _TINY)
    min_leaf = rules.min_leaf if counted else 0
    low, high, scores = lanes.low, lanes.high, lanes.score
    for j in range(LANES):
        left, right = left_weight[j], weight - left_weight[j]
        difference = left_value[j] * weight - left * total_value
        score = difference * difference / (left * right)
        allowed = (left >= least) & (right >= least)
        if counted:
            allowed &= (n_left[j] >= min_leaf) & (n_rows - n_left[j] >= min_leaf)
        # all rows may go left while rounding leaves some weight on the right
        allowed &= (low[j] < high[j]) | (not missing_left[j])
        scores[j] = score if allowed else -np.inf


@njit(_nrt=False)
def gather_values(table, rows, feature, out):
    """One feature's values of a node's rows into `out`."""
    values, stride, first = table.values, np.uint64(table.row_stride), np.uint64(feature) * np.uint64(table.column_stride)
    for i in range(len(rows)):
        out[i] = values[first + np.uint64(rows[i]) * stride]


@njit(_nrt=False)
def score_sums(values, threshold, missing_left, local, total_weight, totals, work):
    """Number and weight on the left, and the score, for any number of outputs and classes."""
    left, right = work.left, work.right
    for slot in range(len(left)):
        left[slot] = 0.0
        right[slot] = totals[slot]
    count, left_weight = 0, 0.0
    for i in range(len(values)):
        if values[i] <= threshold or (missing_left and values[i] != values[i]):
            left_weight += move_row(local, i, left, right)
            count += 1
    right_weight = total_weight - left_weight
    if left_weight < _TINY or right_weight < _TINY:
        return count, left_weight, -np.inf
    return count, left_weight, score_children(local, left, left_weight, right, right_weight, work.own)


@njit(_nrt=False)
def score_threshold(values, threshold, missing_left, local, weight, totals, rules, work):
    """Score of one split by any other criterion, minus infinity where it isn't allowed."""
    if local.family == ABSOLUTE:
        count, left_weight, score = score_absolute(values, threshold, missing_left, local.outputs.shape[1], work.absolute)
    else:
        count, left_weight, score = score_sums(values, threshold, missing_left, local, weight, totals, work)
    if count < rules.min_leaf or len(values) - count < rules.min_leaf or min(left_weight, weight - left_weight) < rules.min_weight:
        return -np.inf
    return score
