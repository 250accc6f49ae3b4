"""``python -m benchmarks.denoising_truth``: what each smoother does to spectra of which the truth is known.

For every method and strength, on simulated spectra after the square root:

- error: mean squared difference from the expected spectrum, over that of the raw one;
- recall and false peaks per spectrum of the default peak detection (SNIP, local maxima, SNR 2 over MAD noise);
- recall at one false peak in ten, whatever SNR that takes: what a method *can* find.

A true peak counts when its height is at least three noise levels and no higher one lies within its width; a found peak is right when a
true one, of any height, lies within half a width. A second table does the same for noise levels in place of the global MAD.
"""

import argparse
import dataclasses
import functools
import pathlib

import numpy as np

import spectra
from spectra.simulate_flight import Instrument

METHODS = {
    "Savitzky-Golay": ("half window", [3, 5, 10, 20, 40], lambda y, s: spectra.savitzky_golay(y, half_window=s)),
    "moving average": ("half window", [1, 2, 4, 8, 16], lambda y, s: spectra.moving_average(y, half_window=s)),
    "running median": ("half window", [1, 2, 4, 8, 16], lambda y, s: spectra.running_median(y, half_window=s)),
    "Whittaker": ("penalty", [1, 10, 100, 1e3, 1e4], lambda y, s: spectra.whittaker(y, penalty=s)),
}
STRENGTHS = [0.4, 0.6, 0.8, 1.0, 1.5]
PLAIN = {"threshold": "universal", "mode": "firm", "noise": "global", "transform": "undecimated", "wavelet": "sym8", "levels": 5}
WAVELETS = {
    "the defaults: universal, firm, local noise": {"noise": "local"},
    "universal, firm": {},
    "universal, soft": {"mode": "soft"},
    "universal, hard": {"mode": "hard"},
    "universal, garrote": {"mode": "garrote"},
    "minimax, firm": {"threshold": "minimax"},
    "SURE, soft": {"threshold": "sure", "mode": "soft"},
    "SURE, soft, local noise": {"threshold": "sure", "mode": "soft", "noise": "local"},
    "Bayes, soft": {"threshold": "bayes", "mode": "soft"},
    "universal, firm, noise per level": {"noise": "level"},
    "universal, firm, decimated": {"transform": "decimated"},
    "universal, firm, decimated, 8 shifts": {"transform": "decimated", "shifts": 8},
    "universal, firm, Haar": {"wavelet": "haar"},
    "universal, firm, db4": {"wavelet": "db4"},
    "universal, firm, coif3": {"wavelet": "coif3"},
    "universal, firm, bior4.4": {"wavelet": "bior4.4"},
    "universal, firm, 3 levels": {"levels": 3},
    "universal, firm, 7 levels": {"levels": 7},
}
for _name, _options in WAVELETS.items():
    METHODS[f"wavelet: {_name}"] = (
        "strength",
        STRENGTHS,
        lambda y, s, options=PLAIN | _options: spectra.denoise_wavelet(y, strength=s, **options),
    )


@dataclasses.dataclass(frozen=True)
class Truth:
    """One spectrum: its square roots with and without noise, its axis, its true peaks."""

    mz: np.ndarray
    noisy: np.ndarray
    clean: np.ndarray
    peaks: spectra.PeakList
    wanted: np.ndarray


@functools.cache
def truths(n_spectra=6, seed=11):
    """The same spectra twice: with their noise, and with ions so small and electronics so quiet that hardly any is left."""
    noisy = spectra.simulate_cohort(n_spectra, seed=seed)
    quiet = dataclasses.replace(Instrument(), counts_per_ion=1e-4, electronic_noise=0.0)
    clean = spectra.simulate_cohort(n_spectra, seed=seed, instrument=quiet)
    return [
        Truth(a.mz, np.sqrt(a.intensity), np.sqrt(b.intensity), peaks, wanted(peaks))
        for a, b, peaks in zip(noisy.cohort, clean.cohort, noisy.peaks, strict=True)
    ]


def wanted(peaks):
    """Which true peaks can be asked for."""
    keep = peaks.snr >= 3
    for i in np.flatnonzero(keep):
        near = np.abs(peaks.mz - peaks.mz[i]) < peaks.fwhm[i]
        keep[i] = peaks.intensity[i] >= peaks.intensity[near].max()
    return keep


def detect(truth, smooth, noise):
    """All local maxima with their SNR."""
    corrected = smooth - spectra.snip(smooth)
    return spectra.find_peaks(truth.mz, corrected, snr=0.5, noise=noise(truth, corrected))


def hits(truth, found):
    """(is each found peak right, the highest SNR with which each wanted peak was found or 0)."""
    right = np.zeros(len(found), bool)
    best = np.zeros(len(truth.peaks))
    for i, (mz, width) in enumerate(zip(truth.peaks.mz, truth.peaks.fwhm, strict=True)):
        near = np.abs(found.mz - mz) <= width / 2
        right |= near
        if near.any():
            best[i] = found.snr[near].max()
    return right, best[truth.wanted]


def assess(smoother, noise=lambda truth, corrected: spectra.noise_mad(corrected), power=1):
    """(error, recall, false peaks per spectrum, recall at one false in ten), of the square roots to this power."""
    error, snrs, rights, reached = [], [], [], []
    for truth in truths():
        truth = dataclasses.replace(truth, noisy=truth.noisy**power, clean=truth.clean**power)
        smooth = smoother(truth.noisy)
        error.append(np.mean((smooth - truth.clean) ** 2) / np.mean((truth.noisy - truth.clean) ** 2))
        found = detect(truth, smooth, noise)
        right, best = hits(truth, found)
        snrs.append(found.snr)
        rights.append(right)
        reached.append(best)
    snr, right, best = map(np.concatenate, (snrs, rights, reached))
    order = np.argsort(-snr, kind="stable")
    false_share = np.cumsum(~right[order]) / np.arange(1, snr.size + 1)
    passing = np.flatnonzero(false_share <= 0.1)
    limit = snr[order][passing[-1]] if passing.size else np.inf
    false = np.count_nonzero(~right & (snr > 2)) / len(truths())
    return float(np.mean(error)), float(np.mean(best > 2)), false, float(np.mean(best >= limit))


def rows():
    yield "none", "", 0, *assess(lambda y: y)
    for name, (unit, strengths, smoother) in METHODS.items():
        for strength in strengths:
            yield name, unit, strength, *assess(lambda y, smoother=smoother, strength=strength: smoother(y, strength))


NOISES = {
    "MAD": lambda truth, corrected: spectra.noise_mad(corrected),
    "MAD in windows of 1000": lambda truth, corrected: spectra.noise_local(corrected, window=1000),
    "MAD in windows of 2000": lambda truth, corrected: spectra.noise_local(corrected, window=2000),
    "MAD in windows of 4000": lambda truth, corrected: spectra.noise_local(corrected, window=4000),
    "differences of the raw spectrum": lambda truth, corrected: spectra.noise_quantile(truth.noisy),
    "super smoother": lambda truth, corrected: spectra.noise_supersmoother(truth.mz, corrected),
}
SMOOTHERS = {"Savitzky-Golay 10": spectra.savitzky_golay, "wavelet defaults": spectra.denoise_wavelet}


def noise_rows():
    """The same for the noise levels over which the default peak detection counts its SNR."""
    for smoother_name, smoother in SMOOTHERS.items():
        for noise_name, noise in NOISES.items():
            yield f"{smoother_name}, noise: {noise_name}", "", 0, *assess(smoother, noise)
    for noise_name, noise in NOISES.items():
        yield f"Savitzky-Golay 10, no square root, noise: {noise_name}", "", 0, *assess(spectra.savitzky_golay, noise, power=2)


def table(results):
    lines = ["| method | strength | error | recall | false peaks | recall at 10 % false |", "|---|---|---|---|---|---|"]
    for name, unit, strength, error, recall, false, at_ten in results:
        how = f"{unit} {strength:g}" if unit else ""
        lines.append(f"| {name} | {how} | {error:.3f} | {recall:.3f} | {false:.1f} | {at_ten:.3f} |")
    return "\n".join(lines)


def figure(results, path):
    """Error and recall against false peaks; one line per method along its strength."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    matplotlib.rcParams["svg.fonttype"] = "none"
    matplotlib.rcParams["svg.hashsalt"] = "truth"

    shown = [*list(METHODS)[:4], *(f"wavelet: {name}" for name in list(WAVELETS)[:8])]
    fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    for k, name in enumerate(shown):
        mine = [row for row in results if row[0] == name]
        style = {"color": f"C{k % 10}", "marker": "os^"[k // 5], "ms": 4, "lw": 1, "ls": "-" if k < 4 else "--"}
        left.plot(range(1, len(mine) + 1), [row[3] for row in mine], label=name, **style)
        right.plot([row[5] for row in mine], [row[4] for row in mine], **style)
    left.set(xlabel="strength, step 1 to 5 of the table", ylabel="mean squared error over the raw spectrum's", yscale="log")
    right.set(xlabel="false peaks per spectrum at SNR 2", ylabel="share of true peaks found at SNR 2", xscale="log")
    right.set_xticks([10, 20, 50, 100, 200, 400], labels=["10", "20", "50", "100", "200", "400"])
    right.minorticks_off()
    left.set_xticks(range(1, 6))
    fig.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    fig.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.denoising_truth", description=__doc__.splitlines()[0])
    parser.add_argument("--figure", type=pathlib.Path, help="write the figure here (.svg, .png)")
    options = parser.parse_args(arguments)
    results = list(rows())
    print(table(results))
    print()
    print(table(noise_rows()))
    if options.figure:
        figure(results, options.figure)


if __name__ == "__main__":
    main()
