"""Window filters, one point at a time."""

import numpy as np


def savitzky_golay(y, half_window, order):
    """Fit a polynomial to each window and read it at the point; end points read the first and last window's."""
    n = len(y)
    out = []
    for i in range(n):
        first = min(max(i - half_window, 0), n - 2 * half_window - 1)
        places = np.arange(first, first + 2 * half_window + 1) - i
        fit = np.polynomial.Polynomial.fit(places, y[places + i], order)
        out.append(fit(0))
    return np.array(out)


def moving_average(y, half_window, weighted):
    n = len(y)
    weights = [0.5 ** abs(k) if weighted else 1.0 for k in range(-half_window, half_window + 1)]
    out = []
    for i in range(n):
        first = min(max(i - half_window, 0), n - 2 * half_window - 1)
        out.append(sum(w * v for w, v in zip(weights, y[first : first + 2 * half_window + 1], strict=True)) / sum(weights))
    return np.array(out)
