"""``python -m benchmarks.peak_truth``: how many true peaks each detector finds, at equal shares of false ones.

In the manner of Yang, He & Yu (2009, BMC Bioinformatics 10:4): sets of simulated spectra, each set with molecules of its own; every
detector ranks what it found, and the ranking is cut where a given share of it is false. Detectors that want a processed profile get
square root, Savitzky-Golay and SNIP, whose noise is the same everywhere; those that want a raw one get that.

``--sets 25 --spectra 100 --slow --figure truth.svg --table truth.csv`` is the whole of it: eight minutes of one core. SciPy's
find_peaks_cwt takes seconds for a spectrum and sees the first of each set only.
"""

import argparse
import csv
import dataclasses
import sys
import time

import numpy as np

from spectra import find_peaks, find_peaks_cwt, find_peaks_fit, noise_mad, savitzky_golay, simulate_cohort, snip

SHARES = (0.05, 0.1, 0.2, 0.3)
FIRST_SEED = 9000  # none of these was looked at when detectors were made


def countable(truth, least=1.0):
    """Peaks that a detector can be asked for: at least as high as the noise of a point, and not within 0.75 widths of a higher one."""
    keep = np.zeros(len(truth), bool)
    for p in np.argsort(-truth.intensity, kind="stable"):
        apart = np.abs(truth.mz[keep] - truth.mz[p]) >= 0.75 * np.maximum(truth.fwhm[keep], truth.fwhm[p])
        keep[p] = apart.all()
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


def operating_curve(results, total):
    """(share false, share found) at every cut of the pooled ranking: of all that was found, and of the countable peaks."""
    scores = np.concatenate([scores for scores, _ in results])
    verdicts = np.concatenate([verdicts for _, verdicts in results])[np.argsort(-scores, kind="stable")]
    true, false = np.cumsum(verdicts == 1), np.cumsum(verdicts == -1)
    return false / np.maximum(true + false, 1), true / total


def sensitivity(results, total, shares=SHARES):
    """Share of the countable peaks found, at each share of false ones among all that were found."""
    rate, found = operating_curve(results, total)
    return [float(found[rate <= share].max(initial=0)) for share in shares]


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
    for least in (0.5, 1, 2, 4, 8):
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


HALF_WINDOWS = (2, 4, 6, 8, 10, 14, 20, 28, 40)


@dataclasses.dataclass
class Tally:
    """What one detector did: judged lists, how many peaks it could have found, CPU seconds."""

    results: list = dataclasses.field(default_factory=list)
    total: int = 0
    seconds: float = 0.0

    def add(self, detect, spectrum, truth, counted):
        start = time.process_time()
        mz, score = detect(spectrum.mz, spectrum.intensity)
        self.seconds += time.process_time() - start
        self.results.append(judge(mz, score, truth, counted))
        self.total += int(counted.sum())


def smoothing(half_window):
    """Local maxima above twice the noise, after more or less smoothing."""

    def detect(mz, y):
        peaks = find_peaks(mz, processed(y, half_window), half_window=10, snr=2)
        return peaks.mz, peaks.snr

    return detect


def available(only, slow):
    """The detectors asked for whose libraries are there."""
    mz, y = np.linspace(1000, 1100, 500), np.random.default_rng(0).random(500)
    chosen = {}
    for name, detect in DETECTORS.items():
        if only not in name or (detect is scipy_cwt and not slow):
            continue
        try:
            detect(mz, y)
        except ImportError as error:
            print(f"{name:<30} skipped: {error}")
            continue
        chosen[name] = detect
    return chosen


def run(sets, spectra, detectors):
    """(tallies, smoothed): a Tally for each detector and for each half window of smoothing."""
    tallies, smoothed = {name: Tally() for name in detectors}, {half_window: Tally() for half_window in HALF_WINDOWS}
    for k in range(sets):
        simulation = simulate_cohort(max(spectra, 2), seed=FIRST_SEED + k)
        for i, (spectrum, truth) in enumerate(zip(simulation.cohort, simulation.peaks, strict=True)):
            counted = countable(truth)
            for name, detect in detectors.items():
                if i == 0 or detect is not scipy_cwt:
                    tallies[name].add(detect, spectrum, truth, counted)
            if i < 10:  # its shares move by less than their digits after that
                for half_window, tally in smoothed.items():
                    tally.add(smoothing(half_window), spectrum, truth, counted)
    return tallies, smoothed


def table(tallies):
    """Rows (detector, found at each of SHARES, milliseconds for a spectrum, spectra)."""
    return [
        (name, *sensitivity(tally.results, tally.total), 1e3 * tally.seconds / len(tally.results), len(tally.results))
        for name, tally in tallies.items()
    ]


def denoising(smoothed):
    """Rows (half window, share missed, share false)."""
    rows = []
    for half_window, tally in smoothed.items():
        verdicts = np.concatenate([verdicts for _, verdicts in tally.results])
        true, false = int((verdicts == 1).sum()), int((verdicts == -1).sum())
        rows.append((half_window, 1 - true / tally.total, false / max(true + false, 1)))
    return rows


def draw(tallies, rows, path):
    """Operating curves on the left, what smoothing trades on the right."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot

    figure, (curves, trade) = pyplot.subplots(1, 2, figsize=(11, 4.5), layout="constrained", width_ratios=(3, 2))
    for name, tally in tallies.items():
        rate, found = operating_curve(tally.results, tally.total)
        grid = np.linspace(0.01, 0.4, 79)
        best = [found[rate <= share].max(initial=0) for share in grid]
        ours = name.startswith("find_peaks")
        curves.plot(grid, best, "-" if ours else "--", lw=1.8 if ours else 1.2, label=name)
    curves.set(xlabel="share of the found peaks that are false", ylabel="share of the true peaks found", xlim=(0, 0.4), ylim=(0.5, 1))
    curves.legend(fontsize=8, loc="lower right")
    windows, missed, false = zip(*rows, strict=True)
    trade.plot(windows, missed, "o-", label="true peaks missed")
    trade.plot(windows, false, "s-", label="found peaks that are false")
    trade.set(xlabel="half window of smoothing (points)", ylabel="share", ylim=(0, None), title="local maxima, ratio 2", xscale="log")
    trade.set_xticks(windows, map(str, windows))
    trade.minorticks_off()
    trade.legend(fontsize=8)
    figure.savefig(path)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peak_truth", description=__doc__)
    parser.add_argument("--sets", type=int, default=5)
    parser.add_argument("--spectra", type=int, default=4, help="per set")
    parser.add_argument("--only", default="", help="detectors whose name holds this")
    parser.add_argument("--slow", action="store_true", help="also detectors that take seconds for a spectrum")
    parser.add_argument("--figure", help="write operating curves and the trade of smoothing to this SVG file")
    parser.add_argument("--table", help="write the table to this CSV file")
    options = parser.parse_args(arguments)
    tallies, smoothed = run(options.sets, options.spectra, available(options.only, options.slow))
    counts = next(iter(smoothed.values())).total if not tallies else max(tally.total for tally in tallies.values())
    print(f"{options.sets} sets of {options.spectra} spectra, {counts} countable peaks; found at shares of false ones of {SHARES}")
    rows = table(tallies)
    for name, *found, milliseconds, spectra in rows:
        words = f"{milliseconds:8.1f} ms a spectrum" + (f", {spectra} spectra only" if spectra < options.sets * options.spectra else "")
        print(f"{name:<30} {'  '.join(f'{value:.3f}' for value in found)} {words}")
    trade = denoising(smoothed)
    print("half window of smoothing, share missed, share false, of local maxima above twice the noise")
    for half_window, missed, false in trade:
        print(f"{half_window:>4} {missed:.3f} {false:.3f}")
    if options.table:
        with open(options.table, "w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([("detector", *(f"found at {share:g}" for share in SHARES), "ms", "spectra"), *rows])
    if options.figure:
        draw(tallies, trade, options.figure)
    return 0


if __name__ == "__main__":
    sys.exit(main())
