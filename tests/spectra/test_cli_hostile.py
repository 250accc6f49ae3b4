"""The commands on what a user may give them by mistake: each error is one line that names the culprit, and nothing is lost."""

import gzip
import json
import pathlib
import subprocess
import sys

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
FEW += [
    "--set",
    "study.learning_curve=false",
    "--set",
    "study.shuffles=0",
    "--set",
    "study.permutations=99",
    "--set",
    "study.resamples=100",
    "-q",
]

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
    for patient in (1, 3, 5):
        for replicate in (0, 1):
            spectra.write_csv(cohort.parent / f"s{patient}_{replicate}.csv", mz, np.full(mz.size, 7))
    cohort.write_text("\n".join(line.replace(",ill", ",worse") if line.split(",")[1] in ("s1", "s3", "s5") else line for line in lines))
    assert run("study", cohort, "--label", "label", "--group", "patient", "--out", tmp_path / "run", *FEW) == 2
    assert "no spectrum of class 'worse' can be used: 6 were set aside; the first, s1_0.csv: flat" in capsys.readouterr().err


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


def test_a_stopped_command_does_not_wait_for_what_its_threads_compute():
    code = """if True:
    import sys, threading, time
    from spectra import cli

    def stopped(*arguments, **options):
        threading.Thread(target=time.sleep, args=(60,)).start()
        raise KeyboardInterrupt

    cli.cli = stopped
    cli.main()
    """
    done = subprocess.run([sys.executable, "-c", code, "study"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 130 and "--resume goes on" in done.stderr


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


def test_a_packed_cohort_serves_wherever_its_manifest_does(cohort, tmp_path, capsys):
    packed, names = tmp_path / "all.npz", ["--label", "label", "--group", "patient", *FEW]
    assert run("convert", cohort, packed, "-q") == 0
    assert run("validate", packed, "--label", "label", "-q") == 0
    assert "24 spectra of 4000 points" in capsys.readouterr().out
    assert run("study", packed, "--dry-run", *names) == 0
    assert "class ill: 12 rows, 6 groups" in capsys.readouterr().out
    cut = ["--set", "read.mz_low=2000", "--set", "read.mz_high=6000", "-q"]
    for source, name in ((cohort, "p1"), (packed, "p2")):
        assert run("process", source, "--out", tmp_path / name, *cut) == 0
    assert (tmp_path / "p1" / "features.csv").read_bytes() == (tmp_path / "p2" / "features.csv").read_bytes()
    assert run("convert", packed, tmp_path / "again", "-q") == 0
    back = spectra.read_cohort(tmp_path / "again" / "manifest.csv")
    np.testing.assert_array_equal(back.intensity, spectra.read_cohort(cohort).intensity)


def test_processed_spectra_are_not_taken_for_raw_ones(cohort, tmp_path, capsys):
    from spectra.pipeline import preprocess
    from spectra.settings import Settings

    preprocess(spectra.read_cohort(cohort), Settings())[0].save(tmp_path / "done.npz")
    assert run("validate", tmp_path / "done.npz") == 2
    assert "done.npz: holds processed spectra and their peaks; pack the raw ones" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--label", "lable"], "--label: no column 'lable'; did you mean 'label'? there are file, sample, patient, label, site"),
        (["--label", "label", "--site", "Site"], "no column 'Site'; did you mean 'site'?"),
        (["--label", "label", "--site", "label"], "--site: column 'label' is the label itself and cannot name the places too"),
        (["--label", "label=='ill'", "--group", "label"], "--group: column 'label' is the label itself and cannot name the patients too"),
        (["--label", "label", "--set", "peak.snr=3"], "--set peak.snr=3: no step 'peak'; did you mean 'peaks'?"),
        (["--label", "label", "--set", "peaks.srn=3"], "[peaks]: no option 'srn'; did you mean 'snr'? there are half_window, snr"),
        (["--label", "label", "--set", "study.models=['random forrest']"], "[study] models must be one of 'majority class'"),
        (["--label", "label", "--set", "study.models=['sklearn.svm.Nope']"], "the module sklearn.svm has no Nope"),
        (["--label", "label", "--set", "peaks.snr=-3"], "[peaks] snr: Expected `float` >= 0.0, not -3"),
        (["--label", "label", "--set", "smooth.method=savitzky"], "[smooth] method: not 'savitzky'; did you mean 'savitzky_golay'?"),
        (
            ["--label", "label", "--set", "align.method=lowes"],
            "[align] method: not 'lowes'; did you mean 'lowess'? there are lowess, linear",
        ),
    ],
)
def test_a_misspelt_name_brings_the_nearest_one(words, told, cohort, capsys):
    assert run("study", cohort, "--dry-run", "-q", *words) == 2
    assert told in capsys.readouterr().err


def test_a_misspelt_command_brings_the_nearest_one(capsys):
    assert run("studdy", "x") == 2
    assert "no command 'studdy'; did you mean 'study'?" in capsys.readouterr().err


def test_what_is_no_manifest_is_told_what_one_is(cohort, tmp_path, capsys):
    text = cohort.read_text()
    (tmp_path / "renamed.csv").write_text(text.replace("file,", "Filename,"))
    (tmp_path / "moved").mkdir()
    (tmp_path / "moved" / "manifest.csv").write_text(text)
    (tmp_path / "excel.csv").write_bytes(text.encode("utf-16"))
    told = {
        "renamed.csv": "column 'Filename' holds 's0_0.csv', not a number; if it names spectra, call the column 'file'",
        "moved/manifest.csv": f"no such file; correct its name (files are looked for beside the manifest, in {tmp_path / 'moved'})",
        "excel.csv": "excel.csv: not a text file in UTF-8; save",
        ".": "is a folder; give a CSV with a column 'file'",
    }
    for name, words in told.items():
        assert run("validate", tmp_path / name) == 2
        assert words in capsys.readouterr().err


def test_too_few_patients_are_told_before_anything_is_computed(cohort, capsys):
    text = cohort.read_text()
    cohort.write_text(
        "\n".join(line if line.split(",")[1] in ("s1", "s3") else line.replace(",ill", ",well") for line in text.splitlines())
    )
    assert run("study", cohort, "--label", "label", "--group", "patient", "--dry-run", "-q") == 2
    assert "class 'ill' has 2 patients (groups): with 2 folds 1 of them may be left" in capsys.readouterr().err


def test_one_spectrum_under_many_names_is_told(cohort, tmp_path, capsys):
    for path in cohort.parent.glob("s*.csv"):
        path.write_bytes((cohort.parent / "s0_0.csv").read_bytes())
    assert run("study", cohort, "--label", "label", "--group", "patient", "--out", tmp_path / "run", *FEW) == 2
    assert "22 rows repeat another exactly and count as of one patient with it" in capsys.readouterr().err


def test_a_manifest_written_on_windows_finds_its_files(cohort):
    (cohort.parent / "plate one").mkdir()
    for path in cohort.parent.glob("s*.csv"):
        path.rename(cohort.parent / "plate one" / path.name)
    lines = cohort.read_text().splitlines()
    cohort.write_bytes("\r\n".join([lines[0], *("plate one\\" + line for line in lines[1:])]).encode("utf-8-sig"))
    assert run("validate", cohort, "--label", "label", "-q") == 0


def test_a_packed_manifest_text_is_read(cohort):
    cohort.with_suffix(".csv.gz").write_bytes(gzip.compress(cohort.read_bytes()))
    assert run("validate", cohort.with_suffix(".csv.gz"), "-q") == 0


def test_a_folder_without_a_model_predicts_nothing(cohort, tmp_path, capsys):
    assert run("predict", tmp_path, cohort) == 2
    assert f"error: {tmp_path}: holds no model; give a run folder that 'spectra study' finished" in capsys.readouterr().err


def test_names_that_differ_as_typing_errors_do_are_told(tmp_path, capsys):
    manifest = write_cohort(tmp_path, n_patients=14)
    text = manifest.read_text().replace(",p0,", ",P 0,", 1).replace(",p8,well,", ",p08,Well,", 1)
    manifest.write_text(text)
    roles = ["--label", "label", "--group", "patient", "--site", "site"]
    told = {"label": "'well' and 'Well'", "group": "'P 0' and 'p0', 'p08' and 'p8'"}
    for command in (["validate", manifest, *roles[:4]], ["study", manifest, *roles, "--dry-run", "--set", "study.folds=2"]):
        run(*command)
        said = capsys.readouterr().out
        assert all(f"note: --{role}: {names} in column" in said for role, names in told.items()), said
        assert "--site" not in said
    manifest.write_text(text.replace(",Well,", ",well,"))
    assert run("study", manifest, *roles, "--out", tmp_path / "out", *FEW) == 0
    (note,) = [note for note in json.loads((tmp_path / "out" / "results.json").read_text())["notes"] if "leading zeros" in note]
    assert note.startswith(f"--group: {told['group']}")


def test_a_label_that_is_missing_is_told_by_its_file(tmp_path, capsys):
    manifest = write_cohort(tmp_path, n_patients=14)
    manifest.write_text(manifest.read_text().replace("s5_1.csv,s5,p5,ill", "s5_1.csv,s5,p5,"))
    (tmp_path / "s1_0.csv").write_text("")  # set aside, so that rows would be counted wrong
    for command in ("validate", "study"):
        assert run(command, manifest, "--label", "label", *(["--dry-run"] if command == "study" else [])) == 2
        assert "column 'label' is empty for 's5_1.csv'; fill it in" in capsys.readouterr().err
