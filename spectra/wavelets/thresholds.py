"""How far coefficients are pulled in: noise levels and thresholds of one level's details."""

import numpy as np

from spectra._kernels import order

QUARTILE = 0.6744897501960817  # median of the absolute value of a standard normal variable


def universal(n_points):
    """Threshold, in noise levels, that noise alone hardly ever passes (Donoho & Johnstone 1994)."""
    return float(np.sqrt(2 * np.log(n_points)))


def minimax(n_points):
    """Threshold, in noise levels, of least worst-case risk (Donoho & Johnstone 1994, fit of Bruce & Gao)."""
    return 0.3936 + 0.1829 * float(np.log2(n_points)) if n_points > 32 else 0.0


def sure(details):
    """Threshold of least estimated risk for soft shrinking of details with noise level 1 (Stein 1981; Donoho & Johnstone 1995)."""
    n = details.size
    squares = np.sort(np.square(details, dtype=np.float64))
    kept = n - 1 - np.arange(n)
    risk = n - 2.0 * (n - kept) + np.cumsum(squares) + kept * squares
    best = int(np.argmin(risk))
    return min(float(np.sqrt(squares[best])), universal(n)) if risk[best] < n else 0.0


def bayes(details):
    """Threshold for details with noise level 1 whose signal is nearly Laplacian (Chang, Yu & Vetterli 2000)."""
    spread = float(np.mean(np.square(details, dtype=np.float64)))
    return 1.0 / float(np.sqrt(max(spread - 1.0, np.finfo(details.dtype).eps)))


def noise_level(details, floor):
    """Standard deviation of the noise, from the median size of the details that are more than `floor`, the rounding error."""
    room = order.room_for(details.size, details.dtype)
    return float(order.median_size(details, details.dtype.type(floor), np.empty_like(details), *room)) / QUARTILE


def local_noise_levels(details, window, floor):
    """The same in windows of `window` points, each overlapping half of its neighbours, and linear between their middles."""
    n = details.size
    if n <= window:
        return np.full(n, noise_level(details, floor))
    blocks = max(2, round(2 * n / window) - 1)
    starts = np.arange(blocks) * (n - window) // (blocks - 1)
    levels = np.empty(blocks)
    order.block_levels(details, starts, starts + window, False, *order.room_for(window, details.dtype), levels)
    out = np.empty(n)
    order.ramps(starts + (window - 1) / 2, levels / QUARTILE, out)
    return out
