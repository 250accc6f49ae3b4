import numpy as np
import pandas as pd
import pytest

from spectra import Instrument, SpectraError, find_peaks, flight_time, read_cohort, simulate_cohort
from spectra._kernels import simulate as kernels
from tests.naive import simulate as naive

NOISELESS = Instrument(counts_per_ion=1e-4, electronic_noise=0.0, saturation=10**9)


@pytest.fixture(scope="module")
def simulation():
    return simulate_cohort(60, seed=3)


@pytest.mark.parametrize(("gap", "mass", "time"), [(0.017, 1000, 17834), (0.017, 8937, 51939), (0.008, 1000, 17157), (0.008, 8937, 50009)])
def test_flight_times_are_coombes_s(gap, mass, time):
    assert flight_time(mass, gap=gap) == pytest.approx(time, abs=1.5)


@pytest.mark.parametrize(("gap", "percents"), [(0.017, [0.054, 0.156, 0.232]), (0.008, [0.010, 0.063, 0.105])])
def test_widths_are_coombes_s(gap, percents):
    velocity = np.random.default_rng(0).normal(350, 50, 20000)
    for mass, percent in zip([1000, 8937, 20000], percents, strict=True):
        times = flight_time(mass, velocity=velocity, gap=gap)
        assert 200 * times.std() / times.mean() == pytest.approx(percent, rel=0.04, abs=0.001)


def test_a_doubly_charged_ion_flies_like_one_of_half_the_mass():
    assert flight_time(8000, charge=2) == pytest.approx(float(flight_time(4000)))


def test_added_peaks_are_the_twin_s():
    rng = np.random.default_rng(0)
    shapes = [np.concatenate([[0], rng.random(size), [0]]) for size in (3, 20, 55, 8)]
    offsets = np.cumsum([0] + [shape.size for shape in shapes])
    begin, heights = np.array([95.0, 103.3, 120.0, 190.2]), np.array([1.0, 20.0, 3.0, 7.0])
    expected = np.ones(100)
    kernels.add_peaks(np.concatenate(shapes), offsets, begin, 0.25, heights, 1.001, 0.3, 100.0, 1.0, expected)
    times = 100.0 + np.arange(100)
    np.testing.assert_allclose(expected, 1 + naive.add_peaks(shapes, begin, 0.25, heights, 1.001, 0.3, times))


def test_the_seed_decides_every_count(simulation):
    again, other = simulate_cohort(60, seed=3), simulate_cohort(60, seed=4)
    np.testing.assert_array_equal(simulation.cohort.intensity, again.cohort.intensity)
    pd.testing.assert_frame_equal(simulation.cohort.samples, again.cohort.samples)
    assert not np.array_equal(simulation.cohort.intensity, other.cohort.intensity)


def test_counts_are_whole_and_saturate():
    counts = simulate_cohort(3, seed=0, instrument=Instrument(saturation=5000)).cohort.intensity
    np.testing.assert_array_equal(counts, np.rint(counts))
    assert counts.min() >= 0
    assert counts.max() == 5000


def test_the_table_describes_every_spectrum(simulation):
    samples = simulation.cohort.samples
    assert samples.columns.tolist() == ["file", "sample", "patient", "label", "site", "date", "plate", "spot"]
    assert samples["file"].is_unique
    assert samples["label"].value_counts().tolist() == [30, 30]
    assert samples["site"].value_counts().tolist() == [30, 30]


def test_replicates_share_their_sample():
    samples = simulate_cohort(9, seed=0, replicates=2).cohort.samples
    assert samples["sample"].value_counts().tolist() == [2, 2, 2, 2, 1]
    assert (samples.groupby("sample")["label"].nunique() == 1).all()


def test_a_confounded_cohort_ties_label_to_site():
    samples = simulate_cohort(80, seed=0, confounded=True).cohort.samples
    table = pd.crosstab(samples["site"], samples["label"])
    assert table.loc["site1", "case"] == 34
    assert table.loc["site2", "case"] == 6


def test_a_site_effect_moves_baseline_and_axis():
    plain, changed = simulate_cohort(60, seed=0), simulate_cohort(60, seed=0, site_effect=2.0)
    second = (plain.cohort.samples["site"] == "site2").to_numpy()
    start = np.array([[s.intensity[:500].mean() for s in sim.cohort] for sim in (plain, changed)])
    np.testing.assert_allclose(start[0, ~second], start[1, ~second], rtol=0.01)
    assert (start[1, second] > 1.5 * start[0, second]).all()


def test_the_markers_differ_by_the_effect(simulation):
    case = (simulation.cohort.samples["label"] == "case").to_numpy()
    heights = {}
    for mz in simulation.markers["mz"]:
        heights[mz] = [np.log(p.intensity[np.abs(p.mz / mz - 1).argmin()]) for p in simulation.peaks]
    table = np.array(list(heights.values()))
    table -= table.mean(axis=0) - table.mean()  # the laser's strength is common to all
    difference = (table[:, case].mean(axis=1) - table[:, ~case].mean(axis=1)) * simulation.markers["direction"]
    assert (difference > 0.15).all()
    assert difference.mean() == pytest.approx(0.5, abs=0.2)


def test_the_true_peaks_are_where_the_profile_has_them():
    simulation = simulate_cohort(3, seed=5, instrument=NOISELESS)
    for spectrum, truth in zip(simulation.cohort, simulation.peaks, strict=True):
        ground = np.exp(-(spectrum.mz - 1000) / 1700)
        y = spectrum.intensity - 40 - ground * np.median((spectrum.intensity - 40) / ground)
        found = find_peaks(spectrum.mz, y, half_window=10, noise=100.0)
        distance = np.abs(truth.mz[:, None] - truth.mz) + 1e9 * np.eye(len(truth))
        rivals = np.where(truth.intensity > 0.02 * truth.intensity[:, None], distance, np.inf).min(axis=1)
        clear = np.flatnonzero((truth.intensity > 1500) & (rivals > 3 * truth.fwhm))
        assert clear.size >= 8
        for p in clear:
            nearest = np.abs(found.mz - truth.mz[p]).argmin()
            assert abs(found.mz[nearest] - truth.mz[p]) < 0.1 * truth.fwhm[p]
            assert found.fwhm[nearest] == pytest.approx(truth.fwhm[p], rel=0.15)
            assert found.intensity[nearest] == pytest.approx(truth.intensity[p], rel=0.1)
            assert found.area[nearest] == pytest.approx(truth.area[p], rel=0.25)


def test_isotopes_widen_the_peaks():
    with_isotopes, without = (simulate_cohort(2, seed=1, isotopes=isotopes).peaks[0] for isotopes in (True, False))
    assert np.median(with_isotopes.fwhm) > 1.2 * np.median(without.fwhm)


def test_forms_belong_together(simulation):
    table = simulation.forms.pivot(index="molecule", columns="form", values="mz")
    both = table.dropna(subset=["M+H", "M+2H"])
    np.testing.assert_allclose(2 * both["M+2H"] - both["M+H"], 1.007276, atol=1.0)
    assert simulation.forms.query("marker")["molecule"].nunique() == 5


def test_markers_are_recovered_in_any_form(simulation):
    mz = simulation.markers["mz"].to_numpy()
    assert simulation.recovered(mz[:3] * 1.0001).tolist() == [True] * 3 + [False] * 2
    assert simulation.recovered([]).sum() == 0
    other = simulation.forms.query("marker and form != 'M+H'").iloc[0]
    assert simulation.recovered(other["mz"])[simulation.markers["molecule"] == other["molecule"]].all()


def test_written_files_read_back_the_same(tmp_path):
    simulation = simulate_cohort(3, seed=2)
    cohort = read_cohort(simulation.write(tmp_path))
    np.testing.assert_array_equal(cohort.intensity, simulation.cohort.intensity)
    np.testing.assert_allclose(cohort.axis_of(0), simulation.cohort.axis_of(0), rtol=1e-12)
    assert cohort.samples["label"].tolist() == simulation.cohort.samples["label"].tolist()
    assert len(pd.read_csv(tmp_path / "markers.csv")) == 5


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"n_spectra": 1}, "n_spectra must be at least 2"),
        ({"n_markers": 40}, "n_markers must be between 0 and 30"),
        ({"effect": -1}, "effect must be at least 0"),
        ({"case_share": 0}, "case_share must be greater than 0"),
        ({"drift": 1}, "drift must be at least 0"),
        ({"instrument": Instrument(low=5.0, high=2.0)}, "0 < low < high"),
    ],
)
def test_wrong_options_are_named(options, word):
    with pytest.raises(SpectraError, match=word):
        simulate_cohort(**{"n_spectra": 4, "seed": 0} | options)
