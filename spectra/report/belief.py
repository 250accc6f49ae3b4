"""How much the model believed in the truth: patient by patient, and whether its probabilities keep their word."""

from typing import NamedTuple

import numpy as np

from spectra.report.canvas import ACCENT, ALARM, GREY, by_class, panels, picture, short
from spectra.study.tasks import positive

MOST_BINS, LEAST_IN_BIN = 10, 15  # of the calibration curve
Z = 1.96
WIDE = 0.25  # a gap in the probabilities of one bin that parts it


def row_belief(about):
    """Mean held-out belief for each row: probability of every class, or the quantity alone; zeros where never held out."""
    total, seen = np.zeros((about.y.size, about.nested.folds[0][1].shape[1])), np.zeros(about.y.size)
    for rows, probability in about.nested.folds:
        total[rows] += probability
        seen[rows] += 1
    return total / np.maximum(seen, 1)[:, None]


def belief(result, about):
    """Mean held-out probability of the true class for each group.

    Returns
    -------
    names, label, probability : arrays, shape (n_groups,); called : int array, the class most believed in
    """
    names, first, member = np.unique(np.asarray(result.problem.groups), return_index=True, return_inverse=True)
    mean = np.zeros((names.size, len(about.classes)))
    np.add.at(mean, member.ravel(), row_belief(about))
    mean /= np.bincount(member.ravel())[:, None]
    label = about.y[first]
    return names, label, mean[np.arange(names.size), label], mean.argmax(axis=1)


class Calibration(NamedTuple):
    """Said and seen shares of a class, bin by bin, with the 95 % interval of what was seen; and the Brier score of all."""

    said: np.ndarray
    seen: np.ndarray
    low: np.ndarray
    high: np.ndarray
    brier: float


def calibration(about):
    """Do the held-out probabilities keep their word?

    For two classes the probability of the one to be found is looked at, else every class's against the rest, in bins of equal size; one that
    would mix sure rows with others is parted. Intervals are Wilson's (1927), each row counted once however often it was held out.

    Returns
    -------
    Calibration, or None where there are too few rows for two bins
    """
    rows = np.concatenate([rows for rows, _ in about.nested.folds])
    probability = np.concatenate([probability for _, probability in about.nested.folds])
    truth = about.y[rows][:, None] == np.arange(len(about.classes))
    brier = float(((probability - truth) ** 2).sum(axis=1).mean())
    if len(about.classes) == 2:
        k = positive(about.classes)
        probability, truth, brier = probability[:, [k]], truth[:, [k]], brier / 2
    said, seen = probability.ravel(), truth.ravel()
    once = about.n_rows * probability.shape[1] / said.size
    n_bins = min(MOST_BINS, int(about.n_rows // LEAST_IN_BIN))
    if n_bins < 2:
        return None
    bins = np.array_split(np.argsort(said, kind="stable"), n_bins)
    bins = [part for chosen in bins for part in np.split(chosen, np.flatnonzero(np.diff(said[chosen]) > WIDE) + 1)]
    mean, share = (np.array([values[chosen].mean() for chosen in bins]) for values in (said, seen))
    n = np.array([chosen.size for chosen in bins]) * once
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2)) / (1 + Z**2 / n)
    return Calibration(mean, share, centre - half, centre + half, brier)


def _draw_calibration(axis, about, found):
    axis.plot([0, 1], [0, 1], color=GREY, linestyle=(0, (4, 3)), linewidth=0.9)
    axis.vlines(found.said, found.low, found.high, color=ACCENT, linewidth=1.2)
    axis.plot(found.said, found.seen, "o", color=ACCENT, markersize=4.5)
    axis.set_xlim(-0.03, 1.03)
    axis.set_ylim(-0.03, 1.03)
    what = f"'{short(about.classes[positive(about.classes)], 20)}'" if len(about.classes) == 2 else "a class"
    axis.set_xlabel(f"probability of {what} that the model gave")
    axis.set_ylabel(f"share that truly was {what}")
    axis.set_title(f"Do the probabilities keep their word? Brier score {found.brier:.3f}")


@picture
def per_patient(result, about):
    """How much the model believed in the truth, patient by patient; beside it the calibration."""
    if about.quantity is not None:
        return None
    _, label, probability, _ = belief(result, about)
    found = calibration(about)
    figure, axes = panels(1, 2, height=3.1) if found else panels(height=3.1, width=min(9.4, 3.4 + 0.9 * len(about.classes)))
    axis = axes[0, 0]
    by_class(axis, probability, label, about.classes)
    axis.axhline(1 / len(about.classes), color=ALARM, linestyle=(0, (4, 3)), linewidth=0.9)
    axis.set_ylim(-0.03, 1.03)
    axis.set_ylabel("probability given to the true class")
    axis.set_xlabel(f"{short(about.label, 30)} (one point per {about.patient})")
    caption = f"Each point is a {about.patient} while held out. Near 1: sure and right; below the dashed line: most believed to be something else."
    if found:
        _draw_calibration(axes[0, 1], about, found)
        caption += (
            " Right: of those to whom the model gave, say, 70 %, about 70 % should truly be of the class; dots on the dashed line keep that "
            "word, a flatter row of dots is overconfident, a steeper one too cautious. Brier score: mean squared error of the probabilities, 0 is perfect."
        )
    return figure, f"{about.patient.capitalize()} by {about.patient}", caption


def hardest(result, about, most=8):
    """The groups whose truth the model believed in least, where another class was called; of a quantity nobody."""
    if about.quantity is not None:
        return 0, []
    names, label, probability, called = belief(result, about)
    wrong = [i for i in np.argsort(probability, kind="stable") if called[i] != label[i]]
    return len(wrong), [
        {"name": names[i], "truly": about.classes[label[i]], "called": about.classes[called[i]], "probability": f"{probability[i]:.2f}"}
        for i in wrong[:most]
    ]
