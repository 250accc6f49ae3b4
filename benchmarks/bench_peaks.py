"""Time to find peaks in one spectrum, and to align, bin and filter those of a cohort."""

import time

import numpy as np

import spectra
from benchmarks import skips_older


def peak_lists(n_spectra, n_peaks=300, seed=0):
    """Lists that share two thirds of 450 peaks, each drifted by up to 500 ppm."""
    rng = np.random.default_rng(seed)
    centres = np.sort(rng.uniform(1000, 9900, 3 * n_peaks // 2))
    lists = []
    for _ in range(n_spectra):
        mz = centres * (1 + rng.uniform(-5e-4, 5e-4) + rng.normal(0, 5e-5, centres.size))
        mz = np.sort(mz[rng.random(centres.size) < np.where(np.arange(centres.size) % 5 == 0, 0.97, 0.59)])
        lists.append(spectra.PeakList(mz, rng.lognormal(size=mz.size), *[mz] * 5, np.arange(mz.size)))
    return lists


def cohort(n_spectra=281):
    axis = np.linspace(1000, 10000, 20000)
    y = np.random.default_rng(1).random(axis.size)
    return spectra.Cohort.from_spectra([spectra.Spectrum(axis, y, str(i)) for i in range(n_spectra)], peaks=peak_lists(n_spectra))


class Detectors:
    """Each on the profile it is meant for: the first a processed one, the others raw counts."""

    timer = time.process_time  # one thread: what else the machine does counts less
    params = (["find_peaks", "find_peaks_cwt", "find_peaks_fit"],)
    param_names = ("detector",)

    @skips_older
    def setup(self, detector):
        spectrum = spectra.simulate_cohort(2, seed=0).cohort.spectrum(0)
        self.mz, self.y = spectrum.mz, spectrum.intensity
        if detector == "find_peaks":
            smooth = spectra.savitzky_golay(np.sqrt(self.y))
            self.y = smooth - spectra.snip(smooth)
        self.find = getattr(spectra, detector)
        self.time_find(detector)  # compiled, or loaded, before it is timed; so everywhere below

    def time_find(self, detector):
        self.find(self.mz, self.y)


class LearnedSteps:
    """What runs in each fold of a study."""

    timer = time.process_time

    @skips_older
    def setup(self):
        self.cohort = cohort()
        self.y = np.arange(281) % 2
        self.aligner = spectra.WarpAligner().fit(self.cohort)
        self.aligned = self.aligner.transform(self.cohort)
        self.binner = spectra.PeakBinner().fit(self.aligned)
        self.time_all()

    def time_align_fit(self):
        spectra.WarpAligner().fit(self.cohort)

    def time_align_transform(self):
        self.aligner.transform(self.cohort)

    def time_bin_fit(self):
        spectra.PeakBinner().fit(self.aligned)

    def time_bin_transform(self):
        self.binner.transform(self.aligned)

    def time_all(self):
        moved = spectra.WarpAligner().fit(self.cohort).transform(self.cohort)
        features = spectra.PeakBinner().fit(moved).transform(moved)
        spectra.FrequencyFilter().fit(features, self.y).transform(features)


class ManySpectra:
    timer = time.process_time
    params = (281, 10000)
    param_names = ("n_spectra",)

    @skips_older
    def setup_cache(self):
        """Compile in a process of its own: the compiler's memory isn't that of binning."""
        self.setup(10)

    @skips_older
    def setup(self, n_spectra):
        self.lists = peak_lists(n_spectra)
        spectra.bin_peaks(self.lists[:10])

    def time_bin_peaks(self, n_spectra):
        spectra.bin_peaks(self.lists)

    def peakmem_bin_peaks(self, n_spectra):
        spectra.bin_peaks(self.lists)


class Density:
    """Bins where peaks crowd."""

    timer = time.process_time
    params = (281, 10000)
    param_names = ("n_spectra",)

    @skips_older
    def setup(self, n_spectra):
        self.lists = peak_lists(n_spectra)
        self.widths = spectra.WidthModel(np.array([1.0, np.log(5.0)]), 1000.0, 3000.0, 9000.0, 0.05)  # a resolution of 600
        spectra.bin_peaks(self.lists[:10], method="density", widths=self.widths)

    def time_bin_by_density(self, n_spectra):
        spectra.bin_peaks(self.lists, method="density", widths=self.widths)


class Others:
    timer = time.process_time

    @skips_older
    def setup(self):
        self.time_simulate()
        self.time_match_masses()

    def time_simulate(self):
        spectra.simulate_cohort(20, seed=0)

    def time_match_masses(self):
        spectra.match_masses(np.linspace(1000, 9000, 50))
