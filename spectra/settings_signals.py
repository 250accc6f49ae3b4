"""Declarations of the signal steps: the bounds, defaults and words of every method that looks at one spectrum's points."""

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta


def declare(description, *, unit="", sweep=(), **bounds):
    """Bounds and words of one option; `sweep` lists the values that the sensitivity figure tries."""
    return Meta(description=description, extra={"unit": unit, "sweep": tuple(sweep)}, **bounds)


_Penalty = Annotated[float, declare("weight of squared second differences", gt=0, le=1e15, sweep=(1e4, 1e6, 1e8))]
_Tolerance = Annotated[float, declare("relative change at which to stop", gt=0, le=1)]
_Iterations = Annotated[int, declare("most changes of the weights", ge=1, le=10_000)]
_Low = Annotated[float, declare("only points from here on count; 0 is no limit", unit="Da/e", ge=0)]
_High = Annotated[float, declare("only points up to here count; 0 is no limit", unit="Da/e", ge=0)]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of one step."""

    function: ClassVar[str] = ""

    @property
    def options(self) -> dict[str, Any]:
        """Its keyword options."""
        return {name: getattr(self, name) for name in self.__struct_fields__}


class Method(Section, frozen=True, tag_field="method"):
    """One of several ways to do a step; its tag is the name of the public function of `spectra` that does it."""

    from_counts: ClassVar[bool] = False
    """It looks at the raw counts and not at the processed profile."""

    @property
    def method(self) -> str:
        """Name of the public function; ``"none"`` skips the step."""
        return str(self.__struct_config__.tag)


class Skip(Method, frozen=True, tag="none"):
    """The step is left out."""


class SquareRoot(Method, frozen=True, tag="square_root"):
    """Square root of the counts: evens out the noise of counting, whose variance grows with the signal."""


class Logarithm(Method, frozen=True, tag="logarithm"):
    """Logarithm of one plus the counts: differences become ratios."""


class CubeRoot(Method, frozen=True, tag="cube_root"):
    """Cube root of the counts, which may be negative."""


class SavitzkyGolay(Method, frozen=True, tag="savitzky_golay"):
    """Local polynomial least squares (Savitzky & Golay 1964)."""

    # The default, as in MALDIquant. On truth (python -m benchmarks.denoising_truth) denoise_wavelet leaves less noise (7 % against 11 %)
    # and fewer false peaks at SNR 2 (22 against 96 a spectrum), yet at the same share of false peaks, one in ten, it finds no more of
    # the true ones (93.2 % against 93.6 %) and takes twenty times as long. What follows counts on peaks that many spectra share.

    half_window: Annotated[int, declare("points on each side", unit="points", ge=1, le=500, sweep=(5, 10, 20))] = 10
    order: Annotated[int, declare("degree of the local polynomial", ge=0, le=9)] = 3


class MovingAverage(Method, frozen=True, tag="moving_average"):
    """Mean of the neighbours."""

    half_window: Annotated[int, declare("points on each side", unit="points", ge=1, le=500, sweep=(1, 2, 5, 10))] = 2
    weighted: Annotated[bool, declare("weights 1/2^|distance| instead of equal ones")] = False


class SavitzkyGolayGrowing(Method, frozen=True, tag="savitzky_golay_growing"):
    """Local polynomials whose window grows with m/z."""

    half_window: Annotated[
        int, declare("points on each side at the middle of the axis", unit="points", ge=1, le=500, sweep=(5, 10, 20, 40))
    ] = 10
    order: Annotated[int, declare("degree of the local polynomial", ge=0, le=9)] = 3
    power: Annotated[float, declare("the window is proportional to this power of m/z", ge=0, le=2)] = 0.5


class RunningMedian(Method, frozen=True, tag="running_median"):
    """Median of the neighbours: takes spikes away."""

    half_window: Annotated[int, declare("points on each side", unit="points", ge=1, le=500, sweep=(1, 2, 5, 10))] = 2


class Whittaker(Method, frozen=True, tag="whittaker"):
    """Penalised least squares (Whittaker 1923, Eilers 2003)."""

    penalty: Annotated[float, declare("weight of squared second differences", gt=0, le=1e12, sweep=(1.0, 10.0, 100.0))] = 10.0


class DenoiseWavelet(Method, frozen=True, tag="denoise_wavelet"):
    """Shrunk wavelet coefficients (Donoho & Johnstone 1994, Coombes 2005)."""

    wavelet: Annotated[str, declare("haar, db1-20, sym2-20, coif1-5 or bior1.1-6.8")] = "sym8"
    threshold: Annotated[
        Literal["universal", "minimax", "sure", "bayes"], declare("how the threshold is found", sweep=("universal", "sure", "bayes"))
    ] = "universal"
    mode: Annotated[Literal["soft", "hard", "garrote", "firm"], declare("what happens to coefficients above the threshold")] = "firm"
    transform: Annotated[Literal["undecimated", "decimated"], declare("undecimated is the mean over all shifts of the decimated")] = (
        "undecimated"
    )
    noise: Annotated[Literal["global", "level", "local"], declare("one noise level, one for each scale, or in windows along m/z")] = "local"
    strength: Annotated[float, declare("factor on every threshold", ge=0, le=10, sweep=(0.5, 0.8, 1.0, 1.5))] = 0.8
    levels: Annotated[int, declare("number of scales; 0: by the width of the peaks", ge=0, le=30)] = 0
    peak_width: Annotated[
        float, declare("full width at half maximum of the peaks; gives the number of scales", unit="points", ge=2, le=10_000)
    ] = 16.0
    noise_window: Annotated[int, declare("length of a window of the local noise level", unit="points", ge=16, le=1_000_000)] = 2048
    shifts: Annotated[int, declare("runs of the decimated transform, each begun a point later, that are averaged", ge=1, le=1024)] = 1
    counts: Annotated[
        bool, declare("even out the noise of counts first and undo that after (Anscombe 1956); set transform.method to none with it")
    ] = False


class Snip(Method, frozen=True, tag="snip"):
    """Statistics-sensitive non-linear iterative peak-clipping (Ryan 1988, Morhac 2009)."""

    iterations: Annotated[int, declare("widest half window that is clipped", unit="points", ge=1, le=5000, sweep=(50, 100, 200))] = 100
    decreasing: Annotated[bool, declare("from wide to narrow windows, as MALDIquant does")] = True
    order: Annotated[Literal[2, 4, 6, 8], declare("neighbours that a polynomial goes through; more follow a curved baseline")] = 2
    lls: Annotated[bool, declare("clip double logarithms, in which small and tall peaks count alike")] = False
    edges: Annotated[Literal["keep", "extend"], declare("points near the ends keep their value, or the spectrum goes on in a line")] = (
        "keep"
    )


class TopHat(Method, frozen=True, tag="tophat"):
    """Morphological opening (van Herk 1992)."""

    half_window: Annotated[int, declare("points on each side", unit="points", ge=1, le=5000, sweep=(50, 100, 200))] = 100


class MedianBaseline(Method, frozen=True, tag="median_baseline"):
    """Running median."""

    half_window: Annotated[int, declare("points on each side", unit="points", ge=1, le=5000, sweep=(50, 100, 200))] = 100


class ConvexHull(Method, frozen=True, tag="convex_hull"):
    """Lower convex hull (Andrew 1979)."""


class RollingBall(Method, frozen=True, tag="rolling_ball"):
    """Opening, smoothed by a moving average (Kneen & Annegarn 1996)."""

    half_window: Annotated[int, declare("points on each side", unit="points", ge=1, le=5000, sweep=(50, 100, 200))] = 100


class Asls(Method, frozen=True, tag="asls"):
    """Asymmetric least squares (Eilers 2003)."""

    penalty: _Penalty = 1e6
    asymmetry: Annotated[float, declare("weight of points above the curve", ge=0, le=1, sweep=(0.001, 0.01, 0.1))] = 0.01
    tolerance: _Tolerance = 1e-3
    max_iterations: _Iterations = 50


class Arpls(Method, frozen=True, tag="arpls"):
    """Asymmetrically reweighted least squares (Baek 2015)."""

    penalty: _Penalty = 1e5
    tolerance: _Tolerance = 1e-3
    max_iterations: _Iterations = 50


class Airpls(Method, frozen=True, tag="airpls"):
    """Adaptive iteratively reweighted least squares (Zhang 2010)."""

    penalty: _Penalty = 1e6
    tolerance: _Tolerance = 1e-3
    max_iterations: _Iterations = 50


class Drpls(Method, frozen=True, tag="drpls"):
    """Doubly reweighted least squares (Xu 2019)."""

    penalty: _Penalty = 1e5
    asymmetry: Annotated[float, declare("how much a point's weight frees its second difference", ge=0, le=1)] = 0.5
    tolerance: _Tolerance = 1e-3
    max_iterations: _Iterations = 50


class NormalizeTic(Method, frozen=True, tag="normalize_tic"):
    """Division by the total ion current, the trapezoid integral over m/z."""

    mz_low: _Low = 0.0
    mz_high: _High = 0.0


class NormalizeMedian(Method, frozen=True, tag="normalize_median"):
    """Division by the median intensity."""

    mz_low: _Low = 0.0
    mz_high: _High = 0.0


class NormalizeRms(Method, frozen=True, tag="normalize_rms"):
    """Division by the root mean square."""

    mz_low: _Low = 0.0
    mz_high: _High = 0.0


class NormalizePeak(Method, frozen=True, tag="normalize_peak"):
    """Division by the height of a reference peak, or of the highest peak of all."""

    reference_mz: Annotated[float, declare("where the reference peak lies; 0 takes the highest of all", unit="Da/e", ge=0)] = 0.0
    tolerance: Annotated[float, declare("how far it may lie from there", unit="relative", gt=0, le=0.1)] = 0.002


class PQN(Method, frozen=True, tag="pqn"):
    """Division by the median quotient with the training spectra's median (Dieterle 2006), after `normalize`."""

    function = "PQNormalizer"


class _Calibrants(Method, frozen=True):
    function = "Calibrator"

    calibrants: Annotated[tuple[float, ...], declare("true m/z of substances that every spectrum shows", unit="Da/e")] = ()
    tolerance_ppm: Annotated[
        float, declare("how far from its true m/z a calibrant is looked for", unit="ppm", gt=0, le=1e5, sweep=(1000.0, 3000.0))
    ] = 3000.0
    outlier_ppm: Annotated[float, declare("a calibrant farther than this from the curve does not count", unit="ppm", gt=0, le=1e5)] = 150.0
    min_calibrants: Annotated[int, declare("a spectrum with fewer keeps its m/z, and a note says so", ge=1, le=1000)] = 3


class CalibrateShift(_Calibrants, frozen=True, tag="shift"):
    """The square root of m/z, which goes with the flight time, moves by a constant through known calibrants."""


class CalibrateLinear(_Calibrants, frozen=True, tag="linear"):
    """The square root of m/z, which goes with the flight time, moves along a line through known calibrants."""


class CalibrateQuadratic(_Calibrants, frozen=True, tag="quadratic"):
    """The square root of m/z, which goes with the flight time, moves along a parabola through known calibrants."""


class Agreement(Method, frozen=True, tag="icc"):
    """Peaks on which the replicates of a sample do not agree are left out, by the intraclass correlation (Shrout & Fleiss 1979)."""

    function = "ReplicateFilter"

    min_icc: Annotated[
        float, declare("least share of a peak's variance that lies between samples, not replicates", ge=-1, le=1, sweep=(0.3, 0.5, 0.7))
    ] = 0.5
    by: Annotated[str, declare("column that names the sample of each spectrum")] = "sample"


class NoiseMad(Method, frozen=True, tag="noise_mad"):
    """1.4826 times the median absolute deviation: one noise level per spectrum."""

    # The default, because after the square root the noise of counts is even: on truth (python -m benchmarks.denoising_truth) one level
    # finds as many peaks as levels along m/z at the same share of false ones, and at SNR 2 lets fewer false ones pass (96 a
    # spectrum against 153). Without a root, noise_local finds 94 % where this finds 76 %.


class NoiseLocal(Method, frozen=True, tag="noise_local"):
    """The same in windows along m/z, with straight lines between their middles."""

    window: Annotated[int, declare("length of a window", unit="points", ge=16, le=1_000_000, sweep=(1000, 2000, 4000))] = 2000


class NoiseQuantile(Method, frozen=True, tag="noise_quantile"):
    """From the differences of neighbouring points."""

    quantile: Annotated[float, declare("of the differences' sizes", ge=0.01, le=0.99)] = 0.5


class NoiseSuperSmoother(Method, frozen=True, tag="noise_supersmoother"):
    """The smooth course of the corrected profile itself (Friedman 1984), as MALDIquant offers."""

    bass: Annotated[float, declare("the higher, the smoother", ge=0, le=10)] = 0.0
