import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from spectra import SpectraError, SpectrumError, convex_hull, median_baseline, rolling_ball, snip, tophat
from tests.naive import baseline as naive

dtypes = st.sampled_from([np.float32, np.float64])
tied = arrays(np.float64, st.integers(3, 70), elements=st.integers(-4, 9).map(float))
WINDOWED = [(snip, "iterations"), (tophat, "half_window"), (median_baseline, "half_window")]


def profile(n, seed=0):
    return np.random.default_rng(seed).normal(0, 1, n).cumsum() + 50


def fitting(data, n):
    return data.draw(st.integers(1, (n - 1) // 2), label="half_window")


@settings(deadline=None)
@given(tied, dtypes, st.booleans(), st.data())
def test_snip_is_the_twin_s(y, dtype, decreasing, data):
    k = fitting(data, y.size)
    windows = range(k, 0, -1) if decreasing else range(1, k + 1)
    base = snip(y.astype(dtype), iterations=k, decreasing=decreasing)
    assert base.dtype == dtype
    np.testing.assert_array_equal(base, naive.snip(y, windows).astype(dtype))


@pytest.mark.parametrize("decreasing", [True, False])
@pytest.mark.parametrize("iterations", [1, 7, 60, 2400])
def test_snip_over_many_tiles_is_the_twin_s(iterations, decreasing):
    y = profile(5001)
    windows = np.arange(1, iterations + 1)[:: -1 if decreasing else 1]
    plain = y.copy()
    for k in windows:
        plain[k:-k] = np.minimum(plain[k:-k], (plain[: -2 * k] + plain[2 * k :]) / 2)
    np.testing.assert_array_equal(snip(y, iterations=iterations, decreasing=decreasing), plain)


@settings(deadline=None)
@given(tied, dtypes, st.data())
def test_tophat_is_the_twin_s(y, dtype, data):
    half_window = fitting(data, y.size)
    np.testing.assert_array_equal(tophat(y.astype(dtype), half_window=half_window), naive.opening(y, half_window))


@pytest.mark.parametrize("half_window", [1, 2, 7, 8, 100, 1023, 2500])
def test_tophat_is_scipy_s(half_window):
    y = profile(6000)
    np.testing.assert_array_equal(tophat(y, half_window=half_window), ndimage.grey_opening(y, 2 * half_window + 1))


@settings(deadline=None)
@given(tied, dtypes, st.data())
def test_median_baseline_is_the_twin_s(y, dtype, data):
    half_window = fitting(data, y.size)
    np.testing.assert_array_equal(median_baseline(y.astype(dtype), half_window=half_window), naive.running_median(y, half_window))


def test_the_median_of_three_points_takes_each_end_for_the_other_s_third():
    y = np.array([0.0, -1.0, -2.0])
    np.testing.assert_array_equal(median_baseline(y, half_window=1), naive.running_median(y, 1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("half_window", [1, 3, 100, 1500])
def test_median_baseline_is_scipy_s_inside(half_window, dtype):
    y = (profile(4000) - 50).astype(dtype)
    inside = slice(half_window, -half_window)
    theirs = ndimage.median_filter(y, 2 * half_window + 1)
    np.testing.assert_array_equal(median_baseline(y, half_window=half_window)[inside], theirs[inside])


@settings(deadline=None)
@given(arrays(np.float64, st.integers(2, 40), elements=st.integers(-4, 9).map(float)), dtypes)
def test_the_hull_is_the_twin_s(y, dtype):
    mz = np.arange(y.size) ** 1.5 + 3
    np.testing.assert_allclose(convex_hull(mz, y.astype(dtype)), naive.lower_hull(mz, y), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("step", "name"), WINDOWED)
def test_a_baseline_follows_shift_scale_and_reversal(step, name):
    y = profile(800)
    base = step(y, **{name: 30})
    np.testing.assert_allclose(step(2 * y - 9, **{name: 30}), 2 * base - 9, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(step(y[::-1], **{name: 30})[::-1], base, rtol=1e-12)
    np.testing.assert_array_equal(step(np.full(200, 4.0), **{name: 30}), 4.0)


@pytest.mark.parametrize("step", [snip, tophat, lambda y: convex_hull(np.arange(y.size), y)])
def test_clipping_baselines_lie_below_and_leave_the_caller_s_data(step):
    y = profile(2000)
    y.setflags(write=False)
    assert (step(y) <= y + 1e-12).all()
    np.testing.assert_array_equal(step(np.repeat(y, 2)[::2]), step(y))


@pytest.mark.parametrize(("step", "name"), WINDOWED)
@pytest.mark.parametrize("value", [0, -3, 1.5])
def test_windows_that_are_none_are_refused(step, name, value):
    with pytest.raises(SpectraError, match=f"{name} must be"):
        step(profile(500), **{name: value})


@pytest.mark.parametrize(("step", "name"), WINDOWED)
def test_a_window_longer_than_the_spectrum_sets_that_spectrum_aside(step, name):
    with pytest.raises(SpectrumError, match=f"{name} must be at most 99 for a spectrum of 200 points, not 100"):
        step(profile(200))
    with pytest.raises(SpectrumError, match="at least 3 points"):
        step([5.0])
    with pytest.raises(SpectraError, match="nan at point 2"):
        step([1, 2, np.nan, 3])


def test_a_hull_needs_two_points():
    assert convex_hull([1, 2], [5.0, 3]).tolist() == [5, 3]
    with pytest.raises(SpectrumError, match="at least 2 points"):
        convex_hull([1], [5.0])


@settings(deadline=None, max_examples=30)
@given(tied, dtypes, st.booleans(), st.sampled_from([4, 6, 8]), st.data())
def test_snip_of_higher_order_is_the_twin_s(y, dtype, decreasing, order, data):
    k = fitting(data, y.size)
    windows = range(k, 0, -1) if decreasing else range(1, k + 1)
    base = snip(y.astype(dtype), iterations=k, decreasing=decreasing, order=order)
    assert base.dtype == dtype
    rounding = {"rtol": 1e-4, "atol": 1e-3} if dtype == np.float32 else {"rtol": 1e-9, "atol": 1e-9}
    np.testing.assert_allclose(base, naive.snip_bent(y, windows, order), **rounding)


@pytest.mark.parametrize("order", [2, 4, 6, 8])
def test_a_higher_order_follows_a_curved_baseline(order):
    x = np.linspace(-1, 1, 401)
    curve = 100 - 60 * x**2  # a parabola lies above its chords: straight lines cut it off, cubics do not
    loss = np.abs(snip(curve, iterations=60, order=order) - curve)[100:-100].max()
    assert loss < 1e-9 if order > 2 else loss > 1


@pytest.mark.peer
@pytest.mark.parametrize("order", [2, 4, 6, 8])
@pytest.mark.parametrize("decreasing", [True, False])
@pytest.mark.parametrize("half_window", [1, 2, 30])
def test_snip_with_extended_edges_is_pybaselines_s(half_window, decreasing, order):
    pybaselines = pytest.importorskip("pybaselines")
    y = profile(900)
    theirs, _ = pybaselines.Baseline().snip(y, max_half_window=half_window, decreasing=decreasing, filter_order=order)
    ours = snip(y, iterations=half_window, decreasing=decreasing, order=order, edges="extend")
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_snip_on_double_logarithms_clips_small_and_tall_peaks_alike():
    y = 100.0 + profile(500)
    inside = np.log(np.log(np.sqrt(y + 1) + 1) + 1)
    plain = (np.exp(np.exp(naive.snip(inside, range(20, 0, -1))) - 1) - 1) ** 2 - 1
    np.testing.assert_allclose(snip(y, iterations=20, lls=True), plain, rtol=1e-11)
    with pytest.raises(SpectrumError, match=r"-1.0 at point 1, and lls needs"):
        snip([2, -1, 3.0], iterations=1, lls=True)
    with pytest.raises(SpectraError, match="edges must be one of"):
        snip(y, edges="mirror")
    with pytest.raises(SpectraError, match="order must be one of 2, 4, 6, 8, not 3"):
        snip(y, order=3)


@pytest.mark.peer
def test_the_rolling_ball_is_pybaselines_s_inside():
    pybaselines = pytest.importorskip("pybaselines")
    y = profile(900)
    theirs, _ = pybaselines.Baseline().rolling_ball(y, half_window=20, smooth_half_window=15)
    np.testing.assert_allclose(rolling_ball(y, half_window=20, smooth_half_window=15)[40:-40], theirs[40:-40], rtol=1e-12)


@settings(deadline=None)
@given(tied, dtypes, st.data())
def test_the_rolling_ball_is_the_twin_s(y, dtype, data):
    half_window = fitting(data, y.size)
    np.testing.assert_allclose(
        rolling_ball(y.astype(dtype), half_window=half_window), naive.rolling_ball(y, half_window), rtol=1e-5, atol=1e-5
    )
