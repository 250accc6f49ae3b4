"""Baselines by clipping, by opening and by the lower hull."""

import math

from spectra._kernels._jit import njit

FAST = frozenset({"contract", "nsz", "nnan"})
TILE = 1536  # points of one tile of the opening
TILE_BYTES = 12288  # of one skewed tile of the clipping; two buffers of them stay in the first cache
LINE = 16  # points; a cache line of float32, two of float64


@njit(fastmath=FAST)
def _clip(source, first, last, window, target):
    """target = the lower of the point and the middle of its two neighbours `window` away, for first <= i < last."""
    n = last - first
    half = source.dtype.type(0.5)
    a, b, c = source[first - window : last - window], source[first:last], source[first + window : last + window]
    o = target[first:last]
    for i in range(n):
        middle = half * (a[i] + c[i])
        o[i] = middle if middle < b[i] else b[i]


@njit(fastmath=FAST)
def _raise(source, first, last, distances, weights, target):
    """target = the higher of itself and the weighted sum of four pairs of neighbours, for first <= i < last."""
    n = last - first
    d0, d1, d2, d3 = distances
    w0, w1, w2, w3 = weights[0], weights[1], weights[2], weights[3]
    a0, b0 = source[first - d0 : last - d0], source[first + d0 : last + d0]
    a1, b1 = source[first - d1 : last - d1], source[first + d1 : last + d1]
    a2, b2 = source[first - d2 : last - d2], source[first + d2 : last + d2]
    a3, b3 = source[first - d3 : last - d3], source[first + d3 : last + d3]
    o = target[first:last]
    for i in range(n):
        value = w0 * (a0[i] + b0[i]) + w1 * (a1[i] + b1[i]) + w2 * (a2[i] + b2[i]) + w3 * (a3[i] + b3[i])
        o[i] = value if value > o[i] else o[i]


@njit(fastmath=FAST)
def _clip_bent(source, first, last, window, weights, target):
    """As `_clip`, but against the highest of the polynomials through 2, 4, ... neighbours.

    weights : same dtype, shape (n_polynomials, 4), a row for each: of the pair `window` away and of up to three nearer ones
    """
    n, half = last - first, source.dtype.type(0.5)
    a, c, o = source[first - window : last - window], source[first + window : last + window], target[first:last]
    for i in range(n):
        o[i] = half * (a[i] + c[i])
    for p in range(weights.shape[0]):
        if p == 0:
            distances = (window, window // 2, window, window)
        elif p == 1:
            distances = (window, 2 * window // 3, window // 3, window)
        else:
            distances = (window, 3 * window // 4, window // 2, window // 4)
        _raise(source, first, last, distances, weights[p], target)
    b = source[first:last]
    for i in range(n):
        o[i] = o[i] if o[i] < b[i] else b[i]


@njit
def _copy(source, first, last, target):
    for i in range(first, last):
        target[i] = source[i]


@njit
def _whole_lines(points):
    return (points + LINE - 1) // LINE * LINE


@njit
def snip(y, z, windows, weights):
    """Clip with each window in turn; points nearer to an end than the window keep their value.

    y, z : float[::1], shape (n_points,), both holding the profile, best begun on a cache line. Both are overwritten; the result is
        in `y` when the number of windows is even, else in `z`.
    windows : int64[::1], each below ``n_points / 2``
    weights : same dtype as `y`, shape (n_polynomials, 4); empty for straight lines only (see `_clip_bent`)
    """
    # Step t needs step t - 1 only up to `window` points further right. So each tile runs through all the steps, further left by a
    # window at every step, and stays in the first cache throughout. That matters where a spectrum outgrows the second cache (100
    # windows of float64: 19.0 ns a point against 21.9 step by step for 400,000 points, 17.9 against 18.9 for 42,000):
    #
    #     step 1        |<---- tile p ---->|<--- tile p + 1 --->|
    #     step 2     |<---- tile p ---->|<--- tile p + 1 --->|
    #     step 3   |<---- tile p ---->|<--- tile p + 1 --->|
    #
    # Moving left by whole cache lines keeps the store and one of the three loads within one each (19.0 to 17.2 ns).
    n = y.size
    tile = TILE_BYTES // y.itemsize
    skew = 0
    for t in range(1, windows.size):
        skew += _whole_lines(max(windows[t], windows[t - 1]))
    for start in range(0, n + skew, tile):
        shift = 0
        for t in range(windows.size):
            window = windows[t]
            shift += _whole_lines(max(window, windows[t - 1])) if t > 0 else 0
            low, high = max(start - shift, 0), min(start + tile - shift, n)
            if high <= low:
                continue
            source, target = (y, z) if t % 2 == 0 else (z, y)
            _copy(source, low, min(high, window), target)
            first, last = max(low, window), min(high, n - window)
            if first < last and weights.shape[0] == 0:
                _clip(source, first, last, window, target)
            elif first < last:
                _clip_bent(source, first, last, window, weights, target)
            _copy(source, max(low, n - window), high, target)


@njit(fastmath=FAST)
def _lower(a, b, out, n):
    for i in range(n):
        out[i] = a[i] if a[i] < b[i] else b[i]


@njit(fastmath=FAST)
def _upper(a, b, out, n):
    for i in range(n):
        out[i] = a[i] if a[i] > b[i] else b[i]


@njit
def _slide(x, window, upper, work, out):
    """out[i] = the least (or, with `upper`, the greatest) of x[i : i + window]; x has ``out.size + window - 1`` points.

    work : same dtype, shape (2, at least TILE + window - 1). Overwritten.
    """
    # Windows of 1, 2, 4, ... points are pairs of the ones before, and two overlapping ones of the last make any window: log2 steps
    # that vectorise, where the two-pass scheme of van Herk has a running minimum that does not (3.1 ns a point for the opening of 201 points
    # against 5.1).
    for start in range(0, out.size, TILE):
        n = min(TILE, out.size - start)
        source, width, valid, turn = x[start : start + n + window - 1], 1, n + window - 1, 0
        while 2 * width <= window:
            valid -= width
            target = work[turn]
            if upper:
                _upper(source, source[width:], target, valid)
            else:
                _lower(source, source[width:], target, valid)
            source, width, turn = target, 2 * width, 1 - turn
        if upper:
            _upper(source, source[window - width :], out[start:], n)
        else:
            _lower(source, source[window - width :], out[start:], n)


@njit
def opening(y, half_window, padded, work, out):
    """The greatest over the window of the least over the window; windows are cut at the ends.

    padded : same dtype, shape (n_points + 2 * half_window,). Overwritten.
    work : same dtype, shape (2, at least TILE + 2 * half_window). Overwritten.
    out : same dtype, shape (n_points,). Fully overwritten.
    """
    n, h = y.size, half_window
    for i in range(h):
        padded[i] = padded[n + h + i] = math.inf
    for i in range(n):
        padded[h + i] = y[i]
    _slide(padded, 2 * h + 1, False, work, out)
    for i in range(h):
        padded[i] = padded[n + h + i] = -math.inf
    for i in range(n):
        padded[h + i] = out[i]
    _slide(padded, 2 * h + 1, True, work, out)


@njit
def lower_hull(mz, y, corners, out):
    """The convex hull from below, linear between its corners.

    corners : int64[::1], shape (n_points,). Overwritten.
    out : float[::1], shape (n_points,). Fully overwritten.
    """
    top = 0
    for i in range(y.size):
        while top > 1:
            a, b = corners[top - 2], corners[top - 1]
            if (mz[b] - mz[a]) * (y[i] - y[a]) > (mz[i] - mz[a]) * (y[b] - y[a]):
                break
            top -= 1
        corners[top] = i
        top += 1
    for c in range(top - 1):
        a, b = corners[c], corners[c + 1]
        slope = (y[b] - y[a]) / (mz[b] - mz[a])
        for i in range(a, b):
            out[i] = y[a] + slope * (mz[i] - mz[a])
    out[y.size - 1] = y[y.size - 1]
