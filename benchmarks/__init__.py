"""Measurements: asv's suites (``bench_*.py``), peers in one run (``peers``), cold start, scaling, and the gate of the CI."""

import importlib.util
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]

if importlib.util.find_spec("spectra") is None:  # ``asv run --python=same`` where nothing is installed measures this working tree
    sys.path.append(str(ROOT))
if "ASV_CONF_DIR" in os.environ:  # compiled kernels outlive an uninstall: each commit has a folder of its own
    cache = pathlib.Path(os.environ["ASV_CONF_DIR"], ".asv", "numba", os.environ.get("ASV_COMMIT", "working-tree"))
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache))
