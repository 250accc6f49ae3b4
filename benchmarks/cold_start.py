"""``python -m benchmarks.cold_start``: what a first call costs in a fresh process, and which kernels the compiler spends it on.

All figures are CPU seconds of the child process by its own clock, medians of several processes; "empty" and "warm" speak of the
cache of compiled kernels.
"""

import argparse
import collections
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import fasttree

DATA = "import numpy as np; X = np.random.default_rng(0).normal(size=(281, 100)); y = (X[:, 0] > 0).astype(int)"
FITS = {
    "RandomForestClassifier": "from fasttree import RandomForestClassifier as Model; Model(10, random_state=0).fit(X, y)",
    "GradientBoostingClassifier": "from fasttree import GradientBoostingClassifier as Model; Model(max_iter=10).fit(X, y)",
    "scikit-learn RandomForestClassifier": "from sklearn.ensemble import RandomForestClassifier as Model; Model(10, random_state=0).fit(X, y)",
    "scikit-learn HistGradientBoostingClassifier": (
        "from sklearn.ensemble import HistGradientBoostingClassifier as Model; Model(max_iter=10).fit(X, y)"
    ),
}
PREPROCESS = (
    "import spectra; from spectra.pipeline import preprocess; from spectra.settings import Settings; "
    "preprocess(spectra.simulate_cohort(2, seed=0).cohort, Settings(), n_jobs=1)"
)
PROCESSING = "from spectra.warmup import warm; next(warm())"  # the default way: per-spectrum and learned steps


def seconds(code, cache, before=""):
    """CPU seconds that a fresh interpreter takes for `code`, after `before`; start of the interpreter included where `before` is empty."""
    clock = f"{before}\nimport time\nstart = time.process_time() if {bool(before)} else 0\n{code}\nprint(time.process_time() - start)"
    home = str(pathlib.Path(fasttree.__file__).parents[1])
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": home, "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its byte code
    done = subprocess.run([sys.executable, "-c", clock], env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def median_seconds(code, cache, before="", times=5):
    return statistics.median(seconds(code, cache, before) for _ in range(times))


class Compiler:
    """A listener that adds up the compile time of each kernel, its callees apart (CPU time of the compiling thread)."""

    def __init__(self):
        from numba.core import event

        self._open = threading.local()
        self.own, self.count = collections.Counter(), collections.Counter()
        owner = self

        class Listener(event.Listener):
            def on_start(self, event):
                owner._stack().append([time.thread_time(), 0.0])

            def on_end(self, event):
                start, inner = owner._stack().pop()
                spent = time.thread_time() - start
                function = event.data["dispatcher"].py_func
                name = f"{function.__module__}.{function.__qualname__}"
                owner.own[name] += spent - inner
                owner.count[name] += 1
                if owner._stack():
                    owner._stack()[-1][1] += spent

        event.register("numba:compile", Listener())

    def _stack(self):
        return self._open.__dict__.setdefault("stack", [])


def kernels(code, count=25):
    """Print the kernels that `code` spends most compile time on."""
    compiler = Compiler()
    exec(code, {})
    print(f"{sum(compiler.own.values()):.1f} s of CPU to compile {len(compiler.own)} kernels, {sum(compiler.count.values())} variants")
    packages = collections.Counter()
    for name, spent in compiler.own.items():
        packages[name.partition(".")[0]] += spent
    print(", ".join(f"{spent:.1f} s in {package}" for package, spent in packages.most_common()))
    for name, spent in compiler.own.most_common(count):
        print(f"{spent:7.2f} s  {compiler.count[name]:2d} variants  {name}")


def demo():
    """Code of the whole demo path, written to a folder that goes away."""
    return (
        "import tempfile; from spectra.cli import cli\n"
        "with tempfile.TemporaryDirectory() as folder: cli(['demo', '--out', folder + '/demo', '-q'], standalone_mode=False)"
    )


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold_start", description=__doc__)
    parser.add_argument(
        "--kernels", choices=["forest", "boosting", "processing", "demo"], help="compile this path here, and list its kernels"
    )
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as cache:
        if options.kernels:
            os.environ["NUMBA_CACHE_DIR"] = cache  # numba is imported later
            paths = {"forest": "RandomForestClassifier", "boosting": "GradientBoostingClassifier"}
            code = {"demo": demo(), "processing": PROCESSING} | {path: f"{DATA}\n{FITS[name]}" for path, name in paths.items()}
            kernels(code[options.kernels])
            return 0
        bare = median_seconds("import numpy", cache)
        for package in ("fasttree", "spectra"):
            print(
                f"import numpy, {package:<42} {1e3 * (median_seconds(f'import numpy, {package}', cache) - bare):8.1f} ms over import numpy"
            )
        for name, code in FITS.items():
            empty = "" if name.startswith("scikit") else f"{seconds(code, cache, DATA):8.2f} s empty"
            print(f"first fit, {name:<44} {median_seconds(code, cache, DATA):8.2f} s warm {empty}")
        print(f"first spectra.pipeline.preprocess {'':<21} {seconds(PREPROCESS, cache):8.2f} s empty", end="")
        print(f" {median_seconds(PREPROCESS, cache):8.2f} s warm")
    return 0


if __name__ == "__main__":
    sys.exit(main())
