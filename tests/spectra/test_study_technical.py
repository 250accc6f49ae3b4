"""Drift over the run and agreement of replicates, on numbers whose truth is known."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from spectra import FeatureMatrix
from spectra.settings import Settings
from spectra.study import parts, technical
from spectra.study.problem import Problem


def matrix(values):
    n_features = values.shape[1]
    samples = pd.DataFrame({"r": range(len(values))})
    return FeatureMatrix(values, np.full(n_features, np.nan), np.ones(values.shape, bool), samples, [f"f{j}" for j in range(n_features)])


def test_a_drift_is_flagged_and_what_stays_is_not():
    random = np.random.default_rng(0)
    place = random.permutation(60).astype(float)
    numbers = {"total ion current": 100 - place + 10 * random.normal(size=60), "noise level": 5 + random.normal(size=60)}
    falls, stays = technical.drifts(numbers, place, "acquired", np.arange(60))
    assert falls.flag and falls.correlation < -0.8 and "falls over the run by" in falls.verdict and falls.change < -0.4
    assert not stays.flag and stays.p_value > 0.05
    (moved,) = technical.drifts({technical.SHIFT: 50 + 5 * place}, place, "acquired", np.arange(60))
    assert "rises over the run, from 85 to 310 ppm" in moved.verdict and "%" not in moved.verdict
    assert falls.correlation == pytest.approx(spearmanr(numbers["total ion current"], place)[0])


def test_replicates_count_once():
    random = np.random.default_rng(1)
    flags = 0
    for _ in range(200):
        groups = np.repeat(np.arange(12), 8)
        level = random.normal(size=12)[groups] + 0.01 * random.normal(size=96)
        (drift,) = technical.drifts({"x": level}, np.arange(96.0), "order", groups)
        flags += drift.flag
    assert flags <= 20  # 5 % expected; counted row by row it would be far more


def test_too_few_patients_are_not_judged():
    assert technical.drifts({"x": np.arange(14.0)}, np.arange(14.0), "order", np.repeat(np.arange(7), 2)) == []


def test_the_order_comes_from_the_named_date_or_a_telling_column():
    table = pd.DataFrame({"Acquired": [f"2020-01-{d:02}T10:00" for d in range(20, 10, -1)], "spot": [f"A{i}" for i in range(10)]})
    name, place = technical.run_order(table, {})
    assert name == "Acquired" and place.tolist() == list(range(10, 0, -1))
    assert technical.run_order(table[["spot"]], {}) is None
    assert technical.run_order(table.assign(order=range(10)), {"date": "Acquired"})[0] == "Acquired"


def naive_icc(values, member):
    """Analysis of variance by hand, one column."""
    groups = [values[member == g] for g in np.unique(member)]
    k, n = len(groups), len(values)
    between = sum(len(g) * (g.mean() - values.mean()) ** 2 for g in groups) / (k - 1)
    within = sum(((g - g.mean()) ** 2).sum() for g in groups) / (n - k)
    usual = (n - sum(len(g) ** 2 for g in groups) / n) / (k - 1)
    return (between - within) / (between + (usual - 1) * within)


def test_the_intraclass_correlation_is_that_of_the_analysis_of_variance_and_of_its_definition():
    random = np.random.default_rng(2)
    member = np.repeat(np.arange(300), random.integers(2, 5, 300))
    values = np.column_stack([random.normal(size=300)[member] * s + random.normal(size=member.size) for s in (0.0, 1.0, 3.0)])
    found = technical.agreement(matrix(values), member, "sample", np.arange(3)).icc
    assert found == pytest.approx([naive_icc(column, member) for column in values.T])
    assert found == pytest.approx([0.0, 0.5, 0.9], abs=0.06)


@pytest.mark.parametrize(("noise", "flag", "words"), [(0.1, False, "very well"), (0.8, False, "Average replicates"), (3.0, True, "badly")])
def test_replicates_that_disagree_are_an_alarm_with_a_remedy(noise, flag, words):
    random = np.random.default_rng(3)
    samples = np.repeat(np.arange(40), 3)
    values = 10 + random.normal(size=(40, 6))[samples] + noise * random.normal(size=(120, 6))
    found = technical.agreement(matrix(values), samples, "sample", np.arange(3))
    assert found.flag is flag and words in found.verdict and found.n_samples == 40
    assert np.median(found.cv) == pytest.approx(noise / 10, rel=0.2)


def test_replicates_of_what_does_not_vary_or_has_no_mean_are_not_praised():
    samples, random = np.repeat(np.arange(5), 2), np.random.default_rng(5)
    still = technical.agreement(matrix(np.ones((10, 3))), samples, "sample", np.arange(3))
    assert not still.flag and "tell nothing" in still.verdict
    values = random.normal(size=(5, 3))[samples]
    centred = technical.agreement(matrix(values - values.mean(axis=0) - 1.0), samples, "sample", np.arange(3))
    assert "very well" in centred.verdict and "nan" not in centred.verdict and "CV" not in centred.verdict
    alone = technical.agreement(matrix(random.normal(size=(3, 2))), np.array([0, 0, 1]), "sample", np.arange(2))
    assert alone.n_samples == 1 and "Too few samples" in alone.verdict


def test_the_calibration_shift_is_that_of_the_data_that_the_steps_learned_from(monkeypatch):
    """Where the folds choose settings of the steps, these are other data than those of the present settings."""
    values = np.ones((10, 2))
    before, after = (Problem(matrix(values + i), Settings(), np.arange(10) % 2, np.arange(10), ["a", "b"], 0) for i in range(2))
    seen = []
    monkeypatch.setattr(parts, "shifts", lambda steps, data: (seen.append(data) or np.ones(10, bool), np.empty(0)))
    found = {"problem": after, "features": after.data, "steps": None, "markers": []}
    parts.technical(SimpleNamespace(problem=before, found=found, table=pd.DataFrame({"r": range(10)}), roles={}, nuisance=None))
    assert seen == [after.data]


def test_no_replicates_no_verdict():
    assert technical.agreement(matrix(np.ones((5, 2))), np.arange(5), "sample", np.arange(2)) is None
