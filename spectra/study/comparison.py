"""`run_study`: compare black boxes on held-out patients, then ask what threatens the result."""

import time
from typing import Any

import numpy as np
import pandas as pd

from spectra._validation import check_choice
from spectra.containers import Cohort, FeatureMatrix
from spectra.errors import SpectraError
from spectra.pipeline import preprocess
from spectra.quality import check_quality, usable
from spectra.settings import Settings
from spectra.study import networks, seen
from spectra.study.cache import Cache
from spectra.study.candidates import candidates as candidates_named
from spectra.study.course import Course
from spectra.study.learning import quietly
from spectra.study.parts import PARTS
from spectra.study.problem import Kept, Problem
from spectra.study.result import StudyResult
from spectra.study.roles import ROLES, check_roles, column_of, encode, groups_of, task_of
from spectra.study.splits import group_labels, join_copies, number_of_folds
from spectra.study.tuned import tuned_settings


def run_study(
    data: Cohort | FeatureMatrix,
    table: pd.DataFrame | None = None,
    *,
    label: str,
    group: str | None = None,
    site: str | None = None,
    date: str | None = None,
    task: str | None = None,
    settings: Settings | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
    progress: Any = None,
    say: Any = None,
    store: Any = None,
    cache: Cache | None = None,
) -> StudyResult:
    """A nested, grouped comparison of models, with the controls that a sceptic would ask for.

    Parameters
    ----------
    data : Cohort of raw spectra, or FeatureMatrix
    table : DataFrame, one row per row of `data`; default its ``samples``
    label, group, site, date : column names; `group` is the patient
    task : {"classification", "regression"}, optional; default by the label: many different numbers are a quantity
    settings : Settings, optional
    seed : int, of folds, models and resamples
    n_jobs : int, optional, threads
    progress : callable (iterable, total, description) -> iterable, optional
    say : callable (text), optional, told what begins
    store : object with ``load(part)`` and ``keep(part, index, outcomes)``, optional: finished folds of an interrupted run
    cache : Cache, optional: results of earlier runs, used where nothing that they depend on has changed

    Returns
    -------
    StudyResult

    Raises
    ------
    SpectraError
        When a column is missing, a patient has two labels, or a class has too few patients.
    """
    settings = settings or Settings()
    if task is not None:
        check_choice(task, "task", ("classification", "regression"))
    roles = {role: name for role, name in zip(ROLES, (label, group, site, date), strict=True) if name}
    say = say or (lambda text: None)
    raw, nuisance, quality, source, start = None, None, None, data, time.perf_counter()
    table = data.samples if table is None else table
    column = column_of(table, label, "label")
    y, classes, quantity = encode(column, task_of(label, task))
    groups, group_name = groups_of(table, roles)
    check_roles(table, roles)
    nested: dict[str, Any] = {"classes": classes, "inner": settings.study.inner_folds}
    number_of_folds(group_labels(y, groups)[1], settings.study.folds, **nested)  # before anything is computed
    group_labels(y if quantity is None else quantity, groups)
    task, study = "classification" if quantity is None else "regression", settings.study
    chosen = candidates_named(study.models, task, parameters=study.parameters, grids=study.grid)
    chosen, left_out = _that_can_run(chosen, isinstance(data, Cohort))
    shuffled = _shuffled(study, task)
    if isinstance(data, Cohort):
        say(f"from signals to peaks: {len(data)} spectra")
        quality = check_quality(data, n_jobs=n_jobs)
        data = usable(data)
        source = data
        raw = data if settings.read.replicates == "group" else None
        data, nuisance = preprocess(data, settings, n_jobs=n_jobs)
        if len(data) != len(table):
            raw, table, y, groups, quantity = _follow(raw, data, label, group_name, classes, quantity)
    tuned = tuned_settings(source, data, settings, n_jobs=n_jobs)
    rows = data.values if isinstance(data, FeatureMatrix) else (data.intensity_of(i) for i in range(len(data)))
    groups, copies = join_copies(rows, y if quantity is None else quantity, groups)
    try:
        folds = number_of_folds(group_labels(y, groups)[1], settings.study.folds, **nested)
    except SpectraError as error:
        repeats = f"; {copies.together} rows repeat another exactly and count as of one patient with it" if copies.together else ""
        raise SpectraError(f"{error}{repeats}") from None
    problem = Problem(data, settings, y, groups, classes, seed, quantity, tuned, Kept(), copies)
    course = Course(
        problem=problem,
        raw=raw,
        nuisance=nuisance,
        quality=quality,
        table=table,
        roles=roles,
        group_name=group_name,
        folds=folds,
        candidates=chosen,
        shuffled=shuffled,
        n_jobs=n_jobs,
        progress=progress,
        store=store,
        notes=left_out,
        cache=cache or Cache(),
    )
    course.seconds["preprocessing"] = time.perf_counter() - start
    with quietly():
        for number, part in enumerate(PARTS, 1):
            say(f"part {number} of {len(PARTS)}: {(part.__doc__ or part.__name__).strip()}")
            start = time.perf_counter()
            course.found |= part(course)
            course.seconds[part.__name__] = time.perf_counter() - start
    same = {name: getattr(course, name) for name in ("problem", "raw", "nuisance", "quality", "roles", "seconds")}
    return StudyResult(digests=_digests(source, data), **same | course.found)


def _digests(source, data):
    """Digests of the spectra or rows that are learned from: those of `source` that were not set aside on the way to `data`."""
    found = seen.digests(source)
    if not isinstance(data, Cohort):
        return found
    lost = {name for item in data.set_aside for name in (item["file"], *item["file"].split(";"))}  # averaged replicates are joined so
    return found[[str(file) not in lost for file in source.samples["file"]]]


def _that_can_run(candidates, spectra):
    """The candidates that these data and this installation allow, and a sentence on those left out."""
    reads = [candidate.name for candidate in candidates if candidate.spectra]
    if reads and not spectra:
        raise SpectraError(f"[study] models: {', '.join(reads)} read spectra, and this is a table of features; leave them out")
    if not reads or networks.available():
        return candidates, []
    return [each for each in candidates if not each.spectra], [f"Left out: {', '.join(reads)}. {networks.ABSENT}."]


def _shuffled(study, task):
    """The models chosen among under shuffled labels, with what the settings say of them, as in the comparison."""
    if not study.shuffle_models:
        return []
    named = {candidate.name for candidate in candidates_named(study.shuffle_models, task, option="shuffle_models")}
    mine = [{name: values for name, values in tree.items() if name in named} for tree in (study.parameters, study.grid)]
    return candidates_named(study.shuffle_models, task, parameters=mine[0], grids=mine[1], option="shuffle_models")


def _follow(raw, data, label, group_name, classes, quantity):
    """Labels and patients of the rows that remain after replicates were averaged or spectra set aside."""
    table = data.samples
    if quantity is None:
        y = np.array([classes.index(str(value)) for value in table[label]], dtype=np.int64)
    else:
        y, classes[:], quantity = encode(table[label], "regression")
    for k in sorted(set(range(len(classes))) - set(y.tolist())):
        first = data.set_aside[0]
        words = f"no spectrum of class {classes[k]!r} can be used: {len(data.set_aside)} were set aside"
        raise SpectraError(f"{words}; the first, {first['file']}: {first['reason']}")
    groups = table[group_name].to_numpy() if group_name else np.arange(len(table))
    if raw is not None:
        kept = raw.samples["file"].isin(set(table["file"]))
        raw = raw[np.flatnonzero(kept.to_numpy())]
    return raw, table, y, groups, quantity
