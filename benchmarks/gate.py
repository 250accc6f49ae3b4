"""``python -m benchmarks.gate``: small cases on this working tree and on the previous commit, in turn; exit code 1 if any got slower.

Each side runs in a process of its own, both pinned to one core, and they are asked for slices of a few milliseconds alternately, so
that whatever else the machine does strikes both. A round's ratio of CPU times is the smaller of two: that of the pairs' median and
that of the best slices. A fresh pair of processes for each round has new addresses, so that no luck of alignment lasts; the
median of the rounds counts, and a case beyond the limit is asked in more rounds before it fails.

``--identical 10`` compares the commit with a rebuild of itself ten times, which shows how far noise reaches; ``--seeded`` slows
kernels on purpose (gate_seeds.py) and fails unless each is caught.
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

from benchmarks.gate_seeds import SEEDS
from benchmarks.gate_work import NAMES

ROOT = pathlib.Path(__file__).resolve().parents[1]
LIMIT = 1.06  # greatest median of the rounds' ratios that passes; a rebuild, nine times with load 15 on two cores: at most 1.020
ROUNDS, MORE_ROUNDS = 3, 6  # of all cases; of those whose median is beyond SUSPECT after these
SUSPECT = 1.03
SLICES = 24  # of each side in a round
SECONDS = 0.002  # the least of one slice
PACKAGES = ("fasttree", "spectra")
# Memory once taken is kept: else it depends on the history of a process whether an array's pages are mapped anew at each call.
ENVIRONMENT = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1") | dict.fromkeys(
    ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_"), str(1 << 27)
)


class Side:
    """A process that runs the cases of these names with the packages of one folder."""

    def __init__(self, folder, cache, names):
        environment = os.environ | ENVIRONMENT | {"PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": str(cache)}
        command = [sys.executable, "-P", str(ROOT / "benchmarks" / "gate_work.py"), *names]
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


def slices(old, new, name):
    """Pairs (old, new) of seconds, each side first in turn."""
    times = max(1, round(SECONDS / max(old.seconds(name, 1), 1e-6)))
    pairs = []
    for i in range(SLICES):
        first, second = (old, new) if i % 2 else (new, old)
        took = {first: first.seconds(name, times)}
        took[second] = second.seconds(name, times)
        pairs.append((took[old], took[new]))
    return pairs


def ratio_of(pairs):
    """New over old: by the median of the pairs' ratios or by the best times, whichever is less."""
    return min(statistics.median(new / old for old, new in pairs), min(new for _, new in pairs) / min(old for old, _ in pairs))


def judge(measure, names, limit):
    """{name: median ratio}, and those beyond `limit`.

    ``measure(names)`` gives {name: ratio} of one round. All are asked in ROUNDS rounds; the suspects among them, in MORE_ROUNDS more.
    """
    found = {name: [] for name in names}
    for count in (ROUNDS, MORE_ROUNDS):
        for _ in range(count if names else 0):
            for name, ratio in measure(names).items():
                found[name].append(ratio)
        names = [name for name in names if statistics.median(found[name]) > min(SUSPECT, limit)]
    medians = {name: statistics.median(ratios) for name, ratios in found.items()}
    return medians, [name for name, ratio in medians.items() if ratio > limit]


def compare(old_folder, new_folder, old_cache, new_cache, limit, names=NAMES):
    """Print a line for each case; returns ({name: ratio}, names of the slower ones)."""

    def measure(names):
        with Side(old_folder, old_cache, names) as old, Side(new_folder, new_cache, names) as new:
            old.wait()
            new.wait()
            return {name: ratio_of(slices(old, new, name)) for name in names}

    ratios, slower = judge(measure, names, limit)
    for name, ratio in ratios.items():
        print(f"{name:<20} {ratio:6.3f} {'SLOWER' if name in slower else ''}", flush=True)
    return ratios, slower


def git(*arguments, text=True):
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=text, check=False)
    return done.stdout if done.returncode == 0 else None


def unpack(commit, folder):
    """The packages as of `commit`."""
    with tarfile.open(fileobj=io.BytesIO(git("archive", commit, *PACKAGES, text=False))) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # before Python 3.11.4 there is none
        archive.extractall(folder)
    return folder


def check_seeds(commit, scratch, limit):
    """Slow the kernels one by one; returns what was found by the name of each seed, and the seeds that passed unnoticed."""
    old, found, missed = unpack(commit, scratch / "old"), {}, []
    for i, seed in enumerate(SEEDS):
        print(f"{seed.name}, which should be seen in {seed.case}:", flush=True)
        slowed = unpack(commit, scratch / f"slowed {i}")
        seed.plant(slowed)
        found[seed.name], slower = compare(old, slowed, scratch / "cache", scratch / f"cache {i}", limit, [seed.case])
        if seed.case not in slower:
            missed.append(seed.name)
    print(f"gate: {len(SEEDS) - len(missed)} of {len(SEEDS)} planted slowdowns caught" + "".join(f"; MISSED {name}" for name in missed))
    return found, missed


def check_rebuilds(commit, scratch, times, limit):
    """Compare `commit` with a rebuild of it, so many times; returns the ratios of each and what was taken for slower.

    The compiler makes the same machine code of the same source every time, so one rebuild serves: what differs is where each
    process finds room for it.
    """
    old, again, found, slower = unpack(commit, scratch / "old"), unpack(commit, scratch / "again"), [], []
    for i in range(times):
        ratios, seen = compare(old, again, scratch / "old cache", scratch / "new cache", limit)
        found.append(ratios)
        slower += seen
        print(f"gate: identical {i + 1} of {times}, {f'SLOWER: {seen}' if seen else 'passed'}", flush=True)
    return found, slower


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gate", description=__doc__)
    parser.add_argument("--base", default="HEAD~1", help="commit to compare with (%(default)s)")
    parser.add_argument("--limit", type=float, default=LIMIT, help="greatest ratio of CPU times that passes (%(default)s)")
    parser.add_argument("--identical", type=int, metavar="TIMES", help="compare the base with a rebuild of itself, so often")
    parser.add_argument("--seeded", action="store_true", help="compare the base with copies slowed on purpose")
    parser.add_argument("--json", type=pathlib.Path, help="write the ratios here as well")
    options = parser.parse_args(arguments)
    commit = (git("rev-parse", "--verify", "--quiet", f"{options.base}^{{commit}}") or "").strip()
    if not commit:
        print(f"gate: no commit {options.base} here, nothing to compare with")
        return 0
    if not (options.identical or options.seeded) and git("diff", "--quiet", commit, "--", *PACKAGES) is not None:
        print(f"gate: the packages are those of {options.base}, nothing to compare")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        scratch = pathlib.Path(folder)
        if options.seeded:
            found, wrong = check_seeds(commit, scratch, options.limit)
        elif options.identical:
            found, wrong = check_rebuilds(commit, scratch, options.identical, options.limit)
        else:
            old = unpack(commit, scratch / "old")
            found, wrong = compare(old, ROOT, scratch / "old cache", scratch / "new cache", options.limit)
            print(f"gate: {'slower: ' + '; '.join(wrong) if wrong else 'nothing is slower'} (limit {options.limit})")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
