"""The best split of one feature of one leaf, from its histogram.

Sums are whole numbers; a candidate's score (float32 in the fast case) is only used to choose. The chosen split's gain is computed again
in float64 from the exact sums, in `adopt`. An ordered feature's histogram comes as prefix sums (`fasttree._histogram.accumulate`): they are what is scanned,
and the sibling's follow from the parent's by subtraction as the bins' own sums would. Ties go to the lowest feature, then to missing values right, then to the lowest code.
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
from fasttree._losses_kernels import float_of_bits

CATEGORY_SUPPORT = 10.0  # rows' worth of hessian below which a category is not moved left, and the shrinkage of its mean
NOISE = 1e-10  # a gain below this share of the children's reduction is rounding
UNSEEN = 2  # of a split's direction of missing values: none were seen

_BELOW_ONE = np.float32(1.0 - 2.0**-23)
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
    mean: float  # gradient per hessian, both in whole numbers, with l2 counted for both children
    base: float  # score = base + scale × what `score_packed` returns
    scale: float


class Desk(NamedTuple):
    """One thread's scratch: see `Work`."""

    prefix: np.ndarray
    halves: np.ndarray
    scores: np.ndarray
    bits: np.ndarray
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
def score_packed(halves, n, g0, h0, leaf, scores, bits):
    """Rate the cuts after bin 0 … n - 1, eight at a time; returns the highest, 0 when none is allowed.

    With `hl` and `hr` the children's hessians with l2 and `gl` the left gradient, the children save
    ``gl² / hl + gr² / hr = base + scale × (gl - hl × mean)² / (hl × hr)``: the last factor, in whole numbers, is what is computed.

    halves : int32[::1]
        Prefix sums: hessian and gradient in turn.
    g0, h0 : int32
        Sums of the missing values where these go left, else 0.
    scores : float32[::1]. Its first `n` are overwritten; 0 where a child is too light.
    bits : int32[::1]
        The memory of `scores`: numbers ≥ 0 rank as their bits do, and only the maximum of integers is vectorised (half the time).
    """
    mean, l2, zero = np.float32(leaf.mean), np.float32(leaf.l2 / leaf.unit_h), np.float32(0)
    low, high = np.float32(leaf.floor / leaf.unit_h), np.float32(leaf.hessian - leaf.floor / leaf.unit_h)
    whole = np.float32(leaf.hessian)
    high = min(high, whole * _BELOW_ONE)  # rounded, it may be the whole, which leaves the right child empty
    both = whole + l2
    for b in range(n):
        left = np.float32(np.int32(halves[2 * b] + h0))
        hl, hr = left + l2, both - left
        off = np.float32(np.int32(halves[2 * b + 1] + g0)) - hl * mean
        score = off * off / (hl * hr)
        scores[b] = score if (left >= low) & (left <= high) else zero
    top = np.int32(0)
    for b in range(n):
        top = max(top, bits[b])
    return float_of_bits(top)


@njit(_nrt=False)
def rate(rated, leaf):
    """The score that stands for the highest of `score_packed`."""
    return leaf.base + leaf.scale * rated if rated > 0 else -np.inf


@njit(_nrt=False)
def left_sums(prefix, b):
    """Exact sums left of the cut after bin `b`, without missing values. prefix : int64[:, :], one or two planes"""
    if prefix.shape[0] == 2:
        return prefix[0, b], prefix[1, b]
    return prefix[0, b] >> _SHIFT, prefix[0, b] & _LOW32


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
def score_general(prefix, n, g0, h0, leaf, direction, keys):
    """The scores themselves in float64, one at a time, with everything that `score_packed` leaves out. keys : float64[:], overwritten"""
    top = -np.inf
    for b in range(n):
        gl, hl = left_sums(prefix, b)
        keys[b] = score_one(gl + g0, hl + h0, leaf, direction)
        top = max(top, keys[b])
    return top


@njit(_nrt=False)
def bin_sums(histogram, b):
    """Gradient and hessian of one bin."""
    return left_sums(histogram, b)


@njit(_nrt=False, forceinline=True)
def scan_values(prefix, halves, n_bins, direction, general, leaf, desk, top, best):
    """Look for a better cut of an ordered feature; returns the score to beat.

    prefix : int64[:, :], shape (n_planes, 256)
        Prefix sums of the bins, and in the last the sum of the missing values alone.
    halves : int32[::1], shape (512,)
        The memory of its first plane.
    direction : int, monotonic constraint
    general : bool, whether `score_general` is needed
    top : float, score to beat
    best : int64[::1]. From its second on (code, sums left, missing left) overwritten when beaten.
    """
    g_missing, h_missing = left_sums(prefix, np.int64(MISSING))
    n = n_bins if h_missing > 0 else n_bins - 1
    for missing_left in range(2 if h_missing > 0 else 1):
        g0, h0 = (g_missing, h_missing) if missing_left else (np.int64(0), np.int64(0))
        if missing_left:
            n = n_bins - 1
        rated = np.float32(0)
        if general:
            score = score_general(prefix, n, g0, h0, leaf, direction, desk.keys)
        else:
            rated = score_packed(halves, n, np.int32(g0), np.int32(h0), leaf, desk.scores, desk.bits)
            score = rate(rated, leaf)
        if score > top:
            for b in range(n):
                if desk.keys[b] == score if general else desk.scores[b] == rated:
                    gl, hl = left_sums(prefix, b)
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
    n = np.int64(0)
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
            score = score_one(gl, hl, leaf, np.int8(0))
            if score > top:
                top, from_end, length = score, end, i + 1
                best[1], best[2], best[3] = 0, gl, hl
    if from_end >= 0:
        best[4] = UNSEEN if bin_sums(histogram, np.int64(MISSING))[1] == 0 else 0
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
    g, h, whole = ints[j, SUM_G], ints[j, SUM_H], units[0] * units[0] / units[1]
    both = h + 2.0 * rules.l2 / units[1]
    mean, base, scale = g / both, whole * g * (g / both), whole * both
    return Leaf(g, h, units[0], units[1], floor, low, high, rules.l1, rules.l2, n / hessian, mean, base, scale)


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
