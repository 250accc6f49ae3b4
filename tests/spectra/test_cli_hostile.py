"""The commands on what a user may give them by mistake: each error is one line that names the culprit, and nothing is lost."""

import json
import pathlib

import numpy as np
import pytest

import spectra
from tests.spectra.test_cli import run, write_cohort

FEW = [
    "--set",
    "study.repeats=1",
    "--set",
    "study.models=['naive Bayes']",
    "--set",
    "study.sensitivity=false",
    "--set",
    "study.panel=false",
]
FEW += ["--set", "study.learning_curve=false", "--set", "study.shuffles=0", "-q"]

FULL = pathlib.Path("/dev/full")


@pytest.fixture
def cohort(tmp_path):
    """A manifest of 12 patients with two spectra each."""
    return write_cohort(tmp_path, n_patients=12)


def test_spectra_of_no_use_are_set_aside_and_named_and_the_study_goes_on(cohort, tmp_path, capsys):
    folder, mz = cohort.parent, np.linspace(1000, 9000, 4000)
    counts = spectra.read_spectrum(folder / "s0_1.csv").intensity
    spectra.write_csv(folder / "s0_0.csv", mz, np.full(mz.size, 7))
    spectra.write_csv(folder / "s1_0.csv", mz + 20_000, counts)
    spectra.write_csv(folder / "s2_0.csv", mz, counts - 5000)
    expected = {"s0_0.csv": "flat", "s1_0.csv": "covers 0%", "s2_0.csv": "transform.method = 'none'"}
    assert run("validate", cohort) == 2
    validated = capsys.readouterr().err
    assert run("process", cohort, "--out", tmp_path / "processed") == 0
    processed = capsys.readouterr().err
    assert run("study", cohort, "--label", "label", "--group", "patient", "--out", tmp_path / "run", *FEW[:-1]) == 0
    for said in (validated, processed, capsys.readouterr().err):
        lines = [line for line in said.splitlines() if "set aside: " in line]
        assert len(lines) == 3 and all(any(name in line and word in line for line in lines) for name, word in expected.items())
    data = json.loads((tmp_path / "run" / "results.json").read_text())["data"]
    assert data["n_spectra"] == 21 and {item["file"] for item in data["set_aside"]} == set(expected)


def test_a_class_without_a_usable_spectrum_is_named(cohort, tmp_path, capsys):
    mz = np.linspace(1000, 9000, 4000)
    lines = cohort.read_text().splitlines()
    for patient in (1, 3):
        for replicate in (0, 1):
            spectra.write_csv(cohort.parent / f"s{patient}_{replicate}.csv", mz, np.full(mz.size, 7))
    cohort.write_text("\n".join(line.replace(",ill", ",worse") if line.split(",")[1] in ("s1", "s3") else line for line in lines))
    assert run("study", cohort, "--label", "label", "--group", "patient", "--out", tmp_path / "run", *FEW) == 2
    assert "no spectrum of class 'worse' can be used: 4 were set aside; the first, s1_0.csv: flat" in capsys.readouterr().err


COMMANDS = {
    "init": ["init", "OUT/settings.toml"],
    "process": ["process", "MANIFEST", "--out", "OUT/run"],
    "convert to a file": ["convert", "MANIFEST", "OUT/all.npz"],
    "convert to a folder": ["convert", "MANIFEST", "OUT/folder"],
    "simulate": ["simulate", "OUT/made", "--spectra", "2"],
    "study": ["study", "MANIFEST", "--label", "label", "--group", "patient", "--out", "OUT/run", *FEW],
}


@pytest.mark.skipif(not FULL.exists(), reason="no device that is always full")
@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_a_full_disk_is_one_line_that_names_the_file(words, cohort, tmp_path, capsys, monkeypatch):
    real = pathlib.Path.open
    monkeypatch.setattr(pathlib.Path, "open", lambda path, mode="r", **more: real(FULL if mode == "wb" else path, mode, **more))
    words = [word.replace("MANIFEST", str(cohort)).replace("OUT", str(tmp_path)) for word in words]
    assert run(*words) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"error: {tmp_path}/") and last.endswith(": No space left on device")
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]
    assert not (tmp_path / "folder").exists() and not list(tmp_path.glob("made/*"))


def test_a_folder_below_a_file_cannot_be_made(cohort, capsys):
    assert run("process", cohort, "--out", cohort / "run") == 2
    assert capsys.readouterr().err.endswith(f"error: {cohort}/run: Not a directory\n")


def test_a_conversion_that_is_stopped_leaves_nothing(cohort, tmp_path, capsys, monkeypatch):
    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(spectra, "write_csv", stop)
    assert run("convert", cohort, tmp_path / "all") == 130
    said = capsys.readouterr().err
    assert "stopped; nothing half-written remains" in said and "--resume" not in said
    assert sorted(path.name for path in tmp_path.iterdir() if "all" in path.name) == []


def test_a_run_that_nobody_named_leaves_no_folder_when_its_input_is_wrong(cohort, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("study", "nowhere.csv", "--label", "label") == 2
    assert run("study", cohort, "--label", "lable") == 2
    assert not (tmp_path / "run-1").exists()


def test_resume_does_not_write_among_somebody_s_files(cohort, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all of it")
    assert run("study", cohort, "--label", "label", "--out", tmp_path / "mine", "--resume", *FEW) == 2
    assert "holds something else than a run to go on with" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
