"""Figure and table of what other settings would have given."""

import numpy as np

from spectra.report.canvas import ACCENT, ALARM, GREY, panels, picture
from spectra.report.subject import ENOUGH
from spectra.settings import options


def _number(value):
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)


def _unit(settings, variant):
    return next((option.unit for option in options(settings, variant.step) if option.name == variant.setting), "")


def _groups(variants):
    """Variants of one setting side by side, in the order of the steps."""
    found = {}
    for variant in variants:
        found.setdefault((variant.step, variant.setting), []).append(variant)
    return list(found.values())


def spread(variants):
    """Lowest and highest AUC over all values tried, NaN where none could be scored."""
    scores = [variant.auc for variant in variants if np.isfinite(variant.auc)]
    return (min(scores), max(scores)) if scores else (np.nan, np.nan)


@picture
def sensitivity(result, about):
    """Number of peaks, AUC and overlap of markers for every value of every setting."""
    if not result.sensitivity:
        return None
    groups = _groups(result.sensitivity)
    n_rows = len(result.sensitivity)
    figure, axes = panels(1, 3, height=0.9 + 0.2 * (n_rows + 0.6 * len(groups)), sharey=True)
    fields = (
        ("n_peaks", "number of peaks"),
        ("auc", f"{about.rank_short} of a fixed forest, held-out"),
        ("marker_overlap", "share of top markers kept"),
    )
    ticks, labels, place = [], [], 0.0
    for group in groups:
        first = place
        for variant in group:
            _row(axes[0], variant, place, fields)
            ticks.append(place)
            head = f"{variant.step} {variant.setting.replace('_', ' ')}: " if variant is group[0] else ""
            unit = _unit(result.problem.settings, variant)
            labels.append(head + _number(variant.value) + (f" {unit}" if unit and variant is group[0] else ""))
            place += 1
        for axis, (field, _) in zip(axes[0], fields, strict=True):
            values = [getattr(variant, field) for variant in group]
            axis.plot(values, np.arange(first, place), color=GREY, linewidth=0.8, zorder=1)
        place += 0.6
    for axis, (_, name) in zip(axes[0], fields, strict=True):
        axis.set_xlabel(name)
        axis.set_ylim(place - 0.5, -0.7)
        axis.grid(axis="y", visible=False)
    axes[0, 0].set_yticks(ticks, labels)
    axes[0, 0].set_xlim(left=0)
    # a scale that guessing and perfection bound: a change of a hundredth should look like one
    axes[0, 1].set_xlim(min([0.5, *(variant.auc for variant in result.sensitivity if np.isfinite(variant.auc))]) - 0.02, 1.02)
    axes[0, 2].set_xlim(-0.03, 1.05)
    small = " With so few patients the score itself jumps by chance." if about.patients.min() < ENOUGH else ""
    caption = (
        "Each line moves one setting, all else as set; filled diamonds are the present values. A result to rely on hardly moves sideways in "
        f"the middle and right panels. This is no ground for picking the value that scores best.{small}"
    )
    return figure, "Would other settings have given another result?", caption


def _row(axes, variant, place, fields):
    for axis, (field, _) in zip(axes, fields, strict=True):
        value = getattr(variant, field)
        if not np.isfinite(variant.auc):
            if field == "auc":
                axis.text(0.5, place, "could not be used", transform=axis.get_yaxis_transform(), color=ALARM, va="center", ha="center")
            continue
        style = {"marker": "D", "color": ACCENT, "markersize": 5} if variant.present else {"marker": "o", "color": GREY, "markersize": 4}
        axis.plot([value], [place], linestyle="none", zorder=3, **style)


def failures(result):
    """Values that could not be used, with the reason."""
    return [
        {"setting": f"{variant.step} {variant.setting.replace('_', ' ')} = {_number(variant.value)}", "reason": variant.note}
        for variant in result.sensitivity
        if variant.note
    ]
