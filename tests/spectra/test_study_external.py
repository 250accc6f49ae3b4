"""An external set: apart from the study, answered by the frozen model, every look counted."""

import json

import numpy as np
import pandas as pd
import pytest

from spectra import Cohort, FeatureMatrix, Spectrum
from spectra.cli import main
from spectra.errors import SpectraError
from spectra.study import external, ledger

QUICK = ["--set", "study.repeats=1", "--set", "study.models=['naive Bayes']", "--set", "study.shuffles=0", "--set", "study.permutations=99"]
QUICK += ["--set", "study.panel=false", "--set", "study.learning_curve=false"]


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "spectra" / ledger.NAME


def write_table(path, n=60, first=0, seed=0, cohort="train"):
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, 4))
    lines = ["a,b,c,d,label,patient,cohort"]
    for i, row in enumerate(x):
        label = "ill" if row[0] + 0.5 * random.normal() > 0 else "well"
        lines.append(",".join(map(str, [*row.round(5), label, f"p{first + i}", cohort if np.isscalar(cohort) else cohort[i]])))
    path.write_text("\n".join(lines) + "\n")
    return path


def study(source, out, *more):
    words = ["study", source, "--label", "label", "--group", "patient", "--drop", "cohort", "--out", out, "-q", *QUICK, *more]
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in words])
    return stop.value.code or 0


def test_a_second_scoring_is_counted_and_shown(tmp_path, capsys):
    source, other = write_table(tmp_path / "a.csv"), write_table(tmp_path / "b.csv", first=100, seed=1)
    assert study(source, tmp_path / "runs" / "one", "--external", other) == 0, capsys.readouterr().err
    first = json.loads((tmp_path / "runs" / "one" / "results.json").read_text())["external"]
    assert first["times"] == 1 and first["n_groups"] == 60 and first["auc"]["mean"] > 0.8
    assert "scored once" in (tmp_path / "runs" / "one" / "report.html").read_text()
    assert study(source, tmp_path / "elsewhere" / "two", "--external", other, "--seed", "3") == 0
    page = (tmp_path / "elsewhere" / "two" / "report.html").read_text()
    assert "scored 2 times" in page and str(tmp_path / "runs" / "one") in page
    # the same study going on in its folder has looked already
    assert study(source, tmp_path / "runs" / "one", "--external", other, "--resume") == 0
    assert json.loads((tmp_path / "runs" / "one" / "results.json").read_text())["external"]["times"] == 1


def test_a_column_names_the_held_out_cohort(tmp_path, capsys):
    cohort = np.where(np.arange(80) % 4 == 0, "test", "train")
    source = write_table(tmp_path / "a.csv", n=80, cohort=cohort)
    words = ["study", source, "--label", "label", "--group", "patient", "--hold-out", "cohort=test"]
    with pytest.raises(SystemExit) as stop:
        main([str(word) for word in [*words, "--out", tmp_path / "run", "-q", *QUICK]])
    assert not stop.value.code, capsys.readouterr().err
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["data"]["n_spectra"] == 60 and results["external"]["n_rows"] == 20


def test_a_shared_patient_is_named(tmp_path, capsys):
    source, other = write_table(tmp_path / "a.csv"), write_table(tmp_path / "b.csv", first=59, seed=1)
    assert study(source, tmp_path / "run", "--external", other) == 2
    assert "p59" in capsys.readouterr().err


def test_a_label_that_was_not_studied_is_told_before_anything_is_computed(tmp_path, capsys):
    source, other = write_table(tmp_path / "a.csv"), write_table(tmp_path / "b.csv", first=100, seed=1)
    other.write_text(other.read_text().replace("ill", "worse"))
    assert study(source, tmp_path / "run", "--external", other) == 2
    assert "b.csv: label 'worse' is none of the studied classes ill, well" in capsys.readouterr().err
    assert not (tmp_path / "run" / "settings.toml").exists()


def test_a_drawn_share_takes_whole_patients_of_each_class():
    table = pd.DataFrame({"label": np.repeat(["a", "b"], 40), "patient": [f"p{i // 2}" for i in range(80)]})
    held = external.held_out(table, "0.25", label="label", group="patient", seed=0)
    assert held.sum() == 20 and (held[::2] == held[1::2]).all() and (table["label"][held] == "a").sum() == 10
    assert (held == external.held_out(table, "0.25", label="label", group="patient", seed=0)).all()


def test_a_drawn_share_of_a_quantity_takes_its_levels_not_its_single_values():
    table = pd.DataFrame({"dose": np.r_[np.repeat(np.arange(5.0), 10), 9.0]})
    with pytest.raises(SpectraError, match=r"class '9\.0'"):
        external.held_out(table, "0.25", label="dose", group=None, seed=0)
    held = external.held_out(table, "0.25", label="dose", group=None, seed=0, task="regression")
    assert 10 <= held.sum() <= 15 and np.unique(table["dose"][held]).size >= 3


@pytest.mark.parametrize(
    ("rule", "words"),
    [("cohort", "write COLUMN=VALUE"), ("x=1", "no column 'x'"), ("label=c", "none of"), ("plate=-", "none of"), ("2", "between 0")],
)
def test_a_rule_that_holds_out_nobody_is_told(rule, words):
    table = pd.DataFrame({"label": ["a", "b"] * 4, "plate": [1, 2] * 4})
    with pytest.raises(SpectraError, match=words):
        external.held_out(table, rule, label="label", group=None, seed=0)


def test_copied_spectra_are_refused():
    mz = np.arange(10.0)
    cohort = Cohort.from_spectra([Spectrum(mz, mz + i, f"s{i}") for i in range(4)])
    with pytest.raises(SpectraError, match="s2"):
        external.check_apart(cohort[[0, 1, 2]], cohort[[2, 3]], range(3), range(2), False)


def test_the_digest_knows_the_rows_in_any_order():
    values = np.random.default_rng(0).normal(size=(6, 3))

    def matrix(rows):
        return FeatureMatrix(values[rows], np.full(3, np.nan), np.ones((len(rows), 3), bool), pd.DataFrame({"r": rows}), list("abc"))

    everyone = ledger.digest_of(matrix(list(range(6))))
    assert ledger.digest_of(matrix([5, 3, 1, 0, 2, 4])) == everyone != ledger.digest_of(matrix([0, 1, 2, 3, 4]))


def test_a_broken_line_does_not_hide_the_others(tmp_path, state):
    ledger.write_down("d", tmp_path / "runs" / "a", "2026-01-01")
    with open(state, "a") as file:
        file.write('{"digest": "d", "wh')
    assert len(ledger.scorings("d", tmp_path / "other" / "b")) == 1
    (tmp_path / "runs" / ledger.NAME).unlink()
    assert len(ledger.write_down("d", tmp_path / "runs" / "b", "2026-01-02")) == 2


def test_what_cannot_be_written_down_is_not_scored(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(ledger, "places", lambda run: [tmp_path / "file" / "x", tmp_path / "file" / "y"])
    with pytest.raises(SpectraError, match="was not made"):
        ledger.write_down("d", tmp_path / "run", "2026-01-01")


def test_tuned_steps_are_those_of_the_model(tmp_path):
    from spectra import simulate_cohort
    from spectra.settings import Settings, change, dump
    from spectra.study import frozen, run_study
    from spectra.study.prediction import predict_new
    from spectra.study.tuned import with_settings

    cohort = simulate_cohort(48, seed=3).cohort
    half = np.arange(len(cohort)) % 2 == 0
    quick = {"models": ["naive Bayes"], "repeats": 1, "folds": 2, "shuffles": 0, "permutations": 99, "resamples": 100}
    quick |= dict.fromkeys(("panel", "learning_curve", "sensitivity"), False) | {"pairs": 0, "universes": 0}
    settings = change(Settings(), "study", **quick)
    frozen.save(tmp_path, run_study(cohort[half], label="label", settings=settings))
    (tmp_path / "settings.toml").write_text(dump(settings))
    model = frozen.FrozenModel(tmp_path)
    model.settings = with_settings(model.settings, {"peaks.snr": 12.0})  # as if the folds had chosen it
    held = cohort[~half]
    found = external.score_external(model, held, held.samples, roles={"label": "label"}, name="held", run=tmp_path / "run")
    told, _ = predict_new(model, held, held.samples)
    np.testing.assert_allclose(found.score.folds[0][1][:, 0], told[f"p({model.classes[0]})"], atol=1e-6)
