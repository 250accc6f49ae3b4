"""Figures and tables of the audit: what, other than the disease, could give the answer."""

import numpy as np

from spectra.pipeline import NUISANCE
from spectra.report.canvas import ALARM, CAUTION, GREY, INK, by_class, chance, colour, intervals, ladder, panels, picture, scaled, short
from spectra.report.subject import counts_unit, interval_text, p_text
from spectra.study.audit import FEW_PATIENTS, LEAST_AUC, OWN, STRONG_AUC
from spectra.study.familiar import shifts
from spectra.study.technical import SHIFT


def source(control):
    """What a control looked at, in words: nuisance numbers, the features, or a column of the manifest."""
    return control.control if control.control in OWN else f"column '{control.control}'"


def _tell(control, about):
    if control.of_label:
        return f"{about.label} from {source(control)}"
    return f"{control.predicts} from the peaks" if about.spectra is not None else f"{control.predicts} from the features"


def unsettled(control):
    """No alarm, but an interval that lies wholly above what would raise one: too few patients to tell."""
    return not (control.flag or control.doubt) and control.auc.low > LEAST_AUC


def verdict(control):
    """The audit's sentence; where the test has too few patients to tell, that."""
    if not unsettled(control):
        return control.verdict
    what = f"Not settled: here the {control.predicts} was told from {source(control)}"
    return f"{what}, but with so few patients that can be chance. Do not rule it out."


def _ranked(controls):
    return sorted(
        controls, key=lambda control: (not control.flag, not control.doubt, not control.of_label, -np.nan_to_num(control.auc.mean))
    )


@picture
def controls(result, about):
    """AUC of every control."""
    rows = [control for control in _ranked(result.controls) if np.isfinite(control.auc.mean)]
    if not rows:
        return None
    figure, axes = panels(height=0.75 + 0.27 * len(rows))
    axis = axes[0, 0]
    ladder(axis, [_tell(row, about) for row in rows], 64)
    for place, row in enumerate(rows):
        tone, marker = (ALARM, "D") if row.flag else (CAUTION, "s") if row.doubt else (GREY, "o")
        intervals(axis, [row.auc], tone=tone, offset=place, marker=marker)
    chance(axis)
    axis.axvline(LEAST_AUC, color=ALARM, linewidth=0.8, linestyle=":")
    lows = [row.auc.low for row in rows if np.isfinite(row.auc.low)]
    axis.set_xlim(min([0.2, *(low - 0.02 for low in lows)]), 1.015)
    axis.set_xlabel(f"{about.rank}, held-out (0.5 = guessing)")
    caption = (
        "Each line asks a plain model for something it should not be able to tell. Dots near 0.5 are what one wishes for; red diamonds are alarms: "
        f"adjusted p below 0.05 right of the dotted line, or with fewer than {FEW_PATIENTS} patients, of whom no p can be small, {STRONG_AUC:g} or more; shuffled labels also where "
        "the true ones do no better; an amber square is as clear, but may be biology. A dot far below 0.5 is no link but balance: whoever is held out is missing among the others. Bars: 95 % intervals."
    )
    return figure, "What could be told that should not be", caption


def control_rows(result, about):
    """Cells of the audit table, alarms first."""
    return [
        {
            "asked": _tell(control, about),
            "auc": interval_text(control.auc),
            "p": p_text(control.p_value),
            "flag": control.flag,
            "caution": control.doubt or unsettled(control),
            "verdict": verdict(control),
        }
        for control in _ranked(result.controls)
    ]


def together(table):
    """Share of the patients that a batch places in its own most frequent class, and the share that the most frequent class has anyway.

    >>> import pandas as pd
    >>> together(pd.DataFrame({"a": [5, 0], "b": [0, 5]}))
    (1.0, 0.5)
    """
    counts = table.to_numpy(float)
    return float(counts.max(axis=1).sum() / counts.sum()), float(counts.sum(axis=0).max() / counts.sum())


def one(table):
    """Does every level of the batch hold a single class?"""
    return together(table)[0] > 0.999


def cross_tables(result):
    """Batch by class, with what it means in one sentence; cells as (count, share of the line)."""
    found = []
    for name, table in result.tables.items():
        told, anyway = together(table)
        if one(table):
            verdict = (
                f"Every value of column '{name}' goes with one class only: the two cannot be told apart in these data, whatever the model."
            )
        elif told - anyway > 0.15:
            verdict = (
                f"Column '{name}' and class go together: knowing the one, the other is guessed right in {told:.0%} instead of {anyway:.0%}."
            )
        else:
            verdict = f"The classes are spread over the values of column '{name}' about alike."
        rows = [
            {"level": str(level), "cells": [(int(n), float(n) / max(1, int(counts.sum()))) for n in counts], "total": int(counts.sum())}
            for level, counts in table.iterrows()
        ]
        found.append({"name": name, "classes": [str(c) for c in table.columns], "rows": rows, "verdict": verdict, "alarm": one(table)})
    return found


def nuisance_units(settings):
    """Unit of each nuisance number."""
    scale = counts_unit(settings)
    return dict(zip(NUISANCE, ("counts × Da/e", scale, scale, "peaks per spectrum"), strict=True))


@picture
def nuisance(result, about):
    """Nuisance numbers by class."""
    if result.nuisance is None:
        return None
    figure, axes = panels(1, len(NUISANCE), height=2.7)
    for axis, (name, unit) in zip(axes[0], nuisance_units(result.problem.settings).items(), strict=True):
        values = result.nuisance[name].to_numpy(float)
        factor, power = scaled(values)
        by_class(axis, values / factor, about.y, about.classes)
        axis.set_title(name)
        axis.set_ylabel(power + unit)
        axis.set_xlabel(short(about.label, 30))
    caption = (
        "None of these is a biomarker. Where the boxes of the classes stand at different heights, a model could learn sample handling or "
        "instrument instead of biology. Boxes: quartiles and median; points: spectra."
    )
    return figure, "What no marker should depend on", caption


def technical_rows(result):
    """Cells of the table of drift and replicates, alarms first."""
    rows = [
        {
            "asked": f"{drift.what} over '{drift.order}'",
            "value": f"rank correlation {drift.correlation:+.2f}",
            "p": p_text(drift.p_value),
            "flag": drift.flag,
            "verdict": drift.verdict,
        }
        for drift in result.drifts
    ]
    found = result.agreement
    if found is not None:
        value = f"ICC {found.markers:.2f} of the first markers" if np.isfinite(found.markers) else "not defined"
        asked = f"replicates: {found.n_rows} of {found.n_samples} {found.unit}s"
        rows.append({"asked": asked, "value": value, "p": "", "flag": found.flag, "verdict": found.verdict})
    return sorted(rows, key=lambda row: not row["flag"])


@picture
def over_the_run(result, about):
    """Nuisance numbers in the order of measurement, by class."""
    if result.run_order is None or not result.drifts or result.nuisance is None:
        return None
    column, place = result.run_order
    rank = np.argsort(np.argsort(place, kind="stable"), kind="stable") + 1
    numbers = {name: result.nuisance[name].to_numpy(float) for name in result.nuisance}
    numbers[SHIFT] = shifts(result.steps, result.problem.data)[1]
    names = [drift.what for drift in result.drifts if drift.what in numbers]
    units = nuisance_units(result.problem.settings) | {SHIFT: "ppm"}
    flagged = {drift.what for drift in result.drifts if drift.flag}
    columns = len(names) if len(names) <= 4 else 3
    rows = -(-len(names) // columns)
    figure, axes = panels(rows, columns, height=2.5 * rows)
    for axis in axes.ravel()[len(names) :]:
        axis.set_visible(False)
    for axis, name in zip(axes.ravel(), names, strict=False):
        values = numbers[name]
        factor, power = scaled(values)
        for k, label in enumerate(about.classes):
            mine = about.y == k
            tone = colour(k, len(about.classes))
            axis.plot(
                rank[mine], values[mine] / factor, "o", color=tone, markersize=2.8, alpha=0.7, markeredgewidth=0, label=short(label, 20)
            )
        axis.set_title(name + (" (drifts)" if name in flagged else ""), color=ALARM if name in flagged else INK)
        axis.set_ylabel(power + units[name])
        axis.set_xlabel("order of measurement")
        axis.xaxis.get_major_locator().set_params(integer=True)
    if len(about.classes) <= 8:
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=4)
    caption = (
        f"Every spectrum in the order of column '{column}'. A slope or a step is the instrument, not the biology; colours that stand in blocks "
        "from left to right mean that class and order go together."
    )
    return figure, "Over the run", caption


@picture
def nuisance_in_order(nuisance, settings):
    """Nuisance numbers of each spectrum in the manifest's order, for a run without labels."""
    figure, axes = panels(len(NUISANCE), 1, height=6.4, sharex=True)
    for axis, (name, unit) in zip(axes[:, 0], nuisance_units(settings).items(), strict=True):
        values = nuisance[name].to_numpy(float)
        factor, power = scaled(values)
        middle = np.median(values)
        far = np.abs(values - middle) > 5 * 1.4826 * max(np.median(np.abs(values - middle)), 1e-300)
        place = np.arange(1, values.size + 1)
        axis.axhline(middle / factor, color=GREY, linewidth=0.8)
        axis.plot(place[~far], values[~far] / factor, "o", color=GREY, markersize=3, alpha=0.7)
        axis.plot(place[far], values[far] / factor, "D", color=ALARM, markersize=4)
        axis.set_title(name)
        axis.set_ylabel(f"{power}{unit}")
    axes[-1, 0].set_xlabel("spectrum, in the manifest's order")
    caption = (
        "Look for drifts and for spectra that stand apart (red diamonds: more than five times the usual deviation from the median). "
        "Such a spectrum may be badly crystallised, empty or saturated: look at it before you use it."
    )
    return figure, "Every spectrum at a glance", caption
