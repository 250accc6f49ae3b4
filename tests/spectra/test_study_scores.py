import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from spectra.study import scores
from tests.naive import scores as naive


@given(st.integers(0, 10_000), st.integers(2, 3), st.integers(1, 3))
def test_auc_agrees_with_counting_pairs(seed, n_classes, n_folds):
    random = np.random.default_rng(seed)
    label = random.integers(0, n_classes, 24)
    rows = np.array_split(random.permutation(24), n_folds)
    folds = [(r, random.integers(0, 4, (r.size, n_classes)) / 4) for r in rows]
    weight = random.integers(0, 3, (2, 24)).astype(float)
    fast = scores.auc(folds, label[None, :], weight)
    for w, value in zip(weight, fast, strict=True):
        assert value == pytest.approx(naive.auc(folds, label, w, n_classes), nan_ok=True)


def test_one_fold_agrees_with_scikit_learn():
    random = np.random.default_rng(1)
    y, p = random.integers(0, 2, 200), random.random(200).round(1)
    folds = [(np.arange(200), np.column_stack([1 - p, p]))]
    one = np.ones((1, 200))
    assert scores.auc(folds, y[None, :], one)[0] == pytest.approx(roc_auc_score(y, p))
    decided = folds[0][1].argmax(axis=1)
    assert scores.balanced_accuracy(folds, y[None, :], one)[0] == pytest.approx(balanced_accuracy_score(y, decided))
    assert scores.accuracy(folds, y[None, :], one)[0] == pytest.approx((decided == y).mean())


def test_a_model_without_information_scores_one_half_although_folds_differ():
    y = np.repeat([0, 1], [30, 31])
    rows = np.array_split(np.random.default_rng(0).permutation(61), 5)
    folds = []
    for r in rows:  # the prior of the training part, which is higher where the held-out part holds fewer
        prior = (y.sum() - y[r].sum()) / (61 - r.size)
        folds.append((r, np.tile([1 - prior, prior], (r.size, 1))))
    assert scores.auc(folds, y[None, :], np.ones((1, 61)))[0] == 0.5


def test_resampling_keeps_patients_whole_and_classes_as_large_as_they_were():
    label, member = np.array([0, 0, 1, 1, 1]), np.array([0, 0, 1, 2, 3, 3, 4])
    made = scores.PatientResampler(label, member, resamples=200, permutations=99, seed=0)
    assert (made.weight[:, 0] == made.weight[:, 1]).all() and (made.weight[:, 4] == made.weight[:, 5]).all()
    patients = made.weight[:, [0, 2, 3, 4, 6]]
    assert (patients[:, :2].sum(axis=1) == 2).all() and (patients[:, 2:].sum(axis=1) == 3).all()
    assert (made.permuted[:, 4] == made.permuted[:, 5]).all()


def test_intervals_cover_and_p_values_are_uniform_without_information():
    p_values, covered = [], 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        label = np.repeat([0, 1], 20)
        member = np.repeat(np.arange(40), 2)
        p = random.random(40)[member]
        folds = [(np.arange(80), np.column_stack([1 - p, p]))]
        made = scores.PatientResampler(label, member, resamples=300, permutations=199, seed=seed)
        interval = made.interval(scores.auc, folds, cross_validated=False)
        covered += interval.low <= 0.5 <= interval.high
        p_values.append(made.p_value(folds))
    assert 180 <= covered <= 198
    assert 2 <= np.sum(np.array(p_values) <= 0.05) <= 20


def test_intervals_of_cross_validated_scores_are_wider_and_stay_between_zero_and_one():
    label = np.repeat([0, 1], 15)
    made = scores.PatientResampler(label, np.arange(30), resamples=300, permutations=0, seed=0)
    rng = np.random.default_rng(0)
    for informative in (0.0, 5.0):
        p = 1 / (1 + np.exp(-informative * label - rng.normal(size=30)))
        folds = [(np.arange(30), np.column_stack([1 - p, p]))]
        plain, wider = (made.interval(scores.auc, folds, cross_validated=way) for way in (False, True))
        assert wider.mean == plain.mean
        assert 0 <= wider.low <= plain.low <= plain.high <= wider.high <= 1
        if not informative:
            assert (wider.high - wider.low) ** 2 == pytest.approx(scores.TRAINED * (plain.high - plain.low) ** 2, rel=0.25)


def test_a_score_that_is_undefined_has_no_interval():
    made = scores.PatientResampler(np.array([0, 1]), np.arange(2), resamples=100, permutations=0, seed=0)
    folds = [(np.array([0]), np.array([[0.5, 0.5]])), (np.array([1]), np.array([[0.5, 0.5]]))]  # no fold holds two classes
    assert np.isnan(made.interval(scores.auc, folds)).all()
