"""Peaks on the way from settings to features."""

import dataclasses

import numpy as np
import pytest

from spectra import Cohort, Instrument, Spectrum, find_peaks_fit, simulate_cohort
from spectra.pipeline import learned_steps, pick_peaks, preprocess, process_signals
from spectra.settings import Settings, change, parse


@pytest.fixture(scope="module")
def simulation():
    return simulate_cohort(6, seed=3, instrument=Instrument(low=2000, high=5000, saturation=900))


def test_peaks_of_the_joint_fit_are_found_in_counts_and_measured_in_the_processed_profile(simulation):
    settings = parse('[peaks]\nmethod = "find_peaks_fit"\nsnr = 4')
    done, _ = preprocess(simulation.cohort, settings)
    for i, peaks in enumerate(done.peaks):
        raw = simulation.cohort.spectrum(i)
        np.testing.assert_array_equal(peaks.mz, find_peaks_fit(raw.mz, raw.intensity, snr=4).mz)
        np.testing.assert_allclose(peaks.intensity, np.interp(peaks.mz, raw.mz, done.intensity_of(i)))
        sd = peaks.fwhm / 2.3548
        np.testing.assert_allclose(peaks.area, peaks.intensity * sd * np.sqrt(2 * np.pi), rtol=1e-4)
    features = learned_steps(settings, done).fit_transform(done, np.arange(6) % 2)
    assert features.shape[1] > 20


def test_saturated_peaks_are_known_after_all_processing(simulation):
    done, _ = preprocess(simulation.cohort, Settings())
    for peaks, truth in zip(done.peaks, simulation.peaks, strict=True):
        clipped, free = truth.mz[truth.saturated], truth.mz[~truth.saturated & (truth.snr > 5)]
        assert clipped.size
        flagged = peaks.mz[peaks.saturated]
        assert all(np.abs(clipped - mz).min() < 15 for mz in flagged)
        near = np.abs(peaks.mz[:, None] - free).min(axis=1) < 2
        assert peaks.saturated[near].mean() < 0.1


def test_rows_that_are_set_aside_take_their_counts_along(simulation):
    spectra = list(simulation.cohort)
    spectra.insert(2, Spectrum(spectra[0].mz[:5], spectra[0].intensity[:5], "short"))
    settings = change(Settings(), "peaks", snr=4.0)
    done, raw, nuisance = process_signals(Cohort.from_spectra(spectra), settings)
    assert [row["file"] for row in done.set_aside] == ["short"]
    assert len(done) == len(raw) == len(nuisance) == 6
    again, _ = pick_peaks(done, raw, nuisance, settings)
    whole, _ = preprocess(simulation.cohort, settings)
    for one, other in zip(again.peaks, whole.peaks, strict=True):
        for field in dataclasses.fields(one):
            np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name))
