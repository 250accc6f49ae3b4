"""Scores of quantities, sensitivity, Brier score, and the paired test."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import brier_score_loss, mean_absolute_error, mean_squared_error, r2_score, roc_curve

from spectra.study import scores, scores_quantity, tasks
from spectra.study.paired import against, corrected_t
from tests.naive import scores_quantity as naive

ONE = np.ones((1, 60))


def case(seed, n=24):
    random = np.random.default_rng(seed)
    label = random.integers(0, 6, n).astype(float)
    rows = np.array_split(random.permutation(n), 3)
    folds = [(r, random.integers(0, 5, (r.size, 1)).astype(float)) for r in rows]
    return folds, label, random.integers(0, 3, (2, n)).astype(float)


@given(st.integers(0, 10_000))
def test_scores_of_a_quantity_agree_with_counting(seed):
    folds, label, weight = case(seed)
    assume(all(len(set(label[w > 0])) > 1 for w in weight))
    for score in ("concordance", "r2"):
        fast = getattr(scores_quantity, score)(folds, label[None, :], weight)
        for w, value in zip(weight, fast, strict=True):
            assert value == pytest.approx(getattr(naive, score)(folds, label, w), nan_ok=True)


def test_one_fold_agrees_with_libraries():
    random = np.random.default_rng(0)
    y, said = random.normal(size=60), random.normal(size=60)
    folds = [(np.arange(60), said[:, None])]
    got = {name: float(score(folds, y[None, :], ONE)[0]) for name, score in tasks.QUANTITY.measures.items()}
    assert got["r2"] == pytest.approx(r2_score(y, said))
    assert got["rmse"] == pytest.approx(mean_squared_error(y, said) ** 0.5)
    assert got["mae"] == pytest.approx(mean_absolute_error(y, said))
    assert got["spearman"] == pytest.approx(spearmanr(y, said).statistic)


def test_the_concordance_of_two_values_is_the_auc():
    random = np.random.default_rng(1)
    y, p = random.integers(0, 2, 60), random.random(60).round(1)
    both = np.column_stack([1 - p, p])
    ranked = scores_quantity.concordance([(np.arange(60), p[:, None])], y[None, :].astype(float), ONE)
    assert ranked[0] == pytest.approx(scores.auc([(np.arange(60), both)], y[None, :], ONE)[0])


def test_sensitivity_and_brier_agree_with_scikit_learn():
    random = np.random.default_rng(2)
    y = random.integers(0, 2, 60)
    p = np.clip(0.3 * y + random.random(60), 0, 1.3).round(1) / 1.3
    folds = [(np.arange(60), np.column_stack([1 - p, p]))]
    false, true, _ = roc_curve(y, p, drop_intermediate=False)
    assert scores.sensitivity(folds, y[None, :], ONE)[0] == pytest.approx(np.interp(0.1, false, true))
    assert scores.brier(folds, y[None, :], ONE)[0] == pytest.approx(brier_score_loss(y, p))
    twice = np.concatenate([np.arange(60), np.arange(60)])
    doubled = [(twice, np.concatenate([folds[0][1]] * 2))]
    assert scores.sensitivity(doubled, y[None, :], ONE)[0] == pytest.approx(scores.sensitivity(folds, y[None, :], 2 * ONE)[0])


def test_the_corrected_test_knows_the_plain_one_and_is_wider():
    from scipy.stats import ttest_1samp

    differences = np.random.default_rng(3).normal(0.1, 0.2, 15)
    plain = corrected_t(differences, 1e12, 1.0)
    assert plain[3] == pytest.approx(ttest_1samp(differences, 0).pvalue)
    mean, low, high, p_value = corrected_t(differences, 80, 20)
    error = np.sqrt((1 / 15 + 20 / 80) * differences.var(ddof=1))
    assert mean == pytest.approx(differences.mean()) and (high - low) / 2 == pytest.approx(2.1447866879 * error)
    assert p_value > plain[3]
    assert corrected_t(np.zeros(5), 80, 20)[3] == 1.0


@given(st.lists(st.floats(-1e3, 1e3), min_size=8, max_size=60))
def test_levels_keep_the_order_and_are_all_there(values):
    values = np.array(values)
    assume(np.unique(values).size > 1)
    level, edges = tasks.levels(values)
    order = np.argsort(values, kind="stable")
    assert (np.diff(level[order]) >= 0).all() and set(level) == set(range(edges.size)) and 2 <= edges.size <= 4
    assert len(tasks.level_names(values)) == edges.size


def test_the_best_of_many_equal_models_is_seldom_called_better():
    random, alarms = np.random.default_rng(0), 0
    for _ in range(300):
        by_split = {f"m{i}": scores for i, scores in enumerate(random.normal(size=(12, 15)))}
        best = max(by_split, key=lambda name: by_split[name].mean())
        pairs = against(best, by_split, 1e12, 1.0)
        assert [pair.name for pair in pairs] == [name for name in by_split if name != best]
        assert all(pair.difference <= 0 for pair in pairs)
        alarms += min(pair.p_value for pair in pairs) < 0.05
    assert alarms <= 15 + 2.3 * (300 * 0.05 * 0.95) ** 0.5  # adjusted for the eleven pairs with the best alone it was 44, now 9


def test_a_model_that_is_worse_is_told_from_the_best():
    random = np.random.default_rng(1)
    by_split = {"good": random.normal(1.0, 0.05, 15), "bad": random.normal(0.5, 0.05, 15), "as good": random.normal(1.0, 0.05, 15)}
    by_split["bad"][0] = np.nan
    found = {pair.name: pair for pair in against("good", by_split, 80, 20)}
    assert found["bad"].p_value < 0.001 < 0.05 < found["as good"].p_value
    assert found["bad"].difference < -0.4
