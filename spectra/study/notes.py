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
