"""``python -m benchmarks.peak_real FOLDER``: detectors on real spectra of known content; FOLDER holds the data sets.

A protein standard (exampleMS_camda2006) and a dilution series of a peptide standard (process_calibration_seldi): how many of the known
ions are found, among how many peaks; and how many others outrank the weakest of them. A pooled sample measured 96 times
(breast_naf_qc_seldi): how far apart are its peaks' heights, and their m/z before and after alignment. Serum and bacteria
(fiedler2009, bacteria_species): which of one replicate's strongest peaks are among the other's. The rows named MALDIquant are found,
aligned and binned as MALDIquant does, which the tests compare value by value.
"""

import argparse
import itertools
import pathlib
import sys

import numpy as np

from benchmarks.peak_truth import processed
from spectra import Cohort, PeakBinner, Spectrum, WarpAligner, find_peaks, find_peaks_cwt, find_peaks_fit, read_cohort, snip

PROTEINS = np.array([7034.0, 12230, 16951, 29023, 46671, 66433])
PROTEIN_IONS = np.append(PROTEINS, (PROTEINS[2:] + 1) / 2)
PEPTIDE_IONS = np.array([3496.9, 5808.7, 7034.6, 2904.9])

DETECTORS = {
    "MALDIquant, ratio 2": lambda mz, y: find_peaks(mz, processed(y), refine=False),
    "MALDIquant, ratio 5": lambda mz, y: find_peaks(mz, processed(y), refine=False, snr=5),
    "find_peaks_cwt, ratio 3": find_peaks_cwt,
    "find_peaks_cwt, ratio 10": lambda mz, y: find_peaks_cwt(mz, y, snr=10),
    "find_peaks_fit, ratio 3": lambda mz, y: find_peaks_fit(mz, y, snr=3),
}
RANKED = {
    "MALDIquant": lambda mz, y: find_peaks(mz, processed(y), refine=False, snr=0.5),
    "find_peaks_cwt": lambda mz, y: find_peaks_cwt(mz, y, snr=0.5),
    "find_peaks_fit": lambda mz, y: find_peaks_fit(mz, y, snr=0.5),
}
STRONGEST = (50, 100, 150)


def read(path):
    """[(mz, intensity)] of a stored set above m/z 1000."""
    with np.load(path) as stored:
        layout, mz, intensity, offsets = (stored[name] for name in ("layout", "mz", "intensity", "offsets"))
    if str(layout) == "shared":
        pairs = [(mz, row) for row in intensity]
    else:
        pairs = [(mz.ravel()[a:b], intensity.ravel()[a:b]) for a, b in itertools.pairwise(offsets)]
    return [(mz[mz > 1000], np.maximum(y[mz > 1000], 0).astype(float)) for mz, y in pairs]


def known(pairs, ions, tolerance):
    print(f"{'':<26} {len(pairs)} spectra, {ions.size} known ions: found, missed, other peaks a spectrum")
    for name, detect in DETECTORS.items():
        found = others = 0
        for mz, y in pairs:
            near = np.abs(detect(mz, y).mz[:, None] / ions - 1) < tolerance
            found, others = found + near.any(axis=0).sum(), others + (~near.any(axis=1)).sum()
        print(f"{name:<26} {found:5d} {len(pairs) * ions.size - found:5d} {others / len(pairs):9.1f}", flush=True)


def outranked(pairs, ions, tolerance):
    """How many other peaks have a higher ratio than the known ion that is hardest to find."""
    print(f"{'':<26} ratio at which the last known ion is found, other peaks a spectrum above it")
    for name, detect in RANKED.items():
        weakest, others = np.inf, []
        for mz, y in pairs:
            peaks = detect(mz, y)
            near = np.abs(peaks.mz[:, None] / ions - 1) < tolerance
            weakest = min(weakest, *(peaks.snr[column].max(initial=0) for column in near.T))
            others.append(peaks.snr[~near.any(axis=1)])
        above = (np.concatenate(others) >= weakest).sum() / len(pairs)
        print(f"{name:<26} {weakest:7.1f} {above:9.1f}", flush=True)


def replicates(path, most=8):
    """Share of the strongest peaks of a sample's first replicate that lie within 300 ppm of one of as many of its second's."""
    cohort = read_cohort(path / "manifest.csv")
    pairs = [rows[:2] for rows in cohort.samples.groupby("sample").indices.values() if len(rows) > 1][:most]
    print(f"{path.name:<26} two replicates of {len(pairs)} samples: agreement of the {', '.join(map(str, STRONGEST))} strongest peaks")
    for name, detect in RANKED.items():
        shares = []
        for pair in pairs:
            lists = [detect(cohort.axis_of(i), np.maximum(cohort.intensity_of(i).astype(float), 0)) for i in pair]
            for count in STRONGEST:
                first, second = (np.sort(peaks.mz[np.argsort(-peaks.snr, kind="stable")[:count]]) for peaks in lists)
                nearest = second[np.abs(first[:, None] - second).argmin(axis=1)]
                drift = np.median(nearest / first)
                shares.append((np.abs(first[:, None] * drift / second - 1).min(axis=1) < 3e-4).mean())
        means = np.reshape(shares, (-1, len(STRONGEST))).mean(axis=0)
        print(f"{name:<26} {'  '.join(f'{share:.2f}' for share in means)}", flush=True)


def repeatability(pairs):
    print(f"{'':<26} one sample {len(pairs)} times: reference peaks, bins in 90 %, CV of heights, ppm before and after alignment")
    total = np.array([np.trapezoid(y - snip(y), mz) for mz, y in pairs])
    for name, detect in DETECTORS.items():
        lists = [detect(mz, y) for mz, y in pairs]
        cohort = Cohort.from_spectra([Spectrum(mz, y, str(i)) for i, (mz, y) in enumerate(pairs)], peaks=lists)
        aligner = WarpAligner().fit(cohort)
        aligned = aligner.transform(cohort)
        spreads = []
        for spectra in (cohort, aligned):
            binner = PeakBinner(fill="nan").fit(spectra)
            table = binner.report(spectra)
            frequent = (table["occupancy"] >= 0.9).to_numpy()
            spreads.append(table["spread_ppm"][frequent].median())
        heights = binner.transform(aligned).values[:, frequent]
        if "MALDIquant" in name:  # found on the square root of counts
            heights = heights**2
        heights = heights / total[:, None]
        cv = np.median(np.nanstd(heights, axis=0) / np.nanmean(heights, axis=0))
        print(f"{name:<26} {aligner.reference_mz_.size:5d} {frequent.sum():5d} {cv:7.3f} {spreads[0]:7.0f} {spreads[1]:7.0f}", flush=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peak_real", description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args(arguments).folder
    sets = (("exampleMS_camda2006", PROTEIN_IONS, 0.011), ("process_calibration_seldi", PEPTIDE_IONS, 0.003))
    for name, ions, tolerance in sets:
        pairs = read(folder / name / f"{name}.npz")
        print(name)
        known(pairs, ions, tolerance)
        outranked(pairs, ions, tolerance)
    replicates(folder / "fiedler2009")
    replicates(folder / "bacteria_species")
    repeatability(read(folder / "breast_naf_qc_seldi" / "breast_naf_qc_seldi.npz"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
