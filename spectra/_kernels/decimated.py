"""Decimated wavelet transforms of one mirrored profile, there and back, in tiles that stay in the first cache."""

from spectra._kernels._jit import njit
from spectra._kernels.wavelets import FAST, TILE, mirrored


@njit(fastmath=FAST)
def _four_views(x, low, high, add, a, d):
    """a = low . x and d = high . x (or +=, with `add`) for a tuple `x` of four views and four weights each."""
    x0, x1, x2, x3 = x
    l0, l1, l2, l3 = low[0], low[1], low[2], low[3]
    h0, h1, h2, h3 = high[0], high[1], high[2], high[3]
    if add:
        for i in range(a.size):
            v0, v1, v2, v3 = x0[i], x1[i], x2[i], x3[i]
            a[i] += l0 * v0 + l1 * v1 + l2 * v2 + l3 * v3
            d[i] += h0 * v0 + h1 * v1 + h2 * v2 + h3 * v3
    else:
        for i in range(a.size):
            v0, v1, v2, v3 = x0[i], x1[i], x2[i], x3[i]
            a[i] = l0 * v0 + l1 * v1 + l2 * v2 + l3 * v3
            d[i] = h0 * v0 + h1 * v1 + h2 * v2 + h3 * v3


@njit
def _split(x, half, even, odd):
    """Even and odd points of the mirrored profile, from ``2 * half`` before its start: even[j] = x[2 * (j - half)]."""
    n = x.size
    whole = n // 2
    for j in range(half):
        even[j] = x[mirrored(2 * (j - half), n)]
        odd[j] = x[mirrored(2 * (j - half) + 1, n)]
    for j in range(half + whole, even.size):
        even[j] = x[mirrored(2 * (j - half), n)]
        odd[j] = x[mirrored(2 * (j - half) + 1, n)]
    pairs = x[: 2 * whole].reshape(whole, 2)
    e, o = even[half : half + whole], odd[half : half + whole]
    for j in range(min(whole, even.size - half)):
        e[j] = pairs[j, 0]
        o[j] = pairs[j, 1]


@njit(fastmath=FAST)
def decimate(x, low, high, even, odd, a, d):
    """One decimated level of the mirrored profile: a[i] = sum of low[k] * x[2 * i + 1 - k], and likewise d with `high`.

    x : float[::1], shape (n_points,)
    low, high : same dtype, shape (n_taps,), a multiple of four
    even, odd : same dtype, shape (at least n_outputs + n_taps // 2,). Overwritten.
    a, d : same dtype, shape (n_outputs,). Fully overwritten.
    """
    half = low.size // 2
    _split(x, half, even[: a.size + half], odd[: a.size + half])
    for start in range(0, a.size, TILE):
        n = min(TILE, a.size - start)
        for k in range(0, low.size, 4):
            b = start + half - k // 2
            views = odd[b : b + n], even[b : b + n], odd[b - 1 : b - 1 + n], even[b - 1 : b - 1 + n]
            _four_views(views, low[k : k + 4], high[k : k + 4], k > 0, a[start : start + n], d[start : start + n])


@njit
def decimate_all(x, low, high, counts, even, odd, halves, details):
    """`decimate` level after level.

    counts : int64[::1], shape (n_levels,), how many outputs each level has
    even, odd : as for `decimate`, large enough for every level
    halves : same dtype, shape (2, at least the largest count). Overwritten; the last approximation is in row ``(n_levels - 1) % 2``.
    details : same dtype, shape (sum of counts,). Fully overwritten, the finest level first.
    """
    source = x
    done = 0
    for level in range(counts.size):
        n = counts[level]
        approximation = halves[level % 2, :n]
        decimate(source, low, high, even, odd, approximation, details[done : done + n])
        source = approximation
        done += n


@njit(fastmath=FAST)
def interleave(a, d, first, second, even, odd, out):
    """Back from one decimated level, `out` of any length up to ``2 * n_inputs - n_taps + 2``.

    a, d : float[::1], shape (n_inputs,)
    first, second : same dtype, shape (n_taps,), a multiple of four: the weights of the even and of the odd points, by turns for
        `a` and for `d`, from the latest input to the earliest
    even, odd : same dtype, shape (at least (n_outputs + 1) // 2,). Overwritten.
    """
    count, half = (out.size + 1) // 2, first.size // 2
    for start in range(0, count, TILE):
        n = min(TILE, count - start)
        for k in range(0, first.size, 4):
            b = start + half - 1 - k // 2
            views = a[b : b + n], d[b : b + n], a[b - 1 : b - 1 + n], d[b - 1 : b - 1 + n]
            _four_views(views, first[k : k + 4], second[k : k + 4], k > 0, even[start : start + n], odd[start : start + n])
    for i in range(out.size // 2):
        out[2 * i] = even[i]
        out[2 * i + 1] = odd[i]
    if out.size % 2:
        out[out.size - 1] = even[count - 1]
