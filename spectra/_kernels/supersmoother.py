"""Friedman's super smoother: running lines whose span follows from what each leaves over."""

from spectra._kernels._jit import njit

EPSILON = 1e-3  # of the interquartile range of m/z: lines over less than that are level
SMALL = 1e-7


@njit
def _moments(x, y, first, last):
    """(how many, mean of x, mean of y, sum of squares of x, of products) about the means, of the points first .. last - 1."""
    count = mean_x = mean_y = var = cov = 0.0
    for i in range(first, last):
        before, count = count, count + 1.0
        mean_x = (before * mean_x + x[i]) / count
        mean_y = (before * mean_y + y[i]) / count
        if before > 0:
            share = count * (x[i] - mean_x) / before
            var += share * (x[i] - mean_x)
            cov += share * (y[i] - mean_y)
    return count, mean_x, mean_y, var, cov


@njit
def running_lines(x, y, span, least, residuals, out, left):
    """Straight lines through the `span` of the points around each; at the ends the first and last whole window's.

    x, y : float64[::1], shape (n_points,)
    span : share of all points
    least : windows whose x spread over less than this sum of squares get a level line
    residuals : whether to write `left`
    out : float64[::1], shape (n_points,). Fully overwritten.
    left : same shape. The sizes of the residuals, each from a line fitted without its point. Overwritten with `residuals`.
    """
    n = x.size
    half = max(2, int(0.5 * span * n + 0.5))
    count, mean_x, mean_y, var, cov = _moments(x, y, 0, min(n, 2 * half + 1))
    for j in range(n):
        gone, new = j - half - 1, j + half
        if gone >= 0 and new < n:  # one point leaves, one enters
            share = count * (x[gone] - mean_x) / (count - 1)
            var -= share * (x[gone] - mean_x)
            cov -= share * (y[gone] - mean_y)
            mean_x = (count * mean_x - x[gone]) / (count - 1)
            mean_y = (count * mean_y - y[gone]) / (count - 1)
            mean_x = ((count - 1) * mean_x + x[new]) / count
            mean_y = ((count - 1) * mean_y + y[new]) / count
            share = count * (x[new] - mean_x) / (count - 1)
            var += share * (x[new] - mean_x)
            cov += share * (y[new] - mean_y)
        sloped = var > least
        out[j] = mean_y + (cov / var * (x[j] - mean_x) if sloped else 0.0)
        if residuals:
            pull = 1 / count + ((x[j] - mean_x) ** 2 / var if sloped else 0.0)
            if pull < 1:
                left[j] = abs(y[j] - out[j]) / (1 - pull)
            else:
                left[j] = left[j - 1] if j > 0 else 0.0


@njit
def supersmoother(x, y, spans, bass, fits, misses, work, out):
    """Blend the running lines of three spans, at each point as the local size of their residuals asks for.

    x, y : float64[::1], shape (n_points,), x increasing
    spans : float64[::1], three, increasing
    bass : 0 to 10; above 0, the widest span is favoured
    fits, misses : float64[:, ::1], shape (3, n_points). Overwritten.
    work : float64[::1], shape (n_points,). Overwritten.
    out : float64[::1], shape (n_points,). Fully overwritten.
    """
    n = x.size
    low, high = max(n // 4, 1) - 1, max(3 * (n // 4), 1) - 1
    while x[high] <= x[low]:  # too few points for quartiles
        high = min(high + 1, n - 1)
        low = max(low - 1, 0)
    least = (EPSILON * (x[high] - x[low])) ** 2
    for s in range(3):
        running_lines(x, y, spans[s], least, True, fits[s], work)
        running_lines(x, work, spans[1], least, False, misses[s], work)
    for j in range(n):
        best = 0
        for s in range(1, 3):
            if misses[s, j] < misses[best, j]:
                best = s
        work[j] = spans[best]
        if bass > 0 and 0 < misses[best, j] < misses[2, j]:
            work[j] += (spans[2] - spans[best]) * max(SMALL, misses[best, j] / misses[2, j]) ** (10 - bass)
    running_lines(x, work, spans[1], least, False, misses[0], work)
    for j in range(n):
        span = min(max(misses[0, j], spans[0]), spans[2])
        side = 0 if span < spans[1] else 2
        share = (span - spans[1]) / (spans[side] - spans[1])
        work[j] = (1 - share) * fits[1, j] + share * fits[side, j]
    running_lines(x, work, spans[0], least, False, out, work)
