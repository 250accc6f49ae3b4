"""Kernels that are called by address are compiled where a problem needs them, and there alone."""

import os
import subprocess
import sys

import pytest

CODE = """
import numpy as np
from numba.core import event

compiled = set()

class Listener(event.Listener):
    def on_start(self, event):
        compiled.add(event.data["dispatcher"].py_func.__name__)

    def on_end(self, event):
        pass

event.register("numba:compile", Listener())
import fasttree
X = np.random.default_rng(0).normal(size=(60, 4))
fasttree.RandomForestClassifier(1, random_state=0).fit(X, X[:, 0] > 0)
plain = {"scan_by_distances", "scan_by_classes", "scan_by_sums", "scan_by_own", "search_random", "scan_sets", "measure_node", "search_large"}
assert not plain & compiled, plain & compiled
fasttree.RandomForestClassifier(1, random_state=0, criterion="entropy").fit(X, X[:, 0] > 0)
assert plain & compiled == {"scan_by_classes"}, plain & compiled
"""


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"), reason="nothing is compiled")
def test_a_plain_forest_compiles_no_other_criterion(tmp_path):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
