"""Does the film, not the tank, give the answer? Controls that no biomarker study should pass too well.

Each control predicts something from something, trained and tested on different patients. *Class from nuisance*: total ion current,
noise, baseline, number of peaks, one by one and together, the level of m/z regions without peaks, and every extra column of the manifest (site,
date, plate, spot, …). *Batch from features*: whether site, plate or date can be read off the peaks, comparing patients of one class only. The classifier is
a `probe`, which is trained anew under every shuffling of the labels, so the p-values are exact; `judge` adjusts them for all that was
asked in one study (Holm 1979), so these raise a false alarm in at most one clean study of twenty. With fewer than twenty patients a nearly
perfect probe is an alarm as well, whatever its p: what chance can do there, it can do for a marker too.
"""

import re
from typing import NamedTuple

import numpy as np
import pandas as pd
from joblib import delayed

from spectra._threads import over_threads, parallel
from spectra.pipeline import NUISANCE, learned_steps
from spectra.settings import change
from spectra.study import probe, scores, scores_quantity
from spectra.study.regions import empty_regions, level_of, structure_of
from spectra.study.splits import group_labels, grouped_splits

ALARM = 0.05
LEAST_AUC = 0.6  # weaker links are not worth an alarm, however small their p
STRONG_AUC = 0.9  # an alarm whatever the p, with fewer patients than this:
FEW_PATIENTS = 20


TOGETHER = "the nuisance numbers together"
REGIONS = "the level of m/z regions without peaks"
STRUCTURE = "weak structure in m/z regions without peaks"
SHUFFLED = "shuffled labels, whole pipeline"
LABELS = ("class", "quantity")
OWN = (*NUISANCE, TOGETHER, REGIONS, STRUCTURE, SHUFFLED, "features")
"""Controls that are no column of the manifest."""


_TOLD = "The {label} can be told from {name} alone: a model may learn that instead of the biology. "
_SPECTRA = "Show that the markers hold among spectra that are alike in it."
_COLUMN = "Balance it by design, or show that the markers hold within its levels."
_COPIED = " If it only tells the {label} in other words, leave the column out."
_WEAK = (
    "The {label} can be told from {name} that lines up from spectrum to spectrum: most likely peaks too weak to be picked, which are biology, "
    "but interference at fixed m/z looks alike. Look at the mean spectra, or pick such peaks by a lower peaks.snr."
)
_CALM = "No sign that the {label} can be told from {name}."


class Control(NamedTuple):
    """One audit row.

    control : what was used; predicts : what was predicted; auc with interval; p_value adjusted for all tests of the study; verdict in plain words;
    doubt : told where it should not be, but biology may do that as well, so it is no alarm
    """

    control: str
    predicts: str
    auc: scores.Interval
    p_value: float
    flag: bool
    verdict: str
    doubt: bool = False

    @property
    def of_label(self):
        """Was the label itself predicted, and not a batch?"""
        return self.predicts in LABELS


def as_numbers(column):
    """A manifest column as the features a forest can use, or None where it only names rows.

    Numbers stay numbers, dates become their order in time, spots such as ``M19`` become row and column, other text one column per value.
    """
    column = pd.Series(column).reset_index(drop=True)
    if column.nunique(dropna=False) < 2:
        return None
    numbers = pd.to_numeric(column, errors="coerce")
    if numbers.notna().all():
        return numbers.to_numpy(float)[:, None]
    text = column.astype(str)
    when = pd.to_datetime(text, errors="coerce", format="ISO8601", utc=True) if text.str.match(r"\d{4}-\d\d").all() else None
    if when is not None and when.notna().all():
        return when.rank(method="dense").to_numpy(float)[:, None]
    if text.str.fullmatch(r"[A-Za-z]{1,2}\d{1,2}").all():
        parts = text.str.upper().str.extract(r"([A-Z]+)(\d+)")
        return np.column_stack([parts[0].rank(method="dense"), parts[1].astype(float)])
    if text.nunique() > max(2, len(text) // 4):
        return None
    return pd.get_dummies(text).to_numpy(float)


def _probed(codes_of_split, splits, y, groups, n_classes, *, resamples, permutations, seed, patient_strata, row_strata, ordered=False):
    """AUC (of `ordered` labels the concordance) with its interval, the exact p-value, and the number of patients, of a probe.

    patient_strata : int array, shape (n_groups,): labels are shuffled within these
    row_strata : int array, shape (n_rows,): only rows of one stratum are compared
    """
    _, label, member = group_labels(y, groups)
    labels = probe.shuffled_labels(label, member, permutations=permutations, seed=seed, strata=patient_strata)
    null = probe.probe(codes_of_split, splits, labels, n_classes, row_strata, ordered)
    p_value = float(np.mean(null >= null[0] - 1e-9))
    folds = []
    for split in splits:
        posterior = probe.log_posterior(codes_of_split(split), split.train, split.test, labels[:1], n_classes)[:, 0].T
        probability = np.exp(posterior - posterior.max(axis=1, keepdims=True))
        probability /= probability.sum(axis=1, keepdims=True)
        if ordered:
            probability = probability @ np.arange(n_classes)[:, None]
        for stratum in np.unique(row_strata[split.test]):
            mine = row_strata[split.test] == stratum
            folds.append((split.test[mine], probability[mine]))
    resampler = scores.PatientResampler(label, member, resamples=resamples, seed=seed)
    _, low, high = resampler.interval(scores_quantity.concordance if ordered else scores.auc, folds)
    mean = float(null[0])  # ties within rounding are ties here, which those of the interval need not be
    return scores.Interval(mean, min(low, mean), max(high, mean)), p_value, label.size


class Tested(NamedTuple):
    """One control as tested, before `judge`: p_value as it is, the words for either verdict, and whether the worse one is an alarm or a doubt."""

    control: str
    predicts: str
    auc: scores.Interval
    p_value: float
    n_patients: int
    alarm: str
    calm: str
    doubt: bool = False


def judge(tests):
    """Verdicts on all the tests of one study together: the more was asked, the smaller a p must be. Doubts are adjusted apart from alarms.

    Parameters
    ----------
    tests : list of Tested

    Returns
    -------
    list of Control
    """
    adjusted = np.empty(len(tests))
    for doubt in (False, True):  # what can raise no alarm costs none
        asked = [i for i, test in enumerate(tests) if test.doubt == doubt]
        adjusted[asked] = holm([tests[i].p_value for i in asked])
    found = []
    for test, p in zip(tests, adjusted, strict=True):
        if p < ALARM and test.auc.mean >= LEAST_AUC:
            told, verdict = True, test.alarm
        elif test.n_patients < FEW_PATIENTS and test.auc.mean >= STRONG_AUC:
            told, verdict = True, f"{test.alarm} With {test.n_patients} patients this may be chance, and so may any marker."
        else:
            told, verdict = False, test.calm
        found.append(Control(test.control, test.predicts, test.auc, float(p), told and not test.doubt, verdict, told and test.doubt))
    return found


def holm(p_values):
    """Holm's step-down adjustment."""
    order = np.argsort(p_values)
    steps = np.maximum.accumulate(np.asarray(p_values)[order] * np.arange(len(p_values), 0, -1))
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def class_from_nuisance(problem, splits, nuisance, table, *, resamples, permutations, n_jobs=None):
    """Can the class be told from what is no biomarker? Of a quantity, its level, by concordance.

    Parameters
    ----------
    splits : list of Split, one repeat: each row is tested once
    nuisance : DataFrame or None, one row per spectrum
    table : DataFrame, the extra columns of the manifest
    resamples, permutations : int

    Returns
    -------
    tests : list of Tested, for `judge`
    skipped : list of str, columns that only name rows
    """
    columns = {name: nuisance[name].to_numpy(float)[:, None] for name in NUISANCE} if nuisance is not None else {}
    if columns:
        columns[TOGETHER] = np.hstack(list(columns.values()))
        regions = empty_regions(problem.data)
        if regions is not None:
            columns[REGIONS], columns[STRUCTURE] = level_of(regions), structure_of(regions)
    skipped = []
    for name in table:
        values = as_numbers(table[name])
        if values is None:
            skipped.append(str(name))
        else:
            columns[str(name)] = values
    fold = np.empty(problem.y.size, np.int64)
    for i, split in enumerate(splits):
        fold[split.test] = i
    _, _, member = group_labels(problem.y, problem.groups)
    options = {"resamples": resamples, "permutations": permutations, "seed": problem.seed}
    options |= {"patient_strata": _of_groups(fold, member), "row_strata": np.zeros(problem.y.size, int)}
    ordered = problem.quantity is not None

    def probed(values):
        codes = probe.to_codes(values)
        return _probed(lambda _: codes, splits, problem.y, problem.groups, len(problem.classes), ordered=ordered, **options)

    found = over_threads(probed, columns.values(), n_jobs=n_jobs)
    label = LABELS[ordered]
    same = {str(name) for name in table if _one_to_one(table[name], problem.target)}
    tests = []
    for name, result in zip(columns, found, strict=True):
        worse = _WEAK if name == STRUCTURE else _TOLD + (_SPECTRA if name in OWN else _COLUMN + _COPIED * (name in same))
        tests.append(Tested(name, label, *result, *(words.format(label=label, name=name) for words in (worse, _CALM)), name == STRUCTURE))
    return tests, skipped


def _one_to_one(column, target):
    """Has each value of the column one value of the target, and each of these one of the column?

    >>> _one_to_one([1, 1, 2], ["a", "a", "b"]), _one_to_one([1, 2, 3], ["a", "a", "b"])
    (True, False)
    """
    pairs = pd.DataFrame({"column": np.asarray(column).astype(str), "target": target}).drop_duplicates()
    return pairs["column"].is_unique and pairs["target"].is_unique


def _of_groups(values, member):
    """The value of each group's first row."""
    _, first = np.unique(member, return_index=True)
    return values[first]


def _batch_scores(problem, column, *, resamples, permutations):
    """AUC and p-value of a probe that reads a batch off the features, comparing patients of one class only.

    Without that condition a batch with more cases would seem readable because the disease is. None where no class has two batches of
    two patients.
    """
    batch = pd.factorize(pd.Series(column).astype(str), sort=True)[0]
    patients = pd.DataFrame({"group": problem.groups, "batch": batch, "class": problem.y}).drop_duplicates()
    cells = patients.groupby(["class", "batch"]).size()
    cells = cells[cells >= 2]
    cells = cells[cells.groupby("class").transform("size") >= 2]
    whole = ~patients["group"].duplicated(keep=False)  # a patient seen in two batches is left out
    cell_of_row = pd.MultiIndex.from_arrays([problem.y, batch])
    rows = np.flatnonzero(cell_of_row.isin(cells.index) & np.isin(problem.groups, patients["group"][whole]))
    if not rows.size:
        return None
    levels, y = np.unique(batch[rows], return_inverse=True)
    data, groups, of_row = problem.data[rows], problem.groups[rows], problem.y[rows]
    _, classes, member = group_labels(of_row, groups)
    smallest = int(np.unique(classes, return_counts=True)[1].min())
    folds = int(np.clip(smallest // 2, 2, 5))  # at least two patients of a class in a test fold, to be compared
    repeats = int(np.clip(200 // classes.size, 1, 10))  # with few patients, so that most pairs meet in some fold
    splits = grouped_splits(of_row, groups, folds=folds, repeats=repeats, seed=problem.seed)  # blind to the batch
    settings = change(problem.settings, "filter", by_class=False)
    codes = {}
    for split in splits:
        steps = learned_steps(settings, data).fit(data[split.train])
        codes[id(split)] = probe.to_codes(steps.transform(data).values)
    return _probed(
        lambda split: codes[id(split)],
        splits,
        y,
        groups,
        levels.size,
        resamples=resamples,
        permutations=permutations,
        seed=problem.seed,
        patient_strata=_of_groups(of_row, member),
        row_strata=of_row,
    )


def batch_from_features(problem, batches, *, resamples, permutations, n_jobs=None):
    """Can the batch be read off the peaks, among patients of one class?

    Parameters
    ----------
    batches : dict of name -> array, shape (n_rows,); dates are cut into an earlier and a later half beforehand

    Returns
    -------
    tests : list of Tested, for `judge`
    untold : list of Control: a batch that goes with the class entirely is flagged without a score (NaN)
    """
    jobs = (delayed(_batch_scores)(problem, column, resamples=resamples, permutations=permutations) for column in batches.values())
    found = dict(zip(batches, parallel(n_jobs)(jobs), strict=True))
    found = {name: score for name, score in found.items() if score or pd.Series(batches[name]).nunique() > 1}
    alarm = (
        "The {name} can be read off the peaks, even among patients of one class: the spectra carry a batch effect. "
        "Where {name} and class go together, a result cannot be told from it; test on a {name} held out."
    )
    calm = "The peaks do not betray the {name}."
    tests = [
        Tested("features", name, *score, *(words.format(name=name) for words in (alarm, calm))) for name, score in found.items() if score
    ]
    unknown = scores.Interval(float("nan"), float("nan"), float("nan"))
    untold = []
    for name in (name for name, score in found.items() if not score):
        verdict = (
            f"No class has two patients in each of two levels of {name}: its effect cannot be told from the class at all. "
            f"Collect each class in each level of {name}."
        )
        untold.append(Control("features", name, unknown, float("nan"), True, verdict))
    return tests, untold


def cross_table(batch, y, groups, classes):
    """Patients by batch and class.

    Returns
    -------
    DataFrame, one row per batch level, one column per class
    """
    frame = pd.DataFrame({"group": groups, "batch": pd.Series(batch).astype(str).to_numpy(), "class": np.asarray(classes)[y]})
    frame = frame.drop_duplicates()
    return pd.crosstab(frame["batch"], frame["class"]).reindex(columns=classes, fill_value=0)


def earlier_or_later(when):
    """Cut a date column into its earlier and its later half."""
    stamps = pd.to_datetime(pd.Series(when).astype(str), utc=True, format="ISO8601")
    return np.where(stamps <= stamps.sort_values().iloc[(len(stamps) - 1) // 2], "earlier", "later")


def is_date(column):
    """Do all values of a column read as ISO dates?

    >>> is_date(["2006-10-26 16:04", "2006-10-27"]), is_date(["M19", "M20"])
    (True, False)
    """
    return all(re.match(r"\d{4}-\d\d", str(value)) for value in column)
