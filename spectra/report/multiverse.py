"""Figures of many settings changed together: pairs as a heat map, all combinations as a curve with the settings below it."""

import numpy as np

from spectra.report.canvas import ACCENT, GREY, INK, PALE, panels, picture
from spectra.report.sensitivity import spread

MOST = 160  # combinations drawn


def _words(step, name, value=None):
    head = f"{step} {name.replace('_', ' ')}"
    return head if value is None else f"{head}: {value:g}" if isinstance(value, (int, float)) else f"{head}: {value}"


def every(result):
    """All combinations measured, as (dict of changed (step, setting) -> value, n_peaks, auc, overlap), the present one first."""
    present = [variant for variant in result.sensitivity if variant.present][:1]
    found = [({}, variant.n_peaks, variant.auc, variant.marker_overlap) for variant in present]
    for variant in result.sensitivity:
        if not variant.present:
            found.append(({(variant.step, variant.setting): variant.value}, variant.n_peaks, variant.auc, variant.marker_overlap))
    for universe in result.universes:
        changes = {(step, name): value for step, name, value in universe.changes}
        found.append((changes, universe.n_peaks, universe.auc, universe.marker_overlap))
    return [row for row in found if np.isfinite(row[2])]


def spread_of(result):
    """Lowest and highest AUC over everything that was tried."""
    scores = [auc for _, _, auc, _ in every(result)]
    return (min(scores), max(scores)) if scores else spread(result.sensitivity)


def _paired(result):
    """The settings that were tried in pairs, in the order of the steps, and all their values."""
    pairs = [universe for universe in result.universes if len(universe.changes) == 2]
    asked = {(step, name) for universe in pairs for step, name, _ in universe.changes}
    values: dict[tuple[str, str], list] = {}
    for variant in result.sensitivity:
        if (variant.step, variant.setting) in asked:
            values.setdefault((variant.step, variant.setting), []).append(variant.value)
    return values


@picture
def pairs(result, about):
    """Number of peaks, AUC and overlap of markers for pairs of settings."""
    values = _paired(result)
    if len(values) < 2:
        return None
    present = {(variant.step, variant.setting): variant.value for variant in result.sensitivity if variant.present}
    cells = [(place, value) for place, every_value in values.items() for value in every_value]
    where = {frozenset(changes.items()): row for *row, changes in ((*rest, changes) for changes, *rest in every(result))}
    tables = np.full((3, len(cells), len(cells)), np.nan)
    for i, (first, a) in enumerate(cells):
        for j, (second, b) in enumerate(cells):
            if first == second and a != b:
                continue
            changes = {place: value for place, value in ((first, a), (second, b)) if value != present[place]}
            row = where.get(frozenset(changes.items()))
            if row is not None:
                tables[:, i, j] = row
    figure, axes = panels(1, 3, height=1.6 + 0.235 * len(cells))
    names = ("number of peaks", f"{about.rank_short} of a fixed forest", "share of top markers kept")
    labels = [_words(*place, value) for place, value in cells]
    for k, (axis, table, name) in enumerate(zip(axes[0], tables, names, strict=True)):
        axis.set_facecolor("#f1f3f5")
        limits = ({}, {"vmin": min(0.5, np.nanmin(table)), "vmax": 1}, {"vmin": 0, "vmax": 1})[k]
        image = axis.imshow(table, cmap="Blues" if k == 0 else "RdYlBu", interpolation="none", aspect="auto", **limits)
        for i in range(len(cells)):
            for j in range(len(cells)):
                if np.isfinite(table[i, j]):
                    dark = np.dot(image.to_rgba(table[i, j])[:3], (0.30, 0.59, 0.11)) < 0.5
                    text = f"{table[i, j]:.0f}" if k == 0 else f"{table[i, j]:.2f}".replace("0.", ".", 1)
                    axis.text(j, i, text, ha="center", va="center", fontsize=min(7.5, 78 / len(cells)), color="white" if dark else INK)
        edges = np.cumsum([len(found) for found in values.values()])[:-1] - 0.5
        for edge in edges:
            axis.axhline(edge, color=INK, linewidth=0.7)
            axis.axvline(edge, color=INK, linewidth=0.7)
        axis.grid(visible=False)
        axis.set_title(name)
        axis.set_xlabel("setting: value")
        axis.set_xticks(range(len(cells)), labels, rotation=90, fontsize=7)
        axis.set_yticks(range(len(cells)), labels if k == 0 else [""] * len(cells), fontsize=7)
        for tick, (place, value) in zip([*axis.get_xticklabels()], cells, strict=True):
            tick.set_fontweight("bold" if value == present[place] else "normal")
    for tick, (place, value) in zip(axes[0, 0].get_yticklabels(), cells, strict=True):
        tick.set_fontweight("bold" if value == present[place] else "normal")
    caption = (
        f"The {len(values)} settings that move the result most, two at a time; bold: the present values. On the diagonal one setting alone. Where a block is of one "
        "colour, the two settings hardly matter; where rows and columns cross in other colours, they act together, which moving one at a time would not show."
    )
    return figure, "Two settings at a time", caption


@picture
def multiverse(result, about):
    """All combinations by score, with what each changed below."""
    rows = sorted(every(result), key=lambda row: row[2])
    if len(rows) < 6:
        return None
    if len(rows) > MOST:
        keep = {int(i) for i in np.linspace(0, len(rows) - 1, MOST).round()}
        rows = [row for i, row in enumerate(rows) if i in keep or not row[0]]
    lines = list(dict.fromkeys((variant.step, variant.setting, variant.value) for variant in result.sensitivity if not variant.present))
    figure, axes = panels(
        3, 1, height=3.4 + 0.135 * len(lines), sharex=True, gridspec_kw={"height_ratios": [1.5, 0.8, 0.2 + 0.115 * len(lines)]}
    )
    place = np.arange(len(rows))
    here = [i for i, row in enumerate(rows) if not row[0]]
    for axis, column, name in ((axes[0, 0], 2, f"{about.rank_short}, held-out"), (axes[1, 0], 3, "markers kept")):
        values = np.array([row[column] for row in rows])
        axis.plot(place, values, "o", color=GREY, markersize=3)
        axis.plot(here, values[here], "D", color=ACCENT, markersize=6)
        axis.set_ylabel(name)
        axis.grid(axis="x", visible=False)
    low = min(row[2] for row in rows)
    axes[0, 0].set_ylim(min(0.5, low) - 0.03, 1.02)
    axes[0, 0].axhline(0.5, color=GREY, linestyle=(0, (4, 3)), linewidth=0.9)
    axes[1, 0].set_ylim(-0.05, 1.05)
    _draw_settings(axes[2, 0], rows, lines, here)
    drawn = sum(len(universe.changes) > 2 for universe in result.universes)
    caption = (
        f"{len(rows)} combinations of settings, from the lowest score to the highest: each setting alone"
        + (", the most moving ones in pairs" if _paired(result) else "")
        + (f", and {drawn} combinations drawn at random" if drawn else "")
        + ". Diamond and line: the settings of this study. Below, a dot says that a combination uses that value instead of the present one. A result to rely on is a flat curve, "
        "with markers kept; dots that crowd at one end name the setting that decides. The study's own place on the curve is no reason to move it."
    )
    return figure, "The multiverse: every combination tried", caption


def _draw_settings(axis, rows, lines, here):
    groups = list(dict.fromkeys((step, name) for step, name, _ in lines))
    for i, (step, name, value) in enumerate(lines):
        if groups.index((step, name)) % 2:
            axis.axhspan(i - 0.5, i + 0.5, color=PALE, alpha=0.35, linewidth=0)
        used = [k for k, row in enumerate(rows) if row[0].get((step, name)) == value]
        axis.plot(used, np.full(len(used), i), "o", color=INK, markersize=2.6)
    for k in here:
        axis.axvline(k, color=ACCENT, linewidth=0.8)
    axis.set_yticks(range(len(lines)), [_words(*line) for line in lines], fontsize=6.8)
    axis.set_ylim(len(lines) - 0.4, -0.6)
    axis.grid(visible=False)
    axis.set_xticks([])
    axis.set_xlabel("combinations of settings, from the lowest score to the highest")
