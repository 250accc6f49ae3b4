"""``python -m benchmarks.gate``: ten small cases on this working tree and on the previous commit, in turn; exit code 1 if any got slower.

Both sides run in a process of their own, on one thread, and are asked alternately, so that whatever else the machine does strikes both.
A case counts as slower when the ratio of CPU times exceeds the limit both by the median of its pairs and by the best time of each
side, and does so again in a second series twice as long. ``--identical 10`` compares the commit with itself ten times, which shows
how far noise reaches.
"""

import argparse
import io
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
LIMIT = 1.2  # a commit against itself, ten times ten cases among seven busy processes on two cores: at most 1.14
PAIRS = 15
SECONDS = 0.03  # of one measurement
PACKAGES = ("fasttree", "spectra")


def cases():
    """(name, callable) of each case, warm; one whose function is missing is left out. Imports what is first in the path."""
    import numpy as np

    import fasttree
    import spectra

    random = np.random.default_rng(0)
    X = random.normal(size=(2000, 20))
    y = (X[:, 0] + X[:, 1] * X[:, 2] + 0.5 * random.normal(size=2000) > 0).astype(int)
    mz = np.linspace(1000.0, 10_000.0, 20_000)
    centres = np.arange(1100.0, 9900.0, 40.0)
    counts = random.poisson(200 + 5000 * np.exp(-0.5 * ((mz - centres[np.abs(mz[:, None] - centres).argmin(axis=1)]) / 2) ** 2)) * 1.0
    peaks = spectra.find_peaks(mz, counts)
    forest = fasttree.RandomForestClassifier(10, random_state=0).fit(X, y)
    boosting = fasttree.GradientBoostingClassifier(max_iter=20, early_stopping=False, n_jobs=1).fit(X, y)
    return {
        "tree, fit": lambda: fasttree.DecisionTreeClassifier(random_state=0).fit(X, y),
        "forest, fit": lambda: fasttree.RandomForestClassifier(5, random_state=0).fit(X, y),
        "forest, predict": lambda: forest.predict_proba(X),
        "boosting, fit": lambda: boosting.fit(X, y),
        "boosting, predict": lambda: boosting.predict_proba(X),
        "Savitzky-Golay": lambda: spectra.savitzky_golay(counts),
        "SNIP": lambda: spectra.snip(counts),
        "MAD": lambda: spectra.noise_mad(counts),
        "find_peaks": lambda: spectra.find_peaks(mz, counts),
        "bin_peaks": lambda: spectra.bin_peaks([peaks] * 20),
    }


def work():
    """Answer lines ``name<TAB>times`` with the CPU seconds of that many calls."""
    ready = cases()
    for run in ready.values():
        run()
    print("ready", flush=True)
    for line in sys.stdin:
        name, times = line.rstrip("\n").split("\t")
        run = ready[name]
        start = time.process_time()
        for _ in range(int(times)):
            run()
        print(time.process_time() - start, flush=True)


class Side:
    """A process that runs the cases with the packages of one folder."""

    def __init__(self, folder, cache):
        one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        environment = os.environ | one_thread | {"PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(cache)}
        command = [sys.executable, "-P", str(pathlib.Path(__file__).resolve()), "--work"]
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def wait(self):
        """Until everything is compiled."""
        if self.process.stdout.readline() != "ready\n":
            raise SystemExit(f"gate: the cases do not run, exit code {self.process.wait()}")

    def seconds(self, name, times):
        self.process.stdin.write(f"{name}\t{times}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


def ratios(pairs):
    """Median of the pairs' ratios, new over old, and ratio of the best times."""
    return statistics.median(new / old for old, new in pairs), min(new for _, new in pairs) / min(old for old, _ in pairs)


def series(old, new, name, count):
    """`count` pairs (old, new) of seconds, each side first in turn."""
    times = max(1, round(SECONDS / max(old.seconds(name, 1), 1e-6)))
    pairs = []
    for i in range(count):
        first, second = (old, new) if i % 2 else (new, old)
        took = {first: first.seconds(name, times)}
        took[second] = second.seconds(name, times)
        pairs.append((took[old], took[new]))
    return pairs


def judge(measure, limit):
    """Ratio, and whether the case is slower. ``measure(count)`` gives that many pairs; it is asked again before a verdict of slower."""
    ratio = min(ratios(measure(PAIRS)))
    if ratio <= limit:
        return ratio, False
    ratio = min(ratios(measure(2 * PAIRS)))
    return ratio, ratio > limit


def compare(old_folder, new_folder, caches, limit):
    """Print a line for each case; returns {name: (ratio, slower)}."""
    with Side(old_folder, caches / "old") as old, Side(new_folder, caches / "new") as new:
        old.wait()
        new.wait()
        found = {}
        for name in NAMES:
            found[name] = judge(lambda count, name=name: series(old, new, name, count), limit)
            print(f"{name:<20} {found[name][0]:6.3f} {'SLOWER' if found[name][1] else ''}", flush=True)
    return found


NAMES = (
    "tree, fit",
    "forest, fit",
    "forest, predict",
    "boosting, fit",
    "boosting, predict",
    "Savitzky-Golay",
    "SNIP",
    "MAD",
    "find_peaks",
    "bin_peaks",
)


def git(*arguments, text=True):
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=text, check=False)
    return done.stdout if done.returncode == 0 else None


def unpack(commit, folder):
    """The packages as of `commit`."""
    with tarfile.open(fileobj=io.BytesIO(git("archive", commit, *PACKAGES, text=False))) as archive:
        archive.extractall(folder, filter="data")


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gate", description=__doc__)
    parser.add_argument("--base", default="HEAD~1", help="commit to compare with (%(default)s)")
    parser.add_argument("--limit", type=float, default=LIMIT, help="greatest ratio of CPU times that passes (%(default)s)")
    parser.add_argument("--identical", type=int, metavar="TIMES", help="compare the base with itself, so often")
    parser.add_argument("--json", type=pathlib.Path, help="write the ratios here as well")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.work:
        work()
        return 0
    commit = git("rev-parse", "--verify", "--quiet", f"{options.base}^{{commit}}")
    if commit is None:
        print(f"gate: no commit {options.base} here, nothing to compare with")
        return 0
    if not options.identical and git("diff", "--quiet", commit.strip(), "--", *PACKAGES) is not None:
        print(f"gate: the packages are those of {options.base}, nothing to compare")
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        old, caches = pathlib.Path(scratch, "old"), pathlib.Path(scratch, "cache")
        unpack(commit.strip(), old)
        found = [compare(old, old if options.identical else ROOT, caches, options.limit) for _ in range(options.identical or 1)]
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    slower = sorted({name for run in found for name, (_, is_slower) in run.items() if is_slower})
    worst = max(ratio for run in found for ratio, _ in run.values())
    print(f"gate: {'slower: ' + '; '.join(slower) if slower else 'nothing is slower'} (greatest ratio {worst:.3f}, limit {options.limit})")
    return 1 if slower else 0


if __name__ == "__main__":
    sys.exit(main())
