"""Normalisation: what makes spectra of different total signal comparable."""

import numpy as np

from spectra._kernels import normalization as kernels
from spectra._kernels import order
from spectra._validation import check_axis, check_number, check_vector
from spectra.containers import verb
from spectra.errors import SpectrumError


@verb(takes="mz, intensity", gives="number")
def total_ion_current(mz, y):
    """Integrate the spectrum over m/z by trapezoids.

    Parameters
    ----------
    mz : array_like, shape (n_points,)
        Strictly increasing (Da/e).
    y : array_like, shape (n_points,)
        Intensities.

    Returns
    -------
    float
        Counts times Da/e; 0.0 for a single point.

    Raises
    ------
    SpectraError
        When `mz` does not fit `y`.

    Examples
    --------
    >>> from spectra import total_ion_current
    >>> total_ion_current([1, 2, 4], [1.0, 3, 5])
    10.0
    """
    y = check_vector(y, "y")
    return kernels.area(check_axis(mz, y.size), y)


@verb(takes="mz, intensity", gives="intensity")
def normalize_tic(mz, y, *, mz_low=0.0, mz_high=0.0):
    """Divide by the total ion current (see `total_ion_current`).

    Parameters
    ----------
    mz : array_like, shape (n_points,)
        Strictly increasing (Da/e).
    y : array_like, shape (n_points,)
        Intensities, best without their baseline.
    mz_low, mz_high : float, at least 0
        Count only this range (Da/e), such as without the matrix; a `mz_high` of 0 has no end.

    Returns
    -------
    ndarray, shape (n_points,), of the input's floating dtype
        Its total ion current, in the range, is 1.

    Raises
    ------
    SpectrumError
        When the total is not positive: an empty spectrum, or a baseline above the signal.

    Examples
    --------
    >>> from spectra import normalize_tic
    >>> normalize_tic([1, 2, 4], [1.0, 3, 5])
    array([0.1, 0.3, 0.5])
    """
    y = check_vector(y, "y")
    mz = check_axis(mz, y.size)
    inside = _range(mz, mz_low, mz_high)
    return _divide(y, kernels.area(mz[inside], y[inside]), "total ion current")


@verb(takes="mz, intensity", gives="intensity")
def normalize_median(mz, y, *, mz_low=0.0, mz_high=0.0):
    """Divide by the median intensity.

    Parameters
    ----------
    mz, y, mz_low, mz_high
        As for `normalize_tic`.

    Returns
    -------
    ndarray, shape (n_points,), of the input's floating dtype

    Raises
    ------
    SpectrumError
        When the median is not positive.

    Examples
    --------
    >>> from spectra import normalize_median
    >>> normalize_median([1, 2, 4], [1.0, 2, 5])
    array([0.5, 1. , 2.5])
    """
    y = check_vector(y, "y")
    inside = y[_range(check_axis(mz, y.size), mz_low, mz_high)]
    return _divide(y, float(order.median(inside, y.dtype.type(0), False, *order.room_for(inside.size, y.dtype))), "median intensity")


@verb(takes="mz, intensity", gives="intensity")
def normalize_rms(mz, y, *, mz_low=0.0, mz_high=0.0):
    """Divide by the root of the mean squared intensity.

    Parameters
    ----------
    mz, y, mz_low, mz_high
        As for `normalize_tic`.

    Returns
    -------
    ndarray, shape (n_points,), of the input's floating dtype

    Raises
    ------
    SpectrumError
        When all intensities are zero.

    Examples
    --------
    >>> from spectra import normalize_rms
    >>> normalize_rms([1, 2], [1.0, 7.0])
    array([0.2, 1.4])
    """
    y = check_vector(y, "y")
    inside = y[_range(check_axis(mz, y.size), mz_low, mz_high)]
    return _divide(y, float(np.sqrt(np.mean(np.square(inside, dtype=np.float64)))), "root mean square")


@verb(takes="mz, intensity", gives="intensity")
def normalize_peak(mz, y, *, reference_mz=0.0, tolerance=0.002):
    """Divide by the height of a reference peak, such as a spiked standard, or of the highest peak of all.

    Parameters
    ----------
    mz : array_like, shape (n_points,)
        Strictly increasing (Da/e).
    y : array_like, shape (n_points,)
        Intensities without their baseline.
    reference_mz : float, at least 0
        Where the peak is expected (Da/e); 0 takes the highest point of the spectrum, its base peak.
    tolerance : float, above 0 and up to 0.1
        How far it may lie from there, relative; the highest point within counts.

    Returns
    -------
    ndarray, shape (n_points,), of the input's floating dtype

    Raises
    ------
    SpectrumError
        When no point lies there, or none is above zero.

    Examples
    --------
    >>> from spectra import normalize_peak
    >>> normalize_peak([999, 1000, 1001], [1.0, 4, 2], reference_mz=1000.5)
    array([0.25, 1.  , 0.5 ])
    """
    y = check_vector(y, "y")
    mz = check_axis(mz, y.size)
    reference = check_number(reference_mz, "reference_mz", low=0)
    tolerance = check_number(tolerance, "tolerance", above=0, high=0.1)
    if reference == 0:
        return _divide(y, float(y.max()), "highest intensity")
    inside = _range(mz, reference * (1 - tolerance), reference * (1 + tolerance))
    return _divide(y, float(y[inside].max()), f"highest intensity around m/z {reference:g}")


def _range(mz, low, high):
    """The points within, as a slice; an end of 0 is open."""
    low, high = check_number(low, "mz_low", low=0), check_number(high, "mz_high", low=0) or np.inf
    first, last = np.searchsorted(mz, low) if low else 0, np.searchsorted(mz, high, side="right")
    if first >= last:
        raise SpectrumError(f"no point lies between m/z {low:g} and {high:g}; the spectrum covers {mz[0]:g} to {mz[-1]:g}")
    return slice(first, last)


def _divide(y, level, matter):
    if level <= 0:
        raise SpectrumError(f"the {matter} is {level:g}, so the spectrum cannot be divided by it: it is empty, or mostly below zero")
    return y / y.dtype.type(level)
