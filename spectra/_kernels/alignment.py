"""Locally weighted regression: a smooth shift through the matched peaks of one spectrum."""

import math

import numpy as np

from spectra._kernels._jit import njit


@njit
def _sort(values, size):
    """Sort the first `size` values in place (Shell's sort with Ciura's gaps: short vectors, no allocation)."""
    gap = 1
    while gap < size:
        gap = gap * 9 // 4 + 1
    while gap > 1:
        gap = (gap - 1) * 4 // 9 if gap > 2 else 1
        gap = max(gap, 1)
        for i in range(gap, size):
            value, j = values[i], i
            while j >= gap and values[j - gap] > value:
                values[j] = values[j - gap]
                j -= gap
            values[j] = value


@njit
def _neighbours(x, centre, radius, first, weights):
    """Tricube weights of the points within `radius`, from `first` on. Returns how many points."""
    near, far = 0.001 * radius, 0.999 * radius
    stop = first
    while stop < x.size and not (x[stop] > centre and x[stop] - centre > far):
        stop += 1
    points = x[first:stop]
    for k in range(points.size):  # without a branch, it runs on vectors
        distance = abs(points[k] - centre)
        ratio = distance / radius
        rest = 1.0 - ratio * ratio * ratio
        weight = 1.0 if distance <= near else rest * rest * rest
        weights[k] = 0.0 if distance > far else weight
    return stop - first


@njit(
    fastmath={"reassoc", "contract"}
)  # sums run on vectors, and slices need no check for negative places: a third of the time; NaN stays NaN
def _line_at(x, y, centre, weights, robust, least_spread):
    """Value at `centre` of the weighted least-squares line; NaN without weight. All of one length."""
    total = first_x = first_y = spread = slope = 0.0
    for k in range(weights.size):  # x counts from the centre, so nothing is lost by summing in one pass
        w = weights[k] * robust[k]
        away = x[k] - centre
        pull = w * away
        total += w
        first_x += pull
        first_y += w * y[k]
        spread += pull * away
        slope += pull * y[k]
    if total <= 0:
        return math.nan
    mean, level = first_x / total, first_y / total
    spread = spread / total - mean * mean
    if math.sqrt(max(spread, 0.0)) <= least_spread:
        return level
    return level - mean * (slope / total - mean * level) / spread


@njit
def _robust_weights(y, fitted, size, robust, work):
    """Bisquare weights of the residuals; False when they are all but zero."""
    n = y.size
    total = 0.0
    for i in range(n):
        work[i] = abs(y[i] - fitted[i])
        total += work[i]
    _sort(work, n)
    cut = 3.0 * (work[n // 2] + work[n // 2 if n % 2 else n // 2 - 1])
    if cut < 1e-7 * total / n:
        return False
    for i in range(n):
        residual = abs(y[i] - fitted[i])
        if residual <= 0.001 * cut:
            robust[i] = 1.0
        elif residual <= 0.999 * cut:
            ratio = residual / cut
            robust[i] = (1.0 - ratio * ratio) * (1.0 - ratio * ratio)
        else:
            robust[i] = 0.0
    return True


@njit
def _anchor_points(x, delta, anchors):
    """Points at which a line is fitted; those within `delta` behind the last are skipped. Returns how many."""
    n, count, i = x.size, 0, 0
    while True:
        anchors[count] = i
        count += 1
        if i == n - 1:
            return count
        following = i + 1
        while following < n and x[following] <= x[i] + delta:
            following += 1
        i = max(i + 1, following - 1)


@njit
def lowess(x, y, span, iterations, delta, fitted):
    """Cleveland's lowess: at each point the line through its nearest neighbours, refitted without outliers.

    x, y : float64[::1], shape (n_points,), at least 2; x strictly increasing
    span : float, share of the points that make a neighbourhood
    iterations : int, how often outliers are weighted down
    delta : float; between points nearer than this the fit is interpolated
    fitted : float64[::1], shape (n_points,). Fully overwritten.
    """
    n = x.size
    near = max(2, min(n, int(span * n + 1e-7)))
    anchors, first, count = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(n, np.int64)
    n_anchors = _anchor_points(x, delta, anchors)
    weights, robust, work = np.empty((n_anchors, n)), np.ones(n), np.empty(n)
    left, least_spread = 0, 0.001 * (x[n - 1] - x[0])
    for a in range(n_anchors):  # a neighbourhood does not depend on the iteration: weigh it once
        centre = x[anchors[a]]
        while left + near < n and centre - x[left] > x[left + near] - centre:
            left += 1
        first[a] = left
        radius = max(centre - x[left], x[left + near - 1] - centre)
        count[a] = _neighbours(x, centre, radius, left, weights[a])
    for iteration in range(iterations + 1):
        for a in range(n_anchors):
            i, begin, end = anchors[a], first[a], first[a] + count[a]
            value = _line_at(x[begin:end], y[begin:end], x[i], weights[a, : count[a]], robust[begin:end], least_spread)
            fitted[i] = y[i] if math.isnan(value) else value
            before = anchors[a - 1] if a > 0 else i
            for j in range(before + 1, i):
                part = (x[j] - x[before]) / (x[i] - x[before])
                fitted[j] = part * fitted[i] + (1.0 - part) * fitted[before]
        if iteration == iterations or not _robust_weights(y, fitted, n, robust, work):
            return


@njit
def lowess_each(x, y, offsets, least, span, iterations, fitted, sound):
    """`lowess` of many spectra behind one another, ``offsets[s] .. offsets[s + 1] - 1`` those of spectrum s.

    least : int, at least 2; a spectrum with fewer points is left out
    fitted : float64[::1], shape of `x`. Overwritten where a spectrum has enough points.
    sound : bool[::1], one per spectrum. Fully overwritten: there are enough points, and x + fitted increases strictly.
    """
    for s in range(offsets.size - 1):
        begin, end = offsets[s], offsets[s + 1]
        sound[s] = end - begin >= least
        if sound[s]:
            lowess(x[begin:end], y[begin:end], span, iterations, 0.01 * (x[end - 1] - x[begin]), fitted[begin:end])
            for i in range(begin + 1, end):
                if not x[i] + fitted[i] > x[i - 1] + fitted[i - 1]:
                    sound[s] = False


@njit
def warp(mz, offsets, at, shift, knots, out):
    """Add each spectrum's shift to its masses: linear between the knots, constant beyond them.

    mz : float64[::1]; masses of all spectra behind one another, ``offsets[s] .. offsets[s + 1] - 1`` those of spectrum s
    at, shift : float64[::1]; knots of all spectra, ``knots[s] .. knots[s + 1] - 1`` those of spectrum s; none: no shift
    out : float64[::1], shape of `mz`. Fully overwritten.
    """
    for s in range(offsets.size - 1):
        low, high = knots[s], knots[s + 1] - 1
        k = low
        for i in range(offsets[s], offsets[s + 1]):
            m = mz[i]
            if high < low:
                out[i] = m
            elif m <= at[low]:
                out[i] = m + shift[low]
            elif m >= at[high]:
                out[i] = m + shift[high]
            else:
                while at[k] > m:
                    k -= 1
                while at[k + 1] < m:
                    k += 1
                out[i] = m + (shift[k] + (shift[k + 1] - shift[k]) / (at[k + 1] - at[k]) * (m - at[k]))
