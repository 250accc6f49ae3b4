"""Searching one node at random thresholds, as extremely randomised trees do (Geurts, Ernst & Wehenkel 2006)."""

import numpy as np

from fasttree._jit import njit
from fasttree._splitting_absolute import score_absolute
from fasttree._splitting_scan import _TINY, ABSOLUTE, ENTROPY, MOMENT, POISSON, move_row, side_score, vanishes, xlogx

_SUMS = frozenset({"contract", "nsz", "reassoc"})  # values may be NaN


@njit(_nrt=False)
def gather_values(values, rows, out):
    """Values of a node's rows into `out`; returns the least and the greatest, and the number of rows that aren't missing."""
    low, high, n_present = np.inf, -np.inf, 0
    for i in range(len(rows)):
        value = values[rows[i]]
        out[i] = value
        low, high = min(low, value), max(high, value)
        n_present += np.int64(value == value)
    if n_present < len(rows):  # what min and max make of NaN is anybody's guess
        low, high = np.inf, -np.inf
        for i in range(len(rows)):
            if out[i] == out[i]:
                low, high = min(low, out[i]), max(high, out[i])
    return low, high, n_present


@njit(fastmath=_SUMS, _nrt=False)
def left_moments(values, threshold, weight, value):
    """Number, weight and value of the rows that aren't above `threshold`."""
    count, left_weight, left_value = np.int64(0), 0.0, 0.0
    for i in range(len(values)):
        goes_left = values[i] <= threshold
        count += np.int64(goes_left)
        left_weight += weight[i] if goes_left else 0.0
        left_value += value[i] if goes_left else 0.0
    return count, left_weight, left_value


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
    if left_weight < _TINY or right_weight < _TINY or (local.family == POISSON and vanishes(left, right)):
        return count, left_weight, -np.inf
    score = side_score(local.family, left, left_weight) + side_score(local.family, right, right_weight)
    if local.family == ENTROPY:
        score -= local.outputs.shape[1] * (xlogx(left_weight) + xlogx(right_weight))
    return count, left_weight, score


@njit(_nrt=False)
def score_threshold(values, threshold, missing_left, local, weight, totals, rules, work):
    """Score of one split, minus infinity where it isn't allowed; also the number of rows on the left."""
    if local.family == MOMENT:
        count, left_weight, left_value = left_moments(values, threshold, local.weight, local.value)
        if missing_left:
            for i in range(len(values)):
                if values[i] != values[i]:
                    count += 1
                    left_weight += local.weight[i]
                    left_value += local.value[i]
        total_value = totals[1] if local.classes else totals[0]
        right_weight = weight - left_weight
        score = -np.inf
        if left_weight >= _TINY and right_weight >= _TINY:
            difference = left_value * weight - left_weight * total_value
            score = difference * difference / (left_weight * right_weight)
    elif local.family == ABSOLUTE:
        count, left_weight, score = score_absolute(values, threshold, missing_left, local.outputs.shape[1], work.absolute)
        right_weight = weight - left_weight
    else:
        count, left_weight, score = score_sums(values, threshold, missing_left, local, weight, totals, work)
        right_weight = weight - left_weight
    if count < rules.min_leaf or len(values) - count < rules.min_leaf or min(left_weight, right_weight) < rules.min_weight:
        score = -np.inf
    return score, count


@njit(_nrt=False)
def place_threshold(low, high, uniform):
    """A threshold from `low` up to but not including `high`, unless these are the same."""
    threshold = low + uniform * (high - low)
    return threshold if threshold < high else low  # rounding, or a range that overflows
