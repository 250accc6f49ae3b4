"""The benchmarks' own reckoning: what counts as slower, and that every suite and every peer's module loads. No times are asserted."""

import importlib
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from benchmarks import gate
from benchmarks.peers.__main__ import summary
from benchmarks.peers.case import Row

ROOT = pathlib.Path(__file__).parents[1]
SUITES = sorted(path.stem for path in (ROOT / "benchmarks").glob("bench_*.py"))


def pairs(rng, count, slowdown):
    """Pairs of noisy times whose new side takes `slowdown` times as long; now and then something else runs."""
    disturbed = 1 + rng.exponential(0.1, (count, 2)) + 2 * (rng.random((count, 2)) < 0.2)
    return [(old, slowdown * new) for old, new in 0.03 * disturbed]


def test_the_gate_passes_what_is_equal_and_catches_what_is_slower():
    rng = np.random.default_rng(0)
    equal = [gate.judge(lambda count: pairs(rng, count, 1.0), gate.LIMIT)[1] for _ in range(200)]
    slower = [gate.judge(lambda count: pairs(rng, count, 1.6), gate.LIMIT)[1] for _ in range(200)]
    assert not any(equal)
    assert all(slower)


def test_the_gate_asks_again_before_it_fails():
    asked = []

    def measure(count):
        asked.append(count)
        return [(1.0, 2.0 if len(asked) == 1 else 1.0)] * count

    assert gate.judge(measure, gate.LIMIT) == (1.0, False)
    assert asked == [gate.PAIRS, 2 * gate.PAIRS]


def test_the_gate_has_its_ten_cases():
    assert len(gate.NAMES) == 10


@pytest.mark.parametrize("suite", SUITES)
def test_suite_loads_and_names_its_parameters(suite):
    module = importlib.import_module(f"benchmarks.{suite}")
    classes = [value for value in vars(module).values() if isinstance(value, type) and value.__module__ == module.__name__]
    measures = [name for owner in classes for name in dir(owner) if name.startswith(("time_", "peakmem_", "track_"))]
    assert measures
    for owner in classes:
        if hasattr(owner, "params"):
            assert isinstance(owner.param_names, tuple)


def test_asv_settings_are_whole():
    text = (ROOT / "asv.conf.json").read_text()
    settings = json.loads("\n".join(line for line in text.splitlines() if not line.strip().startswith("//")))
    assert settings["benchmark_dir"] == "benchmarks"
    assert "--no-build-isolation" in settings["build_command"][0]


@pytest.mark.parametrize(
    ("ratio", "equal", "code", "word"),
    [(2.5, True, 0, "1 of 1 promises held, 1 rows skipped"), (1.5, True, 3, "missed: fit"), (2.5, False, 1, "different: fit")],
)
def test_peers_are_summed_up(ratio, equal, code, word):
    rows = [Row("trees", "fit", 1, "other", ratio=ratio, promise=2.0, equal=equal), Row("trees", "fit", 1, "absent", skipped="absent")]
    words, found = summary(rows)
    assert (found, word in words) == (code, True)


def test_peers_name_their_groups():
    done = subprocess.run([sys.executable, "-m", "benchmarks.peers", "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "signals" in done.stdout
