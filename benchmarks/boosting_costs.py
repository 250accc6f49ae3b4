"""``python -m benchmarks.boosting_costs``: what a fit costs against rows, features, leaves and bins, beside LightGBM.

Writes the figure ``.assets/boosting_costs.svg``: least CPU time of three fits on one thread, 30 rounds, and from 50,000 rows × 20 features,
31 leaves and 255 bins one of the four changed at a time. ``--threads`` prints instead how much faster a second thread makes 100 rounds, by wall time,
which wants two idle cores.
"""

import argparse
import functools
import pathlib
import sys
import time

import numpy as np

from benchmarks import ROOT
from benchmarks.peers.boosting import data
from benchmarks.peers.case import timed
from benchmarks.scaling import COLOURS, exponent, least

BASE = {"rows": 50_000, "features": 20, "leaves": 31, "bins": 255}
SWEEPS = {
    "rows": (3125, 12_500, 50_000, 200_000),
    "features": (5, 10, 20, 40, 80, 160),
    "leaves": (4, 8, 16, 31, 64, 128),
    "bins": (16, 32, 64, 128, 255),
}
ROUNDS = 30


def ours(X, y, leaves, bins):
    from fasttree import GradientBoostingClassifier

    model = GradientBoostingClassifier(early_stopping=False, max_iter=ROUNDS, max_leaf_nodes=leaves, max_bins=bins)
    return functools.partial(model.fit, X, y)


def lightgbm(X, y, leaves, bins):
    import lightgbm

    options = {"objective": "binary", "num_leaves": leaves, "max_bin": bins, "num_threads": 1, "verbose": -1, "force_col_wise": True}
    return lambda: lightgbm.train(options, lightgbm.Dataset(X, y), ROUNDS)


MAKERS = {"fasttree": ours, "LightGBM": lightgbm}


def measure(what):
    """Seconds of each library, one for each size."""
    found = {name: [] for name in MAKERS}
    for size in SWEEPS[what]:
        task = BASE | {what: size}
        X, y, *_ = data(task["rows"], task["features"])
        for name, make in MAKERS.items():
            found[name].append(least(make(X, y, task["leaves"], task["bins"]), time.process_time))
    return {name: np.array(seconds) for name, seconds in found.items()}


def draw(found, path):
    """One panel for each of the four, both axes logarithmic."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import NullFormatter

    figure, axes = plt.subplots(2, 2, figsize=(9, 6), layout="constrained")
    for axis, (what, seconds) in zip(axes.flat, found.items(), strict=True):
        sizes = SWEEPS[what]
        for (name, values), colour in zip(seconds.items(), COLOURS.values(), strict=True):
            label = f"{name} ∝ {what}^{exponent(sizes, values):.2f}"
            axis.loglog(sizes, values * 1e3, "o-", color=colour, label=label, markersize=4)
        axis.set_xticks(sizes, [f"{size:,}" for size in sizes])
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set_xlabel(what)
        axis.set_ylabel("CPU time, ms")
        axis.set_ylim(bottom=min(map(min, seconds.values())) * 500)
        axis.legend(loc="upper left", fontsize=8, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def second_thread():
    """Seconds on one and two threads in turn, and the median gain of five pairs."""
    from fasttree import GradientBoostingClassifier

    for n, n_features in ((100_000, 20), (20_000, 100), (500_000, 28)):
        X, y, *_ = data(n, n_features)
        models = [GradientBoostingClassifier(early_stopping=False, n_jobs=threads) for threads in (1, 2)]
        pairs = np.array([[timed(functools.partial(model.fit, X, y), time.perf_counter)[0] for model in models] for _ in range(6)])[1:]
        one, two = np.median(pairs, axis=0)
        print(f"{n:>7,} × {n_features:<3} {one:6.3f} s → {two:6.3f} s  {np.median(pairs[:, 0] / pairs[:, 1]):.2f}x", flush=True)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.boosting_costs", description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / ".assets" / "boosting_costs.svg")
    parser.add_argument("--threads", action="store_true")
    options = parser.parse_args(arguments)
    if options.threads:
        second_thread()
        return 0
    found = {}
    for what, sizes in SWEEPS.items():
        found[what] = measure(what)
        for name, seconds in found[what].items():
            line = ", ".join(f"{size:,}: {s * 1e3:.0f} ms" for size, s in zip(sizes, seconds, strict=True))
            print(f"{what:<9} {name:<9} time ^{exponent(sizes, seconds):5.2f}  {line}", flush=True)
    draw(found, options.out)
    print(f"wrote {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
