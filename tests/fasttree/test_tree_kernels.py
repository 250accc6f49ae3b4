"""The kernels that growing calls, each against a line or two of plain Python."""

from typing import NamedTuple

import numpy as np
import pytest
import scipy.special
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core.errors import UnsupportedError
from scipy import sparse

from fasttree import DecisionTreeClassifier, DecisionTreeRegressor
from fasttree._growth_number import new_nodes, number_nodes
from fasttree._growth_rows import partition
from fasttree._growth_state import new_sketch
from fasttree._jit import njit
from fasttree._jit_reference import interpreted, refer
from fasttree._jit_vector import LANES
from fasttree._pages import unused
from fasttree._splitting_bound import N_BUCKETS, bound_buckets, fill_histogram
from fasttree._splitting_categories import DONE
from fasttree._splitting_encode import (
    MISSING,
    MOST_PACKED,
    PACKED_MISSING,
    PACKED_ROW,
    PACKED_SHIFT,
    ROW,
    encode,
    keys_of,
    pack,
    select_rows,
    unpack,
)
from fasttree._splitting_random import Table, draw_lanes, fill_lanes, lanes_at_once, mix, new_lanes, score_lanes
from fasttree._splitting_scan import ENTROPY, MOMENT, Rules, Target, scan_classes, scan_pair
from fasttree._splitting_sort import gather_keys, merge_sort, sort_keys
from tests.naive import trees as naive

ANY = st.floats(allow_nan=True, allow_infinity=False) | st.sampled_from([0.0, -0.0, 1.0, -1.0, 5e-324, -5e-324])


class Scanning(NamedTuple):
    left: np.ndarray
    right: np.ndarray
    table: np.ndarray


class Inner(NamedTuple):
    y: np.ndarray
    flag: bool


class Outer(NamedTuple):
    x: np.ndarray
    inner: Inner
    number: int


@njit(_nrt=False)
def read_fields(outer, i):
    outer.x[i] += 1.0
    return outer.x[i] + (outer.inner.y[1] if outer.inner.flag else 100.0) + outer.number


@njit(_nrt=False)
def read_references(x, y, number):
    total = 0.0
    for i in range(len(x)):  # each round refers to another tuple
        outer = refer(Outer(x, Inner(y, i > 0), number + i))
        total = 10.0 * total + read_fields(outer, i)
    return total


def test_a_reference_reads_the_fields_of_its_tuple():
    x = np.array([1.0, 2.0])
    assert read_references(x, np.arange(3), 5) == 10 * (2 + 100 + 5) + 3 + 1 + 6
    assert x.tolist() == [2.0, 3.0]


@pytest.mark.skipif(interpreted(), reason="nothing is compiled")
def test_kernels_that_count_references_are_refused():
    with pytest.raises(UnsupportedError, match="_nrt=False"):
        njit(lambda x, y: refer(Inner(x, y)).flag)(np.zeros(2), True)


@pytest.mark.parametrize("n_rows", [5, 1 << 15])  # from NumPy, and from the system
def test_unused_memory_is_laid_out_without_overlap(n_rows):
    arrays = unused(n_rows, {"a": (np.float64, (3, 2)), "none": (np.int64, (0, 4)), "b": (np.int32, (5,)), "c": (np.uint8, (7,))})
    assert [(array.shape, array.dtype) for array in arrays.values()] == [((3, 2), "f8"), ((0, 4), "i8"), ((5,), "i4"), ((7,), "u1")]
    for value, array in enumerate(arrays.values()):
        assert array.flags.c_contiguous and array.flags.writeable
        array[:] = value
    for value, array in enumerate(arrays.values()):
        assert np.all(array == value)


@settings(deadline=None, max_examples=100)
@given(st.lists(ANY, min_size=1, max_size=30), st.sampled_from([np.float32, np.float64]))
def test_columns_are_ranked(values, dtype):
    with np.errstate(over="ignore"):
        x = np.array(values, dtype=dtype)
    x[np.isinf(x)] = 3.0
    expected = naive.ranks(x.tolist(), int(MISSING))
    assert encode(x[:, None])[0].tolist() == expected
    packed = naive.ranks(x.tolist(), int(PACKED_MISSING))
    assert encode(x[:, None], packed=True)[0].tolist() == sorted((code << 16) | row for row, code in enumerate(packed))


@pytest.mark.parametrize("n_rows", [1, 2, 5000])
@pytest.mark.parametrize("n_jobs", [1, 3])
def test_tables_are_ranked_by_column_whatever_their_layout(n_rows, n_jobs):
    X = np.random.default_rng(0).normal(size=(n_rows, 17)).round(2)
    X[::4, 3] = np.nan
    expected = np.column_stack([naive.ranks(column.tolist(), int(MISSING)) for column in X.T])
    for other in (X, np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2], X.astype(np.float64)):
        assert np.array_equal(encode(other, n_jobs=n_jobs).T, expected)


COLUMNS = {
    "normal": lambda random, n: random.normal(size=n),
    "intensities": lambda random, n: random.lognormal(5.0, 2.0, size=n) * (random.random(n) < 0.5),
    "far from zero": lambda random, n: 1e15 + random.integers(0, n, size=n) / 8,
    "crowded": lambda random, n: np.where(random.random(n) < 0.01, 1.0, 1e-200 * random.normal(size=n)),
    "of all sizes": lambda random, n: random.choice([-1.0, 1.0], size=n) * 10.0 ** random.uniform(-320, 308, size=n),
    "missing": lambda random, n: np.full(n, np.nan),
}


@pytest.mark.parametrize("n_rows", [40, 6000])  # with digits of 8 and of 11 bits
@pytest.mark.parametrize("kind", COLUMNS)
def test_columns_of_any_range_are_ranked(kind, n_rows):
    x = COLUMNS[kind](np.random.default_rng(0), n_rows)
    x[::9] = np.nan
    both = np.column_stack([x, -x])
    for column, code, key in zip((x, -x), encode(both), encode(both, packed=True), strict=True):
        present = ~np.isnan(column)
        assert np.array_equal(code[present], np.unique(column[present], return_inverse=True)[1])
        assert np.all(code[~present] == MISSING)
        assert np.array_equal(key, np.sort((np.minimum(code, PACKED_MISSING) << PACKED_SHIFT) | np.arange(n_rows, dtype=np.uint32)))


def test_sparse_columns_are_ranked_as_dense_ones():
    X = np.random.default_rng(0).normal(size=(50, 4)) * (np.random.default_rng(1).random((50, 4)) < 0.3)
    for packed in (False, True):
        assert np.array_equal(encode(X, packed=packed), encode(sparse.csc_array(X), packed=packed))


@pytest.mark.parametrize("packed", [False, True])
def test_rows_are_selected_in_order(packed):
    X = np.random.default_rng(0).normal(size=(40, 3))
    keys = encode(X, packed=True) if packed else np.stack([keys_of(column) for column in X.T])
    weight = np.random.default_rng(1).integers(0, 2, size=40).astype(float)
    out = np.empty((3, int(weight.sum())), dtype=keys.dtype)
    select_rows(keys, weight, PACKED_ROW if packed else ROW, out)
    assert out.tolist() == [[key for key in row.tolist() if weight[key & (0xFFFF if packed else 0xFFFFFFFF)]] for row in keys]


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=40))
def test_rows_are_sorted_by_value(values):
    found = keys_of(np.array(values, dtype=np.float64))
    assert found.tolist() == sorted((code << 32) | row for row, code in enumerate(naive.ranks(values, int(MISSING))))


@settings(deadline=None)
@given(st.lists(st.sampled_from([0, 3, 4, 65_534, int(MISSING)]), max_size=40), st.booleans())
def test_keys_come_back_from_packing(codes, keep_codes):
    rows = np.random.default_rng(0).permutation(MOST_PACKED)[: len(codes)].tolist()
    keys = sorted((code << 32) | row for code, row in zip(codes, rows, strict=True))
    numbers = naive.ranks([np.nan if code == MISSING else code for code in codes], int(MISSING))
    wanted = keys if keep_codes else sorted((code << 32) | row for code, row in zip(numbers, rows, strict=True))
    packed, back = np.empty(len(codes), dtype=np.uint32), np.empty(len(codes) + 1, dtype=np.uint64)
    pack(np.array(keys, dtype=np.uint64), keep_codes, packed)
    unpack(packed, back)
    assert back[:-1].tolist() == wanted
    assert packed.tolist() == sorted(packed.tolist())


@settings(deadline=None, max_examples=150)
@given(st.lists(st.integers(0, 2**31) | st.integers(0, 5) | st.just(int(MISSING)), min_size=1, max_size=120))
def test_keys_are_gathered_and_sorted(codes):
    codes = np.array(codes, dtype=np.uint32)
    rows = np.arange(len(codes), dtype=np.uint32)[::-1].copy()
    keys = np.empty(len(codes), dtype=np.uint64)
    low, high, n_present = gather_keys(codes, rows, keys)
    present = [int(code) for code in codes if code != MISSING]
    assert n_present == len(present)
    expected = sorted((int(codes[row]) << 32) | place for place, row in enumerate(rows))
    if present:
        assert (low, high) == (min(present), max(present))
        spare = np.empty(n_present, dtype=np.uint64)
        sort_keys(keys[:n_present], spare, low, high, np.empty(4 * len(codes) + 8, dtype=np.uint32))
    assert keys.tolist() == expected


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=200))
def test_crowded_keys_are_merged(keys):
    out = np.empty(len(keys), dtype=np.uint64)
    merge_sort(np.array(keys, dtype=np.uint64), out)
    assert out.tolist() == sorted(keys)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 99), st.booleans()), min_size=1, max_size=40))
def test_partition_is_stable(entries):
    array = np.array([value for value, _ in entries], dtype=np.uint32)
    goes_left = np.array([flag for _, flag in entries], dtype=np.uint8)
    n_left = partition(array, goes_left, np.empty_like(array))
    assert n_left == goes_left.sum()
    assert array.tolist() == [v for v, flag in entries if flag] + [v for v, flag in entries if not flag]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6))
def test_two_classes_of_whole_weights_are_scanned_as_any(seed):
    """By their table, the best boundary is the one that logarithms tell."""
    random = np.random.default_rng(seed)
    n_rows, n_missing, rules = int(random.integers(2, 60)), int(random.integers(0, 5)), Rules(9, 9, 2, int(random.integers(1, 4)), 2.5, 0.0)
    codes = np.sort(random.integers(0, random.integers(2, 40), n_rows)).astype(np.uint64)
    codes[n_rows - n_missing :] = MISSING
    n_present = int(np.sum(codes != MISSING))
    keys = (codes << np.uint64(32)) | random.permutation(n_rows).astype(np.uint64)
    weight, slots = random.integers(1, 4, n_rows).astype(np.float64), random.integers(0, 2, (n_rows, 1)).astype(np.float64)
    target = Target(ENTROPY, True, 2, False, weight, np.empty(0), slots)
    totals = np.bincount(slots[:, 0].astype(int), weight, 2)
    work = Scanning(np.empty(2), np.empty(2), np.empty(0))
    for missing_left in (False, True):
        given_all = keys, n_present, missing_left, target, weight.sum()
        expected = scan_classes(*given_all, totals, rules, -np.inf, work)
        found = scan_pair(*given_all, totals[1], rules, -np.inf, scipy.special.xlogy(range(200), range(200)))
        assert found[1] == expected[1]
        assert found[0] == pytest.approx(expected[0], abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.sampled_from(["gini", "entropy", "squared_error"]))
def test_bounds_are_never_exceeded(seed, criterion):
    """No boundary inside a bucket scores more than the bucket's bound, and the best end is a score that is reached."""
    random, classes, entropy = np.random.default_rng(seed), criterion != "squared_error", criterion == "entropy"
    n_rows = int(random.integers(2, 400))
    codes = random.integers(0, random.integers(2, 2000), size=n_rows).astype(np.uint64)
    weight = random.integers(1, 4, size=n_rows).astype(float)
    value = weight * (random.integers(0, 2, size=n_rows) if classes else random.normal(size=n_rows))
    low, high = codes.min(), codes.max()
    scale = (np.uint64(N_BUCKETS) << np.uint64(32)) // (high - low + np.uint64(1))
    histogram, bounds = np.empty((N_BUCKETS, 4)), np.empty(N_BUCKETS)
    fill_histogram(codes.astype(np.uint32), np.arange(n_rows, dtype=np.uint32), low, scale, weight, value, histogram)
    rules, table = Rules(9, 9, 2, 1, 0.0, 0.0), np.zeros(2)  # 0 log 0 and 1 log 1
    best = bound_buckets(histogram, entropy, classes, weight.sum(), value.sum(), n_rows, rules, table, bounds)
    scores = {}
    for code in np.unique(codes)[:-1]:
        left = codes <= code
        w, s = weight[left].sum(), value[left].sum()
        scores[code] = (s * weight.sum() - w * value.sum()) ** 2 / (w * (weight.sum() - w))
        if entropy:
            other, rest = weight.sum() - w, value.sum() - s
            scores[code] = (
                sum(scipy.special.xlogy(x, x) for x in (s, w - s, rest, other - rest)) - scipy.special.xlogy([w, other], [w, other]).sum()
            )
        bucket = int(((code - low) * scale) >> np.uint64(32))
        assert scores[code] <= bounds[bucket] + 1e-6 * abs(bounds[bucket]) + 1e-9
    if scores:
        assert best <= max(scores.values()) + 1e-9 * abs(max(scores.values())) + 1e-9


@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("random", [False, True])
def test_nodes_are_numbered_in_preorder(bounded, random):
    sketch = new_sketch(5, 9, 2, 9 * bounded, 9 * random)
    sketch.left[:7] = [1, 3, -1, -1, 5, -1, -1]  # the right child follows the left one
    for name in ("feature", "low", "high", "threshold", "weight", "start", "cut"):
        getattr(sketch, name)[:7] = np.arange(7)[: len(getattr(sketch, name))]
    sketch.cut[4] = DONE
    sketch.stop[:7], sketch.missing_left[:7], sketch.sums[:7] = np.arange(7) * 11, 1, np.arange(14).reshape(7, 2)
    if bounded:
        sketch.bounds[:7] = np.arange(14).reshape(7, 2)
    nodes = new_nodes(1, 7, 2, bounded)
    number_nodes(sketch, np.array([0, 7]), np.empty((8, 2), dtype=np.int64), nodes)
    order = np.array([0, 1, 3, 4, 5, 6, 2])
    assert nodes.bounds[:, 1].tolist() == ((2 * order + 1).tolist() if bounded else [])
    assert nodes.left.tolist() == [1, 2, -1, 4, -1, -1, -1]
    assert nodes.right.tolist() == [6, 3, -1, 5, -1, -1, -1]
    inner = nodes.left >= 0
    for name in ("feature", "low", "high"):
        assert getattr(nodes, name)[inner].tolist() == order[inner].tolist()
    np.testing.assert_array_equal(nodes.threshold[inner], order[inner] if random else [0, 0, np.nan])
    assert set(nodes.feature[~inner]) == set(nodes.threshold[~inner]) == {-2}
    assert nodes.missing_left.tolist() == inner.tolist()
    assert nodes.weight.tolist() == order.tolist() and nodes.size.tolist() == (order * 10).tolist()
    assert nodes.sums[:, 1].tolist() == (2 * order + 1).tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("n_rows", [1, 2, 3, 4, 6, 9, 31, 1033])
def test_random_splits_are_scored_as_by_hand(n_rows, missing, dtype):
    random = np.random.default_rng(n_rows)
    values = random.normal(size=(n_rows + 10, 20)).round(1).astype(dtype)
    values[:, 5] = 3.0
    if missing:
        values[random.random(values.shape) < 0.3] = np.nan
    table = Table(values.reshape(-1), 20, 1) if n_rows % 2 else Table(values.T.reshape(-1), 1, n_rows + 10)
    rows = random.permutation(n_rows + 10)[:n_rows].astype(np.uint32)
    weight = random.uniform(1, 4, n_rows)
    value = weight * random.normal(size=n_rows)
    target = Target(MOMENT, False, 1, False, weight, value, np.empty((n_rows, 0)))
    for n_lanes, min_leaf in ((1, 1), (2, 2), (3, 1), (LANES, 3), (LANES + 1, 1), (2 * LANES, 2), (5 * LANES, 1)):
        if n_lanes > lanes_at_once(n_rows):  # there is no room
            continue
        lanes = new_lanes(n_rows, np.dtype(dtype))
        draw_lanes(np.arange(20), 0, n_lanes, np.array([n_rows], dtype=np.uint64), lanes)
        lanes.missing_left[:] = random.random(len(lanes.missing_left)) < 0.5
        cells = lanes.cells[0, : n_rows * LANES * -(-n_lanes // LANES)]
        fill_lanes(table, rows, n_lanes, missing, cells, lanes)
        rules = Rules(2**62, 2**62, 2, min_leaf, 0.0, 0.0)
        score_lanes(cells, n_lanes, missing, target, weight.sum(), value.sum(), rules, lanes)
        for j in range(n_lanes):
            column = values[rows, lanes.feature[j]]
            expected = naive.random_split(column, lanes.uniform[j], lanes.missing_left[j], weight, value)
            assert lanes.n_missing[j] == (np.isnan(column).sum() if missing else 0)
            if expected is None:
                assert lanes.low[j] > lanes.high[j]
                continue
            low, high, threshold, n_left, score = expected
            assert (lanes.low[j], lanes.high[j], lanes.threshold[j]) == (low, high, threshold)
            if low < high or 0 < lanes.n_missing[j] < n_rows:
                allowed = min_leaf <= n_left <= n_rows - min_leaf
                assert lanes.score[j] == pytest.approx(score if allowed else -np.inf, rel=1e-9, abs=1e-12)


def test_features_are_drawn_without_replacement_and_evenly():
    order, random, lanes = np.arange(37), np.array([5], dtype=np.uint64), new_lanes(1, np.dtype(np.float32))
    counts, uniform = np.zeros(37), []
    for _ in range(3000):
        drawn = []
        for first, n_lanes in [(first, LANES) for first in range(0, 36, LANES)] + [(36, 1)]:
            draw_lanes(order, first, n_lanes, random, lanes)
            drawn += lanes.feature[:n_lanes].tolist()
            uniform += lanes.uniform[:n_lanes].tolist()
        assert sorted(drawn) == list(range(37))
        counts[drawn[:10]] += 1
    assert np.abs(counts - 3000 * 10 / 37).max() < 5 * np.sqrt(3000 * 10 / 37)
    assert min(uniform) >= 0.0 and max(uniform) < 1.0
    assert np.abs(np.histogram(uniform, 20, (0, 1))[0] - len(uniform) / 20).max() < 5 * np.sqrt(len(uniform) / 20)


@pytest.mark.parametrize("n_rows", [2, 3, 5, 9, 17, 40, 150, 700])
@pytest.mark.parametrize("classes", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_best_of_the_drawn_splits_is_found(n_rows, classes, dtype):
    for seed in range(20):
        check_drawn_split(n_rows, classes, dtype, seed)


def check_drawn_split(n_rows, classes, dtype, seed):
    random = np.random.default_rng(seed)
    n_features, min_leaf = int(random.integers(1, 60)), 1 + seed % 4 // 3
    X = random.normal(size=(n_rows, n_features)).round(seed % 2).astype(dtype)
    X[:, random.random(n_features) < (0.0, 0.2, 0.9)[seed % 3]] = 1.0
    y, weight = random.integers(0, 2, n_rows), random.integers(1, 4, n_rows).astype(np.float64)  # whose sums are exact
    y[:2] = 0, 1
    kind = DecisionTreeClassifier if classes else DecisionTreeRegressor
    max_features = int(random.integers(1, n_features + 1))
    options = {"max_depth": 1, "max_features": max_features, "min_samples_leaf": min_leaf}
    tree = kind(splitter="random", random_state=seed, **options).fit(X, y, weight).tree_
    order, state, lanes = np.arange(n_features), np.array([mix(np.uint64(seed + 1))], dtype=np.uint64), new_lanes(n_rows, np.dtype(dtype))

    def draw(n_drawn, n_wanted):
        n_lanes = min(n_wanted, lanes_at_once(n_rows))
        draw_lanes(order, n_drawn, n_lanes, state, lanes)
        return list(zip(lanes.feature[:n_lanes].tolist(), lanes.uniform[:n_lanes].tolist(), strict=True))

    enough = np.inf
    if classes:
        enough = float(weight[y == 0].sum() * weight[y == 1].sum())
    else:
        y = y - y[np.argmin(np.abs(y - y.mean()))]  # targets are centred
    found = None
    if n_rows >= 2 * min_leaf:
        found = naive.best_random_split(draw, n_features, max_features, X.T, enough, weight, weight * y, min_leaf)
    assert (tree.feature[0], tree.threshold[0]) == ((-2, -2.0) if found is None else found[:2])
