"""Peaks: local maxima against SciPy's argrelmax, ridge lines against SciPy's find_peaks_cwt. MALDIquant: benchmarks/maldiquant.py."""

import functools

import numpy as np

from benchmarks.peak_truth import countable, judge, processed
from benchmarks.peers.case import Case, Peer
from spectra import find_peaks, find_peaks_cwt, simulate_cohort
from spectra._kernels.peaks import local_maxima

SCALES = (4.0, 6.0, 8.0, 12.0, 16.0, 24.0)


@functools.cache
def example():
    """(mz, raw counts, processed profile, truth) of one simulated spectrum."""
    simulation = simulate_cohort(2, seed=9000)
    spectrum, truth = simulation.cohort.spectrum(0), simulation.peaks[0]
    return spectrum.mz, spectrum.intensity, processed(spectrum.intensity), truth


def same_places(ours, theirs):
    """SciPy reports neither the first and last point nor the first of equals."""
    y = example()[2]
    inner = [i for i in ours if 0 < i < y.size - 1 and y[i] > y[i + 1 : i + 21].max(initial=-np.inf)]
    return bool(np.array_equal(inner, theirs)), f"{len(theirs)} places"


def f1(mz):
    """Harmonic mean of the share found and the share true."""
    truth = example()[3]
    counted = countable(truth)
    _, verdicts = judge(np.asarray(mz, float), np.ones(len(mz)), truth, counted)
    true, false = (verdicts == 1).sum(), (verdicts == -1).sum()
    return 2 * true / (true + false + counted.sum())


def as_good(ours, theirs):
    return bool(f1(ours) >= f1(theirs)), f"F1 {f1(ours):.2f} and {f1(theirs):.2f}"


def kernel():
    y = example()[2]
    index = np.empty(y.size // 21 + 1, np.int64)
    return index[: local_maxima(y, 20, -np.inf, index)]


def argrelmax():
    from scipy.signal import argrelmax

    y = example()[2]
    return Peer(lambda: argrelmax(y, order=20, mode="clip")[0], promise=30)


def argrelmax_with_shapes():
    peer = argrelmax()
    y = example()[2]
    return Peer(lambda: (index := peer.run())[y[index] > 0])


def scipy_cwt():
    from scipy.signal import find_peaks_cwt as find

    mz, _, y, _ = example()
    return Peer(lambda: mz[find(y, list(SCALES), min_snr=2)], promise=300)


def cases(threads):
    if threads != 1:
        return
    mz, raw, y, _ = example()
    yield Case("local maxima, half window 20", kernel, {"scipy argrelmax": argrelmax}, same_places, per=y.size)
    yield Case(
        "find_peaks with checks, widths, areas",
        lambda: find_peaks(mz, y, noise=1e-9, snr=0).index,
        {"scipy argrelmax": argrelmax_with_shapes},
        same_places,
        per=y.size,
    )
    yield Case(
        "find_peaks_cwt, 6 scales",
        lambda: find_peaks_cwt(mz, raw, scales=(1.0, *SCALES), snr=2, ridge_scale=8).mz,
        {"scipy find_peaks_cwt": scipy_cwt},
        as_good,
        per=raw.size,
        pairs=2,
    )
