"""Replicates of a sample become one spectrum, and no other sample has a say in it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectra import Cohort, SpectraError, Spectrum, average_replicates
from tests.naive.readers import average

AXIS = np.linspace(1000, 1010, 5)


def cohort_of(samples, profiles, **columns):
    spectra = [Spectrum(AXIS, np.asarray(profile, float), str(i)) for i, profile in enumerate(profiles)]
    return Cohort.from_spectra(spectra, pd.DataFrame({"file": [str(i) for i in range(len(samples))], "sample": samples, **columns}))


@settings(max_examples=50, deadline=None)
@given(samples=st.lists(st.sampled_from("abc"), min_size=1, max_size=8), seed=st.integers(0, 99))
def test_against_the_twin(samples, seed):
    profiles = np.random.default_rng(seed).normal(size=(len(samples), AXIS.size))
    mean = average_replicates(cohort_of(samples, profiles))
    names = list(dict.fromkeys(samples))
    assert mean.samples["sample"].tolist() == names
    assert mean.n_axes == 1
    for i, name in enumerate(names):
        expected = average([profiles[j].tolist() for j, sample in enumerate(samples) if sample == name])
        np.testing.assert_allclose(mean.intensity_of(i), expected, rtol=1e-12, atol=1e-12)


def test_other_axes_are_interpolated_onto_the_first():
    line = Spectrum(AXIS[1:], 2 * AXIS[1:], "b")
    table = pd.DataFrame({"file": ["a", "b"], "sample": ["s", "s"]})
    mean = average_replicates(Cohort.from_spectra([Spectrum(AXIS, AXIS * 0 + 2, "a"), line], table))
    expected = (2 + 2 * np.maximum(AXIS, AXIS[1])) / 2
    np.testing.assert_allclose(mean.intensity, expected)
    assert (mean.axis_of(0) == AXIS).all()


def test_columns_that_agree_and_columns_that_differ():
    ones = np.ones((3, AXIS.size))
    mean = average_replicates(cohort_of(["s", "s", "t"], ones, age=[61, 61, 58], spot=["A1", "A2", "A3"], label=["x", "x", "y"]))
    assert mean.samples["age"].tolist() == [61, 58]
    assert mean.samples["spot"].tolist() == ["A1;A2", "A3"]
    assert mean.samples["file"].tolist() == ["0;1", "2"]
    assert mean.samples["label"].tolist() == ["x", "y"]
    assert mean.spectrum(0).name == "0;1"


def test_other_samples_change_nothing():
    profiles = np.random.default_rng(0).normal(size=(4, AXIS.size))
    whole = average_replicates(cohort_of(list("abab"), profiles))
    alone = average_replicates(cohort_of(list("aa"), profiles[::2]))
    assert (whole.intensity_of(0) == alone.intensity_of(0)).all()


def test_float32_stays_and_notes_are_kept():
    single = Cohort.from_spectra(
        [Spectrum(AXIS, np.ones(5, np.float32), "a")], pd.DataFrame({"file": ["a"], "sample": [1]}), notes=["n"], set_aside=[{"file": "z"}]
    )
    mean = average_replicates(single)
    assert mean.intensity.dtype == np.float32
    assert (mean.notes, mean.set_aside) == (["n"], [{"file": "z"}])
    assert mean.samples["sample"].tolist() == [1]


def test_errors_name_the_sample():
    ones = np.ones((2, AXIS.size))
    with pytest.raises(SpectraError, match=r"sample 's' has two labels \(x, y\)"):
        average_replicates(cohort_of(["s", "s"], ones, label=["x", "y"]))
    with pytest.raises(SpectraError, match="no column 'patient'; there are file, sample"):
        average_replicates(cohort_of(["s", "s"], ones), by="patient")
    with pytest.raises(SpectraError, match="1: 'sample' is empty"):
        average_replicates(cohort_of(["s", None], ones))
