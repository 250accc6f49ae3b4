import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import median_abs_deviation

from spectra import SpectraError, noise_mad
from tests.naive import order as naive


@settings(deadline=None)
@given(arrays(np.float64, st.integers(1, 80), elements=st.integers(-5, 5).map(float)), st.sampled_from([np.float32, np.float64]))
def test_the_deviation_is_the_twin_s_with_ties(y, dtype):
    assert noise_mad(y.astype(dtype)) == 1.4826 * naive.mad(y)


@pytest.mark.parametrize("n", [1023, 1024, 2047, 30_000, 42_389])
@pytest.mark.parametrize("order", ["random", "rising", "periodic", "one level", "two levels"])
def test_the_deviation_is_scipy_s_wherever_the_sample_looks(n, order):
    y = np.random.default_rng(n).exponential(10, n)
    step = max(1, n // 1024)
    if order == "rising":
        y.sort()
    elif order == "periodic":  # the sampled points are all higher than the others
        y[::step] += 1000
    elif order == "one level":
        y[:] = 3
    elif order == "two levels":
        y = (y > 7).astype(float)
    np.testing.assert_allclose(noise_mad(y), 1.4826 * median_abs_deviation(y), rtol=1e-14)


def test_the_deviation_follows_shift_scale_and_permutation():
    rng = np.random.default_rng(0)
    y = rng.normal(0, 3, 5001)
    noise = noise_mad(y)
    np.testing.assert_allclose(noise, 3, rtol=0.05)
    np.testing.assert_allclose(noise_mad(5 - 2 * y), 2 * noise, rtol=1e-12)
    assert noise_mad(rng.permutation(y)) == noise


def test_the_caller_s_data_stay():
    y = np.random.default_rng(0).normal(0, 3, 100)
    wide = np.repeat(y, 2)
    wide.setflags(write=False)
    assert noise_mad(wide[::2]) == noise_mad(y)
    assert noise_mad([4]) == noise_mad(np.full(9, 4)) == 0


def test_what_is_no_number_is_refused():
    with pytest.raises(SpectraError, match="nan at point 1"):
        noise_mad([1, np.nan])
    with pytest.raises(SpectraError, match="empty"):
        noise_mad([])
