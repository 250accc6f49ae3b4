"""Peaks of one profile: where they are, how high, how wide, how much like a peak."""

import dataclasses

import numpy as np

from spectra._kernels import peaks as kernels
from spectra._validation import check_axis, check_integer, check_number, check_vector
from spectra.containers import PeakList, verb
from spectra.errors import SpectraError
from spectra.noise import noise_mad

_FLAT = 3  # points running at the limit that make a flat top


@verb(takes="mz, intensity", gives="peaks")
def find_peaks(mz, y, *, half_window=20, snr=2.0, noise=None, refine=True):
    """Find the local maxima that stand out of the noise.

    A peak is a point that no other within `half_window` points exceeds (the leftmost of equals; at the ends of the profile the
    window is cut short) and that lies strictly above ``snr * noise``. Remove the baseline first: heights, widths and areas count
    from zero.

    Parameters
    ----------
    mz : array_like, shape (n_points,)
        Strictly increasing (Da/e).
    y : array_like, shape (n_points,)
        Intensities.
    half_window : int, at least 1
        Points on each side.
    snr : float, at least 0
        Least height over the noise.
    noise : float, array_like of shape (n_points,), or None
        Noise level, one or for each point. None: one level, by `noise_mad`.
    refine : bool
        Give the m/z of the apex *between* points (the upper half's Gaussian) instead of the highest point's.

    Returns
    -------
    PeakList
        Empty when nothing stands out. Whether a peak is saturated only the raw counts tell: see `flag_saturated`.

    Raises
    ------
    SpectraError
        When `mz` and `y` do not fit together, or a parameter lies outside its bounds.

    References
    ----------
    Gibb & Strimmer (2012), Bioinformatics 28, 2270: with ``refine=False`` the peaks are those of ``MALDIquant::detectPeaks``.

    Examples
    --------
    >>> import numpy as np
    >>> from spectra import find_peaks
    >>> mz = np.linspace(1000, 1100, 1001)
    >>> y = 5 * np.exp(-((mz - 1030.02) ** 2) / 2) + 3 * np.exp(-((mz - 1060) ** 2) / 2)
    >>> peaks = find_peaks(mz, y, noise=0.1)
    >>> peaks.mz.round(3), peaks.fwhm.round(2), peaks.snr.round(1)
    (array([1030.02, 1060.  ]), array([2.36, 2.36]), array([50., 30.]))
    """
    y = check_vector(y, "y")
    mz = check_axis(mz, y.size)
    half_window = check_integer(half_window, "half_window", low=1)
    snr = check_number(snr, "snr", low=0)
    levels = _noise_levels(noise, y)
    index = np.empty(y.size // (half_window + 1) + 1, np.int64)
    floor = snr * float(levels.min())
    index = index[: kernels.local_maxima(y, min(half_window, y.size), floor, index)]
    at_peaks = levels[index] if levels.size > 1 else np.full(index.size, levels[0])
    high = y[index] > snr * at_peaks
    return describe_peaks(mz, y, index[high], at_peaks[high], refine=refine)


def _noise_levels(noise, y):
    """`noise` as float64 of shape (1,) or (n_points,)."""
    if noise is None:
        return np.array([noise_mad(y)])
    levels = np.atleast_1d(check_vector(np.atleast_1d(noise), "noise")).astype(np.float64, copy=False)
    if levels.size not in (1, y.size):
        raise SpectraError(f"noise must be one number or one for each of the {y.size} points, not {levels.size}")
    if levels.min() < 0:
        raise SpectraError(f"noise must be at least 0, not {levels.min()}")
    return levels


def describe_peaks(mz, y, index, noise, *, refine=True, reach=None, local_base=False):
    """Measure the peaks whose highest points are known.

    Parameters
    ----------
    mz, y : contiguous arrays, shape (n_points,)
    index : int64 ndarray, shape (n_peaks,), increasing
    noise : float64 ndarray, shape (n_peaks,)
    refine : bool
        As in `find_peaks`.
    reach : int64 ndarray, shape (n_peaks,), or None
        How many points away a peak may end at most; None: as far as its neighbours.
    local_base : bool
        Count heights, widths and areas from the higher of the two bounds (for profiles with their baseline) and not from zero.

    Returns
    -------
    PeakList
        Its ``snr`` is infinite where the noise is zero.
    """
    n = index.size
    left, right = np.empty(n, np.int64), np.empty(n, np.int64)
    lo, hi, area, quality = (np.empty(n) for _ in range(4))
    position = index.astype(np.float64)
    rise = np.minimum(3 * noise, y[index] / 2.0)  # noise alone seldom climbs three levels; a low peak's neighbour need not
    kernels.bounds(y, index, rise, np.full(n, y.size) if reach is None else reach, left, right)
    base = np.maximum(y[left], y[right]).astype(np.float64) if local_base else np.zeros(n)
    kernels.half_heights(y, index, left, right, base, lo, hi)
    if refine:
        kernels.apexes(y, index, left, right, lo, hi, base, position)
    kernels.areas(mz, y, left, right, base, area)
    kernels.likeness(y, left, right, lo, hi, position, quality)
    height = y[index] - base
    snr = np.divide(height, noise, out=np.full(n, np.inf), where=noise > 0)
    return PeakList(
        mz=mz_at(mz, position) if refine else mz[index],
        intensity=height,
        snr=snr,
        fwhm=mz_at(mz, hi) - mz_at(mz, lo),
        area=area,
        left=mz[left],
        right=mz[right],
        index=index,
        quality=quality,
    )


def flag_saturated(peaks, mz, counts, *, limit=None):
    """Say which peaks the detector clipped.

    A clipped peak has a flat top in the *raw* counts, which smoothing hides: three points running or more at the detector's limit.

    Parameters
    ----------
    peaks : PeakList
        Found in the raw or in the processed profile.
    mz, counts : array_like, shape (n_points,)
        The raw profile.
    limit : float or None
        Greatest count of the detector. None: the profile's own greatest, which a flat top shows to be the limit.

    Returns
    -------
    PeakList
        A copy with its ``saturated`` set.

    Raises
    ------
    SpectraError
        When `mz` does not increase strictly or has another length than `counts`.

    Examples
    --------
    >>> import numpy as np
    >>> from spectra import find_peaks, flag_saturated
    >>> mz = np.arange(1000.0, 1100.0)
    >>> y = 50 * np.exp(-((mz - 1030) ** 2) / 20) + 90 * np.exp(-((mz - 1070) ** 2) / 20)
    >>> clipped = np.minimum(y, 60)
    >>> flag_saturated(find_peaks(mz, clipped, noise=1.0), mz, clipped).saturated
    array([False,  True])
    """
    counts = check_vector(counts, "counts")
    mz = check_axis(mz, counts.size)
    top = counts >= (counts.max() if limit is None else check_number(limit, "limit"))
    if np.count_nonzero(top) < _FLAT or (limit is None and counts.max() <= np.median(counts)):  # a constant is no flat top
        return dataclasses.replace(peaks, saturated=np.zeros(len(peaks), bool))
    steps = np.diff(np.concatenate([[0], top.astype(np.int8), [0]]))
    first, last = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1) - 1
    long = last - first + 1 >= _FLAT
    first, last = mz[first[long]], mz[last[long]]
    # a flat top belongs to a peak where it reaches into the upper half
    after = np.searchsorted(last, peaks.mz - peaks.fwhm / 2)
    starts = np.append(first, np.inf)[after]
    return dataclasses.replace(peaks, saturated=starts <= peaks.mz + peaks.fwhm / 2)


def mz_at(mz, position):
    """m/z at positions between points, along the axis' own line; beyond the ends along its first or last step."""
    point = np.clip(position.astype(np.int64), 0, max(mz.size - 2, 0))
    step = mz[np.minimum(point + 1, mz.size - 1)] - mz[point]
    return mz[point] + (position - point) * step
