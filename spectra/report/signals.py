"""Figures of single spectra, before and after each step."""

import numpy as np

from spectra.pipeline import call, signal_stages
from spectra.report.canvas import ALARM, GREY, INK, PALETTE, panels, picture, scaled, short, thin
from spectra.report.subject import counts_unit, intensity_label

MOST_EXAMPLES = 3


def examples(raw, processed, y=None):
    """Rows to show: for each of the first classes the spectrum whose number of peaks is the class's median.

    Returns
    -------
    list of (row in `processed`, row in `raw`)
    """
    counts = np.array([len(peaks) for peaks in processed.peaks])
    y = np.zeros(counts.size, int) if y is None else y
    place = {name: i for i, name in enumerate(raw.samples["file"])}
    found = []
    for k in np.unique(y)[:MOST_EXAMPLES]:
        own = np.flatnonzero(y == k)
        typical = own[np.argsort(counts[own], kind="stable")[own.size // 2]]
        found.append((int(typical), place.get(processed.samples["file"].iloc[typical])))
    return [(row, origin) for row, origin in found if origin is not None]


def zoom(processed, row, centre=None):
    """A window of a few per cent of m/z around `centre`, or around the highest peak in the middle of the range."""
    mz = processed.axis_of(row)
    if centre is None or not mz[0] < centre < mz[-1]:
        peaks = processed.peaks[row]
        inner = (peaks.mz > np.quantile(mz, 0.1)) & (peaks.mz < np.quantile(mz, 0.9))
        centre = peaks.mz[inner][peaks.intensity[inner].argmax()] if inner.any() else mz[mz.size // 2]
    return max(mz[0], centre * 0.96), min(mz[-1], centre * 1.04)


@picture
def steps(raw, processed, row, origin, settings, window, name):
    """One spectrum after each step: whole range on the left, `window` on the right."""
    stages = signal_stages(settings, raw.axis_of(origin), raw.intensity_of(origin))
    mz = (
        raw.axis_of(origin) if processed.warps is None else processed.warps[row](raw.axis_of(origin))
    )  # peaks are where calibration put them
    figure, axes = panels(3, 2, height=5.6, gridspec_kw={"width_ratios": [1.35, 1]})
    for column, (low, high) in enumerate([(mz[0], mz[-1]), window]):
        first, last = np.searchsorted(mz, [low, high])
        inside = slice(max(0, first), last + 1)
        _raw(axes[0, column], mz, stages, inside)
        _corrected(axes[1, column], mz, stages, inside, settings)
        _finished(axes[2, column], mz, stages, processed.peaks[row], settings, (low, high), inside, column)
        for axis in axes[:, column]:
            axis.set_xlim(low, high)
        axes[2, column].set_xlabel("m/z (Da/e)")
        axes[0, column].set_title("whole range" if column == 0 else f"m/z {low:.4g} to {high:.4g}")
    for axis in axes[:, 0]:  # above the axes: spectra fill them
        axis.legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=3, borderaxespad=0, columnspacing=1.2)
    caption = (
        "Top: as measured. Middle: after the transform and smoothing, with the estimated baseline. Bottom: baseline subtracted and normalised, "
        "with the peaks found. Look at the right: the baseline should run under the peaks without cutting into them, smoothing should not "
        "flatten them, and every clear peak should carry a red mark, noise none."
    )
    return figure, f"From raw to peaks: {name}", caption


def _line(axis, mz, values, inside, **style):
    axis.plot(*thin(mz[inside], np.asarray(values)[inside]), **style)


def _raw(axis, mz, stages, inside):
    factor, power = scaled(stages["raw"][inside])
    _line(axis, mz, stages["raw"] / factor, inside, color=INK, linewidth=0.7, label="raw")
    axis.set_ylabel(f"{power}counts")


def _corrected(axis, mz, stages, inside, settings):
    factor, power = scaled(stages["transform"][inside])
    if settings.smooth.method != "none":
        _line(axis, mz, stages["transform"] / factor, inside, color="#aab3bd", linewidth=1.8, label="before smoothing")
    _line(
        axis,
        mz,
        stages["smooth"] / factor,
        inside,
        color=PALETTE[0],
        linewidth=0.8,
        label="smoothed" if settings.smooth.method != "none" else "as transformed",
    )
    if settings.baseline.method != "none":
        _line(axis, mz, stages["baseline"] / factor, inside, color=PALETTE[1], linewidth=1.5, label="baseline")
    axis.set_ylabel(power + counts_unit(settings))


def _finished(axis, mz, stages, peaks, settings, limits, inside, zoomed):
    values = stages["normalize"]
    factor, power = scaled(values[inside])
    _line(axis, mz, values / factor, inside, color=PALETTE[0], linewidth=0.8, label="processed")
    snr = settings.peaks.options.get("snr")
    if snr is not None:
        level = np.broadcast_to(np.asarray(call(settings.noise, mz, values)) * snr, values.shape)
        _line(axis, mz, level / factor, inside, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)), label=f"{snr:g} × noise")
    chosen = peaks[(peaks.mz >= limits[0]) & (peaks.mz <= limits[1])]
    if zoomed:
        axis.plot(chosen.mz, chosen.intensity / factor, "o", color=ALARM, markersize=4)
        _label_peaks(axis, chosen, factor, 0.12 * (limits[1] - limits[0]))
        axis.margins(y=0.14)
    else:
        below = np.full(len(chosen), -0.07 * values[inside].max() / factor)
        axis.plot(chosen.mz, below, "|", color=ALARM, markersize=6, markeredgewidth=0.6, label=f"{len(peaks)} peaks")
    axis.set_ylabel(intensity_label(settings, power))


def _label_peaks(axis, peaks, factor, apart):
    """Write the m/z over the highest peaks that stand at least `apart` from a higher one."""
    told = []
    for i in np.argsort(-peaks.intensity, kind="stable"):
        if all(abs(peaks.mz[i] - mz) >= apart for mz in told):
            told.append(peaks.mz[i])
            place = (peaks.mz[i], peaks.intensity[i] / factor)
            axis.annotate(f"{peaks.mz[i]:.1f}", place, xytext=(0, 4), textcoords="offset points", ha="center", fontsize=7.5)


def pictures(raw, processed, settings, *, y=None, classes=None, centre=None):
    """One `Picture` per example; none where the raw spectra are not at hand."""
    if raw is None or processed.peaks is None:
        return []
    found = []
    for row, origin in examples(raw, processed, y):
        name = short(processed.samples["file"].iloc[row], 60)
        if classes is not None:
            name += f" ({short(classes[y[row]], 30)})"
        found.append(steps(raw, processed, row, origin, settings, zoom(processed, row, centre), name))
    return found
