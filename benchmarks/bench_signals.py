"""Signal steps on one spectrum of 42,388 points, for asv."""

import time
from typing import ClassVar

import spectra
from benchmarks import skips_older

STEPS = {
    "square_root": lambda mz, y: spectra.square_root(y),
    "savitzky_golay": lambda mz, y: spectra.savitzky_golay(y),
    "moving_average": lambda mz, y: spectra.moving_average(y),
    "whittaker": lambda mz, y: spectra.whittaker(y),
    "denoise_wavelet": lambda mz, y: spectra.denoise_wavelet(y),
    "dwt": lambda mz, y: spectra.dwt(y, levels=8),
    "snip": lambda mz, y: spectra.snip(y),
    "snip, order 8": lambda mz, y: spectra.snip(y, order=8),
    "tophat": lambda mz, y: spectra.tophat(y),
    "median_baseline": lambda mz, y: spectra.median_baseline(y),
    "convex_hull": lambda mz, y: spectra.convex_hull(mz, y),
    "asls": lambda mz, y: spectra.asls(y),
    "normalize_tic": lambda mz, y: spectra.normalize_tic(mz, y),
    "noise_mad": lambda mz, y: spectra.noise_mad(y),
    "noise_local": lambda mz, y: spectra.noise_local(y),
    "noise_supersmoother": lambda mz, y: spectra.noise_supersmoother(mz, y),
    "spectrum_quality": lambda mz, y: spectra.spectrum_quality(mz, y),
}


def profile():
    from benchmarks.peers.signals import profile

    return profile()


class OneSpectrum:
    """Each step, warm."""

    timer = time.process_time  # one thread: what else the machine does counts less
    params = (list(STEPS), ["float64", "float32"])
    param_names = ("step", "dtype")

    @skips_older
    def setup(self, step, dtype):
        self.mz, y = profile()
        self.y = y.astype(dtype)
        STEPS[step](self.mz, self.y)

    def time_step(self, step, dtype):
        STEPS[step](self.mz, self.y)


def cohort():
    mz, y = profile()
    return spectra.Cohort.from_spectra([spectra.Spectrum(mz, y + i) for i in range(24)])


class Denoising:
    """Denoising of 24 spectra over threads."""

    params = ([1, 2],)
    param_names = ("threads",)
    options: ClassVar = {}

    @skips_older
    def setup_cache(self):
        """Compile in a process of its own: the compiler's memory isn't the steps'."""
        self.setup(1)

    @skips_older
    def setup(self, threads):
        self.cohort = cohort()
        self.denoise(threads)

    def denoise(self, threads):
        self.cohort.denoise_wavelet(n_jobs=threads, **self.options)


class Cohorts(Denoising):
    """The time and the memory it takes."""

    def time_denoise(self, threads):
        self.denoise(threads)

    def peakmem_denoise(self, threads):
        self.denoise(threads)


class InPlace(Denoising):
    """The memory, where the intensities are written over."""

    options: ClassVar = {"in_place": True}

    def peakmem_denoise_in_place(self, threads):
        self.denoise(threads)
