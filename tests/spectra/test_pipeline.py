"""Peaks on the way from settings to features."""

import dataclasses

import numpy as np
import pytest

from spectra import Cohort, Instrument, SpectraError, Spectrum, find_peaks_fit, replicate_agreement, simulate_cohort
from spectra.pipeline import learned_steps, pick_peaks, preprocess, process_signals
from spectra.settings import Settings, change, parse
from spectra.study.windows import window_means


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


def test_known_calibrants_put_shifted_spectra_back(simulation):
    settings = change(Settings(), "peaks", snr=6.0)
    truth, _ = preprocess(simulation.cohort, settings)
    calibrants = [float(mz) for mz in truth.peaks[0].mz[np.argsort(-truth.peaks[0].intensity)[:6]]]
    first = simulation.cohort.spectrum(0)
    shifted = Cohort.from_spectra(
        [first, Spectrum(first.mz * 1.0012, first.intensity, "shifted"), Spectrum(first.mz + 5000.0, first.intensity, "far")]
    )
    section = {"method": "linear", "calibrants": calibrants, "tolerance_ppm": 2000.0}
    done, _ = preprocess(shifted, change(settings, "calibrate", **section))
    np.testing.assert_allclose(done.peaks[1].mz, done.peaks[0].mz, rtol=2e-5)
    np.testing.assert_allclose(done.peaks[2].mz, done.peaks[0].mz + 5000.0, rtol=2e-5)
    assert done.warps[1].at.size and not done.warps[2].at.size
    np.testing.assert_allclose(done.moved_axis_of(1), done.moved_axis_of(0), rtol=2e-5)  # the profile moves along
    np.testing.assert_array_equal(done.moved_axis_of(2), shifted.axis_of(2))
    edges = np.linspace(2100.0, 4900.0, 40)
    np.testing.assert_allclose(window_means(done, edges)[1], window_means(done, edges)[0], rtol=0.1, atol=np.ptp(done.intensity) * 0.01)
    assert [note for note in done.notes if "1 of 3 spectra show fewer than 3 calibrants and keep their m/z: far." in note]


def test_calibration_asks_for_calibrants(simulation):
    with pytest.raises(SpectraError, match=r"\[calibrate\] method 'shift' needs calibrants"):
        preprocess(simulation.cohort, change(Settings(), "calibrate", method="shift"))


def test_peaks_on_which_replicates_do_not_agree_are_left_out(simulation):
    done, _ = preprocess(simulation.cohort, Settings())
    done = dataclasses.replace(done, samples=done.samples.assign(sample=list("aabbcc")))
    labels = np.arange(6) % 2
    strict = change(Settings(), "agreement", method="icc", min_icc=0.9)
    every, few = (learned_steps(settings, done).fit_transform(done, labels) for settings in (Settings(), strict))
    assert 0 < few.shape[1] < every.shape[1]
    agree = replicate_agreement(every)
    assert set(few.names) == set(agree["name"][agree["icc"] >= 0.9])
