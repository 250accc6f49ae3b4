import gzip

import numpy as np
import pandas as pd
import pytest

from spectra import (
    Cohort,
    FeatureMatrix,
    PQNormalizer,
    SpectraError,
    Spectrum,
    SpectrumError,
    normalize_tic,
    savitzky_golay,
    simulate_cohort,
    snip,
    square_root,
)
from spectra.pipeline import learned_steps, preprocess
from spectra.settings import Settings, change
from tests.naive.maldiquant import manifest


def cohort(factors, seed=0, n=400):
    rng = np.random.default_rng(seed)
    mz = np.linspace(1000, 2000, n)
    y = rng.exponential(10, n) + 1
    return Cohort.from_spectra([Spectrum(mz, y * factor, f"{i}.csv") for i, factor in enumerate(factors)])


def matrix(values):
    values = np.array(values, float)
    n, m = values.shape
    samples = pd.DataFrame({"file": [f"{i}.csv" for i in range(n)]})
    return FeatureMatrix(values, np.arange(m) + 1000.0, np.ones((n, m), bool), samples, [f"{i}" for i in range(m)])


@pytest.mark.data
def test_pqn_is_maldiquant_s(data):
    folder = data / "fiedler2009"
    spectra = []
    for row in manifest(folder):
        with gzip.open(folder / row["file"], "rt") as file:
            mz, counts = np.loadtxt(file, delimiter=",", skiprows=1).T
        smooth = savitzky_golay(square_root(counts))
        spectra.append(Spectrum(mz, smooth - snip(smooth), row["file"]))
    scaled = PQNormalizer().fit_transform(Cohort.from_spectra(spectra).normalize_tic())
    with np.load(folder / "maldiquant_reference" / "steps_spectra_0_5_10_15.npz") as stored:
        for i, row in zip(stored["spectra"], stored["pqn"], strict=True):
            np.testing.assert_allclose(scaled.intensity_of(int(i)), row, rtol=1e-6)


def test_spectra_that_differ_by_a_factor_become_equal_and_held_out_ones_do_not_move_the_reference():
    train = cohort([1, 2, 5])
    step = PQNormalizer().fit(train)
    before = step.reference_.copy()
    held_out = step.transform(cohort([3]))
    np.testing.assert_allclose(held_out.intensity_of(0), step.transform(train).intensity_of(1), rtol=1e-12)
    np.testing.assert_array_equal(step.reference_, before)


def test_one_strong_peak_does_not_pull_the_others_down():
    data = cohort([1, 1, 1])
    y = data.intensity.copy()
    y[10:14] += 50_000
    strong = Spectrum(data.axis_of(0), y[:400], "strong.csv")
    step = PQNormalizer().fit(data)
    scaled = step.transform(Cohort.from_spectra([strong, data.spectrum(1)]))
    np.testing.assert_allclose(scaled.intensity_of(0)[20:], scaled.intensity_of(1)[20:], rtol=1e-12)
    shrunk = normalize_tic(strong.mz, strong.intensity)[20:] / normalize_tic(strong.mz, data.intensity_of(1))[20:]
    assert shrunk.max() < 0.2


def test_other_axes_are_read_along_the_reference_s():
    data = cohort([1, 2])
    fine = np.linspace(1000.3, 1999.2, 1500)
    other = Cohort.from_spectra([Spectrum(fine, np.interp(fine, data.axis_of(0), data.intensity_of(0)) * 4, "other.csv")])
    step = PQNormalizer().fit(data)
    scaled = step.transform(other).intensity_of(0)
    np.testing.assert_allclose(
        np.interp(1500.0, fine, scaled), np.interp(1500.0, data.axis_of(0), step.transform(data).intensity_of(0)), rtol=0.2
    )


def test_peaks_and_noise_are_scaled_with_the_spectrum():
    data = cohort([1, 3], n=2000).find_peaks(half_window=5).noise_local(window=100)
    scaled = PQNormalizer().fit_transform(data)
    for i in range(2):
        factor = data.intensity_of(i)[0] / scaled.intensity_of(i)[0]
        np.testing.assert_allclose(scaled.peaks[i].intensity * factor, data.peaks[i].intensity, rtol=1e-12)
        np.testing.assert_allclose(scaled.peaks[i].area * factor, data.peaks[i].area, rtol=1e-12)
        np.testing.assert_allclose(scaled.noise[i] * factor, data.noise[i], rtol=1e-12)


def test_a_part_of_a_cohort_is_scaled_as_the_whole():
    data = cohort([1, 2, 5])
    step = PQNormalizer().fit(data)
    np.testing.assert_array_equal(step.transform(data[[2, 0]]).intensity_of(0), step.transform(data).intensity_of(2))
    assert step.transform(data[:0]).samples.empty


def test_rows_of_a_feature_matrix_are_scaled():
    rows = matrix([[1, 2, 4], [2, 4, 8], [3, np.nan, 12]])
    scaled = PQNormalizer().fit_transform(rows)
    np.testing.assert_allclose(scaled.values, [[2, 4, 8], [2, 4, 8], [2, np.nan, 8]])
    assert rows.values[0, 0] == 1


def test_what_cannot_be_scaled_is_refused():
    with pytest.raises(SpectraError, match="at least one spectrum"):
        PQNormalizer().fit(cohort([1])[[]])
    with pytest.raises(SpectrumError, match=r"1.csv: the total ion current is 0"):
        PQNormalizer().fit(cohort([1, 0]))
    step = PQNormalizer().fit(cohort([1, 2]))
    with pytest.raises(SpectrumError, match=r"0.csv: the median quotient with the reference is 0"):
        step.transform(cohort([0]))
    with pytest.raises(SpectraError, match="not fitted on a feature matrix with these columns"):
        step.transform(matrix([[1, 2]]))
    with pytest.raises(SpectraError, match="was fitted on a feature matrix, not on spectra"):
        PQNormalizer().fit(matrix([[1, 2]])).transform(cohort([1]))


def test_the_setting_fits_the_reference_on_the_training_spectra_only():
    settings = change(Settings(), "quotient", method="pqn")
    done, _ = preprocess(simulate_cohort(8, seed=2).cohort, settings)
    brighter = done.with_intensities([y * (1 if i < 6 else 50) for i, y in enumerate(map(done.intensity_of, range(8)))])
    train = np.arange(6)
    steps = [learned_steps(settings, data).fit(data[train], train % 2) for data in (done, brighter)]
    assert [name for name, _ in steps[0].steps] == ["quotient", "align", "bin", "filter"]
    np.testing.assert_array_equal(steps[0]["quotient"].reference_, steps[1]["quotient"].reference_)
    assert [name for name, _ in learned_steps(Settings(), done).steps] == ["align", "bin", "filter"]
    table = matrix([[1, 2, 4], [2, 4, 8], [3, np.nan, 12]])
    assert [name for name, _ in learned_steps(settings, table).fit(table).steps] == ["impute", "quotient"]
