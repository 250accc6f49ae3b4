import csv
import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from spectra import Cohort, FeatureMatrix, FrequencyFilter, PeakBinner, PeakList, SpectraError, Spectrum, Warp, bin_peaks
from spectra.binning import bin_names, stable_order
from tests.naive import binning as naive
from tests.naive import maldiquant


def peak_list(mz, intensity=None):
    mz = np.sort(np.asarray(mz, float))
    intensity = np.ones(mz.size) if intensity is None else np.asarray(intensity, float)
    return PeakList(mz, intensity, *[mz] * 5, np.arange(mz.size))


@st.composite
def peak_lists(draw):
    """Up to eight spectra with peaks on a coarse grid (ties, crowds) and beside it."""
    lists = []
    for _ in range(draw(st.integers(1, 8))):
        grid = draw(st.sets(st.integers(1, 60), max_size=12))
        shift = draw(st.sampled_from([0.0, 0.125, 0.3]))
        mz = sorted(1000 + g + shift for g in grid)
        lists.append(peak_list(mz, draw(st.lists(st.integers(1, 5), min_size=len(mz), max_size=len(mz)))))
    return lists


def cohort_of(lists, n_points=400, warps=None, dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    axis = np.linspace(990, 1070, n_points)
    spectra = [Spectrum(axis, rng.uniform(0, 9, n_points).astype(dtype), f"s{i}") for i in range(len(lists))]
    return Cohort.from_spectra(spectra, peaks=lists, warps=warps)


def random_lists(seed, n_spectra=30, n_peaks=40, spread=2e-4):
    rng = np.random.default_rng(seed)
    centres = np.sort(rng.uniform(1000, 9000, n_peaks))
    lists = []
    for _ in range(n_spectra):
        mz = (centres * (1 + rng.normal(0, spread, n_peaks)))[rng.random(n_peaks) < 0.8]
        lists.append(peak_list(mz, rng.lognormal(size=mz.size)))
    return lists


@pytest.mark.parametrize("method", ["strict", "relaxed", "reference"])
@settings(deadline=None)
@given(lists=peak_lists(), tolerance=st.sampled_from([1e-9, 2e-4, 1e-3, 5e-3, 0.5]))
def test_bins_are_the_twin_s(method, lists, tolerance):
    mz, bins = bin_peaks(lists, tolerance=tolerance, method=method)
    assert (np.diff(mz) > 0).all()
    for found, expected in zip(bins, naive.bin_peaks(lists, tolerance, method), strict=True):
        np.testing.assert_allclose(np.append(mz, np.nan)[found], expected, rtol=1e-15)


@pytest.mark.parametrize("method", ["strict", "relaxed"])
def test_a_pool_of_thousands_is_the_twin_s(method):
    lists = random_lists(0, n_spectra=60, n_peaks=80, spread=1e-3)
    mz, bins = bin_peaks(lists, tolerance=0.002, method=method)
    for found, expected in zip(bins, naive.bin_peaks(lists, 0.002, method), strict=True):
        np.testing.assert_allclose(mz[found], expected, rtol=3e-16)


@settings(deadline=None)
@given(peak_lists(), st.sampled_from([2e-4, 1e-3, 5e-3]))
def test_strict_bins_hold_each_spectrum_once_within_tolerance(lists, tolerance):
    mz, bins = bin_peaks(lists, tolerance=tolerance)
    for peaks, found in zip(lists, bins, strict=True):
        assert (found >= 0).all()
        np.testing.assert_array_less(np.abs(peaks.mz - mz[found]) / mz[found], tolerance * (1 + 1e-12))


@settings(deadline=None)
@given(st.lists(st.one_of(st.floats(1e-300, 1e300), st.sampled_from([1.0, 1.0 + 2**-52, 1000.0, 1000.0 + 2**-43])), max_size=60))
def test_the_radix_order_is_numpy_s(values):
    values = np.array(values, float)
    ordered, order = stable_order(values)
    np.testing.assert_array_equal(order, np.argsort(values, kind="stable"))
    np.testing.assert_array_equal(ordered, values[order])


def test_numbers_that_are_not_positive_are_ordered_too():
    assert stable_order(np.array([3.0, -1.0, 0.0, -1.0]))[1].tolist() == [1, 3, 2, 0]


def test_the_order_of_the_spectra_changes_nothing():
    lists = random_lists(1)
    mz, bins = bin_peaks(lists)
    backwards, mirrored = bin_peaks(lists[::-1])
    np.testing.assert_array_equal(mz, backwards)
    for a, b in zip(bins, mirrored[::-1], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.data
def test_bins_of_the_real_spectra_are_maldiquant_s(data):
    before = maldiquant.peaks(data / "fiedler2009", "peaks_averaged.csv")
    after = maldiquant.peaks(data / "fiedler2009", "peaks_binned.csv")
    mz, bins = bin_peaks([peak_list(before[i][0], before[i][1]) for i in range(8)])
    for i in range(8):
        np.testing.assert_allclose(mz[bins[i]], after[i][0], rtol=1e-9)


@pytest.mark.data
def test_frequent_bins_are_maldiquant_s_features(data):
    lists = [peak_list(mz, y) for mz, y, _ in maldiquant.peaks(data / "fiedler2009", "peaks_averaged.csv").values()]
    with open(data / "fiedler2009/maldiquant_reference/feature_matrix.csv") as file:
        header, *rows = csv.reader(file)
    expected = np.array([row[1:] for row in rows], float)
    axis = np.array([1000.0, 10000.0])
    cohort = Cohort.from_spectra([Spectrum(axis, np.zeros(2), str(i)) for i in range(8)], peaks=lists)
    features = PeakBinner(fill="nan").fit(cohort).transform(cohort)
    features = FrequencyFilter(min_frequency=0.25, by_class=False).fit(features).transform(features)
    assert features.shape == (8, 255)
    np.testing.assert_allclose(features.mz, np.array(header[1:], float), rtol=1e-9)
    np.testing.assert_allclose(features.values[features.present], expected[features.present], rtol=1e-8)


@pytest.mark.parametrize("method", ["strict", "relaxed"])
def test_spectra_fall_into_the_bins_they_made(method):
    lists = random_lists(2, spread=6e-4)
    binner = PeakBinner(method=method).fit(cohort_of(lists))
    features = binner.transform(cohort_of(lists))
    mz, bins = bin_peaks(lists, method=method)
    for s, (peaks, found) in enumerate(zip(lists, bins, strict=True)):
        for b in np.flatnonzero(features.present[s]):
            column = np.searchsorted(mz, binner.bin_mz_[b])
            assert features.values[s, b] == peaks.intensity[found == column].max()


def test_later_spectra_never_move_the_bins():
    lists = random_lists(3)
    binner = PeakBinner().fit(cohort_of(lists[:20]))
    frozen = binner.bin_mz_.copy()
    alone = binner.transform(cohort_of(lists[25:26]))
    together = binner.transform(cohort_of(lists))
    np.testing.assert_array_equal(binner.bin_mz_, frozen)
    np.testing.assert_array_equal(alone.present[0], together.present[25])
    np.testing.assert_array_equal(alone.values[0, alone.present[0]], together.values[25, alone.present[0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("warped", [False, True])
def test_features_are_the_twin_s(warped, dtype):
    rng = np.random.default_rng(4)
    lists = [peak_list(np.unique(rng.integers(985, 1075, 12)) + 0.25, None) for _ in range(6)]
    warps = None
    if warped:
        knots = [np.sort(rng.uniform(1000, 1060, k)) for k in (0, 1, 2, 5, 9, 30)]
        warps = [Warp(at, rng.uniform(-0.01, 0.01, at.size)) for at in knots]
    cohort = cohort_of(lists, warps=warps, dtype=dtype)
    binner = PeakBinner(tolerance=3e-4).fit(cohort)
    features = binner.transform(cohort)
    values, present = naive.features(cohort, binner.bin_mz_, binner.low_, binner.high_)
    np.testing.assert_array_equal(features.present, present)
    np.testing.assert_allclose(features.values, values, rtol=1e-6 if dtype == np.float32 else 1e-9, atol=1e-9)
    assert not present.all()


def test_the_report_counts_spread_occupancy_and_conflicts():
    lists = [peak_list([1000.0, 1020.0]), peak_list([1000.2]), peak_list([1000.1, 1000.3, 1050.0], [1, 2, 1]), peak_list([])]
    binner = PeakBinner(tolerance=5e-4).fit(cohort_of([lists[0], lists[1], peak_list([1000.1, 1050.0])]))
    table = binner.report(cohort_of(lists), ["a", "a", "b", "b"])
    assert table["mz"].round(1).tolist() == [1000.1, 1020.0, 1050.0]
    assert table["occupancy"].tolist() == [0.75, 0.25, 0.25]
    assert table["occupancy_a"].tolist() == [1.0, 0.5, 0.0]
    assert table["conflicts"].tolist() == [1, 0, 0]
    assert table["spread_ppm"][0] == pytest.approx(1e6 * np.std([1000.0, 1000.2, 1000.3]) / 1000.1, rel=1e-3)
    assert table["spread_ppm"][1] == 0
    empty = binner.report(cohort_of([peak_list([])]))
    assert empty["occupancy"].tolist() == [0, 0, 0]
    assert empty["spread_ppm"].isna().all()


def test_fill_zero_and_nan():
    lists = [peak_list([1000.0, 1020.0]), peak_list([1000.0])]
    for fill, expected in (("zero", 0.0), ("nan", np.nan)):
        features = PeakBinner(fill=fill).fit(cohort_of(lists)).transform(cohort_of(lists))
        np.testing.assert_array_equal(features.values, [[1, 1], [1, expected]])
        assert features.names == ["1000.0", "1020.0"]


def test_spectra_without_a_peak_are_filled():
    cohort = cohort_of([peak_list([]), peak_list([1010.0])])
    features = PeakBinner().fit(cohort).transform(cohort)
    assert features.present.tolist() == [[False], [True]]
    assert features.values[0, 0] > 0
    mz, bins = bin_peaks([peak_list([]), peak_list([])])
    assert mz.size == 0
    assert [found.size for found in bins] == [0, 0]
    with pytest.raises(SpectraError, match="no spectrum has a peak"):
        PeakBinner().fit(cohort_of([peak_list([])]))


def test_wrong_options_are_named():
    lists = [peak_list([1000.0])]
    for tolerance in (0, -1, np.nan):
        with pytest.raises(SpectraError, match="tolerance must be greater than 0"):
            bin_peaks(lists, tolerance=tolerance)
    with pytest.raises(SpectraError, match="method must be one of"):
        bin_peaks(lists, method="loose")
    with pytest.raises(SpectraError, match="fill must be one of"):
        PeakBinner(fill="mean").fit(cohort_of(lists))
    with pytest.raises(SpectraError, match="call find_peaks"):
        PeakBinner().fit(Cohort.from_spectra([Spectrum(np.arange(3.0), np.ones(3))]))


@pytest.mark.parametrize("keep", [[0, 2], [2, 0], [False, True, False], []])
def test_gaps_filled_after_columns_are_chosen_are_the_same(keep):
    mz = np.linspace(900.0, 2100.0, 500)
    spectra = [Spectrum(mz, np.random.default_rng(i).random(500)) for i in range(3)]
    cohort = Cohort.from_spectra(spectra)
    cohort = dataclasses.replace(cohort, peaks=[peak_list([1000.0, 1500.0]), peak_list([2000.0]), peak_list([1000.5])])
    binner = PeakBinner().fit(cohort)
    late, early = binner.transform(cohort), binner.transform(cohort)
    assert early.shape == early.values.shape == (3, 3)  # here all are filled
    columns = np.array(keep, bool if keep and keep[0] is False else int)
    late, early = late.columns(columns), early.columns(columns)
    assert np.array_equal(late.values, early.values)
    assert np.array_equal(late.present, early.present)
    assert late.names == early.names and len(late) == len(late[:2]) + 1
    assert not late.present.all() or not keep


def features_of(present):
    present = np.array(present, bool)
    n = present.shape[1]
    return FeatureMatrix(
        present * 1.0, np.arange(n) + 1.0, present, pd.DataFrame({"file": range(len(present))}), [f"f{i}" for i in range(n)]
    )


def test_one_class_that_reaches_the_frequency_is_enough():
    features = features_of([[1, 1, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0]])
    y = np.array(["a", "a", "b", "b"])
    assert FrequencyFilter(min_frequency=0.5).fit(features, y).keep_.tolist() == [True, True, False]
    assert FrequencyFilter(min_frequency=0.5, by_class=False).fit(features).keep_.tolist() == [True, False, False]
    assert FrequencyFilter(min_frequency=0.5).fit(features, y).transform(features[:1]).names == ["f0", "f1"]
    assert FrequencyFilter(min_frequency=0.0).fit(features, y).keep_.all()


def test_the_frequency_is_not_missed_by_rounding():
    present = np.zeros((20, 1))
    present[:11] = 1
    assert FrequencyFilter(min_frequency=0.55, by_class=False).fit(features_of(present)).keep_.all()


def test_the_filter_s_errors_name_the_remedy():
    with pytest.raises(SpectraError, match="give y, or set by_class=False"):
        FrequencyFilter().fit(features_of([[1]]))
    with pytest.raises(SpectraError, match="lower min_frequency"):
        FrequencyFilter(by_class=False).fit(features_of([[0]]))
    with pytest.raises(SpectraError, match="min_frequency must be at least 0 and at most 1"):
        FrequencyFilter(min_frequency=2).fit(features_of([[1]]), [0])


def test_names_are_unique_and_no_longer_than_it_takes():
    assert bin_names([1000.04, 1000.02, 1000.024, 2000.0]) == ["1000.04", "1000.020", "1000.024", "2000.0"]


def test_parameters_survive_cloning():
    assert clone(PeakBinner(tolerance=0.001, fill="zero")).get_params() == {
        "tolerance": 0.001,
        "method": "strict",
        "widths": None,
        "fill": "zero",
    }
    assert clone(FrequencyFilter(by_class=False)).get_params() == {"by_class": False, "min_frequency": 0.25}
