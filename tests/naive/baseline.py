"""Baselines, one point at a time."""

import numpy as np


def snip(y, windows):
    y = list(y)
    for k in windows:
        y = [min(y[i], (y[i - k] + y[i + k]) / 2) if k <= i < len(y) - k else y[i] for i in range(len(y))]
    return np.array(y)


def snip_bent(y, windows, order):
    """Clipped against the highest of the polynomials through `order` neighbours (or 2, 4, ... fewer), read in the middle."""
    y = [float(v) for v in y]
    for k in windows:
        new = list(y)
        for i in range(k, len(y) - k):
            middles = []
            for points in range(2, order + 1, 2):
                half = points // 2
                distances = [j * k // half for j in range(1, half + 1)]
                values = [y[i + s * d] for j, d in enumerate(distances, 1) for s in (-1, 1)]
                places = [s * j for j in range(1, half + 1) for s in (-1, 1)]  # as if evenly spaced
                middles.append(np.linalg.solve(np.vander(np.array(places, float), points), values)[-1])
            new[i] = min(y[i], max(middles))
        y = new
    return np.array(y)


def opening(y, half_window):
    def slide(values, extreme):
        return [extreme(values[max(i - half_window, 0) : i + half_window + 1]) for i in range(len(values))]

    return np.array(slide(slide(list(y), min), max))


def running_median(y, half_window):
    """R's ``runmed`` with its rule for the ends."""
    n, h = len(y), half_window
    inner = np.array([np.median(y[i - h : i + h + 1]) if h <= i < n - h else y[i] for i in range(n)])
    out = inner.copy()
    for i in range(1, h):
        out[i] = np.median(inner[: 2 * i + 1])
        out[n - 1 - i] = np.median(inner[n - 2 * i - 1 :])
    out[0] = np.median([inner[0], out[1], 3 * out[1] - 2 * out[2]])
    out[-1] = np.median([inner[-1], out[-2], 3 * out[-2] - 2 * out[-3]])
    return out


def lower_hull(mz, y):
    """At each point the lowest chord between any point at or before and any at or after it."""
    out = []
    for i in range(len(y)):
        chords = [y[i]]
        for a in range(i):
            for b in range(i + 1, len(y)):
                chords.append(y[a] + (y[b] - y[a]) * (mz[i] - mz[a]) / (mz[b] - mz[a]))
        out.append(min(chords))
    return np.array(out)


def rolling_ball(y, half_window):
    floor = opening(y, half_window)
    last = len(y) - 1
    return np.array([np.mean([floor[min(max(j, 0), last)] for j in range(i - half_window, i + half_window + 1)]) for i in range(len(y))])


def solve(w, y, penalty):
    """The curve of least ``sum w (y - z)**2 + penalty * sum (second differences of z)**2``."""
    bend = np.diff(np.eye(len(y)), 2, axis=0)
    return np.linalg.solve(np.diag(w) + penalty * bend.T @ bend, w * y)


def solve_uneven(w, y, penalty, eta):
    step, bend = np.diff(np.eye(len(y)), 1, axis=0), np.diff(np.eye(len(y)), 2, axis=0)
    matrix = np.diag(w) + step.T @ step + penalty * (np.eye(len(y)) - eta * np.diag(w)) @ bend.T @ bend
    return np.linalg.solve(matrix, w * y)
