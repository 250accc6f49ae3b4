"""What the warm-up commands leave behind: a fresh process compiles nothing."""

import subprocess
import sys

import pytest

from benchmarks.cold_start import PREPROCESS

FITS = """
import numpy as np, fasttree
random = np.random.default_rng(1)
for dtype in (np.float64, np.float32):
    X = random.normal(size=(400, 30)).astype(dtype)
    for name in fasttree.__all__:
        if name.endswith("Classifier"):
            getattr(fasttree, name)().fit(X, X[:, 0] > 0).predict(X)
        if name.endswith("Regressor"):
            getattr(fasttree, name)().fit(X, X[:, 0]).predict(X)
"""
# Each kernel's dispatcher counts what it had to compile because no cached machine code was found.
MISSES = """
import sys
found = {}
for module in list(sys.modules.values()):
    if getattr(module, "__name__", "").startswith(("fasttree", "spectra")):
        for kernel in vars(module).values():
            if hasattr(kernel, "py_func"):
                found[kernel] = sum(kernel.stats.cache_misses.values())
assert any(sum(kernel.stats.cache_hits.values()) for kernel in found), "no kernel was used"
print(sorted(f"{kernel.py_func.__module__}.{kernel.__name__}" for kernel, missed in found.items() if missed))
"""


def python(*arguments):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_after_warmup_nothing_is_compiled():
    python("-m", "spectra.warmup")
    for code in (FITS, PREPROCESS):
        assert python("-c", f"{code}\n{MISSES}").split("\n")[-2] == "[]"
