"""The peak matrix as a heat map: the one figure that shows all spectra and all peaks."""

import numpy as np
from matplotlib.colors import ListedColormap

from spectra.report.belief import row_belief
from spectra.report.canvas import INK, colour, panels, picture, short
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


def _heat(axis, values):
    # rasterised: an image in the page, one pixel per cell
    image = axis.imshow(np.clip(values, -2.5, 2.5), aspect="auto", cmap="PuOr_r", vmin=-2.5, vmax=2.5, interpolation="none")
    axis.grid(visible=False)
    axis.set_yticks([])
    return image


def _scale(figure, axis, image):
    bar = figure.colorbar(image, ax=axis, pad=0.02, fraction=0.06)
    bar.set_label("deviation from the column's mean (SD)")
    bar.outline.set_visible(False)


def _class_bar(axis, y, about):
    """A coloured strip that names the classes of the rows beside it."""
    tones = ListedColormap([colour(k, len(about.classes)) for k in range(len(about.classes))])
    axis.imshow(y[:, None], aspect="auto", cmap=tones, vmin=-0.5, vmax=len(about.classes) - 0.5, interpolation="none")
    shown = [k for k in range(len(about.classes)) if (y == k).any()]
    axis.set_yticks([np.flatnonzero(y == k).mean() for k in shown], [short(about.classes[k], 18) for k in shown])
    axis.set_xticks([])
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    axis.set_ylabel(short(about.label, 30))


@picture
def peak_matrix(result, about):
    """All rows by all features, classes from top to bottom; the top markers once more beside it."""
    features = result.features
    if not features.shape[1]:
        return None
    sure = -row_belief(about)[np.arange(about.n_rows), about.y] if about.quantity is None else about.quantity
    order = _spread_rows(np.lexsort([sure, about.y]), MOST_ROWS)
    keep = np.array([marker.column for marker in result.markers[:MOST_COLUMNS]])
    shown = keep[np.lexsort([keep, np.nan_to_num(features.mz[keep])])]
    best = np.array([marker.column for marker in top(result)], int)
    height = float(np.clip(order.size * 0.022, 2.4, 5.6)) + 0.9
    figure, axes = panels(1, 3, height=height, gridspec_kw={"width_ratios": [0.012, 1, 0.4]})
    y = about.y[order]
    values = standardised(features.values)[order]
    _class_bar(axes[0, 0], y, about)
    _heat(axes[0, 1], values[:, shown])
    _column_labels(axes[0, 1], features, shown)
    place = {column: i for i, column in enumerate(shown)}
    marks = [place[column] for column in best]
    axes[0, 1].plot(marks, np.full(len(marks), -0.5), "v", color=INK, markersize=4, clip_on=False)
    if best.size:
        image = _heat(axes[0, 2], values[:, best])
        _column_labels(axes[0, 2], features, best)
        axes[0, 2].set_title("top markers, best first")
        _scale(figure, axes[0, 2], image)
    else:
        axes[0, 2].set_axis_off()
    for axis in axes[0, 1:]:
        for edge in np.flatnonzero(np.diff(y)) + 0.5:
            axis.axhline(edge, color=INK, linewidth=0.8)
    return figure, f"{about.feature.capitalize()} matrix", _caption(about, order.size, features.shape[1] - shown.size)


def _caption(about, n_shown, n_left_out):
    if about.quantity is not None:
        ordered = f"Lines are ordered by {about.label}, from low to high. Columns that change colour from top to bottom go with it;"
    else:
        ordered = (
            "Lines are ordered by class, within a class from those the model was surest of to those it was least sure of. Columns that "
            "change colour at the class border tell the classes apart;"
        )
    text = f"Each line is a {about.row}, each column a {about.feature}; orange: above the column's mean, violet: below. {ordered} triangles mark the top markers, drawn once more on the right. Lines that stand out as a whole are odd {about.rows}."
    if n_left_out:
        text += f" The {n_left_out} least stable columns are left out."
    if n_shown < about.n_rows:
        text += f" {n_shown} of {about.n_rows} {about.rows} are shown, evenly spread."
    return text


@picture
def plain_matrix(features):
    """All spectra by all bins in the manifest's order, for a run without labels."""
    if not features.shape[1]:
        return None
    order = _spread_rows(np.arange(len(features)), MOST_ROWS)
    shown = _spread_rows(np.arange(features.shape[1]), MOST_COLUMNS)
    figure, axes = panels(height=float(np.clip(order.size * 0.022, 2.4, 5.6)) + 0.9)
    _scale(figure, axes[0, 0], _heat(axes[0, 0], standardised(features.values)[np.ix_(order, shown)]))
    axes[0, 0].set_ylabel("spectra, in the manifest's order")
    _column_labels(axes[0, 0], features, shown)
    caption = (
        "Each line is a spectrum, each column a peak; orange: above the peak's mean, violet: below. Lines that stand out as a whole are odd "
        "spectra; blocks of lines that look alike may be batches."
    )
    return figure, "Peak matrix", caption
