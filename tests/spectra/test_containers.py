"""A cohort's verbs: over threads, in place, on new axes."""

import dataclasses

import numpy as np
import pytest

from spectra import Cohort, SettingsError, SpectraError, Spectrum, simulate_cohort, snip
from spectra.pipeline import preprocess
from spectra.settings import Settings, change


def ragged(sizes=(700, 40, 0, 5000, 300), dtype=np.float64):
    rng = np.random.default_rng(0)
    return Cohort.from_spectra(
        [Spectrum(np.arange(1.0, n + 1), rng.exponential(9, n).astype(dtype), f"{i}.csv") for i, n in enumerate(sizes)]
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_verb_is_the_function_of_each_spectrum_for_any_number_of_threads(n_jobs, dtype):
    cohort = ragged((700, 40, 5000, 300), dtype)[[3, 0, 2]]
    base = cohort.snip(iterations=9, n_jobs=n_jobs)
    assert base.intensity.dtype == dtype and base.intensity.size == 6000
    for i, s in enumerate(cohort):
        np.testing.assert_array_equal(base.intensity_of(i), snip(s.intensity, iterations=9))
    sizes = cohort.map(lambda mz, y: mz.size, n_jobs=n_jobs)
    assert sizes == [300, 700, 5000]


def test_every_row_is_worked_on_once_however_long_the_spectra():
    cohort = ragged()
    assert cohort.map(lambda mz, y: mz.size) == [700, 40, 0, 5000, 300]
    assert cohort[:0].map(lambda mz, y: 1) == []
    assert ragged((3,) * 1000).map(lambda mz, y: float(y[0])) == [float(y) for y in ragged((3,) * 1000).intensity[::3]]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_in_place_the_same_memory_holds_the_same_result(n_jobs):
    cohort = ragged((700, 40, 5000))
    part, before = cohort[1:], cohort.intensity.copy()
    expected = cohort.square_root()
    np.testing.assert_array_equal(cohort.intensity, before)
    done = part.square_root(in_place=True, n_jobs=n_jobs)
    assert done.intensity is cohort.intensity
    np.testing.assert_array_equal(cohort.intensity[700:], expected.intensity[700:])
    np.testing.assert_array_equal(cohort.intensity[:700], before[:700])


def test_what_cannot_be_done_in_place_is_refused():
    cohort = ragged((700, 40), np.float32)
    with pytest.raises(SpectraError, match="noise_mad does not give intensities"):
        cohort.noise_mad(in_place=True)
    with pytest.raises(SpectraError, match="two rows of the cohort are one spectrum"):
        cohort[[0, 0]].square_root(in_place=True)
    with pytest.raises(SpectraError, match=r"0.csv: in_place: float64 cannot be written over float32"):
        cohort.rewrite(lambda mz, y: (y.astype(float), None), in_place=True)
    with pytest.raises(SpectraError, match=r"0.csv: the new intensities are 3, not 700"):
        cohort.rewrite(lambda mz, y: (y[:3], None))


def test_spectra_get_new_axes():
    cohort = ragged((700, 40, 5000))
    short = cohort.trim(low=10, high=30)
    assert short.size.tolist() == [21, 21, 21] and short.n_axes == 1
    even = cohort.resample(axis=[2.5, 3])
    np.testing.assert_allclose(even.intensity_of(2), [(cohort.intensity_of(2)[[1, 2]]).mean(), cohort.intensity_of(2)[2]])
    assert even.samples.equals(cohort.samples)


def test_the_settings_read_all_spectra_on_one_axis():
    cohort = simulate_cohort(3, seed=1).cohort
    high = cohort.axis_of(0)[-5]
    settings = change(Settings(), "read", points=9000, mz_low=2000, mz_high=float(high))
    done, _ = preprocess(cohort, settings)
    assert done.n_axes == 1 and done.size.tolist() == [9000] * 3
    np.testing.assert_allclose(np.diff(np.sqrt(done.axis_of(0)), 2), 0, atol=1e-9)
    assert all(len(peaks) > 20 for peaks in done.peaks)
    short = dataclasses.replace(cohort, size=cohort.size - [0, 9, 0])
    kept, _ = preprocess(short, settings)
    assert len(kept) == 2 and "the spectrum only" in kept.set_aside[0]["reason"]
    with pytest.raises(SettingsError, match=r"read.points = 90 needs 0 < read.mz_low < read.mz_high, not 0 and 0"):
        preprocess(cohort, change(Settings(), "read", points=90))
