"""The controls on small feature tables and cohorts whose truth is known."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator

from spectra import Cohort, FeatureMatrix, PeakList, Spectrum, savitzky_golay
from spectra.pipeline import preprocess
from spectra.settings import Settings
from spectra.study import audit, notes, probe, scores
from spectra.study.problem import Problem
from spectra.study.regions import empty_regions
from spectra.study.shuffle import shuffle_test
from spectra.study.splits import grouped_splits

COUNTS = {"resamples": 200, "permutations": 499}


def table(values):
    samples = pd.DataFrame({"row": range(len(values))})
    return FeatureMatrix(
        values, np.full(values.shape[1], np.nan), np.ones(values.shape, bool), samples, [f"f{j}" for j in range(values.shape[1])]
    )


def problem_of(values, y, seed=0):
    return Problem(table(values), Settings(), y, np.arange(y.size), ["a", "b"], seed)


@pytest.fixture
def cohort60():
    random = np.random.default_rng(0)
    y = np.tile([0, 1], 30)
    values = random.normal(size=(60, 5))
    values[:, 0] += 2 * y
    return problem_of(values, y), random


def test_a_column_that_goes_with_the_class_is_flagged_and_others_are_not(cohort60):
    problem, random = cohort60
    splits = grouped_splits(problem.y, problem.groups, folds=5, repeats=1, seed=0)
    site = np.where(random.random(60) < 0.9, problem.y, 1 - problem.y)
    extra = pd.DataFrame(
        {"site": np.array(["x", "y"])[site], "age": random.integers(20, 80, 60), "id": [f"patient {i}" for i in range(60)], "one": 1}
    )
    tests, skipped = audit.class_from_nuisance(problem, splits, None, extra, **COUNTS)
    controls = audit.judge(tests)
    assert [(control.control, control.flag) for control in controls] == [("site", True), ("age", False)]
    assert skipped == ["id", "one"]
    assert "site" in controls[0].verdict and "in other words" not in controls[0].verdict
    again = pd.DataFrame({"diagnosis": np.array(["C25", "Z00"])[problem.y]})
    (control,) = audit.judge(audit.class_from_nuisance(problem, splits, None, again, **COUNTS)[0])
    assert control.flag and control.verdict.endswith("If it only tells the class in other words, leave the column out.")


def batch_controls(problem, site):
    tests, untold = audit.batch_from_features(problem, {"site": site}, **COUNTS)
    return audit.judge(tests) + untold


def test_the_more_is_asked_the_smaller_a_p_must_be():
    def tested(p_value, n_patients=40):
        return audit.Tested("x", "class", scores.Interval(0.95, 0.9, 1.0), p_value, n_patients, "alarm", "calm")

    assert [control.flag for control in audit.judge([tested(0.03)])] == [True]
    assert [control.flag for control in audit.judge([tested(0.03), tested(0.5)])] == [False, False]
    assert [control.p_value for control in audit.judge([tested(0.5), tested(0.01), tested(0.02)])] == pytest.approx([0.5, 0.03, 0.04])
    assert audit.judge([]) == []
    few = audit.judge([tested(0.4, n_patients=8)])[0]
    assert few.flag and few.verdict == "alarm With 8 patients this may be chance, and so may any marker."


def test_a_site_that_marks_the_features_is_read_off_them_within_each_class(cohort60):
    problem, _ = cohort60
    site = np.repeat([0, 1], 30)
    clean = batch_controls(problem, site)
    assert not clean[0].flag
    values = problem.data.values.copy()
    values[:, 3] += 3 * site
    marked = problem._replace(data=table(values))
    found = batch_controls(marked, site)
    assert found[0].flag and found[0].auc.mean > 0.9


def test_a_real_marker_does_not_make_the_site_readable(cohort60):
    problem, random = cohort60
    site = np.where(random.random(60) < 0.8, problem.y, 1 - problem.y)
    found = batch_controls(problem, site)
    assert not found[0].flag


def test_with_too_few_patients_for_a_test_a_strong_link_is_still_an_alarm():
    y, site = np.tile([0, 0, 1, 1], 2), np.repeat([0, 1], 4)
    values = np.random.default_rng(0).normal(size=(8, 4)) + 8 * site[:, None]
    (control,) = batch_controls(problem_of(values, y), site)
    assert control.flag and control.p_value > 0.05 and "may be chance" in control.verdict


def test_a_batch_that_is_the_class_is_flagged_without_a_score(cohort60):
    problem, _ = cohort60
    found = batch_controls(problem, problem.y)
    assert found[0].flag and np.isnan(found[0].auc.mean)


def test_true_labels_beat_shuffled_ones_and_noise_does_not(cohort60):
    problem, random = cohort60
    splits = grouped_splits(problem.y, problem.groups, folds=5, repeats=1, seed=0)
    control, null = shuffle_test(problem, splits, permutations=99)
    assert control.p_value == pytest.approx(0.01) and not control.flag and null.size == 99
    noise = problem._replace(data=table(random.normal(size=(60, 5))))
    control, null = shuffle_test(noise, splits, permutations=99)
    assert control.flag and "No claim" in control.verdict
    assert 0.45 < null.mean() < 0.55


@pytest.mark.parametrize(("permutations", "words"), [(1, "too few to tell"), (5, "too few to tell"), (19, "beat 19 of 19")])
def test_few_shufflings_are_not_called_defeats(cohort60, permutations, words):
    splits = grouped_splits(cohort60[0].y, cohort60[0].groups, folds=5, repeats=1, seed=0)
    control, _ = shuffle_test(cohort60[0], splits, permutations=permutations)
    assert words in control.verdict and control.flag == (permutations < 19) and "by ridge regression)" in control.verdict


def test_a_leak_shows_under_shuffled_labels(cohort60, monkeypatch):
    """A step that peeks at the held-out labels lifts the shuffled AUC above one half."""
    from spectra.study import shuffle

    problem, _ = cohort60
    splits = grouped_splits(problem.y, problem.groups, folds=5, repeats=1, seed=0)
    honest = shuffle._fold

    def leaky(problem, split, parts):
        last, *both = parts
        peeked = [
            dataclasses.replace(each, values=each.values + 0.5 * problem.y[rows][:, None])
            for each, rows in zip(both, (split.train, split.test), strict=True)
        ]
        return honest(problem, split, (last, *peeked))

    monkeypatch.setattr(shuffle, "_fold", leaky)
    control, _ = shuffle_test(problem, splits, permutations=99)
    assert control.flag and "must not see" in control.verdict


def test_levels_of_a_quantity_reach_the_steps_without_those_held_out():
    from spectra.study import shuffle
    from spectra.study.tasks import levels

    seen = []

    class Step(BaseEstimator):
        def fit(self, features, y):
            seen.append(y.tolist())
            return self

        def transform(self, features):
            return features

    quantity = np.arange(24.0)
    problem = Problem(table(np.eye(24)), Settings(), levels(quantity)[0], np.arange(24), list("abcd"), 0, quantity)
    (split, _) = grouped_splits(problem.y, problem.groups, folds=2, repeats=1, seed=0)
    parts = Step(), problem.data[split.train], problem.data[split.test]
    shuffle._fold(problem, split, parts)
    other = quantity.copy()
    other[split.test] += 100
    shuffle._fold(problem._replace(quantity=other, y=levels(other)[0]), split, parts)
    assert seen[0] == seen[1] == levels(quantity[split.train])[0].tolist()


def test_permutation_is_within_folds_and_keeps_patients_whole():
    from spectra.study.shuffle import _shuffled

    y = np.repeat([0, 1], 12)
    groups = np.repeat(np.arange(12), 2)
    problem = Problem(table(np.zeros((24, 1))), Settings(), y, groups, ["a", "b"], 0)
    splits = grouped_splits(y, groups, folds=3, repeats=1, seed=0)
    drawn = [_shuffled(problem, splits, draw)[0] for draw in range(20)]
    for labels in drawn:
        assert (labels[::2] == labels[1::2]).all()
        for split in splits:
            assert labels[split.test].sum() == y[split.test].sum()
    assert any((labels != y).any() for labels in drawn)


def test_p_values_of_a_control_are_uniform_where_nothing_is_to_be_found():
    p_values = []
    for seed in range(200):
        random = np.random.default_rng(seed)
        problem = problem_of(random.normal(size=(40, 1)), np.tile([0, 1], 20), seed)
        splits = grouped_splits(problem.y, problem.groups, folds=5, repeats=1, seed=seed)
        extra = pd.DataFrame({"nothing": random.normal(size=40)})
        (control,), _ = audit.class_from_nuisance(problem, splits, None, extra, resamples=2, permutations=99)  # before any adjustment
        p_values.append(control.p_value)
    assert 3 <= np.sum(np.array(p_values) <= 0.05) <= 19
    assert 80 <= np.sum(np.array(p_values) <= 0.5) <= 120


def test_the_probe_is_naive_bayes_on_binned_columns():
    from sklearn.naive_bayes import CategoricalNB

    random = np.random.default_rng(0)
    codes, y = probe.to_codes(random.normal(size=(80, 3)), bins=4), random.integers(0, 3, 80)
    train, test = np.arange(60), np.arange(60, 80)
    theirs = CategoricalNB(alpha=1.0, min_categories=4, class_prior=(np.bincount(y[train]) + 1) / 63).fit(codes[train], y[train])
    ours = probe.log_posterior(codes, train, test, y[None, :], 3)[:, 0].T
    ours = ours - np.log(np.exp(ours).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(ours, theirs.predict_log_proba(codes[test]), atol=1e-5)


def test_the_probe_s_auc_is_the_study_s():
    random = np.random.default_rng(1)
    codes, y = random.integers(0, 3, (60, 2)), random.integers(0, 3, 60)
    splits = grouped_splits(y, np.arange(60), folds=4, repeats=1, seed=0)
    ours = probe.probe(lambda _: codes, splits, y[None, :], 3, np.zeros(60, int))
    folds = []
    for split in splits:
        posterior = probe.log_posterior(codes, split.train, split.test, y[None, :], 3)[:, 0].T
        folds.append((split.test, np.round(np.exp(posterior) / np.exp(posterior).sum(axis=1, keepdims=True), 9)))
    assert ours[0] == pytest.approx(scores.auc(folds, y[None, :], np.ones((1, 60)))[0])


def test_spots_dates_and_text_become_numbers():
    assert audit.as_numbers(["A1", "B12"] * 5).tolist()[:2] == [[1, 1], [2, 12]]
    assert audit.as_numbers(["2024-03-01", "2024-01-01", "2024-03-01"]).ravel().tolist() == [2, 1, 2]
    assert audit.as_numbers(["x", "y"] * 4).shape == (8, 2)
    assert audit.as_numbers([f"patient {i}" for i in range(9)]) is None
    assert audit.as_numbers([1, 1, 1]) is None


def test_empty_regions_lie_where_no_spectrum_has_a_peak():
    mz = np.linspace(1000, 2000, 10_001)
    y = np.ones(mz.size) + 100 * (np.abs(mz - 1500) < 200)
    peak = PeakList(*(np.array([value]) for value in (1500.0, 100.0, 50.0, 10.0, 1.0, 1300.0, 1700.0, 5000)))
    cohort = dataclasses.replace(Cohort.from_spectra([Spectrum(mz, y, str(i)) for i in range(4)]), peaks=[peak] * 4)
    values = empty_regions(cohort)
    assert values.shape[0] == 4 and values.shape[1] > 300
    np.testing.assert_allclose(values, 1.0)


def test_what_can_raise_no_alarm_makes_none_harder_to_raise():
    def tested(p_value, doubt=False):
        return audit.Tested("x", "class", scores.Interval(0.95, 0.9, 1.0), p_value, 100, "alarm", "calm", doubt)

    found = audit.judge([tested(0.012), tested(0.5), tested(0.6), tested(0.01, doubt=True), tested(0.7)])
    assert [control.p_value for control in found] == pytest.approx([0.048, 1, 1, 0.01, 1])
    assert found[0].flag and not found[3].flag and found[3].doubt and found[3].verdict == "alarm"


def test_smoothing_that_flattens_the_peaks_is_told():
    random = np.random.default_rng(0)
    mz = np.linspace(1000, 1200, 4001)

    def said(width):
        y = 50 + sum(2000 * np.exp(-0.5 * ((mz - centre) / width) ** 2) for centre in np.arange(1010, 1200, 10))
        raw = Cohort.from_spectra([Spectrum(mz, random.poisson(y), str(i)) for i in range(4)])
        return notes.on_smoothing(raw, preprocess(raw, Settings(), n_jobs=1)[0], Settings())

    assert said(0.4) == ""  # 8 points
    told = said(0.12)  # 2.4 points under a window of 21
    share = int(told.split("takes ")[1].split("%")[0])
    one = np.sqrt(50 + 2000 * np.exp(-0.5 * ((mz - 1100) / 0.12) ** 2)) - np.sqrt(50)
    assert share == pytest.approx(100 * (1 - savitzky_golay(one).max() / one.max()), abs=5) and "smooth.half_window" in told


def between_the_peaks(planted, seed):
    """Verdicts on the level and on the weak structure between the peaks of 40 spectra of noise, in half of which something was planted."""
    random = np.random.default_rng(seed)
    mz, y = np.geomspace(1000, 10_000, 8000), np.tile([0, 1], 20)
    spectra = []
    for k in y:
        noise = random.normal(size=mz.size) + random.normal(0, 0.02)
        spectra.append(Spectrum(mz, 10 + (planted(mz, noise) if k else noise), str(len(spectra))))
    none = PeakList(*np.empty((8, 0)))
    cohort = dataclasses.replace(Cohort.from_spectra(spectra), peaks=[none] * 40)
    problem = Problem(cohort, Settings(), y, np.arange(40), ["a", "b"], 0)
    splits = grouped_splits(y, problem.groups, folds=5, repeats=1, seed=0)
    nuisance = pd.DataFrame(random.normal(size=(40, 4)), columns=list(audit.NUISANCE))
    found = {
        control.control: control
        for control in audit.judge(audit.class_from_nuisance(problem, splits, nuisance, pd.DataFrame(), resamples=20, permutations=199)[0])
    }
    assert not found[audit.STRUCTURE].flag and not found[audit.REGIONS].doubt
    return found[audit.REGIONS].flag, found[audit.STRUCTURE].doubt


def test_a_level_between_the_peaks_is_an_alarm_and_weak_peaks_there_are_a_doubt():
    def weak_peaks(mz, noise):
        return noise + sum(0.8 * np.exp(-0.5 * ((mz / centre - 1) / 1e-3) ** 2) for centre in np.geomspace(1100, 9500, 40))

    assert between_the_peaks(lambda mz, noise: noise, 0) == (False, False)
    assert between_the_peaks(lambda mz, noise: noise + 0.4 * ((mz > 2000) & (mz < 4000)), 1) == (
        True,
        False,
    )  # a part of the baseline is left
    assert between_the_peaks(weak_peaks, 2) == (False, True)
    assert between_the_peaks(lambda mz, noise: 1.5 * noise, 3) == (False, False)  # which the noise level tells
