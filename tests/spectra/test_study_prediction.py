"""New spectra: are strange ones told, and is the reason given the true one?"""

import numpy as np
import pandas as pd
import pytest

from fasttree import DecisionTreeClassifier, RandomForestClassifier
from spectra import Cohort, FeatureMatrix, Spectrum
from spectra.settings import Settings
from spectra.study import familiar, reasons, seen


def naive_nearest(values, others, mask):
    found = []
    for i, row in enumerate(values):
        found.append(min(np.sqrt(((row - other) ** 2).sum()) for j, other in enumerate(others) if not mask(i, j)))
    return np.array(found)


@pytest.fixture
def rows():
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 2)
    values = random.normal(size=(40, 5))[groups] + 0.01 * random.normal(size=(80, 5))
    return values * [1, 10, 100, 1, 1], groups


def test_the_limit_leaves_a_patients_own_replicates_out(rows):
    values, groups = rows
    scaled = (values - values.mean(axis=0)) / values.std(axis=0)
    own = naive_nearest(scaled, scaled, lambda i, j: groups[i] == groups[j])
    assert familiar.training_limit(values, groups) == pytest.approx(np.sort(own)[-1])  # 99 % of 80, the higher
    assert familiar.training_limit(values, np.arange(80)) < 0.1 * familiar.training_limit(values, groups)


def test_distances_are_blocked_without_change(rows, monkeypatch):
    values, _ = rows
    whole = familiar.distances(values + 1, values, 2.0)
    monkeypatch.setattr(familiar, "_BLOCK", 100)
    np.testing.assert_allclose(familiar.distances(values + 1, values, 2.0), whole)
    scaled = [(x - values.mean(axis=0)) / values.std(axis=0) for x in (values + 1, values)]
    np.testing.assert_allclose(whole, naive_nearest(*scaled, lambda i, j: False) / 2.0, rtol=1e-6, atol=1e-6)


def test_a_row_like_the_others_is_not_strange_and_a_far_one_is(rows):
    values, groups = rows
    known = familiar.Known(np.empty(0), np.empty(0), familiar.training_limit(values, groups))
    near, far = values[:3] * 1.001, values[:1] + 20 * values.std(axis=0)
    new = np.concatenate([near, far])
    data = FeatureMatrix(new, np.full(5, np.nan), np.ones(new.shape, bool), pd.DataFrame({"r": range(4)}), list("abcde"))
    from spectra.pipeline import learned_steps

    steps = learned_steps(Settings(), data)
    said = familiar.warnings_for(known, steps, data, np.empty(0), familiar.distances(new, values, known.limit), np.empty(0))
    assert said[:3] == [[], [], []] and "times as far" in said[3][0]


@pytest.mark.parametrize(("value", "strange"), [(100.0, False), (119.0, False), (1000.0, True), (1.0, True), (0.0, True)])
def test_a_total_ion_current_outside_the_training_range_is_strange(value, strange):
    training = np.linspace(80, 120, 41)
    assert familiar._strange(value, training, logarithm=True) is strange


def test_the_path_of_a_tree_is_the_one_it_walks():
    random = np.random.default_rng(1)
    X = random.normal(size=(200, 3))
    y = ((X[:, 0] > 0) & (X[:, 2] > 0.5)).astype(int)
    model = DecisionTreeClassifier(max_depth=2).fit(X, y)
    told = reasons.reasons(model, None, np.array([[1.0, 0, 2.0], [-1.0, 0, 2.0]]), X, ["a", "b", "c"])
    assert "c = 2 > 0." in told[0] and "a = 1 > " in told[0] and "a = -1 <=" in told[1] + told[0].replace("a = 1", "")
    ends = [int(text.rpartition("(")[2].split()[0]) for text in told]
    leaves = model.apply(X)
    assert ends == [int((leaves == leaf).sum()) for leaf in model.apply(np.array([[1.0, 0, 2.0], [-1.0, 0, 2.0]]))]


def test_contributions_name_the_feature_that_decides():
    random = np.random.default_rng(2)
    X = random.normal(size=(200, 4))
    y = (X[:, 3] > 0).astype(int)
    model = RandomForestClassifier(n_estimators=30, random_state=0).fit(X, y)
    new = np.array([[0.0, 0, 0, 2.0], [0, 0, 0, -2.0]])

    def of_class_one(values):
        return model.predict_proba(values)[:, 1]

    change = reasons.contributions(of_class_one, new, X)
    for i in range(2):
        elsewhere = []
        for place in np.quantile(X[:, 3], reasons.PLACES, method="nearest"):
            other = new.copy()
            other[i, 3] = place
            elsewhere.append(of_class_one(other)[i])
        assert change[i, 3] == pytest.approx(of_class_one(new)[i] - np.mean(elsewhere))
    assert (np.abs(change).argmax(axis=1) == 3).all() and change[0, 3] > 0 > change[1, 3]
    told = reasons.reasons(model, of_class_one, new, X, list("abcd"))
    assert told[0].startswith("d above 9") and told[1].startswith("d above 4 %")


def test_a_spectrum_is_known_again_in_another_format_and_in_an_average():
    mz, y = np.arange(5.0), np.array([3, 1, 4, 1, 5])
    whole, single, moved, other = (
        seen.digests(Cohort.from_spectra([Spectrum(axis, values, "s")]))
        for axis, values in ((mz, y), (mz, y.astype(np.float32)), (mz * 1.001, y.astype(float)), (mz, y + 1))
    )
    assert whole == single == moved != other
    rows = [np.r_[other, whole], other, other]
    told = seen.trained_on(whole, seen.names(["p1", 7]), rows, seen.names(["p1", "7", "p2"]))
    assert told == [seen.ITSELF, seen.PATIENT, ""]
    assert seen.trained_on(whole, np.empty(0, str), rows, None) == [seen.ITSELF, "", ""]
