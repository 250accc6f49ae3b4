"""How wide an instrument's peaks are at each m/z."""

import dataclasses

import numpy as np

from spectra._validation import check_number
from spectra.errors import SpectraError


@dataclasses.dataclass(frozen=True, eq=False)
class WidthModel:
    """Full width at half maximum against m/z: the logarithm is a polynomial in log(m/z), constant in slope beyond what was seen.

    Attributes
    ----------
    coefficients : ndarray
        Of the polynomial in ``log(mz / middle)``, highest power first.
    low, middle, high : float
        Range of the peaks it was fitted to, and its geometric mean (Da/e).
    spread : float
        Typical relative distance of a peak's width from the model.
    """

    coefficients: np.ndarray
    low: float
    middle: float
    high: float
    spread: float

    def __call__(self, mz):
        """Expected width (Da/e); beyond the range in proportion to m/z."""
        mz = np.asarray(mz, np.float64)
        inside = np.clip(mz, self.low, self.high)
        return np.exp(np.polyval(self.coefficients, np.log(inside / self.middle))) * mz / inside

    def resolution(self, mz):
        """m/z over width."""
        return np.asarray(mz, np.float64) / self(mz)


def fit_widths(peak_lists, *, min_snr=10.0):
    """Fit the width of an instrument's peaks against m/z.

    Peaks that overlap look too wide: each fit weighs down what lies far from it (bisquare), and what is too wide twice as hard.

    Parameters
    ----------
    peak_lists : PeakList or sequence of PeakList
    min_snr : float, at least 0
        Lower peaks' widths are not trusted.

    Returns
    -------
    WidthModel

    Raises
    ------
    SpectraError
        When fewer than five peaks are high enough.

    Examples
    --------
    >>> from spectra import fit_widths, simulate_cohort
    >>> model = fit_widths(simulate_cohort(2, seed=0).peaks)
    >>> model.resolution([2000, 5000, 9000]).round(-1)
    array([490., 620., 620.])
    """
    least = check_number(min_snr, "min_snr", low=0)
    lists = [peak_lists] if hasattr(peak_lists, "fwhm") else list(peak_lists)
    mz, width, snr = (np.concatenate([getattr(peaks, name) for peaks in lists] or [[]]) for name in ("mz", "fwhm", "snr"))
    good = (snr >= least) & (mz > 0) & (width > 0)
    if good.sum() < 5:
        raise SpectraError(f"only {good.sum()} peaks reach a signal-to-noise ratio of {least:g}: lower min_snr, or give more spectra")
    mz, width = mz[good], np.log(width[good])
    middle = float(np.exp(np.log(mz).mean()))
    x = np.log(mz / middle)
    degree = 2 if mz.size >= 20 else 1 if np.ptp(x) > 0.1 else 0
    weights = np.ones(mz.size)
    for _ in range(20):
        coefficients = np.polyfit(x, width, degree, w=np.sqrt(weights))
        residual = width - np.polyval(coefficients, x)
        spread = max(1.4826 * np.median(np.abs(residual)), 1e-3)
        ratio = np.where(residual > 0, 2, 1) * residual / (4.685 * spread)
        weights = np.maximum(np.where(np.abs(ratio) < 1, (1 - ratio**2) ** 2, 0), 1e-6)
    return WidthModel(coefficients, float(mz.min()), middle, float(mz.max()), float(spread))
