"""The peak matrix as a heat map: the one figure that shows all spectra and all peaks."""

import numpy as np
from matplotlib.colors import ListedColormap

from spectra.report.canvas import colour, panels, picture, short
from spectra.report.markers import top

MOST_ROWS, MOST_COLUMNS = 1200, 900


def standardised(values):
    """Columns as deviations from their mean in standard deviations, constant columns zero."""
    spread = values.std(axis=0)
    return (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1)


def _column_labels(axis, features, shown):
    """About twenty column labels, evenly spread."""
    places = np.unique(np.linspace(0, shown.size - 1, min(shown.size, 20)).round().astype(int))
    known = np.isfinite(features.mz).all() and features.mz.size > 0
    names = [f"{features.mz[shown[i]]:.0f}" if known else short(features.names[shown[i]], 18) for i in places]
    axis.set_xticks(places, names, rotation=60, ha="right")
    axis.set_xlabel("m/z (Da/e) of the bin" if known else "feature")


def _spread_rows(order, most):
    return order[np.unique(np.linspace(0, order.size - 1, min(order.size, most)).round().astype(int))]


def _heat(figure, axis, values, what):
    # rasterised: an image in the page, one pixel per cell
    image = axis.imshow(np.clip(values, -2.5, 2.5), aspect="auto", cmap="PuOr_r", vmin=-2.5, vmax=2.5, interpolation="none")
    axis.grid(visible=False)
    axis.set_ylabel(what)
    bar = figure.colorbar(image, ax=axis, pad=0.01, fraction=0.03)
    bar.set_label("deviation from the peak's mean (SD)" if what.startswith("spectra") else "deviation from the mean (SD)")
    bar.outline.set_visible(False)


@picture
def peak_matrix(result, about):
    """All rows by all features, classes from top to bottom."""
    features = result.features
    if not features.shape[1]:
        return None
    order = _spread_rows(np.lexsort([np.arange(about.n_rows), about.y]), MOST_ROWS)
    keep = sorted({marker.column for marker in result.markers[:MOST_COLUMNS]})
    shown = np.array(sorted(keep, key=lambda j: (np.nan_to_num(features.mz[j]), j)))
    height = float(np.clip(order.size * 0.022, 2.4, 5.6)) + 0.9
    figure, axes = panels(1, 2, height=height, gridspec_kw={"width_ratios": [0.012, 1]})
    side, axis = axes[0]
    classes = ListedColormap([colour(k, len(about.classes)) for k in range(len(about.classes))])
    side.imshow(about.y[order][:, None], aspect="auto", cmap=classes, vmin=-0.5, vmax=len(about.classes) - 0.5, interpolation="none")
    middles = [np.flatnonzero(about.y[order] == k).mean() for k in range(len(about.classes))]
    side.set_yticks(middles, [short(name, 18) for name in about.classes])
    side.set_xticks([])
    side.grid(visible=False)
    side.spines[:].set_visible(False)
    side.tick_params(length=0)
    side.set_ylabel(short(about.label, 30))
    _heat(figure, axis, standardised(features.values)[np.ix_(order, shown)], "")
    axis.set_yticks([])
    _column_labels(axis, features, shown)
    place = {column: i for i, column in enumerate(shown)}
    marks = [place[marker.column] for marker in top(result)]
    axis.plot(marks, np.full(len(marks), -0.5), "v", color="#1f2933", markersize=5, clip_on=False)
    for edge in np.flatnonzero(np.diff(about.y[order])) + 0.5:
        axis.axhline(edge, color="#1f2933", linewidth=0.7)
    left_out = features.shape[1] - shown.size
    caption = (
        f"Each line is a {about.row}, each column a {'peak' if about.spectra is not None else 'feature'}, ordered by class and by "
        f"{'m/z' if about.spectra is not None else 'column'}; orange: above the column's mean, violet: below. "
        "Black triangles: the top markers. Columns that change colour at a class border tell the classes apart; "
        f"{'lines that stand out as a whole are odd spectra.' if about.spectra is not None else 'lines that stand out as a whole are odd rows.'}"
        + (f" The {left_out} least stable columns are left out." if left_out else "")
        + (f" {order.size} of {about.n_rows} {about.rows} are shown, evenly spread." if order.size < about.n_rows else "")
    )
    return figure, f"{'Peak' if about.spectra is not None else 'Feature'} matrix", caption


@picture
def plain_matrix(features):
    """All spectra by all bins in the manifest's order, for a run without labels."""
    if not features.shape[1]:
        return None
    order = _spread_rows(np.arange(len(features)), MOST_ROWS)
    shown = _spread_rows(np.arange(features.shape[1]), MOST_COLUMNS)
    figure, axes = panels(height=float(np.clip(order.size * 0.022, 2.4, 5.6)) + 0.9)
    _heat(figure, axes[0, 0], standardised(features.values)[np.ix_(order, shown)], "spectra, in the manifest's order")
    axes[0, 0].set_yticks([])
    _column_labels(axes[0, 0], features, shown)
    caption = (
        "Each line is a spectrum, each column a peak; orange: above the peak's mean, violet: below. Lines that stand out as a whole are odd "
        "spectra; blocks of lines that look alike may be batches."
    )
    return figure, "Peak matrix", caption
