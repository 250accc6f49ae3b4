import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spectra import Cohort, SpectraError, Spectrum, SpectrumError, square_root


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
