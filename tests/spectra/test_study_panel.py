"""Which markers, how few of them, and how many would be there by chance."""

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from spectra import FeatureMatrix
from spectra.identification import FORMS
from spectra.report import markers as marker_figures
from spectra.settings import Settings
from spectra.study import error_bounds, families, markers, notes, panel, scores
from spectra.study.evaluation import Problem, fit_steps
from spectra.study.problem import Kept
from spectra.study.splits import group_labels, grouped_splits


def problem_of(values, y, mz=None):
    n_rows, n_features = values.shape
    mz = np.full(n_features, np.nan) if mz is None else np.asarray(mz, float)
    samples = pd.DataFrame({"row": range(n_rows)})
    names = [f"f{j}" for j in range(n_features)]
    data = FeatureMatrix(values, mz, np.ones(values.shape, bool), samples, names)
    return Problem(data, Settings(), y, np.arange(n_rows), ["a", "b"], 0)


def found_panel(problem):
    splits = grouped_splits(problem.y, problem.groups, folds=3, repeats=1, seed=0)
    _, label, member = group_labels(problem.y, problem.groups)
    resampler = scores.PatientResampler(label, member, resamples=200, permutations=0, seed=0)
    _, features = fit_steps(problem, np.arange(problem.y.size))
    with threadpool_limits(1):
        return panel.find_panel(problem, features, splits, resampler, tolerance=0.002)


def test_a_panel_is_as_small_as_the_truth_and_speaks_for_copies():
    random = np.random.default_rng(0)
    y = np.tile([0, 1], 50)
    values = random.normal(size=(100, 20))
    values[:, 4] += 2.0 * y
    values[:, 9] -= 2.0 * y
    values[:, 15] = values[:, 4] + 0.05 * random.normal(size=100)
    found = found_panel(problem_of(values, y))
    heads = {frozenset([member.column, *member.same]) for member in found.members[:2]}
    assert heads == {frozenset([4, 15]), frozenset([9])} and len(found.members) <= 4
    assert found.score.mean > 0.9 and all(member.chosen == 1.0 for member in found.members[:2])
    assert found.sizes[1][1].mean > found.sizes[0][1].mean


def test_the_ranking_hangs_little_on_the_forest_s_own_chance():
    random = np.random.default_rng(0)
    y = np.tile([0, 1], 40)
    values = random.normal(size=(80, 60)) + np.outer(y, np.linspace(2.0, 0.5, 60))  # all of them tell, the first ones a little better
    draws = [markers.importances(values, y, problem_of(values, y).task, seed, panel.TREES) for seed in range(6)]
    best = [set(np.argsort(-each)[:5]) for each in draws]
    again = np.mean([len(one & other) / 5 for one in best for other in best if one is not other])
    assert again > 0.75


def test_a_panel_on_noise_is_worth_nothing():
    random = np.random.default_rng(1)
    found = found_panel(problem_of(random.normal(size=(60, 40)), np.tile([0, 1], 30)))
    assert found.score.low < 0.5 < found.score.high


def test_no_features_no_panel():
    problem = problem_of(np.ones((20, 0)), np.tile([0, 1], 10))
    assert panel.find_panel(problem, problem.data, [], None, tolerance=0.002) is None


def test_fitted_steps_are_remembered_for_the_same_data_and_labels_alone():
    random = np.random.default_rng(3)
    plain = problem_of(random.normal(size=(20, 3)), np.tile([0, 1], 10))
    problem, rows = plain._replace(kept=Kept(most=2 * 9 * 10 * 3)), np.arange(10)
    first = fit_steps(problem, rows)
    assert fit_steps(problem, rows.copy()) is first
    assert fit_steps(problem, rows + 1)[1] is not first[1]
    for other in (problem._replace(y=problem.y.copy()), problem._replace(data=problem.data[np.arange(20)])):
        assert fit_steps(other, rows)[1] is not first[1]
    assert fit_steps(problem, rows + 2)[1] is not fit_steps(problem, rows + 2)[1]  # no room is left
    np.testing.assert_array_equal(first[1].values, fit_steps(plain, rows)[1].values)


def test_a_training_set_without_a_feature_gives_no_panel(monkeypatch):
    random = np.random.default_rng(2)
    problem = problem_of(random.normal(size=(40, 5)), np.tile([0, 1], 20))

    def without(problem, rows):
        steps, features = fit_steps(problem, rows)
        return steps, features if 0 in rows or rows.size > 20 else features.columns([])

    assert found_panel(problem) is not None
    monkeypatch.setattr(panel, "fit_steps", without)  # inner training sets without the first patient have none
    assert found_panel(problem) is None


def test_forms_of_one_substance_are_told():
    random = np.random.default_rng(0)
    amount = random.normal(size=40)
    values = np.column_stack([amount, amount + 0.3 * random.normal(size=40), random.normal(size=40), amount, 0 * amount, -amount])
    mz = np.array([6155.6, 3078.3, 6177.6, 7000.0, 6193.5, 9000.0])
    leader, form = families.leaders(values, mz, np.arange(6))
    assert leader.tolist() == [0, 0, 2, 0, 4, 0]
    assert form == ["", "doubly charged", "", "", "", ""]
    leader, form = families.leaders(values[:, [1, 0]], mz[[1, 0]], np.arange(2))
    assert leader.tolist() == [0, 0] and form[1] == "singly charged"  # by mass alone it may be the dimer as well
    salt = np.array([6193.7, 6155.6])
    assert families.leaders(values[:, :2], salt, np.arange(2))[1] == ["", "without potassium"]
    assert families.WORDS.keys() == families.BARE.keys() == {name for name in FORMS if name != "M+H"}


def test_the_cohort_s_own_explanation_wins_over_a_library_mass():
    random = np.random.default_rng(3)
    amounts = random.lognormal(size=(40, 3))
    # a protein of 12338 with its sodium adduct, which lies where cytochrome c of the horse would; platelet factor 4, once and twice charged; a stranger
    mz = [12339.02, 12361.0, 7766.1, 3883.55, 5000.0]
    values = amounts[:, [0, 0, 1, 1, 2]] * random.lognormal(0, 0.05, size=(40, 5))
    problem = problem_of(values, np.tile([0, 1], 20), mz)
    found = {marker.column: marker for marker in markers.find_markers(problem, problem.data, draws=2)}
    assert found[1].origin == "m/z 12339.0 with sodium" and found[1].origin_chance < 0.01 and not found[1].candidates
    assert found[3].origin == "m/z 7766.1 doubly charged" and [row["name"] for row in found[3].candidates] == ["Platelet factor 4"]
    assert found[0].origin == found[2].origin == found[4].origin == ""
    small = families.origins(np.array([190.05, 379.09]), values[:, :2])  # the matrix and its dimer, not a doubly charged ion
    assert {peak: link["form"] for peak, link in small.items()} == {1: "2M+H"}
    alone = problem_of(values[:, 1:], problem.y, mz[1:])
    (horse,) = next(m for m in markers.find_markers(alone, alone.data, draws=2) if m.column == 0).candidates
    assert horse["name"] == "Cytochrome c equine" and horse["kind"] == "calibrant"
    told = marker_figures.identity(markers.Marker("12361", 12361.0, 1.0, "a", 1.0, 0, [horse]))
    assert "carry-over" in told and "by chance" in told
    assert marker_figures.identity(markers.Marker("12361", 12361.0, 1.0, "a", 1.0, 0, [horse | {"fdr": 0.8}])) == ""


@pytest.mark.parametrize(("mz", "told"), [(3.7, "no ion is so light"), (568.1, "region of the matrix"), (1000.1, "")])
def test_a_marker_among_the_matrix_says_so(mz, told):
    assert marker_figures.identity(markers.Marker("m", mz, 1.0, "a", 1.0, 0, [])) == told
    said = notes.on_matrix(np.array([mz, 5000.0]), np.array([mz, 5000.0]))
    assert (f"m/z {mz:.1f}: 1 of the 2" in said and "read.mz_low = 1000" in said) is bool(told)
    assert "mz_low" not in notes.on_matrix(np.array([mz]), np.array([mz])) and not notes.on_matrix(np.array([np.nan]), np.array([np.nan]))


def test_families_do_not_chain():
    random = np.random.default_rng(2)
    first, noise = random.normal(size=(2, 500))
    values = np.column_stack([first, first + 0.4 * noise, first + 0.9 * noise])
    unit = families.correlation(values)
    assert abs(unit[:, 0] @ unit[:, 1]) > 0.9 and abs(unit[:, 1] @ unit[:, 2]) > 0.9 and abs(unit[:, 0] @ unit[:, 2]) < 0.9
    assert families.leaders(values, np.full(3, np.nan), np.arange(3))[0].tolist() == [0, 0, 2]


@pytest.mark.parametrize("threshold", [0.6, 0.75, 0.9])
def test_the_bounds_hold_where_choosing_is_blind(threshold):
    random = np.random.default_rng(3)
    n_features, chosen, pairs, kept = 100, 10, 20, []
    for _ in range(200):
        count = np.zeros(n_features)
        for _ in range(2 * pairs):
            count[random.permutation(n_features)[:chosen]] += 1
        kept.append((count / (2 * pairs) >= threshold).sum())
    sharp = error_bounds.shah_samworth(chosen, n_features, threshold, pairs)
    assert np.mean(kept) <= sharp <= error_bounds.meinshausen_buhlmann(chosen, n_features, threshold) * 1.5


def test_no_bound_where_the_theorem_says_nothing():
    assert np.isnan(error_bounds.meinshausen_buhlmann(5, 100, 0.5))
    assert np.isnan(error_bounds.shah_samworth(5, 100, 0.5, 20)) and np.isnan(error_bounds.shah_samworth(80, 100, 0.9, 20))
    assert np.isnan(error_bounds.shah_samworth(5, 100, 0.9, 0))


def test_halves_of_a_pair_share_no_patient():
    problem = problem_of(np.ones((21, 2)), np.r_[np.zeros(10, int), np.ones(11, int)])
    for draw in (0, 2, 4):
        one, other = (set(markers._half(problem, d)) for d in (draw, draw + 1))
        assert not one & other and len(one) == len(other) == 10
    assert markers.complementary(problem)
    assert not markers.complementary(problem_of(np.ones((6, 2)), np.r_[np.zeros(3, int), np.ones(3, int)]))


def test_effect_intervals_are_those_of_resampled_rows():
    random = np.random.default_rng(4)
    y = np.tile([0, 1], 30)
    values = random.normal(size=(60, 3)) + np.outer(y, [1.5, -0.5, 0])
    high, effect = markers.effects(values, y)
    _, label, member = group_labels(y, np.arange(60))
    weight = scores.PatientResampler(label, member, resamples=100, permutations=0, seed=0).weight
    low, top = markers.effect_intervals(values, y, high, weight)
    naive = []
    for one in weight.astype(int):
        rows = np.repeat(np.arange(60), one)
        v, k = values[rows], y[rows]
        for_each = []
        for j in range(3):
            own, other = v[k == high[j], j], v[k != high[j], j]
            spread = np.sqrt((own.var() * own.size + other.var() * other.size) / (own.size + other.size - 2))
            for_each.append((own.mean() - other.mean()) / spread)
        naive.append(for_each)
    np.testing.assert_allclose([low, top], np.quantile(naive, [0.025, 0.975], axis=0), rtol=1e-4)
    assert ((low < effect) & (effect < top)).all() and low[0] > 0.5
