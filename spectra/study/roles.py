"""What the columns of a manifest mean to a study: label, patient, site, date, batch."""

import re

import numpy as np
import pandas as pd

from spectra.errors import SpectraError, choices
from spectra.io.table import source_of
from spectra.study.audit import earlier_or_later
from spectra.study.tasks import level_names, levels

ROLES = ("label", "group", "site", "date")
MOST_DOUBTS = 3  # told of one column
_LEADING = re.compile(r"(?<![\d.,])0+(?=\d)")
WHAT = {"group": "patients", "site": "places", "date": "days"}


def task_of(label, task=None):
    """The task asked for, or that of a transform: a quantity; None where the label's values decide.

    >>> task_of("log10(dose)"), task_of("dose"), task_of("dose", "classification")
    ('regression', None, 'classification')
    """
    return task or ("regression" if source_of(label, ())[1] else None)


def encode(column, task=None):
    """Labels as whole numbers in sorted order; a quantity also as it is.

    Parameters
    ----------
    column : array_like
    task : {"classification", "regression"}, optional
        Default: regression where the label is a number of many different values.

    Returns
    -------
    y : int array, of a quantity its level; classes : list of str, of a quantity the levels' ranges
    quantity : float array, or None for classes

    Raises
    ------
    SpectraError
        When labels are missing, one only, or so many that they are no classes, or numbers are wanted and there is text.
    """
    column = pd.Series(column).reset_index(drop=True)
    missing = np.flatnonzero(column.isna())
    if missing.size:
        raise SpectraError(f"label is missing in row {missing[0] + 1}; fill it in or leave the row out")
    y, classes = pd.factorize(column, sort=True)
    if len(classes) < 2:
        raise SpectraError(f"the label has one class only ({str(classes[0])!r}); a study needs at least two")
    many, number = len(classes) > max(20, len(column) // 4), pd.api.types.is_numeric_dtype(column)
    if task == "regression" or (task is None and many and number):
        return _quantity(column)
    if many:
        hint = "--task regression predicts a quantity" if number else "a quantity must hold numbers only"
        raise SpectraError(f"the label has {len(classes)} different values; give classes, such as --label 'quality>=6'; {hint}")
    return y.astype(np.int64), [str(name) for name in classes], None


def _quantity(column):
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(float)
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if wrong.size:
        raise SpectraError(f"--task regression: the label in row {wrong[0] + 1} is {column[wrong[0]]!r}, not a number")
    return levels(numbers)[0], level_names(numbers), numbers


def column_of(table, name, role):
    """The column that `role` names, complete.

    Raises
    ------
    SpectraError
        When there is no such column, or it has a gap.
    """
    if name not in table:
        raise SpectraError(f"--{role}: no column {name!r}; {choices(name, table.columns)}")
    column = table[name]
    missing = np.flatnonzero(column.isna())
    if missing.size:
        where = f"for {table['file'].iloc[missing[0]]!r}" if "file" in table else f"in row {missing[0] + 1}"
        raise SpectraError(f"--{role}: column {name!r} is empty {where}; fill it in or leave the row out")
    return column.to_numpy()


def dates_of(table, name):
    """The column of dates as numpy's, times with a zone in UTC.

    Raises
    ------
    SpectraError
        When there is no such column, it has a gap, or a value is no date.
    """
    column = pd.Series(column_of(table, name, "date")).astype(str)
    when = pd.to_datetime(column, utc=True, format="ISO8601", errors="coerce")
    wrong = np.flatnonzero(when.isna())
    if wrong.size:
        raise SpectraError(
            f"--date: column {name!r} holds {column[wrong[0]][:40]!r} in row {wrong[0] + 1}, which is no date; write dates as 2026-11-23"
        )
    return when.dt.tz_localize(None).to_numpy()


def check_roles(table, roles):
    """Refuse columns of sites and dates that are not there, are the label itself, have a gap, or hold no dates, before anything is computed."""
    source = source_of(roles["label"], table.columns.drop(roles["label"], errors="ignore"))[0]
    for role in ROLES[1:]:
        if roles.get(role) in (roles["label"], source):
            raise SpectraError(f"--{role}: column {roles[role]!r} is the label itself and cannot name the {WHAT[role]} too; give another")
    if roles.get("site"):
        column_of(table, roles["site"], "site")
    if roles.get("date"):
        dates_of(table, roles["date"])


def look_alikes(table, roles):
    """A sentence on each column of names of which some differ as typing errors do.

    Examples
    --------
    >>> table = pd.DataFrame({"who": ["p1", "P1", "p2", "p02", "q"], "what": list("abcde")})
    >>> look_alikes(table, {"label": "what", "group": "who"})
    ["--group: 'p1' and 'P1', 'p2' and 'p02' in column 'who' differ in case, spaces or leading zeros alone and count as different; \
if they are one, write them alike."]
    """
    said = []
    for role, name in roles.items():
        if role == "date" or name not in table or pd.api.types.is_numeric_dtype(table[name]):
            continue
        alike: dict[str, list[str]] = {}
        for value in dict.fromkeys(table[name].dropna().astype(str)):
            alike.setdefault(_LEADING.sub("", "".join(value.casefold().split())), []).append(repr(value))
        doubts = [" and ".join(names) for names in alike.values() if len(names) > 1]
        if doubts:
            more = f" and {len(doubts) - MOST_DOUBTS} more" if len(doubts) > MOST_DOUBTS else ""
            said.append(
                f"--{role}: {', '.join(doubts[:MOST_DOUBTS])}{more} in column {name!r} differ in case, spaces or leading zeros alone and "
                "count as different; if they are one, write them alike."
            )
    return said


def groups_of(table, roles):
    """Who is one patient: the named column, else `patient` or `sample` where there is one, else each row by itself."""
    for name in (roles.get("group"), "patient" if "patient" in table else None, "sample" if "sample" in table else None):
        if name is not None:
            return column_of(table, name, "group"), name
    return np.arange(len(table)), None


def called(name):
    """What a group is called by the column that names it, without an ending such as ``_id``; "patient" where that is no plain word.

    >>> called("Mouse_ID"), called("chip"), called("X1")
    ('mouse', 'chip', 'patient')
    """
    name = re.sub(r"[ _-]?(id|no|nr|number|name)$", "", str(name).lower())
    return name if re.fullmatch(r"[a-z]{3,20}", name) and not name.endswith("s") else "patient"


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
