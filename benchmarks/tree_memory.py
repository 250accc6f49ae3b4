"""``python -m benchmarks.tree_memory``: what fitting takes beyond X, against scikit-learn, each fit in a process of its own.

Two measures: the greatest resident memory during `fit` less what was resident before it (Linux; everything counts), and what
`tracemalloc` sees (Python's and NumPy's allocations only: of scikit-learn's nodes it sees little). Both after a fit of the same
kind on twenty rows, so that neither library's code nor compiled kernels count. Megabytes.
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


def child(package, job, size, dtype):
    """The two measures of one fit, in bytes."""
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
    peak = added(lambda: model.fit(X, y))
    tracemalloc.start()
    model.fit(X, y)
    return peak, tracemalloc.get_traced_memory()[1]


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tree_memory", description=__doc__)
    if parse(parser, child, arguments) is None:
        return 0
    print(f"{'':<36}{'resident: ours':>16}{'scikit-learn':>14}{'traced: ours':>16}{'scikit-learn':>14}")
    worse = 0
    for size in SIZES:
        for job in JOBS:
            for dtype in ("float32", "float64"):
                found = [ask("benchmarks.tree_memory", package, job, size, dtype) for package in ("fasttree", "scikit-learn")]
                (ours, our_trace), (theirs, their_trace) = np.array(found) / 1e6
                worse += ours > theirs
                mark = " more" if ours > theirs else ""
                print(
                    f"{job + ', ' + size + ', ' + dtype:<36}{ours:16.1f}{theirs:14.1f}{our_trace:16.1f}{their_trace:14.1f}{mark}",
                    flush=True,
                )
    print(f"{worse} fits take more resident memory than scikit-learn's")
    return 0


if __name__ == "__main__":
    sys.exit(main())
