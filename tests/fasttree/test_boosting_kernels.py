"""The kernels of boosting against plain loops."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fasttree import GradientBoostingClassifier, GradientBoostingRegressor
from fasttree import _boosting_fit as boosting_fit
from fasttree import _losses_kernels as losses
from fasttree._binning import encode, learn_bins, pack, sort_column
from fasttree._boosting_presort import keep_left, keep_right, order_rows, split_order
from fasttree._boosting_rows import split_rows
from fasttree._boosting_split import describe, rate, score_packed, sort_categories
from fasttree._boosting_state import N_FLOATS, N_INTS, STOP, SUM_G, SUM_H, Rules, deal_features
from fasttree._boosting_tables import add_by_tables, flatten, group_trees
from fasttree._histogram import add_all, add_rows, take_away
from fasttree._losses import Loss
from tests.naive import boosting as naive


def serial(task, n):
    task(0, n)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(0, 400), n_features=st.integers(1, 8))
def test_histograms(seed, n, n_features):
    rng = np.random.default_rng(seed)
    codes = np.zeros((n, 8), np.uint8)
    codes[:, :n_features] = rng.integers(0, 256, (n, n_features))
    values = rng.integers(-(2**40), 2**40, n)
    words = codes.view(np.uint64)[:, 0].copy()
    out = np.zeros(2048, np.int64)
    add_all(words, values, n_features, out)
    expected = naive.histogram(codes[:, :n_features], values)
    np.testing.assert_array_equal(out.reshape(8, 256)[:n_features], expected)
    rows = np.sort(rng.choice(n, n // 2, replace=False)).astype(np.uint32)
    part = np.zeros(2048, np.int64)
    add_rows(words, rows, values[rows], n_features, part)
    np.testing.assert_array_equal(part.reshape(8, 256)[:n_features], naive.histogram(codes[rows, :n_features], values[rows]))
    take_away(part, out)
    others = np.setdiff1d(np.arange(n), rows)
    np.testing.assert_array_equal(out.reshape(8, 256)[:n_features], naive.histogram(codes[others, :n_features], values[others]))


@settings(max_examples=40, deadline=None)
@given(values=st.lists(st.one_of(st.integers(-5, 5).map(float), st.floats(width=32)), min_size=1, max_size=60), max_bins=st.integers(2, 20))
def test_bins(values, max_bins):
    X = np.array(values, np.float32)[:, None]
    bins = learn_bins(X, np.zeros(1, bool), max_bins=max_bins, random_state=np.random.RandomState(0), run=serial)
    with np.errstate(over="ignore", invalid="ignore"):
        cuts = naive.cut_points(X[:, 0], max_bins)
    np.testing.assert_array_equal(bins.cuts[0, : bins.n_bins[0] - 1], np.array(cuts, np.float32))
    assert bins.n_bins[0] <= max_bins
    np.testing.assert_array_equal(encode(X, bins, run=serial)[0], naive.encode(X[:, 0], cuts))


@pytest.mark.parametrize("n_features", [1, 7, 8, 9, 20])
def test_eight_codes_make_a_word(n_features):
    codes = np.random.default_rng(0).integers(0, 256, (n_features, 50)).astype(np.uint8)
    words = pack(codes, run=serial)
    for f in range(n_features):
        np.testing.assert_array_equal((words[f // 8] >> np.uint64(8 * (f % 8))) & np.uint64(255), codes[f])
    assert words.shape == (-(-n_features // 8), 50)


def test_many_rows_are_sampled_for_the_cuts():
    X = np.random.default_rng(0).normal(size=(250_000, 1)).astype(np.float32)
    bins = learn_bins(X, np.zeros(1, bool), max_bins=255, random_state=np.random.RandomState(0), run=serial)
    shares = np.bincount(encode(X, bins, run=serial)[0], minlength=255) / len(X)
    assert bins.n_bins[0] == 255
    assert 0.5 / 255 < shares.min() <= shares.max() < 2 / 255


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 300))
def test_rows_are_divided_in_their_order(seed, n):
    rng = np.random.default_rng(seed)
    codes, table = rng.integers(0, 256, n).astype(np.uint8), rng.integers(0, 2, 256).astype(np.uint8)
    rows = np.sort(rng.choice(n, max(1, n // 2), replace=False)).astype(np.uint32)
    out = np.zeros(2 * len(rows), np.uint32)
    lefts = split_rows(codes, table, rows, out)
    goes = table[codes[rows]] == 1
    np.testing.assert_array_equal(out[:lefts], rows[goes])
    np.testing.assert_array_equal(out[len(rows) : 2 * len(rows) - lefts], rows[~goes])
    order = np.zeros(n, np.uint16)
    order_rows(codes, np.zeros(257, np.int64), order)
    np.testing.assert_array_equal(order, np.argsort(codes, kind="stable"))
    sides, halves = table[codes], np.zeros(n, np.uint16)
    split_order(order, sides, int(sides.sum()), halves)
    np.testing.assert_array_equal(halves, np.concatenate([order[sides[order] == 1], order[sides[order] == 0]]))
    lefts, left, right = int(sides.sum()), np.zeros(n + 1, np.uint16), np.zeros(n + 1, np.uint16)
    keep_left(order, sides, left[: lefts + 1])
    keep_right(order, sides, right[lefts:])
    np.testing.assert_array_equal(np.concatenate([left[:lefts], right[lefts + 1 :]]), halves)


@pytest.mark.parametrize("precision", ["quantized", "full"])
def test_strips_make_the_same_histograms(precision, monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(9000, 20)).astype(np.float32)
    X[:, 0] = np.round(X[:, 0])
    y = np.sin(3 * X[:, 0]) + X[:, 5] * X[:, 9] + rng.normal(size=9000)
    model = GradientBoostingRegressor(max_iter=4, categorical_features=[0], early_stopping=False, precision=precision, random_state=0)
    wanted = model.fit(X, y).predict(X)
    monkeypatch.setattr(boosting_fit, "_CACHE", 0)
    for threads in (1, 2, 7):
        np.testing.assert_array_equal(model.set_params(n_jobs=threads).fit(X, y).predict(X), wanted)


def test_columns_are_sorted_without_what_is_missing():
    column = np.array([3.5, np.nan, -0.0, np.inf, 0.0, -np.inf, -1e-45, 3.5, -2.0, -np.nan, 1e38], np.float32)
    keys, ordered = np.empty((2, 11), np.uint32), np.empty(11, np.float32)
    n = sort_column(column.view(np.uint32), keys, np.empty((3, 2048), np.int64), ordered.view(np.uint32))
    np.testing.assert_array_equal(ordered[:n], np.sort(column)[:9])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 60), l2=st.sampled_from([0.0, 1.0, 300.0]), missing=st.booleans())
def test_packed_scores_are_what_the_children_save(seed, n, l2, missing):
    rng = np.random.default_rng(seed)
    g, h = rng.integers(-(2**22), 2**22, n + 1), rng.integers(1, 2**22, n + 1)  # the last bin is for missing values
    g0, h0 = (int(g[-1]), int(h[-1])) if missing else (0, 0)
    units = np.array([3e-4, 2e-5])
    ints, floats = np.zeros((1, N_INTS), np.int64), np.zeros((1, N_FLOATS))
    ints[0, STOP], ints[0, SUM_G], ints[0, SUM_H] = 1000, g.sum(), h.sum()
    rules = Rules(0.1, 0.0, l2, 0.1 * h.sum() * units[1], 0.0, 1, 31, 99, 1.0, False, False, False)
    leaf = describe(0, ints, floats, rules, units)
    prefix, scores = np.cumsum((g << 32) + h), np.zeros(n, np.float32)
    top = score_packed(prefix.view(np.int32), n, np.int32(g0), np.int32(h0), leaf, scores, scores.view(np.int32))
    gl, hl = (np.cumsum(g)[:n] + g0) * units[0], (np.cumsum(h)[:n] + h0) * units[1]
    gr, hr = g.sum() * units[0] - gl, h.sum() * units[1] - hl
    allowed = np.minimum(hl, hr) >= leaf.floor
    saved = [naive.saved(gl[i], hl[i], 0.0, l2) + naive.saved(gr[i], hr[i], 0.0, l2) for i in np.flatnonzero(allowed)]
    np.testing.assert_allclose(leaf.base + leaf.scale * scores[allowed], saved, rtol=1e-5)
    assert np.all(scores[~allowed] == 0)
    assert top == max(scores)
    assert rate(np.float32(top), leaf) == (leaf.base + leaf.scale * float(top) if top > 0 else -np.inf)


@pytest.mark.parametrize("hessian", [2**22, 2**26, 2**31 - 2**12])
def test_packed_scores_leave_no_child_empty(hessian):
    ints, floats, units = np.zeros((1, N_INTS), np.int64), np.zeros((1, N_FLOATS)), np.array([3e-4, 2e-5])
    ints[0, STOP], ints[0, SUM_G], ints[0, SUM_H] = 1000, 77_777_777, hessian
    leaf = describe(0, ints, floats, Rules(0.1, 0.0, 0.0, 0.0, 0.0, 1, 31, 99, 1.0, False, False, False), units)
    g, h = np.array([0, 33_333_333, 77_777_777, 77_777_777]), np.array([0, hessian // 2, hessian, hessian])
    scores = np.zeros(4, np.float32)
    score_packed(((g << 32) + h).view(np.int32), 4, np.int32(0), np.int32(0), leaf, scores, scores.view(np.int32))
    assert np.isfinite(scores).all()
    assert (scores > 0).tolist() == [False, True, False, False]


@pytest.mark.parametrize("n", [500, 3000])
def test_light_children_cost_no_splits(n):
    X = np.random.default_rng(0).normal(size=(n, 2))
    y = np.sin(3 * X[:, 0]) + X[:, 1] ** 2
    options = {"max_iter": 2, "min_samples_leaf": 1, "min_child_weight": 0.0, "random_state": 0}
    quick, full = (GradientBoostingRegressor(precision=p, **options).fit(X, y) for p in ("quantized", "full"))
    np.testing.assert_allclose(quick.predict(X), full.predict(X), atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(keys=st.lists(st.integers(-3, 3), max_size=60))
def test_categories_are_sorted_by_key_then_number(keys):
    order = np.arange(len(keys))
    values = np.array(keys, np.float64)
    sort_categories(len(keys), values, order)
    np.testing.assert_array_equal(order, sorted(range(len(keys)), key=lambda i: (keys[i], i)))


@pytest.mark.parametrize("n_threads", [1, 2, 3, 7, 40])
@pytest.mark.parametrize("n_features", [1, 8, 20, 28, 100])
def test_features_are_dealt_completely(n_threads, n_features):
    plan = deal_features(n_features, n_threads)
    assert plan.cuts[0] == 0 and plan.cuts[-1] == n_features
    for word, owner in enumerate(plan.owner):
        inside = [f for f in range(8 * word, min(8 * word + 8, n_features))]
        holders = {int(np.searchsorted(plan.cuts, f, side="right") - 1) for f in inside}
        assert holders == {owner} if owner >= 0 else (len(holders) > 1 and plan.shared[-1 - owner] == word)


SMOOTH = [
    (losses.SQUARED, 0.0),
    (losses.LOGISTIC, 0.0),
    (losses.POISSON, 0.0),
    (losses.GAMMA, 0.0),
    (losses.TWEEDIE, 1.5),
]


@pytest.mark.parametrize(("code", "parameter"), SMOOTH)
def test_gradients_are_derivatives_of_the_loss(code, parameter):
    rng = np.random.default_rng(0)
    y, raw = rng.integers(0, 2, 20) + (0.5 if code == losses.GAMMA else 0.0), rng.normal(size=(1, 20))
    g, h = np.zeros((2, 1, 20), np.float32)
    target = losses.Target(code, np.array([parameter]), y.astype(float), np.empty(0), raw)
    losses.gradients(target, 0, 20, g, h)
    loss, step = Loss(code, (parameter,)), 1e-4
    for i in range(20):
        values = [loss.value(y[i : i + 1], raw[:, i : i + 1] + s, None) for s in (-step, 0.0, step)]
        assert g[0, i] == pytest.approx((values[2] - values[0]) / (2 * step), abs=1e-3)
        assert h[0, i] == pytest.approx((values[2] - 2 * values[1] + values[0]) / step**2, abs=1e-2)


def test_softmax_gradients():
    rng = np.random.default_rng(0)
    raw, y = rng.normal(size=(4, 30)), rng.integers(0, 4, 30).astype(float)
    g, h = np.zeros((2, 4, 30), np.float32)
    losses.gradients(losses.Target(losses.SOFTMAX, np.zeros(4), y, np.empty(0), raw), 0, 30, g, h)
    p = np.exp(raw) / np.exp(raw).sum(axis=0)
    np.testing.assert_allclose(g, p - (y == np.arange(4)[:, None]), atol=1e-6)
    np.testing.assert_allclose(h, p * (1 - p), atol=1e-6)


@pytest.mark.parametrize("n", [1, 7, 8, 9, 1025])
def test_packed_prediction_equals_the_walk_over_codes(n):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 6)).astype(np.float32)
    X[rng.random(X.shape) < 0.1] = np.nan
    y = np.nan_to_num(X).sum(axis=1)
    model = GradientBoostingRegressor(max_iter=15).fit(X, y)
    codes, expected = model._ensemble.encode(X[:n]), np.full(n, model._ensemble.start[0])
    for t in range(len(model._ensemble.trees)):
        model._ensemble.add(codes, t, expected)
    np.testing.assert_array_equal(model.predict(X[:n]), expected)
    two = GradientBoostingRegressor(max_iter=15, n_jobs=2).fit(X, y)
    np.testing.assert_array_equal(two.predict(np.tile(X, (4, 1))), np.tile(model.predict(X), 4))


@pytest.mark.parametrize("leaves", [2, 9, 31, 64])
@pytest.mark.parametrize("classes", [2, 3])
def test_tables_find_the_leaves_that_the_walk_finds(leaves, classes):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4200, 7)).astype(np.float32)
    X[:, 0] = np.round(np.abs(3 * X[:, 0]))
    X[rng.random(X.shape) < 0.1] = np.nan
    y = np.digitize(np.nan_to_num(X).sum(axis=1), [0.0, 2.0][: classes - 1])
    model = GradientBoostingClassifier(max_iter=7, max_leaf_nodes=leaves, categorical_features=[0], min_samples_leaf=5).fit(X, y)
    ensemble = model._ensemble
    X[0, 0] = 99.0  # a category never seen
    flat = flatten(ensemble.trees, ensemble.sets, 7)
    for n in (1, 2047, 2049, 4200):
        expected, found = np.repeat(ensemble.start[:, None], n, axis=1), np.repeat(ensemble.start[:, None], n, axis=1)
        codes = ensemble.encode(X[:n])
        for t in range(len(ensemble.trees)):
            ensemble.add(codes, t, expected[t % ensemble.n_outputs])
        add_by_tables(X, ensemble.bins, flat, 0, n, found)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(model._raw(X[:n]), expected)


def test_trees_go_together_while_their_leaves_fit():
    assert group_trees([31, 31, 31, 64, 1, 2, 3]).tolist() == [0, 2, 3, 4, 7]
    model = GradientBoostingRegressor(max_leaf_nodes=65, min_samples_leaf=1, max_iter=2).fit(
        np.arange(400.0)[:, None], np.arange(400.0) % 7
    )
    assert flatten(model._ensemble.trees, model._ensemble.sets, 1) is None
    assert model.predict(np.arange(2000.0)[:, None]).shape == (2000,)  # by the walk


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("categorical", [None, [0]])
def test_prepared_predictor(classes, categorical):
    rng = np.random.default_rng(0)
    X = np.round(rng.normal(size=(400, 5)) * 3)
    y = np.digitize(X[:, 0] + X[:, 1], [0, 2][: classes - 1])
    model = GradientBoostingClassifier(max_iter=10, categorical_features=categorical).fit(X, y)
    one = model.prepare()
    for row, wanted in zip(X[:10], model.predict_proba(X[:10]), strict=True):
        np.testing.assert_allclose(one(row), wanted[1] if classes == 2 else wanted, rtol=1e-12)
    poisson = GradientBoostingRegressor(loss="poisson", max_iter=5).fit(X, np.abs(X[:, 0]))
    assert poisson.prepare()(X[0]) == pytest.approx(poisson.predict(X[:1])[0])


PLAIN = """
import sys
import os
import subprocess
import sys

import numpy as np
from fasttree import GradientBoostingClassifier, GradientBoostingRegressor, _boosting_fit
rng = np.random.default_rng(0)
X = np.round(rng.normal(size=(60, 3)), 1)
X[::9, 1] = np.nan
y = X[:, 0] + np.abs(np.nan_to_num(X[:, 1]))
options = {"max_iter": 1, "max_leaf_nodes": 4, "min_samples_leaf": 5}
found = []
for presorted in (True, False):
    _boosting_fit.presorting_pays = lambda *arguments: presorted
    found.append(GradientBoostingRegressor(categorical_features=[2], **options).fit(X, y).predict(X))
    found.append(GradientBoostingRegressor(precision="full", **options).fit(X, y).predict(X))
    found.append(GradientBoostingClassifier(**options).fit(X, y > 0.5).predict_proba(X)[:, 1])
np.save(sys.argv[1], found)
"""


def test_kernels_run_as_plain_python(tmp_path):
    results = []
    for disabled in ("0", "1"):
        path = tmp_path / f"{disabled}.npy"
        environment = os.environ | {"NUMBA_DISABLE_JIT": disabled}
        subprocess.run([sys.executable, "-W", "ignore", "-c", PLAIN, path], check=True, env=environment, timeout=200)
        results.append(np.load(path))
    np.testing.assert_allclose(results[0], results[1], rtol=1e-6)
