"""``python -m benchmarks.peers``: every promise of speed, measured against its peers at equal results.

Each group is a module of this package with ``cases(threads) -> iterable of Case``. One thread is measured in CPU time, more in wall time;
ratios are medians of interleaved pairs, with their quartiles. Exit code 1: a result differs from its peer's.
"""

import argparse
import dataclasses
import importlib
import importlib.metadata
import json
import os
import pathlib
import pkgutil
import platform
import shutil
import subprocess
import sys

from benchmarks import peers
from benchmarks.peers.case import Row, measure

GROUPS = sorted(m.name for m in pkgutil.iter_modules(peers.__path__) if m.name not in ("__main__", "case"))
LIBRARIES = [
    "numpy",
    "scipy",
    "numba",
    "scikit-learn",
    "lightgbm",
    "xgboost",
    "ydf",
    "PyWavelets",
    "pybaselines",
    "pyopenms",
    "ms-peak-picker",
]
R_PACKAGES = ("MALDIquant", "ranger", "waveslim")


def versions():
    found = {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "absent"
    return found | r_versions()


def r_versions():
    """Versions of R and of the packages that peers come from."""
    if shutil.which("Rscript") is None:
        return {"R": "absent"}
    code = """
        cat("R", as.character(getRversion()), "\\n")
        for (p in commandArgs(TRUE)) cat(p, if (requireNamespace(p, quietly=TRUE)) as.character(packageVersion(p)) else "absent", "\\n")
    """
    done = subprocess.run(["Rscript", "-e", code, *R_PACKAGES], capture_output=True, text=True, check=True)
    return dict(line.split() for line in done.stdout.splitlines())


def show(row):
    head = f"{row.name:<44} {row.threads} thr  {row.peer:<22}"
    if row.skipped:
        return f"{head} skipped: {row.skipped}"
    own = f"{row.ours / row.per * 1e9:9.2f} ns" if row.per else f"{row.ours * 1e3:9.2f} ms"
    other = f"{row.theirs / row.per * 1e9:9.1f} ns" if row.per else f"{row.theirs * 1e3:9.1f} ms"
    promise = "" if row.promise is None else f" (promised {row.promise:g}{'' if row.ratio >= row.promise else ', MISSED'})"
    equal = "equal" if row.equal else "DIFFERENT"
    share = "" if row.of_memcpy is None else f"  {row.of_memcpy:.1%} of memcpy"
    return f"{head} {own} {other}  {row.ratio:7.2f}x [{row.low:.2f}, {row.high:.2f}]{promise}{share}  {equal}: {row.measure}"


def digits(value):
    """Three that count, and no exponent."""
    return f"{float(f'{value:.3g}'):,.10g}"


def markdown(rows, found):
    """The table for README: a line for each row that was measured, and what it was measured with."""
    lines = ["| job | threads | peer | ours | theirs | times as fast | quartiles | results |", "|---|---|---|---|---|---|---|---|"]
    for row in rows:
        if row.skipped:
            continue
        scale, unit = (1e9 / row.per, "ns") if row.per else (1e3, "ms")
        times = f"{digits(row.ours * scale)} {unit} | {digits(row.theirs * scale)} {unit} | {digits(row.ratio)}"
        equal = "equal" if row.equal else "DIFFERENT"
        lines.append(
            f"| {row.name} | {row.threads} | {row.peer} | {times} | {digits(row.low)} to {digits(row.high)} | {equal}: {row.measure} |"
        )
    skipped = [f"{row.name} ({row.peer}: {row.skipped})" for row in rows if row.skipped]
    known = ", ".join(f"{name} {version}" for name, version in found.items() if version != "absent")
    return "\n".join([*lines, "", *([f"Not measured: {'; '.join(skipped)}.", ""] if skipped else []), f"Measured with {known}."])


def read(path):
    """Rows and versions of an earlier run's ``--json``."""
    stored = json.loads(path.read_text())
    return [Row(**row) for row in stored["rows"]], stored["versions"]


def summary(rows):
    """What became of the promises, and which results differ."""
    promised = [row for row in rows if row.promise is not None and not row.skipped]
    missed = [row for row in promised if row.ratio < row.promise]
    different = [row for row in rows if row.equal is False]
    lines = [f"{len(promised) - len(missed)} of {len(promised)} promises held, {sum(bool(row.skipped) for row in rows)} rows skipped"]
    lines += [f"missed: {row.name}, {row.threads} thr, {row.peer}: {row.ratio:.2f} of {row.promise:g}" for row in missed]
    lines += [f"different: {row.name}, {row.threads} thr, {row.peer}: {row.measure}" for row in different]
    return "\n".join(lines), 1 if different else 3 if missed else 0


def write(path, rows, found):
    path.write_text(json.dumps({"versions": found, "rows": [dataclasses.asdict(row) for row in rows]}, indent=1))


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--only", default=",".join(GROUPS), help="groups, by comma: " + ", ".join(GROUPS))
    parser.add_argument("--threads", default="1,2", help="by comma; 1 is CPU time, more is wall time")
    parser.add_argument("--match", default="", help="only rows whose name holds this")
    parser.add_argument("--json", type=pathlib.Path, help="write the rows here as well")
    parser.add_argument("--markdown", type=pathlib.Path, help="write README's table here as well")
    parser.add_argument("--stored", type=pathlib.Path, help="measure nothing; take the rows of an earlier --json")
    parser.add_argument("--strict", action="store_true", help="exit code 3 where a promise is missed")
    options = parser.parse_args(arguments)
    rows, found = read(options.stored) if options.stored else ([], versions())
    for group in [] if options.stored else options.only.split(","):
        if group not in GROUPS:
            parser.error(f"no group {group!r}; there are {', '.join(GROUPS)}")
        module = importlib.import_module(f"benchmarks.peers.{group}")
        for threads in map(int, options.threads.split(",")):
            for case in module.cases(threads):
                if options.match.lower() not in case.name.lower():
                    continue
                for name in case.peers:
                    rows.append(measure(group, case, name))
                    print(show(rows[-1]), flush=True)
                    if options.json:  # after each row: an interrupted run keeps what it has
                        write(options.json, rows, found)
    for row in rows if options.stored else []:
        print(show(row))
    if options.markdown:
        options.markdown.write_text(markdown(rows, found) + "\n")
    words, code = summary(rows)
    print(words)
    print(", ".join(f"{name} {version}" for name, version in found.items() if version != "absent"))
    return 0 if code == 3 and not options.strict else code


if __name__ == "__main__":
    sys.exit(main())
