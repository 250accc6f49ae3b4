"""Wavelet transforms and their inverses: decimated, and undecimated in two conventions."""

import functools
from typing import NamedTuple

import numpy as np

from spectra._kernels import decimated
from spectra._kernels import wavelets as kernels
from spectra._validation import check_choice, check_integer, check_vector
from spectra.errors import SpectraError, SpectrumError
from spectra.wavelets.filters import wavelet_filters

CONVENTIONS = ("swt", "modwt")


class Taps(NamedTuple):
    """Two filters as a sliding sum over ``x[i - lead * step], x[i - (lead - 1) * step], ...``, a multiple of eight taps."""

    low: np.ndarray
    high: np.ndarray
    lead: int

    @property
    def tail(self):
        """How many steps the sum reaches to the right."""
        return self.low.size - 1 - self.lead


def _padded(taps, multiple):
    return np.pad(taps, (0, -taps.size % multiple))


@functools.lru_cache(maxsize=64)
def undecimated_taps(wavelet, dtype, convention="swt"):
    """(analysis, synthesis) taps of one level."""
    filters = wavelet_filters(wavelet)
    n = filters.dec_lo.size
    if convention == "swt":
        scales, leads = (1.0, 1.0, 0.5), (n // 2 - 1, n // 2)
    else:
        scales, leads = (np.sqrt(0.5), -np.sqrt(0.5), np.sqrt(0.5)), (n - 1, 0)
    low, high, back = scales
    sign = np.sign(high)
    there = Taps(*(_padded(scale * f[::-1], 8).astype(dtype) for scale, f in ((low, filters.dec_lo), (high, filters.dec_hi))), leads[0])
    again = Taps(*(_padded(s * back * f[::-1], 8).astype(dtype) for s, f in ((1.0, filters.rec_lo), (sign, filters.rec_hi))), leads[1])
    return there, again


@functools.lru_cache(maxsize=64)
def _decimated_taps(wavelet, dtype):
    filters = wavelet_filters(wavelet)
    return tuple(_padded(f, 4).astype(dtype) for f in (filters.dec_lo, filters.dec_hi))


def check_levels(levels, n_points):
    """Return `levels` as an int for which ``2 ** levels <= n_points``."""
    levels = check_integer(levels, "levels", low=1)
    if 2**levels > n_points:
        deepest = int(n_points).bit_length() - 1
        allowed = f"at most {deepest}" if deepest else "used on at least 2 points"
        raise SpectrumError(f"levels must be {allowed} for a spectrum of {n_points} points, not {levels}")
    return levels


def deepest_level(n_points, n_taps):
    """The last level at which at least one coefficient sees no border, and at least 1."""
    return max(1, int(np.log2(max(n_points / max(n_taps - 1, 1), 1))))


def dwt(y, *, wavelet="sym8", levels=None):
    """Transform with half as many coefficients at every level; the profile goes on beyond its ends as in a mirror.

    Parameters
    ----------
    y : array_like, shape (n_points,)
        Any length.
    wavelet : str
        See `wavelet_filters`.
    levels : int, ``2 ** levels <= n_points``, or None
        None: as many as leave one coefficient that sees no border.

    Returns
    -------
    list of ndarray
        Approximation, then details from the coarsest to the finest.

    Raises
    ------
    SpectraError
        When there is no such wavelet, or the level is too deep for the spectrum.

    References
    ----------
    Mallat (1989), IEEE Trans. Pattern Anal. Mach. Intell. 11, 674. Equal to ``pywt.wavedec(mode="symmetric")``.

    Examples
    --------
    >>> from spectra import dwt
    >>> [c.round(3) for c in dwt([1.0, 3, 5, 6], wavelet="haar", levels=1)]
    [array([2.828, 7.778]), array([-1.414, -0.707])]
    """
    y = check_vector(y, "y")
    n_taps = wavelet_filters(wavelet).dec_lo.size
    levels = check_levels(deepest_level(y.size, n_taps) if levels is None else levels, y.size)
    low, high = _decimated_taps(wavelet, y.dtype)
    counts = [(y.size + n_taps - 1) // 2]
    for _ in range(levels - 1):
        counts.append((counts[-1] + n_taps - 1) // 2)
    longest = max(counts)
    (even, odd), halves = np.empty((2, longest + low.size // 2), y.dtype), np.empty((2, longest), y.dtype)
    details = np.empty(sum(counts), y.dtype)
    decimated.decimate_all(y, low, high, np.array(counts), even, odd, halves, details)
    ends = np.cumsum(counts)
    by_level = [details[end - count : end] for end, count in zip(ends, counts, strict=True)]
    return [halves[(levels - 1) % 2, : counts[-1]].copy(), *by_level[::-1]]


def idwt(coefficients, *, n_points, wavelet="sym8"):
    """Transform back from `dwt`.

    Parameters
    ----------
    coefficients : list of array_like
        As `dwt` gives them.
    n_points : int
        Length of the profile.
    wavelet : str
        As for `dwt`.

    Returns
    -------
    ndarray, shape (n_points,)

    Raises
    ------
    SpectraError
        When the coefficients are not those of a profile of `n_points`.

    Examples
    --------
    >>> from spectra import dwt, idwt
    >>> idwt(dwt([1.0, 4, 2, 8, 5], wavelet="db2", levels=2), n_points=5, wavelet="db2").round(6)
    array([1., 4., 2., 8., 5.])
    """
    filters = wavelet_filters(wavelet)
    n_taps = filters.dec_lo.size
    approximation, *details = (check_vector(c, "coefficients") for c in coefficients)
    sizes = [check_integer(n_points, "n_points", low=1)]
    for _ in details:
        sizes.append((sizes[-1] + n_taps - 1) // 2)
    given = [approximation.size, *(d.size for d in details)]
    if given != [sizes[-1], *sizes[:0:-1]]:
        raise SpectraError(f"coefficients must have sizes {[sizes[-1], *sizes[:0:-1]]} for {n_points} points and {wavelet}, not {given}")
    dtype = approximation.dtype
    first, second = _turns(wavelet, dtype)
    missing = first.size // 2 - n_taps // 2
    work = np.empty((2, (max(sizes) + 1) // 2), dtype)
    for detail, size in zip(details, sizes[-2::-1], strict=True):
        out = np.empty(size, dtype)
        a, d = (np.concatenate([np.zeros(missing, dtype), c]) if missing else c for c in (approximation, detail.astype(dtype, copy=False)))
        decimated.interleave(a, d, first, second, work[0], work[1], out)
        approximation = out
    return approximation


@functools.lru_cache(maxsize=64)
def _turns(wavelet, dtype):
    """Weights of the even and of the odd points, by turns for the approximation and the detail."""
    low, high = wavelet_filters(wavelet)[2:]
    return tuple(_padded(np.column_stack([low[k::2], high[k::2]]).ravel(), 4).astype(dtype) for k in (0, 1))


def swt(y, *, wavelet="sym8", levels=5, convention="swt"):
    """Transform without decimation: as many coefficients at every level as points; the profile goes on as on a circle.

    Parameters
    ----------
    y : array_like, shape (n_points,)
        Any length.
    wavelet : str
        See `wavelet_filters`.
    levels : int
        ``2 ** levels <= n_points``.
    convention : "swt" or "modwt"
        ``"swt"``: coefficients lie above their points, and white noise keeps its standard deviation. ``"modwt"``: each coefficient
        looks back only, and white noise falls by the square root of two with every level.

    Returns
    -------
    list of ndarray, each of shape (n_points,)
        Approximation, then details from the coarsest to the finest.

    Raises
    ------
    SpectraError
        When there is no such wavelet, or the level is too deep for the spectrum.

    References
    ----------
    Nason & Silverman (1995), Lect. Notes Stat. 103, 281: equal to ``pywt.swt(trim_approx=True)``. Percival & Walden (2000), Wavelet
    Methods for Time Series Analysis, ch. 5: equal to R's ``waveslim::modwt``.

    Examples
    --------
    >>> from spectra import swt
    >>> [c.round(3) for c in swt([1.0, 3, 5], wavelet="haar", levels=1, convention="modwt")]
    [array([3., 2., 4.]), array([-2.,  1.,  1.])]
    """
    y = check_vector(y, "y")
    check_choice(convention, "convention", CONVENTIONS)
    levels = check_levels(levels, y.size)
    taps, _ = undecimated_taps(wavelet, y.dtype, convention)
    details = []
    for level in range(levels):
        step = 2**level
        circle = np.pad(y, (taps.lead * step, taps.tail * step), mode="wrap")
        y, detail = np.empty((2, y.size), y.dtype)
        kernels.analyse(circle, taps.low, taps.high, step, y, detail)
        details.append(detail)
    return [y, *details[::-1]]


def iswt(coefficients, *, wavelet="sym8", convention="swt"):
    """Transform back from `swt`.

    Parameters
    ----------
    coefficients : list of array_like, each of shape (n_points,)
        As `swt` gives them, perhaps changed.
    wavelet : str
    convention : "swt" or "modwt"
        As for `swt`.

    Returns
    -------
    ndarray, shape (n_points,)
        For changed coefficients the mean over all ways to go back.

    Raises
    ------
    SpectraError
        When the coefficients differ in length.

    Examples
    --------
    >>> from spectra import iswt, swt
    >>> iswt(swt([1.0, 4, 2, 8, 5], wavelet="db2", levels=2), wavelet="db2").round(6)
    array([1., 4., 2., 8., 5.])
    """
    check_choice(convention, "convention", CONVENTIONS)
    y, *details = (check_vector(c, "coefficients") for c in coefficients)
    sizes = {c.size for c in (y, *details)}
    if len(sizes) > 1:
        raise SpectraError(f"coefficients must have one length at all levels, not {sorted(sizes)}")
    _, taps = undecimated_taps(wavelet, y.dtype, convention)
    for level, detail in zip(range(len(details) - 1, -1, -1), details, strict=True):
        step = 2**level
        around = (taps.lead * step, taps.tail * step)
        out = np.empty_like(y)
        detail = detail.astype(y.dtype, copy=False)
        circles = np.pad(y, around, mode="wrap"), np.pad(detail, around, mode="wrap")
        kernels.synthesise(*circles, taps.low, taps.high, step, y, y.dtype.type(0), kernels.KEEP, out)
        y = out
    return y
