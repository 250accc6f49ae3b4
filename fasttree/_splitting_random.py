"""Searching one node at random thresholds, as extremely randomised trees do (Geurts, Ernst & Wehenkel 2006).

The drawn features are searched sixteen at a time, side by side, so that all of them share one pass and the inner loops are
vectors without a remainder, however few rows the node has::

    lanes     feature  7   2  19  ...        low, high, threshold, left sums: one entry per lane
    row 4             .1  .8  .3
    row 9             .4  .2  .6

One feature after the other took 4 (281 rows) and 3 times as long (100,000 rows; `benchmarks.peers`, group trees).
"""

from typing import NamedTuple

import numpy as np

from fasttree._jit import njit
from fasttree._splitting_absolute import score_absolute
from fasttree._splitting_own import score_children
from fasttree._splitting_scan import _TINY, ABSOLUTE, move_row

LANES = 16
BLOCK = 1024  # rows whose drawn values are held at a time: 64 KB of float32

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
_SUMS = frozenset({"contract", "nsz", "reassoc"})  # values may be NaN
_LOW = np.uint64(0xFFFFFFFF)
_ONE = np.uint64(1)
_WIDTH = np.uint64(LANES)


class Lanes(NamedTuple):
    """Room for the drawn features of one group, overwritten."""

    cells: np.ndarray  # like the values, shape (LANES * rows,): row after row
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
        cells=np.zeros(LANES * min(n_rows, BLOCK), dtype),  # lanes that stay unused are computed with as well
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
    for j in range(n_lanes):
        word = next_word(random)
        place = np.uint64(n_drawn + j)
        other = place + (((word >> _HALF) * (n_features - place)) >> _HALF)
        feature = order[other]
        order[other] = order[place]
        order[place] = feature
        lanes.feature[j] = np.uint64(feature)
        lanes.uniform[j] = np.float64(np.int64(word & _LOW)) / 4294967296.0
    for j in range(n_lanes, (n_lanes + 3) // 4 * 4):
        lanes.feature[j] = lanes.feature[0]


@njit(_nrt=False)
def gather_lanes(values, rows, n_lanes, feature, cells):
    """Values of the drawn features into `cells`, four at a time: up to three lanes more than `n_lanes` are filled."""
    flat = values.reshape(values.size)
    width = np.uint64(values.shape[1])
    place = np.uint64(0)
    for i in range(len(rows)):
        row = np.uint64(rows[i]) * width
        for first in range(0, n_lanes, 4):
            j = np.uint64(first)
            one, two, three, four = feature[j], feature[j + _ONE], feature[j + np.uint64(2)], feature[j + np.uint64(3)]
            cell = place + j
            cells[cell] = flat[row + one]
            cells[cell + _ONE] = flat[row + two]
            cells[cell + np.uint64(2)] = flat[row + three]
            cells[cell + np.uint64(3)] = flat[row + four]
        place += _WIDTH


@njit(_nrt=False)
def bound_lanes(cells, low, high):
    """Widen `low` and `high` to the cells that aren't missing: a comparison with NaN is false."""
    n_rows = len(cells) // LANES
    n_four = n_rows // 4 * 4
    for i in range(0, n_four, 4):
        four = cells[i * LANES : (i + 4) * LANES]
        for j in range(LANES):
            least, most = low[j], high[j]
            least = four[j] if four[j] < least else least
            most = four[j] if four[j] > most else most
            least = four[j + LANES] if four[j + LANES] < least else least
            most = four[j + LANES] if four[j + LANES] > most else most
            least = four[j + 2 * LANES] if four[j + 2 * LANES] < least else least
            most = four[j + 2 * LANES] if four[j + 2 * LANES] > most else most
            least = four[j + 3 * LANES] if four[j + 3 * LANES] < least else least
            most = four[j + 3 * LANES] if four[j + 3 * LANES] > most else most
            low[j] = least
            high[j] = most
    for i in range(n_four, n_rows):
        one = cells[i * LANES : (i + 1) * LANES]
        for j in range(LANES):
            low[j] = one[j] if one[j] < low[j] else low[j]
            high[j] = one[j] if one[j] > high[j] else high[j]


@njit(_nrt=False)
def count_missing(cells, n_missing):
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
    """Add the rows that aren't above the threshold to each lane's sums."""
    n_rows = len(cells) // LANES
    n_four = n_rows // 4 * 4
    for i in range(0, n_four, 4):
        four = cells[i * LANES : (i + 4) * LANES]
        w0, w1, w2, w3 = weight[i], weight[i + 1], weight[i + 2], weight[i + 3]
        v0, v1, v2, v3 = value[i], value[i + 1], value[i + 2], value[i + 3]
        for j in range(LANES):
            own = threshold[j]
            in0, in1, in2, in3 = four[j] <= own, four[j + LANES] <= own, four[j + 2 * LANES] <= own, four[j + 3 * LANES] <= own
            left_weight[j] += ((w0 if in0 else 0.0) + (w1 if in1 else 0.0)) + ((w2 if in2 else 0.0) + (w3 if in3 else 0.0))
            left_value[j] += ((v0 if in0 else 0.0) + (v1 if in1 else 0.0)) + ((v2 if in2 else 0.0) + (v3 if in3 else 0.0))
    for i in range(n_four, n_rows):
        row = cells[i * LANES : (i + 1) * LANES]
        own_weight, own_value = weight[i], value[i]
        for j in range(LANES):
            left_weight[j] += own_weight if row[j] <= threshold[j] else 0.0
            left_value[j] += own_value if row[j] <= threshold[j] else 0.0


@njit(_nrt=False)
def count_left(cells, threshold, count):
    """Add the number of rows that aren't above the threshold to each lane's count."""
    for i in range(len(cells) // LANES):
        for j in range(LANES):
            count[j] += 1.0 if cells[i * LANES + j] <= threshold[j] else 0.0


@njit(_nrt=False, forceinline=True)
def fill_lanes(values, rows, n_lanes, has_missing, lanes):
    """Ends and threshold of each lane; `cells` are left as they are for the last block of rows."""
    for j in range(LANES):
        lanes.low[j], lanes.high[j] = np.inf, -np.inf
        lanes.n_missing[j] = 0
    for start in range(0, len(rows), BLOCK):
        part = rows[start : start + BLOCK]
        cells = lanes.cells[: len(part) * LANES]
        gather_lanes(values, part, n_lanes, lanes.feature, cells)
        bound_lanes(cells, lanes.low, lanes.high)
        if has_missing:
            count_missing(cells, lanes.n_missing)
    place_thresholds(lanes.low, lanes.high, lanes.uniform, lanes.threshold)


@njit(_nrt=False, forceinline=True)
def score_lanes(values, rows, n_lanes, has_missing, target, weight, total_value, rules, lanes):
    """Score of each lane's split by squared error; minus infinity where it isn't allowed."""
    counted = rules.min_leaf > 1
    for j in range(LANES):
        lanes.n_left[j] = lanes.weight[j] = lanes.value[j] = 0.0
    for start in range(0, len(rows), BLOCK):
        part = rows[start : start + BLOCK]
        cells = lanes.cells[: len(part) * LANES]
        if len(rows) > BLOCK:
            gather_lanes(values, part, n_lanes, lanes.feature, cells)
        if has_missing:
            send_missing_left(cells, lanes.missing_left)
        stop = start + len(part)
        add_left(cells, lanes.threshold, target.weight[start:stop], target.value[start:stop], lanes.weight, lanes.value)
        if counted:
            count_left(cells, lanes.threshold, lanes.n_left)
    least, n_rows = max(rules.min_weight, _TINY), len(rows)
    min_leaf = rules.min_leaf if counted else 0
    for j in range(LANES):
        left, right = lanes.weight[j], weight - lanes.weight[j]
        difference = lanes.value[j] * weight - left * total_value
        score = difference * difference / (left * right)
        allowed = (left >= least) & (right >= least) & (lanes.n_left[j] >= min_leaf) & (n_rows - lanes.n_left[j] >= min_leaf)
        # all rows may go left while rounding leaves some weight on the right
        allowed &= (lanes.low[j] < lanes.high[j]) | (not lanes.missing_left[j])
        lanes.score[j] = score if allowed else -np.inf


@njit(_nrt=False)
def gather_values(values, rows, feature, out):
    """One feature's values of a node's rows into `out`."""
    for i in range(len(rows)):
        out[i] = values[rows[i], feature]


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
