"""Noise levels of one profile."""

import numpy as np

from spectra._kernels import order
from spectra._validation import check_vector
from spectra.containers import verb

GAUSSIAN = 1.4826  # a normal distribution's standard deviation over its median absolute deviation, as MALDIquant and R round it


@verb(takes="intensity", gives="number")
def noise_mad(y):
    """Estimate one noise level for the whole profile: ``1.4826 * median(abs(y - median(y)))``.

    Parameters
    ----------
    y : array_like, shape (n_points,)
        Intensities, without their baseline.

    Returns
    -------
    float
        The standard deviation, were the profile normal noise; 0.0 for a constant or a single point.

    Raises
    ------
    SpectraError
        When `y` is empty or holds NaN.

    Examples
    --------
    >>> from spectra import noise_mad
    >>> noise_mad([1.0, 2, 3, 4, 100])
    1.4826
    """
    y = check_vector(y, "y")
    return GAUSSIAN * float(order.mad(y, np.empty_like(y)))
