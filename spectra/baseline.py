"""Baselines: each function returns the baseline; subtract it yourself."""

import numpy as np

from spectra._kernels import baseline as kernels
from spectra._kernels import order
from spectra._validation import check_axis, check_half_window, check_vector
from spectra.containers import verb
from spectra.errors import SpectrumError


@verb(takes="intensity", gives="baseline")
def snip(y, *, iterations=100, decreasing=True):
    """Estimate the baseline by clipping peaks against the middle of their two neighbours, ever nearer ones.

    Parameters
    ----------
    y : array_like, shape (n_points,)
        Intensities.
    iterations : int, at least 1
        The widest distance of a neighbour, in points; about the width of the broadest peak. ``2 * iterations < n_points``.
    decreasing : bool
        Begin with the widest distance (smoother) or with the nearest.

    Returns
    -------
    ndarray, shape (n_points,), of the input's floating dtype

    Raises
    ------
    SpectraError
        When the window does not fit into the spectrum.

    References
    ----------
    Ryan et al. (1988), Nucl. Instrum. Methods B 34, 396; decreasing: Morháč (2009), Nucl. Instrum. Methods A 60, 478. Equal to
    ``MALDIquant::estimateBaseline(method="SNIP")`` to the last bit.

    Examples
    --------
    >>> from spectra import snip
    >>> snip([1.0, 2, 9, 4, 5], iterations=1)
    array([1., 2., 3., 4., 5.])
    """
    y = check_vector(y, "y")
    iterations = check_half_window(iterations, y.size, "iterations")
    windows = np.arange(1, iterations + 1)
    first, second = y.copy(), y.copy()
    kernels.snip(first, second, windows[::-1].copy() if decreasing else windows)
    return second if iterations % 2 else first


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
    padded = np.empty(y.size + 2 * half_window, y.dtype)
    work = np.empty((2, kernels.TILE + 2 * half_window), y.dtype)
    out = np.empty_like(y)
    kernels.opening(y, half_window, padded, work, out)
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
    whole = np.int32 if y.dtype == np.float32 else np.int64
    keys, medians = np.empty(y.size, whole), np.zeros(y.size, whole)
    order.order_keys(y.view(whole), keys)
    limits = np.iinfo(whole)
    order.running_median(keys, half_window, whole(limits.min), whole(limits.max), np.empty(2 * half_window + 1, whole), medians)
    order.order_keys(medians, keys)
    out = keys.view(y.dtype)
    order.median_ends(y, half_window, np.empty(2 * half_window + 1, y.dtype), out)
    return out


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
