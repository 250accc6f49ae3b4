"""A plain table of features: one row per sample, one column per feature, and columns that say what the sample is."""

import operator
import re

import numpy as np

from spectra.containers import FeatureMatrix
from spectra.errors import SpectraError
from spectra.io.delimited import read_rows, require_columns, typed_column

_MASS = re.compile(r"(?:X|mz|m/z)?[ _]?(\d+(?:\.\d+)?)(?:\.Var\.\d+)?", re.IGNORECASE)
_RULE = re.compile(r"\s*(.+?)\s*(>=|<=|==|!=|>|<)\s*(.+?)\s*")
_TRANSFORM = re.compile(r"\s*(log10|log2|ln|sqrt)\(\s*(.+?)\s*(?:\+\s*(\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)\s*)?\)\s*")
_FUNCTIONS = {"log10": np.log10, "log2": np.log2, "ln": np.log, "sqrt": np.sqrt}
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
        Commas, semicolons or tabs part the columns; decimal points or commas; UTF-8.
    label : str or None
        Column with the classes, or a rule such as ``"quality>=6"`` (a column, one of >= <= > < == !=, a value), which makes the two
        classes "quality>=6" and "quality<6"; or a quantity such as ``"log10(dose+0.01)"`` (log10, log2, ln or sqrt of a column, perhaps plus
        a number). The column of a rule is no feature.
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
    rule = _rule_in(label, names)
    source = rule[0] if rule else label
    said = [name for name in dict.fromkeys([source, group, *columns]) if name is not None]
    require_columns(path, names, [*said, *drop, *(features or ())])
    fields = dict(zip(names, zip(*rows, strict=True), strict=True))
    table = {name: typed_column(fields[name]) for name in said if name == group or name in columns}
    if source is not None:
        classes = typed_column(fields[source])
        unknown = pd.isna(classes)
        if unknown.any():
            raise SpectraError(f"{path}, line {lines[int(unknown.argmax())]}: {source!r} is empty; fill it in or remove the line")
        table[label] = rule[1](path, classes) if rule else classes
    features = [name for name in names if name not in said and name not in drop] if features is None else list(features)
    if not features:
        raise SpectraError(f"{path}: no column is left as a feature")
    values = np.empty((len(rows), len(features)))
    for j, name in enumerate(features):
        values[:, j] = _numbers(path, name, fields[name], lines)
    frame = pd.DataFrame(table, index=range(len(rows)))
    return FeatureMatrix(values, np.array([mass_of(name) for name in features]), ~np.isnan(values), frame, features), frame


def derive_label(samples, label, path):
    """The table of a manifest with a column `label` that a rule such as ``"dose>=1"`` or ``"log10(dose)"`` makes of another column.

    A `label` that is a column already, or no rule, leaves the table as it is.
    """
    rule = _rule_in(label, samples)
    if rule is None or rule[0] not in samples:
        return samples
    column = samples[rule[0]]
    if column.isna().any():
        raise SpectraError(f"{path}: column {rule[0]!r} is empty in row {int(column.isna().to_numpy().argmax()) + 1}; fill it in")
    return samples.assign(**{label: rule[1](path, column.to_numpy())})


def source_of(label, names):
    """The column that a label, a rule or a transform is made of, and whether it is a transform, so a quantity.

    >>> source_of("log10(dose+0.01)", ["dose"]), source_of("dose>=1", ["dose"]), source_of("dose", ["dose"])
    (('dose', True), ('dose', False), ('dose', False))
    """
    rule = _rule_in(label, names)
    return (label, False) if rule is None else (rule[0], _RULE.fullmatch(label) is None)


def _rule_in(label, names):
    """(column, callable (path, values) -> labels) of a rule or a transform; None where `label` is a column or neither."""
    if label is None or label in names:
        return None
    if found := _RULE.fullmatch(label):
        return found[1], lambda path, values: _apply_rule(path, values, *found.groups())
    if found := _TRANSFORM.fullmatch(label):
        return found[2], lambda path, values: _transformed(path, values, label, *found.groups())
    return None


def _transformed(path, values, label, function, column, plus):
    if np.asarray(values).dtype.kind not in "iuf":
        raise SpectraError(f"{path}: column {column!r} is text, so {label} cannot be computed")
    moved = np.asarray(values, float) + float(plus or 0)
    wrong = np.flatnonzero(~(moved >= 0 if function == "sqrt" else moved > 0))
    if wrong.size:
        raise SpectraError(
            f"{path}: {column!r} is {values[wrong[0]]:g} in row {wrong[0] + 1}, so {label} is no number; "
            f"add a little, such as --label '{function}({column}+1)'"
        )
    return _FUNCTIONS[function](moved)


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
            hint = f"correct it, or leave the column out with --drop {name!r}"
            if "file" in name.casefold() or "spectrum" in name.casefold() or "path" in name.casefold():
                hint = "if it names spectra, call the column 'file'"
            raise SpectraError(f"{where}; {hint}") from None
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
