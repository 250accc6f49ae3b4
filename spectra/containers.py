"""What the steps pass to each other: `Spectrum`, `Cohort`, `PeakList`, `Warp`, `FeatureMatrix`.

A cohort is flat: all intensities behind one another, all *different* m/z axes behind one another, and one start per
spectrum into each. Spectra that share an axis start at the same place; a part of a cohort has other starts into the same arrays::

    intensity  |--- spectrum 0 ---|--- spectrum 1 ---|--- spectrum 2 ---|
    start      0                  n0                 n0+n1
    size       n0                 n1                 n2
    mz         |------ axis A ------|--- axis B ---|
    mz_start   0 (spectrum 0)   0 (spectrum 1)   nA (spectrum 2)
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spectra.errors import SpectraError

if TYPE_CHECKING:
    import pandas as pd


BLOCK = 1 << 18  # points that one job works through: some milliseconds, so that handing jobs out costs little


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """One profile, and where it came from.

    Attributes
    ----------
    mz : float64 ndarray, shape (n_points,), strictly increasing (Da/e)
    intensity : ndarray, shape (n_points,), counts
    name : str

    Examples
    --------
    >>> import numpy as np
    >>> from spectra import Spectrum
    >>> spectrum = Spectrum(np.array([1000.0, 1000.5, 1001.0]), np.array([3.0, 7.0, 4.0]), "a.csv")
    >>> len(spectrum), spectrum.name
    (3, 'a.csv')
    """

    mz: np.ndarray
    intensity: np.ndarray
    name: str = ""

    def __len__(self) -> int:
        return self.intensity.size


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class PeakList:
    """The peaks of one spectrum, by increasing m/z; every field has shape (n_peaks,).

    ``mz`` is the position (Da/e), ``intensity`` the height there, ``snr`` the height over the local noise, ``fwhm`` the full width
    at half maximum (Da/e), ``area`` the integral between ``left`` and ``right`` (Da/e), ``index`` the apex's point. ``quality`` is
    the share of the variance around the peak that its expected shape explains, 0 to 1 (NaN: not judged), ``saturated`` says that the
    detector clipped it, so that its height, width and area are too small (see `flag_saturated`).
    """

    mz: np.ndarray
    intensity: np.ndarray
    snr: np.ndarray
    fwhm: np.ndarray
    area: np.ndarray
    left: np.ndarray
    right: np.ndarray
    index: np.ndarray
    quality: np.ndarray = None  # type: ignore[assignment]  # an array once made
    saturated: np.ndarray = None  # type: ignore[assignment]  # likewise

    def __post_init__(self):
        if self.quality is None:
            object.__setattr__(self, "quality", np.full(np.size(self.mz), np.nan))
        if self.saturated is None:
            object.__setattr__(self, "saturated", np.zeros(np.size(self.mz), bool))

    def __len__(self) -> int:
        return self.mz.size

    def __getitem__(self, rows) -> PeakList:
        return PeakList(*(getattr(self, field.name)[rows] for field in dataclasses.fields(self)))


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Warp:
    """A spectrum's calibration shift: add ``interp(mz, at, shift)``, constant beyond the ends. Empty arrays: no shift."""

    at: np.ndarray
    shift: np.ndarray

    def __call__(self, mz):
        mz = np.asarray(mz, dtype=np.float64)
        return mz + np.interp(mz, self.at, self.shift) if self.at.size else mz


@dataclasses.dataclass(frozen=True, eq=False)
class Cohort:
    """Many spectra and a table that says what each is.

    Attributes
    ----------
    intensity : ndarray of float32 or float64, at least as long as all spectra together
    start, size : int64 ndarrays, shape (n_spectra,): where each spectrum's intensities begin, and how many they are
    mz : float64 ndarray, all different axes behind one another
    mz_start : int64 ndarray, shape (n_spectra,)
    samples : DataFrame, one row per spectrum, with at least the column ``file``
    peaks : list of PeakList, or None before detection
    warps : list of Warp, or None before alignment
    noise : list of ndarray (one noise level, or one per point), or None before estimation
    set_aside : list of dict with ``file`` and ``reason``: the spectra that could not be used
    notes : list of str, what the reader did to the data (such as points trimmed)

    Every public function of one spectrum is a method as well: ``cohort.savitzky_golay(half_window=10)`` runs it over all
    spectra, on ``n_jobs`` threads; with ``in_place=True`` those that give intensities write them over the old ones.

    Examples
    --------
    >>> import numpy as np
    >>> from spectra import Cohort, Spectrum
    >>> mz = np.linspace(1000.0, 2000.0, 101)
    >>> cohort = Cohort.from_spectra([Spectrum(mz, np.full(101, 3.0), "a.csv"), Spectrum(mz, mz, "b.csv")])
    >>> len(cohort), cohort.n_axes, cohort[0].name
    (2, 1, 'a.csv')
    >>> cohort.savitzky_golay(half_window=5)[0].intensity[:2].round(6).tolist()
    [3.0, 3.0]
    """

    intensity: np.ndarray
    start: np.ndarray
    size: np.ndarray
    mz: np.ndarray
    mz_start: np.ndarray
    samples: pd.DataFrame
    peaks: list[PeakList] | None = None
    warps: list[Warp] | None = None
    noise: list[np.ndarray] | None = None
    set_aside: list[dict[str, str]] = dataclasses.field(default_factory=list)
    notes: list[str] = dataclasses.field(default_factory=list)

    @classmethod
    def from_spectra(cls, spectra: Iterable[Spectrum], samples: pd.DataFrame | None = None, **more) -> Cohort:
        """Lay spectra out flat; equal axes are stored once. `samples` defaults to a table of their names."""
        import pandas as pd

        spectra = list(spectra)
        if samples is None:
            samples = pd.DataFrame({"file": [spectrum.name for spectrum in spectra]})
        if len(samples) != len(spectra):
            raise SpectraError(f"samples has {len(samples)} rows for {len(spectra)} spectra")
        starts: dict[bytes, int] = {}
        axes, mz_start, end = [], [], 0
        for spectrum in spectra:
            key = spectrum.mz.tobytes()
            if key not in starts:
                starts[key] = end
                axes.append(spectrum.mz)
                end += spectrum.mz.size
            mz_start.append(starts[key])
        mz = np.concatenate(axes) if axes else np.empty(0)
        flat = _lay_flat([spectrum.intensity for spectrum in spectra])
        return cls(*flat, mz, np.array(mz_start, np.int64), samples.reset_index(drop=True), **more)

    def with_intensities(self, intensities: Sequence[np.ndarray]) -> Cohort:
        """A copy with other intensities on the same axes, one array per spectrum."""
        intensity, start, size = _lay_flat(intensities)
        if not np.array_equal(size, self.size):
            raise SpectraError("the new intensities do not fit the m/z axes")
        return dataclasses.replace(self, intensity=intensity, start=start)

    def __len__(self) -> int:
        return self.mz_start.size

    @property
    def shape(self) -> tuple[int]:
        """(n_spectra,), so that scikit-learn's splitters can index a cohort like an array."""
        return (len(self),)

    @property
    def n_axes(self) -> int:
        """How many different m/z axes there are."""
        return np.unique(self.mz_start).size

    def axis_of(self, i: int) -> np.ndarray:
        """m/z of spectrum `i`, a view."""
        return self.mz[self.mz_start[i] : self.mz_start[i] + self.size[i]]

    def moved_axis_of(self, row: int) -> np.ndarray:
        """m/z of one spectrum's points where calibration or alignment has put them."""
        axis = self.axis_of(row)
        return axis if self.warps is None else self.warps[row](axis)

    def intensity_of(self, i: int) -> np.ndarray:
        """Intensities of spectrum `i`, a view."""
        return self.intensity[self.start[i] : self.start[i] + self.size[i]]

    def spectrum(self, i: int) -> Spectrum:
        """Spectrum `i` (views, no copy)."""
        return Spectrum(self.axis_of(i), self.intensity_of(i), str(self.samples["file"].iloc[i]))

    def __iter__(self):
        return (self.spectrum(i) for i in range(len(self)))

    def __getitem__(self, rows):
        """One `Spectrum` for a whole number, a `Cohort` for a slice, a mask or an index array; no intensity is copied."""
        if isinstance(rows, (int, np.integer)):
            return self.spectrum(range(len(self))[rows])
        rows = np.arange(len(self))[rows]
        return dataclasses.replace(
            self,
            start=self.start[rows],
            size=self.size[rows],
            mz_start=self.mz_start[rows],
            samples=self.samples.iloc[rows].reset_index(drop=True),
            peaks=_take(self.peaks, rows),
            warps=_take(self.warps, rows),
            noise=_take(self.noise, rows),
        )

    def map(self, function: Callable[..., Any], *, n_jobs: int | None = None) -> list[Any]:
        """``[function(mz, intensity) for each spectrum]`` over threads; an error names the spectrum."""
        return self._over_blocks(lambda i: function(self.axis_of(i), self.intensity_of(i)), n_jobs)

    def rewrite(
        self, function: Callable[..., tuple[np.ndarray, Any]], *, n_jobs: int | None = None, in_place: bool = False
    ) -> tuple[Cohort, list[Any]]:
        """Replace the intensities of each spectrum by the first of the two things that ``function(mz, intensity)`` returns.

        However many steps the function strings together, a spectrum is read once and its result written once, where it stays.

        Parameters
        ----------
        function : callable
            Returns an array of the spectrum's size, and anything else.
        n_jobs : int, optional
            Threads.
        in_place : bool
            Write over the intensities of this cohort, and of every other that shares them; no memory is taken for a second set.

        Returns
        -------
        Cohort
        list
            What else the function returned, for each spectrum.

        Raises
        ------
        SpectraError
            When a result has another size or, in place, another dtype; or when two rows are to write over one spectrum.
        """
        start, target = self.start, self.intensity
        if not in_place:
            start = np.cumsum(self.size) - self.size
            target = np.empty(self.size.sum(), np.float32 if target.dtype == np.float32 else np.float64)
        elif np.unique(start).size < start.size:
            raise SpectraError("in_place: two rows of the cohort are one spectrum; give in_place=False")

        def write(i):
            result, rest = function(self.axis_of(i), self.intensity_of(i))
            if result.size != self.size[i]:
                raise SpectraError(f"the new intensities are {result.size}, not {self.size[i]} as the m/z axis")
            if in_place and result.dtype != target.dtype:
                raise SpectraError(f"in_place: {result.dtype} cannot be written over {target.dtype}")
            target[start[i] : start[i] + self.size[i]] = result
            return rest

        rest = self._over_blocks(write, n_jobs)
        return dataclasses.replace(self, intensity=target, start=start), rest

    def _over_blocks(self, job: Callable[[int], Any], n_jobs: int | None) -> list[Any]:
        """``[job(row) for each row]``, threads taking blocks of rows that follow one another."""
        from spectra._threads import over_threads

        def call(i):
            try:
                return job(i)
            except SpectraError as error:
                raise type(error)(f"{self.samples['file'].iloc[i]}: {error}") from None

        ends = np.cumsum(self.size)
        most = min(BLOCK, ends[-1] // 32 + 1) if len(self) else 1  # in a small cohort every thread still gets its share
        blocks = np.split(np.arange(len(self)), np.flatnonzero(np.diff((ends - 1) // most)) + 1)
        return [result for block in over_threads(lambda rows: [call(i) for i in rows], blocks, n_jobs=n_jobs) for result in block]

    def save(self, path) -> None:
        """Write the cohort to one file (see `save_cohort`)."""
        importlib.import_module(__package__).save_cohort(self, path)

    @classmethod
    def open(cls, path) -> Cohort:
        """Read a file that `save` wrote (see `open_cohort`)."""
        return importlib.import_module(__package__).open_cohort(path)

    def __getattr__(self, name):
        """Public functions of one spectrum, as methods (see `verb`)."""
        function = None if name.startswith("_") else getattr(importlib.import_module(__package__), name, None)
        if not hasattr(function, "takes"):
            raise AttributeError(f"a Cohort has no {name!r}")
        return functools.partial(_run_verb, self, function)


def _lay_flat(pieces: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(intensity, start, size): float32 if all pieces are, else float64."""
    size = np.array([piece.size for piece in pieces], np.int64)
    start = np.cumsum(size) - size
    single = bool(len(pieces)) and all(piece.dtype == np.float32 for piece in pieces)
    intensity = np.empty(size.sum(), np.float32 if single else np.float64)
    for piece, first in zip(pieces, start, strict=True):
        intensity[first : first + piece.size] = piece
    return intensity, start, size


def _take(items: Sequence[Any] | None, rows) -> list[Any] | None:
    return None if items is None else [items[i] for i in rows]


def verb(*, takes: str, gives: str):
    """Mark a public function of one spectrum so that it becomes a method of `Cohort`.

    takes : ``"intensity"`` or ``"mz, intensity"``, its leading arguments
    gives : ``"intensity"`` (method returns a Cohort with the intensities replaced; ``in_place=True`` writes them over the old ones),
        ``"baseline"`` (likewise; subtract it yourself), ``"spectrum"`` (a Cohort of the spectra on their new axes), ``"noise"``,
        ``"peaks"`` (a Cohort with that field set) or ``"number"`` (an array, one per spectrum)
    """

    def mark(function):
        function.takes, function.gives = takes, gives
        return function

    return mark


def _run_verb(cohort: Cohort, function, *, n_jobs: int | None = None, in_place: bool = False, **options):
    def call(mz, y):
        return function(y, **options) if function.takes == "intensity" else function(mz, y, **options)

    if function.gives in ("intensity", "baseline"):
        return cohort.rewrite(lambda mz, y: (call(mz, y), None), n_jobs=n_jobs, in_place=in_place)[0]
    if in_place:
        raise SpectraError(f"{function.__name__} does not give intensities on the same axis, so it cannot work in place")
    results = cohort.map(call, n_jobs=n_jobs)
    if function.gives == "number":
        return np.array(results)
    if function.gives == "spectrum":
        return Cohort.from_spectra(results, cohort.samples, set_aside=cohort.set_aside, notes=cohort.notes)
    changed: dict[str, Any] = {function.gives: results}
    return dataclasses.replace(cohort, **changed)


@dataclasses.dataclass(frozen=True, eq=False)
class FeatureMatrix:
    """Spectra (or samples) by bins.

    Attributes
    ----------
    values : float64 ndarray, shape (n_rows, n_features), NaN where a value is unknown
    mz : float64 ndarray, shape (n_features,), the bins' centres (Da/e); or NaN where features are no peaks
    present : bool ndarray, shape (n_rows, n_features): a peak was found there (False: the value was filled in)
    samples : DataFrame, one row per row
    names : list of str, one per feature
    """

    values: np.ndarray
    mz: np.ndarray
    present: np.ndarray
    samples: pd.DataFrame
    names: list[str]

    def __len__(self) -> int:
        return self.present.shape[0]

    @property
    def shape(self) -> tuple[int, ...]:
        """(n_rows, n_features)"""
        return self.present.shape

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype=dtype, copy=copy)

    def __getitem__(self, rows) -> FeatureMatrix:
        rows = np.arange(len(self))[rows]
        samples = self.samples.iloc[rows].reset_index(drop=True)
        return dataclasses.replace(self, values=self.values[rows], present=self.present[rows], samples=samples)

    def columns(self, keep) -> FeatureMatrix:
        """The features that `keep` (mask or indices) selects."""
        keep = np.arange(self.shape[1])[keep]
        return dataclasses.replace(
            self,
            values=self.values.take(keep, axis=1),
            mz=self.mz[keep],
            present=self.present.take(keep, axis=1),
            names=[self.names[i] for i in keep],
        )
