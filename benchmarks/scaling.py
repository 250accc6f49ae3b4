"""``python -m benchmarks.scaling``: time and memory against the size of the task, with fitted exponents, as ``.assets/scaling.svg``.

Time is the least CPU time of three calls on one thread (against the number of threads: wall time); memory is the peak of what the
call allocates, as ``tracemalloc`` counts it.
"""

import argparse
import functools
import pathlib
import re
import sys
import time
import tracemalloc

import joblib
import numpy as np

import fasttree
import spectra
from benchmarks import ROOT
from spectra.pipeline import preprocess
from spectra.settings import Settings

COLUMNS = 3
COLOURS = {"time": "#1b6ca8", "memory": "#c0562f"}


def table(n_rows, n_features):
    random = np.random.default_rng(0)
    X = random.normal(size=(n_rows, n_features))
    return X, (X[:, 0] + X[:, 1] * X[:, 2] + random.normal(size=n_rows) > 0).astype(int)


def cohort(n_spectra, n_points):
    """Spectra of one peak in a hundred points, of the same width everywhere."""
    random = np.random.default_rng(0)
    mz = np.linspace(1000.0, 10_000.0, n_points)
    shape = 200 + 2000 * (1 + np.sin(np.arange(n_points) / 100 * 2 * np.pi)) ** 4
    return spectra.Cohort.from_spectra([spectra.Spectrum(mz, random.poisson(shape).astype(float), str(i)) for i in range(n_spectra)])


def forest(n_rows=2000, n_features=20, threads=1, n_trees=10):
    X, y = table(n_rows, n_features)
    return lambda: fasttree.RandomForestClassifier(n_trees, random_state=0, n_jobs=threads).fit(X, y)


def tree(n_rows, n_features=20):
    X, y = table(n_rows, n_features)
    return lambda: fasttree.DecisionTreeClassifier(random_state=0).fit(X, y)


def extra_trees(n_rows, n_features=20):
    X, y = table(n_rows, n_features)
    return lambda: fasttree.ExtraTreesClassifier(2, random_state=0).fit(X, y)


def boosting(n_rows=5000, n_features=20, threads=1):
    X, y = table(n_rows, n_features)
    return lambda: fasttree.GradientBoostingClassifier(max_iter=20, early_stopping=False, n_jobs=threads).fit(X, y)


def way(n_spectra=8, n_points=20_000, threads=1):
    raw = cohort(n_spectra, n_points)
    return lambda: preprocess(raw, Settings(), n_jobs=threads)


THREADS = tuple(2**i for i in range(joblib.cpu_count().bit_length()))
MANY_ROWS = (10_000, 30_000, 100_000, 300_000, 1_000_000, 2_000_000)

# title -> (what is made larger, its name, values)
SWEEPS = {
    "forest of 10, fit: features": (forest, "n_features", (10, 20, 40, 80, 160)),
    "exact tree, fit: rows": (tree, "n_rows", MANY_ROWS),
    "forest of 2, fit: rows": (functools.partial(forest, n_trees=2), "n_rows", MANY_ROWS),
    "extra-trees of 2, fit: rows": (extra_trees, "n_rows", MANY_ROWS),
    "boosting, fit: rows": (boosting, "n_rows", (10_000, 20_000, 40_000, 80_000, 160_000)),
    "boosting, fit: features": (boosting, "n_features", (10, 20, 40, 80)),
    "processing: spectra": (way, "n_spectra", (8, 16, 32, 64)),
    "processing: points": (way, "n_points", (20_000, 40_000, 80_000, 160_000)),
    "forest of 10, 50,000 rows, fit: threads": (functools.partial(forest, n_rows=50_000), "threads", THREADS),
    "boosting, 100,000 rows, fit: threads": (functools.partial(boosting, n_rows=100_000), "threads", THREADS),
    "processing of 64 spectra: threads": (functools.partial(way, n_spectra=64, n_points=40_000), "threads", THREADS),
    "forest of 10, 2,000 rows, fit: threads": (forest, "threads", THREADS),
}


def least(run, clock):
    """Least time of three calls, of fewer where they take seconds."""
    best, spent = np.inf, 0.0
    for _ in range(3):
        if spent < 2.0:
            start = clock()
            run()
            best = min(best, clock() - start)
            spent += best
    return best


def peak(run):
    """Bytes that a call holds at most."""
    tracemalloc.start()
    run()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def exponent(sizes, values):
    """Slope of the line through the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def short(size):
    """Such as 300k."""
    for letter, unit in (("M", 1_000_000), ("k", 1000)):
        if size >= 10 * unit or (size >= unit and size % unit == 0):
            return f"{size / unit:g}{letter}"
    return str(size)


def measure(title):
    """(sizes, seconds, bytes) of one sweep."""
    make, name, sizes = SWEEPS[title]
    clock = time.perf_counter if name == "threads" else time.process_time
    make(**{name: sizes[0]})()  # compiled before it is timed
    found = []
    for size in sizes:
        run = make(**{name: size})
        found.append((least(run, clock), peak(run)))
    return np.array(sizes), *np.array(found).T


def draw(found, path):
    """One panel for each sweep, both axes logarithmic."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import NullFormatter, ScalarFormatter

    rows = -(-len(found) // COLUMNS)
    figure, axes = plt.subplots(rows, COLUMNS, figsize=(4.4 * COLUMNS, 2.6 * rows), layout="constrained", squeeze=False)
    for axis in axes.flat[len(found) :]:
        axis.set_visible(False)
    for axis, (title, (sizes, seconds, memory)) in zip(axes.flat, found.items(), strict=False):
        other = axis.twinx()
        clock = "wall" if title.endswith("threads") else "CPU"
        for where, key, values, unit in ((axis, "time", seconds * 1e3, f"{clock} time, ms"), (other, "memory", memory / 1e6, "peak, MB")):
            label = f"{key} ∝ size^{exponent(sizes, values):.2f}"
            where.loglog(sizes, values, "o-" if key == "time" else "s--", color=COLOURS[key], label=label, markersize=4)
            where.set_ylabel(unit, color=COLOURS[key])
            where.set_ylim(values.min() / 2, values.max() * 4)
            where.yaxis.set_minor_formatter(NullFormatter())
        for i in (0, -1):
            place, ms = sizes[i], seconds[i] * 1e3
            axis.annotate(
                f"{ms:,.3g}" if ms < 1000 else f"{ms:,.0f}", (place, ms), (0, 6), textcoords="offset points", ha="center", fontsize=7
            )
        axis.margins(x=0.12)
        axis.set_xticks(sizes, [short(size) for size in sizes])
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.yaxis.set_major_formatter(ScalarFormatter())
        other.yaxis.set_major_formatter(ScalarFormatter())
        what, _, name = title.partition(": ")
        axis.set_title(what, fontsize=10)
        axis.set_xlabel(name)
        handles = [*axis.get_lines(), *other.get_lines()]
        axis.legend(handles, [line.get_label() for line in handles], loc="upper left", fontsize=8, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / ".assets" / "scaling.svg")
    parser.add_argument(
        "--only", default="", help="only sweeps whose title matches this regular expression, such as 'fit: rows' or 'threads'"
    )
    options = parser.parse_args(arguments)
    found = {}
    for title in (title for title in SWEEPS if re.search(options.only, title)):
        sizes, seconds, memory = found[title] = measure(title)
        if title.endswith("rows"):  # flat where the cost is n log n
            cost = ", ".join(f"{t / (n * np.log2(n)) * 1e9:.1f}" for n, t in zip(sizes, seconds, strict=True))
            print(f"{title}: ns per row and doubling of the rows: {cost}")
        line = ", ".join(f"{n:,}: {t * 1e3:.1f} ms {b / 1e6:.1f} MB" for n, t, b in zip(sizes, seconds, memory, strict=True))
        print(f"{title:<26} time ^{exponent(sizes, seconds):5.2f}  memory ^{exponent(sizes, memory):5.2f}  {line}", flush=True)
    draw(found, options.out)
    print(f"wrote {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
