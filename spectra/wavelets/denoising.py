"""Denoising: transform, shrink the details, transform back."""

from functools import lru_cache

import numpy as np

from spectra._kernels import wavelets as kernels
from spectra._kernels.scratch import LINE, scratch_rows
from spectra._validation import check_choice, check_integer, check_number, check_vector
from spectra.containers import verb
from spectra.errors import SpectrumError
from spectra.wavelets import thresholds
from spectra.wavelets.filters import wavelet_filters
from spectra.wavelets.transforms import check_levels, dwt, idwt, undecimated_taps

MODES = {"hard": kernels.HARD, "soft": kernels.SOFT, "garrote": kernels.GARROTE, "firm": kernels.FIRM}
FIXED = {"universal": thresholds.universal, "minimax": thresholds.minimax}
FOUND = {"sure": thresholds.sure, "bayes": thresholds.bayes}
NOISES = ("global", "level", "local")


@verb(takes="intensity", gives="intensity")
def denoise_wavelet(
    y,
    *,
    wavelet="sym8",
    levels=0,
    threshold="universal",
    mode="firm",
    transform="undecimated",
    noise="local",
    strength=0.8,
    peak_width=16.0,
    noise_window=2048,
    shifts=1,
    counts=False,
):
    """Smooth by pulling small wavelet coefficients towards zero; narrow and broad peaks keep their shapes alike.

    The profile goes on beyond its ends as in a mirror, so any length will do.

    Parameters
    ----------
    y : array_like, shape (n_points,)
        Intensities with noise of even spread (such as square roots of counts).
    wavelet : str
        See `wavelet_filters`.
    levels : int, ``2 ** levels <= n_points``
        How many details to shrink; 0 (or None): from `peak_width`.
    threshold : "universal", "minimax", "sure" or "bayes"
        The first two depend on the number of points alone; the last two are found for each level anew.
    mode : "soft", "hard", "garrote" or "firm"
        What happens above the threshold t: ``x - t``, ``x``, ``x - t**2 / x``, or between t and 2 t a line from 0 to x.
    transform : "undecimated" or "decimated"
        Undecimated: the mean over all shifts of the decimated one, no artefacts of position, slower.
    noise : "global", "level" or "local"
        Noise level from the finest details, from each level's own (for noise that is not white), or from the finest details
        in windows along m/z.
    strength : float, at least 0
        Factor on every threshold; 0 gives the profile back.
    peak_width : float, at least 2
        Full width at half maximum of the peaks, in points; with `levels` 0 the number of levels is its base-2 logarithm, rounded
        up, and one more.
    noise_window : int, at least 16
        Points of a window for ``noise="local"``.
    shifts : int, at least 1
        For the decimated transform: mean over so many shifted runs (cycle spinning).
    counts : bool
        Make the spread of Poisson counts even first (Anscombe 1956), and undo that, without bias, after.

    Returns
    -------
    ndarray, shape (n_points,), of the input's floating dtype

    Raises
    ------
    SpectraError
        When an option is outside its bounds or the level too deep for the spectrum, or, with `counts`, when `y` is negative.

    Notes
    -----
    The defaults were chosen on six simulated spectra of known truth and confirmed on six others (``benchmarks/denoising_truth.py``).
    There, after the square root, they leave 7 % of the noise's power and 22 false peaks a spectrum at SNR 2; Savitzky-Golay with half
    window 10 leaves 11 % and 96, and finds 0.6 % more of the true peaks (0.4 % at the same share of false ones). Soft thresholds pull tall peaks down (19 %); one noise level
    for all m/z, the decimated transform and Haar's wavelet do worse, too; more than five levels gain nothing.

    References
    ----------
    Donoho & Johnstone (1994), Biometrika 81, 425; Coifman & Donoho (1995), Lect. Notes Stat. 103, 125; Coombes et al. (2005),
    Proteomics 5, 4107; firm: Gao & Bruce (1997), Stat. Sin. 7, 855; inverse for counts: Mäkitalo & Foi (2011), IEEE Trans. Image
    Process. 20, 99.

    Examples
    --------
    >>> import numpy as np
    >>> from spectra import denoise_wavelet
    >>> clean = 100 * np.exp(-np.linspace(-4, 4, 400) ** 2)
    >>> noisy = clean + np.random.default_rng(0).normal(0, 5, 400)
    >>> bool(np.std(denoise_wavelet(noisy) - clean) < np.std(noisy - clean) / 2)
    True
    """
    y = check_vector(y, "y")
    check_choice(threshold, "threshold", (*FIXED, *FOUND))
    check_choice(mode, "mode", tuple(MODES))
    check_choice(transform, "transform", ("undecimated", "decimated"))
    check_choice(noise, "noise", NOISES)
    strength = check_number(strength, "strength", low=0)
    peak_width = check_number(peak_width, "peak_width", low=2)
    window = check_integer(noise_window, "noise_window", low=16)
    shifts = check_integer(shifts, "shifts", low=1)
    levels = check_integer(0 if levels is None else levels, "levels", low=0)
    if levels == 0:
        levels = max(1, min(int(np.ceil(np.log2(peak_width))) + 1, int(y.size).bit_length() - 1))
    levels = check_levels(levels, y.size)
    wavelet_filters(wavelet)

    stable = _anscombe(y) if counts else y
    floor = 16 * np.finfo(y.dtype).eps * float(max(stable.max(), -stable.min()))

    def limits(inner, spread):
        return _limits(inner, spread, _gains(wavelet, levels), (y.size, floor, threshold, noise, window, strength))

    if transform == "undecimated":
        smooth = _undecimated(stable, wavelet, levels, limits, MODES[mode])
    else:
        smooth = _spun(stable, wavelet, levels, shifts, limits, MODES[mode])
    return _unbiased_inverse(smooth) if counts else smooth


def _undecimated(y, wavelet, levels, limits, rule):
    # Every level needs a margin of the one before, both ways; mirrored once at the start, it shrinks to nothing at the end:
    #
    #     |<- margin ->|<---- y ---->|<- margin ->|    e
    #       |-------------------------------------|    level 1
    #            |--------------------------|          level 2, the deepest
    #        |------------------------------|          back to level 1
    #                  |<---- y ---->|                 and to the profile
    # Every span begins at a multiple of LINE: then, from step 4 on, no load crosses a cache line (1.8 ns a point and level back
    # against 2.5, sym8).
    there, again = undecimated_taps(wavelet, y.dtype)
    steps = [2**level for level in range(levels)]
    before = sum(steps) * (there.lead + again.lead) + 2 * levels * LINE
    after = sum(steps) * (there.tail + again.tail)
    margin = -(-max(before, after) // LINE) * LINE
    rows = scratch_rows(levels + 3, y.size + 2 * margin, y.dtype)
    details, (current, other, mirrored) = rows[:levels], [row[: y.size + 2 * margin] for row in rows[levels:]]
    kernels.mirror(y, margin, mirrored)
    source, first, last = mirrored, 0, mirrored.size
    for level, step in enumerate(steps):
        low, high = _inside(first, last, there, step)
        kernels.analyse(_seen(source, low, high, there, step), there.low, there.high, step, current[low:high], details[level, low:high])
        source, current, other = current, other, current
        first, last = low, high
    above = [details[level, margin : margin + y.size] for level in range(levels)]
    shrinking = limits(above, lambda values: [np.pad(values, margin, mode="edge")] * levels)
    for level in range(levels - 1, -1, -1):
        step = steps[level]
        low, high = _inside(first, last, again, step)
        below = _seen(source, low, high, again, step), _seen(details[level], low, high, again, step)
        limit, scale = shrinking[level]
        limit = _seen(limit, low, high, again, step) if limit.size == mirrored.size else limit
        kernels.synthesise(*below, again.low, again.high, step, limit, scale, rule, current[low:high])
        source, current, other = current, other, current
        first, last = low, high
    return source[margin : margin + y.size].copy()


def _inside(first, last, taps, step):
    """Where a level can be computed from what lies between `first` and `last`, begun at a multiple of LINE."""
    return -(-(first + taps.lead * step) // LINE) * LINE, last - taps.tail * step


def _seen(values, low, high, taps, step):
    """What the level between `low` and `high` looks at."""
    return values[low - taps.lead * step : high + taps.tail * step]


def _decimated(y, wavelet, levels, limits, rule):
    approximation, *details = dwt(y, wavelet=wavelet, levels=levels)
    upwards = details[::-1]
    finest = upwards[0].size
    shrinking = limits(
        upwards, lambda values: [values[np.minimum(np.arange(d.size) * 2**level, finest - 1)] for level, d in enumerate(upwards)]
    )
    for detail, (limit, scale) in zip(upwards, shrinking, strict=True):
        kernels.shrink(detail, limit, scale, rule, 0, detail.size)
    return idwt([approximation, *details], n_points=y.size, wavelet=wavelet)


def _spun(y, wavelet, levels, shifts, limits, rule):
    """Mean over the profile begun at 0, 1, ... points before its start."""
    margin = shifts - 1
    mirrored = np.empty(y.size + 2 * margin, y.dtype)
    kernels.mirror(y, margin, mirrored)
    total = np.zeros_like(y)
    for shift in range(shifts):
        piece = mirrored[margin - shift : margin - shift + y.size + margin]
        total += _decimated(piece, wavelet, levels, limits, rule)[shift : shift + y.size]
    return total / y.dtype.type(shifts)


def _limits(inner, spread, gains, options):
    """(limit, scale) of each level, finest first, whose product is the threshold; see `kernels.shrink`.

    inner : details without margins, from which levels and thresholds are estimated
    spread : callable, values above the finest `inner` -> for each level the values above its details, margins included
    gains : standard deviation of white noise at each level
    """
    n, floor, threshold, noise, window, strength = options
    dtype = inner[0].dtype
    even = np.ones(kernels.TILE, dtype)
    if noise == "local":
        finest = (thresholds.local_noise_levels(inner[0], window, floor) / gains[0]).astype(dtype)
        limits = spread(finest)
    elif noise == "global":
        one = thresholds.noise_level(inner[0], floor) / gains[0]
    found = []
    for level, detail in enumerate(inner):
        if noise == "local":
            limit, scale = limits[level], gains[level]
        else:
            limit, scale = even, gains[level] * one if noise == "global" else thresholds.noise_level(detail, floor)
        if threshold in FIXED:
            factor = FIXED[threshold](n)
        else:
            above = scale * (_middle(limit, detail.size) if noise == "local" else even[0])
            factor = FOUND[threshold](np.divide(detail, above, out=np.zeros(detail.size), where=np.asarray(above > 0)))
        found.append((limit, dtype.type(scale * strength * factor)))
    return found


def _middle(values, n):
    """`values` without their margins."""
    margin = (values.size - n) // 2
    return values[margin : margin + n]


@lru_cache(maxsize=64)
def _gains(wavelet, levels):
    """Standard deviation of unit white noise in the details of each level; 1 for orthogonal wavelets."""
    filters = wavelet_filters(wavelet)
    low, gains = np.ones(1), []
    for level in range(levels):
        apart = np.zeros((filters.dec_lo.size - 1) * 2**level + 1)
        apart[:: 2**level] = filters.dec_hi
        gains.append(float(np.linalg.norm(np.convolve(low, apart))))
        apart[:: 2**level] = filters.dec_lo
        low = np.convolve(low, apart)
    return tuple(gains)


def _anscombe(y):
    if y.min() < 0:
        where = int(np.argmax(y < 0))
        raise SpectrumError(f"y holds {y[where]} at point {where}, and counts are at least 0; shift or clip them, or set counts=False")
    return 2 * np.sqrt(y + y.dtype.type(0.375))


def _unbiased_inverse(stable):
    d = np.maximum(stable, stable.dtype.type(2 * np.sqrt(0.375)))
    root = stable.dtype.type(np.sqrt(1.5))
    return d * d / 4 + root / (4 * d) - 11 / (8 * d * d) + 5 * root / (8 * d * d * d) - stable.dtype.type(0.125)
