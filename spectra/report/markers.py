"""Figures and tables of the peaks that carry the answer."""

import numpy as np

from spectra.identification import ACCIDENTAL, MATRIX_BELOW
from spectra.report.canvas import ACCENT, GREY, INK, PALE, by_class, colour, panels, picture, scaled, short, thin
from spectra.report.subject import intensity_label, marker_name, value_label
from spectra.study.error_bounds import meinshausen_buhlmann
from spectra.study.markers import TOP, noted

PANEL = 5  # markers on the first page
FIGURES = 8  # markers drawn
LIKELY = 0.5  # a known molecule that chance gives more often is not worth naming
LIGHTEST = 20  # Da/e, below which nothing is measured: sodium, 23, is the lightest ion of note
STABLE = 0.5  # chosen in half of the draws or more


def top(result, most=TOP):
    """The most stable markers that were chosen at all."""
    return [marker for marker in result.markers[:most] if marker.stability > 0]


def size_in_words(effect):
    """Cohen's words for a standardised difference.

    >>> size_in_words(0.9)
    'large'
    """
    size = abs(effect)
    return "large" if size >= 0.8 else "medium" if size >= 0.5 else "small" if size >= 0.2 else "negligible"


def _perhaps(marker, leader):
    """What a marker adds nothing to, in words."""
    if leader is None or marker.origin.startswith(f"{marker_name(leader)} "):  # which the last column tells
        return ""
    return f"perhaps {marker_name(leader)} {marker.form}" if marker.form else f"goes with {marker_name(leader)}"


def _molecule(row):
    kind = f"; {ACCIDENTAL[row['kind']]}" if row.get("kind") in ACCIDENTAL else ""
    return f"{row['name']} ({row['form']}, {row['error_ppm']:+.0f} ppm, by chance {row['fdr']:.0%}{kind})"


def identity(marker, most=2):
    """What a marker may be: what the other peaks say, known molecules of about its mass and how many more there are, and whether matrix is near."""
    names = list(dict.fromkeys(_molecule(row) for row in marker.candidates if row["fdr"] <= LIKELY))
    found = [f"{marker.origin} (by chance {marker.origin_chance:.0%})"] if marker.origin else []
    found += names[:most] + ([f"{len(names) - most} more"] if len(names) > most else [])
    said = "perhaps " + ", ".join(found) if found else ""
    if marker.mz < MATRIX_BELOW:
        said += "; " * bool(said) + ("region of the matrix" if marker.mz > LIGHTEST else "no ion is so light")
    return said


def panel_rows(result):
    """Cells of the panel's table, for a result that has one."""
    classes, by_column = result.problem.classes, {marker.column: marker for marker in result.markers}
    rows = []
    for member in result.panel.members:
        marker = by_column[member.column]
        rows.append(
            {
                "name": marker_name(marker),
                "direction": short(marker.direction, 20),
                "tone": colour(classes.index(marker.direction), len(classes)),
                "size": size_in_words(marker.effect),
                "effect": f"{marker.effect:.2f}",
                "effect_interval": f"{marker.effect_low:.2f} to {marker.effect_high:.2f}" if np.isfinite(marker.effect_low) else "",
                "stability": marker.stability,
                "chosen": member.chosen,
                "same": ", ".join(short(marker_name(by_column[j]), 24) for j in member.same[:5])
                + (f" and {len(member.same) - 5} more" if len(member.same) > 5 else ""),
                "known": identity(marker),
            }
        )
    return rows


@picture
def panel_sizes(result, about):
    """Held-out AUC of panels of every size."""
    if result.panel is None or len(result.panel.sizes) < 2:
        return None
    figure, axes = panels(height=2.7, width=7.4)
    axis = axes[0, 0]
    sizes = [size for size, _ in result.panel.sizes]
    found = [interval for _, interval in result.panel.sizes]
    axis.vlines(sizes, [row.low for row in found], [row.high for row in found], color=ACCENT, linewidth=1.4)
    axis.plot(sizes, [row.mean for row in found], "o-", color=ACCENT, markersize=5)
    whole = about.nested.auc
    if np.isfinite(whole.mean):
        axis.axhspan(whole.low, whole.high, color=GREY, alpha=0.12, linewidth=0)
        axis.axhline(whole.mean, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
    axis.axvline(len(result.panel.members), color=INK, linewidth=0.9, linestyle=":")
    axis.set_xscale("log")
    axis.set_xticks(sizes, [str(size) for size in sizes])
    axis.minorticks_off()
    axis.set_xlabel(f"number of {about.feature}s in the panel")
    axis.set_ylabel(f"{about.rank_short}, held-out")
    caption = (
        f"Dots: {about.rank_short} on {about.groups} held out of the first so many {about.feature}s, ranked on the others, with 95 % intervals. Dashed line and stripe: the "
        "model selected inside, on all of them. Dotted: the size chosen for new data, the smallest within one standard error of the best by inner folds."
    )
    return figure, "How many markers are needed", caption


def marker_rows(result, most=TOP):
    """Cells of the table of markers."""
    classes, chosen = result.problem.classes, top(result, most)
    place_of = {marker.name: marker for marker in result.markers}
    rows = []
    for place, marker in enumerate(chosen, 1):
        values = result.features.values[:, marker.column]
        found = result.features.present[:, marker.column]
        high = result.problem.y == classes.index(marker.direction)
        rows.append(
            {
                "place": place,
                "name": marker_name(marker),
                "perhaps": _perhaps(marker, place_of.get(marker.family)),
                "known": identity(marker),
                "expected_false": "" if not np.isfinite(marker.expected_false) else f"{marker.expected_false:.2f}",
                "alike": f"{marker.alike:.2f}",
                "stability": marker.stability,
                "direction": short(marker.direction, 20),
                "tone": colour(classes.index(marker.direction), len(classes)),
                "effect": f"{marker.effect:.2f}",
                "effect_interval": f"{marker.effect_low:.2f} to {marker.effect_high:.2f}" if np.isfinite(marker.effect_low) else "",
                "size": size_in_words(marker.effect),
                "means": (values[high].mean(), values[~high].mean()),
                "found": (found[high].mean(), found[~high].mean()),
            }
        )
    factor, power = scaled([row["means"] for row in rows])
    for row in rows:
        row["means"] = tuple(f"{mean / factor:.3g}" for mean in row["means"])
        row["found"] = tuple(f"{share:.0%}" for share in row["found"])
    return rows, power


def bound_text(result, about, threshold=0.75):
    """How many of the stable markers chance would give, by both bounds; "" where no bound holds."""
    stable = [marker for marker in result.markers if marker.stability >= threshold]
    known = [marker.expected_false for marker in stable if np.isfinite(marker.expected_false)]
    if not known:
        return ""
    chosen, n = sum(marker.stability for marker in result.markers), result.features.shape[1]
    least = min(marker.stability for marker in stable)
    return (
        f"{len(stable)} of {n} {about.feature}s {'was' if len(stable) == 1 else 'were'} chosen in at least {least:.0%} of the halves. If each half chose its {chosen:.0f} blindly, at most "
        f"{max(known):.2f} of these would be expected by chance (Shah and Samworth 2013: complementary pairs, unimodal shares; "
        f"Meinshausen and Bühlmann 2010, exchangeable noise: {meinshausen_buhlmann(chosen, n, least):.2f})."
    )


@picture
def distributions(result, about):
    """Values of the top markers by class."""
    chosen = top(result, FIGURES)
    if not chosen:
        return None
    columns = min(4, len(chosen)) if len(about.classes) <= 4 else min(2, len(chosen))
    rows = -(-len(chosen) // columns)
    figure, axes = panels(rows, columns, height=2.35 * rows, width=9.4 if columns > 1 else 4.7)
    columns_of = result.features.values[:, [marker.column for marker in chosen]]
    common = scaled(columns_of) if about.spectra is not None else None  # a table's columns have units of their own
    for axis, marker, values in zip(axes.ravel(), chosen, columns_of.T, strict=False):
        factor, power = common or scaled(values)
        by_class(axis, values / factor, about.y, about.classes)
        axis.set_title(short(marker_name(marker), 26))
        axis.set_ylabel(value_label(result, power))
        axis.set_xlabel(short(about.label, 26))
    for axis in axes.ravel()[len(chosen) :]:
        axis.set_axis_off()
    caption = (
        f"Points: {about.rows}; boxes: quartiles and median. A marker is useful where the boxes of the classes hardly overlap. "
        "One that overlaps much may still help together with others. Most stable first."
    )
    return figure, "Top markers by class", caption


@picture
def stability(result, about):
    """How often each marker is chosen again."""
    chosen = [marker for marker in result.markers[:20] if marker.stability > 0]
    if not chosen:
        return None
    figure, axes = panels(height=2.9)
    axis = axes[0, 0]
    tones = [colour(about.classes.index(marker.direction), len(about.classes)) for marker in chosen]
    axis.bar(range(len(chosen)), [marker.stability for marker in chosen], color=tones, width=0.7)
    axis.axhline(STABLE, color=GREY, linestyle=(0, (4, 3)), linewidth=0.9)
    axis.set_xticks(range(len(chosen)), [short(marker_name(marker).removeprefix("m/z "), 14) for marker in chosen], rotation=45, ha="right")
    axis.set_ylim(0, 1.03)
    axis.set_xlim(-0.6, len(chosen) - 0.4)
    axis.set_ylabel("share of draws that chose it")
    axis.set_xlabel("m/z (Da/e)" if about.spectra is not None else "feature")
    axis.grid(axis="x", visible=False)
    seen = sorted({marker.direction for marker in chosen}, key=about.classes.index)
    handles = [axis.bar(0, 0, color=colour(about.classes.index(name), len(about.classes))) for name in seen[:8]]
    figure.legend(handles, [f"highest in {short(name, 24)}" for name in seen[:8]], loc="outside upper right", ncols=4)
    caption = (
        f"Half of the {about.groups} are drawn again and again; bars say how often the {about.feature} was then among the {noted(result.features.shape[1])} best of a "
        f"forest. A steep fall after a few bars means a small, settled panel; a flat row means that many {about.feature}s do equally well, "
        "or none does."
    )
    return figure, "Would they be chosen again?", caption


def _shifted(result):
    """The processed cohort with the warps of the alignment that was learned on all spectra."""
    cohort = result.problem.data
    align = getattr(result.steps, "named_steps", {}).get("align")
    return cohort if align is None else align.transform(cohort)


def _windows(cohort, centre, half_width, grid):
    """Every spectrum on a common grid around `centre`: array, shape (n_spectra, grid.size), NaN outside its range."""
    found = np.full((len(cohort), grid.size), np.nan)
    for i in range(len(cohort)):
        mz = cohort.axis_of(i)
        low, high = np.searchsorted(mz, [centre - 2 * half_width, centre + 2 * half_width])
        if high - low < 2:
            continue
        near = mz[low:high] if cohort.warps is None else cohort.warps[i](mz[low:high])
        found[i] = np.interp(grid, near, cohort.intensity_of(i)[low:high], left=np.nan, right=np.nan)
    return found


@picture
def profiles(result, about):
    """Mean spectra by class around the top markers."""
    chosen = [marker for marker in top(result, 6) if np.isfinite(marker.mz)]
    if about.spectra is None or not chosen:
        return None
    cohort = _shifted(result)
    columns = min(3, len(chosen))
    rows = -(-len(chosen) // columns)
    figure, axes = panels(rows, columns, height=2.3 * rows + 0.3)
    for axis, marker in zip(axes.ravel(), chosen, strict=False):
        _profile(axis, cohort, marker, about, result.problem.settings)
    for axis in axes.ravel()[len(chosen) :]:
        axis.set_axis_off()
    if len(about.classes) <= 8:
        handles, names = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper right", ncols=4)
    caption = (
        "Lines: mean of the processed spectra of each class; shades: the middle half of them; grey stripe: the bin that became the feature. "
        "A trustworthy marker is a clean peak inside its stripe. A shoulder, a slope or bare noise there is a reason to doubt it."
    )
    return figure, "Mean spectra around the top markers", caption


def _profile(axis, cohort, marker, about, settings):
    half_width = 0.012 * marker.mz
    grid = np.linspace(marker.mz - half_width, marker.mz + half_width, 121)
    values = _windows(cohort, marker.mz, half_width, grid)
    # classes may lie outside some spectra's range: means over those that reach there
    inside = np.isfinite(values).all(axis=1)
    factor, power = scaled(values[inside][:, np.abs(grid - marker.mz) <= 2 * settings.bin.tolerance * marker.mz])
    axis.axvspan(*(marker.mz * (1 + sign * settings.bin.tolerance) for sign in (-1, 1)), color=PALE, alpha=0.6, linewidth=0)
    for k, name in enumerate(about.classes):
        own = values[inside & (about.y == k)] / factor
        if not own.shape[0]:
            continue
        tone = colour(k, len(about.classes))
        low, high = np.quantile(own, [0.25, 0.75], axis=0)
        if len(about.classes) <= 4:
            axis.fill_between(grid, low, high, color=tone, alpha=0.16, linewidth=0)
        axis.plot(grid, own.mean(axis=0), color=tone, linewidth=1.4, label=short(name, 24))
    _zoom_on(axis, grid, values[inside] / factor, marker.mz, 2 * settings.bin.tolerance)
    axis.set_title(marker_name(marker))
    axis.set_xlim(grid[0], grid[-1])
    axis.set_xlabel("m/z (Da/e)")
    axis.set_ylabel(intensity_label(settings, power))


def _zoom_on(axis, grid, values, mz, width):
    """Fit the height to the marker, not to a taller neighbour."""
    near = values[:, np.abs(grid - mz) <= width * mz]
    if near.size and near.max() > 0:
        top_here = max(np.quantile(near, 0.9, axis=0).max(), near.mean(axis=0).max())
        axis.set_ylim(min(0.0, float(np.quantile(near, 0.1))) - 0.04 * top_here, 1.3 * top_here)


@picture
def whole_profiles(result, about):
    """Mean spectrum of each class over the whole range."""
    cohort = about.spectra
    if cohort is None or len(about.classes) > 8:
        return None
    low, high = min(cohort.axis_of(i)[0] for i in range(len(cohort))), max(cohort.axis_of(i)[-1] for i in range(len(cohort)))
    grid = np.linspace(low, high, 20_000)
    rows = len(about.classes)
    figure, axes = panels(rows, 1, height=0.5 + 1.25 * rows, sharex=True, sharey=True)
    means = [
        np.mean([np.interp(grid, *cohort_row, left=0, right=0) for cohort_row in _rows(cohort, about.y == k)], axis=0) for k in range(rows)
    ]
    factor, power = scaled(np.concatenate(means))
    for k, axis in enumerate(axes[:, 0]):
        axis.plot(*thin(grid, means[k] / factor, 800), color=colour(k, rows), linewidth=0.9)
        axis.set_title(f"{short(about.classes[k], 40)} ({about.count(int((about.y == k).sum()), 'row')})")
        for marker in top(result, PANEL):
            axis.axvline(marker.mz, color=ACCENT, linewidth=0.9, linestyle=":", zorder=0)
    axes[0, 0].set_xlim(low, high)
    figure.supylabel(intensity_label(result.problem.settings, power), fontsize=8.5)
    axes[-1, 0].set_xlabel("m/z (Da/e)")
    caption = "Mean of the processed spectra of each class; dotted lines: the first five markers."
    return figure, "Mean spectrum of each class", caption


def _rows(cohort, mask):
    return [(cohort.moved_axis_of(i), cohort.intensity_of(i)) for i in np.flatnonzero(mask)]
