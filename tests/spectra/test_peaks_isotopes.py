import shutil
import subprocess

import numpy as np
import pytest

from spectra import PeakList, SpectraError, find_peaks, monoisotopic_peaks, savitzky_golay, snip
from tests.naive import isotopes as naive


def peak_list(mz, height):
    mz = np.asarray(mz, float)
    return PeakList(mz, np.asarray(height, float), *[mz] * 5, np.arange(mz.size))


def envelope(mass, size, charge=1):
    mean = 0.000594 * mass + 0.03091
    share = np.cumprod(np.append(1.0, mean / np.arange(1, size)))
    return mass / charge + 1.00235 / charge * np.arange(size), share


def mixture(seed, n=15, stray=30):
    """Isotope clusters and single peaks; (peaks, monoisotopic places)."""
    rng = np.random.default_rng(seed)
    masses = np.sort(rng.uniform(500, 3000, n))
    parts = [envelope(mass, int(rng.integers(3, 9))) for mass in masses]
    mz = np.concatenate([m for m, _ in parts] + [rng.uniform(500, 3000, stray)])
    height = np.concatenate(
        [share * scale for (_, share), scale in zip(parts, rng.lognormal(3, 1, n), strict=True)] + [rng.lognormal(2, 1, stray)]
    )
    order = np.argsort(mz)
    return peak_list(mz[order], height[order]), masses


@pytest.mark.parametrize("seed", range(3))
def test_clusters_are_reduced_to_their_first_peak(seed):
    peaks, masses = mixture(seed, stray=0)
    first, cluster = monoisotopic_peaks(peaks)
    assert np.isin(masses.round(6), first.mz.round(6)).mean() > 0.8
    assert (cluster >= 0).mean() > 0.8
    for number, mz in enumerate(first.mz):
        np.testing.assert_allclose(np.diff(peaks.mz[cluster == number]), 1.00235, atol=2e-4 * mz)
        assert peaks.mz[cluster == number][0] == mz


def test_doubly_charged_clusters():
    mz, height = envelope(2400.0, 6, charge=2)
    first, cluster = monoisotopic_peaks(peak_list(mz, height), charge=2)
    assert first.mz.tolist() == [1200.0]
    assert cluster.tolist() == [0] * 6


def test_heights_that_do_not_follow_the_pattern_are_no_cluster():
    mz, height = envelope(1000.0, 5)
    assert len(monoisotopic_peaks(peak_list(mz, height[::-1]))[0]) == 0
    assert len(monoisotopic_peaks(peak_list(mz, np.ones(5)))[0]) == 0


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_peaks_make_no_cluster(n):
    first, cluster = monoisotopic_peaks(peak_list(1000.0 + np.arange(n), np.ones(n)))
    assert len(first) == 0
    assert cluster.tolist() == [-1] * n


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"charge": 0}, "charge must be at least 1"),
        ({"tolerance": 0}, "tolerance must be"),
        ({"distance": -1}, "distance must be"),
        ({"sizes": (1, 3)}, "sizes must be at least 2"),
        ({"sizes": (5, 3)}, "the least and the greatest"),
        ({"min_correlation": 2}, "min_correlation must be"),
    ],
)
def test_wrong_options_are_named(options, word):
    with pytest.raises(SpectraError, match=word):
        monoisotopic_peaks(peak_list([1.0, 2.0], [1.0, 1.0]), **options)


def from_maldiquant(cases):
    script = [
        "if (!requireNamespace('MALDIquant', quietly=TRUE)) quit(status=9)",
        "suppressMessages(library(MALDIquant)); options(digits=15)",
    ]
    for peaks in cases:
        mz, height = (",".join(map(repr, values.tolist())) for values in (peaks.mz, peaks.intensity))
        script.append(f"cat(format(mass(monoisotopicPeaks(createMassPeaks(c({mz}), c({height})))), digits=15), '\\n')")
    done = subprocess.run(["Rscript", "-"], input="\n".join(script), capture_output=True, text=True)
    if done.returncode == 9:
        pytest.skip("MALDIquant is not installed")
    return [np.array(line.split(), float) for line in done.stdout.splitlines()]


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_monoisotopic_peaks_are_maldiquant_s():
    cases = [mixture(seed)[0] for seed in range(12)]
    for peaks, expected in zip(cases, from_maldiquant(cases), strict=True):
        np.testing.assert_allclose(monoisotopic_peaks(peaks)[0].mz, expected, rtol=1e-12)


@pytest.fixture(scope="module")
def reflector(data):
    """Peaks of two spectra that resolve isotopes."""
    lists = []
    with np.load(data / "maldicellassay_blank2022/maldicellassay_blank2022.npz") as stored:
        for y in stored["intensity"][::16].astype(float):
            smooth = np.maximum(savitzky_golay(y, half_window=5), 0)
            lists.append(find_peaks(stored["mz"], smooth - snip(smooth), half_window=10, snr=3, refine=False))
    return lists


@pytest.mark.data
def test_real_clusters_are_the_twin_s(reflector):
    for peaks in reflector:
        assert monoisotopic_peaks(peaks)[0].mz.tolist() == naive.monoisotopic(peaks.mz, peaks.intensity)


@pytest.mark.data
@pytest.mark.peer
@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_the_twin_with_maldiquant_s_tolerances_is_maldiquant(reflector):
    for peaks, expected in zip(reflector, from_maldiquant(reflector), strict=True):
        twin = naive.monoisotopic(peaks.mz, peaks.intensity, as_maldiquant=True)
        np.testing.assert_allclose(twin, expected, rtol=1e-12)
