"""Fresh processes: import, first call with an empty cache of kernels, first call with a warm one (CPU seconds)."""

import math
import subprocess
import tempfile

from benchmarks import is_older
from benchmarks.cold_start import DATA, FITS, PREPROCESS, median_seconds, seconds

CALLS = {name: (code, DATA) for name, code in FITS.items()} | {"preprocess": (PREPROCESS, "")}


class Import:
    params = (["numpy", "numpy, fasttree", "numpy, spectra"],)
    param_names = ("packages",)

    def track_import(self, packages):
        return median_seconds(f"import {packages}", "", times=9)

    track_import.unit = "s"


class FirstCall:
    params = (list(CALLS),)
    param_names = ("call",)

    def setup_cache(self):
        """(seconds with an empty cache, with a warm one) of each call: what the first leaves, the second finds."""
        found = {}
        for name, (code, before) in CALLS.items():
            with tempfile.TemporaryDirectory() as cache:
                try:
                    found[name] = seconds(code, cache, before), median_seconds(code, cache, before, times=3)
                except subprocess.CalledProcessError:
                    if not is_older():
                        raise
                    found[name] = math.nan, math.nan
        return found

    setup_cache.timeout = 1800

    def track_empty_cache(self, found, call):
        return found[call][0]

    def track_warm_cache(self, found, call):
        return found[call][1]

    track_empty_cache.unit = track_warm_cache.unit = "s"
