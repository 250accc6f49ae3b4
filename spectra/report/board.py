"""The page of many runs: their scores as a figure, their values as a table, each with a link to its own report."""

import os
import pathlib
import urllib.parse

from spectra.report.canvas import ACCENT, chance, intervals, ladder, panels, picture
from spectra.report.page import render
from spectra.study import board
from spectra.study.scores import Interval

MOST = 60  # runs in the figure


@picture
def scores(rows):
    """AUC of the model selected inside, run by run."""
    shown = [row for row in rows if "auc" in row][:MOST]
    if not shown:
        return None
    figure, axes = panels(height=0.9 + 0.27 * len(shown))
    axis = axes[0, 0]
    ladder(axis, [row["run"] for row in shown])
    found = [Interval(row["auc"], row.get("auc_low", row["auc"]), row.get("auc_high", row["auc"])) for row in shown]
    intervals(axis, found, tone=ACCENT)
    chance(axis)
    axis.set_xlim(min(0.38, *(interval.low - 0.02 for interval in found), 0.38), 1.015)
    axis.set_xlabel("area under the ROC curve, held-out (0.5 = guessing, 1 = perfect)")
    caption = (
        "Dots: the model selected inside the training data, with 95 % intervals. Whoever tries many runs and keeps the best has chosen on the "
        "held-out data: only an external set, scored once, can then judge that run."
    )
    return figure, "Scores of the runs", caption


def write_board(path, rows, columns, folder):
    """Write one HTML page.

    Parameters
    ----------
    path : path of the file to write
    rows : list of dict, as of `spectra.study.board.row_of`, in the order to show
    columns : list of str, what to show of each
    folder : path, where the run folders are
    """
    path, folder = pathlib.Path(path), pathlib.Path(folder)
    lines = []
    for row, texts in zip(rows, board.cells(rows, columns), strict=True):
        report = folder / row["run"] / "report.html"
        link = urllib.parse.quote(os.path.relpath(report, path.parent).replace(os.sep, "/")) if report.is_file() else ""
        lines.append({"cells": list(zip(columns, texts, strict=True)), "link": link, "alarms": row.get("alarms", 0)})
    content = {"title": f"Runs in {folder.resolve().name}", "columns": columns, "lines": lines, "picture": scores(rows)}
    render(path, "board.html.j2", content)
