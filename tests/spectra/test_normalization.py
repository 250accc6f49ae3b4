import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectra import Cohort, SpectraError, Spectrum, SpectrumError, normalize_tic, total_ion_current
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
