"""``python -m benchmarks.maldiquant``: detection, alignment and binning against MALDIquant in R: CPU time of both, and equal results.

R runs as a process of its own and times itself, so it has no row in the table of peers. Needs ``Rscript`` and the R package.
"""

import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

from benchmarks.bench_peaks import cohort, peak_lists
from benchmarks.peak_truth import processed
from spectra import WarpAligner, bin_peaks, find_peaks, simulate_cohort

SCRIPT = """
suppressMessages(library(MALDIquant)); folder <- commandArgs(TRUE)[1]
number <- function(name) readBin(file.path(folder, name), "double", 1e8)
cpu <- function(name, f) { f(); t <- system.time(r <- f())[["user.self"]]; cat(name, t, "\\n"); r }
keep <- function(name, x) writeBin(as.double(x), file.path(folder, name))
lists <- function(name) { m <- number(paste0(name, ".mz")); y <- number(paste0(name, ".y")); n <- number(paste0(name, ".n"))
  s <- rep(seq_along(n), n); unname(mapply(function(a, b) createMassPeaks(a, b), split(m, s), split(y, s))) }
profile <- createMassSpectrum(number("profile.mz"), number("profile.y"))
keep("detected", mass(cpu("detect", function() { for (i in 1:19) detectPeaks(profile); detectPeaks(profile) })))
small <- lists("small"); large <- lists("large")
keep("small.binned", unlist(lapply(cpu("small", function() binPeaks(small)), mass)))
keep("large.binned", unlist(lapply(cpu("large", function() binPeaks(large)), mass)))
keep("aligned", unlist(lapply(cpu("align", function() warpMassPeaks(small, determineWarpingFunctions(small))), mass)))
"""


def timed(function):
    function()
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


def write_lists(folder, name, lists):
    for field in ("mz", "y"):
        parts = [peaks.mz if field == "mz" else peaks.intensity for peaks in lists]
        np.concatenate(parts).tofile(folder / f"{name}.{field}")
    np.array([len(peaks) for peaks in lists], float).tofile(folder / f"{name}.n")


def detected(mz, y):
    for _ in range(20):
        peaks = find_peaks(mz, y, refine=False)
    return peaks.mz


def binned(lists):
    mz, bins = bin_peaks(lists)
    return np.concatenate([mz[found] for found in bins])


def aligned(spectra):
    return np.concatenate([peaks.mz for peaks in WarpAligner().fit(spectra).transform(spectra).peaks])


def main(n_large=10000):
    spectra, large = cohort(), peak_lists(n_large)
    spectrum = simulate_cohort(2, seed=0).cohort.spectrum(0)
    y = np.maximum(processed(spectrum.intensity), 0)  # MALDIquant would set them to zero itself, with a warning
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_lists(folder, "small", spectra.peaks)
        write_lists(folder, "large", large)
        spectrum.mz.tofile(folder / "profile.mz")
        y.tofile(folder / "profile.y")
        (folder / "run.R").write_text(SCRIPT)
        done = subprocess.run(["Rscript", folder / "run.R", folder], capture_output=True, text=True, check=True)
        theirs = {line.split()[0]: float(line.split()[1]) for line in done.stdout.splitlines()}
        results = {file: np.fromfile(folder / file) for file in ("detected", "small.binned", "large.binned", "aligned")}
    jobs = {
        "detect": (
            "20 detections, noise included",
            lambda: detected(spectrum.mz, y),
            "detected",
        ),
        "small": ("strict binning, 281 x 300", lambda: binned(spectra.peaks), "small.binned"),
        "large": (f"strict binning, {n_large} x 300", lambda: binned(large), "large.binned"),
        "align": ("reference and warps, 281 x 300", lambda: aligned(spectra), "aligned"),
    }
    for key, (words, job, file) in jobs.items():
        seconds, ours = timed(job)
        apart = np.abs(ours / results[file] - 1).max() if ours.size == results[file].size else np.inf
        print(f"{words:<32} {1e3 * seconds:9.1f} ms  {1e3 * theirs[key]:9.1f} ms  {theirs[key] / seconds:6.1f}x  apart by {apart:.1e}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
