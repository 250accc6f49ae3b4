"""What a study found: everything the report, the run folder and a later prediction need."""

import dataclasses
from typing import Any

from spectra.containers import FeatureMatrix
from spectra.study.audit import Control
from spectra.study.evaluation import Problem
from spectra.study.markers import Marker
from spectra.study.scores import Interval
from spectra.study.sensitivity import Variant

FORMAT = 1


@dataclasses.dataclass(frozen=True)
class ModelScore:
    """One row of the comparison.

    ``chosen`` counts what the inner folds chose; ``folds`` holds (rows, probability) of every split of the scheme.
    """

    name: str
    scheme: str
    auc: Interval
    balanced_accuracy: Interval
    accuracy: Interval
    train_auc: float
    p_value: float
    seconds: float
    chosen: dict[str, int]
    folds: list[tuple[Any, Any]]


@dataclasses.dataclass(frozen=True)
class StudyResult:
    """Outcome of `spectra.study.run_study`.

    problem : the data as learned from (preprocessed), labels, patients
    raw : the Cohort before processing, or None for a plain table
    nuisance, quality : DataFrames of per-spectrum nuisance numbers, and of verdicts on the raw spectra; None for a plain table
    scores : of the main scheme, candidates first, the nested selection last; ``other_schemes`` likewise
    final : name and parameters of the model chosen on all data, for predicting new spectra
    steps, features : the learned steps fitted on all rows, and what they give
    tables : batch name -> DataFrame, patients by batch and class
    notes : plain sentences on what was done to the data and what limits the result
    """

    problem: Problem
    raw: Any
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

    def score(self, name) -> ModelScore:
        """The row of the main comparison with this name."""
        return next(score for score in self.scores if score.name == name)

    def to_dict(self) -> dict[str, Any]:
        """``results.json``, format 1."""
        y, groups, classes = self.problem.y, self.problem.groups, self.problem.classes
        samples = getattr(self.problem.data, "samples", None)
        n_samples = samples["sample"].nunique() if samples is not None and "sample" in samples else len(y)
        return {
            "format": FORMAT,
            "data": {
                "n_spectra": len(y),
                "n_samples": int(n_samples),
                "n_groups": len(set(groups)),
                "n_features": self.features.shape[1],
                "classes": {name: int((y == k).sum()) for k, name in enumerate(classes)},
                "set_aside": self.set_aside,
            },
            "models": [_model(score) for score in self.scores],
            "best": self.final["name"],
            "splits": [
                {"scheme": score.scheme, "model": score.name, "auc": score.auc._asdict()} for score in [*self.scores, *self.other_schemes]
            ],
            "audit": [
                {
                    "control": control.control,
                    "predicts": control.predicts,
                    "auc": control.auc.mean,
                    "p_value": control.p_value,
                    "flag": control.flag,
                    "verdict": control.verdict,
                }
                for control in self.controls
            ],
            "markers": [
                {
                    "mz": None if marker.mz != marker.mz else marker.mz,
                    "name": marker.name,
                    "stability": marker.stability,
                    "direction": marker.direction,
                    "effect": marker.effect,
                    "candidates": marker.candidates,
                }
                for marker in self.markers
            ],
            "sensitivity": [
                {
                    "step": variant.step,
                    "setting": variant.setting,
                    "value": variant.value,
                    "n_peaks": variant.n_peaks,
                    "auc": None if variant.auc != variant.auc else variant.auc,
                    "marker_overlap": None if variant.marker_overlap != variant.marker_overlap else variant.marker_overlap,
                }
                for variant in self.sensitivity
            ],
            "notes": self.notes,
        }


def _model(score):
    row = {name: getattr(score, name)._asdict() for name in ("auc", "balanced_accuracy", "accuracy")}
    return {"name": score.name, **row, "train_auc": score.train_auc, "p_value": score.p_value, "chosen": score.chosen}
