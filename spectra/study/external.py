"""A held-out set that took no part in anything: the frozen model answers for it, and each look is counted."""

import dataclasses
import datetime
import re
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from spectra.containers import Cohort
from spectra.errors import SpectraError
from spectra.pipeline import preprocess
from spectra.study import familiar, ledger, scores, seen, tasks
from spectra.study.outcome import SELECTED
from spectra.study.result import ModelScore
from spectra.study.roles import column_of, encode, groups_of
from spectra.study.splits import group_labels

SCHEME = "external"
_RULE = re.compile(r"\s*(.+?)\s*={1,2}\s*(.+?)\s*")


class External(NamedTuple):
    """An external set as scored by the frozen model.

    name : what it was called; digest : of its numbers; times : how often it was scored, this one included; earlier : those before, as of `ledger`
    classes : label -> rows; unfamiliar : rows unlike the training data; score : ModelScore
    """

    name: str
    digest: str
    times: int
    earlier: list[dict[str, Any]]
    n_rows: int
    n_groups: int
    classes: dict[str, int]
    unfamiliar: int
    set_aside: list[dict[str, str]]
    score: ModelScore


def column_held_out(rule):
    """The column that a rule such as ``cohort=test`` looks at; None for a share of the patients.

    >>> column_held_out("cohort=test"), column_held_out("0.25")
    ('cohort', None)
    """
    parts = _RULE.fullmatch(rule or "")
    return parts[1] if parts else None


def external_name(rule):
    """What a rule of `held_out` sets apart, in words.

    >>> external_name("0.25"), external_name("cohort=test")
    ('25 % of the patients, drawn beforehand', 'the rows with cohort=test')
    """
    return (
        f"the rows with {rule}" if column_held_out(rule) else f"{float(rule):.0%} of the patients, drawn beforehand".replace("%", " %", 1)
    )


def held_out(table, rule, *, label, group, seed, task=None):
    """Which rows a rule holds out: ``COLUMN=VALUE``, or a share of the patients of each class (of a quantity, level), drawn by seed.

    Returns
    -------
    bool ndarray, shape (n_rows,)

    Raises
    ------
    SpectraError
        When the rule cannot be read, or holds out nobody or everybody.
    """
    try:
        share = float(rule)
    except ValueError:
        held = _rows_of(table, rule)
    else:
        if not 0 < share < 1:
            raise SpectraError(f"--hold-out {rule}: a share must lie between 0 and 1")
        held = _drawn(table, share, label, group, seed, task)
    if held.all() or not held.any():
        raise SpectraError(f"--hold-out {rule}: holds out {'all' if held.all() else 'none'} of the {held.size} rows")
    return held


def _rows_of(table, rule):
    parts = _RULE.fullmatch(rule)
    if parts is None:
        raise SpectraError(f"--hold-out {rule}: write COLUMN=VALUE, such as cohort=test, or a share of the patients, such as 0.25")
    name, value = parts.groups()
    column = pd.Series(column_of(table, name, "hold-out"))
    numbers, number = pd.to_numeric(column, errors="coerce"), pd.to_numeric(value, errors="coerce")
    if numbers.notna().all() and pd.notna(number):
        return (numbers == number).to_numpy()
    return (column.astype(str) == value).to_numpy()


def _drawn(table, share, label, group, seed, task):
    y, classes, _ = encode(column_of(table, label, "label"), task)
    groups, _ = groups_of(table, {"group": group} if group else {})
    _, of_patient, member = group_labels(y, groups)
    random, chosen = np.random.default_rng([seed, 5]), np.zeros(of_patient.size, bool)
    for k, name in enumerate(classes):
        patients = random.permutation(np.flatnonzero(of_patient == k))
        count = round(share * patients.size)
        if not 0 < count < patients.size - 1:
            raise SpectraError(f"--hold-out {share:g}: would hold out {count} of the {patients.size} patients of class {name!r}")
        chosen[patients[:count]] = True
    return chosen[member]


def check_apart(study, external, study_groups, external_groups, named):
    """No patient may be in the study and in the external set, and no spectrum either.

    Parameters
    ----------
    study, external : Cohort or FeatureMatrix
    study_groups, external_groups : arrays of patients
    named : bool, whether a column names the patients; row numbers are no names

    Raises
    ------
    SpectraError
        Naming the patients, or the files.
    """
    shared = sorted(set(map(str, study_groups)) & set(map(str, external_groups))) if named else []
    if shared:
        more = f" and {len(shared) - 10} more" if len(shared) > 10 else ""
        raise SpectraError(f"patients in both the study and the external set: {', '.join(shared[:10])}{more}; leave them out of one")
    if isinstance(study, Cohort):
        again = np.isin(seen.digests(external), seen.digests(study))
        copies = external.samples["file"][again].astype(str).tolist()
        if copies:
            raise SpectraError(f"spectra in both the study and the external set: {', '.join(copies[:10])}; leave them out of one")


def labels_as(classes, column, name):
    """Labels of the external set called `name` as the model of these classes numbers them; without classes its quantity."""
    if not classes:
        return encode(column, "regression")[2]
    unknown = sorted(set(column.astype(str)) - set(classes))
    if unknown:
        raise SpectraError(f"{name}: label {str(unknown[0])!r} is none of the studied classes {', '.join(classes)}")
    return np.array([classes.index(label) for label in column.astype(str)])


def score_external(model, data, table, *, roles, name, run, study="", seed=0, n_jobs=None):
    """Apply a frozen model to an external set, once, and write that down first.

    Parameters
    ----------
    model : FrozenModel
    data, table : raw Cohort or FeatureMatrix, and what is known of its rows
    roles : dict, with ``label`` and perhaps ``group``
    name : str
    run : path of the run folder
    study : str, digest of its data, settings and versions: the same study in the same folder does not count as another look
    seed, n_jobs : int

    Returns
    -------
    External
    """
    y = labels_as(model.classes, column_of(table, roles["label"], "label"), name)
    groups, _ = groups_of(table, roles)
    settings = model.settings  # where steps were tuned not those of the study
    digest, tic = ledger.digest_of(data), np.empty(0)
    set_aside: list[dict[str, str]] = []
    if isinstance(data, Cohort):
        tic = familiar.tic_of(data) if settings.read.replicates == "group" else tic
        numbered = dataclasses.replace(data, samples=data.samples.assign(_place=[str(i) for i in range(len(data))]))
        data = model.alignable(preprocess(numbered, settings, n_jobs=n_jobs)[0])
        kept = np.array([int(place.split(";")[0]) for place in data.samples["_place"]], int)  # of averaged replicates the first
        set_aside, y, groups, tic = data.set_aside, y[kept], groups[kept], tic[kept] if tic.size else tic
    features = model.features(data) if len(data) else None
    if features is None:
        raise SpectraError(f"{name}: none of its spectra could be processed and aligned to the model's reference peaks")
    _, of_patient, member = group_labels(y, groups)
    looks = ledger.write_down(digest, run, datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), study)
    probability = model.believe(data, features)
    distance = familiar.distances(features.values, model.arrays["values"], model.known.limit)
    strange = familiar.warnings_for(model.known, model.steps_for(data), data, tic, distance, features.mz[np.isfinite(features.mz)])
    study = settings.study
    more = {} if model.classes else {"strata": tasks.levels(of_patient)[0], "rank": tasks.QUANTITY.rank}
    resampler = scores.PatientResampler(of_patient, member, resamples=study.resamples, permutations=study.permutations, seed=seed, **more)
    folds = [(np.arange(y.size), probability)]
    intervals = {each: resampler.interval(score, folds, cross_validated=False) for each, score in tasks.measures_for(model.classes).items()}
    row = ModelScore(SELECTED, SCHEME, intervals, float("nan"), resampler.p_value(folds), 0.0, {model.recipe["name"]: 1}, folds)
    counts = {name: int((y == k).sum()) for k, name in enumerate(model.classes)}
    return External(name, digest, len(looks), looks[:-1], y.size, of_patient.size, counts, sum(map(bool, strange)), set_aside, row)
