"""Tables as text: a line of names, then rows; every complaint names the line."""

import csv
import io
import re

import numpy as np

from spectra.errors import SpectraError, SpectrumError, choices
from spectra.io.files import as_path, read_bytes

_COMMA, _GROUPED = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d+)?"), re.compile(r"[+-]?\d{1,3},\d{3}")
_UNKNOWN = {"", "NA", "NaN", "nan", "N/A", "null", "NULL"}


def read_rows(path, delimiters=",;\t"):
    """The names and the rows (lists of str) of a delimited file, and the line on which each row begins.

    Raises
    ------
    SpectraError
        When the file is missing, empty, not UTF-8, without rows, has a name twice, or a row of another length than the names.
    """
    path = as_path(path)
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except SpectrumError as error:
        raise SpectraError(f"{path}: {error}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SpectraError(f"{path}, line {line}: not UTF-8; save the table as UTF-8") from None
    names_line = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(delimiters, key=names_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True)
    names, rows, lines, line = None, [], [], 1
    try:
        for row in reader:
            begins, line = line, reader.line_num + 1
            if not any(field.strip() for field in row):
                continue
            if names is None:
                names = _check_names([" ".join(name.split()) for name in row], f"{path}, line {begins}")
                continue
            if len(row) != len(names):
                raise SpectraError(f"{path}, line {begins}: {len(row)} fields where the names are {len(names)}; correct the line")
            rows.append(row)
            lines.append(begins)
    except csv.Error as error:
        raise SpectraError(f"{path}, line {line}: {error}; correct the quotes") from None
    if not rows:
        raise SpectraError(f"{path}: has no rows below the line of names")
    return names, rows, lines


def _check_names(names, place):
    for i, name in enumerate(names):
        if not name:
            raise SpectraError(f"{place}: column {i + 1} has no name; give it one")
        if name in names[:i]:
            raise SpectraError(f"{place}: two columns are named {name!r}; rename one")
    return names


def require_columns(path, names, required):
    """Raise where a column is missing."""
    missing = [name for name in required if name is not None and name not in names]
    if missing:
        raise SpectraError(f"{path}: has no column {missing[0]!r}; {choices(missing[0], names)}")


def typed_column(fields):
    """Whole numbers, numbers or text, whichever all fields are; unknown (empty or NA) becomes NaN, and None in text.

    Numbers written with leading zeros, such as "007", are names and stay text. A decimal comma is understood, unless every comma of the
    column could as well part thousands.
    """
    fields = [field.strip() for field in fields]
    known = [field for field in fields if field not in _UNKNOWN]
    if known and not any(_is_name(field) for field in known):
        try:
            return np.array(fields, dtype=np.int64) if len(known) == len(fields) else _floats(fields)
        except (ValueError, OverflowError):
            pass
        with_points = [field.replace(",", ".") for field in fields] if _has_decimal_commas(known) else fields
        try:
            return _floats(with_points)
        except ValueError:
            pass
    return np.array([None if field in _UNKNOWN else field for field in fields], dtype=object)


def _has_decimal_commas(fields):
    parted = [field for field in fields if "," in field]
    plain = parted and not any("." in field for field in fields) and all(_COMMA.fullmatch(field) for field in parted)
    return plain and not all(_GROUPED.fullmatch(field) for field in parted)


def _is_name(field):
    return "_" in field or (len(field) > 1 and field[0] == "0" and field[1].isdigit())


def _floats(fields):
    values = np.array([np.nan if field in _UNKNOWN else float(field) for field in fields])
    if np.isinf(values).any():
        raise ValueError("infinite")
    return values
