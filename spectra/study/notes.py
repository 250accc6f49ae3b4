"""Plain sentences on what was done to the data and what limits the result."""

import numpy as np

from spectra.identification import MATRIX_BELOW
from spectra.study import audit


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
