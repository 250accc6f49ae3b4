"""`run_study`: compare black boxes on held-out patients, then ask what threatens the result."""

import time
import warnings
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from spectra.containers import Cohort, FeatureMatrix
from spectra.pipeline import preprocess
from spectra.quality import check_quality
from spectra.settings import Settings
from spectra.study.cache import Cache
from spectra.study.candidates import candidates as candidates_named
from spectra.study.course import Course
from spectra.study.evaluation import Problem
from spectra.study.parts import PARTS
from spectra.study.result import StudyResult
from spectra.study.roles import ROLES, column_of, encode, groups_of
from spectra.study.splits import group_labels, number_of_folds


def run_study(
    data: Cohort | FeatureMatrix,
    table: pd.DataFrame | None = None,
    *,
    label: str,
    group: str | None = None,
    site: str | None = None,
    date: str | None = None,
    settings: Settings | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
    progress: Any = None,
    store: Any = None,
    cache: Cache | None = None,
) -> StudyResult:
    """A nested, grouped comparison of models, with the controls that a sceptic would ask for.

    Parameters
    ----------
    data : Cohort of raw spectra, or FeatureMatrix
    table : DataFrame, one row per row of `data`; default its ``samples``
    label, group, site, date : column names; `group` is the patient
    settings : Settings, optional
    seed : int, of folds, models and resamples
    n_jobs : int, optional, threads
    progress : callable (iterable, total, description) -> iterable, optional
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
    roles = {role: name for role, name in zip(ROLES, (label, group, site, date), strict=True) if name}
    raw, nuisance, quality = None, None, None
    table = data.samples if table is None else table
    y, classes = encode(column_of(table, label, "label"))
    groups, group_name = groups_of(table, roles)
    _, patients, _ = group_labels(y, groups)
    folds = number_of_folds(patients, settings.study.folds, classes=classes)
    chosen = candidates_named(settings.study.models)
    if isinstance(data, Cohort):
        quality = check_quality(data, n_jobs=n_jobs)
        raw = data if settings.read.replicates == "group" else None
        data, nuisance = preprocess(data, settings, n_jobs=n_jobs)
        if len(data) != len(table):
            raw, table, y, groups = _follow(raw, data, label, group_name, classes)
    problem = Problem(data, settings, y, groups, classes, seed)
    course = Course(problem, raw, nuisance, quality, table, roles, group_name, folds, chosen, n_jobs, progress, store, cache or Cache())
    with warnings.catch_warnings(), threadpool_limits(1):  # the threads are ours: one per fold, none below
        warnings.simplefilter("ignore", ConvergenceWarning)  # the candidates' iteration limits are part of their definition
        for part in PARTS:
            start = time.perf_counter()
            course.found |= part(course)
            course.seconds[part.__name__] = time.perf_counter() - start
    same = {name: getattr(course, name) for name in ("problem", "raw", "nuisance", "quality", "roles", "seconds")}
    return StudyResult(**same, **course.found)


def _follow(raw, data, label, group_name, classes):
    """Labels and patients of the rows that remain after replicates were averaged or spectra set aside."""
    table = data.samples
    y = np.array([classes.index(str(value)) for value in table[label]], dtype=np.int64)
    groups = table[group_name].to_numpy() if group_name else np.arange(len(table))
    if raw is not None:
        kept = raw.samples["file"].isin(set(table["file"]))
        raw = raw[np.flatnonzero(kept.to_numpy())]
    return raw, table, y, groups
