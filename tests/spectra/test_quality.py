import numpy as np
import pytest

from spectra import Cohort, SpectraError, Spectrum, check_quality, simulate_cohort, spectrum_quality
from spectra.quality import usable

MZ = np.linspace(1000.0, 3000, 4000)


def good(seed=0, noise=3.0):
    shape, rng = np.random.default_rng(0), np.random.default_rng(seed)
    centres, heights = shape.uniform(1000, 3000, 20), shape.uniform(50, 900, 20) * rng.uniform(0.8, 1.2, 20)
    peaks = sum(h * np.exp(-(((MZ - c) / 4) ** 2)) for c, h in zip(centres, heights, strict=True))
    return 100 + peaks + rng.normal(0, noise, MZ.size)


def cohort(*intensities):
    return Cohort.from_spectra([Spectrum(MZ, np.asarray(y, float), f"{i}.csv") for i, y in enumerate(intensities)])


def test_a_good_spectrum_is_good():
    quality = spectrum_quality(MZ, good())
    assert quality.reasons == ()
    assert quality.contrast > 50 and quality.saturated == 1 and quality.gap == pytest.approx(1)


@pytest.mark.parametrize(
    ("y", "reasons"),
    [
        (np.zeros(4000), ("empty",)),
        (np.full(4000, 7.0), ("flat",)),
        (np.random.default_rng(0).normal(100, 3, 4000), ("low signal",)),
        (np.minimum(good(), 300), ("saturated",)),
    ],
)
def test_what_is_wrong_is_named(y, reasons):
    assert spectrum_quality(MZ, y).reasons == reasons


def test_axes_and_lengths_are_looked_at():
    y = good()
    keep = np.r_[0:2000, 2100:4000]
    assert spectrum_quality(MZ[keep], y[keep]).reasons == ("irregular axis",)
    assert spectrum_quality(MZ**2, y).reasons == ()
    assert "too short" in spectrum_quality(MZ[:50], y[:50]).reasons
    for n in (1, 2, 3, 4, 5):
        assert "too short" in spectrum_quality(MZ[:n], y[:n]).reasons


def test_scale_changes_nothing():
    y = good()
    first, second = spectrum_quality(MZ, y), spectrum_quality(MZ, 1000 * y)
    assert first.reasons == second.reasons
    np.testing.assert_allclose(first[1:], second[1:], rtol=1e-9)


def test_a_cohort_gets_verdicts_and_loses_nothing():
    spectra = [good(i) for i in range(8)]
    data = cohort(*spectra, spectra[2], np.zeros(4000), good(9, noise=60), spectra[3])
    table = check_quality(data, n_jobs=2)
    assert table["file"].tolist() == data.samples["file"].tolist()
    assert table["verdict"].tolist() == ["good"] * 8 + ["suspect", "bad", "suspect", "suspect"]
    assert table["reason"].tolist()[8:] == ["same intensities as 2.csv", "empty", "atypical", "same intensities as 3.csv"]


def test_five_spectra_are_needed_for_an_atypical_one():
    assert (check_quality(cohort(good(0), good(1), good(2, noise=90)))["verdict"] == "good").all()


def test_the_a_score_is_maldirppa_s_definition():
    from scipy.signal import savgol_filter

    y = good()
    slope = savgol_filter(100 * y / y.max(), 5, 3, deriv=1)[2:-2]
    score = 1.4826 * np.median(np.abs(slope - np.median(slope)))
    np.testing.assert_allclose(spectrum_quality(MZ, y).a_score, score, rtol=1e-12)


def test_simulated_spectra_are_good():
    assert (check_quality(simulate_cohort(8, seed=3).cohort)["verdict"] != "bad").all()


@pytest.mark.data
def test_real_spectra_are_not_bad(data):
    with np.load(data / "fiedler2009" / "fiedler2009subset.npz") as stored:
        real = Cohort.from_spectra([Spectrum(stored["mz"], y.astype(float), f"{i}") for i, y in enumerate(stored["intensity"])])
    table = check_quality(real)
    assert (table["verdict"] != "bad").all()
    assert not table["reason"].str.contains("irregular|low signal|same").any()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fence": 0}, "fence must be greater than 0"),
        ({"min_contrast": -1}, "min_contrast must be at least 0"),
        ({"max_saturated": 1}, "max_saturated must be at least 2"),
        ({"max_gap": 1}, "max_gap must be greater than 1"),
        ({"min_points": 0}, "min_points must be at least 1"),
    ],
)
def test_bad_options_are_refused(options, words):
    with pytest.raises(SpectraError, match=words):
        check_quality(cohort(good()), **options)


def test_what_is_no_cohort_is_refused():
    with pytest.raises(SpectraError, match="cohort must be a Cohort, not list"):
        check_quality([good()])


def ranged(*ends):
    grids = [np.linspace(low, high, 500) for low, high in ends]
    return Cohort.from_spectra([Spectrum(mz, mz % 7, f"{i}.csv") for i, mz in enumerate(grids)])


def test_a_spectrum_of_another_range_is_bad_and_set_aside():
    data = ranged(*[(1000, 9000)] * 3, (1000, 6000), (20_000, 30_000), (1000, 4900))
    table, left = check_quality(data), usable(data)
    assert table["verdict"].tolist()[3:] == ["suspect", "bad", "bad"]
    assert "short m/z range (62% of the others')" in table["reason"][3]
    assert left.samples["file"].tolist() == ["0.csv", "1.csv", "2.csv", "3.csv"]
    assert [item["file"] for item in left.set_aside] == ["4.csv", "5.csv"] and "0%" in left.set_aside[0]["reason"]


def test_without_a_majority_no_range_is_wrong():
    data = ranged((1000, 4000), (1000, 4000), (8000, 20_000), (8000, 20_000))
    assert usable(data) is data


def test_flat_spectra_alone_are_an_error():
    with pytest.raises(SpectraError, match=r"none of the 2 spectra can be used; the first, 0.csv: flat: all intensities are 3"):
        usable(cohort(np.full(4000, 3), np.full(4000, 3)))
