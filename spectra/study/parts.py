"""The parts of a study, in order. Each takes the `Course` and returns the fields of `StudyResult` that it fills; its docstring is told as it begins.

A new part is one function here, one line in `PARTS`, and its fields in `StudyResult`; what it computes lives in a module of its own.
"""

import collections
import dataclasses
import itertools

import numpy as np

from spectra._threads import over_threads
from spectra.errors import ModelError
from spectra.io.table import source_of
from spectra.study import audit, evaluation
from spectra.study.cache import key_of
from spectra.study.costs import costs_of, warm_up
from spectra.study.curve import Point
from spectra.study.curve import learning_curve as curve
from spectra.study.familiar import shifts
from spectra.study.learning import Fold
from spectra.study.markers import Marker, find_markers
from spectra.study.notes import notes_on, on_smoothing
from spectra.study.outcome import settled
from spectra.study.paired import compare_pairs
from spectra.study.panel import Panel, find_panel
from spectra.study.result import ModelScore
from spectra.study.roles import called, column_of, dates_of, groups_of, look_alikes
from spectra.study.sensitivity import sweep
from spectra.study.shuffle import shuffle_test
from spectra.study.splits import forward_splits, site_splits
from spectra.study.tasks import measures_for
from spectra.study.technical import SHIFT, agreement, drifts, run_order

DRAWS = 40
RESAMPLES = 500  # behind the intervals of effects


def model_scores(problem, outcomes, splits, resampler, n_jobs=None):
    """One `ModelScore` per candidate from the outcomes of all splits of a scheme."""
    measures = measures_for(problem.classes if problem.n_classes else [])

    def row(mine):
        folds = [(split.test, outcome.probability) for split, outcome in zip(splits, mine, strict=True)]
        chosen = collections.Counter(", ".join(f"{k}={_short(v)}" for k, v in outcome.chosen.items()) for outcome in mine)
        return ModelScore(
            mine[0].candidate,
            splits[0].scheme,
            {name: resampler.interval(score, folds) for name, score in measures.items()},
            float(np.nanmean([outcome.train_auc for outcome in mine])),
            float("nan"),
            sum(outcome.seconds for outcome in mine),
            dict(chosen.most_common()),
            folds,
        )

    return over_threads(row, zip(*outcomes, strict=True), n_jobs=n_jobs)


def _short(value):
    return f"{value:.3g}" if isinstance(value, float) else value


def _other_schemes(course):
    """Splits by whole sites and by later dates, where the columns are named: a list per scheme."""
    problem, table, roles, found = course.problem, course.table, course.roles, []
    fewest = max(2, course.settings.inner_folds)  # so that inner folds can choose
    if roles.get("site"):
        found.append(site_splits(problem.y, problem.groups, column_of(table, roles["site"], "site").astype(str), fewest=fewest))
    if roles.get("date"):
        found.append(forward_splits(problem.y, problem.groups, dates_of(table, roles["date"]), fewest=fewest))
    return [splits for splits in found if splits]


def comparison(course):
    """All candidates on patients held out: at random, then whole sites and later dates, where the columns are named."""
    problem, schemes = course.problem, [course.splits, *_other_schemes(course)]
    warm_up(problem, course.splits[0], course.candidates, course.progress)
    how = {"inner_folds": course.settings.inner_folds, "search": course.search, "store": course.store} | course.work
    outcomes = iter(evaluation.evaluate(problem, [split for splits in schemes for split in splits], course.candidates, **how))
    rows, *others = (_rows(course, list(itertools.islice(outcomes, len(splits))), splits) for splits in schemes)
    pairs = compare_pairs(problem, rows, course.splits)
    return {"scores": rows, "pairs": pairs, "other_schemes": [row for scores in others for row in scores]}


def _rows(course, outcomes, splits):
    """One `ModelScore` per candidate of a scheme; those that cannot be fitted are left out, of the main one once and for all."""
    if splits is course.splits:
        outcomes, left_out, limited = settled(outcomes)
        course.leave_out(left_out)
        course.notes += [f"In some folds {why}. Other parameters were taken there." for why in limited.values()]
    else:
        outcomes, left_out, _ = settled(outcomes, course.gone)
        course.notes += [f"Left out of the splits {splits[0].scheme}: {why}" for why in left_out.values()]
    return model_scores(course.problem, outcomes, splits, course.resampler, course.n_jobs) if outcomes else []


def final_model(course):
    """The steps fitted on all rows, and the model for new data: chosen by the same inner folds, now on all rows."""
    problem, candidates, everyone = course.problem, course.candidates, np.arange(course.problem.y.size)
    how = {"inner_folds": course.settings.inner_folds, "seed": problem.seed, "search": course.search, "n_jobs": course.n_jobs}
    choices = evaluation.choose(problem, everyone, candidates, **how, name="final")
    failed = {each.name: str(choice) for each, choice in zip(candidates, choices, strict=True) if isinstance(choice, ModelError)}
    if failed:
        course.leave_out(failed)
        return final_model(course)
    best = max(range(len(candidates)), key=lambda i: choices[i].score)
    parameters = choices[best].of_model(problem)
    moved = problem.at(choices[best].point)
    final = {
        "name": candidates[best].name,
        "parameters": parameters,
        "settings": {name: value for name, value in choices[best].point.items() if name not in parameters},
        "inner_auc": choices[best].score,
        "sigmoids": choices[best].sigmoids,
    }
    fold = Fold(moved, everyone, everyone[:1])
    costs, failed = costs_of(moved, fold, [(each, choice.of_model(problem)) for each, choice in zip(candidates, choices, strict=True)])
    if failed:
        course.leave_out(failed)
        return final_model(course)
    return {"problem": moved, "steps": fold.steps, "features": fold.features, "final": final, "costs": costs}


def controls(course):
    """The audit: what, other than the disease, could give the answer."""
    problem, table, once = course.problem, course.table, course.splits[: course.folds]
    label = course.roles["label"]
    known = {"file", label, source_of(label, table.columns.drop(label, errors="ignore"))[0], course.group_name}
    extra = table.drop(columns=[name for name in known if name in table])
    tests, skipped = audit.class_from_nuisance(problem, once, course.nuisance, extra, **course.counts, n_jobs=course.n_jobs)
    if skipped:
        course.notes.append(f"Columns that only name rows, or hold one value, were not tested as controls: {', '.join(skipped)}.")
    of_batches, untold = audit.batch_from_features(problem, course.batches, **course.counts, n_jobs=course.n_jobs)
    found = audit.judge(tests + of_batches) + untold
    rows, study = course.found["scores"], course.settings
    if study.shuffles:
        shuffled, _ = shuffle_test(problem, once, permutations=study.shuffles, models=course.shuffled, **course.work)
        rows = [dataclasses.replace(row, p_value=shuffled.p_value) if row.name == evaluation.SELECTED else row for row in rows]
        found.append(shuffled)
    tables = {name: audit.cross_table(column, problem.y, problem.groups, problem.classes) for name, column in course.batches.items()}
    return {"controls": found, "tables": tables, "scores": rows}


ELSEWHERE = [
    "models",
    "repeats",
    "permutations",
    "shuffles",
    "shuffle_models",
    "search",
    "trials",
    "tune",
    "parameters",
    "grid",
    "sensitivity",
    "pairs",
    "universes",
    "learning_curve",
]
"""Options of the comparison that neither markers nor panel depend on."""


def markers(course):
    """Which peaks carry the answer."""
    problem, features, weight = course.found["problem"], course.found["features"], course.resampler.weight[:RESAMPLES]
    options = {"draws": DRAWS, "tolerance": problem.settings.bin.tolerance, "weight": weight, **course.work}
    without = [*ELSEWHERE, "folds", "inner_folds", "panel"]
    return {"markers": course.kept("markers", list[Marker], lambda: find_markers(problem, features, **options), without)}


def technical(course):
    """Does the instrument drift, and do replicates agree?"""
    problem, table, features = course.found["problem"], course.table, course.found["features"]
    found = run_order(table, course.roles)
    numbers = {name: course.nuisance[name].to_numpy(float) for name in course.nuisance} if course.nuisance is not None else {}
    shift = shifts(course.found["steps"], problem.data)[1]
    numbers |= {SHIFT: shift} if shift.size else {}
    moved = drifts(numbers, found[1], found[0], problem.groups) if found and numbers else []
    own, name = groups_of(table, course.roles)  # copies are no replicates
    samples, unit = (table["sample"].astype(str).to_numpy(), "sample") if "sample" in table else (np.asarray(own), called(name))
    top = np.array([marker.column for marker in course.found["markers"]], int)
    return {"drifts": moved, "run_order": found, "agreement": agreement(features, samples, unit, top)}


def panel(course):
    """The smallest set of markers that does about as well as the best."""
    if not course.settings.panel:
        return {"panel": None}
    problem, study, features, once = course.found["problem"], course.settings, course.found["features"], course.splits[: course.folds]
    options = {"tolerance": problem.settings.bin.tolerance, "inner_folds": study.inner_folds, **course.work}
    found = course.kept("panel", Panel | None, lambda: find_panel(problem, features, once, course.resampler, **options), ELSEWHERE)
    if found is None:
        course.notes.append("No panel could be chosen: in one of the training sets no feature was left.")
    return {"panel": found}


def learning_curve(course):
    """Would more patients help?"""
    if not course.settings.learning_curve:
        return {"curve": []}
    name, once = course.found["final"]["name"], course.splits[: course.folds]
    candidate = next(candidate for candidate in course.candidates if candidate.name == name)
    options = {"inner_folds": course.settings.inner_folds, "search": course.search._replace(journal=None), **course.work}
    without = ["panel", *(option for option in ELSEWHERE if option not in ("models", "search", "trials", "tune", "parameters", "grid"))]
    try:
        points = course.kept(
            "learning curve", list[Point], lambda: curve(course.problem, candidate, once, course.resampler, **options), without
        )
    except ModelError as error:
        course.notes.append(f"No learning curve: of fewer patients {error}.")
        points = []
    return {"curve": points}


def sensitivity(course):
    """What other values of each setting change."""
    if not course.settings.sensitivity or course.raw is None:
        return {"sensitivity": [], "universes": []}
    problem, study, splits = course.found["problem"], course.settings, course.splits[: min(course.folds, 3)]
    inputs = course.digests | {"splits": key_of({str(i): split.test.tolist() for i, split in enumerate(splits)})}
    options = {"tolerance": problem.settings.bin.tolerance, "inputs": inputs, "pairs": study.pairs, "universes": study.universes}
    variants, universes = sweep(problem, course.raw, course.nuisance, splits, cache=course.cache, **options, **course.work)
    return {"sensitivity": variants, "universes": universes}


def notes(course):
    """Where everything is known: what limits the result."""
    data = course.problem.data
    said = look_alikes(course.table, course.roles | {"group": course.group_name})
    said += notes_on(course.problem, course.roles, course.group_name, course.quality)
    if course.raw is not None and (flat := on_smoothing(course.raw, data, course.problem.settings)):
        said.append(flat)
    return {"set_aside": getattr(data, "set_aside", []), "notes": [*said, *course.notes, *getattr(data, "notes", [])]}


PARTS = (comparison, final_model, controls, markers, technical, panel, learning_curve, sensitivity, notes)
