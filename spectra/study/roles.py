"""What the columns of a manifest mean to a study: label, patient, site, date, batch."""

import numpy as np
import pandas as pd

from spectra.errors import SpectraError
from spectra.study.audit import earlier_or_later

ROLES = ("label", "group", "site", "date")


def encode(column):
    """Labels as whole numbers in sorted order.

    Returns
    -------
    y : int array; classes : list of str

    Raises
    ------
    SpectraError
        When labels are missing, one only, or so many that they are a quantity.
    """
    column = pd.Series(column).reset_index(drop=True)
    missing = np.flatnonzero(column.isna())
    if missing.size:
        raise SpectraError(f"label is missing in row {missing[0] + 1}; fill it in or leave the row out")
    y, classes = pd.factorize(column, sort=True)
    if len(classes) < 2:
        raise SpectraError(f"the label has one class only ({classes[0]!r}); a study needs at least two")
    if len(classes) > max(20, len(column) // 4):
        raise SpectraError(f"the label has {len(classes)} different values; give classes, such as --label 'quality>=6'")
    return y.astype(np.int64), [str(name) for name in classes]


def column_of(table, name, role):
    """The column that `role` names, complete.

    Raises
    ------
    SpectraError
        When there is no such column, or it has a gap.
    """
    if name not in table:
        raise SpectraError(f"--{role}: no column {name!r}; there are {', '.join(map(str, table.columns))}")
    column = table[name]
    missing = np.flatnonzero(column.isna())
    if missing.size:
        raise SpectraError(f"--{role}: column {name!r} is empty in row {missing[0] + 1}")
    return column.to_numpy()


def groups_of(table, roles):
    """Who is one patient: the named column, else `patient` or `sample` where there is one, else each row by itself."""
    for name in (roles.get("group"), "patient" if "patient" in table else None, "sample" if "sample" in table else None):
        if name is not None:
            return column_of(table, name, "group"), name
    return np.arange(len(table)), None


def batches_of(table, roles):
    """Columns that could be a batch: the named site and date, and a column called plate."""
    batches = {}
    if roles.get("site"):
        batches[roles["site"]] = table[roles["site"]].to_numpy()
    if "plate" in table and roles.get("site") != "plate":
        batches["plate"] = table["plate"].to_numpy()
    if roles.get("date"):
        batches[roles["date"]] = earlier_or_later(table[roles["date"]])
    return batches
