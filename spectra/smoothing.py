"""Smoothing: local polynomials and moving averages."""

import functools

import numpy as np

from spectra._kernels import smoothing as kernels
from spectra._validation import check_half_window, check_integer, check_vector
from spectra.containers import verb


@verb(takes="intensity", gives="intensity")
def savitzky_golay(y, *, half_window=10, order=3):
    """Smooth by a polynomial fitted to the window around each point.

    The first and last `half_window` points come from the polynomial of the first and the last whole window, so nothing is padded.

    Parameters
    ----------
    y : array_like, shape (n_points,)
        Intensities on an evenly sampled axis (flight time; the points of a TOF spectrum).
    half_window : int, at least 1
        Points on each side; ``2 * half_window + 1 <= n_points``.
    order : int, 0 to 2 * half_window
        Degree of the polynomial.

    Returns
    -------
    ndarray, shape (n_points,), of the input's floating dtype

    Raises
    ------
    SpectraError
        When the window does not fit into the spectrum or the order into the window.

    References
    ----------
    Savitzky & Golay (1964), Anal. Chem. 36, 1627. The same as ``scipy.signal.savgol_filter(mode="interp")``, and as
    ``MALDIquant::smoothIntensity`` where nothing falls below zero, which that sets to zero.

    Examples
    --------
    >>> from spectra import savitzky_golay
    >>> savitzky_golay([0.0, 1, 4, 9, 16, 25], half_window=2, order=2).round(6)
    array([-0.,  1.,  4.,  9., 16., 25.])
    """
    y = check_vector(y, "y")
    half_window = check_half_window(half_window, y.size)
    order = check_integer(order, "order", low=0, high=2 * half_window)
    return _filter(y, _polynomial_rows(half_window, order, 0), 1)


@verb(takes="intensity", gives="intensity")
def moving_average(y, *, half_window=2, weighted=False):
    """Smooth by the mean of the window around each point.

    The first and last `half_window` points take the mean of the first and the last whole window.

    Parameters
    ----------
    y : array_like, shape (n_points,)
        Intensities.
    half_window : int, at least 1
        Points on each side; ``2 * half_window + 1 <= n_points``.
    weighted : bool
        Halve the weight with every point away from the middle.

    Returns
    -------
    ndarray, shape (n_points,), of the input's floating dtype

    Raises
    ------
    SpectraError
        When the window does not fit into the spectrum.

    Examples
    --------
    >>> from spectra import moving_average
    >>> moving_average([1.0, 1, 1, 7, 1, 1], half_window=1)
    array([1., 1., 3., 3., 3., 3.])
    """
    y = check_vector(y, "y")
    half_window = check_half_window(half_window, y.size)
    distance = np.abs(np.arange(-half_window, half_window + 1))
    weights = 0.5**distance if weighted else np.ones(distance.size)
    return _filter(y, np.tile(weights / weights.sum(), (distance.size, 1)), 1)


def _filter(y, rows, sign):
    """Correlate `y` with the table `rows`; its middle row is even (`sign` 1) or odd (-1)."""
    out = np.empty_like(y)
    middle = rows[rows.shape[0] // 2].astype(y.dtype)
    kernels.inner(y, middle, y.dtype.type(sign), out)
    kernels.edges(y, rows, out)
    return out


@functools.lru_cache(maxsize=64)
def _polynomial_rows(half_window, order, derivative):
    """Row i: the weights that give the fitted polynomial's derivative at place i of the window, shape (window, window)."""
    # Orthogonal polynomials on -1 .. 1 keep the fit well-conditioned for any order; the derivative then counts per point.
    places = np.linspace(-1, 1, 2 * half_window + 1)
    basis, triangle = np.linalg.qr(np.polynomial.legendre.legvander(places, order))
    values = np.zeros((places.size, order + 1))
    for degree in range(order + 1):
        series = np.zeros(order + 1)
        series[degree] = 1
        values[:, degree] = np.polynomial.legendre.legval(places, np.polynomial.legendre.legder(series, derivative))
    rows = np.linalg.solve(triangle.T, values.T).T @ basis.T / half_window**derivative
    middle = rows[half_window]
    rows[half_window] = (middle + (-1) ** derivative * middle[::-1]) / 2
    rows.setflags(write=False)
    return rows
