import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectra import Cohort, PeakBinner, PeakList, SpectraError, Spectrum, WidthModel, bin_peaks
from spectra.binning_density import density_bins
from tests.naive import binning as naive

WIDTHS = WidthModel(np.array([1.0, np.log(5.0)]), 1000.0, 3000.0, 9000.0, 0.05)  # a resolution of 600 all along


def peak_list(mz, intensity=None):
    mz = np.sort(np.asarray(mz, float))
    intensity = np.ones(mz.size) if intensity is None else np.asarray(intensity, float)
    return PeakList(mz, intensity, np.full(mz.size, 50.0), WIDTHS(mz), *[mz] * 3, np.arange(mz.size))


def lists_around(centres, spread, n_spectra=60, share=0.8, seed=0):
    """Each spectrum shows each centre with a probability, moved by a part of its width."""
    rng = np.random.default_rng(seed)
    lists = []
    for _ in range(n_spectra):
        mz = centres + rng.normal(0, spread, centres.size) * WIDTHS(centres)
        mz = mz[rng.random(centres.size) < share]
        lists.append(peak_list(mz, rng.lognormal(size=mz.size)))
    return lists


def cohort_of(lists):
    axis = np.linspace(900, 9500, 500)
    return Cohort.from_spectra([Spectrum(axis, np.ones(500), str(i)) for i in range(len(lists))], peaks=lists)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.lists(st.integers(0, 400), max_size=12), min_size=1, max_size=6))
def test_the_modes_are_the_twin_s(places):
    lists = [peak_list(2000 + 0.25 * np.unique(np.array(each, float))) for each in places]
    mz, low, high = density_bins(lists, WIDTHS)
    assert mz.size == low.size == high.size
    assert (low < mz).all() and (mz < high).all()
    assert (low[1:] >= high[:-1]).all()
    if not mz.size:
        return
    first, last = (f(np.concatenate([peaks.mz for peaks in lists])) for f in (np.min, np.max))
    modes = naive.density_modes(lists, WIDTHS, first - 2 * WIDTHS(first), last + 2 * WIDTHS(last))
    # a plateau or a tie may be settled either way; no mode is without a bin
    assert mz.size <= modes.size
    for mode in modes:
        assert np.abs(mz - mode).min() <= 0.45 * WIDTHS(mode)


def test_molecules_a_width_apart_are_told_apart_and_drift_is_not():
    centres = np.array([1500.0, 3000.0, 3000.0 + 5.5, 6000.0, 6000.0 + 3.0])
    lists = lists_around(centres, 0.1, n_spectra=100)
    mz, bins = bin_peaks(lists, method="density", widths=WIDTHS)
    assert mz.size == 4  # the last two lie 0.3 widths apart
    np.testing.assert_allclose(mz[:3], centres[:3], rtol=1e-4)
    held = np.concatenate(bins)
    assert (held >= 0).mean() > 0.99
    wide = bin_peaks(lists, tolerance=0.003)[0]
    assert (wide > 5990).sum() > 5  # fixed tolerance, one peak a spectrum: two that overlap come out as splinters


def test_widths_are_fitted_to_the_lists_when_not_given():
    lists = lists_around(np.linspace(1100, 8900, 40), 0.1)
    own, given_ = (bin_peaks(lists, method="density", widths=widths)[0] for widths in (None, WIDTHS))
    np.testing.assert_allclose(own, given_, rtol=1e-6)
    with pytest.raises(SpectraError, match=r"needs the width of peaks.*or give widths"):
        bin_peaks([peak_list([1000.0, 2000.0])], method="density")


def test_the_order_of_spectra_changes_nothing():
    lists = lists_around(np.linspace(1100, 8900, 30), 0.12)
    mz, bins = bin_peaks(lists, method="density", widths=WIDTHS)
    order = np.random.default_rng(1).permutation(len(lists))
    again, moved = bin_peaks([lists[i] for i in order], method="density", widths=WIDTHS)
    np.testing.assert_allclose(again, mz, rtol=1e-14)
    for place, i in enumerate(order):
        np.testing.assert_array_equal(moved[place], bins[i])


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_frozen_bins_never_move(seed, n_later):
    lists = lists_around(np.linspace(1100, 8900, 25), 0.15, n_spectra=20, seed=seed)
    binner = PeakBinner(method="density", widths=WIDTHS, fill="zero").fit(cohort_of(lists))
    before = binner.transform(cohort_of(lists))
    later = lists_around(np.linspace(1105, 8905, 40), 0.3, n_spectra=n_later, seed=seed + 1)
    both = binner.transform(cohort_of(later + lists))
    np.testing.assert_array_equal(both.mz, before.mz)
    np.testing.assert_array_equal(both.values[n_later:], before.values)


def test_no_peaks_no_bins():
    assert bin_peaks([], method="density")[0].size == 0
    mz, bins = bin_peaks([peak_list([]), peak_list([])], method="density")
    assert mz.size == 0 and [each.size for each in bins] == [0, 0]


@pytest.mark.parametrize("method", ["strict", "density"])
def test_the_sparse_table_holds_the_found_peaks(method):
    lists = lists_around(np.linspace(1100, 8900, 25), 0.25, n_spectra=20)
    lists[3] = peak_list([])
    cohort = cohort_of(lists)
    binner = PeakBinner(method=method, widths=WIDTHS, fill="zero").fit(cohort)
    features, table = binner.transform(cohort), binner.sparse(cohort)
    assert table.shape == features.shape
    assert table.nnz == features.present.sum()
    np.testing.assert_array_equal(table.toarray(), features.values)
