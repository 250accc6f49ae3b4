"""Changes of scale that make the spread of counts even."""

import numpy as np

from spectra._validation import check_vector
from spectra.containers import verb
from spectra.errors import SpectrumError


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


def _check_not_negative(y, step):
    if y.min() < 0:
        where = int(np.argmax(y < 0))
        raise SpectrumError(f"y holds {y[where]} at point {where}, and {step} needs intensities of at least 0; shift or clip them first")
