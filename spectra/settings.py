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
import re
import tomllib
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_type_hints

import msgspec
import tomli_w

from spectra.errors import SettingsError, choices
from spectra.settings_signals import (
    PQN,
    Agreement,
    Airpls,
    Arpls,
    Asls,
    CalibrateLinear,
    CalibrateQuadratic,
    CalibrateShift,
    ConvexHull,
    CubeRoot,
    DenoiseWavelet,
    Drpls,
    Logarithm,
    MedianBaseline,
    Method,
    MovingAverage,
    NoiseLocal,
    NoiseMad,
    NoiseQuantile,
    NoiseSuperSmoother,
    NormalizeMedian,
    NormalizePeak,
    NormalizeRms,
    NormalizeTic,
    RollingBall,
    RunningMedian,
    SavitzkyGolay,
    SavitzkyGolayGrowing,
    Section,
    Skip,
    Snip,
    SquareRoot,
    TopHat,
    Whittaker,
    declare,
)


class FindPeaks(Method, frozen=True, tag="find_peaks"):
    """Local maxima above a signal-to-noise ratio."""

    half_window: Annotated[
        int, declare("a peak is the highest point this far on each side", unit="points", ge=1, le=500, sweep=(10, 20, 40))
    ] = 20
    snr: Annotated[float, declare("least height over the noise level", ge=0, le=1000, sweep=(1.5, 2.0, 4.0))] = 2.0


class FindPeaksCwt(Method, frozen=True, tag="find_peaks_cwt"):
    """Ridge lines of the Mexican-hat wavelet transform (Du, Kibbe & Lin 2006); measures the noise around each peak by itself."""

    snr: Annotated[float, declare("least strength of a ridge over the noise around it", ge=0, le=1000, sweep=(2.0, 3.0, 6.0))] = 3.0
    ridge_scale: Annotated[
        float, declare("a ridge must reach up to this scale", unit="points", ge=1, le=1000, sweep=(16.0, 24.0, 32.0))
    ] = 24
    nearby: Annotated[int, declare("or have such a ridge this near; 0 for no exception", unit="points", ge=0, le=10_000)] = 150
    gap: Annotated[int, declare("scales running that a ridge may miss", ge=0, le=20)] = 3
    noise_window: Annotated[int, declare("noise is measured this far on each side", unit="points", ge=10, le=100_000)] = 500
    edge: Annotated[int, declare("no peak is reported nearer to an end", unit="points", ge=0, le=10_000)] = 75


class FindPeaksFit(Method, frozen=True, tag="find_peaks_fit"):
    """A joint fit of the instrument's peak shape to the raw counts; takes shoulders apart and measures its own noise."""

    from_counts = True

    snr: Annotated[float, declare("least height of a shape over the noise in its direction", ge=0, le=1000, sweep=(1.5, 2.0, 4.0))] = 2.0
    iterations: Annotated[int, declare("of the SNIP baseline taken off before the fit", ge=1, le=10_000)] = 100
    noise_window: Annotated[int, declare("noise is measured this far on each side", unit="points", ge=10, le=100_000)] = 2000


class Align(Section, frozen=True):
    """Reference peaks, then a smooth shift of each spectrum's m/z onto them."""

    function = "WarpAligner"

    method: Annotated[Literal["lowess", "linear", "quadratic", "cubic", "none"], declare("form of the shift; none leaves m/z as it is")] = (
        "lowess"
    )
    tolerance: Annotated[
        float, declare("how far a peak may be from its reference", unit="relative", gt=0, le=0.1, sweep=(0.001, 0.002, 0.004))
    ] = 0.002
    min_frequency: Annotated[float, declare("share of the spectra that must show a reference peak", gt=0, le=1, sweep=(0.7, 0.9))] = 0.9


class Bin(Section, frozen=True):
    """Peaks of all training spectra pooled into bins, which are then frozen."""

    function = "PeakBinner"

    method: Annotated[
        Literal["strict", "relaxed", "density"],
        declare("strict: one peak of a spectrum per bin; relaxed: its highest counts; density: where peaks crowd, as wide as a peak"),
    ] = "strict"
    tolerance: Annotated[
        float, declare("widest deviation from a bin's mean", unit="relative", gt=0, le=0.1, sweep=(0.001, 0.002, 0.004))
    ] = 0.002
    fill: Annotated[Literal["interpolate", "zero"], declare("value of a peak not found: the signal there, or zero")] = "interpolate"


class Filter(Section, frozen=True):
    """Peaks seen in too few spectra are left out."""

    function = "FrequencyFilter"

    min_frequency: Annotated[float, declare("least share of the spectra with the peak", ge=0, le=1, sweep=(0.1, 0.25, 0.5))] = 0.25
    by_class: Annotated[bool, declare("enough if one class alone reaches the share")] = True


class Read(Section, frozen=True):
    """What is taken from the files."""

    mz_low: Annotated[float, declare("points below are left out; 0 keeps all", unit="Da/e", ge=0)] = 0.0
    mz_high: Annotated[float, declare("points above are left out; 0 keeps all", unit="Da/e", ge=0)] = 0.0
    points: Annotated[
        int, declare("read all on one axis of so many points from mz_low to mz_high, even in flight time; 0 leaves each its own", ge=0)
    ] = 0
    replicates: Annotated[
        Literal["group", "average"], declare("technical replicates of a sample: kept together in every split, or averaged")
    ] = "group"


class Study(Section, frozen=True):
    """How models are compared."""

    folds: Annotated[int, declare("outer folds; 0 means five, or as many as the smallest class has patients", ge=0, le=100)] = 0
    inner_folds: Annotated[
        int, declare("folds within each training set, to choose settings and models; 0 as above, at most three", ge=0, le=100)
    ] = 0
    repeats: Annotated[int, declare("repetitions of the whole cross-validation with new folds", ge=1, le=100)] = 3
    models: Annotated[
        tuple[str, ...],
        declare("candidates, or import paths of scikit-learn-compatible estimators; empty or 'all': all that need no extra"),
    ] = ()
    search: Annotated[
        Literal["grid", "random", "optuna"], declare("how parameters are looked for inside the folds; optuna needs that package")
    ] = "grid"
    trials: Annotated[int, declare("points that random and optuna try of each model", ge=1, le=10_000)] = 20
    tune: Annotated[
        tuple[str, ...], declare("settings chosen inside the folds too, among the values of their sweep, such as 'peaks.snr'")
    ] = ()
    resamples: Annotated[int, declare("bootstrap resamples of patients behind each interval", ge=100, le=100_000)] = 2000
    permutations: Annotated[int, declare("label permutations behind each control's p-value", ge=99, le=100_000)] = 999
    shuffles: Annotated[int, declare("shufflings of the labels through the whole pipeline; 0 leaves that test out", ge=0, le=100_000)] = 99
    shuffle_models: Annotated[
        tuple[str, ...], declare("models chosen among anew in every shuffling; empty: a fixed ridge regression, which is fast")
    ] = ()
    panel: Annotated[bool, declare("look for the smallest set of markers that does about as well as the best")] = True
    learning_curve: Annotated[bool, declare("score models that learned from ever more patients")] = True
    sensitivity: Annotated[bool, declare("try other values of each setting and show what changes")] = True
    pairs: Annotated[int, declare("settings, those that move the result most, tried in pairs; 0 for none", ge=0, le=20)] = 3
    universes: Annotated[int, declare("combinations of all settings drawn at random; 0 for none", ge=0, le=10_000)] = 12
    parameters: Annotated[dict[str, dict[str, Any]], declare("parameters set for single models, by name")] = msgspec.field(
        default_factory=dict
    )
    grid: Annotated[dict[str, dict[str, Any]], declare("values tried for single models instead of their own, by name")] = msgspec.field(
        default_factory=dict
    )


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every step of the way from files to report, in order."""

    read: Read = Read()
    transform: SquareRoot | Logarithm | CubeRoot | Skip = SquareRoot()
    smooth: SavitzkyGolay | SavitzkyGolayGrowing | MovingAverage | RunningMedian | Whittaker | DenoiseWavelet | Skip = SavitzkyGolay()
    baseline: Snip | TopHat | MedianBaseline | ConvexHull | RollingBall | Asls | Arpls | Airpls | Drpls | Skip = Snip()
    normalize: NormalizeTic | NormalizeMedian | NormalizeRms | NormalizePeak | Skip = NormalizeTic()
    noise: NoiseMad | NoiseLocal | NoiseQuantile | NoiseSuperSmoother = NoiseMad()
    # Local maxima stay the default although the joint fit finds more true peaks on simulated spectra (benchmarks/peak_truth.py): there
    # all peaks have the shape it fits. Real ones have tails, which it takes for more peaks: of the hundred strongest peaks of a serum
    # spectrum's two replicates 71 % agree with it, 78 % with local maxima (Fiedler 2009); for bacteria it is 77 and 75 % (peak_real.py).
    peaks: FindPeaks | FindPeaksCwt | FindPeaksFit = FindPeaks()
    calibrate: CalibrateShift | CalibrateLinear | CalibrateQuadratic | Skip = Skip()
    quotient: PQN | Skip = Skip()
    align: Align = Align()
    bin: Bin = Bin()
    agreement: Agreement | Skip = Skip()
    filter: Filter = Filter()
    study: Study = Study()


PER_SPECTRUM = ("transform", "smooth", "baseline", "normalize", "noise", "peaks", "calibrate")  # run once, outside the folds
LEARNED = ("quotient", "align", "bin", "agreement", "filter")  # fitted inside every training fold


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
    if step not in tree:
        raise SettingsError(f"settings: no step {step!r}; {choices(step, tree)}")
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
        raise SettingsError(f"{origin}: {_plain(str(error), tree)}") from None


def _plain(message: str, tree: dict[str, Any]) -> str:
    """msgspec's words with the place as ``[section] option``, and what is allowed there instead of a name that nobody knows."""
    what, _, where = message.partition(" - at `$.")
    step, _, option = where.rstrip("`").partition(".")
    if unknown := re.fullmatch("Object contains unknown field `(.+)`", what):
        what = f"no {'option' if step else 'step'} {unknown[1]!r}; {choices(unknown[1], _known_in(step, tree))}"
    elif unknown := re.fullmatch("Invalid (?:enum )?value '(.+)'", what):
        what = f"not {unknown[1]!r}; {choices(unknown[1], _allowed(step, option))}"
    elif isinstance(tree.get(step), dict) and option in tree[step] and ", got" not in what:
        what += f", not {tree[step][option]!r}"
    place = f"[{step}] {option}".strip() + ": " if step else ""
    return place + what


def _known_in(step: str, tree: dict[str, Any]) -> list[str]:
    """Names of the steps, or of the options of one step with the method that `tree` names."""
    if not step:
        return list(Settings.__struct_fields__)
    kinds = methods(step)
    return list((kinds[tree[step]["method"]] if kinds else type(getattr(Settings(), step))).__struct_fields__)


def _allowed(step: str, option: str) -> list[str]:
    """The words that an option may be."""
    if kinds := methods(step):
        return list(kinds)
    return list(get_args(get_type_hints(type(getattr(Settings(), step)))[option]))


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


def _key(name: str) -> str:
    return tomli_w.dumps({name: 0}).rpartition(" = ")[0]


def _inline(values: dict[str, Any]) -> str:
    """A table on one line."""
    return "{" + ", ".join(f"{_key(key)} = {tomli_w.dumps({'v': value}).strip()[4:]}" for key, value in values.items()) + "}"


def _told(name: str, kind: type[Section]) -> str:
    """A method in a sentence, with the names of its options."""
    names = ", ".join(kind().options)
    return f"{name}: {(kind.__doc__ or '').splitlines()[0]}" + (f" Options: {names}." if names else "")


def dump(settings: Settings, *, comments: bool = False) -> str:
    """TOML text of all settings; with `comments`, each option's meaning, unit, bounds and the other methods of each step."""
    lines = []
    for step in settings.__struct_fields__:
        section = getattr(settings, step)
        others = [name for name in methods(step) if name != section.method] if isinstance(section, Method) else []
        if comments and section.__doc__:
            lines.append(f"# {section.__doc__.splitlines()[0]}" + (f" Other methods: {', '.join(others)}." if others else ""))
        if comments and isinstance(section, Skip):  # nothing else says what the step could do
            lines += [f"#   {_told(name, kind)}" for name, kind in methods(step).items() if name in others]
        lines.append(f"[{step}]")
        tables: list[tuple[str, str, dict[str, Any]]] = []
        if isinstance(section, Method):
            lines.append(f'method = "{section.method}"')
        for option in options(settings, step):
            limits = ", ".join(filter(None, [option.unit, option.bounds]))
            words = option.description + (f" ({limits})" if limits else "")
            if isinstance(option.value, dict):
                tables.append((f"{step}.{option.name}", words, option.value))
                continue
            value = list(option.value) if isinstance(option.value, tuple) else option.value
            lines.append(tomli_w.dumps({option.name: value}).strip() + (f"  # {words}" if comments else ""))
        for name, words, value in tables:
            lines.append(f"[{name}]" + (f"  # {words}" if comments else ""))
            lines += [f"{_key(key)} = {_inline(values)}" for key, values in value.items()]
        lines.append("")
    return "\n".join(lines)
