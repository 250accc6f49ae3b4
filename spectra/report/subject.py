"""What a study is about, in the words and numbers that every section needs."""

from typing import Any, NamedTuple

import numpy as np

from spectra.containers import Cohort
from spectra.study.outcome import SELECTED
from spectra.study.roles import called
from spectra.study.splits import group_labels

ENOUGH = 20  # patients in the smallest class, below which the page says that they are too few


class Subject(NamedTuple):
    """Nouns and counts of one study.

    row, patient : what a row and a group are called, in the singular ("spectrum", "patient")
    spectra : the processed Cohort, or None for a plain table
    y, classes : of a quantity its levels
    patients : int array, shape (n_classes,), groups per class
    quantity : float array, shape (n_rows,), or None where classes are predicted
    """

    label: str
    row: str
    patient: str
    spectra: Any
    y: np.ndarray
    classes: list[str]
    n_rows: int
    n_groups: int
    patients: np.ndarray
    nested: Any
    quantity: Any = None

    @property
    def rank(self):
        """What models are ranked by, in words: 0.5 is guessing, 1 perfect."""
        return "area under the ROC curve (AUC)" if self.quantity is None else "concordance"

    @property
    def it(self):
        """What is told: the classes, or the quantity by its name."""
        return "the classes" if self.quantity is None else f"'{self.label}'"

    @property
    def told(self):
        """What was done where it worked."""
        return "the classes were told apart" if self.quantity is None else f"'{self.label}' was told"

    @property
    def untold(self):
        """What was not done where it failed."""
        return "the classes were not told apart" if self.quantity is None else f"'{self.label}' was not told"

    @property
    def level(self):
        """What a class is called: of a quantity a level."""
        return "class" if self.quantity is None else "level"

    @property
    def rank_short(self):
        """The same in short."""
        return "AUC" if self.quantity is None else "concordance"

    @property
    def rows(self):
        """Plural of `row`."""
        return "spectra" if self.row == "spectrum" else self.row + "s"

    @property
    def groups(self):
        """Plural of `patient`."""
        return "spectra" if self.patient == "spectrum" else self.patient + "s"

    @property
    def feature(self):
        """What a column is called."""
        return "feature" if self.spectra is None else "peak"

    def count(self, number, noun):
        """``3 patients``, ``1 patient``; `noun` is "row" or "patient"."""
        one, many = (self.row, self.rows) if noun == "row" else (self.patient, self.groups)
        return f"{number:,} {one if number == 1 else many}"


def subject(result):
    """The words and counts of a StudyResult."""
    problem = result.problem
    is_cohort = isinstance(problem.data, Cohort)
    row = "spectrum" if is_cohort else "row"
    _, label, _ = group_labels(problem.y, problem.groups)
    return Subject(
        result.roles.get("label", "label"),
        row,
        _patient(result, row),
        problem.data if is_cohort else None,
        problem.y,
        list(problem.classes),
        len(problem.y),
        label.size,
        np.bincount(label, minlength=len(problem.classes)),
        result.score(SELECTED),
        problem.quantity,
    )


def _patient(result, row):
    """What a group is called: the column that names it, without an ending such as ``_id``; a row where each is its own group, copies aside."""
    name = result.roles.get("group")
    groups, copies = result.problem.groups, result.problem.copies
    if name is None:
        if np.unique(groups).size + (copies.together if copies else 0) >= len(groups):
            return row
        name = next((name for name in ("patient", "sample") if name in result.features.samples), "patient")
    return called(name)


def intensity_label(settings, power=""):
    """What the processed intensities are, divided by a power of ten such as ``"10⁻³ "``.

    >>> from spectra.settings import Settings
    >>> intensity_label(Settings(), "10⁻³ ")
    'normalised intensity (10⁻³)'
    """
    if settings.normalize.method != "none":
        return f"normalised intensity ({power.strip()})" if power else "normalised intensity"
    return f"intensity ({power}{counts_unit(settings)})"


def counts_unit(settings):
    """The unit of counts after the transform.

    >>> from spectra.settings import Settings
    >>> counts_unit(Settings())
    '√counts'
    """
    return {"square_root": "√counts", "cube_root": "∛counts", "logarithm": "log(counts)"}.get(settings.transform.method, "counts")


def value_label(result, power=""):
    """What a feature's values are, divided by a power of ten."""
    if isinstance(result.problem.data, Cohort):
        return intensity_label(result.problem.settings, power)
    return f"value in the table{f' ({power.strip()})' if power else ''}"


def marker_name(marker):
    """``m/z 4211.3`` or the column's name; below m/z 100, where bins are narrower than a tenth, with another digit."""
    return f"m/z {marker.mz:.{1 if marker.mz >= 100 else 2}f}" if marker.mz == marker.mz else marker.name


def p_text(p_value):
    """A p-value as text, nothing where there is none.

    >>> p_text(0.0004), p_text(0.03), p_text(1.0)
    ('< 0.001', '0.030', '1.000')
    """
    if not np.isfinite(p_value):
        return ""
    return "< 0.001" if p_value < 0.001 else f"{p_value:.3f}"


def interval_text(interval, digits=2):
    """``0.91 (0.85 to 0.95)``"""
    if not np.isfinite(interval.mean):
        return "not defined"
    return f"{interval.mean:.{digits}f} ({interval.low:.{digits}f} to {interval.high:.{digits}f})"
