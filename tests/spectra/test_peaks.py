import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spectra import Cohort, SpectraError, Spectrum, find_peaks, flag_saturated
from spectra._kernels import peaks as kernels
from spectra.peaks import describe_peaks
from tests.naive import maldiquant
from tests.naive import peaks as naive

profiles = arrays(np.float64, st.integers(1, 120), elements=st.integers(-3, 12).map(float))


def gaussians(mz, centres, heights, sd):
    return sum(h * np.exp(-((mz - c) ** 2) / (2 * sd**2)) for c, h in zip(centres, heights, strict=True))


def noisy_profile(seed, n=3000):
    """Twelve peaks on a falling baseline with noise; the axis of a linear TOF."""
    rng = np.random.default_rng(seed)
    mz = (np.linspace(31, 100, n)) ** 2
    y = gaussians(mz, rng.uniform(1200, 9500, 12), rng.uniform(2, 60, 12), 9) + 4 * np.exp(-mz / 2000) + rng.normal(0, 0.5, n)
    return mz, y


@settings(deadline=None)
@given(profiles, st.integers(1, 60), st.integers(-3, 12))
def test_local_maxima_are_the_twin_s(y, half_window, floor):
    index = np.empty(y.size // (half_window + 1) + 1, np.int64)
    count = kernels.local_maxima(y, min(half_window, y.size), float(floor), index)
    assert index[:count].tolist() == naive.local_maxima(y, half_window, floor)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(3))
def test_shapes_are_the_twin_s(seed, dtype):
    mz, y = noisy_profile(seed)
    y = y.astype(dtype).astype(np.float64)
    index = np.array([i for i in naive.local_maxima(y, 8, 1.0) if 8 < i < y.size - 8])
    noise, reach = np.full(index.size, 0.7), np.full(index.size, 25 + 1000 * seed)
    for local_base in (False, True):
        peaks = describe_peaks(mz, y.astype(dtype), index, noise, reach=reach, local_base=local_base)
        left, right = np.array(naive.bounds(y, index, noise, reach)).T
        base = np.maximum(y[left], y[right]) if local_base else np.zeros(index.size)
        lo, hi = np.array(naive.half_heights(y, index, left, right, base), float).T
        points = np.arange(mz.size)
        np.testing.assert_array_equal(peaks.left, mz[left])
        np.testing.assert_array_equal(peaks.right, mz[right])
        np.testing.assert_allclose(peaks.fwhm, np.interp(hi, points, mz) - np.interp(lo, points, mz), rtol=1e-5)
        np.testing.assert_allclose(peaks.mz, np.interp(naive.apexes(y, index, left, right, lo, hi, base), points, mz), rtol=1e-7)
        np.testing.assert_allclose(peaks.area, naive.areas(mz, y, left, right, base), rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(peaks.intensity, y[index] - base)
        position = np.interp(peaks.mz, mz, points)
        np.testing.assert_allclose(peaks.quality, naive.likeness(y, left, right, lo, hi, position), rtol=1e-3, atol=1e-4)


@settings(deadline=None)
@given(st.floats(-0.5, 0.5), st.floats(2.0, 15.0), st.floats(0.01, 1e6))
def test_a_clean_gaussian_is_measured_between_points(offset, sd, height):
    mz = np.arange(2000.0, 2300.0)
    centre = 2150 + offset
    peaks = find_peaks(mz, gaussians(mz, [centre], [height], sd), noise=height / 100)
    assert len(peaks) == 1
    assert abs(peaks.mz[0] - centre) < 1e-6
    assert peaks.fwhm[0] == pytest.approx(2.3548 * sd, rel=0.05)
    assert peaks.area[0] == pytest.approx(height * sd * np.sqrt(2 * np.pi), rel=0.02)
    assert peaks.quality[0] > 0.99


def test_the_refined_place_is_better_than_the_highest_point_under_noise():
    rng = np.random.default_rng(0)
    mz = np.arange(1000.0, 1200.0)
    errors = []
    for _ in range(200):
        centre = 1100 + rng.uniform(-0.5, 0.5)
        y = gaussians(mz, [centre], [30.0], 8.0) + rng.normal(0, 1, mz.size)
        peaks = find_peaks(mz, y, noise=1.0, snr=15), find_peaks(mz, y, noise=1.0, snr=15, refine=False)
        errors.append([found.mz[0] - centre for found in peaks])
    refined, highest = np.sqrt(np.mean(np.square(errors), axis=0))
    assert refined < 0.3 < highest


def test_quality_tells_peaks_from_noise():
    mz, y = noisy_profile(3)
    noise = np.random.default_rng(1).normal(0, 1, mz.size)
    high = find_peaks(mz, y, noise=0.5, snr=20)
    chance = find_peaks(mz, noise, noise=1.0, snr=1)
    assert np.median(high.quality) > 0.9
    assert np.median(chance.quality) < 0.7
    assert ((chance.quality >= 0) & (chance.quality <= 1)).all()


@pytest.mark.parametrize("transform", [lambda y: y, lambda y: np.sqrt(y + 1), lambda y: np.convolve(y, np.ones(9) / 9, mode="same")])
def test_saturated_peaks_are_flagged_from_the_raw_counts(transform):
    mz = np.arange(1000.0, 1400.0)
    counts = np.minimum(np.rint(gaussians(mz, [1100, 1200, 1300], [900, 90, 500.0], 8)), 400)
    peaks = find_peaks(mz, transform(counts), noise=1.0)
    assert peaks.saturated.tolist() == [False] * 3
    assert flag_saturated(peaks, mz, counts).saturated.tolist() == [True, False, True]
    assert flag_saturated(peaks, mz, counts, limit=80).saturated.tolist() == [True, True, True]
    assert flag_saturated(peaks, mz, counts, limit=500).saturated.tolist() == [False] * 3
    assert flag_saturated(peaks[:0], mz, counts).saturated.shape == (0,)
    assert not flag_saturated(peaks, mz, np.full(mz.size, 7.0)).saturated.any()


def test_scaling_shifting_and_mirroring_move_the_peaks_along():
    mz, y = noisy_profile(5)
    peaks = find_peaks(mz, y, noise=0.5)
    scaled = find_peaks(mz, 1000 * y, noise=500)
    np.testing.assert_array_equal(scaled.index, peaks.index)
    np.testing.assert_allclose(scaled.mz, peaks.mz)
    np.testing.assert_allclose(scaled.area, 1000 * peaks.area)
    np.testing.assert_allclose(scaled.quality, peaks.quality)
    mirrored = find_peaks(-mz[::-1], y[::-1], noise=0.5)
    np.testing.assert_allclose(-mirrored.mz[::-1], peaks.mz)
    np.testing.assert_allclose(mirrored.fwhm[::-1], peaks.fwhm)


def test_a_peak_must_rise_strictly_above_the_threshold_of_its_own_point():
    mz = np.arange(100.0)
    y = gaussians(mz, [30, 70], [4.0, 4.0], 2.0)
    assert find_peaks(mz, y, snr=2, noise=2.0).index.size == 0
    noise = np.where(mz < 50, 1.0, 2.0)
    assert find_peaks(mz, y, snr=2, noise=noise).index.tolist() == [30]
    assert find_peaks(mz, y, snr=2, noise=noise).snr.tolist() == [4.0]


@pytest.mark.parametrize("y", [np.zeros(200), np.full(200, 3.0), -np.ones(20), np.array([0.0]), np.array([1.0, 1.0, 1.0])])
def test_no_peak_above_twice_the_noise_in_constants(y):
    peaks = find_peaks(np.arange(float(y.size)), y, noise=2.0)
    assert len(peaks) == 0
    assert peaks.mz.shape == peaks.fwhm.shape == (0,)


def test_the_highest_of_a_short_profile_is_a_peak_even_at_its_end():
    for y in ([5.0], [1.0, 5.0], [5.0, 1.0], np.arange(1.0, 200.0)):
        peaks = find_peaks(np.arange(1.0, len(y) + 1), y, noise=0.5)
        assert peaks.index.tolist() == [int(np.argmax(y))]
        assert np.isfinite([peaks.mz[0], peaks.fwhm[0], peaks.area[0]]).all()


def test_without_noise_the_ratio_is_infinite():
    mz = np.arange(200.0)
    y = np.zeros(200)
    y[100] = 1
    peaks = find_peaks(mz, y)
    assert peaks.index.tolist() == [100]
    assert peaks.snr.tolist() == [np.inf]


def test_strided_read_only_input_is_left_alone():
    mz, y = noisy_profile(1)
    twice = np.repeat(y, 2)[::2]
    twice.flags.writeable = mz.flags.writeable = False
    np.testing.assert_array_equal(find_peaks(mz, twice).mz, find_peaks(mz, y).mz)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"half_window": 0}, "half_window must be at least 1"),
        ({"half_window": 2.5}, "half_window must be a whole number"),
        ({"snr": -1}, "snr must be at least 0"),
        ({"noise": -1.0}, "noise must be at least 0"),
        ({"noise": [1.0, 2.0]}, "one for each of the 100 points"),
        ({"noise": np.nan}, "noise holds nan"),
    ],
)
def test_wrong_options_are_named(options, word):
    with pytest.raises(SpectraError, match=word):
        find_peaks(np.arange(100.0), np.ones(100), **options)


def test_wrong_spectra_are_named():
    with pytest.raises(SpectraError, match="mz has 3 points but intensity has 4"):
        find_peaks(np.arange(3.0), np.ones(4))
    with pytest.raises(SpectraError, match="mz must increase strictly"):
        find_peaks([1.0, 1.0, 2.0], np.ones(3))
    with pytest.raises(SpectraError, match="y is empty"):
        find_peaks([], [])


def test_a_cohort_finds_the_peaks_of_each_spectrum():
    spectra = [Spectrum(*noisy_profile(seed), f"s{seed}") for seed in range(3)]
    cohort = Cohort.from_spectra(spectra).find_peaks(half_window=10, snr=3)
    for spectrum, peaks in zip(spectra, cohort.peaks, strict=True):
        np.testing.assert_array_equal(peaks.mz, find_peaks(spectrum.mz, spectrum.intensity, half_window=10, snr=3).mz)


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_local_maxima_are_maldiquant_s_up_to_the_ends():
    rng = np.random.default_rng(0)
    cases = [(rng.integers(1, 9, rng.integers(20, 60)), int(rng.integers(1, 9))) for _ in range(60)]
    calls = "\n".join(f"cat(which(f(c({','.join(map(str, y))}) + 0, {q}L)) - 1, '\\n')" for y, q in cases)
    script = f"if (!requireNamespace('MALDIquant', quietly=TRUE)) quit(status=9)\nf <- MALDIquant:::.localMaxima\n{calls}"
    done = subprocess.run(["Rscript", "-"], input=script, capture_output=True, text=True)
    if done.returncode == 9:
        pytest.skip("MALDIquant is not installed")
    for (y, q), line in zip(cases, done.stdout.splitlines(), strict=True):
        assert find_peaks(np.arange(y.size), y, half_window=q, snr=0).index.tolist() == [int(i) for i in line.split()]


@pytest.mark.data
def test_all_2994_peaks_are_maldiquant_s(data):
    expected = maldiquant.peaks(data / "fiedler2009", "peaks_before_alignment.csv")
    assert sum(mz.size for mz, _, _ in expected.values()) == 2994
    for i, (mz, y) in enumerate(maldiquant.processed(data / "fiedler2009")):
        peaks = find_peaks(mz, y, refine=False)
        np.testing.assert_allclose(peaks.mz, expected[i][0], rtol=1e-9)
        np.testing.assert_allclose(peaks.intensity, expected[i][1], rtol=1e-8)
        np.testing.assert_allclose(peaks.snr, expected[i][2], rtol=1e-8)
        single = find_peaks(mz, y.astype(np.float32), refine=False)
        np.testing.assert_array_equal(single.index, peaks.index)
        refined = find_peaks(mz, y)
        np.testing.assert_array_equal(refined.index, peaks.index)
