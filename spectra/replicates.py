"""Technical replicates: several spectra of one sample become one."""

import dataclasses

import numpy as np

from spectra.containers import Cohort, Spectrum
from spectra.errors import SpectraError


def average_replicates(cohort, *, by="sample", label="label"):
    """One spectrum per sample: the mean of its replicates' intensities.

    Nothing is learned across samples, so this may run before any split. Replicates with another axis than the sample's first are
    interpolated onto that, linearly. Peaks, warps and noise are not carried over: find them afterwards.

    Parameters
    ----------
    cohort : Cohort
    by : str
        Column of the table that names the sample.
    label : str or None
        Column that must agree within a sample, where the table has it.

    Returns
    -------
    Cohort
        Samples in the order of their first spectrum. Columns that agree within each sample are kept as they are; where they differ, the
        values are joined with ";".

    Raises
    ------
    SpectraError
        When the table lacks the column, a sample is unnamed, or a sample has two labels.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spectra import Cohort, Spectrum, average_replicates
    >>> mz = np.array([1000.0, 1001.0])
    >>> pair = [Spectrum(mz, np.array([1.0, 2.0]), "a"), Spectrum(mz, np.array([3.0, 2.0]), "b")]
    >>> table = pd.DataFrame({"file": ["a", "b"], "sample": ["s", "s"], "label": ["ill", "ill"]})
    >>> mean = average_replicates(Cohort.from_spectra(pair, table))
    >>> mean.intensity, mean.samples["file"].tolist()
    (array([2., 2.]), ['a;b'])
    """
    import pandas as pd

    samples = cohort.samples
    if by not in samples:
        raise SpectraError(f"the table has no column {by!r}; there are {', '.join(map(str, samples.columns))}")
    unnamed = samples[by].isna().to_numpy()
    if unnamed.any():
        raise SpectraError(f"{samples['file'].iloc[int(unnamed.argmax())]}: {by!r} is empty; name the sample or leave the spectrum out")
    codes, names = pd.factorize(samples[by])
    if label is not None and label in samples:
        _check_labels(samples[label], codes, names, by)
    order = np.argsort(codes, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1) if len(cohort) else []
    table = pd.DataFrame({name: _merged(samples[name], codes, groups) for name in samples})
    spectra = [_mean(cohort, rows, str(table["file"].iloc[i])) for i, rows in enumerate(groups)]
    averaged = Cohort.from_spectra(spectra, table)
    return dataclasses.replace(averaged, set_aside=cohort.set_aside, notes=cohort.notes)


def _check_labels(labels, codes, names, by):
    kinds = labels.groupby(codes).nunique(dropna=False)
    if (kinds > 1).any():
        code = int(kinds.index[kinds > 1][0])
        found = ", ".join(map(str, labels[codes == code].unique()))
        raise SpectraError(f"{by} {names[code]!r} has two labels ({found}); correct the table")


def _merged(column, codes, groups):
    """One value per sample."""
    if (column.groupby(codes).nunique(dropna=False) <= 1).all():
        return column.iloc[[rows[0] for rows in groups]].reset_index(drop=True)
    return [";".join(dict.fromkeys(column.iloc[rows].dropna().astype(str))) for rows in groups]


def _mean(cohort, rows, name):
    axis = cohort.axis_of(rows[0])
    total = np.zeros(axis.size)
    for i in rows:
        same = cohort.mz_start[i] == cohort.mz_start[rows[0]] and cohort.intensity_of(i).size == axis.size
        total += cohort.intensity_of(i) if same else np.interp(axis, cohort.axis_of(i), cohort.intensity_of(i))
    total /= len(rows)
    return Spectrum(axis, total.astype(cohort.intensity.dtype, copy=False), name)
