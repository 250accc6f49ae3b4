"""``python -m benchmarks.tree_memory``: what fitting takes beyond X, against scikit-learn, each fit in a process of its own.

Two measures: the greatest resident memory during `fit` less what was resident before it (Linux; everything counts; the median of
``--times`` processes and their range), and what `tracemalloc` sees (Python's and NumPy's allocations only, whether written or not: of
scikit-learn's nodes and of our memory from the system it sees little). Both after a fit of the same kind on twenty rows, so that neither
library's code nor compiled kernels count. Megabytes.

scikit-learn makes a float32 copy of any X of float64, and none of float32; fasttree makes integers of four bytes of either, or searches X
itself (extra-trees, and the large nodes of a single tree).
"""

import argparse
import sys
import tracemalloc

import numpy as np

from benchmarks.resident import added, ask, parse

SIZES = {"100k x 20": (100_000, 20), "281 x 774": (281, 774)}
JOBS = {
    "exact tree": ("DecisionTreeClassifier", {}),
    "forest of 10": ("RandomForestClassifier", {"n_estimators": 10}),
    "extra-trees, 10": ("ExtraTreesClassifier", {"n_estimators": 10}),
}


def child(measure, package, job, size, dtype):
    """Bytes of one fit, "resident" or "traced"."""
    import sklearn.ensemble
    import sklearn.tree

    import fasttree

    kind, options = JOBS[job]
    module = fasttree if package == "fasttree" else sklearn.ensemble if options else sklearn.tree
    n_rows, n_features = SIZES[size]
    random = np.random.default_rng(0)
    X = random.normal(size=(n_rows, n_features)).astype(dtype)
    y = (X[:, :8] @ random.normal(size=8) + 1.5 * random.normal(size=n_rows) > 0).astype(np.int64)
    model = getattr(module, kind)(random_state=0, **options)
    model.fit(X[:20], np.arange(20) % 2)
    if measure == "resident":
        return added(lambda: model.fit(X, y))
    tracemalloc.start()
    model.fit(X, y)
    return tracemalloc.get_traced_memory()[1]


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tree_memory", description=__doc__)
    parser.add_argument("--times", type=int, default=3, help="processes for each resident figure (default 3: seven minutes in all)")
    options = parse(parser, child, arguments)
    if options is None:
        return 0
    print(f"{'':<36}{'resident: ours':>22}{'scikit-learn':>22}{'traced: ours':>16}{'scikit-learn':>14}")
    worse = 0
    for size in SIZES:
        for job in JOBS:
            for dtype in ("float32", "float64"):
                line, medians = f"{job + ', ' + size + ', ' + dtype:<36}", []
                for package in ("fasttree", "scikit-learn"):
                    fit = (package, job, size, dtype)
                    found = np.array([ask("benchmarks.tree_memory", "resident", *fit) for _ in range(options.times)]) / 1e6
                    medians.append(np.median(found))
                    line += f"{f'{medians[-1]:.1f} ({np.min(found):.1f} to {np.max(found):.1f})':>22}"
                for package, width in (("fasttree", 16), ("scikit-learn", 14)):
                    line += f"{ask('benchmarks.tree_memory', 'traced', package, job, size, dtype) / 1e6:{width}.1f}"
                worse += medians[0] > medians[1]
                print(line + (" more" if medians[0] > medians[1] else ""), flush=True)
    print(f"{worse} fits take more resident memory than scikit-learn's")
    return 0


if __name__ == "__main__":
    sys.exit(main())
