import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import median_abs_deviation

from spectra import Cohort, SpectraError, Spectrum, noise_local, noise_mad, noise_quantile, noise_supersmoother
from tests.naive import order as naive


@settings(deadline=None)
@given(arrays(np.float64, st.integers(1, 80), elements=st.integers(-5, 5).map(float)), st.sampled_from([np.float32, np.float64]))
def test_the_deviation_is_the_twin_s_with_ties(y, dtype):
    assert noise_mad(y.astype(dtype)) == 1.4826 * naive.mad(y)


@pytest.mark.parametrize("n", [1023, 1024, 2047, 30_000, 42_389])
@pytest.mark.parametrize("order", ["random", "rising", "periodic", "one level", "two levels"])
def test_the_deviation_is_scipy_s_wherever_the_sample_looks(n, order):
    y = np.random.default_rng(n).exponential(10, n)
    step = max(1, int(n**0.4 / 2))
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


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(16, 90), st.sampled_from([np.float32, np.float64]))
def test_local_levels_are_the_twin_s(n, window, dtype):
    y = np.random.default_rng(n).normal(0, 3, n).astype(dtype)
    levels = noise_local(y, window=window)
    assert levels.shape == y.shape
    np.testing.assert_allclose(levels, 1.4826 * np.array(naive.local_mad(y, window)), rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_local_levels_follow_a_noise_that_falls_along_mz(dtype):
    truth = np.geomspace(20, 1, 40_000)
    y = (np.random.default_rng(0).normal(0, 1, truth.size) * truth).astype(dtype)
    y[5000::5000] += 500
    inner = slice(1000, -1000)
    np.testing.assert_allclose(noise_local(y)[inner], truth[inner], rtol=0.15)
    assert np.max(np.abs(noise_mad(y) / truth - 1)) > 1
    np.testing.assert_allclose(noise_local(3 * y + 8), 3 * noise_local(y), rtol=1e-4)
    assert noise_local(np.full(50, 3.0)).tolist() == [0] * 50


def test_a_cohort_takes_local_levels_as_its_noise():
    y = np.random.default_rng(0).normal(0, 1, 5000)
    cohort = Cohort.from_spectra([Spectrum(np.arange(1.0, 5001), y, "a.csv")]).noise_local()
    np.testing.assert_array_equal(cohort.noise[0], noise_local(y))


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_the_quantile_level_is_blind_to_a_baseline(quantile):
    y = np.random.default_rng(0).normal(0, 2, 40_000)
    baseline = 1000 * np.exp(-np.arange(40_000) / 9000)
    np.testing.assert_allclose(noise_quantile(y, quantile=quantile), 2, rtol=0.05)
    np.testing.assert_allclose(noise_quantile(y + baseline, quantile=quantile), noise_quantile(y, quantile=quantile), rtol=0.01)
    assert noise_quantile([4.0]) == noise_quantile(np.full(9, 4)) == 0


def test_windows_and_quantiles_that_are_none_are_refused():
    with pytest.raises(SpectraError, match="window must be at least 16"):
        noise_local(np.ones(100), window=3)
    with pytest.raises(SpectraError, match=r"quantile must be at least 0.01 and at most 0.99"):
        noise_quantile(np.ones(100), quantile=1.0)


def wave(n, seed=0):
    rng = np.random.default_rng(seed)
    mz = np.cumsum(rng.uniform(0.1, 2, n)) + 1000
    return mz, 5 + np.sin(mz / 9) + rng.normal(0, 0.5, n)


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 90), st.sampled_from([0.0, 3.0, 10.0]), st.sampled_from([np.float32, np.float64]))
def test_the_super_smoother_is_the_twin_s(n, bass, dtype):
    mz, y = wave(n, n)
    y = y.astype(dtype)
    plain = naive.supersmoother(mz, y.astype(float), bass)
    np.testing.assert_allclose(noise_supersmoother(mz, y, bass=bass), np.maximum(plain, 0), rtol=1e-6)


@pytest.mark.peer
@pytest.mark.parametrize("bass", [0, 4])
@pytest.mark.parametrize("n", [7, 500, 4000])
def test_the_super_smoother_is_r_s(n, bass, tmp_path):
    if shutil.which("Rscript") is None:
        pytest.skip("R is not installed")
    mz, y = wave(n)
    mz.tofile(tmp_path / "mz")
    y.tofile(tmp_path / "y")
    code = f"r <- function(f) readBin(f, 'double', {n}); writeBin(supsmu(r('mz'), r('y'), bass={bass})$y, 'out')"
    subprocess.run(["Rscript", "-e", code], cwd=tmp_path, check=True)
    np.testing.assert_allclose(noise_supersmoother(mz, y, bass=bass), np.fromfile(tmp_path / "out"), rtol=1e-7)


def test_the_super_smoother_follows_lines_shift_and_scale_and_never_falls_below_zero():
    mz, y = wave(800)
    np.testing.assert_allclose(noise_supersmoother(mz, 3 * mz - 5), 3 * mz - 5, rtol=1e-9)
    np.testing.assert_allclose(noise_supersmoother(mz, 2 * y + 7), 2 * noise_supersmoother(mz, y) + 7, rtol=1e-9)
    np.testing.assert_allclose(noise_supersmoother(-mz[::-1], y[::-1])[::-1], noise_supersmoother(mz, y), rtol=1e-9)
    assert noise_supersmoother(mz, y - 50).tolist() == [0] * 800
    assert noise_supersmoother([1], [4.0]).tolist() == [4]
    with pytest.raises(SpectraError, match="bass must be at least 0 and at most 10"):
        noise_supersmoother(mz, y, bass=11)
