"""Signal steps: ours against NumPy, SciPy, PyWavelets, pybaselines, scikit-image, pyOpenMS and, in R, MALDIquant and waveslim.

Points per spectrum and settings are those of the promises; ns are per point.
"""

import atexit
import dataclasses
import functools
import importlib
import pathlib
import shutil
import subprocess
import tempfile

import numpy as np

import spectra
from benchmarks.peers.case import Case, Peer

N_POINTS = 42_388


@functools.cache
def profile(dtype="float64"):
    """(m/z, square roots of counts) of one simulated spectrum of 42,388 points."""
    cohort = spectra.simulate_cohort(2, seed=5).cohort
    mz, counts = cohort.axis_of(0), cohort.intensity_of(0)
    points = np.linspace(0, counts.size - 1, N_POINTS)
    place = np.interp(points, np.arange(mz.size), mz)
    rng = np.random.default_rng(0)
    values = np.maximum(np.interp(points, np.arange(mz.size), counts) + rng.normal(0, 4, N_POINTS), 0)
    return place, np.sqrt(values).astype(dtype)


@functools.cache
def smooth(dtype="float64"):
    mz, y = profile("float64")
    return mz, spectra.savitzky_golay(y).astype(dtype)


def close(tolerance, inside=0):
    """Equal within `tolerance` of the largest value, but for `inside` points at each end."""

    def same(ours, theirs):
        ours, theirs = np.asarray(ours, float), np.asarray(theirs, float)
        if ours.shape != theirs.shape:
            return False, f"shapes {ours.shape} and {theirs.shape}"
        if inside:
            ours, theirs = ours[inside:-inside], theirs[inside:-inside]
        gap = np.abs(ours - theirs).max() / np.abs(theirs).max()
        return bool(gap <= tolerance), f"within {gap:.0e}"

    return same


class R:
    """One R process; `call` returns what an expression of `mz` and `y` gives, `seconds` how long it takes there."""

    def __init__(self, packages, mz, y):
        if shutil.which("Rscript") is None:
            raise ImportError("R is not installed")
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="r"))
        atexit.register(shutil.rmtree, self.folder)
        self.process = subprocess.Popen(
            ["R", "--slave", "--no-save"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        for package in packages:
            if self.ask(f'cat(suppressWarnings(require({package}, quietly=TRUE)), "\\n")') != "TRUE":
                raise ImportError(f"R has no package {package}")
        for name, values in (("mz", mz), ("y", y)):
            np.asarray(values, float).tofile(self.folder / name)
            self.ask(f'{name} <- readBin("{self.folder / name}", "double", {len(values)}); cat("\\n")')

    def ask(self, code):
        self.process.stdin.write(code + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def call(self, expression):
        self.ask(f'writeBin(as.double({expression}), "{self.folder / "out"}"); cat("\\n")')
        return np.fromfile(self.folder / "out")

    def seconds(self, expression, times=3):
        return float(self.ask(f"t <- system.time(for (i in 1:{times}) {expression}); cat((t[[1]] + t[[2]]) / {times}, '\\n')"))


@functools.cache
def r_session(packages, smoothed):
    return R(packages, *(smooth() if smoothed else profile()))


def in_r(expression, package="MALDIquant", promise=None, same=None, smoothed=True):
    """A peer in R; the spectrum is `s` for MALDIquant."""

    def build():
        session = r_session((package,), smoothed)
        if package == "MALDIquant":
            session.ask('s <- createMassSpectrum(mz, y); cat("\\n")')
        return Peer(lambda: session.call(expression), promise, same, seconds=lambda: session.seconds(expression))

    return build


def library(module, make, promise=None, same=None):
    """A peer in Python: ``make(module)`` gives the callable."""
    return lambda: Peer(make(importlib.import_module(module)), promise, same)


def cases(threads):
    if threads == 1:
        steps = [*smoothing(), *baselines(), *penalised(), *levels(), *wavelets()]
        return [dataclasses.replace(step, copied=profile("float32" if "float32" in step.name else "float64")[1]) for step in steps]
    return list(whole_way(threads))


def whole_way(threads, n_spectra=281):
    """Counts to peaks on as many spectra as a study has; ours on `threads` threads, MALDIquant on its one core."""
    mz, root = profile()
    rng = np.random.default_rng(1)
    counts = np.square(root) * rng.uniform(0.5, 2, n_spectra)[:, None]
    for dtype, promise in (("float64", 25), ("float32", 35)):
        data = spectra.Cohort.from_spectra([spectra.Spectrum(mz, row.astype(dtype)) for row in counts])

        def ours(data=data):
            return np.concatenate([p.mz for p in data.map(to_peaks, n_jobs=threads)])

        peers = {"MALDIquant, one core": lambda promise=promise: r_whole_way(mz, counts, promise)}
        name = f"counts to peaks, {n_spectra} spectra, {dtype}"
        yield Case(name, ours, peers, same_peaks, threads=threads, per=n_spectra * N_POINTS, pairs=3)


def to_peaks(mz, counts):
    y = spectra.savitzky_golay(spectra.square_root(counts))
    y = spectra.normalize_tic(mz, y - spectra.snip(y))
    return spectra.find_peaks(mz, y, noise=spectra.noise_mad(y), refine=False)


def same_peaks(ours, theirs):
    common = np.intersect1d(ours, theirs).size / max(len(np.unique(theirs)), 1)
    equal = len(ours) == len(theirs) or abs(len(ours) - len(theirs)) < 1e-3 * len(theirs)
    return bool(equal and common > 0.999), f"{len(ours)} and {len(theirs)} peaks, {common:.2%} of theirs in common"


def r_whole_way(mz, counts, promise):
    session = r_session(("MALDIquant",), False)
    counts.tofile(session.folder / "all")
    n = len(counts)
    session.ask(
        f'a <- matrix(readBin("{session.folder / "all"}", "double", {counts.size}), ncol={n}); '
        f'l <- lapply(1:{n}, function(i) createMassSpectrum(mz, a[, i])); cat("\\n")'
    )
    session.ask(
        "w <- function() { t <- transformIntensity(l, method='sqrt'); t <- smoothIntensity(t, method='SavitzkyGolay', halfWindowSize=10); "
        "t <- removeBaseline(t, method='SNIP', iterations=100); t <- calibrateIntensity(t, method='TIC'); "
        "detectPeaks(t, method='MAD', halfWindowSize=20, SNR=2) }; cat('\\n')"
    )
    expression = "unlist(lapply(w(), mass))"
    return Peer(lambda: session.call(expression), promise, seconds=lambda: session.seconds(expression, times=1))


def smoothing():
    for dtype, promise in (("float64", 14), ("float32", 25)):
        y = profile(dtype)[1]
        peers = {"scipy": library("scipy.signal", lambda m, y=y: lambda: m.savgol_filter(y, 21, 3), promise)}
        if dtype == "float64":
            r = 'intensity(smoothIntensity(s, method="SavitzkyGolay", halfWindowSize=10))'
            peers["MALDIquant"] = in_r(r, promise=80, smoothed=False)
        else:
            peers["pyOpenMS"] = lambda y=y: Peer(openms_savgol(importlib.import_module("pyopenms"), y))
        tolerance = close(1e-10 if dtype == "float64" else 1e-5)
        yield Case(f"Savitzky-Golay, half window 10, {dtype}", lambda y=y: spectra.savitzky_golay(y), peers, tolerance, per=N_POINTS)

    y = profile()[1]
    peers = {"MALDIquant": in_r('intensity(smoothIntensity(s, method="MovingAverage", halfWindowSize=2))', smoothed=False)}
    yield Case("moving average, half window 2", lambda: spectra.moving_average(y), peers, close(1e-12), per=N_POINTS)


def openms_savgol(oms, y):
    spectrum = oms.MSSpectrum()
    filter_ = oms.SavitzkyGolayFilter()
    options = filter_.getDefaults()
    options.setValue("frame_length", 21)
    options.setValue("polynomial_order", 3)
    filter_.setParameters(options)

    def run():
        spectrum.set_peaks((np.arange(y.size, dtype=float), y))
        filter_.filter(spectrum)
        return spectrum.get_peaks()[1]

    return run


def openms_tophat(oms, y):
    spectrum = oms.MSSpectrum()
    filter_ = oms.MorphologicalFilter()
    options = filter_.getDefaults()
    options.setValue("method", "opening")
    options.setValue("struc_elem_length", 201.0)
    options.setValue("struc_elem_unit", "DataPoints")
    filter_.setParameters(options)

    def run():
        spectrum.set_peaks((np.arange(y.size, dtype=float), y))
        filter_.filter(spectrum)
        return spectrum.get_peaks()[1]

    return run


def baselines():
    y = smooth()[1]
    single = smooth("float32")[1]

    def extended():
        return spectra.snip(y, iterations=100, edges="extend")

    snip_r = in_r('estimateBaseline(s, method="SNIP", iterations=100)[, 2]', promise=7)
    snip_py = library("pybaselines", lambda m: lambda: m.Baseline().snip(y, 100, decreasing=True, filter_order=2)[0], 14)
    yield Case("SNIP 100, ends kept", lambda: spectra.snip(y), {"MALDIquant": snip_r}, close(0), per=N_POINTS)
    yield Case("SNIP 100, ends extended", extended, {"pybaselines": snip_py}, close(1e-12), per=N_POINTS)
    snip_py = library("pybaselines", lambda m: lambda: m.Baseline().snip(y, 100, decreasing=True, filter_order=8)[0])

    def eighth():
        return spectra.snip(y, iterations=100, order=8, edges="extend")

    yield Case("SNIP 100, order 8, ends extended", eighth, {"pybaselines": snip_py}, close(1e-12), per=N_POINTS)
    mz = smooth()[0]
    hull = {"MALDIquant": in_r('estimateBaseline(s, method="ConvexHull")[, 2]')}
    yield Case("convex hull", lambda: spectra.convex_hull(mz, y), hull, close(1e-12), per=N_POINTS)
    top = {
        "scipy": library("scipy.ndimage", lambda m: lambda: m.grey_opening(y, 201), 6),
        "MALDIquant": in_r('estimateBaseline(s, method="TopHat", halfWindowSize=100)[, 2]'),
    }
    yield Case("top-hat 201", lambda: spectra.tophat(y), top, close(0), per=N_POINTS)
    top = {"pyOpenMS": lambda: Peer(openms_tophat(importlib.import_module("pyopenms"), single), 2)}
    yield Case("top-hat 201, float32", lambda: spectra.tophat(single), top, close(1e-6, inside=200), per=N_POINTS)
    for values, promise in ((y, 1.3), (single, 2.5)):
        name = f"running median 201, {values.dtype}"
        peers = {"scipy": library("scipy.ndimage", lambda m, v=values: lambda: m.median_filter(v, 201), promise, close(0, inside=100))}
        if values is y:
            peers["MALDIquant"] = in_r('estimateBaseline(s, method="median", halfWindowSize=100)[, 2]')
        yield Case(name, lambda v=values: spectra.median_baseline(v), peers, close(0), per=N_POINTS)


def penalised():
    y = smooth()[1]
    for rule, promise in (("asls", None), ("arpls", 6), ("airpls", None), ("drpls", None)):
        peer = library("pybaselines", lambda m, rule=rule: lambda: getattr(m.Baseline(), rule)(y, max_iter=100)[0], promise)

        def ours(rule=rule):
            return spectra.fit_baseline(y, rule=rule, max_iterations=100).baseline

        yield Case(f"{rule}", ours, {"pybaselines": peer}, close(1e-6), per=N_POINTS, pairs=3)


def levels():
    mz, y = smooth()
    peers = {
        "numpy": library("numpy", lambda m: lambda: 1.4826 * m.median(m.abs(y - m.median(y))), 4),
        "MALDIquant": in_r('estimateNoise(s, method="MAD")[1, 2]'),
    }
    yield Case("MAD", lambda: spectra.noise_mad(y), peers, lambda a, b: close(1e-14)(np.atleast_1d(a), np.atleast_1d(b)), per=N_POINTS)
    peers = {"MALDIquant": in_r('estimateNoise(s, method="SuperSmoother")[, 2]')}
    yield Case("super smoother", lambda: spectra.noise_supersmoother(mz, y), peers, close(1e-7), per=N_POINTS)
    peers = {"MALDIquant": in_r('intensity(calibrateIntensity(s, method="TIC"))')}
    yield Case("total ion current", lambda: spectra.normalize_tic(mz, y), peers, close(1e-10), per=N_POINTS)
    yield Case(
        "memory: copy", lambda: y.copy(), {"numpy": library("numpy", lambda m: lambda: m.sqrt(y))}, lambda a, b: (True, "-"), per=N_POINTS
    )


def wavelets():
    for dtype, promise in (("float64", 8), ("float32", 13)):
        y = profile(dtype)[1][: N_POINTS // 32 * 32]  # PyWavelets wants multiples of 2 ** levels
        inner = close(1e-4, inside=1000)  # it goes round in a circle at the ends, ours mirrors
        peers = {"PyWavelets": library("pywt", lambda m, y=y: lambda: pywavelets_denoise(m, y), promise, inner)}
        yield Case(
            f"undecimated denoising, sym8, 5 levels, {dtype}",
            lambda y=y: spectra.denoise_wavelet(y, levels=5, mode="soft", noise="global", strength=1),
            peers,
            inner,
            per=y.size,
        )
    y = profile()[1]

    def flat(m):
        return lambda: np.concatenate(m.wavedec(y, "sym8", "symmetric", 8))

    def ours():
        return np.concatenate(spectra.dwt(y, levels=8))

    yield Case("decimated transform, sym8, 8 levels", ours, {"PyWavelets": library("pywt", flat, 5)}, close(1e-10), per=N_POINTS)
    bayes = library("skimage.restoration", lambda m: lambda: m.denoise_wavelet(y, wavelet="sym8", wavelet_levels=5, rescale_sigma=False))
    plain = {"mode": "soft", "noise": "global", "strength": 1, "threshold": "bayes", "transform": "decimated"}

    def ours():
        return spectra.denoise_wavelet(y, levels=5, **plain)

    yield Case("decimated denoising, BayesShrink", ours, {"scikit-image": bayes}, close(1e-9), per=N_POINTS)
    modwt = in_r('unlist(modwt(y, "la8", 5))', package="waveslim", smoothed=False)

    def ours():
        return (lambda c: np.concatenate([*c[:0:-1], c[0]]))(spectra.swt(y, wavelet="sym4", levels=5, convention="modwt"))

    yield Case("MODWT, la8, 5 levels", ours, {"waveslim": modwt}, close(1e-10), per=N_POINTS)


def pywavelets_denoise(pywt, y):
    """Soft universal thresholds on an undecimated transform."""
    approximation, *details = pywt.swt(y, "sym8", 5, trim_approx=True)
    threshold = np.median(np.abs(details[-1])) / 0.6744897501960817 * np.sqrt(2 * np.log(y.size))
    return pywt.iswt([approximation, *(pywt.threshold(d, threshold, "soft") for d in details)], "sym8")
