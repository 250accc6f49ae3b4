"""Penalised least squares: the curve near the weighted points whose second differences are small.

The normal equations have five diagonals. They are factorised point by point, and every iteration that finds new weights runs here.
All in float64: with penalties of a million, single precision would lose the curve.
"""

import math

from spectra._kernels._jit import FAST_MATH, njit

ASLS, ARPLS, AIRPLS, DRPLS = range(4)
TINY = 2.2250738585072014e-308  # stands for a spread of zero
LOG_MAX = 709.782712893384


@njit(fastmath=FAST_MATH)
def solve(w, y, penalty, z, work):
    """Solve (W + penalty D'D) z = W y by a factorisation L diag(d) L' and two sweeps.

    w, y : float64[::1], shape (n_points,), at least four
    z : float64[::1], shape (n_points,). Fully overwritten.
    work : float64[:, ::1], shape (3, n_points). Overwritten.
    """
    n = w.size
    scale, first, second = work[0], work[1], work[2]
    d1 = d2 = e1 = f1 = f2 = z1 = z2 = 0.0
    for i in range(n):
        end = min(i, n - 1 - i)
        on = penalty * (1.0 if end == 0 else (5.0 if end == 1 else 6.0))
        next1 = penalty * (0.0 if i == n - 1 else (-2.0 if i == 0 or i == n - 2 else -4.0))
        next2 = penalty if i < n - 2 else 0.0
        d = w[i] + on - e1 * e1 * d1 - f2 * f2 * d2
        inverse = 1.0 / d
        e = (next1 - d1 * e1 * f1) * inverse
        f = next2 * inverse
        value = w[i] * y[i] - e1 * z1 - f2 * z2
        scale[i], first[i], second[i], z[i] = inverse, e, f, value
        d2, d1, f2, f1, e1 = d1, d, f1, f, e
        z2, z1 = z1, value
    z1 = z2 = 0.0
    for i in range(n - 1, -1, -1):
        value = z[i] * scale[i] - first[i] * z1 - second[i] * z2
        z[i] = value
        z2, z1 = z1, value


@njit(fastmath=FAST_MATH)
def solve_uneven(w, y, penalty, eta, z, work):
    """Solve (W + D1'D1 + penalty (I - eta W) D'D) z = W y by elimination, for the doubly reweighted baseline.

    Arguments as for `solve`.
    """
    n = w.size
    scale, first, second = work[0], work[1], work[2]
    up1 = up2 = 0.0  # the eliminated rows' entries right of the diagonal: one row up, two rows up
    far1 = far2 = 0.0
    z1 = z2 = 0.0
    for i in range(n):
        end = min(i, n - 1 - i)
        bend = penalty * (1.0 - eta * w[i])
        on = w[i] + bend * (1.0 if end == 0 else (5.0 if end == 1 else 6.0)) + (1.0 if end == 0 else 2.0)
        after = 0.0 if i == n - 1 else -1.0 + bend * (-2.0 if i == 0 or i == n - 2 else -4.0)
        before = 0.0 if i == 0 else -1.0 + bend * (-2.0 if i == n - 1 or i == 1 else -4.0)
        ahead = bend if i < n - 2 else 0.0
        behind = bend if i > 1 else 0.0
        left = before - behind * up2
        inverse = 1.0 / (on - behind * far2 - left * up1)
        value = (w[i] * y[i] - behind * z2 - left * z1) * inverse
        up = (after - left * far1) * inverse
        scale[i], first[i], second[i], z[i] = inverse, up, ahead * inverse, value
        up2, up1, far2, far1 = up1, up, far1, ahead * inverse
        z2, z1 = z1, value
    z1 = z2 = 0.0
    for i in range(n - 1, -1, -1):
        value = z[i] - first[i] * z1 - second[i] * z2
        z[i] = value
        z2, z1 = z1, value


@njit(fastmath=FAST_MATH)
def _below(y, z):
    """How many points lie below the curve, the mean and the standard deviation of how far, and the sum."""
    count, total = 0.0, 0.0
    for i in range(y.size):
        residual = min(y[i] - z[i], 0.0)
        count += 1.0 if residual < 0 else 0.0
        total += residual
    mean = total / max(count, 1.0)
    spread = 0.0
    for i in range(y.size):
        residual = y[i] - z[i]
        spread += (residual - mean) * (residual - mean) if residual < 0 else 0.0
    deviation = math.sqrt(spread / max(count - 1.0, 1.0))
    return count, mean, max(deviation, TINY), total


@njit
def _exact(y, z):
    """Does the curve pass through every point, but for rounding? Then the signs of the residuals mean nothing."""
    size = gap = 0.0
    for i in range(y.size):
        size = max(size, abs(y[i]))
        gap = max(gap, abs(y[i] - z[i]))
    return gap <= 1e-9 * size


@njit
def _weight(rule, residual, slope, shift):
    if rule == ARPLS:
        return 1.0 / (1.0 + math.exp(min(slope * (residual - shift), LOG_MAX)))
    if rule == DRPLS:
        inner = slope * (residual - shift)
        return 0.5 * (1.0 - inner / (1.0 + abs(inner)))
    if rule == AIRPLS:
        return math.exp(min(slope * residual, LOG_MAX)) if residual < 0 else 0.0
    return slope if residual > 0 else 1.0 - slope


@njit
def _reweight(y, z, rule, slope, shift, w):
    """New weights; returns how much they changed, relative to the old."""
    change = old = 0.0
    for i in range(y.size):
        new = _weight(rule, y[i] - z[i], slope, shift)
        change += (new - w[i]) * (new - w[i])
        old += w[i] * w[i]
        w[i] = new
    return math.sqrt(change) / max(math.sqrt(old), TINY)


@njit
def baseline(y, rule, penalty, parameter, tolerance, limit, w, z, work):
    """Solve and reweight until the weights (AIRPLS: the points below the curve) change by less than `tolerance`.

    y : float64[::1], shape (n_points,)
    rule : ASLS (`parameter` is the weight of points above the curve), ARPLS, AIRPLS, DRPLS (`parameter` is eta)
    limit : how many times the curve may be solved for
    w : float64[::1], shape (n_points,). Overwritten by the last weights.
    z : likewise, by the curve
    work : float64[:, ::1], shape (3, n_points). Overwritten.

    Returns the number of solutions and the last change; -1 stands for a change when hardly a point lay below the curve.
    """
    size = 0.0
    for i in range(y.size):
        w[i] = 1.0
        size += abs(y[i])
    change = math.inf
    for turn in range(1, limit + 1):
        if rule == DRPLS:
            solve_uneven(w, y, penalty, parameter, z, work)
        else:
            solve(w, y, penalty, z, work)
        if turn == 1 and _exact(y, z):
            return turn, 0.0
        slope, shift, total = parameter, 0.0, 0.0
        if rule != ASLS:
            count, mean, deviation, total = _below(y, z)
            if count < 2:
                return turn, -1.0
            shift = 2 * deviation - mean
            slope = 2.0 / deviation
            if rule == DRPLS:
                slope = math.exp(min(turn, 100)) / deviation
            elif rule == AIRPLS:
                slope = min(turn, 50) / total
        if rule == AIRPLS:
            change = abs(total) / max(size, TINY)
            if change < tolerance:
                return turn, change
        changed = _reweight(y, z, rule, slope, shift, w)
        if rule != AIRPLS:
            change = changed
            if change < tolerance:
                return turn, change
    return limit, change
