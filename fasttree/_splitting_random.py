"""Searching one node at random thresholds, as extremely randomised trees do (Geurts, Ernst & Wehenkel 2006)."""

import numpy as np

from fasttree._jit import FAST_MATH, njit
from fasttree._splitting_encode import MISSING
from fasttree._splitting_scan import _TINY, ENTROPY, MOMENT, move_row, side_score, xlogx

_FEW = 16  # rows up to which values are compared one by one


@njit(_nrt=False)
def gather_codes(codes, rows, out):
    """Codes of a node's rows into `out`; returns the least and the greatest code present and the number of present rows."""
    low, high, n_present = np.uint32(0xFFFFFFFF), np.uint32(0), 0
    for i in range(len(rows)):
        code = codes[rows[i]]
        out[i] = code
        low, high = min(low, code), max(high, code)
    if high != MISSING:
        return low, high, len(rows)
    high = np.uint32(0)
    for i in range(len(rows)):
        if out[i] != MISSING:
            high = max(high, out[i])
            n_present += 1
    return low, high, n_present


@njit(_nrt=False)
def greatest_below(distinct, low, high, threshold):
    """The greatest code from `low` to `high` whose value is at most `threshold`, which isn't less than the value of `low`."""
    while low < high:
        middle = low + (high - low + 1) // 2
        if distinct[middle] <= threshold:
            low = middle
        else:
            high = middle - 1
    return low


@njit(fastmath=FAST_MATH, _nrt=False)
def left_moments(codes, cut, weight, value):
    """Number, weight and value of the rows whose code is at most `cut`."""
    count, left_weight, left_value = np.int64(0), 0.0, 0.0
    for i in range(len(codes)):
        goes_left = codes[i] <= cut
        count += np.int64(goes_left)
        left_weight += weight[i] if goes_left else 0.0
        left_value += value[i] if goes_left else 0.0
    return count, left_weight, left_value


@njit(_nrt=False)
def score_sums(codes, cut, missing_left, local, total_weight, totals, work):
    """Number and weight on the left, and the score, for any number of outputs and classes."""
    left, right = work.left, work.right
    for slot in range(len(left)):
        left[slot] = 0.0
        right[slot] = totals[slot]
    count, left_weight = 0, 0.0
    for i in range(len(codes)):
        if codes[i] <= cut or (missing_left and codes[i] == MISSING):
            left_weight += move_row(local, i, left, right)
            count += 1
    right_weight = total_weight - left_weight
    if left_weight < _TINY or right_weight < _TINY:
        return count, left_weight, -np.inf
    score = side_score(local.family, left, left_weight) + side_score(local.family, right, right_weight)
    if local.family == ENTROPY:
        score -= local.outputs.shape[1] * (xlogx(left_weight) + xlogx(right_weight))
    return count, left_weight, score


@njit(_nrt=False)
def score_cut(codes, cut, missing_left, local, weight, totals, rules, work):
    """Score of one split, minus infinity where it isn't allowed; also the number of rows on the left."""
    if local.family == MOMENT:
        count, left_weight, left_value = left_moments(codes, cut, local.weight, local.value)
        if missing_left:
            for i in range(len(codes)):
                if codes[i] == MISSING:
                    count += 1
                    left_weight += local.weight[i]
                    left_value += local.value[i]
        total_value = totals[1] if local.classes else totals[0]
        right_weight = weight - left_weight
        score = -np.inf
        if left_weight >= _TINY and right_weight >= _TINY:
            difference = left_value * weight - left_weight * total_value
            score = difference * difference / (left_weight * right_weight)
    else:
        count, left_weight, score = score_sums(codes, cut, missing_left, local, weight, totals, work)
        right_weight = weight - left_weight
    if count < rules.min_leaf or len(codes) - count < rules.min_leaf or min(left_weight, right_weight) < rules.min_weight:
        score = -np.inf
    return score, count


@njit(_nrt=False)
def draw_cut(distinct, codes, low, high, uniform):
    """A threshold between the values of `low` and `high`, and the greatest code of a row up to it; below `high` in any case."""
    least, greatest = distinct[low], distinct[high]
    threshold = least + uniform * (greatest - least)
    if not threshold < greatest:  # rounding, or a range that overflows
        threshold = least
    if len(codes) > _FEW:
        return threshold, greatest_below(distinct, np.int64(low), np.int64(high) - 1, threshold)
    cut = np.int64(low)
    for i in range(len(codes)):
        if codes[i] < high and codes[i] > cut and distinct[codes[i]] <= threshold:
            cut = np.int64(codes[i])
    return threshold, cut
