"""Plain sentences on what was done to the data and what limits the result."""

import numpy as np

from spectra.identification import MATRIX_BELOW
from spectra.pipeline import signal_stages
from spectra.study import audit
from spectra.study.regions import CLEAR

FLATTENED = 0.2  # share of the tallest peaks' height that smoothing may take unsaid
LOOKED_AT, TALLEST = 20, 20  # spectra, and peaks of each


def notes_on(problem, roles, group_name, quality):
    """Plain sentences on what limits the result."""
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
    aside = {item["file"] for item in getattr(problem.data, "set_aside", [])}
    suspect = quality[(quality["verdict"] != "good") & ~quality["file"].isin(aside)] if quality is not None else ()
    if len(suspect):
        kinds = suspect["reason"].str.split(r" of | as | \(", regex=True).str[0].value_counts()
        reasons = ", ".join(f"{count} {reason}" for reason, count in kinds.items())
        notes.append(f"{len(suspect)} spectra look suspect and were kept ({reasons}); see quality.csv.")
    copies = problem.copies
    if copies and copies.together:
        notes.append(f"Rows that repeat another exactly: {copies.together}. They stand on the same side of every split as that.")
    if copies and copies.apart:
        notes.append(f"Rows that repeat another exactly, but with another label: {copies.apart}. One of each two may be wrong.")
    if not roles.get("site"):
        notes.append("No site was named: nothing here shows that the result holds in another hospital.")
    return notes


def on_matrix(named, mz):
    """A sentence on the named peaks that lie among the ions of the matrix, "" where none does.

    Parameters
    ----------
    named, mz : float arrays, m/z of the peaks that a reader will take home, and of all; NaN where features are no peaks

    Examples
    --------
    >>> on_matrix(np.array([3.77, 2466.7]), np.array([3.77, 2466.7]))[:76]
    'm/z 3.8: 1 of the 2 named peaks below m/z 1000, where ions and clusters of t'
    """
    low = named[named < MATRIX_BELOW]
    if not low.size:
        return ""
    told = ", ".join(f"{place:.1f}" for place in low[:5]) + (f" and {low.size - 5} more" if low.size > 5 else "")
    out = f", or leave them out with read.mz_low = {MATRIX_BELOW:.0f}" if (mz > 2 * MATRIX_BELOW).any() else ""
    return (
        f"m/z {told}: {low.size} of the {named.size} named peaks below m/z {MATRIX_BELOW:.0f}, where ions and clusters of the matrix crowd. "
        f"They may tell of matrix, salt and laser rather than of the sample: compare with a spot of matrix alone{out}."
    )


def on_smoothing(raw, done, settings):
    """A sentence where smoothing flattens the peaks, "" where it hardly does.

    Parameters
    ----------
    raw, done : Cohort, row by row the same spectra before and after processing
    settings : Settings
    """
    lost = []
    for i in np.unique(np.linspace(0, len(raw) - 1, min(LOOKED_AT, len(raw))).astype(int)):
        if raw.intensity_of(i).size != done.intensity_of(i).size:  # put on another axis
            continue
        stages = signal_stages(settings, raw.axis_of(i), raw.intensity_of(i))
        peaks = done.peaks[i][done.peaks[i].snr >= CLEAR]
        top = peaks.index[np.argsort(-peaks.intensity, kind="stable")[:TALLEST]]  # lower ones may be ripples that smoothing made
        height = (stages["transform"] - stages["baseline"])[top]
        kept = stages["corrected"][top][height > 0] / height[height > 0]
        lost += (1 - kept).tolist()
    share = float(np.median(lost)) if lost else 0.0
    if share <= FLATTENED:
        return ""
    return (
        f"Smoothing takes {share:.0%} of the height of the tallest peaks (median): these peaks are narrower than its window. "
        "Choose a smaller smooth.half_window, and peaks.half_window with it; weak and crowded peaks are lost first."
    )
