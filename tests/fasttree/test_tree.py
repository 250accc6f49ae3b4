"""Single trees: against scikit-learn, and properties."""

import warnings

import numpy as np
import pytest
from sklearn import tree as peer
from sklearn.exceptions import SkipTestWarning
from sklearn.utils.estimator_checks import check_estimator

from fasttree import DecisionTreeClassifier, DecisionTreeRegressor
from tests.naive import trees as naive

CLASSES = ["gini", "entropy"]
NAN = float("nan")


def smooth(n_rows=400, n_features=6, seed=0, dtype=np.float32):
    """Tie-free table; two informative columns."""
    X = np.random.default_rng(seed).normal(size=(n_rows, n_features)).astype(dtype)
    return X, X[:, 0] + X[:, 1] ** 2 + np.random.default_rng(seed + 1).normal(size=n_rows) / 4


def assert_same_as_peer(ours, theirs):
    ours, theirs = ours.tree_, theirs.tree_
    inner = theirs.children_left >= 0
    assert np.array_equal(ours.children_left, theirs.children_left)
    assert np.array_equal(ours.children_right, theirs.children_right)
    assert np.array_equal(ours.feature, theirs.feature)
    np.testing.assert_allclose(ours.threshold[inner], theirs.threshold[inner], rtol=1e-12)
    np.testing.assert_allclose(ours.value, theirs.value, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ours.impurity, theirs.impurity, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(ours.weighted_n_node_samples, theirs.weighted_n_node_samples)
    np.testing.assert_allclose(ours.compute_feature_importances(), theirs.compute_feature_importances())


@pytest.mark.peer
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize(
    "options", [{}, {"min_samples_leaf": 17}, {"max_depth": 4}, {"max_leaf_nodes": 12}, {"min_impurity_decrease": 0.01}]
)
def test_regression_tree_is_scikit_learns_node_for_node(options, missing):
    X, y = smooth(seed=3)
    weight = np.random.default_rng(0).uniform(0.5, 2.0, size=len(y))
    if missing:
        X[::7, 0] = np.nan
    options = {"min_samples_leaf": 10} | options  # few rows can be parted alike by two features
    ours = DecisionTreeRegressor(**options).fit(X, y, weight)
    theirs = peer.DecisionTreeRegressor(random_state=0, **options).fit(X, y, weight)
    if "max_leaf_nodes" in options:  # theirs are numbered in order of creation
        np.testing.assert_allclose(ours.predict(X), theirs.predict(X))
    else:
        assert_same_as_peer(ours, theirs)


@pytest.mark.peer
@pytest.mark.parametrize("options", [{}, {"max_leaf_nodes": 12}, {"min_samples_leaf": 30}])
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_tree_of_absolute_errors_is_scikit_learns(options, n_outputs):
    X, y = smooth(seed=3)
    y = np.column_stack([y, -2.0 * y + X[:, 3]])[:, :n_outputs]
    weight = np.random.default_rng(0).uniform(0.5, 2.0, size=len(y))
    options = {"min_samples_leaf": 10, "criterion": "absolute_error"} | options
    ours = DecisionTreeRegressor(**options).fit(X, y, weight)
    theirs = peer.DecisionTreeRegressor(random_state=0, **options).fit(X, y, weight)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X))
    np.testing.assert_allclose(np.sort(ours.tree_.impurity), np.sort(theirs.tree_.impurity))


@pytest.mark.parametrize("options", [{"max_depth": 2}, {"max_leaf_nodes": 4}])
def test_few_nodes_of_many_classes_take_little_memory(options):
    """Room for a leaf per row was asked for, 125 GB here."""
    X = np.arange(130_000.0)[:, None]
    tree = DecisionTreeClassifier(**options).fit(X, X[:, 0] // 2.2)
    assert 3 <= tree.get_n_leaves() <= 4 and tree.tree_.value.shape[1:] == (1, 59_091)


@pytest.mark.parametrize("power", [-1070, -700, -300, -33, 33, 300, 700, 1014])
@pytest.mark.parametrize("criterion", ["gini", "entropy", "squared_error", "poisson", "absolute_error"])
def test_only_ratios_of_weights_matter(criterion, power):
    """Even weights of 1e-100 grew ten times as many leaves by Gini, those of 1e-200 no split at all."""
    X, y = smooth(200)
    weight = np.random.default_rng(0).integers(1, 16, len(y)).astype(float)
    kind, y = (DecisionTreeClassifier, y > 0) if criterion in CLASSES else (DecisionTreeRegressor, y - y.min())
    usual, scaled = (kind(criterion=criterion).fit(X, y, w) for w in (weight, np.ldexp(weight, power)))
    assert usual.tree_.node_count > 5
    np.testing.assert_array_equal(scaled.tree_.threshold, usual.tree_.threshold)
    np.testing.assert_array_equal(scaled.predict(X), usual.predict(X))


def test_absolute_error_bears_any_weights():
    """Weights over seven orders of magnitude move the median far at a time; over thirty they lose digits, not bounds."""
    X, y = smooth(200, dtype=np.float64)
    powers = np.random.default_rng(0).uniform(-1, 1, size=len(y))
    for options in ({}, {"max_features": 3}, {"splitter": "random"}):
        tree = DecisionTreeRegressor(criterion="absolute_error", random_state=0, **options)
        np.testing.assert_array_equal(tree.fit(X, y, np.exp(8 * powers)).predict(X), y)
        assert np.isin(tree.fit(X, y, np.exp(35 * powers)).predict(X), y).all()


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_absolute_error_bears_a_large_offset(n_outputs):
    X, y = smooth(300)
    far = np.column_stack([y, X[:, 2]])[:, :n_outputs] + 1e9
    y = far - 1e9
    for options in ({}, {"max_features": 3}, {"splitter": "random"}, {"monotonic_cst": [1, 0, 0, 0, 0, 0]}):
        if n_outputs == 2 and "monotonic_cst" in options:
            continue
        tree = DecisionTreeRegressor(criterion="absolute_error", random_state=0, min_samples_leaf=4, **options)
        near, other = tree.fit(X, y).tree_, tree.fit(X, far).tree_
        assert np.array_equal(near.threshold, other.threshold)
        np.testing.assert_allclose(near.impurity, other.impurity, rtol=1e-12)
        np.testing.assert_allclose(near.value + 1e9, other.value, rtol=0, atol=1e-6)


@pytest.mark.parametrize("missing", [False, True])
def test_random_splits_are_scored_by_the_distances_they_leave(missing):
    X, y = smooth(100)
    X = X.astype(np.float64)
    if missing:
        X[::5] = NAN
    weight = np.random.default_rng(0).integers(1, 4, size=len(y)).astype(float)
    whole = DecisionTreeRegressor(criterion="absolute_error", splitter="random", max_depth=1, random_state=0)
    for seed in range(5):
        tree = whole.set_params(random_state=seed).fit(X, y, weight).tree_
        for node in range(3):
            chosen = np.ones(len(y), bool) if node == 0 else tree.apply(X) == node
            twin = naive.impurity(y[chosen].tolist(), weight[chosen].tolist(), "absolute_error")
            assert tree.impurity[node] == pytest.approx(twin)


@pytest.mark.peer
@pytest.mark.parametrize("criterion", [*CLASSES, "log_loss"])
@pytest.mark.parametrize("n_classes", [2, 5])
def test_classes_are_split_as_well_as_scikit_learn_does(criterion, n_classes):
    X, y = smooth(seed=5)
    y = np.digitize(y, np.quantile(y, np.linspace(0, 1, n_classes + 1)[1:-1]))
    ours = DecisionTreeClassifier(criterion=criterion, max_depth=3).fit(X, y)
    theirs = peer.DecisionTreeClassifier(criterion=criterion, max_depth=3, random_state=0).fit(X, y)
    assert_same_as_peer(ours, theirs)


@pytest.mark.parametrize("estimator", [DecisionTreeClassifier(), DecisionTreeRegressor()], ids=["classifier", "regressor"])
def test_estimator_checks_of_scikit_learn(estimator):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        check_estimator(estimator)


@pytest.mark.parametrize("n_bits", [2, 3, 6])
def test_xor_and_parity_are_solved(n_bits):
    X = np.array([[(i >> bit) & 1 for bit in range(n_bits)] for i in range(2**n_bits)])
    y = X.sum(axis=1) % 2
    assert DecisionTreeClassifier().fit(X, y).score(X, y) == 1.0
    assert DecisionTreeRegressor().fit(X, y).score(X, y) == 1.0


def test_a_split_that_brings_nothing_is_not_lost_to_rounding():
    """Its decrease of entropy was -4e-16, while other splits that bring nothing are taken: parity needs them."""
    x, y = np.array([[1.0], [0.0], [0.0], [1.0], [1.0]]), np.array([[0, 0], [0, 0], [0, 1], [0, 1], [0, 0]])
    assert DecisionTreeClassifier(criterion="entropy").fit(x, y, [2, 1, 1, 3, 1]).tree_.node_count == 3


def test_missing_values_learn_their_side():
    X = np.array([[0.0], [1.0], [NAN], [5.0], [6.0], [NAN]])
    y = np.array([0, 0, 1, 1, 1, 1])
    tree = DecisionTreeClassifier().fit(X, y)
    assert tree.get_n_leaves() == 2
    assert tree.predict([[NAN]]) == 1
    assert DecisionTreeClassifier().fit(X, 1 - y).predict([[NAN]]) == 0


def test_missing_values_alone_can_be_split_off():
    X = np.array([[0.0], [1.0], [NAN], [5.0], [6.0], [NAN]])
    tree = DecisionTreeClassifier().fit(X, np.isnan(X[:, 0]))
    assert tree.tree_.threshold[0] == np.inf
    assert tree.predict([[100.0], [NAN]]).tolist() == [False, True]


def test_values_missing_only_later_go_where_more_samples_went():
    tree = DecisionTreeRegressor(max_depth=1).fit([[0.0], [1.0], [2.0], [9.0]], [1.0, 1.0, 1.0, 7.0])
    assert tree.predict([[NAN]]) == 1.0


@pytest.mark.parametrize("max_features", [None, 2])
def test_row_order_does_not_matter(max_features):
    X, y = smooth(200)
    order = np.random.default_rng(1).permutation(len(y))
    first = DecisionTreeClassifier(max_features=max_features, random_state=0).fit(X, y > 0.5)
    second = DecisionTreeClassifier(max_features=max_features, random_state=0).fit(X[order], y[order] > 0.5)
    assert np.array_equal(first.tree_.threshold, second.tree_.threshold)


def test_monotone_transformations_do_not_matter():
    X, y = smooth(200, dtype=np.float64)
    first, second = (DecisionTreeClassifier().fit(Z, y > 0.5) for Z in (X, np.exp(X)))
    assert np.array_equal(first.tree_.feature, second.tree_.feature)
    assert np.array_equal(first.apply(X), second.apply(np.exp(X)))


def test_repeating_rows_is_weighting_them():
    X, y = smooth(150)
    times = np.random.default_rng(2).integers(0, 4, size=len(y))
    first = DecisionTreeClassifier(min_weight_fraction_leaf=0.01).fit(X, y > 0.5, times)
    second = DecisionTreeClassifier(min_weight_fraction_leaf=0.01).fit(np.repeat(X, times, axis=0), np.repeat(y > 0.5, times))
    assert np.array_equal(first.tree_.threshold, second.tree_.threshold)
    assert np.array_equal(first.predict_proba(X), second.predict_proba(X))


@pytest.mark.parametrize("max_features", [1, "sqrt", 0.9])
@pytest.mark.parametrize(("n_rows", "min_samples_leaf"), [(300, 1), (3000, 1), (3000, 400)])
@pytest.mark.parametrize("criterion", ["gini", "entropy", "squared_error"])
def test_drawn_features_are_searched_exactly(max_features, n_rows, min_samples_leaf, criterion):
    """A tree of depth 1 on drawn features has the best split of one of them; large nodes are bounded, not sorted."""
    X, y = smooth(n_rows)
    X[:, 2] = np.round(X[:, 2])
    X[5:9, 3] = NAN
    classes = criterion != "squared_error"
    y = y > 0.5 if classes else y
    weight = np.random.default_rng(4).integers(1, 4, size=n_rows)
    kind = DecisionTreeClassifier if classes else DecisionTreeRegressor
    options = {"max_depth": 1, "min_samples_leaf": min_samples_leaf, "min_weight_fraction_leaf": 0.001, "criterion": criterion}
    singles = [kind(**options).fit(X[:, [f]], y, weight).tree_.threshold[0] for f in range(X.shape[1])]
    for seed in range(10):
        tree = kind(max_features=max_features, random_state=seed, **options).fit(X, y, weight).tree_
        assert tree.threshold[0] == singles[tree.feature[0]]


@pytest.mark.parametrize("criterion", ["gini", "entropy"])
def test_bounded_search_breaks_ties_as_stated(criterion):
    """Equal columns: the lowest of the drawn ones is taken, and of equal splits the lowest threshold."""
    x = np.arange(4000.0)
    y = (x < 1000) | (x >= 3000)
    X = np.column_stack([x] * 5)
    for seed in range(5):
        tree = DecisionTreeClassifier(criterion=criterion, max_features=4, max_depth=1, random_state=seed).fit(X, y).tree_
        assert tree.feature[0] <= 1 and tree.threshold[0] == 999.5


def test_crowded_codes_are_sorted_too():
    """Codes of a node that lie in few buckets: one far value, many near ones."""
    X = np.concatenate([np.linspace(0, 1e-3, 3000), [1e6]])[:, None] * np.ones((1, 2))
    y = np.arange(3001) % 2
    y[:1500] = 0
    first = DecisionTreeClassifier(max_features=1, random_state=0).fit(X, y)
    assert np.array_equal(first.tree_.threshold, DecisionTreeClassifier().fit(X, y).tree_.threshold)


def test_input_is_left_alone_and_may_be_read_only_strided_or_sparse():
    from scipy import sparse

    X, y = smooth(100)
    X[X < 0] = 0
    expected = DecisionTreeRegressor().fit(X, y).predict(X)
    wide = np.repeat(X, 2, axis=1)[:, ::2]
    X.setflags(write=False)
    y.setflags(write=False)
    for other in (np.asfortranarray(X), wide, X.astype(np.float64), sparse.csc_array(X), sparse.csr_matrix(X), sparse.coo_array(X)):
        assert np.array_equal(DecisionTreeRegressor().fit(other, y).predict(other), expected)


@pytest.mark.parametrize(
    ("X", "y", "weight", "message"),
    [
        ([[np.inf], [1.0]], [0, 1], None, "infinity"),
        ([[0.0], [1.0]], [0, 1, 2], None, "inconsistent numbers of samples"),
        ([[0.0], [1.0]], [0, 1], [-1.0, 1.0], "Negative values in data passed to `sample_weight`"),
        ([[0.0], [1.0]], [0, 1], [0.0, 0.0], "at least one non-zero"),
        ([[0.0], [1.0]], [0, 1], [1.0], "inconsistent"),
        ([[0.0], [1.0]], [0, 1], [np.nan, 1.0], "sample_weight contains NaN"),
        (np.empty((0, 2)), [], None, "0 sample"),
        (np.empty((2, 0)), [0, 1], None, "0 feature"),
        (np.array([[1j], [2.0]]), [0, 1], None, "Complex data not supported"),
        ([["a"], ["b"]], [0, 1], None, "could not convert string"),
        ([[0.0], [1.0]], [0.0, np.nan], None, "NaN"),
    ],
)
@pytest.mark.parametrize("estimator", [DecisionTreeClassifier(), DecisionTreeRegressor()], ids=["classifier", "regressor"])
def test_bad_input_is_refused(estimator, X, y, weight, message):
    with pytest.raises((ValueError, TypeError), match=message):
        estimator.fit(X, y, weight)


@pytest.mark.parametrize("kind", [DecisionTreeClassifier, DecisionTreeRegressor])
def test_rows_without_weight_leave_no_trace(kind):
    X, y = smooth(200)
    y = np.round(y * 3)
    weight = np.arange(len(y)) % 2
    y[weight == 0] += 1e6
    first, second = kind().fit(X, y, weight), kind().fit(X[1::2], y[1::2])
    assert np.array_equal(first.tree_.threshold, second.tree_.threshold)
    assert np.array_equal(first.predict(X), second.predict(X))


def test_entropies_that_differ_by_rounding_are_ties():
    """A column and its reverse part the rows alike, and add them up in different orders: the lowest column is taken."""
    random = np.random.default_rng(0)
    for n_classes in (2, 3):
        for _ in range(10):
            left, y = random.random(500) < 0.4, random.integers(0, n_classes, size=500)
            weight = random.uniform(0.5, 1.5, size=500)
            tree = DecisionTreeClassifier(criterion="entropy", max_depth=1).fit(np.column_stack([left, ~left]), y, weight)
            assert tree.tree_.feature[0] == 0


def test_no_leaf_of_a_poisson_tree_is_zero():
    random = np.random.default_rng(0)
    X = random.normal(size=(300, 4))
    y = np.where(random.random(300) < 0.6, 0.0, random.exponential(size=300))
    for options in ({}, {"splitter": "random"}, {"max_features": 2}):
        assert DecisionTreeRegressor(criterion="poisson", random_state=0, **options).fit(X, y).predict(X).min() > 0


def test_poisson_needs_targets_that_are_not_negative():
    with pytest.raises(ValueError, match="negative which is not allowed for Poisson"):
        DecisionTreeRegressor(criterion="poisson").fit([[0], [1]], [-1, 2])
    with pytest.raises(ValueError, match="Sum of y is not positive"):
        DecisionTreeRegressor(criterion="poisson").fit([[0], [1]], [0, 0])


@pytest.mark.parametrize("parameters", [{"max_depth": 0}, {"min_samples_leaf": 0}, {"criterion": "mse"}, {"max_features": 1.5}])
def test_bad_parameters_are_named(parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        DecisionTreeClassifier(**parameters).fit([[0], [1]], [0, 1])


def test_paths_lead_to_the_leaves():
    X, y = smooth(60)
    tree = DecisionTreeClassifier().fit(X, y > 0.5)
    theirs = peer.DecisionTreeClassifier(random_state=0).fit(X, y > 0.5)
    path = tree.decision_path(X)
    assert path.shape == (60, tree.tree_.node_count)
    assert np.array_equal(np.diff(path.indptr) - 1, tree.tree_.node_depths()[tree.apply(X)])
    assert path[np.arange(60), tree.apply(X)].min() == 1
    assert tree.get_depth() == theirs.get_depth()


@pytest.mark.peer
@pytest.mark.parametrize("seed", range(3))
def test_pruning_is_scikit_learns(seed):
    X, y = smooth(300, seed=seed)
    ours, theirs = DecisionTreeRegressor(min_samples_leaf=10), peer.DecisionTreeRegressor(min_samples_leaf=10, random_state=0)
    path, expected = ours.cost_complexity_pruning_path(X, y), theirs.cost_complexity_pruning_path(X, y)
    np.testing.assert_allclose(path.ccp_alphas, expected.ccp_alphas, atol=1e-12)
    np.testing.assert_allclose(path.impurities, expected.impurities)
    for alpha in (path.ccp_alphas[:-1] + path.ccp_alphas[1:]) / 2:
        assert_same_as_peer(ours.set_params(ccp_alpha=alpha).fit(X, y), theirs.set_params(ccp_alpha=alpha).fit(X, y))
    assert ours.set_params(ccp_alpha=1e9).fit(X, y).get_n_leaves() == 1
