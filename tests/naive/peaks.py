"""Peaks, the obvious way."""

import numpy as np


def local_maxima(y, half_window, floor):
    found = []
    for i in range(len(y)):
        before, after = y[max(i - half_window, 0) : i], y[i + 1 : i + half_window + 1]
        if y[i] > floor and (before < y[i]).all() and (after <= y[i]).all():
            found.append(i)
    return found


def bounds(y, index, noise, reach):
    """(left, right) of each peak: walk away from the apex and keep the lowest point until the profile climbs out of the noise."""

    def walk(points, rise):
        lowest = points[0]
        for j in points[1:]:
            if y[lowest] <= 0 or (y[j] >= y[lowest] and y[j] - y[lowest] > rise):
                break
            if y[j] < y[lowest]:
                lowest = j
        return lowest

    ends = []
    for p, apex in enumerate(index):
        low = max(apex - reach[p], index[p - 1] if p else 0)
        high = min(apex + reach[p], index[p + 1] if p + 1 < len(index) else len(y) - 1)
        rise = min(3 * noise[p], y[apex] / 2)
        ends.append((walk(range(apex, low - 1, -1), rise), walk(range(apex, high + 1), rise)))
    return ends


def half_heights(y, index, left, right, base):
    """Positions of half height on both sides, by looking at every step between two points."""
    ends = []
    for apex, first, last, floor in zip(index, left, right, base, strict=True):
        level = floor + (y[apex] - floor) / 2
        steps = [(j, (level - y[j]) / (y[j + 1] - y[j])) for j in range(first, apex) if y[j] <= level < y[j + 1]]
        lo = steps[-1][0] + steps[-1][1] if steps else None
        steps = [(j, (level - y[j]) / (y[j - 1] - y[j])) for j in range(apex + 1, last + 1) if y[j] <= level < y[j - 1]]
        hi = steps[0][0] - steps[0][1] if steps else None
        if lo is None and hi is None:
            lo, hi = first, last
        ends.append((2 * apex - hi if lo is None else lo, 2 * apex - lo if hi is None else hi))
    return ends


def apexes(y, index, left, right, lo, hi, base):
    """Vertex of the weighted least-squares parabola through the logarithms of the upper half."""
    found = []
    for p, apex in enumerate(index):
        first = max(left[p], min(apex - 1, int(np.ceil(lo[p]))))
        last = min(right[p], max(apex + 1, int(np.floor(hi[p]))))
        points = np.array([j for j in range(first, last + 1) if y[j] > base[p]])
        height = np.array([float(y[j]) for j in points]) - base[p]
        found.append(float(apex))
        if points.size >= 3:
            bend, slope, _ = np.polyfit(points - apex, np.log(height), 2, w=height)
            if bend < 0:
                found[-1] = float(np.clip(apex - slope / (2 * bend), max(lo[p], left[p]), min(hi[p], right[p])))
    return found


def areas(mz, y, left, right, base):
    return [np.trapezoid(y[a : b + 1] - floor, mz[a : b + 1]) for a, b, floor in zip(left, right, base, strict=True)]


def likeness(y, left, right, lo, hi, position):
    """Squared correlation with a drawn Gaussian."""
    found = []
    for a, b, fwhm, centre in zip(left, right, hi - lo, position, strict=True):
        points = np.array([j for j in range(a, b + 1) if abs(j - centre) <= fwhm])
        shape = np.exp(-4 * np.log(2) * ((points - centre) / fwhm) ** 2)
        constant = points.size < 2 or np.ptp(y[points]) == 0 or np.ptp(shape) == 0
        r = 0.0 if constant else np.corrcoef(y[points], shape)[0, 1]
        found.append(max(r, 0) ** 2)
    return found
