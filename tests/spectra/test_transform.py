import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spectra import Cohort, SpectraError, Spectrum, SpectrumError, cube_root, logarithm, resample, square_root, trim


@settings(deadline=None)
@given(arrays(np.float32, st.integers(1, 50), elements=st.floats(0, 1e6, width=32)))
def test_the_square_root_squared_is_the_profile(y):
    root = square_root(y)
    assert root.dtype == np.float32
    np.testing.assert_allclose(root.astype(float) ** 2, y, rtol=1e-6, atol=1e-30)


def test_negative_counts_set_the_spectrum_aside_by_name():
    with pytest.raises(SpectrumError, match=r"-3.0 at point 1, and square_root needs intensities of at least 0"):
        square_root([4, -3, -5])
    cohort = Cohort.from_spectra([Spectrum(np.arange(3.0), np.array([1.0, -1, 2]), name="plate/A1.csv")])
    with pytest.raises(SpectrumError, match=r"plate/A1.csv: y holds -1.0"):
        cohort.square_root()


def test_nothing_and_what_is_no_number_are_refused():
    with pytest.raises(SpectraError, match="empty"):
        square_root([])
    with pytest.raises(SpectraError, match="inf at point 0"):
        square_root([np.inf])


@settings(deadline=None)
@given(arrays(np.float32, st.integers(1, 50), elements=st.floats(0, 1e6, width=32)))
def test_logarithm_and_cube_root_undone_are_the_profile(y):
    assert logarithm(y).dtype == cube_root(y).dtype == np.float32
    np.testing.assert_allclose(np.expm1(logarithm(y).astype(float)), y, rtol=2e-5, atol=1e-30)
    np.testing.assert_allclose(cube_root(-y).astype(float) ** 3, -y, rtol=1e-6, atol=1e-30)


def test_the_logarithm_of_negative_counts_is_refused():
    with pytest.raises(SpectrumError, match=r"-1.0 at point 0, and logarithm needs"):
        logarithm([-1.0])


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(0, 45), st.integers(0, 45))
def test_trimming_keeps_the_points_within(n, low, high):
    mz, y = np.arange(1.0, n + 1), np.arange(n) * 2.0
    keep = (mz >= low) & ((mz <= high) | (high == 0))
    if (high and high < low) or not keep.any():
        with pytest.raises(SpectraError):
            trim(mz, y, low=low, high=high)
    else:
        short = trim(mz, y, low=low, high=high)
        np.testing.assert_array_equal(short.mz, mz[keep])
        np.testing.assert_array_equal(short.intensity, y[keep])


def test_what_trimming_refuses_it_names():
    with pytest.raises(SpectraError, match="high must not lie below low, but 5 < 7"):
        trim([1, 9], [1.0, 2], low=7, high=5)
    with pytest.raises(SpectrumError, match="no point lies between m/z 3 and 5; the spectrum covers 1 to 9"):
        trim([1, 9], [1.0, 2], low=3, high=5)


def test_resampling_reads_the_lines_between_points():
    mz, y = np.array([1.0, 2, 4, 8]), np.array([0, 10, 30, 20], np.float32)
    np.testing.assert_array_equal(resample(mz, y, axis=mz).intensity, y)
    assert resample(mz, y, axis=[3, 6]).intensity.tolist() == [20, 25]
    with pytest.raises(SpectrumError, match=r"axis covers m/z 0.5 to 2, the spectrum only 1 to 8"):
        resample(mz, y, axis=[0.5, 2])
    with pytest.raises(SpectraError, match="must increase strictly"):
        resample(mz, y, axis=[3, 2])
