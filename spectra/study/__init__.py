"""Splits, comparison, audit, stability and sensitivity -> `StudyResult`."""

from spectra.study.comparison import run_study
from spectra.study.result import StudyResult

__all__ = ["StudyResult", "run_study"]
