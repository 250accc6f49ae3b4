"""Peaks by ridge lines of the continuous wavelet transform: no smoothing, no baseline removal needed."""

import dataclasses
import functools

import numpy as np
from scipy import fft

from spectra._kernels import peaks as maxima
from spectra._kernels import ridges as kernels
from spectra._kernels.scratch import scratch_rows
from spectra._validation import check_axis, check_integer, check_number, check_vector
from spectra.containers import verb
from spectra.errors import SpectraError
from spectra.noise import noise_mad
from spectra.peaks import describe_peaks, flag_saturated

SCALES = (1, *range(2, 31, 2), *range(32, 65, 4))
_LEAST_SCALE = 5  # below it, a ridge's strength is that of the noise
SMOOTHING = 2.0  # points, standard deviation: what heights and widths are measured on


@verb(takes="mz, intensity", gives="peaks")
def find_peaks_cwt(mz, y, *, scales=SCALES, snr=3.0, ridge_scale=24, nearby=150, gap=3, noise_window=500, edge=75, refine=True):
    """Find peaks as ridge lines in the Mexican-hat wavelet transform.

    A ridge links the transform's local maxima from the coarsest scale to the finest. Its strength is the greatest coefficient at scales
    of 5 and more; the noise around it is the 95th percentile of the finest scale's absolute coefficients.

    Parameters
    ----------
    mz : array_like, shape (n_points,)
        Strictly increasing (Da/e).
    y : array_like, shape (n_points,)
        Intensities, raw or processed.
    scales : sequence of float, increasing, at least 1
        Widths of the wavelet in points.
    snr : float, at least 0
        Least strength over noise.
    ridge_scale : float
        A ridge must reach up to this scale ...
    nearby : int
        ... unless a ridge that does so lies within this many points. 0: no exception.
    gap : int
        How many scales running a ridge may miss.
    noise_window : int
        Points on each side in which the noise is measured.
    edge : int
        No peak is reported nearer to an end.
    refine : bool
        As in `find_peaks`.

    Returns
    -------
    PeakList
        Heights, widths and areas count from the higher of a peak's two bounds; ``snr`` is the ridge's.

    Raises
    ------
    SpectraError
        When `mz` does not increase strictly or has another length than `y`, or an option is out of its bounds.

    References
    ----------
    Du, Kibbe & Lin (2006), Bioinformatics 22, 2059.

    Examples
    --------
    >>> import numpy as np
    >>> from spectra import find_peaks_cwt
    >>> mz = np.linspace(1000, 1100, 2001)
    >>> baseline = 50 * np.exp(-(mz - 1000) / 80)
    >>> y = baseline + 10 * np.exp(-((mz - 1030) ** 2) / 0.5) + np.random.default_rng(0).normal(0, 0.5, mz.size)
    >>> find_peaks_cwt(mz, y).mz.round(1)
    array([1030.])
    """
    y = check_vector(y, "y").astype(np.float64, copy=False)
    mz = check_axis(mz, y.size)
    scales = _check_scales(scales)
    snr = check_number(snr, "snr", low=0)
    gap, edge = check_integer(gap, "gap", low=0), check_integer(edge, "edge", low=0)
    nearby, window = check_integer(nearby, "nearby", low=0), check_integer(noise_window, "noise_window", low=1)
    rows, smooth = transform(y, scales)
    least = int(np.searchsorted(scales, min(_LEAST_SCALE, scales[-1])))  # what goes on in finer rows can't change a line
    scales = scales[least:]
    position, starts, value = _maxima(rows[least:], scales, 1e-12 * np.abs(y).max())
    line = np.empty(position.size, np.int64)
    reach = np.maximum(3, scales.astype(np.int64) // 2)
    lines = kernels.link(position, starts, reach, gap, line)
    best, top = np.empty(lines, np.int64), np.empty(lines, np.int64)
    kernels.summarise(starts, value, line, best, top)

    place = position[best]
    noise = _noise(rows[0], window, place)
    strong = value[best] > snr * noise
    tall = strong & (scales[top] >= ridge_scale)
    if nearby and tall.any():
        anchors = np.sort(place[tall])
        after = np.searchsorted(anchors, place)
        distance = np.minimum(*(np.abs(anchors[np.clip(after - side, 0, anchors.size - 1)] - place) for side in (0, 1)))
        tall = strong & (tall | (distance <= nearby))
    chosen = np.flatnonzero(tall & (place >= edge) & (place < y.size - edge))
    chosen = chosen[np.unique(place[chosen], return_index=True)[1]]
    index, scale = place[chosen], scales[np.searchsorted(starts, best[chosen], side="right") - 1]
    spread = noise_mad(y - smooth)
    reach = np.ceil(3 * scale).astype(np.int64)
    peaks = describe_peaks(mz, smooth, index, np.full(index.size, spread), refine=refine, reach=reach, local_base=True)
    strength, noise = value[best[chosen]], noise[chosen]
    ratio = np.divide(strength, noise, out=np.full(index.size, np.inf), where=noise > 0)
    return flag_saturated(dataclasses.replace(peaks, snr=ratio), mz, y)


def _check_scales(scales):
    scales = check_vector(scales, "scales").astype(np.float64, copy=False)
    if scales[0] < 1 or np.any(np.diff(scales) <= 0):
        raise SpectraError(f"scales must increase from 1 or more, not {scales.tolist()}")
    return scales


def wavelet(scale):
    """The Mexican hat of a `scale` in points, sampled out to eight scales, with the energy of the continuous one."""
    half = int(np.ceil(8 * scale))
    x = np.arange(-half, half + 1) / scale
    return 2 / np.sqrt(3 * scale) * np.pi**-0.25 * (1 - x**2) * np.exp(-(x**2) / 2)


@functools.lru_cache(maxsize=8)
def _responses(size, scales):
    """Fourier transforms of the wavelets and of the smoothing; real, for the wavelets are symmetric."""
    table = np.empty((len(scales) + 1, size // 2 + 1))
    for row, scale in zip(table, scales, strict=False):
        shape = wavelet(scale)
        around = np.zeros(size)
        np.add.at(around, np.arange(-(shape.size // 2), shape.size // 2 + 1) % size, shape)
        row[:] = fft.rfft(around).real
    frequency = 2 * np.pi * np.arange(size // 2 + 1) / size
    table[-1] = np.exp(-((SMOOTHING * frequency) ** 2) / 2)
    table.flags.writeable = False
    return table


def transform(y, scales):
    """(rows, smooth): one row of coefficients per scale, and the profile slightly smoothed; mirrored at the ends.

    The rows lie in scratch memory: use them before the next transform.
    """
    pad = min(int(np.ceil(8 * scales[-1])), y.size - 1)
    middle = y.mean()  # taken off, for the finest wavelet's samples add up to 1e-7 and not to zero
    size = fft.next_fast_len(y.size + 3 * pad, real=True)
    table = _responses(size, tuple(scales))
    n, half = table.shape[0], size // 2 + 1
    # all rows in one call: NumPy's transform runs several at once on vectors (1.2 ms instead of 2.0 for seven of 36,000 points)
    work = scratch_rows(2 * n + 1, size + 2, np.float64)
    padded, rows = work[0, :size], work[1 : n + 1, :size]
    products = work[n + 1 :].reshape(-1)[: 2 * n * half].view(np.complex128).reshape(n, half)
    _mirror(y, middle, pad, padded)
    np.multiply(np.fft.rfft(padded), table, out=products)
    np.fft.irfft(products, size, axis=1, out=rows)
    rows = rows[:, pad : pad + y.size]
    return rows[:-1], rows[-1] + middle


def _mirror(y, middle, pad, out):
    """``y - middle``, mirrored `pad` points over both ends, zeros after that."""
    n = y.size
    np.subtract(y, middle, out=out[pad : pad + n])
    out[:pad] = out[2 * pad : pad : -1]
    out[pad + n : pad + n + pad] = out[pad + n - 2 : n - 2 : -1]
    out[n + 2 * pad :] = 0.0


def _maxima(rows, scales, floor):
    """(position, starts, value) of each row's local maxima above `floor`, rows behind one another.

    The floor only has to exceed what rounding leaves of a constant, which is no ridge.
    """
    work = np.empty(rows.shape[1], np.int64)
    found = []
    for row, scale in zip(rows, scales, strict=True):
        half_window = min(max(2, int(scale)), rows.shape[1])
        found.append(work[: maxima.local_maxima(row, half_window, floor, work)].copy())
    starts = np.cumsum([0] + [row.size for row in found], dtype=np.int64)
    value = np.concatenate([row[index] for row, index in zip(rows, found, strict=True)])
    return np.concatenate(found), starts, value


def _noise(finest, window, place):
    """Noise at places: windows' quantiles, linear between their centres, at least a thousandth of the greatest coefficient."""
    centres = np.arange(min(window, finest.size // 2), max(finest.size - window, finest.size // 2 + 1), window)
    level = np.empty(centres.size)
    kernels.window_quantile(finest, centres, window, 0.95, np.empty(2 * window + 1), level)
    return np.interp(place, centres, np.maximum(level, 1e-3 * max(finest.max(), -finest.min())))
