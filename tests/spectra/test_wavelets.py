import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectra import SpectraError, SpectrumError, denoise_wavelet, dwt, idwt, iswt, swt, wavelet_filters, wavelet_names
from spectra._kernels import wavelets as kernels
from spectra.wavelets import thresholds
from tests.naive import wavelets as naive

NAMES = wavelet_names()
ORTHOGONAL = [name for name in NAMES if not name.startswith("bior")]
MODES = ["hard", "soft", "garrote", "firm"]
dtypes = st.sampled_from([np.float32, np.float64])


def profile(n, seed=0):
    return np.random.default_rng(seed).normal(0, 1, n).cumsum() + 20


def flat(coefficients):
    return np.concatenate(coefficients)


@pytest.mark.parametrize("name", ORTHOGONAL)
def test_orthogonal_filters_are_orthonormal_with_vanishing_moments(name):
    h = wavelet_filters(name).rec_lo
    n = h.size
    products = [np.dot(h[: n - 2 * m], h[2 * m :]) for m in range(n // 2)]
    np.testing.assert_allclose(products, np.eye(1, n // 2)[0], atol=1e-14)
    moments = n // 3 if name.startswith("coif") else n // 2
    places = np.linspace(-1, 1, n)
    high = wavelet_filters(name).rec_hi
    np.testing.assert_allclose(np.polynomial.legendre.legvander(places, moments - 1).T @ high, 0, atol=1e-11)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("bior")])
def test_biorthogonal_filters_are_each_other_s_dual(name):
    filters = wavelet_filters(name)
    n = filters.dec_lo.size
    across = np.correlate(filters.rec_lo, filters.dec_lo[::-1], "full")
    np.testing.assert_allclose(across[(n - 1) % 2 :: 2], np.eye(1, n, (n - 1) // 2)[0][: across[(n - 1) % 2 :: 2].size], atol=1e-14)


@pytest.mark.peer
@pytest.mark.parametrize("name", NAMES)
def test_transforms_are_pywavelets_s(name):
    pywt = pytest.importorskip("pywt")
    ours, theirs = wavelet_filters(name), pywt.Wavelet(name)
    np.testing.assert_allclose(np.array(ours), np.array(theirs.filter_bank), atol=2e-11)  # theirs are stored to 11 places for some
    exact = pywt.Wavelet(name, filter_bank=ours)
    for n in (700, 701):
        np.testing.assert_allclose(
            flat(dwt(profile(n), wavelet=name, levels=4)), flat(pywt.wavedec(profile(n), exact, "symmetric", 4)), atol=1e-10
        )
    y = profile(704)
    coefficients = pywt.swt(y, exact, 5, trim_approx=True)
    np.testing.assert_allclose(flat(swt(y, wavelet=name, levels=5)), flat(coefficients), atol=1e-10)
    changed = [c * (1 + 0.1 * i) for i, c in enumerate(coefficients)]
    np.testing.assert_allclose(iswt(changed, wavelet=name), pywt.iswt(changed, exact), atol=1e-10)


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 90), st.sampled_from(NAMES), st.integers(1, 5), dtypes)
def test_every_filter_gives_every_length_back(n, name, levels, dtype):
    levels = min(levels, n.bit_length() - 1)
    y = profile(n).astype(dtype)
    close = {"rtol": 1e-9, "atol": 1e-9} if dtype == np.float64 else {"rtol": 1e-3, "atol": 1e-3}
    back = idwt(dwt(y, wavelet=name, levels=levels), n_points=n, wavelet=name)
    assert back.dtype == dtype
    np.testing.assert_allclose(back, y, **close)
    for convention in ("swt", "modwt"):
        back = iswt(swt(y, wavelet=name, levels=levels, convention=convention), wavelet=name, convention=convention)
        assert back.dtype == dtype
        np.testing.assert_allclose(back, y, **close)
    for transform in ("undecimated", "decimated"):
        back = denoise_wavelet(y, wavelet=name, levels=levels, transform=transform, strength=0)
        assert back.dtype == dtype
        np.testing.assert_allclose(back, y, **close)


@settings(deadline=None, max_examples=40)
@given(st.integers(4, 60), st.sampled_from(["haar", "db3", "sym5", "sym8", "coif1", "bior2.4"]), st.integers(1, 3))
def test_transforms_are_the_twins(n, name, levels):
    levels = min(levels, n.bit_length() - 1)
    y = profile(n)
    low, high, *_ = wavelet_filters(name)
    np.testing.assert_allclose(flat(dwt(y, wavelet=name, levels=levels)), flat(naive.dwt(y, low, high, levels)), atol=1e-11)
    plain = naive.swt(y, low, high, levels, ahead=low.size // 2)
    np.testing.assert_allclose(flat(swt(y, wavelet=name, levels=levels)), flat(plain), atol=1e-11)
    half = np.sqrt(0.5)
    plain = naive.swt(y, low * half, -high * half, levels, ahead=0)
    np.testing.assert_allclose(flat(swt(y, wavelet=name, levels=levels, convention="modwt")), flat(plain), atol=1e-11)


@pytest.mark.peer
def test_the_modwt_is_waveslim_s(tmp_path):
    if shutil.which("Rscript") is None:
        pytest.skip("R is not installed")
    np.savetxt(tmp_path / "y.txt", profile(75), fmt="%.17g")
    code = f'library(waveslim); cat(sprintf("%.17g", unlist(modwt(scan("{tmp_path}/y.txt", quiet=TRUE), "la8", 4))))'
    done = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True)
    if "there is no package" in done.stderr:
        pytest.skip("waveslim is not installed")
    theirs = np.array(done.stdout.split(), float).reshape(5, 75)
    ours = swt(profile(75), wavelet="sym4", levels=4, convention="modwt")
    np.testing.assert_allclose([*ours[:0:-1], ours[0]], theirs, atol=1e-10)


@pytest.mark.peer
@pytest.mark.parametrize(("threshold", "method"), [("bayes", "BayesShrink"), ("universal", "VisuShrink")])
@pytest.mark.parametrize("mode", ["soft", "hard"])
def test_decimated_denoising_is_scikit_image_s(threshold, method, mode):
    restoration = pytest.importorskip("skimage.restoration")
    y = profile(3000) + np.random.default_rng(1).normal(0, 3, 3000)
    for name, levels in (("db3", 4), ("coif2", 3), ("db8", 5)):
        options = {"threshold": threshold, "mode": mode, "transform": "decimated", "noise": "global", "strength": 1}
        ours = denoise_wavelet(y, wavelet=name, levels=levels, **options)
        theirs = restoration.denoise_wavelet(y, wavelet=name, wavelet_levels=levels, method=method, mode=mode, rescale_sigma=False)
        np.testing.assert_allclose(ours, theirs, atol=1e-9)


@settings(deadline=None)
@given(st.integers(1, 60), st.sampled_from(MODES), st.floats(0, 3), dtypes)
def test_shrinking_is_the_twin_s(n, mode, t, dtype):
    t = float(dtype(t))
    d = np.random.default_rng(n).normal(0, 1, n).astype(dtype)
    d[::7] = t
    for size in (n, kernels.TILE):
        shrunk = d.copy()
        kernels.shrink(shrunk, np.full(size, 2 * t, dtype), dtype(0.5), MODES.index(mode), 0, n)
        np.testing.assert_allclose(shrunk, naive.shrink(d.astype(float), t, mode), rtol=1e-5, atol=1e-6)


@settings(deadline=None)
@given(st.integers(2, 60), st.floats(0.3, 4))
def test_the_sure_threshold_is_the_twin_s(n, scale):
    d = np.random.default_rng(n).standard_t(3, n) * scale
    np.testing.assert_allclose(thresholds.sure(d), naive.sure(d), rtol=1e-12)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("name", "n", "levels"), [("sym4", 60, 3), ("haar", 33, 4), ("db5", 20, 2)])
def test_undecimated_denoising_is_the_twin_s(mode, name, n, levels):
    y = profile(n)
    plain = naive.denoise(y, wavelet_filters(name), levels, 0.8 * np.sqrt(2 * np.log(n)), mode)
    np.testing.assert_allclose(denoise_wavelet(y, wavelet=name, levels=levels, mode=mode, strength=0.8), plain, atol=1e-10)


@pytest.mark.parametrize("threshold", ["universal", "minimax", "sure", "bayes"])
@pytest.mark.parametrize("noise", ["global", "level", "local"])
@pytest.mark.parametrize("options", [{}, {"transform": "decimated", "shifts": 8}, {"wavelet": "bior4.4", "transform": "decimated"}])
def test_every_method_takes_noise_off_a_peak(threshold, noise, options):
    x = np.linspace(-40, 40, 6000)
    clean = 60 * np.exp(-(x**2) / 2) + 20 * np.exp(-((x - 9) ** 2) / 3)
    noisy = clean + np.random.default_rng(0).normal(0, 2, x.size)
    smooth = denoise_wavelet(noisy, threshold=threshold, noise=noise, levels=5, **options)
    assert np.mean((smooth - clean) ** 2) < 0.5 * np.mean((noisy - clean) ** 2)
    np.testing.assert_allclose(smooth.max(), 60, rtol=0.05)


def test_local_noise_shrinks_the_noisy_end_only():
    rng = np.random.default_rng(0)
    spread = np.where(np.arange(20_000) < 10_000, 10.0, 0.5)
    noisy = rng.normal(0, 1, 20_000) * spread + 3 * np.sin(np.arange(20_000) / 3.0)
    smooth = denoise_wavelet(noisy, noise="local", levels=4, noise_window=1000)
    assert np.std(smooth[:9000]) < 4
    assert np.std(smooth[11_000:]) > 1


def test_denoising_follows_scale_shift_and_mirror_image():
    y = profile(500)
    for options in ({}, {"threshold": "sure"}, {"noise": "level", "mode": "soft"}):
        smooth = denoise_wavelet(y, **options)
        np.testing.assert_allclose(denoise_wavelet(3 * y + 7, **options), 3 * smooth + 7, atol=1e-9)
    smooth = denoise_wavelet(y, wavelet="bior2.2")
    np.testing.assert_allclose(denoise_wavelet(y[::-1], wavelet="bior2.2")[::-1], smooth, atol=0.1 * np.std(y - smooth))
    np.testing.assert_allclose(denoise_wavelet(np.full(100, 5.0)), 5, rtol=1e-12)


def test_counts_keep_their_mean():
    rng = np.random.default_rng(0)
    counts = rng.poisson(4.0, 20_000).astype(float)
    smooth = denoise_wavelet(counts, counts=True, levels=8)
    np.testing.assert_allclose(smooth.mean(), 4, rtol=0.02)
    assert np.std(smooth) < 0.3
    with pytest.raises(SpectrumError, match=r"-1\.0 at point 2, and counts are at least 0"):
        denoise_wavelet([1, 2, -1, 3.0], counts=True)


def test_the_caller_s_data_stay_and_any_layout_will_do():
    y = profile(300)
    wide = np.repeat(y, 2)
    wide.setflags(write=False)
    np.testing.assert_array_equal(denoise_wavelet(wide[::2]), denoise_wavelet(y))
    np.testing.assert_array_equal(flat(dwt(wide[::2], levels=3)), flat(dwt(y, levels=3)))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"wavelet": "db99"}, "wavelet must be one of 'haar'"),
        ({"threshold": "visu"}, "threshold must be one of"),
        ({"mode": "weak"}, "mode must be one of"),
        ({"transform": "both"}, "transform must be one of"),
        ({"noise": "none"}, "noise must be one of"),
        ({"strength": -1}, "strength must be at least 0"),
        ({"peak_width": 1}, "peak_width must be at least 2"),
        ({"shifts": 0}, "shifts must be at least 1"),
        ({"noise_window": 4}, "noise_window must be at least 16"),
        ({"levels": -1}, "levels must be at least 0"),
        ({"levels": 7}, "levels must be at most 6 for a spectrum of 100 points, not 7"),
    ],
)
def test_bad_options_are_refused(options, words):
    with pytest.raises(SpectraError, match=words):
        denoise_wavelet(profile(100), **options)


def test_bad_profiles_and_coefficients_are_refused():
    with pytest.raises(SpectrumError, match="at least 2 points"):
        denoise_wavelet([1.0])
    with pytest.raises(SpectraError, match="nan at point 1"):
        swt([1, np.nan, 2, 3], levels=1)
    with pytest.raises(SpectraError, match="coefficients must have sizes"):
        idwt([[1.0, 2], [3.0, 4]], n_points=9, wavelet="haar")
    with pytest.raises(SpectraError, match="one length at all levels"):
        iswt([[1.0, 2], [3.0]])


@pytest.mark.parametrize("n", [*range(640, 1024, 32), 3000])  # some mirrored profiles are as long as a tile
def test_local_noise_of_one_level_is_global_noise(n):
    y = profile(n)
    for levels in (1, 2, 3):
        one = denoise_wavelet(y, wavelet="sym4", levels=levels, noise="local", noise_window=5000)
        np.testing.assert_allclose(one, denoise_wavelet(y, wavelet="sym4", levels=levels, noise="global"), atol=1e-12)
