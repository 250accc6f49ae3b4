"""The commands as a user runs them: on files, by exit code and by what is printed."""

import json
import pathlib
import shutil
import zipfile

import numpy as np
import pytest

import spectra
from spectra.cli import main

SMALL = ["--set", "study.repeats=1", "--set", "study.models=['naive Bayes', 'random forest']", "--set", "study.sensitivity=false"]
QUICK = [*SMALL, "--set", "study.panel=false", "--set", "study.learning_curve=false", "--set", "study.shuffles=0"]
PEAKS = (1500.0, 2200.0, 3100.0, 4468.0, 5900.0, 7800.0)


def run(*words):
    """Exit code of a command."""
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return stop.value.code or 0


def write_cohort(folder, *, n_patients=24, marker=3, gain=3.0):
    """A manifest with two replicates a patient; in half of the patients one peak is `gain` times higher."""
    random = np.random.default_rng(1)
    mz = np.linspace(1000, 9000, 4000)
    rows = ["file,sample,patient,label,site"]
    for patient in range(n_patients):
        ill = patient % 2
        heights = random.lognormal(6, 0.3, len(PEAKS))
        heights[marker] *= gain if ill else 1
        for replicate in range(2):
            y = 2000 * np.exp(-(mz - 1000) / 1500) + 50
            for height, centre in zip(heights, PEAKS, strict=True):
                y = y + height * np.exp(-0.5 * ((mz - centre) / (centre / 500)) ** 2)
            name = f"s{patient}_{replicate}.csv"
            spectra.write_csv(folder / name, mz, random.poisson(y))
            rows.append(f"{name},s{patient},p{patient},{'ill' if ill else 'well'},{'north' if patient % 4 < 2 else 'south'}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder / "manifest.csv"


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return write_cohort(tmp_path_factory.mktemp("cohort"))


@pytest.fixture(scope="module")
def finished(manifest, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "first"
    assert run("study", manifest, "--label", "label", "--group", "patient", "--site", "site", "--out", out, *SMALL) == 0
    return out


def test_a_study_leaves_a_complete_run_folder(finished):
    names = {path.name for path in finished.iterdir()}
    assert {"settings.toml", "run.json", "results.json", "features.csv", "peaks.csv", "model", "report.html", "log.txt"} <= names
    results = json.loads((finished / "results.json").read_text())
    assert results["data"]["n_spectra"] == 48 and results["data"]["n_groups"] == 24
    assert results["best"] in ("naive Bayes", "random forest")
    chosen = next(model for model in results["models"] if model["name"] == "selected inside")
    assert chosen["auc"]["low"] <= chosen["auc"]["mean"] <= chosen["auc"]["high"] and chosen["auc"]["mean"] > 0.9
    assert abs(results["markers"][0]["mz"] - PEAKS[3]) < 5
    assert {row["scheme"] for row in results["splits"]} == {"random-grouped", "leave-site-out"}
    assert "too few for a claim" in " ".join(results["notes"])
    run_facts = json.loads((finished / "run.json").read_text())
    assert run_facts["seed"] == 0 and len(run_facts["input_sha256"]) == 64
    assert run_facts["seconds"] > 0 and run_facts["processor_seconds"] > 0 and set(run_facts["seconds_of"]) > {"comparison", "panel"}


def test_the_same_study_gives_the_same_results_for_another_number_of_threads(manifest, finished, tmp_path):
    words = ["--label", "label", "--group", "patient", "--site", "site", "--out", tmp_path / "run", "--n-jobs", 3, "-q"]
    assert run("study", manifest, *words, *SMALL) == 0
    assert (tmp_path / "run" / "results.json").read_bytes() == (finished / "results.json").read_bytes()


def test_a_run_is_not_overwritten_but_resumed_without_computing_finished_folds_again(manifest, finished, capsys, monkeypatch):
    from spectra.study import evaluation

    def refuse(*arguments, **options):
        raise AssertionError("a finished fold was computed again")

    words = ["study", manifest, "--label", "label", "--group", "patient", "--site", "site", "--out", finished, *SMALL]
    assert run(*words) == 2
    assert "exists already" in capsys.readouterr().err
    before = (finished / "results.json").read_bytes()
    monkeypatch.setattr(evaluation, "evaluate_split", refuse)
    assert run(*words, "--resume", "--json") == 0
    assert (finished / "results.json").read_bytes() == before
    assert json.loads(capsys.readouterr().out)["format"] == 1
    # what comes after the folds leaves them as they are, and the learning curve says why it is computed or not
    assert run(*words, "--resume", "--explain", "--set", "study.shuffles=0", "--set", "study.panel=false") == 0
    said = capsys.readouterr().err
    assert "folds, random-grouped: 5 finished ones used again" in said and "learning curve: 1 of 1 results kept" in said
    told = [line for line in said.splitlines() if line.startswith("part ")]
    assert [line.partition(":")[0] for line in told] == [f"part {i} of {len(told)}" for i in range(1, len(told) + 1)]
    assert told[0].startswith("part 1 of 9: All candidates on patients held out")


def test_progress_tells_how_long_the_rest_may_take(capsys, monkeypatch):
    from spectra.cli import console

    clock = iter([0.0, 0.5, 4.0, 6.0, 8.0])
    monkeypatch.setattr(console.time, "monotonic", lambda: next(clock))
    assert list(console.Console().progress("abcd", 4, "folds")) == list("abcd")
    told = ["folds: 2 of 4, 4.0 s, about 4 s left", "folds: 3 of 4, 6.0 s, about 2 s left", "folds: 4 of 4, 8.0 s"]
    assert capsys.readouterr().err.splitlines() == told


def test_kept_folds_that_were_damaged_are_computed_again(manifest, finished, tmp_path, capsys):
    copy = shutil.copytree(finished, tmp_path / "copy")
    (first,) = (copy / "folds").glob("*/random-grouped-0.json")
    first.write_text(first.read_text()[:-100])
    (first.parent / "random-grouped-1.json").write_text("")
    (first.parent / "leave-site-out-0.json").write_bytes((first.parent / "leave-site-out-1.json").read_bytes())
    words = ["study", manifest, "--label", "label", "--group", "patient", "--site", "site", "--out", copy, *QUICK]
    assert run(*words, "--resume", "--explain") == 0
    said = capsys.readouterr().err
    assert "computed again: leave-site-out-0, random-grouped-0, random-grouped-1" in said and "folds, random-grouped: 3 finished" in said
    before, after = (json.loads((folder / "results.json").read_text())["splits"] for folder in (finished, copy))
    assert before == after


def test_predict_gives_each_spectrum_a_probability(manifest, finished, tmp_path):
    import pandas as pd

    out = tmp_path / "predicted.csv"
    assert run("convert", manifest, tmp_path / "packed.npz", "-q") == 0  # which serves as well as the manifest
    assert run("predict", finished, tmp_path / "packed.npz", "--out", out) == 0
    frame = pd.read_csv(out)
    assert len(frame) == 48 and np.allclose(frame["p(ill)"] + frame["p(well)"], 1, atol=1e-5)
    assert (frame["predicted"] == frame["label"]).mean() > 0.9


def test_predict_warns_of_a_spectrum_unlike_the_training_data(manifest, finished, tmp_path, capsys):
    cohort = spectra.read_cohort(manifest)
    mz, y = cohort.axis_of(0), cohort.intensity_of(0)
    spectra.write_csv(tmp_path / "same.csv", mz, y)
    spectra.write_csv(tmp_path / "faint.csv", mz, np.maximum(y / 100, 0.01))
    spectra.write_csv(tmp_path / "moved.csv", mz * 1.0012, y)
    spectra.write_csv(tmp_path / "short.csv", mz[mz < 6500], y[mz < 6500])
    spectra.write_csv(tmp_path / "other.csv", mz, 50 + np.random.default_rng(0).poisson(50, mz.size))
    (tmp_path / "new.csv").write_text("file\n" + "\n".join(f"{name}.csv" for name in ("same", "faint", "moved", "short", "other")))
    assert run("predict", finished, tmp_path / "new.csv", "-q") == 0
    said = capsys.readouterr()
    lines = (said.out + said.err).splitlines()
    told = {
        name: [line for i, line in enumerate(lines) if any(before.startswith(f"{name}.csv: ") for before in lines[max(0, i - 3) : i])]
        for name in ("same", "faint", "moved", "short")
    }
    assert [line for line in told["same"] if "WARNING" in line] == ["    WARNING in the training data: the model has seen this answer"]
    assert "total ion current" in told["faint"][1] and "ppm" in told["moved"][2] and "outside its m/z range" in told["short"][1]
    assert any(line.startswith("    because m/z ") or " <= " in line or " > " in line for line in lines)
    assert "other.csv: too few of its peaks match" in said.err
    assert run("predict", finished, tmp_path / "new.csv", "-q", "--out", "-") == 0
    assert capsys.readouterr().out.splitlines()[0] == "file,predicted,p(ill),p(well),distance,trained on,warnings,because"


def test_predict_tells_what_was_trained_on_by_content_and_by_patient(manifest, finished, tmp_path, capsys):
    import pandas as pd

    cohort = spectra.read_cohort(manifest)
    for i in range(3):
        mz, y = cohort.axis_of(i), cohort.intensity_of(i).astype(float)
        spectra.write_csv(tmp_path / f"renamed{i}.csv", mz * (1 + 1e-5), y + (0, 3, 3)[i])  # recalibrated; two of them measured anew
    (tmp_path / "new.csv").write_text("file,patient\nrenamed0.csv,x\nrenamed1.csv,p0\nrenamed2.csv,y\n")
    assert run("predict", finished, tmp_path / "new.csv", "-q", "--out", tmp_path / "p.csv") == 0
    assert pd.read_csv(tmp_path / "p.csv", keep_default_na=False)["trained on"].tolist() == ["itself", "its patient", ""]
    told = capsys.readouterr().out
    assert "WARNING 1 of the 3 were in the training data, 1 more are of patients who were" in told
    assert told.count("the model has seen this answer") == 2
    (tmp_path / "new.csv").write_text("file\nrenamed2.csv\n")
    assert run("predict", finished, tmp_path / "new.csv", "-q") == 0
    assert "seen this answer" not in (told := capsys.readouterr().out) and "memory" not in told


def test_predict_refuses_a_changed_model(manifest, finished, tmp_path, capsys):
    copy = shutil.copytree(finished, tmp_path / "copy")
    recipe = json.loads((copy / "model" / "model.json").read_text())
    (copy / "model" / "model.json").write_text(json.dumps(recipe | {"seed": 99}))
    with np.load(copy / "model" / "training.npz") as stored:
        arrays = dict(stored)
    arrays["probability"] = arrays["probability"][:, ::-1]
    np.savez(copy / "model" / "training.npz", **arrays)
    assert run("predict", copy, manifest) == 2
    assert "differs from the one studied" in capsys.readouterr().err


def _recipe_changed(model):
    recipe = json.loads((model / "model.json").read_text())
    (model / "model.json").write_text(json.dumps(recipe | {"classes": ["ill"]}))


def _cut_short(model):
    whole = (model / "training.npz").read_bytes()
    (model / "training.npz").write_bytes(whole[: len(whole) // 2])


def _bomb(model):
    with zipfile.ZipFile(model / "training.npz", "w", zipfile.ZIP_DEFLATED) as archive, archive.open("values.npy", "w") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (2**36,)})
        for _ in range(300):
            file.write(bytes(2**20))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [(_recipe_changed, "1 classes do not fit"), (_cut_short, "BadZipFile"), (_bomb, "would unpack to 0.3 GB, over 200 times its size")],
)
def test_a_damaged_model_is_one_line(spoil, told, manifest, finished, tmp_path, capsys):
    copy = shutil.copytree(finished, tmp_path / "copy")
    spoil(copy / "model")
    assert run("predict", copy, manifest, "-q") == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {copy / 'model'}: no usable model") and told in said and said.count("\n") == 1


def test_runs_are_listed_shown_and_compared(finished, capsys):
    assert run("runs", "ls", finished.parent) == 0
    assert "first" in capsys.readouterr().out
    assert run("runs", "show", finished) == 0
    assert "selected inside" in capsys.readouterr().out
    assert run("runs", "diff", finished, finished) == 0
    assert "no difference" in capsys.readouterr().out


def test_process_writes_peaks_and_features(manifest, tmp_path):
    import pandas as pd

    assert run("process", manifest, "--out", tmp_path / "p") == 0
    features = pd.read_csv(tmp_path / "p" / "features.csv")
    assert len(features) == 48
    assert {"file", "mz", "snr", "fwhm"} <= set(pd.read_csv(tmp_path / "p" / "peaks.csv").columns)


def test_a_misspelt_option_does_not_use_up_the_folder(manifest, tmp_path):
    from spectra.cli import console

    words = ["study", manifest, "--label", "label", "--out", tmp_path / "run", "-q"]
    assert run(*words, "--set", "study.models=['naive Bayz']") == 2 and (tmp_path / "run" / "log.txt").exists()
    assert console.new_folder(tmp_path / "run") == tmp_path / "run"
    (tmp_path / "run" / "results.json").write_text("{}")
    with pytest.raises(spectra.SpectraError, match="exists already"):
        console.new_folder(tmp_path / "run")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "settings.toml").write_text("")  # a user's own, never overwritten
    with pytest.raises(spectra.SpectraError, match="exists already"):
        console.new_folder(tmp_path / "mine")


def test_a_dry_run_writes_nothing(manifest, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("study", manifest, "--label", "label", "--group", "patient", "--dry-run") == 0
    assert "24 groups" in capsys.readouterr().out and not list(tmp_path.iterdir())
    assert run("study", manifest, "--label", "label", "--dry-run") == 0  # a study takes the column 'patient' unasked
    assert "24 groups" in capsys.readouterr().out


def test_init_writes_settings_that_read_back(tmp_path):
    from spectra.settings import Settings, load

    assert run("init", tmp_path / "mine.toml") == 0
    assert load(tmp_path / "mine.toml") == Settings()
    assert run("init", tmp_path / "mine.toml") == 2


def test_a_feature_table_is_studied_like_spectra(tmp_path, capsys):
    random = np.random.default_rng(0)
    x = random.normal(size=(120, 4))
    quality = np.rint(5.5 + x[:, 0] + 0.3 * random.normal(size=120)).astype(int)
    lines = ["a;b;c;d;quality"] + [";".join(map(str, [*row, q])) for row, q in zip(x.round(4), quality, strict=True)]
    (tmp_path / "wine.csv").write_text("\n".join(lines))
    words = ["study", tmp_path / "wine.csv", "--label", "quality>=6", "--out", tmp_path / "run", *QUICK]
    assert run(*words) == 0
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["markers"][0]["name"] == "a" and results["models"][0]["auc"]["mean"] > 0.9
    (tmp_path / "new.csv").write_text("\n".join([*lines[:3], "0.1;0.2;0.3;0.4;5"]))
    assert run("predict", tmp_path / "run", tmp_path / "new.csv", "--out", "-") == 0
    assert [line.split(",")[5] for line in capsys.readouterr().out.splitlines()[-4:]] == ["trained on", "itself", "itself", ""]


def test_one_bad_spectrum_is_set_aside_and_listed(manifest, tmp_path):
    folder = shutil.copytree(manifest.parent, tmp_path / "cohort")
    (folder / "s3_0.csv").write_text("mz,intensity\n1000,1\n1001,nan\n")
    (folder / "s4_0.csv").unlink()
    assert run("study", folder / "manifest.csv", "--label", "label", "--group", "patient", "--out", tmp_path / "run", *QUICK) == 0
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert [item["file"] for item in results["data"]["set_aside"]] == ["s3_0.csv", "s4_0.csv"]
    assert results["data"]["n_spectra"] == 46
    page = (tmp_path / "run" / "report.html").read_text()
    assert "s3_0.csv" in page and "s4_0.csv" in page


def replaced(path, old, new):
    path.write_text(path.read_text().replace(old, new))


BAD = {
    "no such manifest": (lambda folder: (folder / "manifest.csv").unlink(), [], ["manifest.csv"]),
    "empty manifest": (lambda folder: (folder / "manifest.csv").write_text(""), [], ["manifest.csv", "empty"]),
    "no label column": (lambda folder: replaced(folder / "manifest.csv", "label", "diagnosis"), [], ["label", "diagnosis"]),
    "one class only": (lambda folder: replaced(folder / "manifest.csv", ",ill,", ",well,"), [], ["one class"]),
    "a patient with two labels": (lambda folder: replaced(folder / "manifest.csv", "s3,p3", "s3,p2"), [], ["p2", "two labels"]),
    "fewer patients than folds": (lambda folder: None, ["--set", "study.folds=50"], ["fewer than 50 folds", "[study] folds"]),
    "no such setting": (lambda folder: None, ["--set", "smooth.window=3"], ["smooth", "window"]),
    "a setting out of bounds": (lambda folder: None, ["--set", "peaks.half_window=0"], ["peaks", "half_window"]),
    "no such model": (lambda folder: None, ["--set", "study.models=['oracle']"], ["oracle", "random forest"]),
    "no such model to shuffle": (lambda folder: None, ["--set", "study.shuffle_models=['oracle']"], ["[study] shuffle_models", "oracle"]),
    "a window wider than the spectra": (
        lambda folder: None,
        ["--set", "smooth.half_window=500", "--set", "read.mz_high=1500"],
        ["half_window"],
    ),
    "no dates": (lambda folder: None, ["--date", "site"], ["--date", "'site'", "'north'", "row 1", "2026-11-23"]),
    "an m/z range without points": (lambda folder: None, ["--set", "read.mz_low=90000"], ["m/z"]),
    "every spectrum unreadable": (lambda folder: [p.write_text("x") for p in folder.glob("s*.csv")], [], ["s0_0.csv"]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line_that_names_it_and_exit_code_2(name, manifest, tmp_path, capsys):
    spoil, options, words = BAD[name]
    folder = shutil.copytree(manifest.parent, tmp_path / "cohort")
    spoil(folder)
    code = run(
        "study", folder / "manifest.csv", "--label", "label", "--group", "patient", "--out", tmp_path / "run", "-q", *QUICK, *options
    )
    error = capsys.readouterr().err
    assert code == 2, error
    assert error.startswith("error: ") and error.count("\n") == 1, error
    for word in words:
        assert word in error, error


def test_validate_lists_what_is_wrong(manifest, tmp_path, capsys):
    assert run("validate", manifest, "--label", "label", "--group", "patient") == 0
    assert "all readable" in capsys.readouterr().out
    folder = shutil.copytree(manifest.parent, tmp_path / "cohort")
    (folder / "s5_1.csv").write_text("")
    assert run("validate", folder / "manifest.csv") == 2
    assert "s5_1.csv" in capsys.readouterr().err


def test_convert_packs_and_unpacks(manifest, tmp_path):
    assert run("convert", manifest, tmp_path / "cohort.npz") == 0
    assert len(spectra.Cohort.open(tmp_path / "cohort.npz")) == 48
    assert run("convert", manifest, tmp_path / "folder") == 0
    again = spectra.read_cohort(tmp_path / "folder" / "manifest.csv")
    assert (again.intensity == spectra.read_cohort(manifest).intensity).all()


def test_doctor_finds_this_installation_well(capsys):
    assert run("doctor") == 0
    assert "32 of 32" in capsys.readouterr().out


def test_help_needs_nothing_heavy():
    import subprocess
    import sys

    code = "import sys\nfrom spectra.cli import cli\ncli(['--help'], standalone_mode=False)\n"
    code += "print([name for name in ('numba', 'sklearn', 'pandas', 'matplotlib') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=pathlib.Path(__file__).parents[2])
    assert done.stdout.strip().endswith("[]")


def test_the_demo_is_quick_where_the_user_does_not_say_otherwise(tmp_path):
    from spectra.cli import console
    from spectra.settings import Settings, dump

    start = {"study": {"repeats": 1, "pairs": 0}}
    found = console.read_settings(None, ["study.repeats=3"], start).study
    assert (found.repeats, found.pairs, found.universes) == (3, 0, Settings().study.universes)
    (tmp_path / "mine.toml").write_text(dump(Settings()))
    assert console.read_settings(tmp_path / "mine.toml", [], start) == Settings()
