import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectra import (
    Cohort,
    SpectraError,
    Spectrum,
    SpectrumError,
    normalize_median,
    normalize_peak,
    normalize_rms,
    normalize_tic,
    total_ion_current,
)
from tests.naive import order as naive


def profile(n, seed=0):
    rng = np.random.default_rng(seed)
    return np.sort(rng.uniform(1000, 9000, n)), rng.exponential(10, n)


@settings(deadline=None)
@given(st.integers(1, 60), st.sampled_from([np.float32, np.float64]))
def test_the_total_is_the_twin_s(n, dtype):
    mz, y = profile(n)
    y = y.astype(dtype)
    np.testing.assert_allclose(total_ion_current(mz, y), naive.area(mz, y), rtol=1e-12)


def test_the_total_is_numpy_s():
    mz, y = profile(40_000)
    np.testing.assert_allclose(total_ion_current(mz, y), np.trapezoid(y, mz), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_normalised_spectrum_has_a_total_of_one(dtype):
    mz, y = profile(500)
    scaled = normalize_tic(mz, y.astype(dtype))
    assert scaled.dtype == dtype
    np.testing.assert_allclose(total_ion_current(mz, scaled), 1, rtol=1e-6)
    np.testing.assert_allclose(normalize_tic(mz, 7 * y), normalize_tic(mz, y), rtol=1e-12)


@pytest.mark.parametrize("y", [np.zeros(5), [-1.0, -2, -1, 0, 0], np.zeros(5, np.float32)])
def test_nothing_to_divide_by_sets_the_spectrum_aside(y):
    with pytest.raises(SpectrumError, match="total ion current is"):
        normalize_tic([1, 2, 3, 4, 5], y)


def test_an_axis_that_does_not_fit_is_refused():
    with pytest.raises(SpectraError, match="mz has 2 points but intensity has 3"):
        total_ion_current([1, 2], [1.0, 2, 3])


def test_a_cohort_has_the_same_verbs():
    cohort = Cohort.from_spectra([Spectrum(*profile(50, seed), name=f"{seed}.csv") for seed in range(4)])
    totals = cohort.total_ion_current(n_jobs=2)
    assert totals.tolist() == [total_ion_current(s.mz, s.intensity) for s in cohort]
    np.testing.assert_allclose(cohort.normalize_tic().total_ion_current(), 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("step", "level"), [(normalize_median, np.median), (normalize_rms, lambda y: np.sqrt(np.mean(y.astype(float) ** 2)))]
)
def test_the_level_becomes_one_in_the_range(step, level, dtype):
    mz, y = profile(501)
    y = y.astype(dtype)
    scaled = step(mz, y)
    assert scaled.dtype == dtype
    np.testing.assert_allclose(level(scaled), 1, rtol=1e-6)
    inside = (mz >= 2000) & (mz <= 5000)
    np.testing.assert_allclose(level(step(mz, y, mz_low=2000, mz_high=5000)[inside]), 1, rtol=1e-6)
    np.testing.assert_allclose(step(mz, 7 * y), scaled, rtol=1e-5)


def test_the_total_may_count_a_range_only():
    mz, y = profile(500)
    inside = mz >= 3000
    np.testing.assert_allclose(total_ion_current(mz[inside], normalize_tic(mz, y, mz_low=3000)[inside]), 1, rtol=1e-12)
    with pytest.raises(SpectrumError, match="no point lies between m/z 9500 and inf"):
        normalize_tic(mz, y, mz_low=9500)


def test_a_reference_peak_becomes_one():
    mz, y = profile(500)
    near = np.abs(mz - 5000) <= 10
    np.testing.assert_allclose(normalize_peak(mz, y, reference_mz=5000)[near].max(), 1)
    assert normalize_peak(mz, y).max() == 1
    with pytest.raises(SpectrumError, match="highest intensity is 0"):
        normalize_peak([1, 2], [0.0, 0])
    with pytest.raises(SpectrumError, match=r"no point lies between m/z 99.8"):
        normalize_peak(mz, y, reference_mz=100)
    with pytest.raises(SpectrumError, match="highest intensity around m/z 2 is 0"):
        normalize_peak([1, 2], [1.0, 0], reference_mz=2)
    with pytest.raises(SpectraError, match="tolerance must be greater than 0"):
        normalize_peak(mz, y, reference_mz=5000, tolerance=0)


@pytest.mark.parametrize("step", [normalize_median, normalize_rms])
def test_an_empty_spectrum_is_set_aside(step):
    with pytest.raises(SpectrumError, match="is 0, so the spectrum cannot be divided by it"):
        step([1, 2, 3], np.zeros(3))
