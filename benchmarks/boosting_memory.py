"""``python -m benchmarks.boosting_memory``: what boosting takes beyond X and y, against LightGBM, each fit in a process of its own.

The greatest resident memory during a fit (LightGBM: making its data set included) less what was resident before it, after a fit of the same
kind on few rows, so that neither library's code nor compiled kernels count; memory that was freed before is given back first. LightGBM
takes the layout that it chooses by itself, or the one named. Megabytes; ten rounds, since further ones take no more but for their trees.
"""

import argparse
import pathlib
import sys
import tempfile

import numpy as np

from benchmarks.peers.boosting import LEAVES, draw
from benchmarks.resident import added, ask, parse

SIZES = {"100k x 20": (100_000, 20), "20k x 100": (20_000, 100), "500k x 28": (500_000, 28), "281 x 774": (281, 774)}
LIBRARIES = ("fasttree", "LightGBM", "LightGBM row-wise", "LightGBM quantised")
OPTIONS = {"LightGBM row-wise": {"force_row_wise": True}, "LightGBM quantised": {"use_quantized_grad": True}}


def learner(library, threads):
    if library == "fasttree":
        from fasttree import GradientBoostingClassifier

        return lambda X, y: GradientBoostingClassifier(max_iter=10, early_stopping=False, n_jobs=threads).fit(X, y)
    import lightgbm

    options = {"objective": "binary", "num_leaves": LEAVES, "num_threads": threads, "verbose": -1} | OPTIONS.get(library, {})
    return lambda X, y: lightgbm.train(options, lightgbm.Dataset(X, y), 10)


def child(library, folder, threads):
    """The bytes that one fit takes."""
    X, y = (np.load(pathlib.Path(folder) / name) for name in ("X.npy", "y.npy"))
    fit = learner(library, int(threads))
    fit(X[:3000].copy(), y[:3000])
    return added(lambda: fit(X, y))


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.boosting_memory", description=__doc__)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--sizes", default=",".join(SIZES), help="by comma: " + ", ".join(SIZES))
    options = parse(parser, child, arguments)
    if options is None:
        return 0
    print(f"{'':<22}" + "".join(f"{library:>20}" for library in LIBRARIES))
    worse = 0
    for size in options.sizes.split(","):
        with tempfile.TemporaryDirectory() as folder:
            for name, array in zip("Xy", draw(*SIZES[size]), strict=False):
                np.save(pathlib.Path(folder) / name, array)
            for threads in options.threads.split(","):
                found = [ask("benchmarks.boosting_memory", library, folder, threads) / 1e6 for library in LIBRARIES]
                worse += found[0] > min(found[1:])
                print(f"{size + ', ' + threads + ' thr':<22}" + "".join(f"{one:20.1f}" for one in found), flush=True)
    print(f"{worse} fits take more memory than LightGBM's least")
    return 0


if __name__ == "__main__":
    sys.exit(main())
