"""Plain sentences on what was done to the data and what limits the result."""

import numpy as np

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
    suspect = quality[quality["verdict"] != "good"] if quality is not None else ()
    if len(suspect):
        reasons = ", ".join(f"{count} {reason}" for reason, count in suspect["reason"].str.split(" of | as ").str[0].value_counts().items())
        notes.append(f"{len(suspect)} spectra look suspect and were kept ({reasons}); see quality.csv.")
    copies = problem.copies
    if copies and copies.together:
        notes.append(f"Rows that repeat another exactly: {copies.together}. They stand on the same side of every split as that.")
    if copies and copies.apart:
        notes.append(f"Rows that repeat another exactly, but with another label: {copies.apart}. One of each two may be wrong.")
    if not roles.get("site"):
        notes.append("No site was named: nothing here shows that the result holds in another hospital.")
    return notes
