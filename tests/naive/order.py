"""Noise levels: order statistics by sorting, running lines by least squares."""

import numpy as np


def median(values):
    ordered = sorted(float(v) for v in values)
    n = len(ordered)
    return (ordered[(n - 1) // 2] + ordered[n // 2]) / 2


def mad(values):
    middle = median(values)
    return median([abs(float(v) - middle) for v in values])


def area(mz, y):
    return sum((float(b) - float(a)) * (float(u) + float(v)) / 2 for a, b, u, v in zip(mz[:-1], mz[1:], y[:-1], y[1:], strict=True))


def local_mad(y, window):
    """`mad` in windows that overlap by half, and straight lines between their middles."""
    n = len(y)
    if n <= window:
        return [mad(y)] * n
    count = max(2, round(2 * n / window) - 1)
    starts = [k * (n - window) // (count - 1) for k in range(count)]
    middles, levels = [s + (window - 1) / 2 for s in starts], [mad(y[s : s + window]) for s in starts]
    out = []
    for i in range(n):
        k = max((k for k in range(count) if middles[k] <= i), default=None)
        if k is None:
            out.append(levels[0])
        elif k == count - 1:
            out.append(levels[-1])
        else:
            share = (i - middles[k]) / (middles[k + 1] - middles[k])
            out.append(levels[k] + share * (levels[k + 1] - levels[k]))
    return out


def running_lines(x, y, span, least):
    """(lines through `span` of the points around each, sizes of the residuals from lines fitted without the point)."""
    n = len(x)
    half = max(2, int(0.5 * span * n + 0.5))
    smooth, left = [], []
    for j in range(n):
        first = min(max(j - half, 0), max(n - 2 * half - 1, 0))
        xs, ys = x[first : first + 2 * half + 1], y[first : first + 2 * half + 1]
        var = float(np.sum((xs - xs.mean()) ** 2))
        slope = float(np.sum((xs - xs.mean()) * (ys - ys.mean()))) / var if var > least else 0.0
        smooth.append(ys.mean() + slope * (x[j] - xs.mean()))
        pull = 1 / len(xs) + ((x[j] - xs.mean()) ** 2 / var if var > least else 0.0)
        left.append(abs(y[j] - smooth[-1]) / (1 - pull) if pull < 1 else (left[-1] if left else 0.0))
    return np.array(smooth), np.array(left)


def supersmoother(x, y, bass):
    """Friedman's super smoother."""
    n, spans = len(x), (0.05, 0.2, 0.5)
    low, high = max(n // 4, 1) - 1, max(3 * (n // 4), 1) - 1
    while x[high] <= x[low]:
        low, high = max(low - 1, 0), min(high + 1, n - 1)
    least = (1e-3 * (x[high] - x[low])) ** 2
    fits, misses = zip(*(running_lines(x, y, span, least) for span in spans), strict=True)
    misses = np.array([running_lines(x, miss, spans[1], least)[0] for miss in misses])
    chosen = []
    for j in range(n):
        k = int(np.argmin(misses[:, j]))
        span = spans[k]
        if bass > 0 and 0 < misses[k, j] < misses[2, j]:
            span += (spans[2] - span) * max(1e-7, misses[k, j] / misses[2, j]) ** (10 - bass)
        chosen.append(span)
    chosen = running_lines(x, np.array(chosen), spans[1], least)[0]
    blend = [np.interp(min(max(chosen[j], spans[0]), spans[2]), spans, [fit[j] for fit in fits]) for j in range(n)]
    return running_lines(x, np.array(blend), spans[0], least)[0]
