"""One declaration of every step's parameters, bounds and defaults.

It feeds the settings file (TOML), the command line, the sweep of the sensitivity figure and the calls themselves: the ``method`` of a
per-spectrum step is the name of a public function of `spectra`, and the section's other fields are its keyword options. So a new
method is one class here.

>>> settings = Settings()
>>> settings.smooth
SavitzkyGolay(half_window=10, order=3)
>>> parse('[smooth]\\nmethod = "moving_average"\\nhalf_window = 4').smooth
MovingAverage(half_window=4, weighted=False)
"""

import os
import tomllib
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, get_args, get_type_hints

import msgspec
import tomli_w
from msgspec import Meta

from spectra.errors import SettingsError


def _option(description, *, unit="", sweep=(), **bounds):
    """Bounds and words of one option; `sweep` lists the values that the sensitivity figure tries."""
    return Meta(description=description, extra={"unit": unit, "sweep": tuple(sweep)}, **bounds)


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of one step."""

    function: ClassVar[str] = ""

    @property
    def options(self) -> dict[str, Any]:
        """Its keyword options."""
        return {name: getattr(self, name) for name in self.__struct_fields__}


class Method(Section, frozen=True, tag_field="method"):
    """One of several ways to do a step; its tag is the name of the public function of `spectra` that does it."""

    @property
    def method(self) -> str:
        """Name of the public function; ``"none"`` skips the step."""
        return str(self.__struct_config__.tag)


class Skip(Method, frozen=True, tag="none"):
    """The step is left out."""


class SquareRoot(Method, frozen=True, tag="square_root"):
    """Square root of the counts: evens out the noise of counting, whose variance grows with the signal."""


class SavitzkyGolay(Method, frozen=True, tag="savitzky_golay"):
    """Local polynomial least squares (Savitzky & Golay 1964)."""

    half_window: Annotated[int, _option("points on each side", unit="points", ge=1, le=500, sweep=(5, 10, 20))] = 10
    order: Annotated[int, _option("degree of the local polynomial", ge=0, le=9)] = 3


class MovingAverage(Method, frozen=True, tag="moving_average"):
    """Mean of the neighbours."""

    half_window: Annotated[int, _option("points on each side", unit="points", ge=1, le=500, sweep=(1, 2, 5, 10))] = 2
    weighted: Annotated[bool, _option("weights 1/2^|distance| instead of equal ones")] = False


class Snip(Method, frozen=True, tag="snip"):
    """Statistics-sensitive non-linear iterative peak-clipping (Ryan 1988, Morhac 2009)."""

    iterations: Annotated[int, _option("widest half window that is clipped", unit="points", ge=1, le=5000, sweep=(50, 100, 200))] = 100
    decreasing: Annotated[bool, _option("from wide to narrow windows, as MALDIquant does")] = True


class TopHat(Method, frozen=True, tag="tophat"):
    """Morphological opening (van Herk 1992)."""

    half_window: Annotated[int, _option("points on each side", unit="points", ge=1, le=5000, sweep=(50, 100, 200))] = 100


class MedianBaseline(Method, frozen=True, tag="median_baseline"):
    """Running median."""

    half_window: Annotated[int, _option("points on each side", unit="points", ge=1, le=5000, sweep=(50, 100, 200))] = 100


class ConvexHull(Method, frozen=True, tag="convex_hull"):
    """Lower convex hull (Andrew 1979)."""


class NormalizeTic(Method, frozen=True, tag="normalize_tic"):
    """Division by the total ion current, the trapezoid integral over m/z."""


class NoiseMad(Method, frozen=True, tag="noise_mad"):
    """1.4826 times the median absolute deviation: one noise level per spectrum."""


class FindPeaks(Method, frozen=True, tag="find_peaks"):
    """Local maxima above a signal-to-noise ratio."""

    half_window: Annotated[
        int, _option("a peak is the highest point this far on each side", unit="points", ge=1, le=500, sweep=(10, 20, 40))
    ] = 20
    snr: Annotated[float, _option("least height over the noise level", ge=0, le=1000, sweep=(1.5, 2.0, 4.0))] = 2.0


class Align(Section, frozen=True):
    """Reference peaks, then a smooth shift of each spectrum's m/z onto them."""

    function = "WarpAligner"

    method: Annotated[Literal["lowess", "linear", "quadratic", "cubic", "none"], _option("form of the shift; none leaves m/z as it is")] = (
        "lowess"
    )
    tolerance: Annotated[
        float, _option("how far a peak may be from its reference", unit="relative", gt=0, le=0.1, sweep=(0.001, 0.002, 0.004))
    ] = 0.002
    min_frequency: Annotated[float, _option("share of the spectra that must show a reference peak", gt=0, le=1, sweep=(0.7, 0.9))] = 0.9


class Bin(Section, frozen=True):
    """Peaks of all training spectra pooled into bins, which are then frozen."""

    function = "PeakBinner"

    method: Annotated[Literal["strict", "relaxed"], _option("strict: one peak of a spectrum per bin; relaxed: its highest counts")] = (
        "strict"
    )
    tolerance: Annotated[
        float, _option("widest deviation from a bin's mean", unit="relative", gt=0, le=0.1, sweep=(0.001, 0.002, 0.004))
    ] = 0.002
    fill: Annotated[Literal["interpolate", "zero"], _option("value of a peak not found: the signal there, or zero")] = "interpolate"


class Filter(Section, frozen=True):
    """Peaks seen in too few spectra are left out."""

    function = "FrequencyFilter"

    min_frequency: Annotated[float, _option("least share of the spectra with the peak", ge=0, le=1, sweep=(0.1, 0.25, 0.5))] = 0.25
    by_class: Annotated[bool, _option("enough if one class alone reaches the share")] = True


class Read(Section, frozen=True):
    """What is taken from the files."""

    mz_low: Annotated[float, _option("points below are left out; 0 keeps all", unit="Da/e", ge=0)] = 0.0
    mz_high: Annotated[float, _option("points above are left out; 0 keeps all", unit="Da/e", ge=0)] = 0.0
    replicates: Annotated[
        Literal["group", "average"], _option("technical replicates of a sample: kept together in every split, or averaged")
    ] = "group"


class Study(Section, frozen=True):
    """How models are compared."""

    folds: Annotated[int, _option("outer folds; 0 means five, or as many as the smallest class has patients", ge=0, le=100)] = 0
    inner_folds: Annotated[
        int, _option("folds within each training set, to choose settings and models; 0 as above, at most three", ge=0, le=100)
    ] = 0
    repeats: Annotated[int, _option("repetitions of the whole cross-validation with new folds", ge=1, le=100)] = 3
    models: Annotated[tuple[str, ...], _option("candidates; empty means all")] = ()
    resamples: Annotated[int, _option("bootstrap resamples of patients behind each interval", ge=100, le=100_000)] = 2000
    permutations: Annotated[int, _option("label permutations behind each p-value", ge=99, le=100_000)] = 999
    sensitivity: Annotated[bool, _option("try other values of each setting and show what changes")] = True


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every step of the way from files to report, in order."""

    read: Read = Read()
    transform: SquareRoot | Skip = SquareRoot()
    smooth: SavitzkyGolay | MovingAverage | Skip = SavitzkyGolay()
    baseline: Snip | TopHat | MedianBaseline | ConvexHull | Skip = Snip()
    normalize: NormalizeTic | Skip = NormalizeTic()
    noise: NoiseMad = NoiseMad()
    peaks: FindPeaks = FindPeaks()
    align: Align = Align()
    bin: Bin = Bin()
    filter: Filter = Filter()
    study: Study = Study()


PER_SPECTRUM = ("transform", "smooth", "baseline", "normalize", "noise", "peaks")  # run once, outside the folds
LEARNED = ("align", "bin", "filter")  # fitted inside every training fold


class Option(NamedTuple):
    """One option as declared: for the settings file, the command line and the sweep."""

    step: str
    name: str
    value: Any
    unit: str
    description: str
    bounds: str
    sweep: tuple[Any, ...]


def options(settings: Settings, step: str) -> Iterator[Option]:
    """The declared options of one step, with their present values."""
    section = getattr(settings, step)
    hints = get_type_hints(type(section), include_extras=True)
    for name, value in section.options.items():
        meta = get_args(hints[name])[1]
        bounds = [f"{word} {limit}" for word, limit in ((">", meta.gt), ("≥", meta.ge), ("≤", meta.le)) if limit is not None]
        yield Option(step, name, value, meta.extra["unit"], meta.description, ", ".join(bounds), meta.extra["sweep"])


def methods(step: str) -> dict[str, type[Section]]:
    """The methods that a step may use: name -> section class; none where the step has one way only."""
    kind = get_type_hints(Settings)[step]
    return {str(section.__struct_config__.tag): section for section in (get_args(kind) or (kind,)) if section.__struct_config__.tag}


def change(settings: Settings, step: str, **values) -> Settings:
    """A copy with some options of one step set, checked against their bounds.

    >>> change(Settings(), "peaks", snr=3).peaks.snr
    3.0
    """
    tree = to_dict(settings)
    tree[step] |= values
    return from_dict(tree)


def to_dict(settings: Settings) -> dict[str, Any]:
    """Plain dictionaries, complete with defaults."""
    return msgspec.to_builtins(settings)


def from_dict(tree: dict[str, Any], origin: str = "settings") -> Settings:
    """Check a dictionary against the declarations; what is absent takes its default."""
    for step, section in tree.items():
        default = getattr(Settings(), step, None)
        if isinstance(default, Method) and isinstance(section, dict):
            tree = tree | {step: {"method": default.method} | section}
    try:
        return msgspec.convert(tree, Settings)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{origin}: {_plain(str(error))}") from None


def _plain(message: str) -> str:
    """msgspec's words with the place as ``[section] option``."""
    what, _, where = message.partition(" - at `$.")
    place = where.rstrip("`").split(".")
    return what if not where else f"[{place[0]}] {' '.join(place[1:])}: {what}".replace(" :", ":")


def parse(text: str, origin: str = "settings") -> Settings:
    """Settings from TOML text."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{origin}: not valid TOML: {error}") from None
    return from_dict(tree, origin)


def load(path: str | os.PathLike[str]) -> Settings:
    """Settings from a TOML file."""
    try:
        with open(path, encoding="utf-8") as file:
            return parse(file.read(), str(path))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: not a text file in UTF-8") from None


def dump(settings: Settings, *, comments: bool = False) -> str:
    """TOML text of all settings; with `comments`, each option's meaning, unit, bounds and the other methods of each step."""
    lines = []
    for step in settings.__struct_fields__:
        section = getattr(settings, step)
        others = [name for name in methods(step) if name != section.method] if isinstance(section, Method) else []
        if comments and section.__doc__:
            lines.append(f"# {section.__doc__.splitlines()[0]}" + (f" Other methods: {', '.join(others)}." if others else ""))
        lines.append(f"[{step}]")
        if isinstance(section, Method):
            lines.append(f'method = "{section.method}"')
        for option in options(settings, step):
            limits = ", ".join(filter(None, [option.unit, option.bounds]))
            words = option.description + (f" ({limits})" if limits else "")
            value = list(option.value) if isinstance(option.value, tuple) else option.value
            lines.append(tomli_w.dumps({option.name: value}).strip() + (f"  # {words}" if comments else ""))
        lines.append("")
    return "\n".join(lines)
