"""Locally weighted regression, the obvious way: one weighted line for each point."""

import numpy as np


def lowess(x, y, span=2 / 3, iterations=3):
    n = len(x)
    near = max(2, min(n, int(span * n + 1e-7)))
    robust = np.ones(n)
    for iteration in range(iterations + 1):
        fitted = np.array([_line(x, y, x[i], np.sort(np.abs(x - x[i]))[near - 1], robust, y[i]) for i in range(n)])
        residual = np.abs(y - fitted)
        cut = 6 * np.median(residual)
        if iteration == iterations or cut < 1e-7 * residual.mean():
            return fitted
        robust = np.where(residual > 0.999 * cut, 0, (1 - (residual / max(cut, 1e-300)) ** 2) ** 2)
        robust[residual <= 0.001 * cut] = 1


def _line(x, y, centre, radius, robust, otherwise):
    distance = np.abs(x - centre)
    weights = np.where(distance > 0.999 * radius, 0, (1 - (distance / radius) ** 3) ** 3)
    weights[distance <= 0.001 * radius] = 1
    weights = weights * robust
    if weights.sum() <= 0:
        return otherwise
    mean = np.average(x, weights=weights)
    spread = np.average((x - mean) ** 2, weights=weights)
    level = np.average(y, weights=weights)
    if np.sqrt(spread) <= 0.001 * (x[-1] - x[0]):
        return level
    return level + (centre - mean) * np.average((x - mean) * y, weights=weights) / spread


def warp(mz, at, shift):
    """Shifted masses of one spectrum."""
    return mz + np.interp(mz, at, shift) if at.size else mz
