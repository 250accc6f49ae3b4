import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import savgol_filter

from spectra import (
    SpectraError,
    SpectrumError,
    median_baseline,
    moving_average,
    running_median,
    savitzky_golay,
    savitzky_golay_growing,
    whittaker,
)
from tests.naive import baseline as naive_baseline
from tests.naive import smoothing as naive


def profile(n, seed=0):
    return np.random.default_rng(seed).normal(0, 1, n).cumsum() + 50


@settings(deadline=None)
@given(st.integers(1, 24), st.integers(0, 6), st.integers(0, 90), st.sampled_from([np.float32, np.float64]))
def test_savitzky_golay_is_the_twin_s(half_window, order, extra, dtype):
    order = min(order, 2 * half_window)
    y = profile(2 * half_window + 1 + extra).astype(dtype)
    smooth = savitzky_golay(y, half_window=half_window, order=order)
    assert smooth.dtype == dtype
    np.testing.assert_allclose(smooth, naive.savitzky_golay(y, half_window, order), rtol=1e-9 if dtype == np.float64 else 1e-5)


@pytest.mark.parametrize(("half_window", "order"), [(1, 0), (2, 3), (5, 2), (10, 3), (13, 4), (50, 3), (400, 3)])
def test_savitzky_golay_is_scipy_s(half_window, order):
    y = profile(5000)
    theirs = savgol_filter(y, 2 * half_window + 1, order, mode="interp")
    np.testing.assert_allclose(savitzky_golay(y, half_window=half_window, order=order), theirs, rtol=1e-10)


@settings(deadline=None)
@given(st.integers(1, 20), st.booleans(), st.integers(0, 60))
def test_moving_average_is_the_twin_s(half_window, weighted, extra):
    y = profile(2 * half_window + 1 + extra)
    smooth = moving_average(y, half_window=half_window, weighted=weighted)
    np.testing.assert_allclose(smooth, naive.moving_average(y, half_window, weighted), rtol=1e-12)


@pytest.mark.parametrize("smooth", [savitzky_golay, moving_average])
def test_smoothing_is_linear_keeps_constants_and_mirrors(smooth):
    y = profile(300)
    np.testing.assert_allclose(smooth(3 * y + 7), 3 * smooth(y) + 7, rtol=1e-12)
    np.testing.assert_allclose(smooth(np.full(40, 5.0)), 5.0, rtol=1e-13)
    np.testing.assert_allclose(smooth(y[::-1]), smooth(y)[::-1], rtol=1e-12)


@pytest.mark.parametrize("smooth", [savitzky_golay, moving_average])
def test_the_caller_s_data_stay_and_any_layout_will_do(smooth):
    y = profile(100)
    wide = np.repeat(y, 2)
    wide.setflags(write=False)
    np.testing.assert_array_equal(smooth(wide[::2]), smooth(y))
    np.testing.assert_array_equal(smooth(y.astype(int)), smooth(y.astype(int).astype(float)))


@pytest.mark.parametrize("smooth", [savitzky_golay, moving_average])
@pytest.mark.parametrize("half_window", [0, -1, 2.5, "3", None])
def test_windows_that_are_none_are_refused(smooth, half_window):
    with pytest.raises(SpectraError, match="half_window must be"):
        smooth(profile(100), half_window=half_window)


@pytest.mark.parametrize("smooth", [savitzky_golay, moving_average])
@pytest.mark.parametrize(("n", "words"), [(20, "at most 9 for a spectrum of 20 points"), (1, "at least 3 points")])
def test_a_window_longer_than_the_spectrum_sets_that_spectrum_aside(smooth, n, words):
    with pytest.raises(SpectrumError, match=words):
        smooth(profile(n), half_window=10)


def test_an_order_that_the_window_cannot_carry_is_refused():
    with pytest.raises(SpectraError, match="order must be between 0 and 4"):
        savitzky_golay(profile(100), half_window=2, order=5)


@pytest.mark.parametrize(("y", "words"), [([], "empty"), ([1, np.nan, 2], "nan at point 1"), ([[1.0, 2]], "one-dimensional")])
def test_bad_profiles_are_refused(y, words):
    with pytest.raises(SpectraError, match=words):
        savitzky_golay(y, half_window=1)


@pytest.mark.parametrize(("half_window", "order", "derivative"), [(3, 2, 1), (7, 3, 1), (10, 4, 2), (12, 5, 3), (3, 0, 0)])
def test_derivatives_are_scipy_s(half_window, order, derivative):
    y = profile(500)
    theirs = savgol_filter(y, 2 * half_window + 1, order, deriv=derivative, mode="interp")
    ours = savitzky_golay(y, half_window=half_window, order=order, derivative=derivative)
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-8)
    with pytest.raises(SpectraError, match="derivative must be between 0"):
        savitzky_golay(y, half_window=half_window, order=order, derivative=order + 1)


def test_a_growing_window_fits_each_point_s_own():
    mz, y = np.linspace(40, 90, 700) ** 2, profile(700)
    smooth = savitzky_golay_growing(mz, y, half_window=9, order=2, power=1.0)
    for i in (0, 5, 100, 350, 500, 650, 699):
        half = round(9 * mz[i] / mz[350])
        np.testing.assert_allclose(smooth[i], savitzky_golay(y, half_window=half, order=2)[i], rtol=1e-10)
    np.testing.assert_allclose(savitzky_golay_growing(mz, y, power=0), savitzky_golay(y), rtol=1e-10)


def test_a_growing_window_that_cannot_be_is_refused():
    y = profile(50)
    with pytest.raises(SpectrumError, match="mz must be above 0"):
        savitzky_golay_growing(np.arange(50.0), y)
    with pytest.raises(SpectrumError, match="the widest half_window must be at most 24"):
        savitzky_golay_growing(np.arange(1.0, 51), y, half_window=20, power=2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_running_median_takes_spikes_and_keeps_edges(dtype):
    y = np.repeat([1, 5], 20).astype(dtype)
    y[[3, 30]] = 90
    smooth = running_median(y, half_window=1)
    assert smooth.dtype == dtype
    np.testing.assert_array_equal(smooth, np.repeat([1, 5], 20))
    np.testing.assert_array_equal(running_median(profile(200), half_window=7), median_baseline(profile(200), half_window=7))


@settings(deadline=None)
@given(st.integers(4, 60), st.floats(-2, 4), st.sampled_from([np.float32, np.float64]))
def test_whittaker_is_the_twin_s(n, exponent, dtype):
    y = profile(n).astype(dtype)
    smooth = whittaker(y, penalty=10.0**exponent)
    assert smooth.dtype == dtype
    np.testing.assert_allclose(smooth, naive_baseline.solve(np.ones(n), y, 10.0**exponent), rtol=1e-5)


def test_whittaker_keeps_lines_and_refuses_what_is_none():
    np.testing.assert_allclose(whittaker(np.arange(90.0), penalty=1e5), np.arange(90.0), atol=1e-6)
    with pytest.raises(SpectraError, match="penalty must be greater than 0"):
        whittaker(profile(9), penalty=0)
    with pytest.raises(SpectrumError, match="at least 4 points, not 2"):
        whittaker([1.0, 2])
