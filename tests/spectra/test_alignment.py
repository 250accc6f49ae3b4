import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from spectra import Cohort, PeakBinner, PeakList, SpectraError, Spectrum, Warp, WarpAligner, find_peaks
from spectra._kernels import alignment as kernels
from spectra.alignment import lowess, move
from tests.naive import alignment as naive
from tests.naive import maldiquant

AXIS = np.linspace(900.0, 10000.0, 500)


def peak_list(mz):
    mz = np.sort(np.asarray(mz, float))
    return PeakList(mz, np.ones(mz.size), *[mz] * 5, np.arange(mz.size))


def cohort_of(mz_lists):
    spectra = [Spectrum(AXIS, np.sqrt(AXIS) + i, f"s{i}") for i in range(len(mz_lists))]
    return Cohort.from_spectra(spectra, peaks=[peak_list(mz) for mz in mz_lists])


def drifted(seed, n_spectra=12, n_peaks=40, drift=8e-4):
    """Spectra with one list of peaks, each bent by its own smooth drift; the truth and the cohort."""
    rng = np.random.default_rng(seed)
    truth = np.sort(rng.uniform(1000, 9900, n_peaks))
    truth = truth[np.diff(truth, prepend=0) > 0.006 * truth]
    bend = rng.uniform(-drift, drift, (n_spectra, 2))
    lists = [truth * (1 + a + b * (truth - 5000) / 10000 + rng.normal(0, 2e-5, truth.size)) for a, b in bend]
    return truth, cohort_of(lists)


@settings(deadline=None)
@given(st.integers(12, 40), st.integers(0, 2**32 - 1), st.sampled_from([0.5, 2 / 3, 1.0]))
def test_lowess_is_the_twin_s_where_every_point_is_fitted(n, seed, span):
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.uniform(0.1, 3, n))
    y = np.sin(x / 5) + rng.normal(0, 0.1, n) + 5 * (rng.random(n) < 0.1)
    fitted = np.empty(n)
    kernels.lowess(x, y, span, 3, 0.0, fitted)
    np.testing.assert_allclose(fitted, naive.lowess(x, y, span), rtol=1e-6, atol=1e-6)


def test_lowess_of_many_spectra_is_that_of_each():
    random = np.random.default_rng(0)
    sizes, steep = [0, 1, 2, 9, 30, 12], 5
    x = [np.sort(random.uniform(1000, 9000, n)) for n in sizes]
    y = [random.normal(size=n) for n in sizes]
    y[steep] = -2 * x[steep]  # x + y falls
    offsets = np.cumsum([0, *sizes])
    fitted, sound = np.full(offsets[-1], np.nan), np.empty(len(sizes), bool)
    kernels.lowess_each(np.concatenate(x), np.concatenate(y), offsets, 2, 2 / 3, 3, fitted, sound)
    assert sound.tolist() == [False, False, True, True, True, False]
    assert np.isnan(fitted[0])
    for k in range(2, len(sizes)):
        np.testing.assert_array_equal(fitted[offsets[k] : offsets[k + 1]], lowess(x[k], y[k]))


def test_lowess_follows_shift_scale_and_mirror():
    rng = np.random.default_rng(0)
    x, y = np.cumsum(rng.uniform(1, 3, 60)), rng.normal(0, 1, 60)
    fitted = lowess(x, y)
    np.testing.assert_allclose(lowess(x, 3 * y + 7), 3 * fitted + 7)
    np.testing.assert_allclose(lowess(2 * x, y), fitted)
    np.testing.assert_allclose(lowess(x, 0.5 * x), 0.5 * x)


@pytest.mark.peer
@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_lowess_is_r_s():
    rng = np.random.default_rng(1)
    cases = []
    for n in (2, 3, 10, 100, 400):
        x = np.cumsum(rng.exponential(1, n))
        cases.append((x, np.sin(x / 20) + rng.standard_t(2, n) / 10))
    vectors = [[f"c({','.join(map(repr, v.tolist()))})" for v in case] for case in cases]
    lines = [f"cat(format(lowess({x}, {y})$y, digits=15), '\\n')" for x, y in vectors]
    done = subprocess.run(["Rscript", "-"], input="options(width=10000);" + "\n".join(lines), capture_output=True, text=True, check=True)
    for (x, y), line in zip(cases, done.stdout.splitlines(), strict=True):
        np.testing.assert_allclose(lowess(x, y), np.array(line.split(), float), rtol=1e-8, atol=1e-12)


@pytest.mark.data
def test_reference_and_warps_are_maldiquant_s(data):
    folder = data / "fiedler2009"
    spectra = [Spectrum(mz, y, str(i)) for i, (mz, y) in enumerate(maldiquant.processed(folder))]
    cohort = Cohort.from_spectra(spectra, peaks=[find_peaks(s.mz, s.intensity, refine=False) for s in spectra])
    aligner = WarpAligner().fit(cohort)
    np.testing.assert_allclose(aligner.reference_mz_, np.loadtxt(folder / "maldiquant_reference/reference_peaks.txt"), rtol=1e-9)
    aligned = aligner.transform(cohort)
    with np.load(folder / "maldiquant_reference/steps_spectra_0_5_10_15.npz") as expected:
        for row, i in enumerate(expected["spectra"]):
            np.testing.assert_allclose(aligned.warps[i](spectra[i].mz), expected["aligned_mz"][row], rtol=1e-11)
    table = aligner.diagnose(cohort)
    assert table["ppm_after"].median() < 0.5 * table["ppm_before"].median()


@pytest.mark.parametrize("method", ["lowess", "linear", "quadratic", "cubic"])
def test_a_smooth_drift_is_undone(method):
    truth, cohort = drifted(1)
    aligner = WarpAligner(method=method, min_frequency=1.0).fit(cohort)
    np.testing.assert_allclose(aligner.reference_mz_, truth, rtol=8e-4)
    table = aligner.diagnose(cohort)
    assert table["ppm_before"].median() > 150
    assert table["ppm_after"].max() < (100 if method == "linear" else 60)
    assert table["aligned"].all()
    moved = aligner.transform(cohort)
    spread = np.std([peaks.mz for peaks in moved.peaks], axis=0) / truth
    assert np.median(spread) < 6e-5
    for before, after, warp in zip(cohort.peaks, moved.peaks, moved.warps, strict=True):
        np.testing.assert_array_equal(after.mz, warp(before.mz))
        np.testing.assert_array_equal(after.left, warp(before.left))


def test_a_spectrum_moves_the_same_alone_and_in_company():
    _, cohort = drifted(2)
    aligner = WarpAligner().fit(cohort[:8])
    together = aligner.transform(cohort)
    for i in (0, 9):
        np.testing.assert_array_equal(aligner.transform(cohort[[i]]).peaks[0].mz, together.peaks[i].mz)


def test_the_profile_moves_with_its_peaks():
    _, cohort = drifted(3)
    moved = WarpAligner().fit(cohort).transform(cohort)
    features = PeakBinner(tolerance=1e-4).fit(moved).transform(moved)
    i = 4
    axis = moved.warps[i](moved.axis_of(i))
    absent = ~features.present[i]
    expected = np.interp(features.mz, axis, moved.intensity_of(i), left=0, right=0)
    np.testing.assert_allclose(features.values[i, absent], expected[absent])


def test_two_warps_make_one():
    _, cohort = drifted(4)
    first = [Warp(np.array([1000.0, 5000.0, 9000.0]), np.array([1.0, -1.0, 2.0]))] * len(cohort)
    second = [Warp(np.array([2000.0, 8000.0]), np.array([0.5, 3.0]))] * len(cohort)
    both = move(move(cohort, first), second)
    np.testing.assert_allclose(both.warps[0](AXIS), second[0](first[0](AXIS)))
    np.testing.assert_allclose(both.peaks[0].mz, both.warps[0](cohort.peaks[0].mz))


def test_spectra_without_matches_stay_or_are_named():
    truth, cohort = drifted(5)
    odd = cohort_of([peaks.mz for peaks in cohort.peaks] + [[], [truth[3]], [90000.0]])
    aligner = WarpAligner(min_frequency=0.8).fit(odd)
    moved = aligner.transform(odd)
    assert [warp.at.size > 0 for warp in moved.warps[-3:]] == [False, False, False]
    np.testing.assert_array_equal(moved.peaks[-1].mz, odd.peaks[-1].mz)
    table = aligner.diagnose(odd)
    assert table["aligned"].tolist() == [True] * 12 + [False] * 3
    assert table["matched"].tolist()[-3:] == [0, 1, 0]
    with pytest.raises(SpectraError, match="s12: fewer than 2 peaks match"):
        WarpAligner(min_frequency=0.8, allow_no_matches=False).fit(odd).transform(odd)


def test_wrong_options_and_cohorts_are_named():
    _, cohort = drifted(6)
    with pytest.raises(SpectraError, match=r"no peak is common to a share of 0\.9"):
        WarpAligner().fit(cohort_of([[1000.0], [2000.0], [3000.0]]))
    with pytest.raises(SpectraError, match="no peak is common"):
        WarpAligner().fit(cohort_of([[], []]))
    with pytest.raises(SpectraError, match="WarpAligner needs peaks"):
        WarpAligner().fit(Cohort.from_spectra([Spectrum(AXIS, AXIS)]))
    for options, word in [
        ({"method": "spline"}, "method must be one of"),
        ({"tolerance": 0}, "tolerance must be greater than 0"),
        ({"min_frequency": 0}, "min_frequency must be greater than 0"),
    ]:
        with pytest.raises(SpectraError, match=word):
            WarpAligner(**options).fit(cohort)


def test_parameters_survive_cloning():
    assert clone(WarpAligner(method="cubic")).get_params()["method"] == "cubic"


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 5)), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_all_spectra_are_warped_as_by_the_twin(sizes, seed):
    rng = np.random.default_rng(seed)
    pieces = [(rng.integers(0, 40, n).astype(float), np.unique(rng.integers(5, 35, k)).astype(float)) for n, k in sizes]
    shifts = [rng.normal(size=at.size) for _, at in pieces]
    offsets = np.cumsum([0] + [mz.size for mz, _ in pieces])
    knots = np.cumsum([0] + [at.size for _, at in pieces])
    out = np.empty(offsets[-1])
    kernels.warp(
        np.concatenate([mz for mz, _ in pieces]), offsets, np.concatenate([at for _, at in pieces]), np.concatenate(shifts), knots, out
    )
    expected = [naive.warp(mz, at, shift) for (mz, at), shift in zip(pieces, shifts, strict=True)]
    np.testing.assert_allclose(out, np.concatenate(expected), rtol=1e-13, atol=1e-13)
