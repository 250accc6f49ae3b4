"""A cohort in one file: a zip of plain arrays (npz) with a JSON text for the table; nothing in it is ever executed."""

import dataclasses
import io
import json
import math
import zipfile

import numpy as np

from spectra.containers import Cohort, PeakList, Warp
from spectra.errors import SpectraError
from spectra.io.files import as_path, replacing

FORMAT = 1
_DAMAGE = (OSError, EOFError, zipfile.BadZipFile, RuntimeError, ValueError, KeyError, TypeError, AttributeError)
_PEAK_FIELDS = [field.name for field in dataclasses.fields(PeakList)]


def save_cohort(cohort, path):
    """Write a cohort to one file, all at once: a reader sees the old file or the new one.

    Parameters
    ----------
    cohort : Cohort
    path : str or path
        Any name; ``.cohort`` is the habit.

    Raises
    ------
    SpectraError
        When a column of the table holds something else than numbers and text.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from spectra import Cohort, Spectrum
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "small.cohort"
    >>> Cohort.from_spectra([Spectrum(np.array([1.0, 2.0]), np.array([3.0, 4.0]), "a")]).save(path)
    >>> Cohort.open(path).samples["file"].tolist()
    ['a']
    """
    arrays = {"mz": cohort.mz, "mz_start": cohort.mz_start}
    _flatten(arrays, "intensity", [cohort.intensity_of(i) for i in range(len(cohort))])
    if cohort.peaks is not None:
        for name in _PEAK_FIELDS:
            _flatten(arrays, f"peaks.{name}", [getattr(peaks, name) for peaks in cohort.peaks])
    if cohort.warps is not None:
        _flatten(arrays, "warps.at", [warp.at for warp in cohort.warps])
        _flatten(arrays, "warps.shift", [warp.shift for warp in cohort.warps])
    if cohort.noise is not None:
        _flatten(arrays, "noise", [np.atleast_1d(noise) for noise in cohort.noise])
    columns = {str(name): _column(cohort.samples[name]) for name in cohort.samples}
    about = {"format": FORMAT, "samples": columns, "set_aside": cohort.set_aside, "notes": cohort.notes}
    arrays["about"] = np.frombuffer(json.dumps(about, allow_nan=False).encode(), np.uint8)
    with replacing(path) as file:
        np.savez(file, allow_pickle=False, **arrays)


def _flatten(arrays, name, pieces):
    arrays[f"{name}.offsets"] = np.cumsum([0] + [piece.size for piece in pieces], dtype=np.int64)
    arrays[name] = np.concatenate(pieces) if pieces else np.empty(0)


def _column(column):
    """Numbers as numbers and text as text; unknown is null."""
    import pandas as pd

    kind = {"i": "int", "u": "int", "f": "float", "b": "bool"}.get(column.dtype.kind, "text")
    values = [None if pd.isna(value) else value for value in column.tolist()]
    if kind == "float":
        values = [str(value) if value is not None and math.isinf(value) else value for value in values]
    elif kind == "text" and not all(value is None or isinstance(value, str) for value in values):
        raise SpectraError(f"column {column.name!r} of the samples holds neither numbers nor text; convert it first")
    return {"kind": kind, "values": values}


def open_cohort(path):
    """Read what `save_cohort` wrote.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    Cohort

    Raises
    ------
    SpectraError
        When the file is missing, damaged, of a newer format, or its parts do not fit together.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from spectra import open_cohort, save_cohort, simulate_cohort
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "cohort.npz"
    >>> save_cohort(simulate_cohort(2, seed=0).cohort, path)
    >>> len(open_cohort(path))
    2
    """
    path = as_path(path)
    try:
        arrays = _read_arrays(path)
        about = json.loads(arrays.pop("about").tobytes())
        if about["format"] != FORMAT:
            raise SpectraError(f"{path}: is of format {about['format']!r}, this version reads {FORMAT}; update it")
        return _build(arrays, about)
    except SpectraError:
        raise
    except FileNotFoundError:
        raise SpectraError(f"{path}: no such file; correct its name") from None
    except _DAMAGE as error:
        raise SpectraError(f"{path}: not a saved cohort, or damaged ({type(error).__name__}: {error})") from None


def _read_arrays(path):
    """The arrays of the zip; they must be stored unpacked, so that no file can ask for more memory than its own size."""
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        packed = any(entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size for entry in entries)
        if packed or sum(entry.file_size for entry in entries) > path.stat().st_size:
            raise ValueError("its arrays are packed")
        for entry in entries:
            arrays[entry.filename.removesuffix(".npy")] = _plain_array(archive.read(entry))
    return arrays


def _plain_array(raw):
    content = io.BytesIO(raw)
    if np.lib.format.read_magic(content) != (1, 0):
        raise ValueError("an array is of another version")
    shape, _, dtype = np.lib.format.read_array_header_1_0(content)
    start = content.tell()
    if dtype.kind not in "iufb" or len(shape) != 1 or dtype.itemsize * shape[0] != len(raw) - start:
        raise ValueError("an array is not plain")
    return np.frombuffer(raw, dtype, offset=start).copy()


def _build(arrays, about):
    import pandas as pd

    samples = pd.DataFrame({name: _values(column) for name, column in about["samples"].items()})
    offsets, mz_start = arrays["intensity.offsets"].astype(np.int64), arrays["mz_start"].astype(np.int64)
    intensity, mz, size = arrays["intensity"], arrays["mz"].astype(np.float64), np.diff(offsets)
    _check_offsets(offsets, mz_start.size, intensity.size)
    if intensity.dtype.kind != "f" or len(samples) != mz_start.size or "file" not in samples:
        raise ValueError("its table does not fit its spectra")
    if mz_start.size and (mz_start.min() < 0 or (mz_start + size).max() > mz.size):
        raise ValueError("its axes do not fit its spectra")
    if not (all(isinstance(note, str) for note in about["notes"]) and all(isinstance(row, dict) for row in about["set_aside"])):
        raise ValueError("its notes are not text")
    peaks = warps = noise = None
    if "peaks.mz" in arrays:
        names = [name for name in _PEAK_FIELDS if f"peaks.{name}" in arrays]  # the last two are of a later version
        fields = (_pieces(arrays, f"peaks.{name}", mz_start.size) for name in names)
        peaks = [PeakList(**dict(zip(names, each, strict=True))) for each in zip(*fields, strict=True)]
    if "warps.at" in arrays:
        parts = (_pieces(arrays, name, mz_start.size) for name in ("warps.at", "warps.shift"))
        warps = [Warp(at, shift) for at, shift in zip(*parts, strict=True)]
    if "noise" in arrays:
        noise = _pieces(arrays, "noise", mz_start.size)
    return Cohort(intensity, offsets[:-1], size, mz, mz_start, samples, peaks, warps, noise, about["set_aside"], about["notes"])


def _values(column):
    kind, values = column["kind"], column["values"]
    if kind == "float":
        return np.array([np.nan if value is None else float(value) for value in values])
    if kind == "text":
        return np.array(values, dtype=object)
    return np.array(values, dtype={"int": np.int64, "bool": np.bool_}[kind])


def _check_offsets(offsets, n_pieces, size):
    if offsets.size != n_pieces + 1 or offsets[0] != 0 or offsets[-1] != size or (np.diff(offsets) < 0).any():
        raise ValueError("its offsets do not fit its arrays")


def _pieces(arrays, name, n_pieces):
    flat, offsets = arrays[name], arrays[f"{name}.offsets"].astype(np.int64)
    _check_offsets(offsets, n_pieces, flat.size)
    return np.split(flat, offsets[1:-1]) if n_pieces else []
