"""Smoothing: local polynomials, moving averages, running medians, penalised differences."""

import functools

import numpy as np

from spectra._kernels import order as order_statistics
from spectra._kernels import smoothing as kernels
from spectra._kernels import whittaker as penalised
from spectra._validation import check_axis, check_half_window, check_integer, check_number, check_vector
from spectra.containers import verb
from spectra.errors import SpectrumError


@verb(takes="intensity", gives="intensity")
def savitzky_golay(y, *, half_window=10, order=3, derivative=0):
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
    derivative : int, 0 to order
        Give this derivative of the polynomial instead, per point.

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
    derivative = check_integer(derivative, "derivative", low=0, high=order)
    return _filter(y, _polynomial_rows(half_window, order, derivative), (-1) ** derivative)


@verb(takes="mz, intensity", gives="intensity")
def savitzky_golay_growing(mz, y, *, half_window=10, order=3, power=0.5):
    """Smooth by a polynomial whose window grows with m/z as the peaks of a time-of-flight spectrum do.

    Parameters
    ----------
    mz : array_like, shape (n_points,)
        Strictly increasing, above zero (Da/e).
    y : array_like, shape (n_points,)
        Intensities on an axis evenly sampled in time.
    half_window : int, at least 1
        Points on each side at the middle of the axis, in points.
    order : int, 0 to 2 * half_window
        Degree of the polynomial; the window never gets too narrow for it.
    power : float from 0 to 2
        The half window is proportional to ``mz ** power``. At constant resolution a peak's width in time goes with 0.5.

    Returns
    -------
    ndarray, shape (n_points,), of the input's floating dtype

    Raises
    ------
    SpectraError
        When the widest window does not fit into the spectrum, the order not into the window, or m/z is not above zero.

    Examples
    --------
    >>> import numpy as np
    >>> from spectra import savitzky_golay_growing
    >>> mz = np.linspace(31, 100, 50) ** 2
    >>> savitzky_golay_growing(mz, np.full(50, 3.0), half_window=4)[:3].round(9)
    array([3., 3., 3.])
    """
    y = check_vector(y, "y")
    mz = check_axis(mz, y.size)
    half_window = check_half_window(half_window, y.size)
    order = check_integer(order, "order", low=0, high=2 * half_window)
    power = check_number(power, "power", low=0, high=2)
    if mz[0] <= 0:
        raise SpectrumError(f"mz must be above 0 for a window that grows with it, but begins at {mz[0]:g}; trim the spectrum")
    halves = np.rint(half_window * (mz / mz[mz.size // 2]) ** power).astype(np.int64)
    halves = np.maximum(halves, max(1, (order + 1) // 2))
    check_half_window(int(halves[-1]), y.size, "the widest half_window")
    out = np.empty_like(y)
    starts = np.flatnonzero(np.diff(halves, prepend=-1))
    for start, stop in zip(starts, np.append(starts[1:], y.size), strict=True):
        half = int(halves[start])
        first, last = max(start - half, 0), min(stop + half, y.size)
        first, last = max(min(first, last - 2 * half - 1), 0), min(max(last, first + 2 * half + 1), y.size)
        out[start:stop] = _filter(y[first:last], _polynomial_rows(half, order, 0), 1)[start - first : stop - first]
    return out


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


@verb(takes="intensity", gives="intensity")
def running_median(y, *, half_window=2):
    """Smooth by the median of the window around each point: spikes narrower than half of it vanish, edges stay.

    Near the ends the window shrinks, by the rule of R's ``runmed(endrule="median")``.

    Parameters
    ----------
    y : array_like, shape (n_points,)
        Intensities.
    half_window : int, at least 1
        Points on each side; ``2 * half_window + 1 <= n_points``.

    Returns
    -------
    ndarray, shape (n_points,), of the input's floating dtype

    Raises
    ------
    SpectraError
        When the window does not fit into the spectrum.

    Examples
    --------
    >>> from spectra import running_median
    >>> running_median([1.0, 2, 90, 4, 5, 6, 7], half_window=1)
    array([1., 2., 4., 5., 5., 6., 7.])
    """
    y = check_vector(y, "y")
    return order_statistics.running_median(y, check_half_window(half_window, y.size))


@verb(takes="intensity", gives="intensity")
def whittaker(y, *, penalty=10.0):
    """Smooth by penalised least squares: the curve near the points whose second differences are small.

    Parameters
    ----------
    y : array_like, shape (n_points,)
        Intensities, at least four.
    penalty : float, above 0
        Weight of the squared second differences. Waves of ``2 * pi * penalty ** 0.25`` points are halved.

    Returns
    -------
    ndarray, shape (n_points,), of the input's floating dtype

    Raises
    ------
    SpectraError
        When the penalty is not above 0, or there are fewer than four points.

    References
    ----------
    Whittaker (1923), Proc. Edinb. Math. Soc. 41, 63; Eilers (2003), Anal. Chem. 75, 3631.

    Examples
    --------
    >>> from spectra import whittaker
    >>> whittaker([0.0, 2, 0, 2, 0], penalty=100).round(2)
    array([0.79, 0.8 , 0.81, 0.8 , 0.79])
    """
    y = check_vector(y, "y")
    penalty = check_number(penalty, "penalty", above=0)
    if y.size < 4:
        raise SpectrumError(f"whittaker needs at least 4 points, not {y.size}")
    smooth = np.empty(y.size)
    penalised.solve(np.ones(y.size), y.astype(np.float64, copy=False), penalty, smooth, np.empty((3, y.size)))
    return smooth.astype(y.dtype, copy=False)


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
