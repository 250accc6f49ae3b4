"""Normalisation: what makes spectra of different total signal comparable."""

from spectra._kernels import normalization as kernels
from spectra._validation import check_axis, check_vector
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
def normalize_tic(mz, y):
    """Divide by the total ion current (see `total_ion_current`).

    Parameters
    ----------
    mz : array_like, shape (n_points,)
        Strictly increasing (Da/e).
    y : array_like, shape (n_points,)
        Intensities, best without their baseline.

    Returns
    -------
    ndarray, shape (n_points,), of the input's floating dtype
        Its total ion current is 1.

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
    return _divide(y, kernels.area(check_axis(mz, y.size), y), "total ion current")


def _divide(y, level, matter):
    if level <= 0:
        raise SpectrumError(f"the {matter} is {level:g}, so the spectrum cannot be divided by it: it is empty, or mostly below zero")
    return y / y.dtype.type(level)
