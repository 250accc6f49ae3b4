import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectra import Cohort, SpectraError, Spectrum, SpectrumError, airpls, arpls, asls, drpls, fit_baseline
from spectra._kernels import whittaker as kernels
from tests.naive import baseline as naive

RULES = ["asls", "arpls", "airpls", "drpls"]


def profile(n=3000, seed=0):
    """Peaks on a bent baseline with noise."""
    rng = np.random.default_rng(seed)
    x = np.linspace(0, 1, n)
    base = 30 * np.exp(-3 * x) + 5 * x
    peaks = sum(rng.exponential(20) * np.exp(-((x - c) ** 2) / (2 * 0.004**2)) for c in rng.uniform(0, 1, 15))
    return base, base + peaks + rng.normal(0, 0.3, n)


@settings(deadline=None)
@given(st.integers(4, 40), st.floats(-2, 4), st.integers(0, 99))
def test_the_solvers_are_the_twins(n, exponent, seed):
    rng = np.random.default_rng(seed)
    w, y = rng.uniform(0.01, 1, n), rng.normal(0, 5, n)
    z, work = np.empty(n), np.empty((3, n))
    kernels.solve(w, y, 10.0**exponent, z, work)
    np.testing.assert_allclose(z, naive.solve(w, y, 10.0**exponent), rtol=1e-7, atol=1e-7)
    kernels.solve_uneven(w, y, 10.0**exponent, 0.5, z, work)
    np.testing.assert_allclose(z, naive.solve_uneven(w, y, 10.0**exponent, 0.5), rtol=1e-7, atol=1e-7)


@pytest.mark.peer
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("penalty", [1e4, 1e6])
def test_baselines_are_pybaselines_s_after_as_many_iterations(rule, penalty):
    pybaselines = pytest.importorskip("pybaselines")
    _, y = profile()
    theirs, details = getattr(pybaselines.Baseline(), rule)(y, lam=penalty)
    fit = fit_baseline(y, rule=rule, penalty=penalty)
    assert fit.iterations == len(details["tol_history"])
    np.testing.assert_allclose(fit.baseline, theirs, rtol=1e-6)


@pytest.mark.parametrize("step", [asls, arpls, airpls, drpls])
def test_baselines_follow_the_truth_and_keep_the_dtype(step):
    base, y = profile()
    single = step(y.astype(np.float32), penalty=1e5)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, step(y, penalty=1e5), rtol=1e-3)
    assert np.median(np.abs(single - base)) < 1.5


@pytest.mark.parametrize("step", [asls, arpls, drpls])
def test_baselines_follow_scale_and_mirror_image(step):
    _, y = profile(800)
    np.testing.assert_allclose(step(3 * y), 3 * step(y), rtol=1e-6)
    np.testing.assert_allclose(step(y[::-1])[::-1], step(y), rtol=1e-6)


@pytest.mark.parametrize("step", [asls, arpls, airpls, drpls])
@pytest.mark.parametrize("level", [0.0, 4.0])
def test_a_constant_is_its_own_baseline(step, level):
    np.testing.assert_allclose(step(np.full(50, level)), level, atol=1e-6)


def test_what_does_not_settle_is_said_once_and_reported():
    _, y = profile()
    with pytest.warns(RuntimeWarning, match="arpls stopped at max_iterations"):
        fit = fit_baseline(y, max_iterations=2)
    assert not fit.converged and fit.iterations == 3 and fit.change > 1e-3
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        Cohort.from_spectra([Spectrum(np.arange(3000.0), profile(seed=i)[1], f"{i}") for i in range(3)]).arpls(max_iterations=2)
    assert len(caught) == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rule": "als"}, "rule must be one of 'asls'"),
        ({"penalty": 0}, "penalty must be greater than 0"),
        ({"asymmetry": 1.5}, "asymmetry must be at least 0 and at most 1"),
        ({"tolerance": 0}, "tolerance must be greater than 0"),
        ({"max_iterations": 0}, "max_iterations must be at least 1"),
    ],
)
def test_bad_options_are_refused(options, words):
    with pytest.raises(SpectraError, match=words):
        fit_baseline(profile()[1], **options)


def test_bad_profiles_are_refused():
    with pytest.raises(SpectrumError, match="at least 4 points, not 3"):
        arpls([1.0, 2, 3])
    with pytest.raises(SpectraError, match="nan at point 0"):
        asls([np.nan, 1, 2, 3])
