"""Fresh processes: import, first call with an empty cache of kernels, first call with a warm one (CPU seconds)."""

import tempfile

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
    timeout = 600

    def setup(self, call):
        self.folder = tempfile.TemporaryDirectory()

    def teardown(self, call):
        self.folder.cleanup()

    def track_empty_cache(self, call):
        return seconds(*self._code(call))

    def track_warm_cache(self, call):
        seconds(*self._code(call))
        return median_seconds(*self._code(call))

    def _code(self, call):
        code, before = CALLS[call]
        return code, self.folder.name, before

    track_empty_cache.unit = track_warm_cache.unit = "s"
