"""Sums over a profile."""

import numpy as np

from spectra._kernels._jit import FAST_MATH, njit


@njit(fastmath=FAST_MATH)
def area(mz, y):
    """Integral over m/z by trapezoids, in float64.

    mz : float64[::1], y : float[::1], shape (n_points,)
    """
    n = y.size - 1
    left, right, low, high = y[:n], y[1:], mz[:n], mz[1:]
    total = 0.0
    for i in range(n):
        total += (high[i] - low[i]) * (np.float64(left[i]) + np.float64(right[i]))
    return total / 2
