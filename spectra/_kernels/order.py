"""Order statistics: the median of a profile, its median absolute deviation, the running median."""

import math

import numpy as np

from spectra._kernels._jit import njit


@njit
def select(a, n, k):
    """The `k`-th smallest of the first `n` values (Hoare's quickselect). Reorders them."""
    low, high = 0, n - 1
    while high > low:
        first, middle, last = a[low], a[(low + high) >> 1], a[high]
        pivot = max(min(first, middle), min(max(first, middle), last))
        i, j = low, high
        while i <= j:
            while a[i] < pivot:
                i += 1
            while a[j] > pivot:
                j -= 1
            if i <= j:
                a[i], a[j] = a[j], a[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            break
    return a[k]


@njit
def _bracket(y, centre, deviations, work):
    """Two values between which the median almost surely lies: order statistics of about ``2 * n_points ** 0.6`` points."""
    step = max(1, int(y.size**0.4 / 2))
    m = 0
    for i in range(0, y.size, step):
        work[m] = abs(y[i] - centre) if deviations else y[i]
        m += 1
    margin = int(1.25 * math.sqrt(m)) + 1
    first, last = max(0, m // 2 - margin), min(m - 1, m // 2 + margin)
    low = select(work, m, first)
    if last == first:
        return low, low
    return low, select(work[first + 1 : m], m - first - 1, last - first - 1)


@njit
def _mark(y, low, high, marks):
    """(how many lie below, how many within); marks[i] = whether y[i] lies within."""
    below = inside = 0
    for i in range(y.size):
        within = (y[i] >= low) & (y[i] <= high)
        marks[i] = within
        inside += np.int64(within)
        below += np.int64(y[i] < low)
    return below, inside


@njit
def _mark_deviations(y, centre, low, high, marks):
    below = inside = 0
    for i in range(y.size):
        value = abs(y[i] - centre)
        within = (value >= low) & (value <= high)
        marks[i] = within
        inside += np.int64(within)
        below += np.int64(value < low)
    return below, inside


@njit
def _collect(y, marks, out):
    """The marked values, in order; eight points without a mark are passed over at once."""
    one_by_one = marks.view(np.uint8)
    found = 0
    for word in range(marks.size):
        if marks[word] != 0:
            for i in range(8 * word, min(8 * word + 8, y.size)):
                out[found] = y[i]
                found += np.int64(one_by_one[i])


@njit
def median(y, centre, deviations, work, marks):
    """Median of `y` or, with `deviations`, of ``abs(y - centre)``; the mean of the two middle ones for an even number.

    y : float[::1], shape (n_points,), at least one
    centre : scalar of that dtype
    work : same dtype, shape (n_points + 1,). Overwritten.
    marks : uint64[::1], shape (n_points // 8 + 1,). Overwritten.
    """
    # All points are counted against the bracket and marked if inside, in one loop that vectorises; only the marked few are kept and
    # sorted further: 1.2 ns a point for the whole deviation against 2.1 with a loop that keeps them as it counts, and 25 with quickselect on
    # all, 42,000 points.
    n = y.size
    low, high = _bracket(y, centre, deviations, work)
    words = marks[: n // 8 + 1]
    words[n // 8] = 0
    if deviations:
        below, inside = _mark_deviations(y, centre, low, high, words.view(np.uint8))
    else:
        below, inside = _mark(y, low, high, words.view(np.uint8))
    k = (n - 1) // 2
    if k < below or n // 2 >= below + inside:  # the bracket missed
        below, inside = 0, n
        for i in range(n):
            work[i] = y[i]
    else:
        _collect(y, words, work)
    if deviations:
        for i in range(inside):
            work[i] = abs(work[i] - centre)
    middle = select(work, inside, k - below)
    if n % 2 == 1:
        return middle
    above = work[k - below + 1]
    for i in range(k - below + 2, inside):
        above = min(above, work[i])
    return middle + (above - middle) / 2


@njit
def median_size(y, floor, present, work, marks):
    """Median of those ``abs(y)`` that are above `floor`; 0 when there are none.

    y : float[::1], shape (n_points,)
    present : same dtype and shape. Overwritten.
    work, marks : as in `median`. Overwritten.
    """
    zero = y.dtype.type(0)
    if y.size == 0:
        return zero
    _, small = _mark_deviations(y, zero, zero, floor, marks.view(np.uint8))
    sizes = small >= 0  # always; but for a constant Numba would compile `median` once more
    if small == 0:
        return median(y, zero, sizes, work, marks)
    kept = 0
    for i in range(y.size):
        if abs(y[i]) > floor:
            present[kept] = y[i]
            kept += 1
    return median(present[:kept], zero, sizes, work, marks) if kept > 0 else zero


def mad(y):
    """Median absolute deviation from the median, unscaled, as a Python float."""
    out = np.empty(1)
    block_levels(y, np.array([0]), np.array([y.size]), True, *room_for(y.size, y.dtype), out)
    return float(out[0])


def room_for(n_points, dtype):
    """``work`` and ``marks`` for `median`."""
    return np.empty(n_points + 1, dtype), np.empty(n_points // 8 + 1, np.uint64)


@njit
def order_keys(y, keys):
    """Map each float to an integer of the same order, through its bits.

    y : int32 or int64[::1], the *bits* of the floats
    keys : same dtype. Fully overwritten. The map is its own inverse.
    """
    ones = ~(y.dtype.type(1) << y.dtype.type(8 * y.itemsize - 1))
    for i in range(y.size):
        bits = y[i]
        keys[i] = bits if bits >= 0 else bits ^ ones


@njit
def _count_equal(window, value):
    count = np.int32(0)
    for j in range(window.size):
        count = np.int32(count + np.int32(window[j] == value))
    return np.int64(count)


@njit
def _next_above(window, value, top):
    best = top
    for j in range(window.size):
        best = min(best, window[j] if window[j] > value else top)
    return best


@njit
def _next_below(window, value, bottom):
    best = bottom
    for j in range(window.size):
        best = max(best, window[j] if window[j] < value else bottom)
    return best


@njit
def slide_median(keys, half_window, bottom, top, work, out):
    """Median of each whole window; the first and last `half_window` points are left alone.

    keys : int32 or int64[::1], shape (n_points,)
    bottom, top : the least and greatest number of that dtype
    work : same dtype, shape (2 * half_window + 1,). Overwritten.
    out : same dtype, shape (n_points,). Overwritten but for the ends; must not alias `keys`.
    """
    # How many lie below and not above the median is kept while the window slides; only when the median has to move is the window
    # scanned, for the next value up or down. Scans of integers vectorise, those of floats do not (33 ns a point for windows of 201
    # points of float64, 25 of float32).
    h = half_window
    w = 2 * h + 1
    for j in range(w):
        work[j] = keys[j]
    value = select(work, w, h)
    below = equal = 0
    for j in range(w):
        below += np.int64(keys[j] < value)
        equal += np.int64(keys[j] == value)
    upto = below + equal
    out[h] = value
    for start in range(1, keys.size - w + 1):
        gone, new = keys[start - 1], keys[start + w - 1]
        below += np.int64(new < value) - np.int64(gone < value)
        upto += np.int64(new <= value) - np.int64(gone <= value)
        if below > h or upto <= h:
            window = keys[start : start + w]
            while below > h:
                value = _next_below(window, value, bottom)
                upto = below
                below = upto - _count_equal(window, value)
            while upto <= h:
                value = _next_above(window, value, top)
                below = upto
                upto = below + _count_equal(window, value)
        out[start + h] = value


@njit
def median_ends(y, half_window, work, out):
    """The first and last `half_window` points, from windows that shrink towards the ends and look at `out` where it is done.

    Tukey's rule as in R's ``smoothEnds``: the outermost point is the median of itself, its neighbour, and the line through the
    next two.

    y : float[::1], shape (n_points,)
    work : same dtype, shape (2 * half_window + 1,). Overwritten.
    out : same dtype, holds the running median of the inner points. The ends are overwritten.
    """
    h, n = half_window, y.size
    out[0], out[n - 1] = y[0], y[n - 1]  # in three points, each end is the other's third
    for side in range(2):
        first, step = (0, 1) if side == 0 else (n - 1, -1)
        for i in range(1, h):  # point i of the side, window of 2 i + 1 points from the end
            for j in range(2 * i + 1):
                at = first + step * j
                work[j] = out[at] if h <= at < n - h else y[at]
            out[first + step * i] = select(work, 2 * i + 1, i)
        second, third = out[first + step], out[first + 2 * step]
        work[0], work[1], work[2] = y[first], second, 3 * second - 2 * third
        out[first] = select(work, 3, 1)


@njit
def block_levels(y, starts, stops, deviations, work, marks, out):
    """Median of ``abs(y)`` or, with `deviations`, of ``abs(y - median)`` in each block of points.

    y : float[::1], shape (n_points,)
    starts, stops : int64[::1], shape (n_blocks,)
    work, marks : as in `median`, for the longest block. Overwritten.
    out : float64[::1], shape (n_blocks,). Fully overwritten.
    """
    zero = y.dtype.type(0)
    sizes = starts.size >= 0  # always; but for a constant Numba would compile `median` once more
    for b in range(starts.size):
        block = y[starts[b] : stops[b]]
        centre = y.dtype.type(median(block, zero, not sizes, work, marks)) if deviations else zero
        out[b] = median(block, centre, sizes, work, marks)


@njit
def ramps(at, levels, out):
    """Straight lines between `levels`, which lie at the points `at`, and constants beyond the ends.

    at : float64[::1], increasing; levels : float64[::1], of the same shape
    out : float64[::1], shape (n_points,). Fully overwritten.
    """
    last = 0
    for b in range(at.size):
        stop = min(out.size, math.ceil(at[b]))
        slope = (levels[b] - levels[b - 1]) / (at[b] - at[b - 1]) if b > 0 else 0.0
        for i in range(last, stop):
            out[i] = levels[b] + slope * (i - at[b])
        last = max(last, stop)
    for i in range(last, out.size):
        out[i] = levels[at.size - 1]


def running_median(y, half_window):
    """Median of each window, with the rule of `median_ends` at the ends; a fresh array of the dtype of `y`.

    y : contiguous float32 or float64, at least ``2 * half_window + 1`` points
    """
    whole = np.int32 if y.dtype == np.float32 else np.int64
    limits = np.iinfo(whole)
    keys, medians = np.empty(y.size, whole), np.zeros(y.size, whole)
    order_keys(y.view(whole), keys)
    slide_median(keys, half_window, whole(limits.min), whole(limits.max), np.empty(2 * half_window + 1, whole), medians)
    order_keys(medians, keys)
    out = keys.view(y.dtype)
    median_ends(y, half_window, np.empty(2 * half_window + 1, y.dtype), out)
    return out
