"""The cases of the gate and the process that runs them, with whichever packages come first in its path (see gate.py)."""

import gc
import os
import sys
import time

NAMES = (
    "tree, fit",
    "tree with gaps, fit",
    "absolute error, fit",
    "forest, fit",
    "extra-trees, fit",
    "forest, predict",
    "boosting, fit",
    "boosting, predict",
    "Savitzky-Golay",
    "SNIP",
    "MAD",
    "find_peaks",
    "bin_peaks",
)


def aligned(values):
    """A copy that begins on a cache line, as chance would have it otherwise: up to a tenth of a filter's time."""
    import numpy as np

    room = np.empty(values.nbytes + 64, np.uint8)
    start = -room.ctypes.data % 64
    copy = room[start : start + values.nbytes].view(values.dtype).reshape(values.shape)
    copy[...] = values
    return copy


def make(names):
    """{name: callable} of these cases, ready to run; nothing is compiled that they do not use."""
    import numpy as np

    import fasttree
    import spectra

    random = np.random.default_rng(0)
    X = aligned(random.normal(size=(2000, 20)))
    y = (X[:, 0] + X[:, 1] * X[:, 2] + 0.5 * random.normal(size=2000) > 0).astype(int)
    target = X[:, 0] + X[:, 1] * X[:, 2]
    gaps = aligned(np.where(random.random(X.shape) < 0.1, np.nan, X))
    mz = aligned(np.linspace(1000.0, 10_000.0, 42_000))
    counts = aligned(random.poisson(200 + 5000 * np.exp(-0.5 * ((mz % 40 - 20) / 2) ** 2)) * 1.0)

    def after(prepare, run):
        """`run` on what `prepare` made beforehand."""
        made = prepare()
        return lambda: run(made)

    tree = fasttree.DecisionTreeClassifier(random_state=0)
    absolute = fasttree.DecisionTreeRegressor(criterion="absolute_error", max_depth=6, random_state=0)
    forest = fasttree.RandomForestClassifier(2, random_state=0)
    extra = fasttree.ExtraTreesClassifier(5, random_state=0)
    boosting = fasttree.GradientBoostingClassifier(max_iter=5, early_stopping=False, n_jobs=1)
    builders = (
        lambda: lambda: tree.fit(X, y),
        lambda: lambda: tree.fit(gaps, y),
        lambda: lambda: absolute.fit(X[:1000], target[:1000]),
        lambda: lambda: forest.fit(X, y),
        lambda: lambda: extra.fit(X, y),
        lambda: after(lambda: fasttree.RandomForestClassifier(10, random_state=0).fit(X, y), lambda model: model.predict_proba(X)),
        lambda: lambda: boosting.fit(X, y),
        lambda: after(lambda: boosting.fit(X, y), lambda model: model.predict_proba(X)),
        lambda: lambda: spectra.savitzky_golay(counts),
        lambda: lambda: spectra.snip(counts),
        lambda: lambda: spectra.noise_mad(counts),
        lambda: lambda: spectra.find_peaks(mz, counts),
        lambda: after(lambda: [spectra.find_peaks(mz, counts)] * 20, spectra.bin_peaks),
    )
    return {name: build() for name, build in zip(NAMES, builders, strict=True) if name in names}


def answer(ready):
    """For each line ``name<TAB>times``, the CPU seconds of that many calls.

    One call before the clock starts fetches back what the other side's slice threw out of the caches. Blocks of changing size are held
    meanwhile, so that results and buffers lie elsewhere each time and the best of many slices is not the luck of one place.
    """
    import numpy as np

    for turn, line in enumerate(sys.stdin):
        name, times = line.rstrip("\n").split("\t")
        run, calls = ready[name], range(int(times))
        held = [np.empty(16 * (turn * factor % 32_749), np.uint8) for factor in (2017, 5003, 8089)]
        run()
        start = time.process_time()
        for _ in calls:
            run()
        print(time.process_time() - start, flush=True)
        del held


def main():
    ready = make(sys.argv[1:])
    for run in ready.values():
        run()
    gc.collect()
    gc.freeze()
    gc.disable()
    print("ready", flush=True)
    if hasattr(os, "sched_setaffinity"):  # both sides on one core, so that it is equally fast for both
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    answer(ready)


if __name__ == "__main__":
    main()
