"""`run_study`: compare black boxes on held-out patients, then ask what threatens the result."""

import collections
import warnings
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from spectra.containers import Cohort, FeatureMatrix
from spectra.errors import SpectraError
from spectra.pipeline import preprocess
from spectra.quality import check_quality
from spectra.settings import Settings
from spectra.study import audit, evaluation, scores
from spectra.study.candidates import candidates as candidates_named
from spectra.study.evaluation import Problem
from spectra.study.markers import find_markers
from spectra.study.result import ModelScore, StudyResult
from spectra.study.sensitivity import sweep
from spectra.study.shuffle import shuffle_test
from spectra.study.splits import forward_splits, group_labels, grouped_splits, number_of_folds, site_splits

DRAWS = 40
ROLES = ("label", "group", "site", "date")


def encode(column):
    """Labels as whole numbers in sorted order.

    Returns
    -------
    y : int array; classes : list of str

    Raises
    ------
    SpectraError
        When labels are missing, one only, or so many that they are a quantity.
    """
    column = pd.Series(column).reset_index(drop=True)
    missing = np.flatnonzero(column.isna())
    if missing.size:
        raise SpectraError(f"label is missing in row {missing[0] + 1}; fill it in or leave the row out")
    y, classes = pd.factorize(column, sort=True)
    if len(classes) < 2:
        raise SpectraError(f"the label has one class only ({classes[0]!r}); a study needs at least two")
    if len(classes) > max(20, len(column) // 4):
        raise SpectraError(f"the label has {len(classes)} different values; give classes, such as --label 'quality>=6'")
    return y.astype(np.int64), [str(name) for name in classes]


def _column(table, name, role):
    if name not in table:
        raise SpectraError(f"--{role}: no column {name!r}; there are {', '.join(map(str, table.columns))}")
    column = table[name]
    missing = np.flatnonzero(column.isna())
    if missing.size:
        raise SpectraError(f"--{role}: column {name!r} is empty in row {missing[0] + 1}")
    return column.to_numpy()


def _groups(table, roles):
    """Who is one patient: the named column, else `patient` or `sample` where there is one, else each row by itself."""
    for name in (roles.get("group"), "patient" if "patient" in table else None, "sample" if "sample" in table else None):
        if name is not None:
            return _column(table, name, "group"), name
    return np.arange(len(table)), None


def _scores(outcomes, splits, resampler):
    """One `ModelScore` per candidate from the outcomes of all splits of a scheme."""
    rows = []
    for i in range(len(outcomes[0])):
        mine = [outcome[i] for outcome in outcomes]
        folds = [(split.test, outcome.probability) for split, outcome in zip(splits, mine, strict=True)]
        chosen = collections.Counter(", ".join(f"{k}={v}" for k, v in outcome.chosen.items()) for outcome in mine)
        rows.append(
            ModelScore(
                mine[0].candidate,
                splits[0].scheme,
                *(resampler.interval(score, folds) for score in (scores.auc, scores.balanced_accuracy, scores.accuracy)),
                float(np.nanmean([outcome.train_auc for outcome in mine])),
                resampler.p_value(folds),
                sum(outcome.seconds for outcome in mine),
                dict(chosen.most_common()),
                folds,
            )
        )
    return rows


def _choose(problem, candidates, folds, n_jobs):
    """The model for new data: chosen by the same inner folds, now on all rows."""
    parts = grouped_splits(problem.y, problem.groups, folds=folds, repeats=1, seed=problem.seed)
    inner = evaluation.inner_scores(problem, np.arange(problem.y.size), candidates, parts, n_jobs=n_jobs)
    best = max(range(len(candidates)), key=lambda i: inner[i].max())
    point = int(np.argmax(inner[best]))
    return {"name": candidates[best].name, "parameters": candidates[best].grid[point], "inner_auc": float(inner[best][point])}


def _other_schemes(problem, table, roles):
    """Splits by site and by date where the columns are named."""
    found = []
    if roles.get("site"):
        found.append(site_splits(problem.y, problem.groups, _column(table, roles["site"], "site").astype(str)))
    if roles.get("date"):
        column = pd.Series(_column(table, roles["date"], "date")).astype(str)
        try:
            when = pd.to_datetime(column, utc=True, format="ISO8601").dt.tz_localize(None).to_numpy()
        except ValueError as error:
            raise SpectraError(f"--date: column {roles['date']!r}: {error}; write dates as 2026-11-23") from None
        found.append(forward_splits(problem.y, problem.groups, when))
    return [splits for splits in found if splits]


def _batches(table, roles):
    """Columns that could be a batch: the named site and date, and a column called plate."""
    batches = {}
    if roles.get("site"):
        batches[roles["site"]] = table[roles["site"]].to_numpy()
    if "plate" in table and roles.get("site") != "plate":
        batches["plate"] = table["plate"].to_numpy()
    if roles.get("date"):
        batches[roles["date"]] = audit.earlier_or_later(table[roles["date"]])
    return batches


def _notes(problem, roles, group_name, quality):
    notes = []
    n_groups = np.unique(problem.groups).size
    smallest = min(np.unique(problem.groups[problem.y == k]).size for k in range(len(problem.classes)))
    if group_name is None:
        notes.append("No patient column was named: every row is taken for another patient. If some share one, name it with --group.")
    elif not roles.get("group"):
        notes.append(f"Rows with the same '{group_name}' are kept on one side of every split.")
    if smallest < audit.FEW_PATIENTS:
        notes.append(
            f"{n_groups} patients (groups), {smallest} in the smallest class: too few for a claim. Whatever the score, "
            "treat this as a trial of the method, not as evidence on the disease."
        )
    suspect = quality[quality["verdict"] != "good"] if quality is not None else ()
    if len(suspect):
        reasons = ", ".join(f"{count} {reason}" for reason, count in suspect["reason"].str.split(" of | as ").str[0].value_counts().items())
        notes.append(f"{len(suspect)} spectra look suspect and were kept ({reasons}); see quality.csv.")
    copies = audit.repeated_rows(problem.data)
    if copies:
        notes.append(
            f"{copies} rows repeat another row exactly. A held-out copy of a training row flatters a model that memorises: "
            "remove the copies, or give them one group."
        )
    if not roles.get("site"):
        notes.append("No site was named: nothing here shows that the result holds in another hospital.")
    return notes


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
    y, classes = encode(_column(table, label, "label"))
    groups, group_name = _groups(table, roles)
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
    with warnings.catch_warnings(), threadpool_limits(1):  # the threads are ours: one per fold, none below
        warnings.simplefilter("ignore", ConvergenceWarning)  # the candidates' iteration limits are part of their definition
        return _study(problem, raw, nuisance, quality, table, roles, group_name, folds, chosen, n_jobs, progress, store)


def _follow(raw, data, label, group_name, classes):
    """Labels and patients of the rows that remain after replicates were averaged or spectra set aside."""
    table = data.samples
    y = np.array([classes.index(str(value)) for value in table[label]], dtype=np.int64)
    groups = table[group_name].to_numpy() if group_name else np.arange(len(table))
    if raw is not None:
        kept = raw.samples["file"].isin(set(table["file"]))
        raw = raw[np.flatnonzero(kept.to_numpy())]
    return raw, table, y, groups


def _study(problem, raw, nuisance, quality, table, roles, group_name, folds, chosen, n_jobs, progress, store):
    study = problem.settings.study
    splits = grouped_splits(problem.y, problem.groups, folds=folds, repeats=study.repeats, seed=problem.seed)
    _, label, member = group_labels(problem.y, problem.groups)
    resampler = scores.PatientResampler(label, member, resamples=study.resamples, permutations=study.permutations, seed=problem.seed)
    common = {"inner_folds": study.inner_folds, "n_jobs": n_jobs, "progress": progress}

    def compare(name, splits):
        saved = {"done": store.load(name), "keep": lambda i, outcomes: store.keep(name, i, outcomes)} if store else {}
        return _scores(evaluation.evaluate(problem, splits, chosen, **common, **saved), splits, resampler)

    rows = compare("random-grouped", splits)
    others = [row for part in _other_schemes(problem, table, roles) for row in compare(part[0].scheme, part)]
    steps, features = evaluation.fit_steps(problem, np.arange(problem.y.size))
    final = _choose(problem, chosen, number_of_folds(label, study.inner_folds, most=3), n_jobs)
    extra = table.drop(columns=[c for c in {"file", roles["label"], group_name} if c in table])
    notes = _notes(problem, roles, group_name, quality)
    counts = {"resamples": study.resamples, "permutations": study.permutations}
    controls, skipped = audit.class_from_nuisance(problem, splits[:folds], nuisance, extra, **counts)
    if skipped:
        notes.append(f"Columns that only name rows, or hold one value, were not tested as controls: {', '.join(skipped)}.")
    batches = _batches(table, roles)
    controls += audit.batch_from_features(problem, batches, **counts, n_jobs=n_jobs)
    if study.shuffles:
        shuffled, _ = shuffle_test(problem, splits[:folds], permutations=study.shuffles, n_jobs=n_jobs, progress=progress)
        controls.append(shuffled)
    tolerance = problem.settings.bin.tolerance
    markers = find_markers(problem, features, draws=DRAWS, tolerance=tolerance, n_jobs=n_jobs, progress=progress)
    moved = []
    if study.sensitivity and raw is not None:
        moved = sweep(problem, raw, nuisance, features, splits[: min(folds, 3)], tolerance=tolerance, n_jobs=n_jobs, progress=progress)
    return StudyResult(
        problem,
        raw,
        nuisance,
        quality,
        roles,
        rows,
        others,
        final,
        steps,
        features,
        controls,
        markers,
        moved,
        {name: audit.cross_table(column, problem.y, problem.groups, problem.classes) for name, column in batches.items()},
        getattr(problem.data, "set_aside", []),
        notes + list(getattr(problem.data, "notes", [])),
    )
