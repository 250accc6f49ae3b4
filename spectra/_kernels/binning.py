"""Groups of peaks that are one peak across spectra, and the table spectra by groups.

Peaks of all spectra lie pooled, by increasing mass. The pool is split at its widest gap, the halves at theirs, and so on down; a piece
that may stand as a group is split no further. Which gap comes next below another is a Cartesian tree of the gaps, and whether a
piece may stand is answered in constant time, so all of it is linear::

    masses   a  b     c d   e        f g
    gaps       3    6  1  3     9     1          tree: 9 -> (6 -> (3, 3 -> (1, .)), 1)
"""

import numpy as np

from spectra._kernels._jit import njit

STRICT, RELAXED, REFERENCE = 0, 1, 2


@njit
def _add(high, low, x):
    """high + low + x as an unevaluated sum of two doubles (Knuth's two-sum)."""
    total = high + x
    part = total - high
    return total, low + ((high - (total - part)) + (x - part))


@njit
def _mean(high, low, count):
    """(high + low) / count, rounded once: what R's long-double mean gives."""
    rough = (high + low) / count
    shifted = 134217729.0 * rough  # Veltkamp's split: the upper half times a count below 2**27 is exact
    upper = shifted - (shifted - rough)
    rest = ((high - upper * count) - (rough - upper) * count) + low
    return rough + rest / count


@njit
def _gap_tree(mass, below, above):
    """Children of each gap's node: the widest gap among the smaller masses and among the larger; the first of equals is above.

    below, above : int64[::1], shape (n_peaks - 1,). Fully overwritten, -1 for none. Returns the root.
    """
    stack = np.empty(below.size, np.int64)
    depth = 0
    for i in range(below.size):
        below[i], above[i] = -1, -1
        gap = mass[i + 1] - mass[i]
        while depth > 0 and mass[stack[depth - 1] + 1] - mass[stack[depth - 1]] < gap:
            depth -= 1
            below[i] = stack[depth]
        if depth > 0:
            above[stack[depth - 1]] = i
        stack[depth] = i
        depth += 1
    return stack[0]


@njit
def _summaries(mass, sample, n_samples, high, low, twice, references):
    """What makes every question about a range of peaks a difference of two entries.

    high, low : float64[::1], shape (n_peaks + 1,): sums of all masses before
    twice : int64[::1], shape (n_peaks,): the first peak by which a range that begins here holds some sample twice
    references : int64[::1], shape (n_peaks + 1,): how many peaks before belong to sample 0
    """
    n = mass.size
    high[0], low[0], references[0] = 0.0, 0.0, 0
    for i in range(n):
        high[i + 1], low[i + 1] = _add(high[i], low[i], mass[i])
        references[i + 1] = references[i] + (sample[i] == 0)
    following = np.full(n_samples, n, np.int64)
    first = n
    for i in range(n - 1, -1, -1):
        first = min(first, following[sample[i]])
        following[sample[i]] = i
        twice[i] = first


@njit
def _verdict(a, b, mass, high, low, twice, references, anchors, tolerance, method):
    """(stands, centre): may the peaks a .. b be one group, and what is its mass; NaN when no reference peak is among them."""
    if method == REFERENCE:
        count = references[b + 1] - references[a]
        if count != 1:
            return count == 0, np.nan
        middle = anchors[references[a]]
    else:
        if method == STRICT and twice[a] <= b:
            return False, 0.0
        middle = _mean(high[b + 1] - high[a], low[b + 1] - low[a], b + 1 - a)
    return abs(mass[a] - middle) / middle <= tolerance and abs(mass[b] - middle) / middle <= tolerance, middle


@njit
def split(mass, sample, n_samples, tolerance, method, start, centre):
    """Split the pool into groups; the whole pool is never one of them, unless it is a single peak.

    mass : float64[::1], shape (n_peaks,), increasing, at least one
    sample : int64[::1], shape (n_peaks,)
    method : STRICT, RELAXED or REFERENCE (sample 0 is the reference)
    start, centre : int64[::1], float64[::1], shape (n_peaks,). Overwritten up to the count of groups, which is returned; `centre` is
        NaN for a group without a reference peak.
    """
    n = mass.size
    high, low, references = np.empty(n + 1), np.empty(n + 1), np.empty(n + 1, np.int64)
    twice, below, above = np.empty(n, np.int64), np.empty(n - 1, np.int64), np.empty(n - 1, np.int64)
    _summaries(mass, sample, n_samples, high, low, twice, references)
    anchors = np.empty(references[n])
    for i in range(n):
        if references[i + 1] > references[i]:
            anchors[references[i]] = mass[i]
    pieces = np.empty((n + 1, 3), np.int64)
    pieces[0, 0], pieces[0, 1], pieces[0, 2] = 0, n - 1, (_gap_tree(mass, below, above) if n > 1 else -1)
    depth, found, whole = 1, 0, n > 1
    while depth > 0:
        depth -= 1
        a, b, node = pieces[depth, 0], pieces[depth, 1], pieces[depth, 2]
        stands, middle = _verdict(a, b, mass, high, low, twice, references, anchors, tolerance, method)
        if stands and not whole:
            start[found], centre[found] = a, middle
            found += 1
        else:  # the smaller masses go on top, so that groups come out by increasing mass
            pieces[depth, 0], pieces[depth, 1], pieces[depth, 2] = node + 1, b, above[node]
            pieces[depth + 1, 0], pieces[depth + 1, 1], pieces[depth + 1, 2] = a, node, below[node]
            depth += 2
        whole = False
    return found


@njit
def number(start, rank, order, out):
    """Write each peak's bin where it stood before the pool was sorted: one pass instead of three over millions of peaks.

    start, rank : int64[::1], shape (n_groups,): where each group begins, and its bin; order : int64[::1], shape (n_peaks,)
    out : int64[::1], shape (n_peaks,). Fully overwritten.
    """
    for g in range(start.size):
        for i in range(start[g], start[g + 1] if g + 1 < start.size else order.size):
            out[order[i]] = rank[g]


@njit
def choose(mass, intensity, sample, n_samples, start, centre, chosen, recentre):
    """Mark each sample's highest peak in each group (the first of equals); none in a group whose centre is NaN.

    chosen : bool[::1], shape (n_peaks,). Fully overwritten.
    recentre : bool. Make `centre` the mean of the chosen.
    """
    best, stamp = np.empty(n_samples, np.int64), np.full(n_samples, -1, np.int64)
    for g in range(start.size):
        stop = start[g + 1] if g + 1 < start.size else mass.size
        for i in range(start[g], stop):
            s = sample[i]
            chosen[i] = False
            if stamp[s] != g or intensity[i] > intensity[best[s]]:
                stamp[s], best[s] = g, i
        if np.isnan(centre[g]):
            continue
        high, low, count = 0.0, 0.0, 0
        for i in range(start[g], stop):
            if best[sample[i]] == i:
                chosen[i] = True
                high, low = _add(high, low, mass[i])
                count += 1
        if recentre:
            centre[g] = _mean(high, low, count)


@njit
def place(mass, intensity, offsets, low, high, winner):
    """Each spectrum's highest peak in each frozen bin (the first of equals), or -1.

    mass, intensity : float64[::1]; peaks of all spectra behind one another, increasing within each
    low, high : float64[::1], shape (n_bins,), both increasing, ``low[b] <= high[b] <= low[b + 1]``
    winner : int64[:, ::1], shape (n_spectra, n_bins). Fully overwritten.
    """
    for s in range(winner.shape[0]):
        row = winner[s]
        for b in range(low.size):
            row[b] = -1
        b = 0
        for i in range(offsets[s], offsets[s + 1]):
            while b + 1 < low.size and low[b + 1] <= mass[i]:
                b += 1
            if low[b] <= mass[i] <= high[b] and (row[b] < 0 or intensity[i] > intensity[row[b]]):
                row[b] = i


@njit
def _warped(m, at, shift, k):
    """m + shift at m, by the line between knots k and k + 1; constant beyond the ends."""
    if at.size == 0:
        return m
    if m <= at[0]:
        return m + shift[0]
    if m >= at[-1]:
        return m + shift[-1]
    while at[k] > m:
        k -= 1
    while at[k + 1] < m:
        k += 1
    return m + shift[k] + (m - at[k]) / (at[k + 1] - at[k]) * (shift[k + 1] - shift[k])


@njit
def _unwarped(target, at, shift, k):
    """Where a point lies on the profile's own axis that the warp moves to `target`; knots k and k + 1 are moved to either side of it."""
    if at.size == 0:
        return target
    if target <= at[0] + shift[0]:
        return target - shift[0]
    if target >= at[-1] + shift[-1]:
        return target - shift[-1]
    low, high = at[k] + shift[k], at[k + 1] + shift[k + 1]
    return at[k] + (target - low) / (high - low) * (at[k + 1] - at[k])


@njit
def fill(bin_mz, mz, y, at, shift, present, values):
    """Write the profile's own intensity (linear between points, zero outside) at the bins where no peak was found.

    at, shift : float64[::1], the spectrum's warp; the axis is never warped as a whole: only the two points around a bin are
    values : float64[::1], shape (n_bins,). Overwritten where not `present`.
    """
    n, knots = mz.size, at.size
    k, i = 0, 0
    for b in range(bin_mz.size):
        if present[b]:
            continue
        target = bin_mz[b]
        while k + 2 < knots and at[k + 1] + shift[k + 1] <= target:
            k += 1
        place = _unwarped(target, at, shift, k)
        stride = 1  # gallop to the last point at or below the place: bins and points both increase
        while i + stride < n and mz[i + stride] <= place:
            i += stride
            stride *= 2
        while stride > 0:
            if i + stride < n and mz[i + stride] <= place:
                i += stride
            stride //= 2
        left = _warped(mz[i], at, shift, k)
        while left > target and i > 0:  # the place may be a rounding off
            i -= 1
            left = _warped(mz[i], at, shift, k)
        if left == target:
            values[b] = y[i]
        elif left > target or i + 1 >= n:
            values[b] = 0.0
        else:
            right = _warped(mz[i + 1], at, shift, k)
            values[b] = y[i] + (target - left) / (right - left) * (y[i + 1] - y[i])
