"""Checks shared by all wrappers: they convert once to contiguous typed arrays and name the argument that is wrong."""

import operator

import numpy as np

from spectra.errors import SpectraError, SpectrumError


def check_vector(values, name="intensity"):
    """Return `values` as a C-contiguous float32 or float64 vector; float32 stays float32, all else becomes float64.

    Raises
    ------
    SpectraError
        When the array is not one-dimensional, not real numbers, empty, or holds NaN or infinity.
    """
    array = np.asarray(values)
    if array.ndim != 1:
        raise SpectraError(f"{name} must be one-dimensional, not of shape {array.shape}")
    if array.size == 0:
        raise SpectraError(f"{name} is empty")
    if array.dtype.kind not in "fiub":
        raise SpectraError(f"{name} must hold real numbers, not {array.dtype}")
    dtype = np.float32 if array.dtype == np.float32 else np.float64
    array = np.ascontiguousarray(array, dtype=dtype)
    if not np.isfinite(array).all():
        where = int(np.flatnonzero(~np.isfinite(array))[0])
        raise SpectraError(f"{name} holds {array[where]} at point {where}; remove or replace it first")
    return array


def check_axis(mz, n_points):
    """Return `mz` as float64 of length `n_points`, strictly increasing."""
    axis = np.ascontiguousarray(mz, dtype=np.float64) if getattr(mz, "dtype", None) == np.float64 else None
    if (
        axis is not None
        and axis.shape == (n_points,)
        and n_points > 1
        and (axis[1:] > axis[:-1]).all()
        and np.isfinite(axis[[0, -1]]).all()
    ):
        return axis  # what rises all the way holds no NaN: one pass (0.2 ns a point) instead of four
    axis = check_vector(mz, "mz").astype(np.float64, copy=False)
    if axis.size != n_points:
        raise SpectraError(f"mz has {axis.size} points but intensity has {n_points}")
    falls = np.flatnonzero(np.diff(axis) <= 0)
    if falls.size:
        i = int(falls[0])
        raise SpectraError(f"mz must increase strictly, but {axis[i + 1]} follows {axis[i]} at point {i + 1}")
    return axis


def check_integer(value, name, *, low, high=None):
    """Return `value` as a Python int within ``low .. high``."""
    try:
        number = operator.index(value)
    except TypeError:
        raise SpectraError(f"{name} must be a whole number, not {value!r}") from None
    if number < low or (high is not None and number > high):
        allowed = f"at least {low}" if high is None else f"between {low} and {high}"
        raise SpectraError(f"{name} must be {allowed}, not {number}")
    return number


def check_number(value, name, *, above=None, low=None, high=None):
    """Return `value` as a finite float, greater than `above`, at least `low` and at most `high` where given."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise SpectraError(f"{name} must be a number, not {value!r}") from None
    bad = not np.isfinite(number) or (above is not None and number <= above)
    bad = bad or (low is not None and number < low) or (high is not None and number > high)
    if bad:
        words = [f"greater than {above}"] * (above is not None) + [f"at least {low}"] * (low is not None)
        words += [f"at most {high}"] * (high is not None)
        raise SpectraError(f"{name} must be {' and '.join(words) or 'finite'}, not {value!r}")
    return number


def check_half_window(value, n_points, name="half_window"):
    """Return `value` as an int of at least 1 whose window, ``2 * value + 1`` points, fits into the spectrum."""
    half_window = check_integer(value, name, low=1)
    if 2 * half_window + 1 > n_points:
        allowed = f"at most {(n_points - 1) // 2}" if n_points > 2 else "used on at least 3 points"
        raise SpectrumError(f"{name} must be {allowed} for a spectrum of {n_points} points, not {half_window}")
    return half_window


def check_choice(value, name, choices):
    """Return `value` if it is one of `choices`."""
    if value not in choices:
        raise SpectraError(f"{name} must be one of {', '.join(map(repr, choices))}, not {value!r}")
    return value
