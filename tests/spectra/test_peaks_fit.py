import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectra import SpectraError, find_peaks, find_peaks_cwt, find_peaks_fit, fit_widths, savitzky_golay, simulate_cohort, snip
from spectra._kernels import peak_fit as kernels
from spectra.peaks_fit import _Shapes
from tests.naive import peak_fit as naive


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 25), st.integers(0, 2**32 - 1))
def test_the_joint_fit_is_the_twin_s(count, seed):
    rng = np.random.default_rng(seed)
    position, sd = np.cumsum(rng.uniform(4, 11, count)), rng.uniform(3, 6, count)
    y = naive.design(position, sd, 301, 4) @ rng.uniform(0, 5, count) + rng.normal(0, 0.3, 301)
    shapes = _Shapes(position, sd, 301)
    height = shapes.fit(y)
    table = naive.design(position, sd, 301, 4)
    expected = naive.fit(y, position, sd)
    assert (height >= 0).all()
    np.testing.assert_allclose(shapes.norm, np.sqrt((table**2).sum(axis=0)))
    best = ((y - table @ expected) ** 2).sum()
    assert ((y - table @ height) ** 2).sum() <= best * (1 + 1e-6) + 1e-9
    quality = np.empty(count)
    kernels.likeness(shapes.rest(y, height), shapes.begin, shapes.offsets, shapes.values, height, quality)
    np.testing.assert_allclose(quality, naive.likeness(y, position, sd, height), atol=1e-9)


def test_subtracting_takes_the_shapes_off():
    position, sd, height = np.array([3.0, 40.2]), np.array([2.0, 5.0]), np.array([2.0, 7.0])
    shapes = _Shapes(position, sd, 60)
    y = naive.design(position, sd, 60, 4) @ height
    kernels.subtract(shapes.begin, shapes.offsets, shapes.values, height, y)
    np.testing.assert_allclose(y, 0, atol=1e-12)


def pair(distance, ratio=1.0, noise=1.0, seed=0):
    """Ten clear peaks of 10 points' standard deviation, and beside the fifth another; (mz, counts, its place)."""
    rng = np.random.default_rng(seed)
    mz = 2000 + np.arange(6000) * 0.2
    y = rng.normal(200, noise, mz.size)
    for k in range(10):
        y += 300 * np.exp(-((mz - 2060 - 110 * k) ** 2) / (2 * 2.0**2))
    place = 2060 + 110 * 4 + distance
    return mz, y + 300 * ratio * np.exp(-((mz - place) ** 2) / (2 * 2.0**2)), place


def test_a_shoulder_without_a_maximum_of_its_own_is_found():
    mz, y, place = pair(4.5, 0.5)  # 0.95 widths away
    smooth = savitzky_golay(y)
    assert np.abs(find_peaks(mz, smooth - snip(smooth), noise=2.0).mz - place).min() > 2
    fitted = find_peaks_fit(mz, y)
    nearest = np.abs(fitted.mz - place).argmin()
    assert abs(fitted.mz[nearest] - place) < 0.7
    assert fitted.intensity[nearest] == pytest.approx(150, rel=0.25)


def test_clear_peaks_get_their_place_height_and_width():
    mz, y, _ = pair(30.0)
    peaks = find_peaks_fit(mz, y, snr=20)
    truth = np.sort(np.append(2060 + 110 * np.arange(10), 2530))
    np.testing.assert_allclose(peaks.mz, truth, atol=0.05)
    np.testing.assert_allclose(peaks.intensity, 300, rtol=0.1)
    np.testing.assert_allclose(peaks.fwhm, 2.3548 * 2, rtol=0.1)
    np.testing.assert_allclose(peaks.area, 300 * 2 * np.sqrt(2 * np.pi), rtol=0.15)
    assert (peaks.quality > 0.95).all()
    assert not peaks.saturated.any()
    assert find_peaks_fit(mz, np.minimum(y, 450), snr=20).saturated.all()


@pytest.mark.parametrize("detect", [find_peaks_fit, find_peaks_cwt])
@pytest.mark.parametrize("sd", [5, 15])
def test_clean_gaussians_are_placed_between_points(detect, sd):
    rng = np.random.default_rng(sd)
    places = np.arange(300, 5700, 170) + rng.uniform(-0.5, 0.5, 32)
    points = np.arange(6000)
    y = 50 + sum(rng.uniform(100, 900) * np.exp(-(((points - place) / sd) ** 2) / 2) for place in places)
    found = (detect(2000 + 0.2 * points, y).mz - 2000) / 0.2
    assert np.abs(found[:, None] - places).min(axis=0).max() < 0.05
    assert found.size == places.size


def test_a_given_width_model_is_used():
    mz, y, _ = pair(30.0)
    model = fit_widths(find_peaks_fit(mz, y, snr=20))
    np.testing.assert_allclose(find_peaks_fit(mz, y, snr=20, widths=model).mz, find_peaks_fit(mz, y, snr=20).mz, atol=0.1)


def test_scaling_changes_nothing_but_heights():
    mz, y, _ = pair(4.5)
    peaks, scaled = find_peaks_fit(mz, y), find_peaks_fit(mz, 16 * y)
    np.testing.assert_allclose(scaled.mz, peaks.mz)
    np.testing.assert_allclose(scaled.snr, peaks.snr, rtol=1e-6)
    np.testing.assert_allclose(scaled.intensity, 16 * peaks.intensity, rtol=1e-6)


@pytest.mark.parametrize("n", [1, 2, 15, 40, 500])
@pytest.mark.parametrize("shape", ["zero", "constant", "ramp", "noise", "spike"])
def test_profiles_without_peaks_are_survived(n, shape):
    y = {"zero": np.zeros(n), "constant": np.full(n, 9.0), "ramp": 1.0 * np.arange(n), "spike": np.zeros(n)}.get(shape)
    if y is None:
        y = np.random.default_rng(0).normal(50, 3, n)
    if shape == "spike":
        y[n // 2] = 100.0
    assert len(find_peaks_fit(np.arange(1.0, n + 1), y)) == 0


def test_few_peaks_are_false_and_more_are_found_than_by_local_maxima():
    simulation = simulate_cohort(3, seed=77)
    found = {"fit": [], "maxima": []}
    for spectrum, truth in zip(simulation.cohort, simulation.peaks, strict=True):
        smooth = savitzky_golay(np.sqrt(spectrum.intensity))
        lists = {
            "fit": find_peaks_fit(spectrum.mz, spectrum.intensity),
            "maxima": find_peaks(spectrum.mz, smooth - snip(smooth), snr=2),
        }
        for name, peaks in lists.items():
            near = np.abs(peaks.mz[:, None] - truth.mz) < 0.5 * truth.fwhm
            counted = truth.snr > 1
            found[name].append((near.any(axis=0)[counted].mean(), 1 - near.any(axis=1).mean()))
    (fit_true, fit_false), (maxima_true, maxima_false) = (np.mean(found[name], axis=0) for name in ("fit", "maxima"))
    assert fit_false < 0.06 < maxima_false
    assert fit_true > 0.8
    assert fit_true > maxima_true


@pytest.mark.parametrize("options", [{"snr": -1}, {"iterations": 0}, {"noise_window": 0}])
def test_wrong_options_are_named(options):
    with pytest.raises(SpectraError, match=next(iter(options))):
        find_peaks_fit(np.arange(100.0), np.ones(100), **options)
