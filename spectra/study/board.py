"""Many run folders side by side: one row of plain values each, to be filtered, sorted and compared.

>>> rows = [{"run": "a", "auc": 0.7}, {"run": "b", "auc": 0.9}, {"run": "c"}]
>>> [row["run"] for row in choose(rows, ["auc>=0.8"])]
['b']
>>> [row["run"] for row in arrange(rows, "-auc")]
['b', 'a', 'c']
"""

import operator
import pathlib
import re

from spectra import settings as declared
from spectra.errors import SpectraError, choices
from spectra.study import record
from spectra.study.outcome import SELECTED

COLUMNS = (
    "run",
    "finished",
    "command",
    "spectra",
    "patients",
    "model",
    "auc",
    "auc_low",
    "auc_high",
    "concordance",
    "alarms",
    "seconds",
    "input",
)
"""What the board shows unless told otherwise."""

_RULE = re.compile(r"\s*([^<>=!~]+?)\s*(>=|<=|!=|==|=|>|<|~)\s*(.*?)\s*")
_COMPARE = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    "==": operator.eq,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}


def flat(tree, prefix=""):
    """Pairs of dotted name and value of nested dictionaries.

    >>> dict(flat({"a": {"b": 1}, "c": 2}))
    {'a.b': 1, 'c': 2}
    """
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def settings_of(folder):
    """Dotted settings of a run, empty where it has none that this version can read."""
    try:
        return dict(flat(declared.to_dict(declared.load(pathlib.Path(folder) / "settings.toml")), "settings."))
    except SpectraError:
        return {}


def scores_of(results):
    """Every score of the model selected inside: ``auc``, ``auc_low``, ``auc_high`` and so on."""
    chosen = next((model for model in results.get("models", []) if model["name"] == SELECTED), {})
    found = {}
    for name, value in chosen.items():
        if isinstance(value, dict) and "mean" in value:
            found |= {name: value["mean"], f"{name}_low": value["low"], f"{name}_high": value["high"]}
        elif isinstance(value, (int, float)):
            found[name] = value
    return found


def row_of(folder):
    """One run as plain values.

    Returns
    -------
    dict of str -> value
        ``run``, ``finished``, ``command``, ``input``, ``label``, ``spectra``, ``patients``, ``model``, ``alarms``, ``seconds``, ``seed``, ``commit``,
        the scores of the model selected inside, ``external_auc`` (of a quantity ``external_concordance``) and ``scored`` where an external set was
        scored, and ``settings.STEP.OPTION``.

    Raises
    ------
    SpectraError
        When the folder is no finished run.
    """
    folder = pathlib.Path(folder)
    facts, results = record.read_run(folder)
    data, external = results.get("data", {}), results.get("external") or {}
    row = {
        "run": folder.name,
        "finished": facts.get("finished"),
        "command": facts.get("command"),
        "input": facts.get("input"),
        "label": (facts.get("roles") or {}).get("label"),
        "spectra": data.get("n_spectra"),
        "patients": data.get("n_groups"),
        "model": results.get("best"),
        **scores_of(results),
        **{f"external_{rank}": external[rank]["mean"] for rank in ("auc", "concordance") if rank in external},
        "scored": external.get("times"),
        "alarms": sum(bool(control["flag"]) for control in results["audit"]) if "audit" in results else None,
        "seconds": facts.get("seconds"),
        "seed": facts.get("seed"),
        "commit": facts.get("git_commit"),
        **settings_of(folder),
    }
    return {name: value for name, value in row.items() if value is not None}


def read_board(folder):
    """The runs in a folder, newest first.

    Returns
    -------
    rows : list of dict, as of `row_of`
    unreadable : list of str, what could not be read and why
    """
    rows, unreadable = [], []
    for path in sorted(pathlib.Path(folder).glob("*/run.json")):
        try:
            rows.append(row_of(path.parent))
        except SpectraError as error:
            unreadable.append(str(error))
    return sorted(rows, key=lambda row: str(row.get("finished", "")), reverse=True), unreadable


def _number(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def choose(rows, rules):
    """The rows that keep all rules such as ``auc>=0.8``, ``model=random forest`` or ``input~serum`` (contains); an unknown value keeps none.

    Raises
    ------
    SpectraError
        When a rule cannot be read, or names what no run has.
    """
    for rule in rules:
        parts = _RULE.fullmatch(rule)
        if parts is None:
            raise SpectraError(f"--filter {rule}: write NAME, one of >= <= > < = != ~, and a value, such as auc>=0.8")
        name, sign, value = parts.groups()
        _known(rows, name, "--filter")
        numbers = all(_number(row[name]) is not None for row in rows if name in row)
        if sign in ("<", ">", "<=", ">=") and numbers and _number(value) is None:
            raise SpectraError(f"--filter {rule}: {name} is a number, {value!r} is none")
        rows = [row for row in rows if name in row and _holds(row[name], sign, value)]
    return rows


def _holds(own, sign, value):
    if sign == "~":
        return value.lower() in str(own).lower()
    mine, other = _number(own), _number(value)
    if mine is None or other is None or isinstance(own, bool):
        mine, other = str(own), value
    return _COMPARE[sign](mine, other)


def arrange(rows, name):
    """The rows by one column, from low to high; from high to low with a leading ``-``; those without a value last."""
    falling, name = name.startswith("-"), name.removeprefix("-")
    _known(rows, name, "--sort")
    there = [row for row in rows if name in row]
    numbers = all(_number(row[name]) is not None for row in there)
    there.sort(key=lambda row: _number(row[name]) if numbers else str(row[name]), reverse=falling)
    return there + [row for row in rows if name not in row]


def _known(rows, name, option):
    names = list(dict.fromkeys(name for row in rows for name in row))
    if rows and name not in names:
        raise SpectraError(f"{option}: no run has {name!r}; {choices(name, names)}")


def cells(rows, columns):
    """Short texts of the columns, one list per row."""
    return [[_text(row.get(name)) for name in columns] for row in rows]


def _text(value):
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def differences(first, second):
    """What two runs differ in.

    Returns
    -------
    dict of section -> list of (name, value there, value here); sections: settings, data, versions, results
    """
    found = {}
    sides = [_sections(folder) for folder in (first, second)]
    for section in sides[0]:
        left, right = (side[section] for side in sides)
        names = [name for name in left | right if left.get(name) != right.get(name)]
        if names:
            found[section] = [(name, left.get(name), right.get(name)) for name in names]
    return found


def _sections(folder):
    facts, results = record.read_run(folder)
    data = {name: value for name, value in results.get("data", {}).items() if name != "set_aside"}
    data |= {"spectra set aside": len(results.get("data", {}).get("set_aside", []))}
    for name in ("input", "input_sha256", "roles", "drop", "seed"):
        data[name] = facts.get(name)
    scores = {
        f"{model['name']}.{name}": round(value["mean"], 4)
        for model in results.get("models", [])
        for name, value in model.items()
        if isinstance(value, dict) and value.get("mean") is not None
    }
    scores |= {f"audit.{row['control']} -> {row['predicts']}": "alarm" if row["flag"] else "calm" for row in results.get("audit", [])}
    scores["best"] = results.get("best")
    scores["markers"] = ", ".join(row["name"] for row in results.get("markers", [])[:10])
    scores["panel"] = ", ".join(row["name"] for row in (results.get("panel") or {}).get("members", []))
    return {
        "settings": {name.removeprefix("settings."): value for name, value in settings_of(folder).items()},
        "data": dict(flat(data)),
        "versions": facts.get("versions", {}) | {"git commit": facts.get("git_commit")},
        "results": scores,
    }
