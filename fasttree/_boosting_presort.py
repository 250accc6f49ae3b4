"""Growth for few rows: instead of histograms, each feature's rows in order of their codes.

With fewer rows than bins a histogram is mostly empty, and its scan is what costs. Here a leaf's rows lie side by side in every feature's
order; a split divides each order in two, stably, from one buffer to the other, and the scan walks over the rows::

    orders[2, f]        all rows by code, missing ones last: the root
    orders[d & 1, f]    the leaves of depth d, each at its START … STOP

Scores, ties and whole numbers are those of the histograms, so both ways grow the same tree to the last bit.
"""

import numpy as np

from fasttree._boosting_split import UNSEEN, left_sums, rate, scan_categories, score_general, score_packed
from fasttree._histogram import BINS, MISSING
from fasttree._jit import njit

ROOT = 2
MOST_ROWS = 2**16


@njit(_nrt=False)
def order_rows(codes, counts, order):
    """Rows by code. codes : uint8[:]; counts : int64[::1], 257, overwritten; order : uint16[:], overwritten"""
    for b in range(BINS + 1):
        counts[b] = 0
    for i in range(len(codes)):
        counts[np.int64(codes[i]) + 1] += 1
    for b in range(BINS):
        counts[b + 1] += counts[b]
    for i in range(len(codes)):
        b = np.int64(codes[i])
        order[counts[b]] = i
        counts[b] += 1


@njit(_nrt=False)
def mark_sides(rows, lefts, sides):
    """``sides[row]`` = 1 for the first `lefts` of `rows`, 0 for the others."""
    for i in range(len(rows)):
        sides[rows[i]] = i < lefts


@njit(_nrt=False)
def split_order(order, sides, lefts, out):
    """Left rows to the front of `out`, right rows after them, both in their order."""
    left, right, one = np.uint64(0), np.uint64(lefts), np.uint64(1)
    for i in range(len(order)):
        row = order[i]
        goes = np.uint64(sides[row])
        out[right ^ ((left ^ right) & (np.uint64(0) - goes))] = row
        left += goes
        right += one - goes


@njit(_nrt=False)
def keep_left(order, sides, out):
    """The left rows alone, in their order, when the right leaf will not be split. out : uint16[:], with room for one row more"""
    kept = np.uint64(0)
    for i in range(len(order)):
        row = order[i]
        out[kept] = row
        kept += np.uint64(sides[row])


@njit(_nrt=False)
def keep_right(order, sides, out):
    """The right rows alone, from the end, when the left leaf will not be split. out : uint16[:], with room for one row before them"""
    free, one = np.uint64(len(out) - 1), np.uint64(1)
    for i in range(len(order) - 1, -1, -1):
        row = order[i]
        out[free] = row
        free -= one - np.uint64(sides[row])


@njit(_nrt=False)
def add_up(order, values, prefix):
    """Prefix sums of the values in their order. values, prefix : int64[:, :], one or two planes"""
    for plane in range(values.shape[0]):
        total = np.int64(0)
        for i in range(len(order)):
            total += values[plane, order[i]]
            prefix[plane, i] = total


@njit(_nrt=False)
def forbid_ties(order, codes, n, general, desk):
    """Take away the scores of cuts between rows of one code; returns the highest score left."""
    top = -np.inf
    for i in range(n):
        if i + 1 < len(order) and codes[order[i]] == codes[order[i + 1]]:
            desk.keys[i] = -np.inf
            desk.scores[i] = np.float32(-1)
        top = max(top, desk.keys[i] if general else np.float64(desk.scores[i]))
    return top


@njit(_nrt=False, forceinline=True)
def scan_order(order, codes, values, direction, general, leaf, desk, top, best):
    """Look for a better cut of an ordered feature; returns the score to beat. As `scan_values`, which see.

    order : uint16[:], the leaf's rows by code; codes : uint8[:], of all rows; values : int64[:, :]
    """
    n_rows = len(order)
    n_known = n_rows
    while n_known > 0 and codes[order[n_known - 1]] == MISSING:
        n_known -= 1
    if n_known == 0:
        return top
    known = order[:n_known]
    add_up(known, values, desk.prefix)
    g_known, h_known = left_sums(desk.prefix, n_known - 1)
    any_missing = n_known < n_rows
    for missing_left in range(2 if any_missing else 1):
        n = n_known if any_missing and not missing_left else n_known - 1
        g0, h0 = np.int64(0), np.int64(0)
        if missing_left:
            g0, h0 = leaf.gradient - g_known, leaf.hessian - h_known
        if general:
            score = score_general(desk.prefix, n, g0, h0, leaf, direction, desk.keys)
        else:
            score = rate(score_packed(desk.halves[0], n, np.int32(g0), np.int32(h0), leaf, desk.scores, desk.bits), leaf)
        rated = score
        if score > top:
            rated = forbid_ties(known, codes, n, general, desk)
            score = rated if general else rate(np.float32(rated), leaf)
        if score > top:
            for i in range(n):
                if (desk.keys[i] if general else np.float64(desk.scores[i])) == rated:
                    gl, hl = left_sums(desk.prefix, i)
                    best[1], best[2], best[3] = np.int64(codes[order[i]]), gl + g0, hl + h0
                    best[4] = missing_left if any_missing else UNSEEN
                    break
            top = score
    return top


@njit(_nrt=False)
def scan_category_rows(rows, codes, values, n_bins, leaf, desk, histogram, top, best):
    """As `scan_categories`, from the rows of the leaf. histogram : int64[:, :], overwritten"""
    for plane in range(values.shape[0]):
        for b in range(BINS):
            histogram[plane, b] = 0
        for i in range(len(rows)):
            histogram[plane, codes[rows[i]]] += values[plane, rows[i]]
    return scan_categories(histogram, n_bins, leaf, desk, top, best)
