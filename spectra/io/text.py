"""Spectra as two columns of text, m/z and intensity."""

import gzip
import re

import msgspec
import numpy as np

from spectra._kernels import text as kernels
from spectra._validation import check_axis, check_vector
from spectra.errors import SpectrumError
from spectra.io.files import MAX_POINTS, as_path, read_bytes, replace_file

_COMMENT = (b"#", b"%")
_NUMERIC = re.compile(rb"[+-]?(?:[.,]*\d[\d.,]*(?:e[+-]?\d+)?|nan|inf(?:inity)?)", re.IGNORECASE)
_GROUPED = re.compile(rb"[+-]?\d{1,3},\d{3}")


def read_text(path):
    """Points of a two-column file.

    Lines that are empty or begin with ``#`` or ``%`` are skipped, and one line of column names may stand above the numbers. Commas,
    semicolons, tabs or spaces part the columns; a decimal comma is understood where commas do not part the columns.

    Returns
    -------
    mz, intensity : float64 ndarray
    place : callable
        Names the line of a point.
    """
    raw = read_bytes(path).removeprefix(b"\xef\xbb\xbf")
    if b"\0" in raw:
        raise SpectrumError("neither text nor a format known here; export the spectrum as CSV or mzML")
    if b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    start, first_line = _find_numbers(raw)
    body = raw[start:]
    delimiter = _delimiter(body.partition(b"\n")[0])
    decimal = b"."
    if delimiter != b"," and b"," in body:
        _check_decimal_commas(body)
        decimal = b","
    points = _parse_fast(body, delimiter, decimal)
    if points is None:
        points = _parse_lines(body.replace(decimal, b"."), delimiter, first_line)
    if len(points) > MAX_POINTS:
        raise SpectrumError(f"more than {MAX_POINTS} points: not one spectrum")
    return points[:, 0], points[:, 1], lambda i: f"line {_line_of(body, i) + first_line}"


def _skipped(line):
    line = line.strip()
    return not line or line.startswith(_COMMENT)


def _find_numbers(raw):
    """Offset and number of the first line of numbers, below comments and at most one line of names."""
    start, number, names = 0, 1, None
    while start < len(raw):
        end = raw.find(b"\n", start) % (len(raw) + 1)
        line = raw[start:end]
        if not _skipped(line):
            first = _fields(line, _delimiter(line))[0]
            if _NUMERIC.fullmatch(first):
                return start, number
            if names is not None:
                raise SpectrumError(f"line {number}: {_shown(first)} is not a number; correct or remove the line")
            names = number
        start, number = end + 1, number + 1
    raise SpectrumError("holds no numbers; two columns are needed, m/z and intensity")


def _delimiter(line):
    """What parts the columns of this line; None for white space."""
    if b";" in line:
        return b";"
    words = line.split(None, 2)
    if b"," in line and (len(words) == 1 or words[0].endswith(b",") or words[1:2] == [b","]):
        return b","
    return None


def _fields(line, delimiter):
    """The first three at most: no more than two are of use."""
    return [field.strip().strip(b"\"'") for field in line.split(delimiter, 2)]


def _number(field):
    if b"_" in field:
        return None
    try:
        return float(field)
    except ValueError:
        return None


def _shown(field):
    text = field[:24].decode("utf-8", "replace")
    return repr(text + "…" if len(field) > 24 else text)


def _check_decimal_commas(body):
    """Raise unless the commas can only be decimal commas."""
    if b"." in body:
        raise SpectrumError("uses both comma and point within numbers; export it with decimal points and no thousands separators")
    if all(_GROUPED.fullmatch(field) for field in body.replace(b";", b" ").split() if b"," in field):
        raise SpectrumError("its commas may be decimal commas or thousands separators; export it with decimal points")


def _parse_fast(body, delimiter, decimal):
    """The points of a body where every line has two plain numbers; None where the careful reader must look.

    Compiled, without the GIL; measured in benchmarks/peers/readers.py.
    """
    text = np.frombuffer(body, np.uint8)
    most = min(text.size // 4 + 1, MAX_POINTS + 1)  # a line takes four bytes at least
    points, hard = np.empty((most, 2)), np.empty((2 * most, 3), np.int64)
    separator = kernels.SPACE if delimiter is None else np.uint8(ord(delimiter))
    n_points, n_hard = kernels.parse_columns(text, separator, np.uint8(ord(decimal)), points, hard)
    if n_points < 0:
        return None
    for where, start, end in hard[:n_hard].tolist():
        points.flat[where] = float(body[start:end].replace(decimal, b"."))
    return points[:n_points]


def _parse_lines(body, delimiter, first_line):
    """The points, line by line, with an error that names the line."""
    points = []
    for number, line in enumerate(body.split(b"\n"), first_line):
        if _skipped(line):
            continue
        fields = _fields(line, delimiter)
        if len(fields) != 2:
            columns = "one column" if len(fields) == 1 else "more than two columns"
            raise SpectrumError(f"line {number}: {columns}; two are needed, m/z and intensity")
        values = [_number(field) for field in fields]
        if None in values:
            raise SpectrumError(f"line {number}: {_shown(fields[values.index(None)])} is not a number; correct or remove the line")
        points.append(values)
        if len(points) > MAX_POINTS:
            break
    return np.array(points)


def _line_of(body, point):
    """Which line (from 0) of `body` holds this point."""
    lines = (i for i, line in enumerate(body.split(b"\n")) if not _skipped(line))
    return next(line for i, line in enumerate(lines) if i == point)


def write_csv(path, mz, intensity):
    """Write a spectrum as two columns under the names ``mz,intensity``; `read_spectrum` gives the same numbers back.

    Parameters
    ----------
    path : str or path
        Packed where it ends in ``.gz``; replaced where it exists, only once all is written.
    mz, intensity : array_like, shape (n_points,)

    Raises
    ------
    SpectraError
        When `mz` does not increase strictly or has another length than `intensity`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from spectra import read_spectrum, write_csv
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "one.csv"
    >>> write_csv(path, [1000.5, 1001.0], [3, 4])
    >>> read_spectrum(path).intensity
    array([3., 4.])
    """
    intensity = check_vector(intensity)
    mz = check_axis(mz, intensity.size)
    if (intensity == np.rint(intensity)).all() and np.abs(intensity).max() < 2**53:
        intensity = intensity.astype(np.int64)
    rows = msgspec.json.encode(
        list(zip(mz.tolist(), intensity.tolist(), strict=True))
    )  # the shortest exact digits (benchmarks/peers/readers.py)
    content = b"mz,intensity\n" + rows[2:-2].replace(b"],[", b"\n") + b"\n"
    replace_file(path, gzip.compress(content, 6, mtime=0) if as_path(path).suffix == ".gz" else content)
