"""Each per-spectrum step against what MALDIquant 1.22 computed on the same real spectra (stored as float32)."""

import gzip

import numpy as np
import pytest

from spectra import (
    convex_hull,
    median_baseline,
    moving_average,
    noise_mad,
    normalize_tic,
    savitzky_golay,
    snip,
    square_root,
    tophat,
)
from tests.naive.maldiquant import manifest

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def gold(data):
    with np.load(data / "fiedler2009" / "maldiquant_reference" / "steps_spectra_0_5_10_15.npz") as stored:
        return {name: stored[name] for name in stored.files}


def read(data, i):
    folder = data / "fiedler2009"
    with gzip.open(folder / manifest(folder)[i]["file"], "rt") as file:
        return np.loadtxt(file, delimiter=",", skiprows=1).T


@pytest.mark.parametrize("row", range(4))
def test_every_step_is_maldiquant_s(data, gold, row):
    mz, counts = read(data, int(gold["spectra"][row]))

    def check(values, name):
        np.testing.assert_array_equal(np.asarray(values).astype(np.float32), gold[name][row])

    root = square_root(counts)
    check(moving_average(root), "ma")
    smooth = savitzky_golay(root)
    check(smooth, "sg")
    check(tophat(smooth), "baseline_tophat")
    check(median_baseline(smooth), "baseline_median")
    check(convex_hull(mz, smooth), "baseline_hull")
    base = snip(smooth)
    check(base, "baseline_snip")
    scaled = normalize_tic(mz, smooth - base)
    check(scaled, "tic")
    check(np.full(mz.size, noise_mad(scaled)), "noise_mad")


@pytest.mark.parametrize("row", [0, 3])
def test_single_precision_stays_close_to_maldiquant(data, gold, row):
    mz, counts = read(data, int(gold["spectra"][row]))
    smooth = savitzky_golay(square_root(counts.astype(np.float32)))
    scaled = normalize_tic(mz, smooth - snip(smooth))
    assert smooth.dtype == scaled.dtype == np.float32
    np.testing.assert_allclose(smooth, gold["sg"][row], rtol=2e-6)
    np.testing.assert_allclose(scaled, gold["tic"][row], rtol=1e-3, atol=1e-6 * gold["tic"][row].max())
    np.testing.assert_allclose(noise_mad(scaled), gold["noise_mad"][row][0], rtol=1e-3)
