"""Local maxima of one profile, and the shape of each: bounds, half width, apex between points, area.

Positions are counted in points; a peak's numbers stand at its place in `index`::

          y                 apex = index[p]
          |                  .
          |                .' '.            level = base + (y[apex] - base) / 2
          |     - - - - - /- - -\\- - - - -
          |  _           /       \\      .   <- rises by more than `rise`: the walk ends
          | ' '-.______.'         '.__.'
          +---------------------------------
                     left lo     hi  right
"""

import math

import numpy as np

from spectra._kernels._jit import FAST_MATH, njit


@njit(fastmath=FAST_MATH)  # without NaN the search for the greatest runs on vectors
def local_maxima(y, half_window, floor, index):
    """Points above `floor` that no point within `half_window` exceeds, the leftmost of equals; at the ends windows are cut short.

    y : float[::1], shape (n_points,)
    index : int64[::1], shape (at least n_points // (half_window + 1) + 1,). Overwritten up to the count, which is returned.
    """
    # A peak is the leftmost maximum of whichever block of half_window + 1 points it lies in: one candidate a block, so the
    # windows are looked at once a block and not once a point (1.5 ns a point against 6 with a test of every point).
    n = y.size
    found = 0
    for start in range(0, n, half_window + 1):
        block = y[start : min(start + half_window + 1, n)]
        top = block[0]
        for j in range(block.size):
            top = block[j] if block[j] > top else top
        if top <= floor:
            continue
        apex = 0
        while block[apex] != top:
            apex += 1
        apex += start
        before = y[max(apex - half_window, 0) : apex]
        after = y[apex + 1 : min(apex + half_window + 1, n)]
        lower, higher = True, False
        for j in range(before.size):
            lower &= before[j] < top
        for j in range(after.size if lower else 0):
            higher |= after[j] > top
        if lower and not higher:
            index[found] = apex
            found += 1
    return found


@njit
def _walk(y, apex, stop, step, rise):
    """Lowest point from `apex` towards `stop` before the profile rises by more than `rise`, or the first that is not positive."""
    lowest = apex
    j = apex
    while j != stop and y[lowest] > 0:
        j += step
        if y[j] < y[lowest]:
            lowest = j
        elif y[j] - y[lowest] > rise:
            break
    return lowest


@njit
def bounds(y, index, rise, reach, left, right):
    """Where each peak begins and ends, at most `reach` points away and not beyond a neighbouring apex.

    rise : float64[::1], shape (n_peaks,); reach : int64[::1], shape (n_peaks,)
    left, right : int64[::1], shape (n_peaks,). Fully overwritten.
    """
    for p in range(index.size):
        apex = index[p]
        low = max(apex - reach[p], index[p - 1] if p > 0 else 0)
        high = min(apex + reach[p], index[p + 1] if p + 1 < index.size else y.size - 1)
        left[p] = _walk(y, apex, low, -1, rise[p])
        right[p] = _walk(y, apex, high, 1, rise[p])


@njit
def half_heights(y, index, left, right, base, lo, hi):
    """Positions (points, between points) where each peak has fallen to half its height over `base`.

    A side that ends before half height mirrors the other; when both do, the bounds stand in.

    lo, hi : float64[::1], shape (n_peaks,). Fully overwritten.
    """
    for p in range(index.size):
        apex = index[p]
        level = base[p] + (y[apex] - base[p]) / 2
        i, j = apex, apex
        while i > left[p] and y[i] > level:
            i -= 1
        while j < right[p] and y[j] > level:
            j += 1
        below, above = math.nan, math.nan
        if i < apex and y[i] <= level:
            below = i + (level - y[i]) / (y[i + 1] - y[i])
        if j > apex and y[j] <= level:
            above = j - (level - y[j]) / (y[j - 1] - y[j])
        if math.isnan(below) and math.isnan(above):
            below, above = left[p] + 0.0, right[p] + 0.0
        elif math.isnan(below):
            below = 2 * apex - above
        elif math.isnan(above):
            above = 2 * apex - below
        lo[p], hi[p] = below, above


@njit
def apexes(y, index, left, right, lo, hi, base, position):
    """Apex between points: the parabola through the logarithms of the upper half, weighted by squared height.

    On a clean Gaussian that is exact; the weights make it nearly the least-squares fit of a Gaussian under constant noise
    (Guo 2011, IEEE Signal Process. Mag. 28(5), 134).

    position : float64[::1], shape (n_peaks,). Fully overwritten.
    """
    for p in range(index.size):
        apex = index[p]
        first = max(left[p], min(apex - 1, math.ceil(lo[p])))
        last = min(right[p], max(apex + 1, math.floor(hi[p])))
        scale = max(last - apex, apex - first, 1)
        s0 = s1 = s2 = s3 = s4 = t0 = t1 = t2 = 0.0
        for j in range(first, last + 1):
            height = y[j] - base[p]
            if height <= 0:
                continue
            x, weight, log = (j - apex) / scale, height * height, math.log(height)
            s0 += weight
            s1 += weight * x
            s2 += weight * x * x
            s3 += weight * x * x * x
            s4 += weight * x * x * x * x
            t0 += weight * log
            t1 += weight * x * log
            t2 += weight * x * x * log
        slope = t1 * (s0 * s4 - s2 * s2) - t0 * (s1 * s4 - s2 * s3) - t2 * (s0 * s3 - s1 * s2)
        bend = t2 * (s0 * s2 - s1 * s1) - t1 * (s0 * s3 - s1 * s2) + t0 * (s1 * s3 - s2 * s2)
        position[p] = apex
        if bend < 0:
            position[p] = min(max(apex - scale * slope / (2 * bend), max(lo[p], left[p])), min(hi[p], right[p]))


@njit
def areas(mz, y, left, right, base, area):
    """Integral of the height over `base` from `left` to `right`, by trapezoids over m/z.

    area : float64[::1], shape (n_peaks,). Fully overwritten.
    """
    for p in range(left.size):
        total = 0.0
        for j in range(left[p], right[p]):
            total += (mz[j + 1] - mz[j]) * ((np.float64(y[j]) + np.float64(y[j + 1])) / 2.0 - base[p])
        area[p] = total


@njit
def likeness(y, left, right, lo, hi, position, quality):
    """Squared correlation of each peak with the Gaussian of its place and width, over one width on each side; 0 where it is negative.

    position : float64[::1], shape (n_peaks,)
    quality : float64[::1], shape (n_peaks,). Fully overwritten.
    """
    for p in range(left.size):
        width = max(hi[p] - lo[p], 1e-9)
        first = max(left[p], math.ceil(position[p] - width))
        last = min(right[p], math.floor(position[p] + width))
        n = max(last - first + 1, 1)
        sy = sg = syy = sgg = syg = 0.0
        for j in range(first, last + 1):
            z = (j - position[p]) / width
            g = math.exp(-2.772588722239781 * z * z)  # 4 log 2
            v = np.float64(y[j]) - y[first]  # near zero, so that no digits are lost
            sy += v
            sg += g
            syy += v * v
            sgg += g * g
            syg += v * g
        together, spread = syg - sy * sg / n, (syy - sy * sy / n) * (sgg - sg * sg / n)
        quality[p] = min(together * together / spread, 1.0) if together > 0 and spread > 0 else 0.0
