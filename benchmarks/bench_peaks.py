"""Time to find peaks in one spectrum, and to align, bin and filter those of a cohort."""

import numpy as np

from benchmarks.peak_truth import processed
from spectra import (
    Cohort,
    FrequencyFilter,
    PeakBinner,
    PeakList,
    Spectrum,
    WarpAligner,
    WidthModel,
    bin_peaks,
    find_peaks,
    find_peaks_cwt,
    find_peaks_fit,
    match_masses,
    simulate_cohort,
)

WIDTHS = WidthModel(np.array([1.0, np.log(5.0)]), 1000.0, 3000.0, 9000.0, 0.05)  # a resolution of 600


def peak_lists(n_spectra, n_peaks=300, seed=0):
    """Lists that share two thirds of 450 peaks, each drifted by up to 500 ppm."""
    rng = np.random.default_rng(seed)
    centres = np.sort(rng.uniform(1000, 9900, 3 * n_peaks // 2))
    lists = []
    for _ in range(n_spectra):
        mz = centres * (1 + rng.uniform(-5e-4, 5e-4) + rng.normal(0, 5e-5, centres.size))
        mz = np.sort(mz[rng.random(centres.size) < np.where(np.arange(centres.size) % 5 == 0, 0.97, 0.59)])
        lists.append(PeakList(mz, rng.lognormal(size=mz.size), *[mz] * 5, np.arange(mz.size)))
    return lists


def cohort(n_spectra=281):
    axis = np.linspace(1000, 10000, 20000)
    y = np.random.default_rng(1).random(axis.size)
    return Cohort.from_spectra([Spectrum(axis, y, str(i)) for i in range(n_spectra)], peaks=peak_lists(n_spectra))


class Detectors:
    def setup(self):
        spectrum = simulate_cohort(2, seed=0).cohort.spectrum(0)
        self.mz, self.raw = spectrum.mz, spectrum.intensity
        self.y = processed(self.raw)
        self.time_find_peaks()  # compiled, or loaded, before it is timed; so everywhere below
        self.time_find_peaks_cwt()
        self.time_find_peaks_fit()

    def time_find_peaks(self):
        find_peaks(self.mz, self.y)

    def time_find_peaks_cwt(self):
        find_peaks_cwt(self.mz, self.raw)

    def time_find_peaks_fit(self):
        find_peaks_fit(self.mz, self.raw)


class LearnedSteps:
    """What runs in each fold of a study."""

    def setup(self):
        self.cohort = cohort()
        self.y = np.arange(281) % 2
        self.aligner = WarpAligner().fit(self.cohort)
        self.aligned = self.aligner.transform(self.cohort)
        self.binner = PeakBinner().fit(self.aligned)
        self.time_all()

    def time_align_fit(self):
        WarpAligner().fit(self.cohort)

    def time_align_transform(self):
        self.aligner.transform(self.cohort)

    def time_bin_fit(self):
        PeakBinner().fit(self.aligned)

    def time_bin_transform(self):
        self.binner.transform(self.aligned)

    def time_all(self):
        moved = WarpAligner().fit(self.cohort).transform(self.cohort)
        features = PeakBinner().fit(moved).transform(moved)
        FrequencyFilter().fit(features, self.y).transform(features)


class ManySpectra:
    params = (281, 10000)
    param_names = ("n_spectra",)

    def setup(self, n_spectra):
        self.lists = peak_lists(n_spectra)
        bin_peaks(self.lists[:10])

    def time_bin_peaks(self, n_spectra):
        bin_peaks(self.lists)

    def time_bin_by_density(self, n_spectra):
        bin_peaks(self.lists, method="density", widths=WIDTHS)

    def peakmem_bin_peaks(self, n_spectra):
        bin_peaks(self.lists)


class Others:
    def setup(self):
        self.time_simulate()
        self.time_match_masses()

    def time_simulate(self):
        simulate_cohort(20, seed=0)

    def time_match_masses(self):
        match_masses(np.linspace(1000, 9000, 50))
