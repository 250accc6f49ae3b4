"""Replicates of a sample become one spectrum, and no other sample has a say in it; and how far they agree."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import f_oneway

from spectra import Cohort, FeatureMatrix, ReplicateFilter, SpectraError, Spectrum, average_replicates, replicate_agreement
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


def feature_table(seed, sizes, n_features=4, share=0.8):
    """Features whose variance lies to a given share between samples."""
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(len(sizes)), sizes)
    level = rng.normal(0, np.sqrt(share), (len(sizes), n_features))
    values = 50 + level[codes] + rng.normal(0, np.sqrt(1 - share), (codes.size, n_features))
    order = rng.permutation(codes.size)
    table = pd.DataFrame({"file": [f"f{i}" for i in range(codes.size)], "sample": [f"s{c}" for c in codes[order]]})
    return FeatureMatrix(values[order], np.arange(1000.0, 1000 + n_features), values > 0, table, [f"m{i}" for i in range(n_features)])


def test_agreement_is_that_of_scipy_s_analysis_of_variance():
    features = feature_table(0, [3] * 12)
    found = replicate_agreement(features)
    groups = features.samples.groupby("sample").indices.values()
    for j in range(4):
        ratio = f_oneway(*(features.values[rows, j] for rows in groups)).statistic
        assert found["icc"][j] == pytest.approx((ratio - 1) / (ratio + 2))
        within = np.mean([features.values[rows, j].var(ddof=1) for rows in groups])
        assert found["cv"][j] == pytest.approx(np.sqrt(within) / features.values[:, j].mean())


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_agreement_tells_the_share_between_samples_for_unequal_numbers_too(share):
    features = feature_table(1, [1, 2, 5] * 100, n_features=30, share=share)
    assert replicate_agreement(features)["icc"].mean() == pytest.approx(share, abs=0.03)


def test_agreement_does_not_ask_for_order_or_scale():
    features = feature_table(2, [2, 3, 4])
    found = replicate_agreement(features)
    pd.testing.assert_frame_equal(replicate_agreement(features[::-1]), found)
    scaled = replicate_agreement(dataclasses.replace(features, values=1000 * features.values))
    np.testing.assert_allclose(scaled[["cv", "icc"]], found[["cv", "icc"]])
    constant = replicate_agreement(dataclasses.replace(features, values=np.zeros(features.shape)))
    assert constant[["cv", "icc"]].isna().all(axis=None)


def test_the_filter_keeps_what_replicates_agree_on():
    good, bad = feature_table(3, [3] * 20, share=0.95), feature_table(3, [3] * 20, share=0.05)
    values = np.hstack([good.values, bad.values])
    features = FeatureMatrix(values, np.arange(8.0), values > 0, good.samples, [str(i) for i in range(8)])
    chosen = ReplicateFilter().fit(features)
    assert chosen.keep_.tolist() == [True] * 4 + [False] * 4
    assert chosen.transform(features[:1]).shape == (1, 4)
    with pytest.raises(SpectraError, match=r"lower min_icc \(0.5\) or raise max_cv \(1e-09\)"):
        ReplicateFilter(max_cv=1e-9).fit(features)


def test_agreement_s_errors_name_the_remedy():
    features = feature_table(4, [2, 2])
    with pytest.raises(SpectraError, match="no column 'patient'"):
        replicate_agreement(features, by="patient")
    with pytest.raises(SpectraError, match="needs two samples"):
        replicate_agreement(feature_table(4, [1, 1]))
    with pytest.raises(SpectraError, match="needs two samples"):
        replicate_agreement(feature_table(4, [4]))
    features.values[1, 2] = np.nan
    with pytest.raises(SpectraError, match="m2 has missing values"):
        replicate_agreement(features)


def test_numbers_of_replicates_are_averaged_and_of_dates_the_first_is_taken():
    ones = [np.ones(AXIS.size)] * 4
    when = ["2026-01-02T10:00+02:00", "2026-01-02T09:00+00:00", "2026-01-04", "2026-01-03"]
    table = average_replicates(cohort_of(["s", "s", "t", "t"], ones, order=[1, 2, 3, 7], when=when, spot=["A1", "A2", "A3", "A3"])).samples
    assert table["order"].tolist() == [1.5, 5.0] and table["when"].tolist() == [when[0], when[3]]
    assert table["spot"].tolist() == ["A1;A2", "A3"]
