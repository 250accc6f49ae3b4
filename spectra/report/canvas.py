"""How every figure looks, and how it becomes SVG that can stand inside a page.

Figures are `matplotlib.figure.Figure` objects, never pyplot's: nothing global remains. Text stays text, so it takes the page's font,
can be searched and prints sharply. The same data give the same bytes.
"""

import functools
import hashlib
import io
import itertools
import re
import warnings
import xml.etree.ElementTree
from typing import NamedTuple

import matplotlib
import numpy as np
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# Okabe & Ito (2008): eight colours that stay apart for every common kind of colour blindness
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A5195", "#444444")
INK, GREY, PALE, ALARM, CAUTION, ACCENT = "#1f2933", "#6b7785", "#d5dae0", "#b42318", "#c98509", "#0b4f71"
WIDTH = 9.4  # inches at 72 points: what the page's column holds
LEAST_BOX = 6  # values below which quartiles would say more than is known
MOST_POINTS = 150  # of one class in one panel; more would only make the file large

_STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": GREY,
    "axes.facecolor": "none",
    "axes.formatter.use_mathtext": False,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 8.5,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "figure.dpi": 72,
    "figure.facecolor": "none",
    "font.family": ["DejaVu Sans"],
    "font.size": 8.5,
    "grid.color": "#e8ebee",
    "grid.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.1,
    "lines.solid_joinstyle": "round",
    "svg.fonttype": "none",
    "svg.hashsalt": "spectra",
    "text.color": INK,
    "text.parse_math": False,  # a '$' in a sample's name is a '$'
    "xtick.color": GREY,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 8,
    "ytick.color": GREY,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 8,
}
_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"


_UNPRINTABLE = re.compile("[^\\t\\n\\r -~\u00a0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef]")


def printable(text):
    """The text with a mark in place of what no page may hold: control characters, halves of characters, and what turns the direction of reading.

    Names come from files, and may hold anything; XML allows no control character, not even escaped.

    >>> printable("a\\x00b\\ud800")
    'a�b�'
    """
    return _UNPRINTABLE.sub("\ufffd", str(text))


class Picture(NamedTuple):
    """A finished figure: its title, what to look for, and the drawing."""

    title: str
    caption: str
    svg: Markup


def picture(function):
    """Let `function`, which returns (Figure, title, caption) or None, return a `Picture` or None, drawn in the house style."""

    @functools.wraps(function)
    def drawn(*arguments, **options):
        with matplotlib.rc_context(_STYLE):
            made = function(*arguments, **options)
            if made is None:
                return None
            figure, title, caption = made
            title, caption = printable(title), printable(caption)
            return Picture(title, caption, to_svg(figure, f"{title}. {caption}"))

    return drawn


def panels(rows=1, columns=1, *, height, width=WIDTH, **more):
    """A figure of ``width`` by ``height`` inches and its axes, an array of shape (rows, columns)."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, **more)


def to_svg(figure, description):
    """The figure as one ``<svg>`` element: ids unlike any other figure's, no metadata, coordinates to a hundredth of a point."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # matplotlib measures text with its own font; the browser, which draws it, has others for what that one lacks
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        # not by savefig, which draws everything once more to lay it out
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    root = xml.etree.ElementTree.fromstring(printable(buffer.getvalue().decode()))
    prefix = hashlib.blake2b(buffer.getvalue() + description.encode(), digest_size=4).hexdigest() + "-"
    for element in [*root.findall(f"{_SVG}metadata"), *root.findall(f"{_SVG}defs[{_SVG}style]")]:
        root.remove(element)  # the style would hold for the whole page; style.css says the same of figures alone
    known: set[str] = set()
    for element in root.iter():
        _tidy(element, prefix, known)
    root.set("role", "img")
    root.set("aria-label", description)
    return Markup(xml.etree.ElementTree.tostring(root, encoding="unicode"))


def _tidy(element, prefix, known):
    """Rename an element's id and whatever it refers to, drop its namespace (HTML has none), and shorten its numbers."""
    element.tag = element.tag.removeprefix(_SVG)
    for name, value in list(element.attrib.items()):
        if name == "id":
            if value in known:  # named by its content: the same image drawn twice
                del element.attrib[name]
                continue
            known.add(value)
            value = prefix + value
        elif name == _LINK:
            del element.attrib[name]
            name, value = "href", "#" + prefix + value[1:] if value.startswith("#") else value
        elif "url(#" in value:
            value = value.replace("url(#", f"url(#{prefix}")
        if name in ("d", "x", "y", "transform"):
            value = re.sub(r"\d+\.\d{3,}", lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), value)
        element.set(name, value)


def colour(k, n_classes):
    """Colour of class `k`, the same in every figure."""
    if n_classes <= len(PALETTE):
        return PALETTE[k]
    return matplotlib.colors.to_hex(matplotlib.colormaps["viridis"](k / (n_classes - 1) * 0.92))


def thin(x, y, n_bins=450):
    """A long profile by the lowest and highest point of each of `n_bins` stretches: peaks stay, the file stays small.

    >>> x, y = thin(np.arange(1000.0), np.sin(np.arange(1000.0)), n_bins=10)
    >>> x.size, bool(y.max() > 0.999)
    (20, True)
    """
    if x.size <= 2 * n_bins:
        return x, y
    edges = np.arange(n_bins + 1) * x.size // n_bins
    chosen = [sorted((a + int(y[a:b].argmin()), a + int(y[a:b].argmax()))) for a, b in itertools.pairwise(edges)]
    chosen = np.array(chosen).ravel()
    return x[chosen], y[chosen]


def scaled(values):
    """Power of ten to divide by so that labels stay short, and its name.

    >>> scaled([0.0001, 0.0007])
    (0.0001, '10⁻⁴ ')
    """
    top = float(np.max(np.abs(values), initial=0.0))
    power = int(np.floor(np.log10(top))) if top > 0 else 0
    if -3 < power < 4:
        return 1.0, ""
    return 10.0**power, "10" + str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")) + " "


def by_class(axis, values, y, classes):
    """Points for each class, with a box where there are enough, classes from left to right."""
    for k in range(len(classes)):
        own = np.sort(np.asarray(values)[y == k])
        if not own.size:
            continue
        tone = colour(k, len(classes))
        shown = own[np.unique(np.linspace(0, own.size - 1, min(own.size, MOST_POINTS)).round().astype(int))]
        place = k + 0.44 * ((np.arange(shown.size) * 0.618034) % 1 - 0.5)
        axis.plot(place, shown, "o", color=tone, markersize=4 if own.size <= 40 else 2.8, alpha=0.55, markeredgewidth=0)
        if own.size >= LEAST_BOX:
            line = {"color": tone, "linewidth": 1}
            styles = {"boxprops": line, "whiskerprops": line, "capprops": line, "medianprops": {"color": INK, "linewidth": 1.6}}
            axis.boxplot(own, positions=[k], widths=0.56, showfliers=False, **styles)
    names_below(axis, classes)


def names_below(axis, classes):
    """Class names under a `by_class` panel, slanted where they are long."""
    axis.set_xticks(range(len(classes)))
    long = sum(len(name) for name in classes) > 22 or len(classes) > 6
    axis.set_xticklabels([short(name, 18) for name in classes], rotation=35 if long else 0, ha="right" if long else "center")
    axis.set_xlim(-0.6, len(classes) - 0.4)
    axis.grid(axis="x", visible=False)


def intervals(axis, rows, *, tone=INK, offset=0.0, marker="o", label=None, size=5.5):
    """Scores with 95 % intervals as dots and bars, the first row on top.

    rows : list of Interval
    """
    place = np.arange(len(rows)) + offset
    low, high = ([min(row.low, row.mean) for row in rows], [max(row.high, row.mean) for row in rows])
    axis.hlines(place, np.nan_to_num(low), np.nan_to_num(high), color=tone, linewidth=1.6)
    axis.plot([row.mean for row in rows], place, marker, color=tone, markersize=size, label=label)


def ladder(axis, names, length=44):
    """One row per name, the first on top."""
    axis.set_yticks(range(len(names)))
    axis.set_yticklabels([short(name, length) for name in names])
    axis.set_ylim(len(names) - 0.4, -0.6)
    axis.grid(axis="y", visible=False)


def chance(axis):
    """The line on which a guess stands."""
    axis.axvline(0.5, color=GREY, linestyle=(0, (4, 3)), linewidth=0.9)


def short(text, length):
    """The text, its middle left out where it is too long for a label.

    >>> short("a_very_long_name_of_a_sample", 12)
    'a_very…ample'
    """
    text = printable(text)
    if len(text) <= length:
        return text
    return text[: length // 2] + "…" + text[len(text) - (length - length // 2 - 1) :]
