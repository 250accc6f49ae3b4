"""Figures and tables of how well the candidates do on patients held out."""

import numpy as np
from sklearn.metrics import roc_curve

from spectra.report.belief import row_belief
from spectra.report.canvas import ACCENT, GREY, INK, chance, colour, intervals, ladder, panels, picture, short
from spectra.report.subject import p_text
from spectra.study.outcome import SELECTED
from spectra.study.tasks import positive

GRID = np.linspace(0, 1, 201)
MOST_NAMES = 24  # class names along an axis
SCHEMES = {
    "random-grouped": "{groups} drawn at random",
    "leave-site-out": "one site left out at a time",
    "forward-in-time": "trained on earlier, tested on later dates",
    "external": "external set, by the frozen model",
}


def scheme_name(scheme, about):
    """What a scheme holds out, in words."""
    return SCHEMES.get(scheme, scheme).format(groups=about.groups)


def _ranked(scores):
    """The nested selection first, then candidates from best to worst."""
    return sorted(scores, key=lambda score: (score.name != SELECTED, -np.nan_to_num(score.auc.mean)))


def _tell(name):
    return "best model, selected inside" if name == SELECTED else name


@picture
def comparison(result, about):
    """Candidates with intervals, held-out against training."""
    scores = _ranked(result.scores)
    figure, axes = panels(height=0.9 + 0.34 * len(scores))
    axis = axes[0, 0]
    axis.axhspan(-0.5, 0.5, color=ACCENT, alpha=0.09, linewidth=0)
    ladder(axis, [_tell(score.name) for score in scores])
    intervals(axis, [score.auc for score in scores], label=f"{about.groups} held out, with 95 % interval")
    axis.plot([score.train_auc for score in scores], range(len(scores)), "o", color=GREY, markerfacecolor="none", label="training data")
    chance(axis)
    lows = [score.auc.low for score in scores]
    axis.set_xlim(min(0.38, np.nanmin(lows) - 0.02 if np.isfinite(lows).any() else 0.38), 1.015)
    axis.set_xlabel(f"{about.rank} (0.5 = guessing, 1 = perfect)")
    figure.legend(loc="outside upper right", ncols=2)
    caption = (
        f"Only the filled dots count: they are scores on {about.groups} that took no part in training or choice. "
        "A hollow circle far to the right of its dot means that the model learned its training data by heart. "
        "The shaded row is the honest answer: in each split it takes whichever model looked best on the training data alone."
    )
    return figure, "Scores on training data and on data held out", caption


@picture
def learning_curve(result, about):
    """Held-out and training score against the number of patients learned from."""
    if len(result.curve) < 2:
        return None
    figure, axes = panels(height=2.7, width=7.4)
    axis = axes[0, 0]
    patients = [point.patients for point in result.curve]
    found = [point.auc for point in result.curve]
    axis.fill_between(patients, [row.low for row in found], [row.high for row in found], color=ACCENT, alpha=0.14, linewidth=0)
    axis.plot(patients, [row.mean for row in found], "o-", color=ACCENT, markersize=5, label=f"{about.groups} held out, with 95 % interval")
    train = [point.train_auc for point in result.curve]
    axis.plot(patients, train, "o--", color=GREY, markerfacecolor="none", markersize=5, label="training data")
    axis.axhline(0.5, color=GREY, linestyle=(0, (4, 3)), linewidth=0.9)
    axis.set_ylim(min(0.42, *(row.low - 0.02 for row in found)), 1.02)
    axis.set_xscale("log")
    axis.set_xticks(patients, [f"{n:.0f}" for n in patients])
    axis.minorticks_off()
    axis.set_xlabel(f"{about.groups} learned from (log scale)")
    axis.set_ylabel(about.rank_short)
    figure.legend(loc="outside upper right", ncols=2)
    caption = (
        f"{result.final['name'][:1].upper()}{result.final['name'][1:]}, its parameters chosen anew for each size, always asked about the same {about.groups}. A curve that still rises at "
        f"the right says that more {about.groups} would help; the distance to the hollow circles is what was only learned by heart."
    )
    return figure, f"Would more {about.groups} help?", caption


def _cell(interval):
    if not np.isfinite(interval.mean):
        return "not defined", ""
    return f"{interval.mean:.3f}", f"{interval.low:.3f} to {interval.high:.3f}"


COLUMNS = {
    "auc": "AUC",
    "balanced_accuracy": "balanced accuracy",
    "accuracy": "accuracy",
    "sensitivity": "sensitivity at 90 % specificity",
    "brier": "Brier score",
    "concordance": "concordance",
    "r2": "R²",
    "rmse": "RMSE",
    "mae": "mean absolute error",
    "spearman": "Spearman's rank correlation",
}
"""Heads of the scores' columns."""


def model_rows(result):
    """Cells of the comparison table."""
    rows, against = [], {pair.name: pair for pair in result.pairs}
    for score in _ranked(result.scores):
        often = next(iter(score.chosen), "")  # such as "model=random forest, max_features=sqrt"
        total = sum(score.chosen.values())
        pair, cost = against.get(score.name), result.costs.get(score.name)
        rows.append(
            {
                "name": _tell(score.name),
                "nested": score.name == SELECTED,
                "measures": [_cell(interval) for interval in score.measures.values()],
                "train": f"{score.train_auc:.3f}",
                "gap": f"{score.train_auc - score.auc.mean:+.3f}",
                "pair": (f"{pair.difference:+.3f}", f"p {p_text(pair.p_value)}") if pair and np.isfinite(pair.p_value) else ("", ""),
                "p": p_text(score.p_value),
                "seconds": f"{score.seconds:.1f}",
                "memory": f"{cost.peak_bytes / 1e6:.1f}" if cost else "",
                "chosen": f"{often.removeprefix('model=')} ({score.chosen[often]} of {total})" if often else "",
            }
        )
    return rows


def measure_heads(result):
    """Heads of the columns of scores."""
    return [COLUMNS[name] for name in result.scores[0].measures]


def scheme_rows(result, about):
    """AUC of every model under every way of holding out: names of the ways, and for each model its cells."""
    ways = list(dict.fromkeys(score.scheme for score in [*result.scores, *result.other_schemes]))
    by_place = {(score.scheme, score.name): score for score in [*result.scores, *result.other_schemes]}
    rows = []
    for score in _ranked(result.scores):
        found = [by_place.get((way, score.name)) for way in ways]
        cells = [_cell(other.auc) if other else ("", "") for other in found]
        rows.append({"name": _tell(score.name), "nested": score.name == SELECTED, "cells": cells})
    return [scheme_name(way, about) for way in ways], rows


@picture
def schemes(result, about):
    """The nested row under every way of holding out."""
    rows = [score for score in [*result.scores, *result.other_schemes] if score.name == SELECTED]
    if len(rows) < 2:
        return None
    figure, axes = panels(height=0.75 + 0.42 * len(rows))
    axis = axes[0, 0]
    ladder(axis, [scheme_name(score.scheme, about) for score in rows])
    intervals(axis, [score.auc for score in rows], tone=ACCENT, size=7)
    others = {score.scheme: [] for score in rows}
    for score in [*result.scores, *result.other_schemes]:
        if score.name not in (SELECTED, "majority class"):
            others[score.scheme].append(score.auc.mean)
    for place, values in enumerate(others.values()):
        axis.plot(values, np.full(len(values), place + 0.24), "|", color=GREY, markersize=7)
    chance(axis)
    axis.set_xlim(min(0.38, *(np.nan_to_num(score.auc.low, nan=0.38) - 0.02 for score in rows)), 1.015)
    axis.set_xlabel(f"{about.rank} (0.5 = guessing, 1 = perfect)")
    caption = (
        "A result that is to survive another hospital or another year should fall little from the first row to the others. "
        "Dots: the model selected inside, with 95 % intervals; short ticks below: the single candidates."
    )
    return figure, "The same question, asked harder", caption


def mean_roc(folds, y, k):
    """Share of class `k` recognised at each false-alarm rate of `GRID`.

    Folds are weighted by the pairs they hold, so the area under this curve is the study's AUC; None where no fold holds both sides.
    """
    total, weight = np.zeros(GRID.size), 0
    for rows, probability in folds:
        own = y[rows] == k
        pairs = int(own.sum()) * int((~own).sum())
        if pairs:
            false, true, _ = roc_curve(own, probability[:, k], drop_intermediate=False)
            total += pairs * np.interp(GRID, false, true)
            weight += pairs
    return total / weight if weight else None


def confusion(folds, y, n_classes):
    """Rows of each class taken for each class, mean over repetitions: float array, shape (n_classes, n_classes)."""
    counts = np.zeros((n_classes, n_classes))
    for rows, probability in folds:
        np.add.at(counts, (y[rows], probability.argmax(axis=1)), 1)
    return counts * y.size / max(1.0, counts.sum())


def _draw_roc(axis, about):
    two = len(about.classes) == 2
    found = positive(about.classes) if two else 0
    for k in [found] if two else range(len(about.classes)):
        curve = mean_roc(about.nested.folds, about.y, k)
        if curve is None:
            continue
        name = "model selected inside" if two else short(about.classes[k], 24)
        axis.plot(np.r_[0, GRID], np.r_[0, curve], color=ACCENT if two else colour(k, len(about.classes)), linewidth=1.8, label=name)
        if two:
            _mark_specificity(axis, about, curve)
    axis.plot([0, 1], [0, 1], color=GREY, linestyle=(0, (4, 3)), linewidth=0.9, label="guessing")
    axis.set_xlim(-0.02, 1.02)
    axis.set_ylim(-0.02, 1.02)
    axis.set_aspect("equal")
    if two:
        axis.set_xlabel(f"share of '{short(about.classes[1 - found], 20)}' called '{short(about.classes[found], 20)}'")
        axis.set_ylabel(f"share of '{short(about.classes[found], 20)}' recognised")
    else:
        axis.set_xlabel("share of the other classes falsely called")
        axis.set_ylabel("share of the class recognised")
    axis.set_title("ROC")
    if len(about.classes) <= 8:
        axis.legend(loc="lower right")


SPECIFICITY = 0.9


def _mark_specificity(axis, about, curve):
    """What is recognised where nine of ten of the others are rightly left alone."""
    share = float(np.interp(1 - SPECIFICITY, GRID, curve))
    axis.plot([1 - SPECIFICITY], [share], "o", color=ACCENT, markersize=5)
    words = f"{share:.0%} recognised at {SPECIFICITY:.0%} specificity"
    below = -14 if share > 0.25 else 12  # clear of the legend
    axis.annotate(words, (1 - SPECIFICITY, share), xytext=(10, below), textcoords="offset points")


def _draw_confusion(axis, about, counts):
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-12)
    axis.imshow(share, cmap="Blues", vmin=0, vmax=1.25, interpolation="none")
    names = [short(name, 14) for name in about.classes]
    told = range(0, len(names), -(-len(names) // MOST_NAMES))
    axis.set_xticks(told, names[:: told.step], rotation=35 if len("".join(names)) > 24 else 0)
    axis.set_yticks(told, names[:: told.step])
    if len(names) <= 10:
        for i, row in enumerate(counts):
            for j, number in enumerate(row):
                text = f"{number:.0f}" if abs(number - round(number)) < 0.05 else f"{number:.1f}"
                axis.text(j, i, text, ha="center", va="center", color="white" if share[i, j] > 0.6 else INK, fontsize=9)
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    axis.set_xlabel("called")
    axis.set_ylabel("truly")
    axis.set_title(f"Who is taken for whom ({about.rows})")


def _draw_agreement(axis, about, said):
    low, high = min(about.quantity.min(), said.min()), max(about.quantity.max(), said.max())
    axis.plot([low, high], [low, high], color=GREY, linestyle=(0, (4, 3)), linewidth=0.9)
    axis.plot(about.quantity, said, "o", color=ACCENT, markersize=3.5, alpha=0.7)
    axis.set_xlabel(f"{short(about.label, 30)}, true")
    axis.set_ylabel("predicted while held out")
    axis.set_title(f"Predicted against true ({about.rows})")


def _draw_residuals(axis, about, said):
    axis.axhline(0, color=GREY, linestyle=(0, (4, 3)), linewidth=0.9)
    axis.plot(said, about.quantity - said, "o", color=ACCENT, markersize=3.5, alpha=0.7)
    axis.set_xlabel("predicted while held out")
    axis.set_ylabel("true less predicted")
    axis.set_title("What is left")


def _agreement(about):
    said = row_belief(about)[:, 0]
    figure, axes = panels(1, 2, height=3.6)
    _draw_agreement(axes[0, 0], about, said)
    _draw_residuals(axes[0, 1], about, said)
    caption = (
        f"Each point is a {about.row} when held out, mean of all repetitions, by the model selected inside. Left: on the dashed line the "
        "prediction is right; a cloud flatter than the line means that high values are told too low and low ones too high. Right: a trend or a "
        "funnel shows what the model misses."
    )
    return figure, "How predictions agree", caption


@picture
def decisions(result, about):
    """ROC and confusion matrix of the nested row; of a quantity predicted against true values."""
    if about.quantity is not None:
        return _agreement(about)
    counts = confusion(about.nested.folds, about.y, len(about.classes))
    figure, axes = panels(1, 2, height=3.9)
    _draw_roc(axes[0, 0], about)
    _draw_confusion(axes[0, 1], about, counts)
    caption = (
        "Left: the further the curve bends to the upper left corner, the better; on the dashed line it is guessing. "
        f"Right: {about.rows} by true class (lines) and by the class called (columns) when each stood in the part held out, mean of all "
        "repetitions; numbers off the diagonal are errors. Both show the model selected inside."
    )
    return figure, "How decisions fall", caption
