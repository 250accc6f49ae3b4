"""``python -m benchmarks.peak_truth``: how many true peaks each detector finds, at equal shares of false ones.

In the manner of Yang, He & Yu (2009, BMC Bioinformatics 10:4): sets of simulated spectra, each set with molecules of its own; every
detector ranks what it found, and the ranking is cut where a given share of it is false. Detectors that want a processed profile get
square root, Savitzky-Golay and SNIP, whose noise is the same everywhere; those that want a raw one get that.
"""

import argparse
import sys
import time

import numpy as np

from spectra import find_peaks, find_peaks_cwt, find_peaks_fit, noise_mad, savitzky_golay, simulate_cohort, snip

SHARES = (0.05, 0.1, 0.2, 0.3)
FIRST_SEED = 9000  # none of these was looked at when detectors were made


def countable(truth, least=1.0):
    """Peaks that a detector can be asked for: at least as high as the noise of a point, and not within 0.75 widths of a higher one."""
    keep = np.zeros(len(truth), bool)
    kept = []
    for p in np.argsort(-truth.intensity, kind="stable"):
        if all(abs(truth.mz[p] - truth.mz[q]) >= 0.75 * max(truth.fwhm[p], truth.fwhm[q]) for q in kept):
            keep[p] = True
            kept.append(p)
    return keep & (truth.snr >= least)


def judge(mz, score, truth, counted):
    """(scores from high to low, verdicts): 1 a countable peak found first, -1 no peak within half a width, 0 neither."""
    order = np.argsort(-score, kind="stable")
    distance = np.abs(truth.mz - mz[order][:, None])
    near = distance < 0.5 * truth.fwhm
    distance = np.where(near & counted, distance, np.inf)
    verdicts = np.where(near.any(axis=1), 0, -1)
    free = counted.copy()
    for i in np.flatnonzero(np.isfinite(distance).any(axis=1)):
        open_ones = np.where(free, distance[i], np.inf)
        p = int(open_ones.argmin())
        if np.isfinite(open_ones[p]):
            verdicts[i], free[p] = 1, False
    return score[order], verdicts


def sensitivity(results, total, shares=SHARES):
    """Share of the countable peaks found, at each share of false ones among all that were found."""
    scores = np.concatenate([scores for scores, _ in results])
    verdicts = np.concatenate([verdicts for _, verdicts in results])[np.argsort(-scores, kind="stable")]
    true, false = np.cumsum(verdicts == 1), np.cumsum(verdicts == -1)
    rate = false / np.maximum(true + false, 1)
    return [float(true[rate <= share].max(initial=0)) / total for share in shares]


def processed(y, half_window=10):
    smooth = np.maximum(savitzky_golay(np.sqrt(y), half_window=half_window), 0)
    return smooth - snip(smooth)


def local_maxima(half_window):
    def detect(mz, y):
        peaks = find_peaks(mz, processed(y), half_window=half_window, snr=0.5, refine=False)
        return peaks.mz, peaks.snr

    return detect


def ridges(mz, y):
    peaks = find_peaks_cwt(mz, y, snr=0.3)
    return peaks.mz, peaks.snr


def joint_fit(mz, y):
    peaks = find_peaks_fit(mz, y, snr=0.5)
    return peaks.mz, peaks.snr


def scipy_maxima(score):
    def detect(mz, y):
        from scipy.signal import find_peaks

        z = processed(y)
        index, found = find_peaks(z, height=0.5 * noise_mad(z), distance=10, prominence=1e-9)
        return mz[index], found[score]

    return detect


def scipy_cwt(mz, y):
    from scipy.signal import find_peaks_cwt

    best = {}
    for least in (0.5, 1, 1.5, 2, 3, 5, 8, 12):
        for index in find_peaks_cwt(processed(y), [4, 6, 8, 12, 16, 24], min_snr=least, noise_perc=10):
            best[index] = least
    index = np.array(sorted(best), int)
    return mz[index], np.array([best[i] for i in index], float)


def openms(mz, y):
    import pyopenms

    z = np.maximum(processed(y), 0)
    profile, picked = pyopenms.MSSpectrum(), pyopenms.MSSpectrum()
    profile.set_peaks((mz, z))
    picker = pyopenms.PeakPickerHiRes()
    options = picker.getParameters()
    options.setValue("signal_to_noise", 0.0)
    picker.setParameters(options)
    picker.pick(profile, picked)
    return tuple(np.asarray(values, float) for values in picked.get_peaks())


def ms_peak_picker(mz, y):
    import ms_peak_picker

    peaks = ms_peak_picker.pick_peaks(mz, np.maximum(processed(y), 0), fit_type="quadratic", signal_to_noise_threshold=0)
    return np.array([p.mz for p in peaks], float), np.array([p.intensity for p in peaks], float)


DETECTORS = {
    "find_peaks_fit": joint_fit,
    "find_peaks_cwt": ridges,
    "find_peaks = MALDIquant": local_maxima(20),
    "find_peaks, half window 10": local_maxima(10),
    "scipy find_peaks, height": scipy_maxima("peak_heights"),
    "scipy find_peaks, prominence": scipy_maxima("prominences"),
    "OpenMS PeakPickerHiRes": openms,
    "ms_peak_picker": ms_peak_picker,
    "scipy find_peaks_cwt": scipy_cwt,
}


def simulate(sets, spectra):
    for k in range(sets):
        simulation = simulate_cohort(max(spectra, 2), seed=FIRST_SEED + k)
        yield from zip(simulation.cohort, simulation.peaks, strict=True)


def denoising(pairs, half_windows=(2, 4, 6, 8, 10, 14, 20, 28, 40)):
    """[(half window, share missed, share false)] of local maxima above twice the noise, against how much is smoothed."""
    rows = []
    for half_window in half_windows:
        true = false = total = 0
        for spectrum, truth in pairs:
            counted = countable(truth)
            peaks = find_peaks(spectrum.mz, processed(spectrum.intensity, half_window), half_window=10, snr=2)
            _, verdicts = judge(peaks.mz, peaks.snr, truth, counted)
            true, false, total = true + (verdicts == 1).sum(), false + (verdicts == -1).sum(), total + counted.sum()
        rows.append((half_window, 1 - true / total, false / max(true + false, 1)))
    return rows


def draw(rows, path):
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    windows, missed, false = zip(*rows, strict=True)
    figure, axes = pyplot.subplots(figsize=(6, 4), layout="constrained")
    axes.plot(windows, missed, "o-", label="true peaks missed")
    axes.plot(windows, false, "s-", label="found peaks that are false")
    axes.set(xlabel="half window of smoothing (points)", ylabel="share", ylim=(0, None))
    axes.legend()
    figure.savefig(path)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peak_truth", description=__doc__)
    parser.add_argument("--sets", type=int, default=5)
    parser.add_argument("--spectra", type=int, default=4, help="per set")
    parser.add_argument("--only", default="", help="detectors whose name holds this")
    parser.add_argument("--slow", action="store_true", help="also detectors that take seconds for a spectrum")
    parser.add_argument("--figure", help="write how smoothing trades missed for false peaks to this SVG file")
    options = parser.parse_args(arguments)
    pairs = list(simulate(options.sets, options.spectra))
    total = sum(int(countable(truth).sum()) for _, truth in pairs)
    print(f"{len(pairs)} spectra of {options.sets} sets, {total} countable peaks; sensitivity at shares of false ones of {SHARES}")
    for name, detect in DETECTORS.items():
        if options.only not in name or (detect is scipy_cwt and not options.slow):
            continue
        try:
            detect(pairs[0][0].mz, pairs[0][0].intensity)
        except ImportError as error:
            print(f"{name:<30} skipped: {error}")
            continue
        results, seconds = [], 0.0
        for spectrum, truth in pairs:
            start = time.process_time()
            mz, score = detect(spectrum.mz, spectrum.intensity)
            seconds += time.process_time() - start
            results.append(judge(mz, score, truth, countable(truth)))
        found = "  ".join(f"{value:.3f}" for value in sensitivity(results, total))
        print(f"{name:<30} {found}   {1e3 * seconds / len(pairs):8.1f} ms a spectrum", flush=True)
    rows = denoising(pairs)
    print("half window of smoothing, share missed, share false, of local maxima above twice the noise")
    for half_window, missed, false in rows:
        print(f"{half_window:>4} {missed:.3f} {false:.3f}")
    if options.figure:
        draw(rows, options.figure)
    return 0


if __name__ == "__main__":
    sys.exit(main())
