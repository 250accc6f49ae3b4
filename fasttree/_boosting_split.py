"""The best split of one feature of one leaf, from its histogram.

Sums are whole numbers; a candidate's score (float32 in the fast case) is only used to choose. The chosen split's gain is computed again
in float64 from the exact sums, in `adopt`. Ties go to the lowest feature, then to missing values right, then to the lowest code.
"""

from typing import NamedTuple

import numpy as np

from fasttree._boosting_state import (
    FEATURE,
    FLOOR,
    GAIN,
    HIGH,
    LOW,
    MISSING_LEFT,
    NOTHING,
    START,
    STOP,
    SUM_G,
    SUM_H,
)
from fasttree._histogram import MISSING
from fasttree._jit import FAST_MATH, njit

CATEGORY_SUPPORT = 10.0  # rows' worth of hessian below which a category is not moved left, and the shrinkage of its mean
NOISE = 1e-10  # a gain below this share of the children's reduction is rounding
UNSEEN = 2  # of a split's direction of missing values: none were seen

_LOW32 = np.int64(0xFFFFFFFF)
_SHIFT = np.int64(32)


class Leaf(NamedTuple):
    """What the scan needs to know of a leaf."""

    gradient: int  # its sums, in whole numbers
    hessian: int
    unit_g: float  # what a whole number is worth
    unit_h: float
    floor: float  # least hessian of a child
    low: float  # bounds of its children's values
    high: float
    l1: float
    l2: float
    support: float  # rows per hessian


class Desk(NamedTuple):
    """One thread's scratch: see `Work`."""

    prefix: np.ndarray
    halves: np.ndarray
    scores: np.ndarray
    order: np.ndarray
    keys: np.ndarray


@njit(_nrt=False)
def leaf_value(gradient, hessian, l1, l2, low, high):
    """The value that reduces the loss most, within its bounds."""
    if gradient > l1:
        value = -(gradient - l1) / (hessian + l2)
    elif gradient < -l1:
        value = -(gradient + l1) / (hessian + l2)
    else:
        value = 0.0
    return min(max(value, low), high)


@njit(_nrt=False)
def reduction(gradient, hessian, value, l1, l2):
    """Twice the loss that a leaf of this value saves."""
    return -(2.0 * gradient * value + (hessian + l2) * value * value + 2.0 * l1 * abs(value))


@njit(_nrt=False, fastmath=FAST_MATH)
def score_packed(halves, n, g0, h0, leaf, scores):
    """Scores of cuts after bin 0 … n - 1, eight at a time; returns the highest.

    halves : int32[::1]
        Prefix sums: hessian and gradient in turn.
    g0, h0 : int32
        Sums of the missing values where these go left, else 0.
    scores : float32[::1]. Its first `n` are overwritten; 0 where a child is too light.
    """
    unit_g, unit_h = np.float32(leaf.unit_g), np.float32(leaf.unit_h)
    gradient, hessian = np.float32(leaf.gradient) * unit_g, np.float32(leaf.hessian) * unit_h
    l2, floor, zero = np.float32(leaf.l2), np.float32(leaf.floor), np.float32(0)
    for b in range(n):
        hl, gl = np.float32(np.int32(halves[2 * b] + h0)) * unit_h, np.float32(np.int32(halves[2 * b + 1] + g0)) * unit_g
        hr, gr = hessian - hl, gradient - gl
        score = (gl * gl * (hr + l2) + gr * gr * (hl + l2)) / ((hl + l2) * (hr + l2))
        scores[b] = score if min(hl, hr) >= floor else zero
    top = zero
    for b in range(n):
        top = max(top, scores[b])
    return top


@njit(_nrt=False)
def left_sums(desk, full, b):
    """Exact sums left of the cut after bin `b`, without missing values."""
    if full:
        return desk.prefix[0, b], desk.prefix[1, b]
    return desk.prefix[0, b] >> _SHIFT, desk.prefix[0, b] & _LOW32


@njit(_nrt=False)
def score_one(left_g, left_h, leaf, direction):
    """Score of one candidate in float64, with l1, bounds and a monotonic `direction`; minus infinity where it may not be.

    Both sides come from whole numbers, so that a split and its mirror image score the same and the lower feature wins.
    """
    gl, hl = left_g * leaf.unit_g, left_h * leaf.unit_h
    gr, hr = (leaf.gradient - left_g) * leaf.unit_g, (leaf.hessian - left_h) * leaf.unit_h
    if min(hl, hr) < leaf.floor:
        return -np.inf
    left = leaf_value(gl, hl, leaf.l1, leaf.l2, leaf.low, leaf.high)
    right = leaf_value(gr, hr, leaf.l1, leaf.l2, leaf.low, leaf.high)
    if (direction > 0 and left > right) or (direction < 0 and left < right):
        return -np.inf
    return reduction(gl, hl, left, leaf.l1, leaf.l2) + reduction(gr, hr, right, leaf.l1, leaf.l2)


@njit(_nrt=False)
def score_general(n, g0, h0, leaf, direction, full, desk):
    """As `score_packed`, one at a time and in float64, for everything that it leaves out. The scores are `desk.keys`."""
    top = -np.inf
    for b in range(n):
        gl, hl = left_sums(desk, full, b)
        desk.keys[b] = score_one(gl + g0, hl + h0, leaf, direction)
        top = max(top, desk.keys[b])
    return top


@njit(_nrt=False)
def accumulate(histogram, n, prefix):
    """Prefix sums of the first `n` bins. histogram, prefix : int64[:, :], (n_planes, ≥ n)"""
    for plane in range(histogram.shape[0]):
        total = np.int64(0)
        for b in range(n):
            total += histogram[plane, b]
            prefix[plane, b] = total


@njit(_nrt=False)
def bin_sums(histogram, b):
    """Gradient and hessian of one bin."""
    if histogram.shape[0] == 2:
        return histogram[0, b], histogram[1, b]
    return histogram[0, b] >> _SHIFT, histogram[0, b] & _LOW32


@njit(_nrt=False)
def scan_values(histogram, n_bins, direction, general, leaf, desk, top, best):
    """Look for a better cut of an ordered feature; returns the score to beat.

    histogram : int64[:, :], shape (n_planes, 256)
    direction : int, monotonic constraint
    general : bool, whether `score_general` is needed
    top : float, score to beat
    best : int64[::1]. From its second on (code, sums left, missing left) overwritten when beaten.
    """
    full = histogram.shape[0] == 2
    g_missing, h_missing = bin_sums(histogram, MISSING)
    n = n_bins if h_missing > 0 else n_bins - 1
    accumulate(histogram, n, desk.prefix)
    for missing_left in range(2 if h_missing > 0 else 1):
        g0, h0 = (g_missing, h_missing) if missing_left else (np.int64(0), np.int64(0))
        if missing_left:
            n = n_bins - 1
        if general:
            score = score_general(n, g0, h0, leaf, direction, full, desk)
        else:
            score = np.float64(score_packed(desk.halves[0], n, np.int32(g0), np.int32(h0), leaf, desk.scores))
        if score > top:
            for b in range(n):
                if (desk.keys[b] if general else np.float64(desk.scores[b])) == score:
                    gl, hl = left_sums(desk, full, b)
                    best[1], best[2], best[3] = b, gl + g0, hl + h0
                    best[4] = missing_left if h_missing > 0 else UNSEEN
                    break
            top = score
    return top


@njit(_nrt=False)
def sort_categories(n, keys, order):
    """Sort `order` by `keys`, equal keys by number (Shell's sort: at most 256 of them). Both are overwritten."""
    gap = 1
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, n):
            key, which, j = keys[i], order[i], i
            while j >= gap and (keys[j - gap] > key or (keys[j - gap] == key and order[j - gap] > which)):
                keys[j], order[j] = keys[j - gap], order[j - gap]
                j -= gap
            keys[j], order[j] = key, which
        gap //= 3


@njit(_nrt=False)
def scan_categories(histogram, n_bins, leaf, desk, top, best):
    """Look for a better set of categories; returns the score to beat.

    Categories in order of their mean gradient are moved left one by one from either end, up to the middle (Fisher 1958: with squared
    error no other subset is better). Rare ones stay right. Missing values are a category. As scikit-learn's HistGradientBoosting.

    best : int64[::1]. From its second on overwritten when beaten; the set's 256 bits are its sixth to ninth.
    """
    n = 0
    for b in range(MISSING + 1):
        if b >= n_bins and b != MISSING:
            continue
        gradient, hessian = bin_sums(histogram, b)
        weight = hessian * leaf.unit_h
        if hessian > 0 and weight * leaf.support >= CATEGORY_SUPPORT:
            desk.keys[n] = gradient * leaf.unit_g / (weight + CATEGORY_SUPPORT)
            desk.order[n] = b
            n += 1
    if n < 2:
        return top
    sort_categories(n, desk.keys, desk.order)
    from_end, length = -1, 0
    for end in range(2):
        gl, hl = np.int64(0), np.int64(0)
        for i in range((n + 1) // 2):
            gradient, hessian = bin_sums(histogram, desk.order[n - 1 - i if end else i])
            gl, hl = gl + gradient, hl + hessian
            score = score_one(gl, hl, leaf, 0)
            if score > top:
                top, from_end, length = score, end, i + 1
                best[1], best[2], best[3] = 0, gl, hl
    if from_end >= 0:
        best[4] = UNSEEN if bin_sums(histogram, MISSING)[1] == 0 else 0
        best[5], best[6], best[7], best[8] = 0, 0, 0, 0
        for i in range(length):
            code = desk.order[n - 1 - i if from_end else i]
            best[5 + (code >> 6)] |= np.int64(1) << (code & 63)
            if code == MISSING:
                best[4] = 1
    return top


@njit(_nrt=False)
def describe(j, ints, floats, rules, units):
    """A `Leaf` for the scan."""
    n, hessian = ints[j, STOP] - ints[j, START], ints[j, SUM_H] * units[1]
    floor = max(max(rules.min_child_weight, floats[j, FLOOR]), 0.5 * units[1])
    if rules.min_samples_leaf > 1:  # counts are not in the histograms: the hessian stands in, and the true counts are checked later
        floor = max(floor, (rules.min_samples_leaf - 0.5) * hessian / n)
    low, high = floats[j, LOW], floats[j, HIGH]
    return Leaf(ints[j, SUM_G], ints[j, SUM_H], units[0], units[1], floor, low, high, rules.l1, rules.l2, n / hessian)


@njit(_nrt=False)
def adopt(which, ints, floats, sets, categorical, rules, scores, best, units):
    """Give a leaf the best of all threads' proposals, and its exact gain. ints, floats, sets : its rows of the tables"""
    winner = 0
    for other in range(1, len(scores)):
        if scores[other, which] > scores[winner, which]:
            winner = other
    chosen = best[winner, which]
    ints[FEATURE] = NOTHING
    if chosen[0] == NOTHING:
        return
    gl, hl = chosen[2] * units[0], chosen[3] * units[1]
    g, h = ints[SUM_G] * units[0], ints[SUM_H] * units[1]
    l1, l2, low, high = rules.l1, rules.l2, floats[LOW], floats[HIGH]
    left, right = leaf_value(gl, hl, l1, l2, low, high), leaf_value(g - gl, h - hl, l1, l2, low, high)
    saved = reduction(gl, hl, left, l1, l2) + reduction(g - gl, h - hl, right, l1, l2)
    gain = saved - reduction(g, h, leaf_value(g, h, l1, l2, low, high), l1, l2)
    if not gain > max(rules.min_gain, NOISE * abs(saved)):
        return
    floats[GAIN] = gain
    for i in range(5):
        ints[FEATURE + i] = chosen[i]
    if chosen[4] == UNSEEN:
        ints[MISSING_LEFT] = 2 * chosen[3] > ints[SUM_H]
    if categorical[chosen[0]]:
        for i in range(4):
            sets[i] = np.uint64(chosen[5 + i])
        bit = np.uint64(1) << np.uint64(63)
        sets[3] = sets[3] | bit if ints[MISSING_LEFT] else sets[3] & ~bit
