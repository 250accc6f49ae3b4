"""Quality: each spectrum gets a verdict and the reasons; `usable` leaves out those of which nothing can be learned, and says so."""

import dataclasses
import hashlib
from typing import NamedTuple

import numpy as np

from spectra._kernels import order
from spectra._validation import check_axis, check_integer, check_number, check_vector
from spectra.containers import Cohort
from spectra.errors import SpectraError

DERIVATIVE = np.array([-1.0, 8.0, 0.0, -8.0, 1.0]) / 12  # cubic through five points
GAUSSIAN = 1.4826
LEAST_SPREAD = 0.05  # of logarithmic scores: among spectra that agree this well, none is atypical for a little more
LEAST_COVERED, FULLY_COVERED = 0.5, 0.9  # of the m/z range of the others: below the first bad, below the second suspect
BAD = ("empty", "flat", "too short")  # nothing can be learned from such a spectrum, nor from one of another range; all else is suspect


class Quality(NamedTuple):
    """What one spectrum shows by itself.

    ``reasons`` are words, empty for a good spectrum. ``contrast`` is the spread between its strongest and its typical points in noise
    levels, ``saturated`` the longest run of points at the maximum, ``gap`` the widest step of the axis over the steps around it,
    ``a_score`` the atypicality score (see `check_quality`).
    """

    reasons: tuple[str, ...]
    contrast: float
    saturated: int
    gap: float
    a_score: float


def spectrum_quality(mz, y, *, min_contrast=5.0, max_saturated=5, max_gap=10.0, min_points=100):
    """Look at one raw spectrum for what makes it unusable or suspect.

    Parameters
    ----------
    mz : array_like, shape (n_points,)
        Strictly increasing (Da/e).
    y : array_like, shape (n_points,)
        Raw intensities.
    min_contrast : float, at least 0
        The highest thousandth of the points must stand this many noise levels above the median: ``"low signal"``.
    max_saturated : int, at least 2
        A longer run of points at the maximum is a clipped peak: ``"saturated"``.
    max_gap : float, above 1
        A step of the axis wider than this times the wider of its neighbours: ``"irregular axis"``.
    min_points : int, at least 1
        Fewer: ``"too short"``.

    Returns
    -------
    Quality

    Raises
    ------
    SpectraError
        When `mz` and `y` do not fit together, or an option is out of bounds.

    Examples
    --------
    >>> import numpy as np
    >>> from spectra import spectrum_quality
    >>> spectrum_quality(np.arange(1, 501), np.zeros(500)).reasons
    ('empty',)
    """
    y = check_vector(y, "y").astype(np.float64, copy=False)
    mz = check_axis(mz, y.size)
    min_contrast = check_number(min_contrast, "min_contrast", low=0)
    max_saturated = check_integer(max_saturated, "max_saturated", low=2)
    max_gap = check_number(max_gap, "max_gap", above=1)
    min_points = check_integer(min_points, "min_points", low=1)
    contrast, saturated, gap, score = _contrast(y), _longest_run(y == y.max()), _widest_gap(mz), _a_score(y)
    reasons = []
    if y.size < min_points:
        reasons.append("too short")
    if not y.any():
        reasons.append("empty")
    elif y.min() == y.max():
        reasons.append("flat")
    else:
        if contrast < min_contrast:
            reasons.append("low signal")
        if saturated > max_saturated and y.max() > np.median(y):
            reasons.append("saturated")
    if gap > max_gap:
        reasons.append("irregular axis")
    return Quality(tuple(reasons), contrast, saturated, gap, score)


def check_quality(cohort, *, fence=4.0, n_jobs=None, **options):
    """Give each spectrum of a cohort a verdict.

    Besides what `spectrum_quality` finds, a spectrum may cover only a part of the cohort's m/z range (between the medians of the ends; less
    than half is bad), have the ``"same intensities as ..."`` an earlier one, or be ``"atypical"``: its A-score, the robust spread of the slope of the spectrum scaled to a maximum of 100, lies beyond the fences, `fence` robust standard
    deviations of the cohort's logarithmic scores from their median. A noisy spectrum without peaks has a high score, one with few
    huge peaks a low one.

    Parameters
    ----------
    cohort : Cohort
        Raw intensities.
    fence : float, above 0
        Median and spread of at least five scores draw the fences; in smaller cohorts nothing is atypical.
    n_jobs : int, optional
        Threads.
    **options
        Of `spectrum_quality`.

    Returns
    -------
    DataFrame, one row per spectrum
        ``file``, ``verdict`` ("good", "suspect", or "bad": empty, flat, too short or of another m/z range), ``reason``, ``contrast``, ``saturated``, ``gap``,
        ``a_score``.

    Raises
    ------
    SpectraError
        When an option is out of bounds.

    References
    ----------
    Palarea-Albaladejo, McLean, Wright & Smith (2018), Bioinformatics 34, 522: R's ``MALDIrppa::screenSpectra(estimator="MAD")``.

    Examples
    --------
    >>> import numpy as np
    >>> from spectra import Cohort, Spectrum, check_quality
    >>> mz, rng = np.arange(1.0, 2001), np.random.default_rng(0)
    >>> peak = 500 * np.exp(-(((mz - 900) / 20) ** 2))
    >>> spectra = [Spectrum(mz, peak + rng.normal(50, 3, 2000), f"{i}.csv") for i in range(3)] + [Spectrum(mz, 0 * mz, "3.csv")]
    >>> check_quality(Cohort.from_spectra(spectra))[["verdict", "reason"]].values.tolist()
    [['good', ''], ['good', ''], ['good', ''], ['bad', 'empty']]
    """
    import pandas as pd

    if not isinstance(cohort, Cohort):
        raise SpectraError(f"cohort must be a Cohort, not {type(cohort).__name__}; for one spectrum there is spectrum_quality")
    fence = check_number(fence, "fence", above=0)
    found = cohort.map(lambda mz, y: spectrum_quality(mz, y, **options), n_jobs=n_jobs)
    files = [str(name) for name in cohort.samples["file"]]
    twins = _twins(cohort)
    atypical = _beyond(np.array([quality.a_score for quality in found]), fence)
    covered = _covered(cohort)
    rows = []
    for i, quality in enumerate(found):
        reasons = list(quality.reasons)
        if covered[i] < FULLY_COVERED:
            reasons.append(f"short m/z range ({covered[i]:.0%} of the others')")
        bad = any(reason in BAD for reason in reasons) or covered[i] < LEAST_COVERED
        if twins[i] is not None and not bad:
            reasons.append(f"same intensities as {files[twins[i]]}")
        if atypical[i] and not bad:
            reasons.append("atypical")
        verdict = "bad" if bad else ("suspect" if reasons else "good")
        rows.append([files[i], verdict, "; ".join(reasons), *quality[1:]])
    return pd.DataFrame(rows, columns=["file", "verdict", "reason", *Quality._fields[1:]])


def usable(cohort: Cohort) -> Cohort:
    """The spectra of which something can be learned; the others are added to ``set_aside`` with the reason.

    Left out are flat spectra, and those that share less than half of the cohort's m/z range (see `check_quality`): aligned and binned
    with the others they would only stand for peaks that are missing.

    Parameters
    ----------
    cohort : Cohort
        Raw intensities.

    Returns
    -------
    Cohort

    Raises
    ------
    SpectraError
        When no spectrum is left.

    Examples
    --------
    >>> import numpy as np
    >>> from spectra import Cohort, Spectrum
    >>> mz = np.arange(1000.0, 1200)
    >>> spectra = [Spectrum(mz + shift, mz % 7, name) for shift, name in [(0, "a"), (0, "b"), (0, "c"), (500, "d")]]
    >>> usable(Cohort.from_spectra(spectra)).set_aside
    [{'file': 'd', 'reason': "m/z 1500 to 1699 covers 0% of the other spectra's range, 1000 to 1199"}]
    """
    covered, (low, high) = _covered(cohort), _range(cohort)
    aside, keep = [], []
    for i, file in enumerate(cohort.samples["file"]):
        mz, y, reason = cohort.axis_of(i), cohort.intensity_of(i), None
        if y.min() == y.max():
            reason = f"flat: all intensities are {y[0]:g}; measure the sample again or leave it out"
        elif covered[i] < LEAST_COVERED:
            reason = f"m/z {mz[0]:.0f} to {mz[-1]:.0f} covers {covered[i]:.0%} of the other spectra's range, {low:.0f} to {high:.0f}"
        keep += [i] if reason is None else []
        aside += [] if reason is None else [{"file": str(file), "reason": reason}]
    if not keep:
        raise SpectraError(f"none of the {len(cohort)} spectra can be used; the first, {aside[0]['file']}: {aside[0]['reason']}")
    return dataclasses.replace(cohort[keep], set_aside=[*cohort.set_aside, *aside]) if aside else cohort


def _range(cohort):
    """The m/z range that the spectra of a cohort share, more or less: medians of their ends."""
    axes = [cohort.axis_of(i) for i in range(len(cohort))]
    return np.median([[mz[0], mz[-1]] for mz in axes], axis=0) if axes else np.zeros(2)


def _covered(cohort):
    """Share of that range which each spectrum covers; all of it where no majority shares one."""
    low, high = _range(cohort)
    axes = [cohort.axis_of(i) for i in range(len(cohort))]
    if not axes or high <= low:
        return np.ones(len(cohort))
    shares = np.array([max(min(mz[-1], high) - max(mz[0], low), 0.0) / (high - low) for mz in axes])
    return shares if 2 * np.count_nonzero(shares >= LEAST_COVERED) > len(axes) else np.ones(len(axes))


def _contrast(y):
    """Height of the highest thousandth over the median, in noise levels from the differences of neighbours; 0 without noise."""
    if y.size < 3:
        return 0.0
    steps = np.abs(np.diff(y))
    noise = GAUSSIAN * float(np.median(steps)) / np.sqrt(2)
    rise = float(np.quantile(y, 0.999) - np.median(y))
    return rise / noise if noise > 0 else (np.inf if rise > 0 else 0.0)


def _longest_run(marked):
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marked.astype(np.int8), [0]])))
    return int(np.max(edges[1::2] - edges[::2]))


def _widest_gap(mz):
    steps = np.diff(mz)
    if steps.size < 3:
        return 1.0
    around = np.maximum(steps[:-2], steps[2:])
    return float(np.max(steps[1:-1] / around))


def _a_score(y):
    """Robust standard deviation of the slope of the spectrum scaled to a maximum of 100."""
    if y.size < DERIVATIVE.size or y.max() <= 0:
        return 0.0
    slope = np.convolve(100 * y / y.max(), DERIVATIVE, mode="valid")
    return GAUSSIAN * order.mad(slope)


def _twins(cohort):
    """For each spectrum the first earlier one with the same intensities, or None."""
    first: dict[bytes, int] = {}
    twins = []
    for i in range(len(cohort)):
        digest = hashlib.blake2b(np.ascontiguousarray(cohort.intensity_of(i)).tobytes(), digest_size=16).digest()
        twins.append(first.get(digest))
        first.setdefault(digest, i)
    return twins


def _beyond(scores, fence):
    """Which logarithmic scores lie outside the fences."""
    usable = scores > 0
    if np.count_nonzero(usable) < 5:
        return np.zeros(scores.size, bool)
    logs = np.log(np.where(usable, scores, 1.0))
    middle = np.median(logs[usable])
    spread = GAUSSIAN * np.median(np.abs(logs[usable] - middle))
    return usable & (np.abs(logs - middle) > fence * max(spread, LEAST_SPREAD))
