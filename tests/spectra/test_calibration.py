import numpy as np
import pytest
from sklearn.base import clone

from spectra import Calibrator, Cohort, PeakList, SpectraError, Spectrum, SpectrumError, calibrate, find_peaks, fit_widths, simulate_cohort
from spectra import snip as baseline

TRUE = np.array([1638.9, 3496.9, 5808.7, 7034.6])  # singly charged peptide standard of process_calibration_seldi


def peak_list(mz, intensity=None, fwhm=None):
    mz = np.asarray(mz, float)
    one = np.ones(mz.size)
    return PeakList(
        mz, one if intensity is None else np.asarray(intensity, float), 99 * one, one if fwhm is None else fwhm, one, mz, mz, mz
    )


def miscalibrated(mz, a, b, c=0.0):
    """What an instrument shows whose time is off: sqrt(found) = a + b sqrt(m) + c m."""
    return (a + b * np.sqrt(mz) + c * np.asarray(mz)) ** 2


@pytest.mark.parametrize(("method", "bend"), [("shift", (0.01, 1.0)), ("linear", (0.02, 1.0005)), ("quadratic", (0.02, 1.0005, 1e-7))])
def test_the_curve_undoes_the_instrument_s_error(method, bend):
    everywhere = np.linspace(1500, 8000, 40)
    found = miscalibrated(TRUE, *bend)
    warp = calibrate(peak_list(found), TRUE, method=method, tolerance_ppm=9000, mz_range=(1000, 9000)).warp
    np.testing.assert_allclose(warp(miscalibrated(everywhere, *bend)), everywhere, rtol=1e-6)


def test_an_outlier_does_not_sway_the_curve():
    calibrants = np.array([1000.0, 2000.0, 3500.0, 5000.0, 7000.0])
    found = miscalibrated(calibrants, 0.01, 1.0004)
    found[2] *= 1.002
    calibration = calibrate(peak_list(found), calibrants)
    assert calibration.calibrants["used"].tolist() == [True, True, False, True, True]
    assert calibration.calibrants["ppm_after"].abs()[[0, 1, 3, 4]].max() < 1
    assert calibration.calibrants["ppm_before"].abs().min() > 300


def test_the_highest_peak_near_a_calibrant_is_taken():
    peaks = peak_list([999.0, 1000.5, 1001.0, 2001.0], [5, 1, 9, 3])
    calibration = calibrate(peaks, [1000.0, 2000.0])
    assert calibration.calibrants["found"].tolist() == [1001.0, 2001.0]


def test_a_peak_is_one_calibrant_s():
    peaks = peak_list([1000.0, 2000.0, 3000.0])
    found = calibrate(peaks, [1000.2, 1001.0, 2000.1, 3000.2]).calibrants
    assert found["found"].fillna(0).tolist() == [1000.0, 0.0, 2000.0, 3000.0]


def test_missing_calibrants_are_named():
    with pytest.raises(SpectrumError, match=r"1 of 3 calibrants have a peak, linear needs 2; not found: 2000\.0, 3000\.0"):
        calibrate(peak_list([1000.1]), [3000.0, 1000.0, 2000.0])


@pytest.mark.parametrize(
    ("options", "word"),
    [({"method": "cubic"}, "method must be one of"), ({"tolerance_ppm": 0}, "tolerance_ppm"), ({"outlier_ppm": -1}, "outlier_ppm")],
)
def test_wrong_options_are_named(options, word):
    with pytest.raises(SpectraError, match=word):
        calibrate(peak_list(TRUE), TRUE, **options)
    with pytest.raises(SpectraError, match="calibrants must lie above 0"):
        calibrate(peak_list(TRUE), [-1.0])


def cohort_of(lists):
    axis = np.linspace(1000, 9000, 400)
    return Cohort.from_spectra([Spectrum(axis, axis, f"s{i}") for i in range(len(lists))], peaks=[peak_list(mz) for mz in lists])


def test_each_spectrum_is_calibrated_by_its_own_peaks():
    bends = [(0.01, 1.0002), (-0.02, 0.9995)]
    moved = Calibrator(TRUE).fit_transform(cohort_of([miscalibrated(TRUE, *bend) for bend in bends] + [[1638.9]]))
    for peaks in moved.peaks[:2]:
        np.testing.assert_allclose(peaks.mz, TRUE, rtol=1e-8)
    assert moved.warps[2].at.size == 0
    with pytest.raises(SpectrumError, match="s0: 1 of 4 calibrants"):
        Calibrator(TRUE, allow_missing=False).fit_transform(cohort_of([[1638.9]]))
    with pytest.raises(SpectrumError, match="s0: 2 calibrants can be used"):
        Calibrator(TRUE, allow_missing=False).fit_transform(cohort_of([TRUE[:2]]))
    assert clone(Calibrator(TRUE, method="shift")).method == "shift"


@pytest.mark.data
def test_a_real_peptide_standard_falls_on_its_masses(data):
    with np.load(data / "process_calibration_seldi/process_calibration_seldi.npz") as stored:
        mz, intensities = stored["mz"], stored["intensity"]
    keep = mz > 1000
    lists = []
    for y in intensities[:6]:
        smooth = np.convolve(y[keep], np.ones(9) / 9, mode="same")
        lists.append(find_peaks(mz[keep], smooth - baseline(smooth, iterations=60), half_window=15, snr=8))
    before = np.array([[p.mz[np.abs(p.mz / m - 1).argmin()] for m in TRUE[1:]] for p in lists])
    held_out = []
    for peaks in lists:
        calibration = calibrate(peaks, TRUE[[1, 3]])
        held_out.append(calibration.warp(peaks.mz[np.abs(peaks.mz / TRUE[2] - 1).argmin()]))
    assert np.ptp(before[:, 1]) / TRUE[2] > 4e-4
    assert np.ptp(held_out) < 0.6 * np.ptp(before[:, 1])
    assert abs(np.median(held_out) / TRUE[2] - 1) < 5e-4


def test_the_width_model_is_the_instrument_s():
    truth = simulate_cohort(4, seed=1)
    alone = [peaks[peaks.snr > 20] for peaks in truth.peaks]
    model = fit_widths(alone)
    for peaks in alone:
        assert np.median(np.abs(model(peaks.mz) / peaks.fwhm - 1)) < 0.05
    assert model.spread < 0.1


def test_widths_of_overlapping_peaks_are_outliers():
    rng = np.random.default_rng(0)
    mz = np.sort(rng.uniform(1000, 9000, 200))
    fwhm = mz / 500 * rng.lognormal(0, 0.05, 200)
    fwhm[::4] *= rng.uniform(1.3, 3, 50)
    model = fit_widths(peak_list(mz, fwhm=fwhm))
    np.testing.assert_allclose(model.resolution([1500, 4000, 8000]), 500, rtol=0.06)
    np.testing.assert_allclose(model(18000.0) / model(9000.0), 2, rtol=0.05)


def test_too_few_peaks_for_a_width_model():
    with pytest.raises(SpectraError, match="only 3 peaks reach a signal-to-noise ratio of 10"):
        fit_widths([peak_list([1000.0, 2000.0, 3000.0])])
    with pytest.raises(SpectraError, match="only 0 peaks"):
        fit_widths([])
