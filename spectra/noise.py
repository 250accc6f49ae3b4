"""Noise levels of one profile: one for all, or one for each point."""

import statistics

import numpy as np

from spectra._kernels import order
from spectra._kernels import supersmoother as kernels
from spectra._validation import check_axis, check_integer, check_number, check_vector
from spectra.containers import verb

SPANS = np.array([0.05, 0.2, 0.5])  # shares of all points, Friedman's tweeter, midrange and woofer
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
    return GAUSSIAN * order.mad(y)


@verb(takes="intensity", gives="noise")
def noise_local(y, *, window=2000):
    """Estimate the noise level along m/z: `noise_mad` in windows, and straight lines between their middles.

    Windows overlap by half. They count points, not Da/e: a time-of-flight spectrum is sampled evenly in time, and so its peaks cover
    about as many points everywhere.

    Parameters
    ----------
    y : array_like, shape (n_points,)
        Intensities, without their baseline.
    window : int, at least 16
        Points of a window; several times the width of a peak. A spectrum no longer than that has one level.

    Returns
    -------
    ndarray, float64, shape (n_points,)

    Raises
    ------
    SpectraError
        When `y` is empty or holds NaN, or the window is too short.

    Notes
    -----
    On simulated spectra of known truth (``benchmarks/denoising_truth.py``): without a square root the noise grows with the signal, and
    at one false peak in ten these levels find 94 % of the true peaks, `noise_mad` 76 %. After a square root the noise of counts is
    even; then both find 94 %, but at SNR 2 half as many false peaks again pass, because windows between peaks have a lower level.
    So the default, after the root, is `noise_mad`.

    Examples
    --------
    >>> import numpy as np
    >>> from spectra import noise_local
    >>> noise = np.random.default_rng(0).normal(0, 1, 10_000) * np.linspace(1, 5, 10_000)
    >>> noise_local(noise)[[1000, 9000]].round(1)
    array([1.4, 4.5])
    """
    y = check_vector(y, "y")
    window = check_integer(window, "window", low=16)
    if y.size <= window:
        return np.full(y.size, noise_mad(y))
    blocks = max(2, round(2 * y.size / window) - 1)
    starts = np.arange(blocks) * (y.size - window) // (blocks - 1)
    levels = np.empty(starts.size)
    order.block_levels(y, starts, starts + window, True, *order.room_for(window, y.dtype), levels)
    out = np.empty(y.size)
    order.ramps(starts + (window - 1) / 2, GAUSSIAN * levels, out)
    return out


@verb(takes="mz, intensity", gives="noise")
def noise_supersmoother(mz, y, *, bass=0.0):
    """Estimate the noise level along m/z as the smooth course of the profile itself, by Friedman's super smoother.

    Straight lines are fitted through 5, 20 and 50 % of the points around each, and blended as their residuals ask for. The level is the
    local mean of what the baseline left, peaks included: about 0.8 standard deviations of noise that the baseline lies below, more
    where peaks are dense. Below zero it is set to zero. A signal-to-noise ratio over it is stricter than over `noise_mad`: on simulated
    spectra (``benchmarks/denoising_truth.py``) a ratio of 2 finds 56 % of the true peaks and no false one, against 94 % and 96.

    Parameters
    ----------
    mz : array_like, shape (n_points,)
        Strictly increasing (Da/e).
    y : array_like, shape (n_points,)
        Intensities, without their baseline.
    bass : float from 0 to 10
        The higher, the smoother.

    Returns
    -------
    ndarray, float64, shape (n_points,)

    Raises
    ------
    SpectraError
        When `mz` does not fit `y`, or `bass` is out of bounds.

    References
    ----------
    Friedman (1984), A variable span smoother, Stanford LCS Technical Report 5. Where it is positive, equal to R's ``supsmu`` and so to
    ``MALDIquant::estimateNoise(method="SuperSmoother")``.

    Examples
    --------
    >>> from spectra import noise_supersmoother
    >>> noise_supersmoother([1, 2, 3, 4, 5, 6], [2.0, 3, 4, 5, 6, 7]).round(6)
    array([2., 3., 4., 5., 6., 7.])
    """
    y = check_vector(y, "y").astype(np.float64, copy=False)
    mz = check_axis(mz, y.size)
    bass = check_number(bass, "bass", low=0, high=10)
    if y.size == 1:
        return np.maximum(y, 0)
    out = np.empty(y.size)
    fits, misses = np.empty((2, 3, y.size))
    kernels.supersmoother(mz, y, SPANS, bass, fits, misses, np.empty(y.size), out)
    return np.maximum(out, 0, out=out)


@verb(takes="intensity", gives="number")
def noise_quantile(y, *, quantile=0.5):
    """Estimate one noise level from how far neighbouring points differ; a slowly varying signal or baseline cancels.

    The level is a quantile of ``abs(y[i] - y[i - 1])``, scaled so that normal noise gives its standard deviation.

    Parameters
    ----------
    y : array_like, shape (n_points,)
        Intensities before smoothing, with or without their baseline.
    quantile : float from 0.01 to 0.99
        The lower, the less steep flanks of peaks count.

    Returns
    -------
    float
        0.0 for a constant or a single point.

    Raises
    ------
    SpectraError
        When `y` is empty or holds NaN, or the quantile is out of bounds.

    References
    ----------
    von Neumann (1941), Ann. Math. Stat. 12, 367, for differences of neighbours.

    Examples
    --------
    >>> import numpy as np
    >>> from spectra import noise_quantile
    >>> round(noise_quantile(np.random.default_rng(0).normal(100, 3, 10_000)), 1)
    3.0
    """
    y = check_vector(y, "y")
    quantile = check_number(quantile, "quantile", low=0.01, high=0.99)
    if y.size == 1:
        return 0.0
    scale = np.sqrt(2.0) * statistics.NormalDist().inv_cdf((1 + quantile) / 2)
    return float(np.quantile(np.abs(np.diff(y.astype(np.float64, copy=False))), quantile) / scale)
