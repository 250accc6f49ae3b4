"""Bruker flex: a folder with ``fid`` (counts, int32) and ``acqu`` or ``acqus`` (parameters).

The axis is a flight time t_i = DELAY + i DW in ns, and x = sqrt(m/z) solves ML3 x^2 + sqrt(1e12 / ML1) x + ML2 = t.
"""

import math
import re

import numpy as np

from spectra._validation import check_integer, check_number, check_vector
from spectra.errors import SpectraError, SpectrumError
from spectra.io.files import MAX_POINTS, as_path, check_file, replace_file

_PARAMETER = re.compile(r"^##\$?([^=\n]+)=[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_ACQU_BYTES = 2**22


def bruker_axis(n_points, *, ml1, ml2, ml3, delay, dwell):
    """m/z of each point of a flight-time axis, as the instrument's calibration gives it.

    Parameters
    ----------
    n_points : int
    ml1, ml2, ml3 : float
        Calibration constants; ``ml1 > 0``.
    delay, dwell : float
        Time of the first point and time between points, ns.

    Returns
    -------
    float64 ndarray, shape (n_points,)
        Negative where the time lies before ``ml2``.

    Raises
    ------
    SpectraError
        When no m/z belongs to a time, or `n_points` or `ml1` is out of its bounds.

    Examples
    --------
    >>> from spectra import bruker_axis
    >>> bruker_axis(2, ml1=2400000, ml2=280, ml3=-0.0013, delay=10000, dwell=20).round(6)
    array([226.761914, 227.696079])
    """
    n_points = check_integer(n_points, "n_points", low=1, high=MAX_POINTS)
    slope = math.sqrt(1e12 / check_number(ml1, "ml1", above=0))
    time = np.arange(n_points, dtype=np.float64)
    time *= dwell
    time += delay - ml2
    inner = time * (4 * ml3)
    inner += slope * slope
    if inner.min() < 0:
        raise SpectraError(f"no m/z belongs to the flight times, the calibration is wrong (ML1={ml1}, ML2={ml2}, ML3={ml3})")
    np.sqrt(inner, out=inner)
    inner += slope
    time /= inner  # half the quadratic's root, in the form that loses no digits and holds where ml3 is zero
    np.abs(time, out=inner)
    time *= inner
    time *= 4
    return time


def bruker_calibration(time, mz):
    """Constants (ml1, ml2, ml3) that fit flight times to masses by least squares.

    Parameters
    ----------
    time : array_like, shape (n,), ns
    mz : array_like, shape (n,), at least three different masses

    Returns
    -------
    ml1, ml2, ml3 : float

    Raises
    ------
    SpectraError
        When the masses are too few, not above 0, or do not grow with the times.

    Examples
    --------
    >>> from spectra import bruker_axis, bruker_calibration
    >>> mz = bruker_axis(50, ml1=2400000, ml2=280, ml3=-0.0013, delay=10000, dwell=20)
    >>> [round(value, 4) for value in bruker_calibration(range(10000, 11000, 20), mz)]
    [2400000.0, 280.0, -0.0013]
    """
    time, mz = check_vector(time, "time"), check_vector(mz, "mz")
    if time.size != mz.size or np.unique(mz).size < 3 or mz.min() <= 0:
        raise SpectraError("time and mz must be of one length, with at least three different masses, all above 0")
    root = np.sqrt(mz)
    offset, slope, curve = np.linalg.lstsq(np.vander(root, 3, increasing=True), time, rcond=None)[0].tolist()
    if slope <= 0:
        raise SpectraError("flight times must grow with mass")
    return 1e12 / slope**2, offset, curve


def read_bruker(path):
    """Points of a ``fid`` file, or of the folder that holds one.

    Returns
    -------
    mz, intensity : float64 ndarray
    place : callable
        Names a point.
    """
    fid = _find_fid(path)
    values = _read_parameters(fid.parent)
    n_points = int(_value(values, "TD", low=1, high=MAX_POINTS))
    counts = np.fromfile(check_file(fid), dtype=">i4" if _value(values, "BYTORDA", default=0) == 1 else "<i4", count=n_points)
    if counts.size < n_points:
        raise SpectrumError(f"fid is cut short: {counts.size} of {n_points} points; copy it again")
    if _value(values, "TLift", default=0) or (_value(values, "Lift1", default=0) and _value(values, "Lift2", default=0)):
        raise SpectrumError("is a LIFT (fragment) spectrum, whose m/z cannot be computed; export it as mzML")
    if "V1.0CTOF2CalibrationConstants" in values.get("NTBCal", ""):
        raise SpectrumError("its calibration (CTOF2) is not known here; export it as mzML")
    constants = {name.lower(): _value(values, name) for name in ("ML1", "ML2", "ML3")}
    try:
        mz = bruker_axis(n_points, **constants, delay=_value(values, "DELAY"), dwell=_value(values, "DW", above=0))
    except SpectraError as error:
        raise SpectrumError(str(error)) from None
    return _high_precision(mz, values), counts.astype(np.float64), "point {}".format


def _find_fid(path):
    if not path.is_dir():
        return path
    if (path / "fid").is_file():
        return path / "fid"
    found = sorted(path.rglob("fid"))
    if not found:
        raise SpectrumError("a folder without a fid file; name the folder that holds fid and acqu")
    if len(found) > 1:
        raise SpectrumError(f"a folder with {len(found)} fid files; name one of them, such as {found[0].relative_to(path)}")
    return found[0]


def _read_parameters(folder):
    """Parameters of ``acqu``, or of ``acqus`` where it stands alone."""
    for name in ("acqu", "acqus"):
        path = folder / name
        if path.is_file():
            with path.open("rb") as file:
                text = file.read(_ACQU_BYTES).decode("latin-1")
            return dict(_PARAMETER.findall(text.replace("\r", "")))
    raise SpectrumError("there is no acqu or acqus beside the fid; copy the whole folder")


def _value(values, name, default=None, **bounds):
    text = values.get(name, default)
    if text is None:
        raise SpectrumError(f"acqu has no {name}; copy the whole folder again")
    try:
        return check_number(text, f"{name} in acqu", **bounds)
    except SpectraError as error:
        raise SpectrumError(str(error)) from None


def _high_precision(mz, values):
    """The vendor's second calibration: between its limits, m/z less a polynomial of m/z.

    The vendor's software lets the correction set in over some 3 Da around a limit; here, as in R, it sets in at the limit.
    """
    if values.get("HPClUse") != "yes":
        return mz
    low, high = _value(values, "HPClBLo", default=0), _value(values, "HPClBHi", default=0)
    if low <= 0 or high <= low or _value(values, "HPClOrd", default=0) <= 0:
        return mz
    words = values.get("HPCStr", "").replace("<", " ").replace(">", " ").split()
    try:
        start = words.index("V1.0VectorDouble") + 2
        coefficients = [float(word) for word in words[start : start + int(words[start - 1])]]
    except (ValueError, IndexError):
        raise SpectrumError("acqu asks for HPC but its HPCStr cannot be read; export the spectrum as mzML") from None
    inside = (mz >= low) & (mz <= high)
    mz[inside] -= np.polynomial.polynomial.polyval(mz[inside], coefficients)
    return mz


def write_bruker(folder, intensity, *, ml1, ml2, ml3, delay, dwell):
    """Write a spectrum as a flex folder: ``fid`` (little-endian int32) and ``acqus``, made if absent.

    The m/z axis is not written, it follows from the constants: use `bruker_axis` with the same ones, and `bruker_calibration` to
    find them.

    Parameters
    ----------
    folder : str or path
    intensity : array_like, shape (n_points,)
        Counts, rounded to whole numbers.
    ml1, ml2, ml3 : float
        Calibration constants.
    delay, dwell : float
        Time of the first point and time between points, ns.

    Raises
    ------
    SpectraError
        When a count does not fit into 32 bits.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from spectra import read_spectrum, write_bruker
    >>> folder = pathlib.Path(tempfile.mkdtemp()) / "0_A1"
    >>> write_bruker(folder, [3, 1, 2], ml1=2400000, ml2=280, ml3=-0.0013, delay=10000, dwell=20)
    >>> read_spectrum(folder).intensity
    array([3., 1., 2.])
    """
    counts = np.rint(check_vector(intensity))
    limits = np.iinfo(np.int32)
    if counts.min() < limits.min or counts.max() > limits.max:
        raise SpectraError(f"intensity must fit into 32-bit whole numbers, but reaches {np.abs(counts).max():g}")
    bruker_axis(counts.size, ml1=ml1, ml2=ml2, ml3=ml3, delay=delay, dwell=dwell)
    lines = {
        "TITLE": "Simulated",
        "DATATYPE": "CONTINUOUS MASS SPECTRUM",
        "$BYTORDA": 0,
        "$DELAY": float(delay),
        "$DW": float(dwell),
        "$HPClBHi": 0,
        "$HPClBLo": 0,
        "$HPClOrd": 0,
        "$HPClUse": "no",
        "$Lift1": 0,
        "$Lift2": 0,
        "$ML1": float(ml1),
        "$ML2": float(ml2),
        "$ML3": float(ml3),
        "$NoSHOTS": 1,
        "$SPType": 0,
        "$TD": counts.size,
        "$TLift": 0,
        "END": "",
    }
    folder = as_path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / "acqus", "".join(f"##{name}= {value}\n" for name, value in lines.items()).encode())
    replace_file(folder / "fid", counts.astype("<i4").tobytes())
