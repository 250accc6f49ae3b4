"""The benchmarks' own reckoning: what counts as slower, and that every suite and every peer's module loads. No times are asserted."""

import importlib
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from benchmarks import gate, gate_seeds, gate_work, skips_older
from benchmarks.peers import __main__ as peers
from benchmarks.peers.__main__ import summary
from benchmarks.peers.case import Row

ROOT = pathlib.Path(__file__).parents[1]
SUITES = sorted(path.stem for path in (ROOT / "benchmarks").glob("bench_*.py"))


def pairs(rng, slowdown):
    """A round of noisy pairs whose new side takes `slowdown` times as long; the process has its luck, now and then something else runs."""
    luck = 1 + rng.normal(0, 0.02, 2)
    disturbed = luck * (1 + rng.exponential(0.03, (gate.SLICES, 2)) + 2 * (rng.random((gate.SLICES, 2)) < 0.2))
    return [(old, slowdown * new) for old, new in 0.003 * disturbed]


@pytest.mark.parametrize(("slowdown", "caught"), [(1.0, 0.0), (1.12, 1.0)])
def test_the_gate_passes_what_is_equal_and_catches_what_is_slower(slowdown, caught):
    rng = np.random.default_rng(0)

    def measure(names):
        return {name: gate.ratio_of(pairs(rng, slowdown)) for name in names}

    slower = [name for _ in range(20) for name in gate.judge(measure, gate_work.NAMES, gate.LIMIT)[1]]
    assert len(slower) == caught * 20 * len(gate_work.NAMES)


def test_the_gate_asks_suspects_again_before_it_fails():
    asked = []

    def measure(names):
        asked.append(list(names))
        return {name: 2.0 if name == "b" and len(asked) <= gate.ROUNDS else 1.0 for name in names}

    assert gate.judge(measure, ["a", "b"], gate.LIMIT) == ({"a": 1.0, "b": 1.0}, [])
    assert asked == [["a", "b"]] * gate.ROUNDS + [["b"]] * gate.MORE_ROUNDS


@pytest.mark.parametrize("seed", gate_seeds.SEEDS, ids=lambda seed: seed.name)
def test_each_slowdown_can_still_be_planted(seed, tmp_path):
    path = tmp_path / seed.file
    path.parent.mkdir(parents=True)
    path.write_text((ROOT / seed.file).read_text())
    seed.plant(tmp_path)
    compile(path.read_text(), seed.file, "exec")
    assert seed.case in gate_work.NAMES


def test_a_slowdown_of_a_kernel_that_is_gone_is_an_error(tmp_path):
    (tmp_path / "kernels.py").write_text("def other():\n    pass\n")
    with pytest.raises(LookupError, match="no kernel 'gone'"):
        gate_seeds.Seed("any", "kernels.py", "gone", gate_seeds.copy_first, "SNIP").plant(tmp_path)


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


def test_a_stored_run_becomes_a_table(tmp_path, capsys):
    row = Row(
        "signals", "SNIP", 1, "other", ours=2e-3, theirs=8e-3, ratio=4.0, low=3.9, high=4.2, promise=2.0, equal=True, measure="0", per=1000
    )
    peers.write(tmp_path / "rows.json", [row, Row("signals", "SNIP", 2, "absent", skipped="no module")], {"numpy": "2.0", "R": "absent"})
    assert peers.main(["--stored", str(tmp_path / "rows.json"), "--markdown", str(tmp_path / "table.md")]) == 0
    table = (tmp_path / "table.md").read_text()
    assert "| SNIP | 1 | other | 2,000 ns | 8,000 ns | 4 | 3.9 to 4.2 | equal: 0 |" in table
    assert "Not measured: SNIP (absent: no module)." in table
    assert table.endswith("Measured with numpy 2.0.\n")
    assert "1 of 1 promises held" in capsys.readouterr().out


def test_peers_name_their_groups():
    done = subprocess.run([sys.executable, "-m", "benchmarks.peers", "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "signals" in done.stdout


def test_suites_skip_what_an_older_commit_lacks_and_only_there(monkeypatch):
    @skips_older
    def setup():
        raise AttributeError("module 'spectra' has no attribute 'snip'")

    @skips_older
    def setup_cache():
        setup()

    monkeypatch.delenv("ASV_COMMIT", raising=False)
    with pytest.raises(AttributeError):
        setup()
    monkeypatch.setenv("ASV_COMMIT", "0" * 40)
    with pytest.raises(NotImplementedError, match="snip"):
        setup()
    assert setup_cache() is None
