import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectra import SpectraError, find_peaks_cwt
from spectra._kernels import ridges as kernels
from spectra.peaks_cwt import transform, wavelet
from tests.naive import ridges as naive

rows_of_maxima = st.lists(st.lists(st.integers(0, 60), max_size=12, unique=True).map(sorted), min_size=1, max_size=7)


def profile(seed=0, n=4000, noise=1.0):
    """Ten separate peaks on a falling baseline; (mz, y, places of the peaks)."""
    rng = np.random.default_rng(seed)
    mz = np.linspace(2000, 4000, n)
    centres = 2100 + 180 * np.arange(10) + rng.uniform(-40, 40, 10)
    y = 400 * np.exp(-(mz - 2000) / 700) + rng.normal(0, noise, n)
    for centre, height in zip(centres, rng.uniform(10, 200, 10), strict=True):
        y += height * np.exp(-((mz - centre) ** 2) / (2 * 3.0**2))
    return mz, y, centres


@pytest.mark.parametrize("n", [700, 701, 2000])
def test_rows_are_the_twin_s(n):
    y = np.random.default_rng(n).normal(100, 30, n)
    scales = (1, 2, 7, 20, 64)
    rows, _ = transform(y, np.array(scales, float))
    np.testing.assert_allclose(rows, naive.rows(y - y.mean(), scales, wavelet), atol=1e-9)


def test_the_wavelet_has_no_mean_and_unit_energy():
    for scale in (2, 5, 30):
        assert abs(wavelet(scale).sum()) < 1e-9
        assert (wavelet(scale) ** 2).sum() == pytest.approx(1)


@settings(deadline=None)
@given(rows_of_maxima, st.integers(0, 12), st.integers(0, 3))
def test_lines_are_the_twin_s(maxima, reach, gap):
    reach = reach + np.arange(len(maxima)) // 2
    position = np.array([m for row in maxima for m in row], np.int64)
    starts = np.cumsum([0] + [len(row) for row in maxima])
    line = np.empty(position.size, np.int64)
    count = kernels.link(position, starts, reach, gap, line)
    expected, lines = naive.link(maxima, reach, gap)
    assert count == lines
    rows = np.repeat(np.arange(len(maxima)), np.diff(starts))
    assert line.tolist() == [expected[row, m] for row, m in zip(rows.tolist(), position.tolist(), strict=True)]


@settings(deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=1, max_size=60), st.integers(1, 20), st.sampled_from([0.0, 0.5, 0.95, 1.0]))
def test_window_quantiles_are_numpy_s(values, half_width, share):
    y = np.array(values, float)
    centres = np.arange(y.size)
    found = np.empty(y.size)
    kernels.window_quantile(y, centres, half_width, share, np.empty(2 * half_width + 1), found)
    expected = [np.quantile(np.abs(y[max(0, c - half_width) : c + half_width + 1]), share, method="lower") for c in centres]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.95, 1.0])
@pytest.mark.parametrize("spread", ["even", "ties", "crowd", "sorted"])
def test_wide_windows_are_numpy_s_too(share, spread):
    rng = np.random.default_rng(4)
    y = {
        "even": rng.normal(size=3000),
        "ties": rng.integers(-3, 4, 3000).astype(float),
        "crowd": np.where(np.arange(3000) % 8 == 0, 100.0, rng.normal(size=3000)),  # every sampled point misleads
        "sorted": np.sort(rng.normal(size=3000)),
    }[spread]
    centres, found = np.arange(0, 3000, 250), np.empty(12)
    kernels.window_quantile(y, centres, 700, share, np.empty(1401), found)
    expected = [np.quantile(np.abs(y[max(0, c - 700) : c + 701]), share, method="lower") for c in centres]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("seed", range(4))
def test_peaks_are_found_on_a_raw_profile(seed):
    mz, y, centres = profile(seed)
    peaks = find_peaks_cwt(mz, y)
    np.testing.assert_allclose(peaks.mz, centres, atol=0.7)
    np.testing.assert_allclose(np.median(peaks.fwhm), 2.3548 * 3, rtol=0.15)
    assert (peaks.left < peaks.mz).all()
    assert (peaks.right > peaks.mz).all()


def test_a_constant_added_and_a_factor_change_no_place():
    mz, y, _ = profile(1)
    peaks, raised, scaled = (find_peaks_cwt(mz, a * y + b) for a, b in ((1, 0), (1, 5000), (64, 0)))
    np.testing.assert_array_equal(peaks.index, raised.index)
    np.testing.assert_array_equal(peaks.index, scaled.index)
    np.testing.assert_allclose(peaks.snr, raised.snr, rtol=1e-6)
    np.testing.assert_allclose(64 * peaks.area, scaled.area)


def test_a_mirrored_profile_has_mirrored_peaks():
    mz, y, _ = profile(2)
    peaks, mirrored = find_peaks_cwt(mz, y), find_peaks_cwt(-mz[::-1], y[::-1])
    np.testing.assert_allclose(np.sort(-mirrored.mz), peaks.mz, atol=0.1)


@pytest.mark.parametrize("n", [1, 2, 3, 50, 400])
@pytest.mark.parametrize("shape", ["zero", "constant", "ramp", "noise"])
def test_flat_and_short_profiles_are_survived(n, shape):
    y = {"zero": np.zeros(n), "constant": np.full(n, 7e5), "ramp": np.arange(n) * 1.0, "noise": np.random.default_rng(0).normal(0, 1, n)}[
        shape
    ]
    peaks = find_peaks_cwt(np.arange(1.0, n + 1), y)
    if shape != "noise":
        assert len(peaks) == 0


def test_pure_noise_gives_hardly_a_peak():
    y = np.random.default_rng(3).normal(100, 5, 20000)
    assert len(find_peaks_cwt(np.arange(1.0, 20001), y)) < 5


def test_a_wide_ridge_is_asked_for_unless_one_is_near():
    mz = np.arange(1000.0, 5000.0)
    y = np.random.default_rng(4).normal(0, 0.2, mz.size)
    for centre, sd in ((2000, 12.0), (2100, 2.0), (4000, 2.0)):
        y += 50 * np.exp(-((mz - centre) ** 2) / (2 * sd**2))
    near = find_peaks_cwt(mz, y, ridge_scale=32, nearby=150, scales=(1, 2, 4, 6, 8, 16, 32))
    alone = find_peaks_cwt(mz, y, ridge_scale=32, nearby=0, scales=(1, 2, 4, 6, 8, 16, 32))
    assert np.abs(near.mz - 2100).min() < 1
    assert len(alone) <= len(near)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"scales": [4, 2]}, "scales must increase"),
        ({"scales": [0.5, 2]}, "scales must increase from 1"),
        ({"snr": -1}, "snr must be"),
        ({"noise_window": 0}, "noise_window must be"),
        ({"gap": 1.5}, "gap must be a whole number"),
    ],
)
def test_wrong_options_are_named(options, word):
    with pytest.raises(SpectraError, match=word):
        find_peaks_cwt(np.arange(100.0), np.ones(100), **options)


@pytest.mark.data
def test_the_known_proteins_of_a_standard_are_found(data):
    with np.load(data / "exampleMS_camda2006/exampleMS_camda2006.npz") as stored:
        mz, y = stored["mz"].ravel(), stored["intensity"].ravel()
    peaks = find_peaks_cwt(mz, y)
    for truth in (7034, 12230, 16951, 29023, 46671, 66433):
        assert np.abs(peaks.mz / truth - 1).min() < 0.011
