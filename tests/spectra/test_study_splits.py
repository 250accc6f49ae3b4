import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectra.errors import SpectraError
from spectra.study import splits


@st.composite
def cohorts(draw):
    n_groups = draw(st.integers(6, 30))
    label = np.array([0, 1] * 3 + draw(st.lists(st.integers(0, 2), min_size=n_groups - 6, max_size=n_groups - 6)))
    if (label == 2).sum() == 1:
        label[label == 2] = 0
    sizes = draw(st.lists(st.integers(1, 4), min_size=n_groups, max_size=n_groups))
    member = np.repeat(np.arange(n_groups), sizes)
    order = np.random.default_rng(draw(st.integers(0, 99))).permutation(member.size)
    member = member[order]
    return label[member], np.array([f"p{g}" for g in member])


@given(cohorts(), st.integers(0, 3))
def test_no_patient_stands_on_both_sides_and_every_row_is_tested_once_per_repeat(cohort, seed):
    y, groups = cohort
    label = splits.group_labels(y, groups)[1]
    folds = splits.number_of_folds(label, 0)
    found = splits.grouped_splits(y, groups, folds=folds, repeats=2, seed=seed)
    tested = np.zeros((2, y.size), int)
    for split in found:
        assert not set(groups[split.train]) & set(groups[split.test])
        assert set(y[split.train]) == set(y)
        tested[split.repeat, split.test] += 1
    assert (tested == 1).all()
    again = splits.grouped_splits(y, groups, folds=folds, repeats=2, seed=seed)
    assert all((a.test == b.test).all() for a, b in zip(found, again, strict=True))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), min_size=1, max_size=12))
def test_patients_that_share_a_copy_become_one_and_no_others(found):
    values, patients = np.array([v for v, _ in found]), [str(p) for _, p in found]
    label = np.array([int(p) % 2 for p in patients])
    groups, copies = splits.join_copies(values[:, None].astype(float), label, patients)
    linked = {(i, j) for i in range(len(found)) for j in range(len(found)) if patients[i] == patients[j]}
    linked |= {(i, j) for i in range(len(found)) for j in range(len(found)) if values[i] == values[j] and label[i] == label[j]}
    for _ in found:  # until nothing more is reached
        linked |= {(i, k) for i, j in linked for j2, k in linked if j == j2}
    assert all((groups[i] == groups[j]) == ((i, j) in linked) for i in range(len(found)) for j in range(len(found)))
    kinds = len(set(zip(values, label, strict=True)))
    assert copies == (len(found) - kinds, kinds - len(set(values)))
    splits.group_labels(label, groups)  # which refuses a patient of two labels


def test_a_patient_with_two_labels_is_named():
    with pytest.raises(SpectraError, match="'b' has two labels"):
        splits.group_labels(np.array([0, 1, 0]), np.array(["a", "b", "b"]))


@pytest.mark.parametrize(
    ("label", "wanted", "words"),
    [([0, 0, 0], 0, "one class only"), ([0, 0, 1], 0, "single patient"), ([0, 0, 0, 1, 1], 3, "fewer than 3 folds; set .* to 2")],
)
def test_too_few_patients_are_an_error_with_a_remedy(label, wanted, words):
    with pytest.raises(SpectraError, match=words):
        splits.number_of_folds(np.array(label), wanted)


@pytest.mark.parametrize(
    ("smallest", "wanted", "inner", "words"),
    [
        (2, 0, 0, "class 'ill' has 2 patients.* with 2 folds 1 of them may be left to learn from, and 2 are needed"),
        (3, 2, 0, "class 'ill' has 3 patients.* with 2 folds 1 of them"),
        (4, 4, 4, "class 'ill' has 4 patients.* with 4 folds 3 of them may be left to learn from, and 4 are needed"),
        (3, 0, 0, None),
        (4, 2, 2, None),
    ],
)
def test_enough_patients_are_left_to_choose_by(smallest, wanted, inner, words):
    label = np.repeat([0, 1], [smallest, 20])
    if words is None:
        assert splits.number_of_folds(label, wanted, classes=["ill", "well"], inner=inner) == (wanted or smallest)
        return
    with pytest.raises(SpectraError, match=words):
        splits.number_of_folds(label, wanted, classes=["ill", "well"], inner=inner)


def test_many_numbers_with_one_patient_each_may_be_a_quantity():
    with pytest.raises(SpectraError, match=r"'2.5' has a single patient.*--task regression"):
        splits.number_of_folds(np.array([0, 1, 1, 2, 2]), 0, classes=["2.5", "3", "4"])


def test_folds_follow_the_smallest_class_up_to_five():
    assert splits.number_of_folds(np.repeat([0, 1], [10, 3]), 0) == 3
    assert splits.number_of_folds(np.repeat([0, 1], [10, 30]), 0) == 5


def test_a_site_is_held_out_with_its_patients():
    y = np.array([0, 1, 0, 1, 0, 1, 0])
    groups = np.array(["a", "b", "c", "d", "a", "e", "f"])
    sites = np.array(["x", "x", "y", "y", "y", "y", "x"])
    found = splits.site_splits(y, groups, sites)
    assert [(split.train.tolist(), split.test.tolist()) for split in found] == [([2, 3, 5], [0, 1, 6]), ([1, 6], [2, 3, 4, 5])]


def test_a_site_whose_absence_leaves_too_few_of_a_class_is_not_held_out():
    y = np.array([0, 1, 0, 1, 0, 1, 0])
    groups = np.array(["a", "b", "c", "d", "a", "e", "f"])
    sites = np.array(["x", "x", "y", "y", "y", "y", "x"])
    assert splits.site_splits(y, groups, sites, fewest=2) == []  # without x one patient is left of class 0, without y one of class 1
    y, days = np.arange(60) % 2, np.datetime64("2020-01-01", "ns") + np.arange(60).astype("timedelta64[D]")
    assert len(splits.forward_splits(y, np.arange(60), days, fewest=12)) == 3
    assert len(splits.forward_splits(y, np.arange(60), days, fewest=13)) == 2


def test_forward_in_time_never_trains_on_the_future():
    random = np.random.default_rng(3)
    n = 60
    when = np.datetime64("2020-01-01", "ns") + random.permutation(n).astype("timedelta64[D]")
    y = random.integers(0, 2, n)
    found = splits.forward_splits(y, np.arange(n), when)
    assert len(found) == 3
    for split in found:
        assert when[split.train].max() < when[split.test].min()
