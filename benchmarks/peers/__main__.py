"""``python -m benchmarks.peers``: every promise of speed, measured against its peers at equal results.

Each group is a module of this package with ``cases(threads) -> iterable of Case``. One thread is measured in CPU time, more in wall time;
ratios are medians of interleaved pairs, with their quartiles.
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
import sys

from benchmarks import peers
from benchmarks.peers.case import measure

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


def versions():
    found = {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "absent"
    return found


def show(row):
    head = f"{row.name:<44} {row.threads} thr  {row.peer:<22}"
    if row.skipped:
        return f"{head} skipped: {row.skipped}"
    own = f"{row.ours / row.per * 1e9:9.2f} ns" if row.per else f"{row.ours * 1e3:9.2f} ms"
    other = f"{row.theirs / row.per * 1e9:9.1f} ns" if row.per else f"{row.theirs * 1e3:9.1f} ms"
    promise = "" if row.promise is None else f" (promised {row.promise:g}{'' if row.ratio >= row.promise else ', MISSED'})"
    equal = "equal" if row.equal else "DIFFERENT"
    return f"{head} {own} {other}  {row.ratio:7.2f}x [{row.low:.2f}, {row.high:.2f}]{promise}  {equal}: {row.measure}"


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--only", default=",".join(GROUPS), help="groups, by comma: " + ", ".join(GROUPS))
    parser.add_argument("--threads", default="1,2", help="by comma; 1 is CPU time, more is wall time")
    parser.add_argument("--match", default="", help="only rows whose name holds this")
    parser.add_argument("--json", type=pathlib.Path, help="write the rows here as well")
    options = parser.parse_args(arguments)
    rows = []
    for group in options.only.split(","):
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
    if options.json:
        options.json.write_text(json.dumps({"versions": versions(), "rows": [dataclasses.asdict(row) for row in rows]}, indent=1))
    print(", ".join(f"{name} {version}" for name, version in versions().items() if version != "absent"))
    return 1 if any(row.equal is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
