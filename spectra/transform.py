"""Changes of scale that make the spread of counts even, and of the axis: trimming, resampling."""

import numpy as np

from spectra._validation import check_axis, check_number, check_vector
from spectra.containers import Spectrum, verb
from spectra.errors import SpectraError, SpectrumError


@verb(takes="intensity", gives="intensity")
def square_root(y):
    """Take the square root of each intensity: counts whose variance grows with their mean get an even one.

    Parameters
    ----------
    y : array_like, shape (n_points,)
        Intensities, none negative.

    Returns
    -------
    ndarray, shape (n_points,), of the input's floating dtype

    Raises
    ------
    SpectrumError
        When an intensity is negative.

    Examples
    --------
    >>> from spectra import square_root
    >>> square_root([0, 4, 9])
    array([0., 2., 3.])
    """
    y = check_vector(y, "y")
    _check_not_negative(y, "square_root")
    return np.sqrt(y)


@verb(takes="intensity", gives="intensity")
def logarithm(y):
    """Take the natural logarithm of one plus each intensity: differences become ratios, zero stays zero.

    Parameters
    ----------
    y : array_like, shape (n_points,)
        Intensities, none negative.

    Returns
    -------
    ndarray, shape (n_points,), of the input's floating dtype

    Raises
    ------
    SpectrumError
        When an intensity is negative.

    Examples
    --------
    >>> from spectra import logarithm
    >>> logarithm([0, 1, 99]).round(3)
    array([0.   , 0.693, 4.605])
    """
    y = check_vector(y, "y")
    _check_not_negative(y, "logarithm")
    return np.log1p(y)


@verb(takes="intensity", gives="intensity")
def cube_root(y):
    """Take the cube root of each intensity: stronger than the square root, and at home below zero as well.

    Parameters
    ----------
    y : array_like, shape (n_points,)
        Intensities.

    Returns
    -------
    ndarray, shape (n_points,), of the input's floating dtype

    Raises
    ------
    SpectraError
        When `y` is empty or holds NaN.

    Examples
    --------
    >>> from spectra import cube_root
    >>> cube_root([-8, 0, 27])
    array([-2.,  0.,  3.])
    """
    return np.cbrt(check_vector(y, "y"))


@verb(takes="mz, intensity", gives="spectrum")
def trim(mz, y, *, low=0.0, high=0.0):
    """Leave out the points outside a range of m/z.

    Parameters
    ----------
    mz : array_like, shape (n_points,)
        Strictly increasing (Da/e).
    y : array_like, shape (n_points,)
        Intensities.
    low, high : float
        The range, ends included (Da/e); a `high` of 0 has no end.

    Returns
    -------
    Spectrum

    Raises
    ------
    SpectraError
        When `high` lies below `low`, or no point is left.

    Examples
    --------
    >>> from spectra import trim
    >>> trim([1, 2, 3, 4], [5.0, 6, 7, 8], low=2, high=3).intensity
    array([6., 7.])
    """
    y = check_vector(y, "y")
    mz = check_axis(mz, y.size)
    low, high = check_number(low, "low"), check_number(high, "high", low=0) or np.inf
    if high < low:
        raise SpectraError(f"high must not lie below low, but {high:g} < {low:g}")
    first, last = np.searchsorted(mz, low), np.searchsorted(mz, high, side="right")
    if first == last:
        raise SpectrumError(f"no point lies between m/z {low:g} and {high:g}; the spectrum covers {mz[0]:g} to {mz[-1]:g}")
    return Spectrum(mz[first:last].copy(), y[first:last].copy())


@verb(takes="mz, intensity", gives="spectrum")
def resample(mz, y, *, axis):
    """Read the spectrum on another axis, along straight lines between its points. A cohort shares the new axis.

    Parameters
    ----------
    mz : array_like, shape (n_points,)
        Strictly increasing (Da/e).
    y : array_like, shape (n_points,)
        Intensities.
    axis : array_like, shape (n_new,)
        Strictly increasing, within `mz` (Da/e).

    Returns
    -------
    Spectrum, shape (n_new,), of the input's floating dtype

    Raises
    ------
    SpectraError
        When `axis` is no axis.
    SpectrumError
        When it reaches beyond the spectrum.

    Examples
    --------
    >>> from spectra import resample
    >>> resample([1, 2, 3], [10.0, 20, 0], axis=[1.5, 2.25]).intensity
    array([15., 15.])
    """
    y = check_vector(y, "y")
    mz = check_axis(mz, y.size)
    axis = check_axis(axis, np.size(axis))
    if axis[0] < mz[0] or axis[-1] > mz[-1]:
        raise SpectrumError(f"axis covers m/z {axis[0]:g} to {axis[-1]:g}, the spectrum only {mz[0]:g} to {mz[-1]:g}; trim the axis")
    return Spectrum(axis, np.interp(axis, mz, y).astype(y.dtype, copy=False))


def flight_axis(low, high, points):
    """An axis evenly spaced in the square root of m/z, as a time-of-flight analyser samples it, both ends included."""
    axis = np.linspace(np.sqrt(low), np.sqrt(high), points) ** 2
    axis[0], axis[-1] = low, high
    return axis


def _check_not_negative(y, step):
    if y.min() < 0:
        where = int(np.argmax(y < 0))
        raise SpectrumError(
            f"y holds {y[where]} at point {where}, and {step} needs intensities of at least 0; shift or clip them, or set transform.method = 'none'"
        )
