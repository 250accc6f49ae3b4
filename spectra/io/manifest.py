"""The table that says which files there are and what each spectrum is."""

import dataclasses

import numpy as np

from spectra.containers import Cohort
from spectra.errors import SpectraError, SpectrumError
from spectra.io.delimited import read_rows, require_columns, typed_column
from spectra.io.files import as_path
from spectra.io.spectrum import load_spectrum


def read_manifest(path, *, required=()):
    """Read a manifest: one row per spectrum, a column ``file`` (relative to the manifest), then any columns.

    Parameters
    ----------
    path : str or path
        Commas, semicolons or tabs part the columns; decimal points or commas; UTF-8.
    required : iterable of str
        Columns that must be there; None is passed over.

    Returns
    -------
    DataFrame
        Columns of numbers as numbers, others as text; unknown is NaN or None. ``file`` as written.

    Raises
    ------
    SpectraError
        When the table is missing, empty, not UTF-8 or ragged, lacks a column, or names a file twice or not at all.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from spectra import read_manifest
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "manifest.csv"
    >>> _ = path.write_text("file,label,age\\na.csv,ill,61\\nb.csv,well,58\\n")
    >>> read_manifest(path)["age"].tolist()
    [61, 58]
    """
    import pandas as pd

    names, rows, lines = read_rows(path)
    require_columns(path, names, ["file", *required])
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    files = [name.strip() for name in columns["file"]]
    first = {}
    for name, line in zip(files, lines, strict=True):
        if not name:
            raise SpectraError(f"{path}, line {line}: 'file' is empty; name the spectrum or remove the line")
        if name in first:
            raise SpectraError(f"{path}, line {line}: {name!r} is already on line {first[name]}; remove one of them")
        first[name] = line
    return pd.DataFrame({name: files if name == "file" else typed_column(fields) for name, fields in columns.items()})


def read_cohort(manifest, *, columns=(), n_jobs=None, progress=None, mz_range=None):
    """Read all spectra that a manifest names; those that cannot be used are set aside with the reason.

    Parameters
    ----------
    manifest : str or path
        See `read_manifest`.
    columns : iterable of str
        Columns that the manifest must have.
    n_jobs : int or None
        Threads.
    progress : callable or None
        ``progress(iterable, n_spectra)`` gives back the same iterable and may show how far it is.
    mz_range : (low, high) or None
        Keep the points with ``low <= m/z < high``, Da/e.

    Returns
    -------
    Cohort
        With ``set_aside`` (file and reason of each) and ``notes``.

    Raises
    ------
    SpectraError
        When the manifest is bad, or no spectrum is left.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from spectra import read_cohort, write_csv
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> write_csv(folder / "a.csv", [1000.5, 1001.0], [3, 4])
    >>> _ = (folder / "manifest.csv").write_text("file,label\\na.csv,ill\\nb.csv,well\\n")
    >>> cohort = read_cohort(folder / "manifest.csv")
    >>> len(cohort), cohort.set_aside
    (1, [{'file': 'b.csv', 'reason': 'no such file; correct its name'}])
    """
    from joblib import delayed

    from spectra._threads import parallel

    samples = read_manifest(manifest, required=columns)
    if mz_range is not None and not 0 <= mz_range[0] < mz_range[1]:
        raise SpectraError(f"mz_range must be a lower and a higher m/z, not {mz_range!r}")
    folder = as_path(manifest).parent
    jobs = (delayed(_load)(_beside(folder, name), mz_range) for name in samples["file"])
    results = parallel(n_jobs, "generator")(jobs)
    if progress is not None:
        results = progress(results, len(samples))
    spectra, keep, set_aside, trims = [], [], [], []
    for row, (spectrum, trimmed, reason) in enumerate(results):
        if spectrum is None:
            set_aside.append({"file": samples["file"].iloc[row], "reason": reason})
            continue
        if spectra and np.array_equal(spectra[-1].mz, spectrum.mz):
            spectrum = dataclasses.replace(spectrum, mz=spectra[-1].mz)  # spectra of one run share their axis: keep it once
        spectra.append(spectrum)
        keep.append(row)
        trims.append(trimmed)
    if not spectra:
        first = set_aside[0]
        where = "" if (folder / first["file"]).exists() else f" (files are looked for beside the manifest, in {folder.resolve()})"
        said = f"the first, {first['file']!r}: {first['reason']}{where}"
        raise SpectraError(f"{manifest}: none of its {len(samples)} spectra can be used; {said}")
    return Cohort.from_spectra(spectra, samples.iloc[keep], set_aside=set_aside, notes=_trim_note(trims))


def _beside(folder, name):
    """The path of a file that the manifest names; where there is none, backslashes part folders as on Windows."""
    path = folder / name
    return folder / name.replace("\\", "/") if "\\" in name and not path.exists() else path


def _load(path, mz_range):
    try:
        return *load_spectrum(path, mz_range), None
    except SpectrumError as error:
        return None, 0, str(error)


def _trim_note(trims):
    touched = [trimmed for trimmed in trims if trimmed]
    if not touched:
        return []
    low, high = min(touched), max(touched)
    counts = f"{low}" if low == high else f"{low} to {high}"
    return [f"{counts} points at m/z <= 0 left out in {len(touched)} of {len(trims)} spectra"]
