"""Put a spectrum on the true mass axis by calibrants of known m/z."""

import dataclasses
import itertools

import numpy as np

from spectra._steps import PerSpectrum
from spectra._validation import check_choice, check_integer, check_number, check_vector
from spectra.alignment import move
from spectra.binning import check_peaks
from spectra.containers import Warp
from spectra.errors import SpectraError, SpectrumError

_TERMS = {"shift": 1, "linear": 2, "quadratic": 3}  # how many calibrants determine the curve
_KNOTS = 129  # chords of the curve: within 0.01 ppm of it over 1 to 20 kDa
_SUBSETS = 2000


@dataclasses.dataclass(frozen=True, eq=False)
class Calibration:
    """A calibration curve, and how it came about.

    Attributes
    ----------
    warp : Warp
        Adds the correction to an m/z.
    calibrants : DataFrame
        One row per calibrant: ``expected`` and ``found`` (Da/e, NaN: no peak), ``ppm_before``, ``ppm_after``, ``used`` (False: missing or
        an outlier).
    """

    warp: Warp
    calibrants: object


def calibrate(peaks, calibrants, *, method="linear", tolerance_ppm=3000.0, outlier_ppm=150.0, mz_range=None):
    """Fit a calibration curve through the peaks of known calibrants.

    The curve is fitted between the square roots of found and true m/z, which go with the time of flight. Of several peaks
    near a calibrant the highest is taken; of several calibrants near a peak, the nearest. Outliers don't sway the curve: the one with the least median error over small sets of
    calibrants decides who is one, and the others are fitted by least squares.

    Parameters
    ----------
    peaks : PeakList
    calibrants : array_like, shape (n,)
        True m/z (Da/e).
    method : {"shift", "linear", "quadratic"}
        What is added to the square root: a constant, a line or a parabola; it needs 1, 2 or 3 calibrants.
    tolerance_ppm : float, above 0
        How far from its true m/z a calibrant is looked for.
    outlier_ppm : float, above 0
        A calibrant farther than this from the curve is an outlier (or three times the typical distance, if that is more).
    mz_range : pair of float, or None
        Where the curve is to hold; None: from the lowest to the highest peak or calibrant.

    Returns
    -------
    Calibration

    Raises
    ------
    SpectrumError
        When too few calibrants have a peak; it names the missing.

    Examples
    --------
    >>> import numpy as np
    >>> from spectra import PeakList, calibrate
    >>> found = np.array([1001.0, 2002.0, 5005.0])
    >>> calibration = calibrate(PeakList(*[found] * 8), [1000.0, 2000.0, 5000.0])
    >>> calibration.warp(3003.0).round(3)
    np.float64(3000.0)
    """
    import pandas as pd

    terms = _TERMS[check_choice(method, "method", list(_TERMS))]
    tolerance = check_number(tolerance_ppm, "tolerance_ppm", above=0)
    outlier = check_number(outlier_ppm, "outlier_ppm", above=0)
    expected = np.sort(check_vector(calibrants, "calibrants").astype(np.float64))
    if expected[0] <= 0:
        raise SpectraError(f"calibrants must lie above 0, not {expected[0]}")
    found = np.array([_highest_near(peaks, m, tolerance) for m in expected])
    for mz in np.unique(found[~np.isnan(found)]):  # a peak is one calibrant's: the nearest's
        claimed = np.flatnonzero(found == mz)
        found[np.setdiff1d(claimed, claimed[np.argmin(np.abs(expected[claimed] - mz))])] = np.nan
    seen = ~np.isnan(found)
    if seen.sum() < terms:
        missing = ", ".join(f"{m:.1f}" for m in expected[~seen])
        raise SpectrumError(f"{seen.sum()} of {expected.size} calibrants have a peak, {method} needs {terms}; not found: {missing}")
    x, y = np.sqrt(found[seen]), np.sqrt(expected[seen])
    curve, inlier = _robust_curve(x, y, terms, outlier)
    used = np.zeros(expected.size, bool)
    used[seen] = inlier

    edges = (peaks.mz.min(), peaks.mz.max(), expected[0], expected[-1]) if mz_range is None else mz_range
    knots = np.linspace(np.sqrt(max(min(edges), 1e-6)), np.sqrt(max(edges)), _KNOTS)
    warp = Warp(knots**2, np.polyval(curve, knots) ** 2 - knots**2)
    if np.any(np.diff(warp.at + warp.shift) <= 0):
        raise SpectrumError(f"the calibration curve folds the axis: {method} is too free for these calibrants")
    before = 1e6 * (found - expected) / expected
    after = 1e6 * (np.polyval(curve, np.sqrt(found)) ** 2 - expected) / expected
    table = pd.DataFrame({"expected": expected, "found": found, "ppm_before": before, "ppm_after": after, "used": used})
    return Calibration(warp, table)


def _highest_near(peaks, mz, tolerance):
    near = np.flatnonzero(np.abs(peaks.mz - mz) <= 1e-6 * tolerance * mz)
    return peaks.mz[near[np.argmax(peaks.intensity[near])]] if near.size else np.nan


def _robust_curve(x, y, terms, outlier):
    """(coefficients, inliers): least median of squares over small subsets, then least squares over those it fits."""

    def errors(curve):
        return 1e6 * np.abs(np.polyval(curve, x) ** 2 - y**2) / y**2

    subsets = itertools.islice(itertools.combinations(range(x.size), terms), _SUBSETS)
    curves = [_fit(x[list(subset)], y[list(subset)], terms) for subset in subsets]
    # with half of n calibrants right, the (n + terms + 1) // 2 smallest errors are small only on a curve through right ones
    half = min((x.size + terms + 1) // 2, x.size) - 1
    best = min(curves, key=lambda curve: np.sort(errors(curve))[half])
    inlier = errors(best) <= max(outlier, 3 * np.sort(errors(best))[half])
    return _fit(x[inlier], y[inlier], terms), inlier


def _fit(x, y, terms):
    """Coefficients of x plus the least-squares polynomial with so many terms through y - x."""
    return np.polyadd(np.polyfit(x, y - x, terms - 1), [1.0, 0.0])


class Calibrator(PerSpectrum):
    """Calibrate each spectrum of a cohort by its own calibrants.

    Parameters
    ----------
    calibrants : sequence of float
        True m/z (Da/e).
    method, tolerance_ppm, outlier_ppm
        As in `calibrate`.
    min_calibrants : int
        A spectrum with fewer is left where it is, or named in an error.
    allow_missing : bool
        Leave such spectra where they are.

    Examples
    --------
    >>> import numpy as np
    >>> from spectra import Cohort, Spectrum, Calibrator
    >>> mz = np.linspace(1000.0, 2000.0, 2001)
    >>> def profile(*centres):
    ...     return Spectrum(mz, sum(100 * np.exp(-0.5 * ((mz - centre) / 2) ** 2) for centre in centres))
    >>> cohort = Cohort.from_spectra([profile(1201, 1501, 1801)]).find_peaks(noise=1.0)
    >>> Calibrator([1200, 1500, 1800]).fit_transform(cohort).peaks[0].mz.round(1).tolist()
    [1200.0, 1500.0, 1800.0]
    """

    def __init__(self, calibrants=(), *, method="linear", tolerance_ppm=3000.0, outlier_ppm=150.0, min_calibrants=3, allow_missing=True):
        self.calibrants = calibrants
        self.method = method
        self.tolerance_ppm = tolerance_ppm
        self.outlier_ppm = outlier_ppm
        self.min_calibrants = min_calibrants
        self.allow_missing = allow_missing

    def transform(self, cohort):
        """Return the cohort with its peaks moved and its ``warps`` set."""
        least = check_integer(self.min_calibrants, "min_calibrants", low=1)
        warps = []
        for i, peaks in enumerate(check_peaks(cohort, "Calibrator")):
            axis = cohort.axis_of(i)
            options = {"method": self.method, "tolerance_ppm": self.tolerance_ppm, "outlier_ppm": self.outlier_ppm}
            try:
                calibration = calibrate(peaks, self.calibrants, **options, mz_range=(max(axis[0], 1.0), axis[-1]))
                used = int(calibration.calibrants["used"].sum())
                if used < least:
                    raise SpectrumError(f"{used} calibrants can be used, min_calibrants asks for {least}")
                warps.append(calibration.warp)
            except SpectrumError as error:
                if not self.allow_missing:
                    raise SpectrumError(f"{cohort.samples['file'].iloc[i]}: {error}") from None
                warps.append(Warp(np.empty(0), np.empty(0)))
        return move(cohort, warps)
