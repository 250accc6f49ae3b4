"""Probabilistic quotient normalisation, a learned step: its reference comes from the training spectra."""

import dataclasses

import numpy as np

from spectra._steps import Learned
from spectra.containers import Cohort, FeatureMatrix
from spectra.errors import SpectraError, SpectrumError
from spectra.normalization import total_ion_current

BLOCK = 4096  # points of all spectra that are held at once while their median is taken


class PQNormalizer(Learned):
    """Divide each spectrum by the median of its quotients with a reference spectrum.

    A few strong peaks that differ between samples change the total ion current, but hardly the *typical* quotient, and so they do not
    pull all others down. The reference is the pointwise median of the training spectra, each with a total ion current of 1; for a
    feature matrix, the median of its rows.

    Attributes
    ----------
    axis_ : ndarray or None
        m/z of the reference, the first training spectrum's (Da/e); None after fitting a feature matrix.
    reference_ : ndarray
        The reference spectrum or row.

    References
    ----------
    Dieterle, Ross, Schlotterbeck & Senn (2006), Anal. Chem. 78, 4281. On a cohort of one axis, fitted and transformed, equal to
    ``MALDIquant::calibrateIntensity(method="PQN")``.

    Examples
    --------
    >>> import numpy as np
    >>> from spectra import Cohort, PQNormalizer, Spectrum
    >>> mz, y = np.arange(1.0, 6), np.array([1.0, 2, 3, 2, 1])
    >>> cohort = Cohort.from_spectra([Spectrum(mz, y * factor) for factor in (1, 2, 5)])
    >>> scaled = PQNormalizer().fit_transform(cohort)
    >>> bool(np.allclose(scaled.intensity_of(0), scaled.intensity_of(2)))
    True
    """

    axis_: np.ndarray | None = None  # a frozen step that was fitted on features has none stored

    def fit(self, data, y=None):
        """Take the reference from a `Cohort` or a `FeatureMatrix`; `y` is ignored."""
        if len(data) == 0:
            raise SpectraError("PQNormalizer needs at least one spectrum")
        if isinstance(data, FeatureMatrix):
            self.axis_ = None
            self.reference_ = np.nanmedian(data.values, axis=0)
            return self
        self.axis_ = data.axis_of(0).copy()
        totals = [_positive(total_ion_current(s.mz, s.intensity), s.name, "total ion current") for s in data]
        rows = [_on_axis(s, self.axis_) for s in data]
        self.reference_ = np.empty(self.axis_.size)
        for start in range(0, self.axis_.size, BLOCK):
            part = slice(start, start + BLOCK)
            self.reference_[part] = np.median([row[part] / total for row, total in zip(rows, totals, strict=True)], axis=0)
        return self

    def transform(self, data):
        """Scale a cohort (intensities, and with them peaks and noise) or the rows of a feature matrix."""
        if isinstance(data, FeatureMatrix):
            if self.axis_ is not None or self.reference_.size != data.values.shape[1]:
                raise SpectraError("PQNormalizer was not fitted on a feature matrix with these columns")
            names = data.samples.get("file", data.samples.index)
            factors = [self._factor(row, str(name)) for row, name in zip(data.values, names, strict=True)]
            return dataclasses.replace(data, values=data.values / np.array(factors)[:, None])
        if self.axis_ is None:
            raise SpectraError("PQNormalizer was fitted on a feature matrix, not on spectra")
        factors = [self._factor(_on_axis(s, self.axis_), s.name) for s in data]
        return _scaled(data, factors)

    def _factor(self, row, name):
        """Median quotient of one row; something over nothing counts as infinite, nothing over nothing not at all."""
        used = (self.reference_ > 0) & ~np.isnan(row)
        if not used.any():
            raise SpectrumError(f"{name}: nothing to compare with the reference spectrum, which is nowhere above zero")
        endless = np.full(np.count_nonzero((self.reference_ == 0) & (row > 0)), np.inf)
        quotients = np.concatenate([row[used] / self.reference_[used], endless])
        return _positive(float(np.median(quotients)), name, "median quotient with the reference")


def _positive(value, name, matter):
    if not value > 0:
        raise SpectrumError(f"{name}: the {matter} is {value:g}, so the spectrum cannot be divided by it")
    return value


def _on_axis(spectrum, axis):
    if spectrum.mz.size == axis.size and (spectrum.mz is axis or np.array_equal(spectrum.mz, axis)):
        return spectrum.intensity
    return np.interp(axis, spectrum.mz, spectrum.intensity, left=np.nan, right=np.nan)


def _scaled(cohort: Cohort, factors):
    dtype = cohort.intensity.dtype
    scaled = cohort.with_intensities([cohort.intensity_of(i) / dtype.type(factor) for i, factor in enumerate(factors)])
    peaks, noise = cohort.peaks, cohort.noise
    if peaks is not None:
        peaks = [dataclasses.replace(p, intensity=p.intensity / f, area=p.area / f) for p, f in zip(peaks, factors, strict=True)]
    if noise is not None:
        noise = [level / f for level, f in zip(noise, factors, strict=True)]
    return dataclasses.replace(scaled, peaks=peaks, noise=noise)
