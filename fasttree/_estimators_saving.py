"""The header of a saved model: its parameters, names and categories as JSON and back again, without trust in what a file says."""

import itertools
import json

import numpy as np

from fasttree._validation import MOST_CATEGORIES

FORMAT, VERSION = "fasttree", 2
_MOST_HEADER = 1 << 24  # bytes
_MOST = np.finfo(np.float64).max.item()  # of a category that is a number; whole ones may be of any length in JSON


class Malformed(Exception):
    """What is wrong with a file."""


def require(condition, message):
    """Refuse the file unless the condition holds."""
    if not condition:
        raise Malformed(message)


def part_of(parts, name, kind, n_dimensions=1):
    """An array of the file, of just that type."""
    require(name in parts, f"has no {name}")
    array = parts[name]
    require(array.dtype == kind and array.ndim == n_dimensions, f"{name} isn't {np.dtype(kind)} in {n_dimensions} dimension(s)")
    return array


def write_header(estimator, name, n_classes, n_outputs, max_features):
    """The header as uint8, UTF-8 JSON; see `fasttree.interop`."""
    parameters = {key: _plain(key, value) for key, value in estimator.get_params(deep=False).items() if key != "n_jobs"}
    names = getattr(estimator, "feature_names_in_", None)
    header = {
        "format": FORMAT,
        "version": VERSION,
        "estimator": name,
        "parameters": parameters,
        "n_features": int(estimator.n_features_in_),
        "feature_names": None if names is None else [str(column) for column in names],
        "n_classes": n_classes,
        "n_outputs": int(n_outputs),
        "max_features": int(max_features),
        "categories": {str(feature): [_category(value) for value in known] for feature, known in estimator._levels.items()},
    }
    return np.frombuffer(json.dumps(header, sort_keys=True).encode(), dtype=np.uint8)


def _plain(name, value):
    """A parameter as JSON can hold it; a `RandomState` isn't kept."""
    if isinstance(value, np.random.RandomState):
        return None
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return _plain(name, value.tolist())
    if isinstance(value, (list, tuple)):
        return [_plain(name, part) for part in value]
    if isinstance(value, dict):  # JSON's own have keys of text only
        return {"pairs": [[_plain(name, key), _plain(name, part)] for key, part in value.items()]}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"parameter {name}={value!r} can't be saved; give numbers, text or None")


def _category(value):
    """A category as JSON can hold it."""
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, (bool, int, float, str)):
        raise TypeError(f"category {value!r} can't be saved; use numbers, booleans or text")
    return value


def read_header(parts, estimators):
    """The header as a dict. estimators : names that it may have"""
    raw = part_of(parts, "header", np.uint8)
    require(raw.size <= _MOST_HEADER, "its header is too long")
    try:
        header = json.loads(raw.tobytes())
    except (ValueError, RecursionError) as error:
        raise Malformed(f"its header isn't JSON: {error}") from error
    require(isinstance(header, dict) and header.get("format") == FORMAT, "not a fasttree model")
    require(header.get("version") in (1, VERSION), f"version {header.get('version')!r}; this package reads versions 1 and {VERSION}")
    require(header.get("estimator") in estimators, f"unknown estimator {header.get('estimator')!r}")
    require(isinstance(header.get("parameters"), dict), "has no parameters")
    for name in ("n_features", "n_outputs", "max_features"):
        require(type(header.get(name)) is int and 1 <= header[name] < 2**31, f"{name} isn't a number of at least 1")
    names = header.get("feature_names")
    valid = names is None or (isinstance(names, list) and len(names) == header["n_features"] and all(isinstance(n, str) for n in names))
    require(valid, "feature_names don't name each feature")
    return header


def from_plain(value):
    """The parameter that `_plain` wrote."""
    if isinstance(value, list):
        return [from_plain(part) for part in value]
    if not isinstance(value, dict):
        return value
    pairs = value.get("pairs")
    valid = isinstance(pairs, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in pairs)
    require(valid and not any(isinstance(key, (list, dict)) for key, _ in pairs), "a parameter isn't pairs of key and value")
    return {key: from_plain(part) for key, part in pairs}


def read_levels(header):
    """Position -> sorted categories."""
    given, levels = header.get("categories", {}), {}
    require(isinstance(given, dict), "categories aren't lists by feature")
    for key, known in given.items():
        require(key.isdecimal() and int(key) < header["n_features"], f"categories of a feature {key!r}, which there isn't")
        text = isinstance(known, list) and all(isinstance(value, str) for value in known)
        number = isinstance(known, list) and all(isinstance(value, (bool, int, float)) and abs(value) <= _MOST for value in known)
        require(text or number, f"categories of feature {key} are neither text nor numbers")
        require(all(a < b for a, b in itertools.pairwise(known)), f"categories of feature {key} don't ascend")
        require(len(known) <= MOST_CATEGORIES, f"feature {key} has more than {MOST_CATEGORIES} categories")
        levels[int(key)] = known
    return levels
