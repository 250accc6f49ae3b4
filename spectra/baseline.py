"""Baselines: each function returns the baseline; subtract it yourself."""

import numpy as np

from spectra._kernels import baseline as kernels
from spectra._kernels import order
from spectra._kernels.scratch import LINE, scratch_rows
from spectra._validation import check_axis, check_choice, check_half_window, check_vector
from spectra.containers import verb
from spectra.errors import SpectrumError

BENT = np.array([[-1, 4, 0, 0], [1, -6, 15, 0], [-1, 8, -28, 56]]) / [[6], [20], [70]]
"""What the polynomials of degree 3, 5 and 7 through equally spaced neighbours are in the middle: weights of pairs, the farthest first."""


@verb(takes="intensity", gives="baseline")
def snip(y, *, iterations=100, decreasing=True, order=2, lls=False, edges="keep"):
    """Estimate the baseline by clipping peaks against the middle of their two neighbours, ever nearer ones.

    Parameters
    ----------
    y : array_like, shape (n_points,)
        Intensities.
    iterations : int, at least 1
        The widest distance of a neighbour, in points; about the width of the broadest peak. ``2 * iterations < n_points``.
    decreasing : bool
        Begin with the widest distance (smoother) or with the nearest.
    order : 2, 4, 6 or 8
        Clip against the middle of 2 neighbours, or the highest of the polynomials through 2, 4, ... up to so many: a curved baseline
        is followed under broad peaks.
    lls : bool
        Clip ``log(log(sqrt(y + 1) + 1) + 1)``, in which small and tall peaks count alike; `y` must not be negative.
    edges : "keep" or "extend"
        Points nearer to an end than the distance keep their value (MALDIquant's convention), or the spectrum goes on along the line
        through its outermost `iterations` points (pybaselines').

    Returns
    -------
    ndarray, shape (n_points,), of the input's floating dtype

    Raises
    ------
    SpectraError
        When the window does not fit into the spectrum, or `y` is negative under `lls`.

    References
    ----------
    Ryan et al. (1988), Nucl. Instrum. Methods B 34, 396; decreasing: Morháč (2009), Nucl. Instrum. Methods A 60, 478; higher orders:
    Morháč & Matoušek (2008), Appl. Spectrosc. 62, 91. Equal to ``MALDIquant::estimateBaseline(method="SNIP")`` to the last bit and,
    with ``edges="extend"``, to ``pybaselines.Baseline().snip(filter_order=order)``.

    Examples
    --------
    >>> from spectra import snip
    >>> snip([1.0, 2, 9, 4, 5], iterations=1)
    array([1., 2., 3., 4., 5.])
    """
    y = check_vector(y, "y")
    iterations = check_half_window(iterations, y.size, "iterations")
    check_choice(order, "order", (2, 4, 6, 8))
    check_choice(edges, "edges", ("keep", "extend"))
    windows = np.arange(1, iterations + 1)
    start = _log_log_root(y) if lls else y
    if edges == "extend":
        start = _extended(start, iterations)
    first, second = (row[: start.size] for row in scratch_rows(2, start.size, y.dtype))
    first[:] = second[:] = start
    kernels.snip(first, second, windows[::-1].copy() if decreasing else windows, BENT[: order // 2 - 1].astype(y.dtype))
    base = second if iterations % 2 else first
    if edges == "extend":
        base = base[iterations:-iterations]
    return ((np.exp(np.exp(base) - 1) - 1) ** 2 - 1).astype(y.dtype) if lls else base.copy()


def _log_log_root(y):
    if y.min() < 0:
        where = int(np.argmax(y < 0))
        raise SpectrumError(
            f"y holds {y[where]} at point {where}, and lls needs intensities of at least 0; shift or clip them, or set baseline.lls = false"
        )
    return np.log(np.log(np.sqrt(y + 1) + 1) + 1)


def _extended(y, margin):
    """`y` with `margin` points more on each side, on the lines through its outermost `margin` points."""
    out = np.empty(y.size + 2 * margin, y.dtype)
    out[margin:-margin] = y
    inside = np.arange(margin) - (margin - 1) / 2
    for ends, side in ((y[:margin], out[margin - 1 :: -1]), (y[::-1][:margin], out[-margin:])):
        slope = np.dot(inside, ends) / np.dot(inside, inside) if margin > 1 else 0.0
        side[:margin] = np.mean(ends, dtype=np.float64) + slope * (inside[0] - 1 - np.arange(margin))
    return out


@verb(takes="intensity", gives="baseline")
def tophat(y, *, half_window=100):
    """Estimate the baseline by the opening: the greatest, over the window, of the least over the window.

    Parameters
    ----------
    y : array_like, shape (n_points,)
        Intensities.
    half_window : int, at least 1
        Points on each side; wider than half the broadest peak. ``2 * half_window + 1 <= n_points``.

    Returns
    -------
    ndarray, shape (n_points,), of the input's floating dtype

    Raises
    ------
    SpectraError
        When the window does not fit into the spectrum.

    References
    ----------
    Equal to ``scipy.ndimage.grey_opening`` and ``MALDIquant::estimateBaseline(method="TopHat")`` to the last bit.

    Examples
    --------
    >>> from spectra import tophat
    >>> tophat([1.0, 2, 9, 4, 5], half_window=1)
    array([1., 2., 4., 4., 4.])
    """
    y = check_vector(y, "y")
    half_window = check_half_window(half_window, y.size)
    margins = 2 * half_window
    width = -(-(kernels.TILE + margins) // LINE) * LINE
    room = scratch_rows(1, 2 * width + y.size + margins, y.dtype)[0]
    out = np.empty_like(y)
    kernels.opening(y, half_window, room[2 * width : 2 * width + y.size + margins], room[: 2 * width].reshape(2, width), out)
    return out


@verb(takes="intensity", gives="baseline")
def median_baseline(y, *, half_window=100):
    """Estimate the baseline by the running median.

    Near the ends the window shrinks, by the rule of R's ``runmed(endrule="median")``.

    Parameters
    ----------
    y : array_like, shape (n_points,)
        Intensities.
    half_window : int, at least 1
        Points on each side; wider than the broadest peak. ``2 * half_window + 1 <= n_points``.

    Returns
    -------
    ndarray, shape (n_points,), of the input's floating dtype

    Raises
    ------
    SpectraError
        When the window does not fit into the spectrum.

    References
    ----------
    Equal to ``MALDIquant::estimateBaseline(method="median")``.

    Examples
    --------
    >>> from spectra import median_baseline
    >>> median_baseline([1.0, 2, 9, 4, 5, 1], half_window=1)
    array([1., 2., 4., 5., 4., 2.])
    """
    y = check_vector(y, "y")
    half_window = check_half_window(half_window, y.size)
    return order.running_median(y, half_window)


@verb(takes="mz, intensity", gives="baseline")
def convex_hull(mz, y):
    """Estimate the baseline by the convex hull from below: straight lines on which the whole spectrum stands.

    Parameters
    ----------
    mz : array_like, shape (n_points,)
        Strictly increasing (Da/e).
    y : array_like, shape (n_points,)
        Intensities, at least two.

    Returns
    -------
    ndarray, shape (n_points,), of the input's floating dtype

    Raises
    ------
    SpectraError
        When `mz` does not fit `y`, or there are fewer than two points.

    References
    ----------
    Andrew (1979), Inf. Process. Lett. 9, 216. As ``MALDIquant::estimateBaseline(method="ConvexHull")``.

    Examples
    --------
    >>> from spectra import convex_hull
    >>> convex_hull([1, 2, 3, 4, 5], [4.0, 3, 9, 1, 5])
    array([4., 3., 2., 1., 5.])
    """
    y = check_vector(y, "y")
    mz = check_axis(mz, y.size)
    if y.size < 2:
        raise SpectrumError("convex_hull needs at least 2 points, not 1")
    out = np.empty_like(y)
    kernels.lower_hull(mz, y, np.empty(y.size, np.int64), out)
    return out


@verb(takes="intensity", gives="baseline")
def rolling_ball(y, *, half_window=100, smooth_half_window=None):
    """Estimate the baseline by the opening, smoothed by a moving average, as if a flat ball rolled under the spectrum.

    Parameters
    ----------
    y : array_like, shape (n_points,)
        Intensities.
    half_window : int, at least 1
        Points on each side for the opening. ``2 * half_window + 1 <= n_points``.
    smooth_half_window : int, at least 1, or None
        Points on each side for the average; None: `half_window`.

    Returns
    -------
    ndarray, shape (n_points,), of the input's floating dtype

    Raises
    ------
    SpectraError
        When a window does not fit into the spectrum.

    References
    ----------
    Kneen & Annegarn (1996), Nucl. Instrum. Methods B 109, 209; inside, equal to ``pybaselines.rolling_ball``.

    Examples
    --------
    >>> from spectra import rolling_ball
    >>> rolling_ball([1.0, 1, 9, 4, 4], half_window=1).round(6)
    array([1., 2., 3., 4., 4.])
    """
    floor = tophat(y, half_window=half_window)
    smooth = half_window if smooth_half_window is None else smooth_half_window
    smooth = check_half_window(smooth, floor.size, "smooth_half_window")
    sums = np.cumsum(np.pad(floor, (smooth + 1, smooth), mode="edge"), dtype=np.float64)
    return ((sums[2 * smooth + 1 :] - sums[: -2 * smooth - 1]) / (2 * smooth + 1)).astype(floor.dtype)
