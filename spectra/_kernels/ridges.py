"""Ridge lines: local maxima of a wavelet transform that belong together from the coarsest scale down to the finest.

scale 16        .                 the maxima of each row, linked to the nearest of the next finer row;
scale 12        .                 a line may miss a few rows (gap)
scale  8       .        .
scale  4      .        .     .
"""

import math

import numpy as np

from spectra._kernels._jit import njit
from spectra._kernels.order import select


@njit
def _nearest(position, start, stop, place):
    """Index of the entry of ``position[start:stop]`` (increasing) nearest to `place`, the lower of equals; -1 when there is none."""
    low, high = start, stop
    while low < high:
        middle = (low + high) // 2
        if position[middle] < place:
            low = middle + 1
        else:
            high = middle
    if low > start and (low == stop or place - position[low - 1] <= position[low] - place):
        return low - 1
    return low if low < stop else -1


@njit
def link(position, starts, reach, gap, line):
    """Number the ridge lines, and write each maximum's line.

    position : int64[::1], shape (n_maxima,); rows from the finest scale to the coarsest behind one another, each increasing
    starts : int64[::1], shape (n_rows + 1,)
    reach : int64[::1], shape (n_rows,); how far a line may move to the maximum of this row
    gap : int, how many rows running a line may miss
    line : int64[::1], shape (n_maxima,). Fully overwritten. Returns how many lines there are.
    """
    at, missed = np.empty(position.size, np.int64), np.empty(position.size, np.int64)
    alive, following = np.empty(position.size, np.int64), np.empty(position.size, np.int64)
    lines = living = 0
    for row in range(reach.size - 1, -1, -1):
        start, stop = starts[row], starts[row + 1]
        for m in range(start, stop):
            line[m] = -1
        for a in range(living):  # each line asks for the maximum nearest to it; the nearer line gets it, the older of equals
            r = alive[a]
            m = _nearest(position, start, stop, at[r])
            missed[r] += 1
            if m < 0 or abs(position[m] - at[r]) > reach[row]:
                continue
            rival = line[m]
            if rival < 0 or abs(position[m] - at[r]) < abs(position[m] - at[rival]):
                line[m] = r
        kept = 0
        for m in range(start, stop):
            if line[m] < 0:
                line[m] = lines
                lines += 1
            at[line[m]], missed[line[m]] = position[m], 0
            following[kept] = line[m]
            kept += 1
        for a in range(living):
            if 0 < missed[alive[a]] <= gap:
                following[kept] = alive[a]
                kept += 1
        living = kept
        alive, following = following, alive
    return lines


@njit
def summarise(starts, value, line, best, top):
    """For each line: its maximum of greatest value, and its coarsest row.

    best, top : int64[::1], shape (n_lines,). Fully overwritten.
    """
    for r in range(best.size):
        best[r], top[r] = -1, -1
    for row in range(starts.size - 1):
        for m in range(starts[row], starts[row + 1]):
            r = line[m]
            top[r] = row
            if best[r] < 0 or value[m] > value[best[r]]:
                best[r] = m


@njit
def _bracket(y, share, work):
    """Two absolute values between which the quantile almost surely lies, from one point in eight."""
    m = 0
    for i in range(0, y.size, 8):
        work[m] = abs(y[i])
        m += 1
    at, margin = share * (m - 1), 3 * math.sqrt(share * (1 - share) * m) + 1
    low = select(work, m, max(0, int(at - margin)))
    return low, select(work, m, min(m - 1, int(at + margin) + 1))


@njit
def window_quantile(y, centres, half_width, share, work, out):
    """The `share` quantile of absolute values within `half_width` of each centre (the lower of two neighbours in rank).

    centres : int64[::1]; work : float64[::1], shape (2 * half_width + 1,); out : float64[::1], shape of `centres`. Overwritten.
    """
    # Only what lies inside a bracket is kept and sorted further: 3 ns a point instead of 10.
    for c in range(centres.size):
        part = y[max(0, centres[c] - half_width) : min(y.size, centres[c] + half_width + 1)]
        n = part.size
        k = int(share * (n - 1))
        low, high = _bracket(part, share, work)
        below = inside = 0
        for i in range(n):
            value = abs(part[i])
            work[inside] = value
            below += np.int64(value < low)
            inside += np.int64((value >= low) & (value <= high))
        if k < below or k >= below + inside:  # the bracket missed
            for i in range(n):
                work[i] = abs(part[i])
            below, inside = 0, n
        out[c] = select(work, inside, k - below)
