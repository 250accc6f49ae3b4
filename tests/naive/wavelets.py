"""Wavelet transforms by their sums, shrinking by its cases."""

import math

import numpy as np


def decimate(x, low, high):
    n = len(x)

    def at(i):
        i %= 2 * n
        return x[i] if i < n else x[2 * n - 1 - i]

    count = (n + len(low) - 1) // 2
    return [np.array([sum(w * at(2 * i + 1 - k) for k, w in enumerate(taps)) for i in range(count)]) for taps in (low, high)]


def dwt(x, low, high, levels):
    details = []
    for _ in range(levels):
        x, detail = decimate(x, low, high)
        details.append(detail)
    return [x, *details[::-1]]


def swt(x, low, high, levels, *, ahead):
    """Coefficient i sums low[k] * x[i + ahead * step - k * step] on a circle; `ahead` is half the filter's length, or 0."""
    n, details = len(x), []
    for level in range(levels):
        step = 2**level
        both = [np.array([sum(w * x[(i + (ahead - k) * step) % n] for k, w in enumerate(taps)) for i in range(n)]) for taps in (low, high)]
        x = both[0]
        details.append(both[1])
    return [x, *details[::-1]]


def shrink(d, t, mode):
    out = []
    for x in d:
        size, sign = abs(x), math.copysign(1, x)
        if size <= t:
            out.append(0.0)
        elif mode == "hard" or (mode == "firm" and size >= 2 * t):
            out.append(x)
        elif mode == "soft":
            out.append(sign * (size - t))
        elif mode == "garrote":
            out.append(x - t * t / x)
        else:
            out.append(sign * 2 * (size - t))
    return np.array(out)


def sure(d):
    """Threshold among the sizes of the details, and none, with the least of Stein's estimate for noise level 1."""
    candidates = [0.0, *sorted(abs(x) for x in d)]
    risks = [len(d) - 2 * sum(abs(x) <= t for x in d) + sum(min(abs(x), t) ** 2 for x in d) for t in candidates]
    risks[0] = len(d)
    best = candidates[min(range(len(risks)), key=risks.__getitem__)]
    return min(best, math.sqrt(2 * math.log(len(d))))


def denoise(y, filters, levels, factor, mode):
    """Soft, hard, ... with one threshold, on the profile mirrored to twice its length, where the circle has no seam."""
    low, high, back_low, back_high = filters
    n, ahead = len(y), len(low) // 2
    x = np.concatenate([y, y[::-1]])
    approximation, *details = swt(x, low, high, levels, ahead=ahead)
    sizes = np.abs(details[-1][:n])
    level = np.median(sizes[sizes > 1e-12]) / 0.6744897501960817
    for j, detail in zip(range(levels - 1, -1, -1), details, strict=True):
        shrunk, step = shrink(detail, factor * level, mode), 2**j
        approximation = np.array(
            [
                sum(
                    back_low[len(low) - 1 - k] * approximation[(i + (k - ahead) * step) % (2 * n)]
                    + back_high[len(low) - 1 - k] * shrunk[(i + (k - ahead) * step) % (2 * n)]
                    for k in range(len(low))
                )
                / 2
                for i in range(2 * n)
            ]
        )
    return approximation[:n]
