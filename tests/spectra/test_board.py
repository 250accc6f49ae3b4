"""Run folders side by side: read, filter, sort, compare, as a page, and on an MLflow server."""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

from spectra import settings as declared
from spectra.cli import main
from spectra.errors import SpectraError
from spectra.settings import Settings
from spectra.study import board, export

HOSTILE = '<script>alert(1)</script>"'


def write_run(folder, *, auc=0.8, settings=None, finished="2026-01-01T00:00:00+00:00", name="selected inside", flag=False):
    """A run folder as small as one can be."""
    folder.mkdir(parents=True)
    score = {"mean": auc, "low": auc - 0.1, "high": min(1.0, auc + 0.1)}
    results = {
        "format": 1,
        "data": {"n_spectra": 20, "n_groups": 10, "classes": {"ill": 10, HOSTILE: 10}, "set_aside": []},
        "models": [{"name": "forest", "auc": score, "p_value": 0.5}, {"name": name, "auc": score, "p_value": 0.01}],
        "best": "forest",
        "audit": [{"control": "site", "predicts": "class", "flag": flag, "verdict": "v"}],
        "markers": [{"name": "4468.1"}],
    }
    facts = {"command": "study", "finished": finished, "seconds": 3.5, "seed": 0, "input": f"{HOSTILE}.csv", "data_digest": folder.name}
    facts |= {"versions": {"numpy": "2.0"}, "git_commit": "abc", "roles": {"label": "label"}}
    (folder / "results.json").write_text(json.dumps(results))
    (folder / "run.json").write_text(json.dumps(facts))
    (folder / "settings.toml").write_text(declared.dump(settings or Settings()))
    return folder


@pytest.fixture
def runs(tmp_path):
    write_run(tmp_path / "a", auc=0.8)
    write_run(
        tmp_path / "b", auc=0.6, settings=declared.change(Settings(), "peaks", snr=3.5), finished="2026-02-01T00:00:00+00:00", flag=True
    )
    write_run(tmp_path / "c", name="gone", finished="2026-03-01T00:00:00+00:00")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "run.json").write_text("{not json")
    return tmp_path


def command(*words):
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return stop.value.code or 0


def test_runs_are_read_newest_first_and_a_broken_one_is_told(runs):
    rows, unreadable = board.read_board(runs)
    assert [row["run"] for row in rows] == ["c", "b", "a"]
    assert len(unreadable) == 1 and "d" in unreadable[0]
    assert rows[2]["auc"] == 0.8 and rows[2]["alarms"] == 0 and rows[1]["settings.peaks.snr"] == 3.5 and "auc" not in rows[0]


@pytest.mark.parametrize("rank", ["auc", "concordance"])
def test_the_score_of_an_external_set_is_on_the_board(tmp_path, rank):
    folder = write_run(tmp_path / "a")
    results = json.loads((folder / "results.json").read_text()) | {"external": {rank: {"mean": 0.7, "low": 0.6, "high": 0.8}, "times": 2}}
    (folder / "results.json").write_text(json.dumps(results))
    row = board.row_of(folder)
    assert row[f"external_{rank}"] == 0.7 and row["scored"] == 2


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        ("auc>=0.8", ["a"]),
        ("auc<0.8", ["b"]),
        ("settings.peaks.snr=3.5", ["b"]),
        ("input~SCRIPT", ["c", "b", "a"]),
        ("settings.smooth.method!=savitzky_golay", []),
        ("auc_low > 0.55", ["a"]),
    ],
)
def test_filters(runs, rule, kept):
    assert [row["run"] for row in board.choose(board.read_board(runs)[0], [rule])] == kept


def test_sorting_puts_what_is_unknown_last(runs):
    rows, _ = board.read_board(runs)
    assert [row["run"] for row in board.arrange(rows, "auc")] == ["b", "a", "c"]
    assert [row["run"] for row in board.arrange(rows, "-auc")] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("rule", "words"), [("auc", "--filter auc"), ("acu>1", "no run has 'acu'"), ("auc>=good", "auc is a number, 'good' is none")]
)
def test_what_cannot_be_asked_is_named(runs, rule, words):
    with pytest.raises(SpectraError, match=words):
        board.choose(board.read_board(runs)[0], [rule])


def test_differences_name_settings_and_results(runs):
    found = board.differences(runs / "a", runs / "b")
    assert found["settings"] == [("peaks.snr", 2.0, 3.5)]
    assert ("forest.auc", 0.8, 0.6) in found["results"] and ("audit.site -> class", "calm", "alarm") in found["results"]
    assert "data" not in found and "versions" not in found
    assert board.differences(runs / "a", runs / "a") == {}


def test_the_board_as_text_and_as_a_page(runs, capsys):
    page = runs / "board.html"
    assert command("runs", "ls", runs, "--sort", "-auc", "--columns", "+settings.peaks.snr", "--html", page) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[0] == "run" and lines[0].split()[-1] == "settings.peaks.snr"
    assert [line.split()[0] for line in lines[1:]] == ["a", "b", "c"]
    text = page.read_text()
    assert "<script" not in text and "&lt;script&gt;" in text and "http:" not in text and "https:" not in text
    assert command("runs", "ls", runs, "--columns", "nothing") == 2
    assert "nothing" in capsys.readouterr().err


def test_the_board_as_json_keeps_every_value(runs, capsys):
    assert command("runs", "ls", runs, "--json", "--filter", "auc>0.7") == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["settings.bin.tolerance"] == 0.002 and row["seed"] == 0


def server(folder):
    """An MLflow server on the loopback, and its address; None where it does not start in two minutes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    words += ["--backend-store-uri", f"sqlite:///{folder / 'm.db'}", "--artifacts-destination", str(folder / "artifacts")]
    running = subprocess.Popen(words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    address = f"http://127.0.0.1:{port}"
    for _ in range(240):
        time.sleep(0.5)
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=2):
                return running, address
        except (urllib.error.URLError, OSError):
            if running.poll() is not None:
                break
    return running, None


@pytest.mark.slow
@pytest.mark.peer
@pytest.mark.filterwarnings("default")
def test_runs_arrive_on_a_real_mlflow_server_once(runs, tmp_path_factory):
    import os
    import signal

    mlflow = pytest.importorskip("mlflow")
    pytest.importorskip("flask", reason="mlflow-skinny, which our extra installs, has no server")
    running, address = server(tmp_path_factory.mktemp("mlflow"))
    try:
        assert address is not None, "the MLflow server did not start"
        sent = export.to_mlflow([runs / "a", runs / "b"], address)
        assert [(name, new) for name, _, new in sent] == [("a", True), ("b", True)]
        again = export.to_mlflow([runs / "a"], address)
        assert again == [("a", sent[0][1], False)]
        client = mlflow.MlflowClient(tracking_uri=address)
        there = client.get_run(sent[1][1])
        assert there.data.params["peaks.snr"] == "3.5" and there.data.metrics["auc"] == 0.6 and there.data.tags["mlflow.runName"] == "b"
        assert {file.path for file in client.list_artifacts(sent[1][1])} == {"results.json", "run.json", "settings.toml"}
        assert there.info.status == "FINISHED"
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        running.wait(timeout=20)


def test_an_unreachable_server_is_one_sentence(runs, monkeypatch):
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(SpectraError, match=r"--mlflow http://127\.0\.0\.1:9"):
        export.to_mlflow([runs / "a"], "http://127.0.0.1:9")
