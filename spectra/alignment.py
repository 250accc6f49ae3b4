"""Put the spectra of a cohort on one mass axis, by peaks that nearly all of them have."""

import dataclasses

import numpy as np

from spectra._kernels import alignment as kernels
from spectra._steps import Learned
from spectra._validation import check_choice, check_number
from spectra.binning import check_peaks, frozen_bins, group_peaks, pool_peaks, winners
from spectra.containers import PeakList, Warp
from spectra.errors import SpectraError

_LEAST_MATCHES = {"lowess": 2, "linear": 2, "quadratic": 3, "cubic": 4}
_SPAN, _ITERATIONS = 2 / 3, 3  # of lowess, R's
_KNOTS = 65  # a cubic over 10 kDa with a shift of 2000 ppm leaves its 64 chords by less than 0.1 ppm


class WarpAligner(Learned):
    """Learn common reference peaks, and shift each spectrum onto them.

    `fit` bins the peaks; bins found in nearly all spectra become the reference. `transform` matches each spectrum's peaks to it and
    fits (reference - m/z) against m/z. Both the peaks and the profile move; the profile through `Cohort.warps`, without being copied.

    Parameters
    ----------
    method : {"lowess", "linear", "quadratic", "cubic"}
        The shape of the shift; it needs at least 2, 2, 3 and 4 matched peaks. Beyond the outermost it stays constant.
    tolerance : float, above 0
        Greatest relative distance of a peak from its reference: 0.002 is 2000 ppm.
    min_frequency : float, above 0, up to 1
        Least share of the spectra that have a reference peak.
    allow_no_matches : bool
        Leave a spectrum with too few matches where it is (see `diagnose`), instead of raising an error.

    Attributes
    ----------
    reference_mz_ : ndarray, shape (n_reference,)
        Increasing (Da/e).
    low_, high_ : ndarray, shape (n_reference,)
        The interval in which a peak matches (Da/e).

    References
    ----------
    Gibb & Strimmer (2012), Bioinformatics 28, 2270: reference peaks and shifts are those of ``MALDIquant``, except that a shift here
    does not depend on which other spectra are transformed with it.

    Examples
    --------
    >>> import numpy as np
    >>> from spectra import Cohort, Spectrum, WarpAligner
    >>> mz = np.linspace(1000.0, 2000.0, 2001)
    >>> def profile(*centres):
    ...     return Spectrum(mz, sum(100 * np.exp(-0.5 * ((mz - centre) / 2) ** 2) for centre in centres))
    >>> places = 1200, 1400, 1600, 1800
    >>> cohort = Cohort.from_spectra([profile(*places), profile(*(place + 1 for place in places))]).find_peaks(noise=1.0)
    >>> aligner = WarpAligner(method="linear").fit(cohort)
    >>> aligner.reference_mz_.tolist()
    [1200.5, 1400.5, 1600.5, 1800.5]
    >>> aligner.transform(cohort).peaks[1].mz.round(6).tolist()
    [1200.5, 1400.5, 1600.5, 1800.5]
    """

    def __init__(self, *, method="lowess", tolerance=0.002, min_frequency=0.9, allow_no_matches=True):
        self.method = method
        self.tolerance = tolerance
        self.min_frequency = min_frequency
        self.allow_no_matches = allow_no_matches

    def fit(self, cohort, y=None):
        """Learn the reference peaks from a cohort with peaks."""
        check_choice(self.method, "method", list(_LEAST_MATCHES))
        tolerance = check_number(self.tolerance, "tolerance", above=0)
        share = check_number(self.min_frequency, "min_frequency", above=0, high=1)
        peak_lists = check_peaks(cohort, "WarpAligner")
        reference = _reference_peaks(peak_lists, tolerance, share)
        if not reference.size:
            raise SpectraError(
                f"no peak is common to a share of {share:g} of the {len(cohort)} spectra, so they cannot be aligned: lower min_frequency, raise "
                "tolerance, or leave alignment out ([align] in the settings: min_frequency, tolerance, method = 'none')"
            )
        pool = pool_peaks(peak_lists, reference)
        start, centre, _ = group_peaks(pool, tolerance, "reference")
        self.reference_mz_, self.low_, self.high_ = frozen_bins(pool, start, centre, tolerance)
        return self

    def transform(self, cohort):
        """Return the cohort with its peaks moved and its ``warps`` set."""
        warps = self._warps(self._matches(cohort))
        for i, warp in enumerate(warps):
            if not warp.at.size and not self.allow_no_matches:
                raise SpectraError(
                    f"{cohort.samples['file'].iloc[i]}: fewer than {_LEAST_MATCHES[self.method]} peaks match the "
                    f"{self.reference_mz_.size} reference peaks: raise tolerance, or allow_no_matches"
                )
        return move(cohort, warps)

    def diagnose(self, cohort):
        """How well each spectrum fits the reference before and after: a DataFrame with one row per spectrum.

        Columns: ``file``, ``matched`` (peaks), ``aligned`` (False: too few, left where it was), ``ppm_before`` and ``ppm_after`` (median
        absolute distance of the matched peaks from the reference).
        """
        import pandas as pd

        rows, matches = [], self._matches(cohort)
        for (mz, shift), warp, file in zip(matches, self._warps(matches), cohort.samples["file"], strict=True):
            reference = mz + shift
            before, after = (1e6 * np.abs(x - reference) / reference for x in (mz, warp(mz)))
            medians = [float(np.median(ppm)) if mz.size else np.nan for ppm in (before, after)]
            rows.append((file, mz.size, bool(warp.at.size), *medians))
        return pd.DataFrame(rows, columns=["file", "matched", "aligned", "ppm_before", "ppm_after"])

    def _matches(self, cohort):
        """[(mz, shift)]: each spectrum's matched peaks and how far they are from the reference."""
        winner, mass, _ = winners(check_peaks(cohort, "WarpAligner"), self.low_, self.high_)
        matched = [np.flatnonzero(row >= 0) for row in winner]
        places = [mass[row[bins]] for row, bins in zip(winner, matched, strict=True)]
        return [(mz, self.reference_mz_[bins] - mz) for mz, bins in zip(places, matched, strict=True)]

    def _warps(self, matches):
        """The shift of each spectrum through its matched peaks; an empty Warp when there are too few, or when it would fold the axis."""
        if self.method != "lowess":
            return [self._polynomial(mz, shift) for mz, shift in matches]
        offsets = np.cumsum([0] + [mz.size for mz, _ in matches], dtype=np.int64)
        mz, shift = (np.concatenate([match[k] for match in matches] or [[]]).astype(np.float64, copy=False) for k in (0, 1))
        fitted, sound = np.empty_like(mz), np.empty(len(matches), bool)
        kernels.lowess_each(mz, shift, offsets, _LEAST_MATCHES["lowess"], _SPAN, _ITERATIONS, fitted, sound)
        places = zip(sound.tolist(), offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
        return [Warp(mz[a:b], fitted[a:b]) if good else _NO_WARP for good, a, b in places]

    def _polynomial(self, mz, shift):
        if mz.size < _LEAST_MATCHES[self.method]:
            return _NO_WARP
        degree = ["linear", "quadratic", "cubic"].index(self.method) + 1
        knots = np.linspace(mz[0], mz[-1], 2 if degree == 1 else _KNOTS)
        middle, half = (mz[0] + mz[-1]) / 2, (mz[-1] - mz[0]) / 2
        curve = np.polyfit((mz - middle) / half, shift, degree)
        warp = Warp(knots, np.polyval(curve, (knots - middle) / half))
        return warp if np.all(np.diff(warp.at + warp.shift) > 0) else _NO_WARP


_NO_WARP = Warp(np.empty(0), np.empty(0))


def _reference_peaks(peak_lists, tolerance, share):
    """m/z of the strict bins that hold a peak of at least `share` of the spectra."""
    pool = pool_peaks(peak_lists)
    if not pool.mass.size:
        return np.empty(0)
    start, centre, _ = group_peaks(pool, tolerance, "strict")
    count = np.diff(start, append=pool.mass.size)
    return centre[count >= share * len(peak_lists) - 1e-9]


def lowess(x, y, *, span=_SPAN, iterations=_ITERATIONS):
    """Robust locally weighted regression of `y` on strictly increasing `x`, at the points of `x`.

    References
    ----------
    Cleveland (1979), J. Am. Stat. Assoc. 74, 829; the same as R's ``lowess`` with its defaults.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(8.0)
    >>> lowess(x, np.array([1, 2, 3, 4, 50, 6, 7, 8.0])).round(6)
    array([1., 2., 3., 4., 5., 6., 7., 8.])
    """
    fitted = np.empty_like(x)
    kernels.lowess(x, y, span, iterations, 0.01 * (x[-1] - x[0]), fitted)
    return fitted


def move(cohort, warps):
    """Apply one Warp per spectrum to peaks and profiles, after any that the cohort has."""
    offsets = np.cumsum([0] + [len(found) for found in cohort.peaks], dtype=np.int64)
    knots = np.cumsum([0] + [warp.at.size for warp in warps], dtype=np.int64)
    at, shift = (np.concatenate([getattr(warp, name) for warp in warps] or [[]]) for name in ("at", "shift"))
    moved = {}
    for name in ("mz", "left", "right"):
        flat = np.concatenate([getattr(found, name) for found in cohort.peaks] or [[]]).astype(np.float64, copy=False)
        moved[name] = np.empty_like(flat)
        kernels.warp(flat, offsets, at, shift, knots, moved[name])
    peaks = []
    for found, a, b in zip(cohort.peaks, offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        mz, left, right = (flat[a:b] for flat in moved.values())
        parts = (mz, found.intensity, found.snr, found.fwhm, found.area, left, right, found.index, found.quality, found.saturated)
        peaks.append(PeakList(*parts))
    if cohort.warps is not None:
        warps = [_after(first, second) for first, second in zip(cohort.warps, warps, strict=True)]
    return dataclasses.replace(cohort, peaks=peaks, warps=warps)


def _after(first, second):
    """The Warp that does `first` and then `second`."""
    if not (first.at.size and second.at.size):
        return first if first.at.size else second
    back = np.interp(second.at, first.at + first.shift, first.shift)
    at = np.union1d(first.at, second.at - back)
    return Warp(at, second(first(at)) - at)
