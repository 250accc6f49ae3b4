"""What a command reads: a manifest of spectra, a packed cohort, or a plain feature table."""

import dataclasses

from spectra.errors import SpectraError, SpectrumError, choices

PACKED = b"PK\x03\x04"  # a zip, as `Cohort.save` writes it


def read_input(path, *, settings, console, n_jobs, label=None, roles=None, drop=(), features=None):
    """A manifest of spectra, a cohort packed by ``spectra convert`` or `Cohort.save`, or a plain feature table; see `kind_of`.

    Parameters
    ----------
    label : str or None, the column of labels
    roles : dict of role -> column name or None: ``group``, ``site``, ``date``
    drop, features : for a table, see `spectra.read_table`

    Returns
    -------
    data : Cohort or FeatureMatrix
    table : DataFrame of all other columns
    """
    import spectra

    roles = {role: name for role, name in (roles or {}).items() if name}
    kind = kind_of(path)
    if kind == "table":
        rest = [name for role, name in roles.items() if role != "group"]
        matrix, table = spectra.read_table(path, label=label, group=roles.get("group"), columns=rest, drop=drop, features=features)
        console.say(f"{path}: table of {matrix.shape[0]} rows and {matrix.shape[1]} features")
        return matrix, table
    mz_range = None if settings.read.points else (settings.read.mz_low, settings.read.mz_high or float("inf"))
    if kind == "packed":
        cohort = _unpacked(path, list(roles.values()), mz_range)
    else:
        cohort = spectra.read_cohort(
            path,
            columns=roles.values(),
            n_jobs=n_jobs,
            progress=lambda items, total: console.progress(items, total, "reading"),
            mz_range=mz_range,
        )
    console.say(f"{path}: {len(cohort)} spectra read, {len(cohort.set_aside)} set aside")
    cohort = _labelled(cohort, label, path)
    console.set_aside(cohort.set_aside)
    for note in cohort.notes:
        console.say(f"  {note}")
    return cohort, cohort.samples


def _labelled(cohort, label, path):
    """The cohort with a column of that name, perhaps made by a rule."""
    from spectra.io.table import derive_label

    if not label:
        return cohort
    samples = derive_label(cohort.samples, label, path)
    if label not in samples:
        raise SpectraError(f"{path}: --label: no column {label!r}; {choices(label, samples.columns)}")
    return dataclasses.replace(cohort, samples=samples)


def _unpacked(path, columns, mz_range):
    """A packed cohort as if read from its files: within the range, those outside set aside."""
    import spectra
    from spectra.io.delimited import require_columns
    from spectra.io.spectrum import cut

    cohort = spectra.Cohort.open(path)
    if cohort.peaks is not None:
        raise SpectraError(f"{path}: holds processed spectra and their peaks; pack the raw ones")
    require_columns(path, [str(name) for name in cohort.samples], columns)
    if mz_range in (None, (0, float("inf"))):
        return cohort
    kept, keep, aside = [], [], list(cohort.set_aside)
    for row, spectrum in enumerate(cohort):
        try:
            kept.append(cut(spectrum, mz_range))
            keep.append(row)
        except SpectrumError as error:
            aside.append({"file": str(cohort.samples["file"].iloc[row]), "reason": str(error)})
    if not kept:
        raise SpectraError(f"{path}: none of its {len(cohort)} spectra can be used; the first, {aside[0]['file']!r}: {aside[0]['reason']}")
    return spectra.Cohort.from_spectra(kept, cohort.samples.iloc[keep], set_aside=aside, notes=cohort.notes)


def holds_spectra(path):
    """Is it a manifest or a packed cohort, and no feature table?"""
    return kind_of(path) != "table"


def kind_of(path):
    """What a file is: ``"packed"`` spectra, a ``"manifest"`` (the first line names a column ``file``), or a ``"table"`` of features."""
    from spectra.io.files import as_path, read_chunks

    if as_path(path).is_dir():
        raise SpectraError(f"{path}: is a folder; give a CSV with a column 'file' that names each spectrum in it, one a row")
    try:
        head = next(read_chunks(as_path(path)))
        if head.startswith(PACKED):
            return "packed"
        first = next((line for line in head.splitlines() if line.strip()), b"").decode("utf-8-sig")
    except SpectrumError as error:
        raise SpectraError(f"{path}: {error}") from None
    except UnicodeDecodeError:
        raise SpectraError(f"{path}: not a text file in UTF-8; save the manifest or feature table as CSV in UTF-8") from None
    for mark in "\"'":
        first = first.replace(mark, "")
    names = first.replace(";", ",").replace("\t", ",").split(",")
    return "manifest" if "file" in [name.strip() for name in names] else "table"
