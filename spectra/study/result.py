"""What a study found: everything the report, the run folder and a later prediction need."""

import dataclasses
from collections.abc import Callable
from typing import Any

from spectra.containers import FeatureMatrix
from spectra.errors import SpectraError, choices
from spectra.study.audit import Control
from spectra.study.costs import Cost
from spectra.study.curve import Point
from spectra.study.markers import Marker
from spectra.study.multiverse import Universe
from spectra.study.paired import Pair
from spectra.study.problem import Problem
from spectra.study.scores import Interval
from spectra.study.sensitivity import Variant
from spectra.study.technical import Agreement, Drift

FORMAT = 1


@dataclasses.dataclass(frozen=True)
class ModelScore:
    """One row of the comparison.

    ``measures`` holds the scores by name, the ranking one first; ``p_value`` is NaN where labels were not shuffled for this row;
    ``seconds`` of the processor, choice included; ``chosen`` counts what the inner folds chose; ``folds`` holds (rows, belief) of every
    split of the scheme: class probabilities, or the predicted quantity, shape (n_rows, 1).
    """

    name: str
    scheme: str
    measures: dict[str, Interval]
    train_auc: float
    p_value: float
    seconds: float
    chosen: dict[str, int]
    folds: list[tuple[Any, Any]]

    @property
    def auc(self) -> Interval:
        """The score that ranks: the AUC, for a quantity the concordance; 0.5 is guessing, 1 perfect."""
        return next(iter(self.measures.values()))

    @property
    def balanced_accuracy(self) -> Interval:
        """Of classes."""
        return self.measures["balanced_accuracy"]

    @property
    def accuracy(self) -> Interval:
        """Of classes."""
        return self.measures["accuracy"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class StudyResult:
    """Outcome of `spectra.study.run_study`.

    problem : the data as learned from (preprocessed), labels, patients
    raw : the Cohort before processing, or None for a plain table
    digests : array of str, what is learned from, as of `seen.digests`: the raw spectra, before any averaging, or a table's rows
    nuisance, quality : DataFrames of per-spectrum nuisance numbers, and of verdicts on the raw spectra; None for a plain table
    scores : of the main scheme, candidates first, the nested selection last; ``other_schemes`` likewise
    final : name and parameters of the model chosen on all data, for predicting new spectra
    steps, features : the learned steps fitted on all rows, and what they give
    tables : batch name -> DataFrame, patients by batch and class
    notes : plain sentences on what was done to the data and what limits the result
    seconds : part of the study -> seconds it took
    panel : `spectra.study.panel.Panel`, or None
    curve : score against the number of patients learned from; empty where there are too few
    drifts, agreement : how the instrument moves over the run, and how replicates agree; run_order : (column, place of each row) or None
    universes : combinations of settings, beyond the single ones in ``sensitivity``
    pairs : every candidate against the best one
    costs : candidate -> `Cost` of one fit on all rows
    external : `spectra.study.external.External`, or None where no set was held out for the frozen model
    """

    problem: Problem
    raw: Any
    digests: Any
    nuisance: Any
    quality: Any
    roles: dict[str, str]
    scores: list[ModelScore]
    other_schemes: list[ModelScore]
    final: dict[str, Any]
    steps: Any
    features: FeatureMatrix
    controls: list[Control]
    markers: list[Marker]
    sensitivity: list[Variant]
    tables: dict[str, Any]
    set_aside: list[dict[str, str]]
    notes: list[str]
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)
    pairs: list[Pair] = dataclasses.field(default_factory=list)
    costs: dict[str, Cost] = dataclasses.field(default_factory=dict)
    external: Any = None
    panel: Any = None
    curve: list[Point] = dataclasses.field(default_factory=list)
    universes: list[Universe] = dataclasses.field(default_factory=list)
    drifts: list[Drift] = dataclasses.field(default_factory=list)
    run_order: Any = None
    agreement: Agreement | None = None

    def named_peaks(self, most=5):
        """m/z of the peaks on the first page: those of the panel, or else the first markers that were chosen; NaN where features are no peaks."""
        chosen = [marker.column for marker in self.markers[:most] if marker.stability > 0]
        return self.features.mz[[member.column for member in self.panel.members] if self.panel else chosen]

    def score(self, name) -> ModelScore:
        """The row of the main comparison with this name."""
        rows = {score.name: score for score in self.scores}
        if name not in rows:
            raise SpectraError(f"no model {name!r} was compared; {choices(name, rows)}")
        return rows[name]

    def costs_told(self) -> dict[str, dict[str, float]]:
        """Seconds in all splits, and of one fit seconds and bytes, of each candidate: for ``run.json``, since they differ from run to run."""
        rows = {score.name: {"seconds": round(score.seconds, 3)} for score in self.scores}
        return {name: row | (self.costs[name]._asdict() if name in self.costs else {}) for name, row in rows.items()}

    def to_dict(self) -> dict[str, Any]:
        """``results.json``, format 1."""
        return {"format": FORMAT} | {name: block(self) for name, block in _BLOCKS.items()}


def _data(result):
    y, classes = result.problem.y, result.problem.classes
    samples = getattr(result.problem.data, "samples", None)
    n_samples = samples["sample"].nunique() if samples is not None and "sample" in samples else len(y)
    return {
        "n_spectra": len(y),
        "n_samples": int(n_samples),
        "n_groups": len(set(result.problem.groups)),
        "n_features": result.features.shape[1],
        "task": result.problem.task.name,
        "classes": {name: int((y == k).sum()) for k, name in enumerate(classes)},
        "set_aside": result.set_aside,
    }


def _splits(result):
    every = [*result.scores, *result.other_schemes]
    return [{"scheme": score.scheme, "model": score.name, **_measures(score)} for score in every]


def _control(control):
    row = {name: getattr(control, name) for name in ("control", "predicts", "p_value", "flag", "doubt", "verdict")}
    return row | {"auc": control.auc.mean}


def _fields(item, names):
    """The named fields; NaN becomes None."""
    values = {name: getattr(item, name) for name in names.split()}
    return {name: None if value != value else value for name, value in values.items()}


def _measures(score):
    return {name: interval._asdict() for name, interval in score.measures.items()}


def _model(score):
    return {"name": score.name, **_measures(score), "train_auc": score.train_auc, "p_value": score.p_value, "chosen": score.chosen}


def _panel(result):
    panel, names = result.panel, result.features.names
    if panel is None:
        return None
    members = [
        {"name": names[member.column], "same": [names[j] for j in member.same], "chosen_again": member.chosen} for member in panel.members
    ]
    sizes = [{"size": size, "auc": interval._asdict()} for size, interval in panel.sizes]
    return {"auc": panel.score._asdict(), "members": members, "sizes": sizes, "chosen_inside": panel.inside}


def _external(result):
    found = result.external
    if found is None:
        return None
    told = {
        name: getattr(found, name)
        for name in ("name", "digest", "times", "earlier", "n_rows", "n_groups", "classes", "unfamiliar", "set_aside")
    }
    return told | _measures(found.score) | {"p_value": found.score.p_value}


# one block of results.json each: name -> callable (StudyResult) -> JSON
_BLOCKS: dict[str, Callable[[StudyResult], Any]] = {
    "data": _data,
    "models": lambda result: [_model(score) for score in result.scores],
    "pairs": lambda result: [pair._asdict() for pair in result.pairs],
    "best": lambda result: result.final["name"],
    "splits": _splits,
    "audit": lambda result: [_control(control) for control in result.controls],
    "markers": lambda result: [
        _fields(
            marker,
            "mz name stability direction effect effect_low effect_high expected_false family form alike origin origin_chance candidates",
        )
        for marker in result.markers
    ],
    "sensitivity": lambda result: [_fields(variant, "step setting value n_peaks auc marker_overlap") for variant in result.sensitivity],
    "drift": lambda result: [_fields(drift, "what order correlation p_value change flag verdict") for drift in result.drifts],
    "replicates": lambda result: (
        None if result.agreement is None else _fields(result.agreement, "unit n_samples n_rows markers everything flag verdict")
    ),
    "universes": lambda result: [
        {"changes": [list(change) for change in universe.changes]} | _fields(universe, "n_peaks auc marker_overlap note")
        for universe in result.universes
    ],
    "learning_curve": lambda result: [
        {"patients": point.patients, "auc": point.auc._asdict(), "train_auc": point.train_auc} for point in result.curve
    ],
    "panel": _panel,
    "external": _external,
    "notes": lambda result: result.notes,
}
