"""A plain table of features: one row per sample, one column per feature, and columns that say what the sample is."""

import operator
import re

import numpy as np

from spectra.containers import FeatureMatrix
from spectra.errors import SpectraError
from spectra.io.delimited import read_rows, require_columns, typed_column

_MASS = re.compile(r"(?:X|mz|m/z)?[ _]?(\d+(?:\.\d+)?)(?:\.Var\.\d+)?", re.IGNORECASE)
_RULE = re.compile(r"\s*(.+?)\s*(>=|<=|==|!=|>|<)\s*(.+?)\s*")
_COMPARE = {
    ">=": (operator.ge, "<"),
    "<=": (operator.le, ">"),
    "==": (operator.eq, "!="),
    "!=": (operator.ne, "=="),
    ">": (operator.gt, "<="),
    "<": (operator.lt, ">="),
}


def read_table(path, *, label=None, group=None, columns=(), drop=(), features=None):
    """Read a table of features.

    Every column that is not named here is a feature and must hold numbers; empty or NA is an unknown value.

    Parameters
    ----------
    path : str or path
        Commas, semicolons or tabs part the columns; UTF-8.
    label : str or None
        Column with the classes, or a rule such as ``"quality>=6"`` (a column, one of >= <= > < == !=, a value), which makes the two
        classes "quality>=6" and "quality<6". The column of a rule is no feature.
    group : str or None
        Column that names the patient.
    columns : iterable of str
        Further columns that are no features, such as site and date; None is passed over.
    drop : iterable of str
        Columns to leave out.
    features : iterable of str or None
        The columns that are features, in this order; all others but the named ones are left out. None: every other column.

    Returns
    -------
    features : FeatureMatrix
        Features named by their mass (``4468.1``, ``X4468.1.Var.12``, ``mz_4468.1``) have it in ``mz``, others NaN.
    table : DataFrame
        The columns label, group and `columns`; the label under the name given, rule or not.

    Raises
    ------
    SpectraError
        When the file is missing, empty or ragged, lacks a column, has a label unknown, or a feature that is text.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from spectra import read_table
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "wine.csv"
    >>> _ = path.write_text("pH;alcohol;quality\\n3.5;9.4;5\\n3.2;;7\\n")
    >>> features, table = read_table(path, label="quality>=6")
    >>> features.names, table["quality>=6"].tolist()
    (['pH', 'alcohol'], ['quality<6', 'quality>=6'])
    """
    import pandas as pd

    names, rows, lines = read_rows(path)
    rule = _RULE.fullmatch(label) if label is not None and label not in names else None
    source = rule[1] if rule else label
    said = [name for name in dict.fromkeys([source, group, *columns]) if name is not None]
    require_columns(path, names, [*said, *drop, *(features or ())])
    fields = dict(zip(names, zip(*rows, strict=True), strict=True))
    table = {name: typed_column(fields[name]) for name in said if name == group or name in columns}
    if source is not None:
        classes = typed_column(fields[source])
        unknown = pd.isna(classes)
        if unknown.any():
            raise SpectraError(f"{path}, line {lines[int(unknown.argmax())]}: {source!r} is empty; fill it in or remove the line")
        table[label] = _apply_rule(path, classes, *rule.groups()) if rule else classes
    features = [name for name in names if name not in said and name not in drop] if features is None else list(features)
    if not features:
        raise SpectraError(f"{path}: no column is left as a feature")
    values = np.empty((len(rows), len(features)))
    for j, name in enumerate(features):
        values[:, j] = _numbers(path, name, fields[name], lines)
    frame = pd.DataFrame(table, index=range(len(rows)))
    return FeatureMatrix(values, np.array([mass_of(name) for name in features]), ~np.isnan(values), frame, features), frame


def derive_label(samples, label, path):
    """The table of a manifest with a column `label` that a rule such as ``"dose>=1"`` makes of another column.

    A `label` that is a column already, or no rule, leaves the table as it is.
    """
    rule = _RULE.fullmatch(label) if label not in samples else None
    if rule is None or rule[1] not in samples:
        return samples
    column = samples[rule[1]]
    if column.isna().any():
        raise SpectraError(f"{path}: column {rule[1]!r} is empty in row {int(column.isna().to_numpy().argmax()) + 1}; fill it in")
    return samples.assign(**{label: _apply_rule(path, column.to_numpy(), *rule.groups())})


def mass_of(name):
    """The m/z that a feature's name tells, or NaN."""
    found = _MASS.fullmatch(name.strip())
    return float(found[1]) if found else np.nan


def _numbers(path, name, fields, lines):
    column = typed_column(fields)
    if column.dtype != object:
        return column
    numbers = np.empty(len(fields))
    for i, field in enumerate(column):
        try:
            numbers[i] = np.nan if field is None else float(field)
        except ValueError:
            numbers[i] = np.inf
        if np.isinf(numbers[i]):
            where = f"{path}, line {lines[i]}: column {name!r} holds {field[:40]!r}, not a number"
            raise SpectraError(f"{where}; correct it, or leave the column out with --drop {name!r}") from None
    return numbers


def _apply_rule(path, values, column, sign, operand):
    compare, opposite = _COMPARE[sign]
    if values.dtype == object:
        if sign not in ("==", "!="):
            raise SpectraError(f"{path}: column {column!r} is text, so its rule can only be == or !=, not {sign}")
        operand = operand.strip("\"'")
    else:
        try:
            operand = float(operand)
        except ValueError:
            raise SpectraError(f"{path}: column {column!r} holds numbers, but the rule compares it with {operand!r}") from None
    shown = f"{operand:g}" if isinstance(operand, float) else operand
    holds = compare(values, operand)
    return np.array([f"{column}{sign if yes else opposite}{shown}" for yes in holds], dtype=object)
