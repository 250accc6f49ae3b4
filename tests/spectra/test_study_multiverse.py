"""Many settings at once: nothing computed twice, nothing taken from the cache that has changed, and reasons that are true."""

import numpy as np
import pandas as pd
import pytest

from spectra.settings import Settings, change
from spectra.study import cache, curve, multiverse
from spectra.study.cache import Cache
from spectra.study.evaluation import Problem
from spectra.study.multiverse import Grower, Measured, Universe
from spectra.study.record import versions


class Cohort:
    """Stands in for one: knows by what it was made."""

    def __init__(self, made=()):
        self.made = made

    def __len__(self):
        return 4


@pytest.fixture
def grower(monkeypatch, tmp_path):
    """A Grower over stand-ins, with the list of what was computed."""
    done = []

    def process_signals(raw, settings, *, n_jobs):
        done.append(("signals", settings.smooth.half_window))
        return Cohort(("signals", settings.smooth.half_window)), None, None

    def pick_peaks(cohort, raw, nuisance, settings, *, n_jobs):
        done.append(("peaks", settings.peaks.snr))
        return Cohort((*cohort.made, "peaks", settings.peaks.snr)), None

    def measure(problem):
        done.append(("measure", problem.settings.smooth.half_window, problem.settings.peaks.snr, problem.settings.bin.tolerance))
        return Measured(len(problem.data.made), 0.5 + problem.settings.bin.tolerance, [1.0, 2.0], ["a", "b"])

    monkeypatch.setattr(multiverse, "process_signals", process_signals)
    monkeypatch.setattr(multiverse, "pick_peaks", pick_peaks)
    problem = Problem(Cohort(), Settings(), np.array([0, 1, 0, 1]), np.arange(4), ["a", "b"], 0)

    def make(folder=None, **inputs):
        return Grower(problem, Cohort(), None, measure, inputs={"data": "d", **inputs}, cache=Cache(folder), n_jobs=1)

    return make, done


def with_changes(*changes):
    return [multiverse.apply(Settings(), list(each)) for each in changes]


S5, S20, P3, P4, B1 = (
    ("smooth", "half_window", 5),
    ("smooth", "half_window", 20),
    ("peaks", "snr", 3.0),
    ("peaks", "snr", 4.0),
    ("bin", "tolerance", 0.001),
)


def test_only_what_lies_downstream_of_a_change_is_computed(grower):
    make, done = grower
    make().grow(with_changes((B1,), (P3,), (P3, B1), (S5,), (S5, B1), (S5, P4), (S5, P4, B1)))
    assert done.count(("signals", 5)) == 1 and len([step for step in done if step[0] == "signals"]) == 1
    assert sorted(step[1] for step in done if step[0] == "peaks") == [2.0, 3.0, 4.0]
    assert len([step for step in done if step[0] == "measure"]) == 7


def test_results_keep_their_order_whatever_is_grown_first(grower):
    make, _ = grower
    wanted = with_changes((S20,), (B1,), (P3,), (S20, P3), ())
    assert [(found.n_peaks, round(found.auc, 4)) for found in make().grow(wanted)] == [
        (4, 0.502),
        (0, 0.501),
        (2, 0.502),
        (4, 0.502),
        (0, 0.502),
    ]


def test_what_was_kept_is_not_computed_again_and_the_reason_is_told(grower, tmp_path):
    make, done = grower
    first = make(tmp_path)
    before = first.grow(with_changes((), (P3,)), ["present", "snr 3"])
    assert all("nothing was kept" in reason for _, _, reason in first.cache.told)
    done.clear()
    again = make(tmp_path)
    assert again.grow(with_changes((), (P3,), (P3, B1)))[:2] == before
    assert done == [("peaks", 3.0), ("measure", 10, 3.0, 0.001)]
    assert [reason for _, _, reason in again.cache.told] == ["", "", "bin.tolerance changed from 0.002 to 0.001"]
    assert again.cache.explain()[0] == "sensitivity: 2 of 3 results kept, computed anew:"
    other = make(tmp_path, data="e")
    other.grow(with_changes(()))
    assert other.cache.told[-1][2] == "other data"


def test_other_code_is_another_result(grower, tmp_path, monkeypatch):
    make, done = grower
    make(tmp_path).grow(with_changes(()))
    done.clear()
    monkeypatch.setattr(multiverse, "sources", lambda: "changed")
    later = make(tmp_path)
    later.grow(with_changes(()))
    assert done and later.cache.told[-1][2] == "other code"


def test_another_version_of_a_library_is_another_result(tmp_path, monkeypatch):
    from spectra import FeatureMatrix
    from spectra.study import course

    table = pd.DataFrame({"r": range(4)})
    data = FeatureMatrix(np.eye(4), np.full(4, np.nan), np.ones((4, 4), bool), table, list("abcd"))
    problem = Problem(data, Settings(), np.array([0, 1, 0, 1]), np.arange(4), ["a", "b"], 0)

    def kept(value):
        study = course.Course(problem, None, None, None, table, {}, None, 2, [], [], 1, None, None, [], cache=Cache(tmp_path))
        return study.kept("panel", int, lambda: value, []), study.cache.told[-1][2]

    assert kept(1)[0] == 1 and kept(2) == (1, "")
    monkeypatch.setattr(course, "versions", lambda: versions() | {"numpy": "0.1"})
    found, reason = kept(3)
    assert found == 3 and reason.startswith("version of numpy changed from")


def test_a_broken_file_is_computed_again(grower, tmp_path):
    make, done = grower
    make(tmp_path).grow(with_changes(()))
    (path,) = (tmp_path / "sensitivity").glob("*.msgpack")
    path.write_bytes(path.read_bytes()[:20])
    done.clear()
    assert make(tmp_path).grow(with_changes(()))[0].n_peaks == 0 and done
    done.clear()
    make(tmp_path).grow(with_changes(()))
    assert not done


def test_a_cache_without_a_folder_keeps_nothing():
    kept = Cache()
    kept.keep("part", {"a": 1}, 3)
    assert kept.load("part", {"a": 1}, int) is None and kept.told == []


def test_numbers_that_are_not_known_stay_unknown(tmp_path):
    kept = Cache(tmp_path)
    kept.keep("part", {"a": 1}, Measured(np.int64(3), float("nan"), [float("nan")], ["a"], "why"))
    found = kept.load("part", {"a": 1}, Measured)
    assert found.n_peaks == 3 and np.isnan(found.auc) and np.isnan(found.top[0]) and found.note == "why"


def test_the_digest_of_the_code_leaves_out_what_only_shows():
    assert cache.sources() == cache.sources() and len(cache.sources()) == 32


def test_overlap_is_of_masses_within_the_tolerance_or_of_names():
    reference = Measured(9, 0.9, [3000.0, 1000.0], ["x", "y"])
    assert multiverse.overlap(Measured(9, 0.9, [1001.0, 3010.0], ["a", "b"]), reference, 0.002) == 0.5
    nan = float("nan")
    assert multiverse.overlap(Measured(9, 0.9, [nan, nan], ["x", "z"]), Measured(9, 0.9, [nan, nan], ["x", "y"]), 0.002) == 0.5


def test_the_settings_that_move_most_come_first():
    present = Universe([], 100, 0.9, 1.0)
    singles = [
        Universe([("peaks", "snr", 4.0)], 90, 0.9, 0.9),
        Universe([("bin", "tolerance", 0.001)], 100, 0.6, 0.2),
        Universe([("smooth", "half_window", 5)], 100, 0.9, 1.0),
        Universe([("align", "tolerance", 0.001)], 0, float("nan"), float("nan"), "failed"),
    ]
    places = multiverse.movers(singles, present, 2)
    assert places == [("bin", "tolerance"), ("peaks", "snr")]
    pairs = multiverse.pairs_of(Settings(), places)
    assert len(pairs) == 4 and all(len({step for step, _, _ in changes}) == 2 for changes in pairs)


def test_drawn_combinations_are_different_and_the_same_for_a_seed():
    found = multiverse.drawn(Settings(), 12, 3)
    assert len({repr(changes) for changes in found}) == 12 and found == multiverse.drawn(Settings(), 12, 3)
    for changes in found:
        assert len({(step, name) for step, name, _ in changes}) == len(changes)
        multiverse.apply(Settings(), changes)


def test_a_step_that_cannot_work_leaves_the_others(grower, monkeypatch):
    from spectra.errors import SpectraError

    make, _ = grower

    def fail(raw, settings, *, n_jobs):
        raise SpectraError("too short")

    monkeypatch.setattr(multiverse, "process_signals", fail)
    found = make().grow(with_changes((S5,), (B1,)))
    assert found[0].note == "too short" and np.isnan(found[0].auc) and found[1].auc == 0.501


@pytest.mark.parametrize("seed", range(3))
def test_larger_parts_hold_the_smaller_ones_and_whole_patients(seed):
    groups = np.repeat(np.arange(30), 2)
    y = (groups % 3 == 0).astype(int)
    train = np.flatnonzero(groups >= 5)
    parts = [set(curve.part_of(y, groups, train, share, [seed])) for share in (0.4, 0.7, 1.0)]
    assert parts[0] < parts[1] < parts[2] == set(train)
    for part in parts:
        rows = np.array(sorted(part))
        assert np.isin(groups, groups[rows])[train].sum() == rows.size and len(set(y[rows])) == 2


def test_the_smallest_part_holds_enough_patients_for_the_inner_folds():
    assert curve.shares(np.array([16, 30]))[0] == 4 / 16 and curve.shares(np.array([16, 30]), 5)[0] == 5 / 16
    counts, y = np.array([16, 32]), np.arange(48) % 3 % 2
    part = curve.part_of(y, np.arange(48), np.arange(48), curve.shares(counts, 5)[0], [0])
    assert np.bincount(y[part]).min() == 5


def test_more_patients_help_where_there_is_something_to_learn():
    from spectra import FeatureMatrix
    from spectra.study import scores
    from spectra.study.candidates import candidates
    from spectra.study.splits import group_labels, grouped_splits

    random = np.random.default_rng(0)
    y = np.tile([0, 1], 60)
    values = random.normal(size=(120, 12)) + 0.45 * y[:, None]
    data = FeatureMatrix(
        values, np.full(12, np.nan), np.ones(values.shape, bool), pd.DataFrame({"r": range(120)}), [f"f{j}" for j in range(12)]
    )
    problem = Problem(data, change(Settings(), "study", folds=4), y, np.arange(120), ["a", "b"], 0)
    splits = grouped_splits(y, problem.groups, folds=4, repeats=1, seed=0)
    _, label, member = group_labels(y, problem.groups)
    resampler = scores.PatientResampler(label, member, resamples=200, permutations=0, seed=0)
    points = curve.learning_curve(problem, candidates(["naive Bayes"])[0], splits, resampler)
    assert [point.patients for point in points] == sorted(point.patients for point in points) and points[-1].patients == 90
    assert points[-1].auc.mean > points[0].auc.mean and points[-1].auc.low < points[-1].auc.mean < points[-1].auc.high
    assert points[0].train_auc - points[0].auc.mean > points[-1].train_auc - points[-1].auc.mean
    asked = []

    class Search:
        def best(self, space, score, name, among_equals):
            asked.append(name)
            return {key: values.grid[0] for key, values in space.items()}, 0.5

    curve.learning_curve(problem, candidates(["naive Bayes"])[0], splits, resampler, search=Search())
    assert len(set(asked)) == len(points) * len(splits)  # looked for as in the study, for each part by itself
    few = np.arange(14)  # seven of a class: five shares of them come down to fewer sizes
    small = problem._replace(data=data[few], y=y[few], groups=few)
    splits = grouped_splits(y[few], few, folds=7, repeats=1, seed=0)
    resampler = scores.PatientResampler(y[few], few, resamples=50, permutations=0, seed=0)
    sizes = [point.patients for point in curve.learning_curve(small, candidates(["naive Bayes"])[0], splits, resampler)]
    assert sizes == [8, 10, 12]
