"""Undecimated wavelet transforms of one profile and the shrinking of their coefficients.

Every transform here is *valid*: it writes only what whole filters can see, and whoever calls it has extended the profile. All of
them run on shifted views, four or eight taps of two filters a pass, in tiles that stay in the first cache.
"""

import math

from spectra._kernels._jit import njit

FAST = frozenset({"contract", "nsz", "nnan"})
TILE = 1024
HARD, SOFT, GARROTE, FIRM, KEEP = range(5)


@njit(fastmath=FAST)
def _eight_taps(x, step, low, high, add, a, d):
    """a = low . x and d = high . x (or +=, with `add`) for eight taps `step` apart."""
    n = a.size
    l0, l1, l2, l3, l4, l5, l6, l7 = low[0], low[1], low[2], low[3], low[4], low[5], low[6], low[7]
    h0, h1, h2, h3, h4, h5, h6, h7 = high[0], high[1], high[2], high[3], high[4], high[5], high[6], high[7]
    x0, x1, x2, x3 = x[:n], x[step : step + n], x[2 * step : 2 * step + n], x[3 * step : 3 * step + n]
    x4, x5 = x[4 * step : 4 * step + n], x[5 * step : 5 * step + n]
    x6, x7 = x[6 * step : 6 * step + n], x[7 * step : 7 * step + n]
    for i in range(n):
        v0, v1, v2, v3, v4, v5, v6, v7 = x0[i], x1[i], x2[i], x3[i], x4[i], x5[i], x6[i], x7[i]
        p = l0 * v0 + l1 * v1 + l2 * v2 + l3 * v3 + l4 * v4 + l5 * v5 + l6 * v6 + l7 * v7
        q = h0 * v0 + h1 * v1 + h2 * v2 + h3 * v3 + h4 * v4 + h5 * v5 + h6 * v6 + h7 * v7
        a[i] = a[i] + p if add else p
        d[i] = d[i] + q if add else q


@njit(fastmath=FAST)
def analyse(x, low, high, step, a, d):
    """One undecimated level: a[i] = sum of low[k] * x[i + k * step], and likewise d with `high`.

    x : float[::1], shape (n_points + (n_taps - 1) * step,)
    low, high : same dtype, shape (n_taps,), a multiple of eight
    a, d : same dtype, shape (n_points,). Fully overwritten; must not alias `x`.
    """
    for start in range(0, a.size, TILE):
        # eight taps a pass: 1.2 ns a point for 16 taps of two filters against 1.35 with four; the multiplications alone take 1.1
        n = min(TILE, a.size - start)
        for k in range(0, low.size, 8):
            _eight_taps(x[start + k * step :], step, low[k : k + 8], high[k : k + 8], k > 0, a[start : start + n], d[start : start + n])


@njit(fastmath=FAST)
def _shrink(d, limit, scale, rule):
    zero = d.dtype.type(0)
    two = d.dtype.type(2)
    if rule == HARD:
        for i in range(d.size):
            d[i] = d[i] if abs(d[i]) > scale * limit[i] else zero
    elif rule == SOFT:
        for i in range(d.size):
            t = scale * limit[i]
            d[i] = d[i] - min(max(d[i], -t), t)
    elif rule == GARROTE:
        for i in range(d.size):
            t = scale * limit[i]
            d[i] = d[i] - t * t / d[i] if abs(d[i]) > t else zero
    else:
        for i in range(d.size):
            size = abs(d[i])
            d[i] = math.copysign(min(two * max(size - scale * limit[i], zero), size), d[i])


@njit
def shrink(d, limit, scale, rule, first, last):
    """Pull the coefficients ``first .. last - 1`` towards zero, in place: those up to the threshold t become 0, and above it

    HARD keeps x, SOFT gives x - t, GARROTE x - t**2 / x, FIRM 2 (x - t) but at most x (and likewise below zero).

    d : float[::1], shape (n,)
    limit, scale : same dtype, shape (n,) or, when it is one for all, TILE equal values; a scalar. Their product is the threshold.
    """
    for start in range(first, last, TILE):
        part = d[start : min(start + TILE, last)]
        at = start if limit.size == d.size else 0
        _shrink(part, limit[at : at + part.size], scale, rule)


@njit(fastmath=FAST)
def _eight_views(x, y, low, high, add, out):
    """out = low . x + high . y (or +=, with `add`) for tuples `x` and `y` of four views."""
    x0, x1, x2, x3 = x
    y0, y1, y2, y3 = y
    l0, l1, l2, l3 = low[0], low[1], low[2], low[3]
    h0, h1, h2, h3 = high[0], high[1], high[2], high[3]
    if add:
        for i in range(out.size):
            left = l0 * x0[i] + l1 * x1[i] + l2 * x2[i] + l3 * x3[i]
            out[i] += left + (h0 * y0[i] + h1 * y1[i] + h2 * y2[i] + h3 * y3[i])
    else:
        for i in range(out.size):
            left = l0 * x0[i] + l1 * x1[i] + l2 * x2[i] + l3 * x3[i]
            out[i] = left + (h0 * y0[i] + h1 * y1[i] + h2 * y2[i] + h3 * y3[i])


@njit(fastmath=FAST)
def synthesise(a, d, low, high, step, limit, scale, rule, out):
    """Shrink details and go back one undecimated level: out[i] = sum of low[k] * a[i + k * step] + high[k] * d[i + k * step].

    a, d : float[::1], shape (n_points + (n_taps - 1) * step,); `d` is overwritten unless the rule is KEEP
    limit, scale, rule : as in `shrink`
    low, high : same dtype, shape (n_taps,), a multiple of four
    out : same dtype, shape (n_points,). Fully overwritten; must not alias `a` or `d`.
    """
    shrunk = 0
    for start in range(0, out.size, TILE):
        n = min(TILE, out.size - start)
        if rule != KEEP:  # just before they are used: one way to memory less
            stop = start + n + (low.size - 1) * step
            shrink(d, limit, scale, rule, shrunk, stop)
            shrunk = stop
        for k in range(0, low.size, 4):
            b = start + k * step
            c, e, f = b + step, b + 2 * step, b + 3 * step
            x = a[b : b + n], a[c : c + n], a[e : e + n], a[f : f + n]
            y = d[b : b + n], d[c : c + n], d[e : e + n], d[f : f + n]
            _eight_views(x, y, low[k : k + 4], high[k : k + 4], k > 0, out[start : start + n])


@njit
def mirrored(i, n):
    """Place of point `i` of a profile that goes on beyond its ends as in a mirror: ... 1 0 | 0 1 ... n-1 | n-1 n-2 ..."""
    i = i % (2 * n)
    return i if i < n else 2 * n - 1 - i


@njit
def mirror(y, margin, out):
    """`y` with `margin` mirrored points on each side; `out` has ``n_points + 2 * margin``, fully overwritten."""
    n = y.size
    for i in range(margin):
        out[i] = y[mirrored(i - margin, n)]
        out[margin + n + i] = y[mirrored(n + i, n)]
    inner = out[margin : margin + n]
    for i in range(n):
        inner[i] = y[i]
