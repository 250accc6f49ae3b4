"""Candidates, searches, calibration, and small studies of a quantity."""

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

from spectra import FeatureMatrix
from spectra.errors import SpectraError
from spectra.settings import Settings, change, dump, parse
from spectra.study import candidates, comparison, costs, learning, models, networks, probe, run_study, scores_quantity
from spectra.study.evaluation import SELECTED, choose, evaluate_split
from spectra.study.problem import Problem
from spectra.study.roles import encode
from spectra.study.search import Search, Space, grid
from spectra.study.shuffle import shuffle_test
from spectra.study.splits import grouped_splits

KINDS = [("classification", each) for each in candidates.CLASSIFIERS] + [("regression", each) for each in candidates.REGRESSORS]
N = 48


def table(values, label):
    frame = pd.DataFrame({"label": label})
    names = [f"f{j}" for j in range(values.shape[1])]
    return FeatureMatrix(values, np.full(values.shape[1], np.nan), np.ones(values.shape, bool), frame, names)


def made(task="classification", n=N, seed=0):
    """Values whose first two columns carry the label."""
    random = np.random.default_rng(seed)
    values = random.normal(size=(n, 6))
    quantity = values[:, 0] + 0.5 * values[:, 1] + 0.3 * random.normal(size=n)
    return values, quantity if task == "regression" else (quantity > 0).astype(np.int64)


def problem_of(task="classification", settings=None, seed=0):
    values, label = made(task, seed=seed)
    y, classes, quantity = encode(label, task)
    return Problem(table(values, label), settings or Settings(), y, np.arange(N), classes, seed, quantity)


def test_lasso_fits_do_not_depend_on_other_threads():
    random = np.random.default_rng(0)
    values = random.normal(size=(120, 200))
    target = (values[:, 0] + random.normal(size=120) > 0).astype(int)

    def weights(i):
        return models.logistic_l1(0, C=(0.1, 0.3, 1.0)[i % 3]).fit(values, target).estimators_[0].coef_.copy()

    alone = [weights(i) for i in range(3)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(weights, range(60)))
    assert all(np.array_equal(found, alone[i % 3]) for i, found in enumerate(together))


@pytest.mark.parametrize(
    ("path", "fixed"),
    [
        ("sklearn.svm.LinearSVC", {}),
        ("sklearn.svm.LinearSVR", {}),
        ("sklearn.calibration.CalibratedClassifierCV", {"cv": 2, "ensemble": False}),
        ("sklearn.linear_model.LogisticRegression", {"solver": "liblinear", "l1_ratio": 1.0}),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_no_use_of_liblinear_by_another_name_depends_on_other_threads(path, fixed):
    random = np.random.default_rng(0)
    values, quantity = random.normal(size=(80, 100)), path.endswith("R")
    target = values[:, 0] + random.normal(size=80)
    (candidate,) = candidates.candidates(
        [path], "regression" if quantity else "classification", parameters={path: fixed} if fixed else None
    )

    def believed(i):
        model = learning.fit(candidate, {}, i % 3, values, target if quantity else (target > 0).astype(int), 0 if quantity else 2)
        return learning.predict(model, values, 0 if quantity else 2)

    alone = [believed(i) for i in range(3)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(believed, range(30)))
    assert all(np.array_equal(found, alone[i % 3]) for i, found in enumerate(together))


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_everything_is_compiled_before_time_is_taken(task, monkeypatch):
    problem, asked = problem_of(task), []

    def fitted(candidate, point, seed, values, target, n_classes):
        asked.append(candidate.name)
        assert len(values) == len(target) <= 4 * costs.FEW
        return learning.fit(candidate, point, seed, values, target, n_classes)

    monkeypatch.setattr(costs, "fit", fitted)
    split = grouped_splits(problem.y, problem.groups, folds=3, repeats=1, seed=0)[0]
    listed = candidates.candidates(["all", "sklearn.tree.ExtraTreeClassifier" if task == "classification" else "sklearn.svm.NuSVR"], task)
    with learning.quietly():
        costs.warm_up(problem, split, listed)
    assert asked == [each.name for each in listed[:-1]]


@pytest.mark.parametrize(("task", "candidate"), KINDS, ids=[f"{task} {each.name}" for task, each in KINDS])
def test_every_candidate_learns_at_every_point_of_its_grid(task, candidate):
    if candidate.spectra:
        pytest.importorskip("torch")
    values, target = made(task)
    if candidate.spectra:
        values = np.random.default_rng(1).normal(size=(N, networks.INPUTS)) + 2.0 * target[:, None]
    if candidate.spectra:
        candidate = candidate._replace(fixed={"epochs": 8})
    best = 0.0
    for point in candidates_grid(candidate):
        model = learning.ready(candidate, point, 0, values, target, 0 if task == "regression" else 2)
        belief = learning.predict(model, values, 0 if task == "regression" else 2)
        assert belief.shape == (N, 1 if task == "regression" else 2) and np.isfinite(belief).all()
        again = learning.ready(candidate, point, 0, values, target, 0 if task == "regression" else 2)
        assert np.array_equal(belief, learning.predict(again, values, 0 if task == "regression" else 2))
        best = max(best, np.corrcoef(belief[:, -1], target)[0, 1] if np.ptp(belief[:, -1]) > 0 else 0.0)
    assert best > 0.6 or candidate.name in ("majority class", "mean")


def candidates_grid(candidate):
    from spectra.study.search import grid

    return grid(candidate.space)


def test_other_estimators_come_by_import_path_with_parameters_and_grid():
    name = "sklearn.svm.NuSVC"
    (found,) = candidates.candidates([name], parameters={name: {"nu": 0.4}}, grids={name: {"kernel": ["linear", "rbf"]}})
    assert [point["kernel"] for point in candidates_grid(found)] == ["linear", "rbf"]
    assert found.estimator(0, {"kernel": "rbf"}).get_params()["nu"] == 0.4
    some = candidates.candidates(["all", name])
    assert len(some) > 10 and some[-1].name == name and not any(each.spectra for each in some)


@pytest.mark.parametrize(
    ("names", "more", "words"),
    [
        (["sklearn.svm.Nothing"], {}, "has no Nothing"),
        (["no_such_module.Model"], {}, "cannot be imported"),
        (["sklearn.svm.LinearSVR"], {}, "lacks predict_proba or decision_function"),
        (["os.path.join"], {}, "is no class"),
        (["random forst"], {}, "random forest"),
        (["ridge regression"], {}, "not for classification"),
        (["random forest"], {"parameters": {"decision tree": {}}}, "none of the models compared"),
        (["random forest"], {"parameters": {"random forest": {"trees": 3}}}, "trees"),
        (["random forest"], {"grids": {"random forest": {"max_depth": 3}}}, "must be a list"),
    ],
)
def test_what_cannot_be_compared_is_named(names, more, words):
    with pytest.raises(SpectraError, match=words):
        candidates.candidates(names, **more)


NEGATIVE, INFEASIBLE = "sklearn.naive_bayes.ComplementNB", "sklearn.svm.NuSVC"
QUICK = {"repeats": 1, "permutations": 99, "shuffles": 0, "resamples": 100, "panel": False, "learning_curve": False, "sensitivity": False}


def small_study(names, **more):
    values, label = made(n=60)
    return run_study(table(values, label), label="label", settings=change(Settings(), "study", models=names, **QUICK | more))


def test_a_model_that_cannot_be_fitted_is_left_out_with_the_reason():
    result = small_study(["majority class", "naive Bayes", NEGATIVE, INFEASIBLE], grid={INFEASIBLE: {"nu": [0.2, 0.999]}})
    assert [score.name for score in result.scores] == ["majority class", "naive Bayes", INFEASIBLE, SELECTED]
    assert any(note.startswith(f"Left out: {NEGATIVE} cannot be fitted (no parameters): Negative values") for note in result.notes)
    assert any(f"{INFEASIBLE} cannot be fitted (nu=0.999): specified nu is infeasible" in note for note in result.notes)
    assert set(result.costs) == {"majority class", "naive Bayes", INFEASIBLE}
    with pytest.raises(SpectraError, match=f"none is left to be compared: {NEGATIVE} cannot be fitted"):
        small_study([NEGATIVE])


class Moody(models.GaussianNB):
    """Fails on what it is told to."""

    def __init__(self, on=""):
        self.on = on
        super().__init__()

    def fit(self, X, y):
        if (len(y) % 2 and self.on == "every second") or (len(y) == 60 and self.on == "all"):
            raise RuntimeError("bad luck")
        return super().fit(X, y)

    def predict_proba(self, X):
        return super().predict_proba(X) * (np.nan if self.on == "asked" else 1.0)


@pytest.mark.parametrize("on", ["every second", "all", "asked"])
def test_a_model_may_fail_at_any_time_in_any_way(on, monkeypatch):
    monkeypatch.setattr(models, "Moody", Moody, raising=False)
    path = "spectra.study.models.Moody"
    result = small_study(["naive Bayes", path], parameters={path: {"on": on}}, folds=4 if on == "every second" else 3)
    (note,) = [note for note in result.notes if note.startswith("Left out: ")]
    assert ("answers NaN" if on == "asked" else "RuntimeError: bad luck") in note
    assert result.final["name"] == "naive Bayes" and list(result.costs) == ["naive Bayes"]
    assert (path in {score.name for score in result.scores}) == (on == "all")
    assert on == "all" or all("naive Bayes" in chosen for chosen in result.score(SELECTED).chosen)


def test_models_under_shuffled_labels_that_cannot_be_fitted_are_told():
    named = candidates.candidates([NEGATIVE, "naive Bayes"])
    problem = problem_of()
    splits = grouped_splits(problem.y, problem.groups, folds=3, repeats=1, seed=0)
    control, null = shuffle_test(problem, splits, permutations=2, models=named)
    assert null.size == 2 and f"without {NEGATIVE}, which cannot always be fitted" in control.verdict
    with pytest.raises(SpectraError, match="shuffle_models: none is left"):
        shuffle_test(problem, splits, permutations=2, models=named[-1:])


def test_random_draws_range_where_the_grid_has_one_point():
    (boosting,) = candidates.candidates(["gradient boosting"])
    asked = []
    Search("random", 8).best(boosting.space, lambda point: asked.append(point) or 0.0, "one")
    assert len(asked) == 8 and len({point["learning_rate"] for point in asked}) == 8
    asked.clear()
    Search("random", 8).best({"kernel": Space(("linear",))}, lambda point: asked.append(point) or 0.0, "one")
    assert asked == [{"kernel": "linear"}]


def test_models_under_shuffled_labels_are_those_of_the_settings():
    grid = {"naive Bayes": {"var_smoothing": [0.5]}, "random forest": {"max_depth": [2]}}
    study = change(Settings(), "study", shuffle_models=["naive Bayes"], grid=grid).study
    (found,) = comparison._shuffled(study, "classification")
    assert found.space["var_smoothing"].grid == (0.5,)


def test_settings_of_single_models_survive_the_file():
    settings = change(
        Settings(),
        "study",
        models=["all", "a.b.C"],
        parameters={"a.b.C": {"x": 1, "kind": "y"}},
        grid={"random forest": {"max_depth": [2, 3]}},
    )
    for comments in (False, True):
        assert parse(dump(settings, comments=comments)) == settings


def test_decisions_become_probabilities_that_keep_their_word():
    random = np.random.default_rng(0)
    y = random.integers(0, 2, 4000)
    decision = 3 * (y - 0.5 + random.normal(size=y.size))
    both = np.column_stack([-decision, decision])
    said = learning.Sigmoids.learn(both[:2000], y[:2000])(both[2000:])
    assert np.allclose(said.sum(axis=1), 1)
    for low in (0.1, 0.4, 0.7):
        near = np.abs(said[:, 1] - low - 0.1) < 0.1
        assert y[2000:][near].mean() == pytest.approx(said[near, 1].mean(), abs=0.07)
    apart = learning.Sigmoids.learn(np.array([[1.0, -1], [1, -1], [-1, 1], [-1, 1]]), np.array([0, 0, 1, 1]))
    assert 0.6 < apart(np.array([[-1.0, 1.0]]))[0, 1] < 0.9  # four rows do not make certainty


def test_an_svm_is_calibrated_on_rows_it_did_not_learn():
    (svm,) = candidates.candidates(["linear SVM"])
    (choice,) = choose(problem_of(), np.arange(N), [svm])
    assert choice.sigmoids is not None and choice.score > 0.8


def test_a_decision_far_from_all_others_has_a_probability():
    sigmoids = learning.Sigmoids(np.array([1.0, 1e4]), np.zeros(2))
    found = sigmoids(np.array([[0.0, -1.0], [0.0, 1.0], [0.0, 0.0]]))
    np.testing.assert_allclose(found, [[1, 0], [0, 1], [0.5, 0.5]], atol=1e-12)


def test_classes_told_without_error_are_also_called_without():
    y = np.arange(64) % 4
    values = 4.0 * np.eye(4)[y] @ np.random.default_rng(0).normal(size=(4, 30)) + np.random.default_rng(1).normal(size=(64, 30))
    problem = Problem(table(values, y), Settings(), y, np.arange(64), list("abcd"), 0)
    split = grouped_splits(y, np.arange(64), folds=4, repeats=1, seed=0)[0]
    for outcome in evaluate_split(problem, split, candidates.candidates(["logistic regression L2", "linear SVM", "random forest"])):
        truth = np.eye(4)[y[split.test]]
        assert outcome.inner_score == 1 and (outcome.probability.argmax(axis=1) == y[split.test]).all()
        assert ((outcome.probability - truth) ** 2).sum(axis=1).mean() < 0.25, (
            outcome.candidate
        )  # 0.6 with the smallest C, as good as guessing


def test_every_way_of_search_finds_the_top_and_optuna_goes_on(tmp_path):
    space = {"x": Space((0.1, 1.0, 10.0), 0.01, 100.0), "kind": Space(("a", "b"))}
    asked = []

    def score(point):
        asked.append(point)
        return -abs(np.log(point["x"])) - (point["kind"] == "a")

    assert Search("grid").best(space, score, "one")[0] == {"x": 1.0, "kind": "b"}
    flat, second = {"x": Space((1.0, 2.0, 3.0, 4.0))}, {1.0: 0.0, 2.0: 5.0, 3.0: 5.0, 4.0: 9.0}
    tied = Search("grid").best(flat, lambda point: 1.0 - 1e-12 * point["x"] - (point["x"] == 4), "one", lambda point: second[point["x"]])
    assert tied[0] == {"x": 2.0}
    assert Search("random", 40).best(space, score, "one") == Search("random", 40).best(space, score, "one")
    assert Search("random", 40).best(space, score, "one")[1] > -0.7
    pytest.importorskip("optuna")
    whole = Search("optuna", 12, 0, tmp_path / "whole").best(space, score, "one")
    Search("optuna", 5, 0, tmp_path / "parts").best(space, score, "one")
    asked.clear()
    assert Search("optuna", 12, 0, tmp_path / "parts").best(space, score, "one") == whole and len(asked) == 7


def test_ties_that_optuna_finds_are_broken_as_everywhere(tmp_path):
    pytest.importorskip("optuna")
    space, asked = {"x": Space((0.1,), 0.01, 100.0)}, []

    def score(point):
        asked.append(point["x"])
        return np.nan if point["x"] > 10 else 1.0 - 1e-12 * point["x"]

    search = Search("optuna", 12, 0, tmp_path / "kept")
    first = search.best(space, score, "one", lambda point: -point["x"])
    assert first == ({"x": min(asked)}, pytest.approx(1)) and first[0]["x"] != asked[0]
    strange = [x for x in asked if x > 10]
    asked.clear()
    assert search.best(space, score, "one", lambda point: -point["x"]) == first and asked == strange != []


@pytest.mark.parametrize("way", ["grid", "random", "optuna"])
def test_points_that_cannot_be_fitted_are_told_also_after_a_pause(way, tmp_path):
    if way == "optuna":
        pytest.importorskip("optuna")
    (svm,) = candidates.candidates([INFEASIBLE], grids={INFEASIBLE: {"nu": [0.999, 1.0, 0.3], "shrinking": [True, False]}})
    search = Search(way, 12, 0, tmp_path / "kept")
    problem = problem_of()
    found = [choose(problem, np.arange(40), [svm], search=search, inner_folds=3)[0] for _ in range(2)]
    assert found[0].point["nu"] == 0.3 and "is infeasible" in found[0].trouble
    assert found[0]._replace(seconds=0, sigmoids=0) == found[1]._replace(seconds=0, sigmoids=0)


def test_the_probe_of_levels_is_the_concordance():
    random = np.random.default_rng(1)
    codes, y = random.integers(0, 3, (60, 2)), random.integers(0, 4, 60)
    splits = grouped_splits(y, np.arange(60), folds=4, repeats=1, seed=0)
    ours = probe.probe(lambda _: codes, splits, y[None, :], 4, np.zeros(60, int), ordered=True)
    folds = []
    for split in splits:
        posterior = probe.log_posterior(codes, split.train, split.test, y[None, :], 4)[:, 0].T
        share = np.exp(posterior - posterior.max(axis=1, keepdims=True))
        folds.append((split.test, np.round(share @ np.arange(4.0) / share.sum(axis=1), 9)[:, None]))
    assert ours[0] == pytest.approx(scores_quantity.concordance(folds, y[None, :].astype(float), np.ones((1, 60)))[0], abs=1e-6)


def small(**more):
    return change(Settings(), "study", repeats=1, resamples=100, permutations=99, shuffles=19, **more)


def test_a_quantity_is_studied_frozen_and_predicted(tmp_path):
    from spectra.report import write_report
    from spectra.study import frozen, prediction, record

    values, quantity = made("regression")
    settings = small(models=["mean", "ridge regression", "decision tree"], folds=3)
    result = run_study(table(values, quantity), label="label", settings=settings, n_jobs=1)
    best = result.score(SELECTED)
    assert best.measures["r2"].mean > 0.7 and best.p_value == pytest.approx(0.05) and best.measures["rmse"].mean < 0.7
    assert all(np.isnan(row.p_value) for row in result.scores if row.name != SELECTED)
    assert [pair.best for pair in result.pairs] == ["ridge regression"] * 2 and min(pair.p_value for pair in result.pairs) < 0.05
    assert {row["name"] for row in json.loads(record.to_json(result.to_dict()))["models"]} >= {"mean", SELECTED}
    assert result.markers[0].name == "f0" and result.costs["ridge regression"].peak_bytes > 0
    record.write_settings(tmp_path, settings)
    frozen.save(tmp_path, result)
    model = frozen.FrozenModel(tmp_path)
    frame, _ = prediction.predict_new(model, table(values, quantity), result.features.samples)
    assert np.corrcoef(frame["predicted"], quantity)[0, 1] > 0.9
    assert any("predicted" in line for line in prediction.in_words(frame, model.classes))
    write_report(tmp_path / "report.html", result, {})
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "How much label?" in text and "R²" in text and "Predicted against true" in text


def test_copies_of_noise_are_still_noise(tmp_path):
    from spectra.report import write_report

    values = np.tile(np.random.default_rng(4).normal(size=(40, 6)), (2, 1))
    y = np.tile(np.arange(40) % 2, 2)
    y[-1] = 1 - y[-1]
    result = run_study(table(values, y), label="label", settings=small(models=["decision tree"], folds=4), n_jobs=1)
    assert result.score("decision tree").auc.mean < 0.7  # 1 where copies stand on both sides
    assert result.problem.copies == (39, 1)
    write_report(tmp_path / "report.html", result, {})
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Asked of 41 rows" in text and "and 39 copies" in text
    assert "Replicates of" not in text  # which agree perfectly
    assert "39 rows repeat another exactly." in text and "1 row repeats another exactly, but with another label" in text


def test_the_same_patient_cannot_have_two_quantities():
    values, quantity = made("regression")
    data = table(values, quantity)
    data = dataclasses.replace(data, samples=data.samples.assign(patient=np.arange(N) // 2))
    with pytest.raises(SpectraError, match="two labels"):
        run_study(data, label="label", group="patient", settings=small())


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize("kind", ["one row a class", "mostly constant", "alike within the classes"])
def test_every_candidate_learns_from_next_to_nothing(kind, task):
    random, y = np.random.default_rng(0), np.array([0, 0, 0, 1, 1, 1])
    values = random.normal(size=(6, 8))
    if kind == "one row a class":
        values, y = values[:2], np.array([0, 1])
    elif kind == "mostly constant":
        values = np.column_stack([values[:, 0], y, np.zeros((6, 6))])
    else:
        values = values[3 * (np.arange(6) // 3)]
    target, n_classes = (y.astype(float), 0) if task == "regression" else (y, 2)
    for candidate in candidates.candidates(task=task):
        for point in grid(candidate.space):
            with learning.quietly():
                belief = learning.predict(learning.fit(candidate, point, 0, values, target, n_classes), values, n_classes)
            assert np.isfinite(belief).all(), (candidate.name, point)


def test_a_task_that_is_none_is_refused():
    with pytest.raises(SpectraError, match="task must be one of 'classification', 'regression', not 'clasification'"):
        run_study(table(*made()), label="label", task="clasification", settings=small())


def test_shuffled_quantities_give_uniform_p_values():
    p_values = []
    for seed in range(30):
        problem = problem_of("regression", seed=seed)
        noise = problem._replace(quantity=np.random.default_rng(seed).normal(size=N))
        splits = grouped_splits(noise.y, noise.groups, folds=4, repeats=1, seed=seed)
        p_values.append(shuffle_test(noise, splits, permutations=19, n_jobs=1)[0].p_value)
    assert np.sum(np.array(p_values) <= 0.05) <= 5 and 8 <= np.sum(np.array(p_values) <= 0.5) <= 22


def test_named_models_are_chosen_anew_under_shuffled_labels():
    problem = problem_of()
    splits = grouped_splits(problem.y, problem.groups, folds=3, repeats=1, seed=0)
    models = candidates.candidates(["naive Bayes", "decision tree"])
    control, null = shuffle_test(problem, splits, permutations=19, models=models, n_jobs=1)
    assert control.p_value == pytest.approx(0.05) and 0.35 < null.mean() < 0.65


def test_labels_that_are_no_quantity_are_named():
    with pytest.raises(SpectraError, match="not a number"):
        encode(["1", "2", "many", "4"] * 3, "regression")
    assert encode(np.arange(60.0))[2] is not None and encode(np.arange(60) % 3)[2] is None
