"""Technical replicates: several spectra of one sample become one, or tell how far each peak can be trusted."""

import dataclasses

import numpy as np

from spectra._steps import Learned
from spectra._validation import check_number
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
        Samples in the order of their first spectrum. Columns that agree within each sample are kept as they are; where they differ, numbers
        are averaged, of dates as 2026-11-23 the first is taken, and other values are joined with ";".

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
    codes, names = _samples(samples, by)
    if label is not None and label in samples:
        _check_labels(samples[label], codes, names, by)
    order = np.argsort(codes, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1) if len(cohort) else []
    table = pd.DataFrame({name: _merged(samples[name], codes, groups) for name in samples})
    spectra = [_mean(cohort, rows, str(table["file"].iloc[i])) for i, rows in enumerate(groups)]
    averaged = Cohort.from_spectra(spectra, table)
    return dataclasses.replace(averaged, set_aside=cohort.set_aside, notes=cohort.notes)


def _samples(table, by):
    """(codes, names): which sample each row belongs to."""
    import pandas as pd

    if by not in table:
        raise SpectraError(f"the table has no column {by!r}; there are {', '.join(map(str, table.columns))}")
    unnamed = table[by].isna().to_numpy()
    if unnamed.any():
        raise SpectraError(f"{table['file'].iloc[int(unnamed.argmax())]}: {by!r} is empty; name the sample or leave the spectrum out")
    return pd.factorize(table[by])


def _check_labels(labels, codes, names, by):
    kinds = labels.groupby(codes).nunique(dropna=False)
    if (kinds > 1).any():
        code = int(kinds.index[kinds > 1][0])
        found = ", ".join(map(str, labels[codes == code].unique()))
        raise SpectraError(f"{by} {names[code]!r} has two labels ({found}); correct the table")


def _merged(column, codes, groups):
    """One value per sample."""
    import pandas as pd

    if (column.groupby(codes).nunique(dropna=False) <= 1).all():
        return column.iloc[[rows[0] for rows in groups]].reset_index(drop=True)
    if column.dtype.kind in "iuf":
        return [column.iloc[rows].mean() for rows in groups]
    text = column.astype(str)
    if text.str.match(r"\d{4}-\d\d").all():
        when = pd.to_datetime(text, format="ISO8601", utc=True, errors="coerce").to_numpy()
        return [text.iloc[rows[int(np.argmin(when[rows]))]] for rows in groups]
    return [";".join(dict.fromkeys(column.iloc[rows].dropna().astype(str))) for rows in groups]


def _mean(cohort, rows, name):
    axis = cohort.axis_of(rows[0])
    total = np.zeros(axis.size)
    for i in rows:
        same = cohort.mz_start[i] == cohort.mz_start[rows[0]] and cohort.intensity_of(i).size == axis.size
        total += cohort.intensity_of(i) if same else np.interp(axis, cohort.axis_of(i), cohort.intensity_of(i))
    total /= len(rows)
    return Spectrum(axis, total.astype(cohort.intensity.dtype, copy=False), name)


def replicate_agreement(features, *, by="sample"):
    """How well the replicates of a sample agree, feature by feature.

    Parameters
    ----------
    features : FeatureMatrix
        One row per spectrum, no value missing.
    by : str
        Column of its table that names the sample.

    Returns
    -------
    DataFrame, one row per feature
        ``name``, ``mz`` (Da/e); ``cv``, the standard deviation within samples (pooled over them) over the mean; ``icc``, the intraclass
        correlation of the one-way random model: the share of the variance that lies between samples, 1 where replicates are alike and
        0 or less where they differ as much as samples do; ``cv`` is NaN where the mean is not positive, ``icc`` where nothing varies.

    Raises
    ------
    SpectraError
        When the table lacks the column, no sample has two spectra, there is one sample only, or a value is NaN.

    References
    ----------
    Shrout & Fleiss (1979), Psychol. Bull. 86, 420, ICC(1,1); for unequal numbers of replicates: Donner (1986), Int. Stat. Rev. 54, 67.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spectra import FeatureMatrix, replicate_agreement
    >>> values = np.array([[10.0, 5.0], [11.0, 9.0], [20.0, 6.0], [21.0, 8.0]])
    >>> table = pd.DataFrame({"file": list("abcd"), "sample": ["s", "s", "t", "t"]})
    >>> features = FeatureMatrix(values, np.array([1000.0, 2000.0]), values > 0, table, ["1000.0", "2000.0"])
    >>> replicate_agreement(features).round(2)[["name", "cv", "icc"]].values.tolist()
    [['1000.0', 0.05, 0.99], ['2000.0', 0.32, -1.0]]
    """
    import pandas as pd

    codes, names = _samples(features.samples, by)
    count = np.bincount(codes, minlength=len(names))
    n, groups = codes.size, len(names)
    if groups < 2 or n == groups:
        raise SpectraError(f"{groups} values of {by!r} in {n} spectra: agreement needs two samples, one of them with two spectra")
    values = features.values
    if np.isnan(values).any():
        raise SpectraError(f"feature {features.names[int(np.isnan(values).any(axis=0).argmax())]} has missing values: fill them first")
    centred = values - values.mean(axis=0)
    sums = np.zeros((groups, values.shape[1]))
    np.add.at(sums, codes, centred)
    means = sums / count[:, None]
    within = ((centred - means[codes]) ** 2).sum(axis=0) / (n - groups)
    between = (count[:, None] * means**2).sum(axis=0) / (groups - 1)
    typical = (n - (count**2).sum() / n) / (groups - 1)  # replicates a sample
    total, mean = between + (typical - 1) * within, values.mean(axis=0)
    cv = np.divide(np.sqrt(within), mean, out=np.full(mean.size, np.nan), where=mean > 0)
    icc = np.divide(between - within, total, out=np.full(mean.size, np.nan), where=total > 0)
    return pd.DataFrame({"name": features.names, "mz": features.mz, "cv": cv, "icc": icc})


class ReplicateFilter(Learned):
    """Keep the features on which the replicates of a sample agree, FeatureMatrix -> FeatureMatrix.

    Learned inside the training fold, from training samples only; labels play no part.

    Parameters
    ----------
    min_icc : float, up to 1
        Least intraclass correlation.
    max_cv : float, above 0, or None
        Greatest coefficient of variation within samples.
    by : str
        Column that names the sample.

    Attributes
    ----------
    keep_ : bool ndarray, shape (n_features,)
    agreement_ : DataFrame
        As given by `replicate_agreement`.
    """

    def __init__(self, *, min_icc=0.5, max_cv=None, by="sample"):
        self.min_icc = min_icc
        self.max_cv = max_cv
        self.by = by

    def fit(self, features, y=None):
        """Learn from a FeatureMatrix which features to keep."""
        least = check_number(self.min_icc, "min_icc", high=1)
        most = np.inf if self.max_cv is None else check_number(self.max_cv, "max_cv", above=0)
        self.agreement_ = replicate_agreement(features, by=self.by)
        self.keep_ = ((self.agreement_["icc"] >= least) & ((self.agreement_["cv"] <= most) | np.isinf(most))).to_numpy()
        if not self.keep_.any():
            raise SpectraError(f"replicates agree on no feature: lower min_icc ({least:g}) or raise max_cv ({most:g})")
        return self

    def transform(self, features):
        """Return the FeatureMatrix with the kept features only."""
        return features.columns(self.keep_)
