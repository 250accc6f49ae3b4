"""Boosting: 100 rounds of 31 leaves on 255 bins, binning included, against LightGBM in its modes, XGBoost and scikit-learn.

Equal means a mean AUC that differs no more than by chance: the models are fitted to tables drawn anew, 4,000 further rows score each, and the
mean of the paired differences is held against its standard error. LightGBM's quantised modes round gradients to 64 numbers here, not to
their default of 4: these take the same time, but rounding so coarsely, and by chance, is a model of its own. On 60 tables of 281 x 774, where
an AUC of .605 is nearly noise, it helps: .6141 against .6051 by LightGBM's own plain mode, .6053 with 64 and .6059 by ours.
"""

import functools
import os

import numpy as np
from sklearn.datasets import make_classification
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from benchmarks.peers.case import Case, Peer
from benchmarks.peers.trees import BLUR
from fasttree import GradientBoostingClassifier, explain

SIZES = {  # rows × features: tables that are timed, pairs, promise on one and two threads
    (100_000, 20): (1, 3, (3.0, 3.2)),
    (20_000, 100): (1, 3, (3.5, 3.2)),
    (500_000, 28): (1, 1, (2.7, 2.8)),
    (281, 774): (2, 3, (2.0, 2.0)),
}
T_LIMIT = {10: 4.78, 20: 3.88}  # of Student's t for so many tables, two-sided, at 0.1 %
CHECKED = 10_000  # rows of the tables that scores are compared on, at most
N_TEST = 4000
FIRST = 1000  # number of the first table that is drawn to compare scores, not to time
ROUNDS, LEAVES, BINS = 100, 31, 255
QUANTISED = {"use_quantized_grad": True, "num_grad_quant_bins": 64}
LIGHTGBM = {  # name: how it lays out its histograms, which the result does not depend on, and what it depends on
    "LightGBM col-wise": ("force_col_wise", {}),
    "LightGBM row-wise": ("force_row_wise", {}),
    "LightGBM quantised col": ("force_col_wise", QUANTISED),
    "LightGBM quantised row": ("force_row_wise", QUANTISED),
}


def draw(n, n_features, kind="plain", table=0):
    """Training and held-out rows; `kind` "everything" has weights, a tenth of the values missing and two categorical features."""
    n_test = max(n // 4, N_TEST)
    X, y = make_classification(
        n + n_test, n_features, n_informative=min(max(5, n_features // 3), n_features - 2), flip_y=0.1, random_state=table
    )
    X = X.astype(np.float32)
    weight = None
    if kind == "everything":
        random = np.random.default_rng(table)
        X[:, :2] = np.clip(np.round(4 * X[:, :2]), -20, 20) + 20
        X[random.random(X.shape) < 0.1] = np.nan
        weight = random.uniform(0.5, 1.5, n)
    return X[:n], y[:n], X[n:], y[n:], weight


data = functools.cache(draw)
drawn = functools.lru_cache(20)(draw)  # the tables of one size, to compare scores


def ours(threads, categorical):
    def fit(X, y, weight):
        model = GradientBoostingClassifier(early_stopping=False, categorical_features=categorical, n_jobs=threads)
        return model.fit(X, y, sample_weight=weight).decision_function

    return fit


def lightgbm(name, threads, categorical):
    import lightgbm

    layout, options = LIGHTGBM[name]
    options = {"objective": "binary", "num_leaves": LEAVES, "max_bin": BINS, "num_threads": threads, "verbose": -1, layout: True, **options}

    def fit(X, y, weight):
        rows = lightgbm.Dataset(X, y, weight=weight, categorical_feature="auto" if categorical is None else categorical)
        return lightgbm.train(options, rows, ROUNDS).predict

    return fit


def xgboost(threads, categorical):
    import xgboost

    options = {"tree_method": "hist", "grow_policy": "lossguide", "max_leaves": LEAVES, "max_depth": 0, "max_bin": BINS}
    # it cannot count a leaf's rows, only add up their hessians: 20 rows of even odds have 5, as the others ask of each leaf
    options |= {"learning_rate": 0.1, "reg_lambda": 0.0, "min_child_weight": 5.0}

    def fit(X, y, weight):
        model = xgboost.XGBClassifier(n_estimators=ROUNDS, n_jobs=threads, **options)
        return functools.partial(model.fit(X, y, sample_weight=weight).predict, output_margin=True)

    return fit


def scikit_learn(threads, categorical):
    from sklearn.ensemble import HistGradientBoostingClassifier

    def fit(X, y, weight):
        with threadpool_limits(threads, user_api="openmp"):
            model = HistGradientBoostingClassifier(early_stopping=False, categorical_features=categorical)
            return model.fit(X, y, sample_weight=weight).decision_function

    return fit


LIBRARIES = {"ours": ours, **{name: functools.partial(lightgbm, name) for name in LIGHTGBM}, "XGBoost hist": xgboost}
LIBRARIES["scikit-learn HGB"] = scikit_learn


def learner(library, threads, kind):
    """The library's ``fit(X, y, weight)``, which returns what predicts."""
    return LIBRARIES[library](threads, [0, 1] if kind == "everything" else None)


def fit_all(library, size, threads, kind):
    """A call without arguments that fits a model to each table that is timed."""
    fit, found = learner(library, threads, kind), [data(*size, kind, table) for table in range(SIZES[size][0])]
    return lambda: [fit(X, y, weight) for X, y, _, _, weight in found]


@functools.cache
def scores(library, size, kind):
    """AUC on each of the tables drawn to compare scores, on all cores: the number of threads changes nothing."""
    fit, found = learner(library, os.cpu_count(), kind), []
    for table in range(20 if size[0] < 1000 else 10):
        X, y, X_test, y_test, weight = drawn(min(size[0], CHECKED), size[1], kind, FIRST + table)
        predict = fit(X, y, weight)
        with threadpool_limits(1, user_api="openmp"):  # the threads of scikit-learn's prediction would wait for each other
            found.append(roc_auc_score(y_test[:N_TEST], predict(X_test[:N_TEST])))
    return np.array(found)


def as_good(library, size, kind):
    """Whether the mean difference of the scores could be chance, as `benchmarks.peers.trees` tells it, and not too blurred to tell."""
    if library in LIGHTGBM:  # the same model from both layouts
        library = next(name for name in LIGHTGBM if LIGHTGBM[name][1] == LIGHTGBM[library][1])
    first, second = scores("ours", size, kind), scores(library, size, kind)
    n = len(first)
    gap, error = np.mean(first - second), np.std(first - second, ddof=1) / n**0.5
    words = f"AUC {first.mean():.4f}, theirs {second.mean():.4f}, difference {gap:+.4f} ± {error:.4f}, {n} tables"
    return bool(abs(gap) <= T_LIMIT[n] * error + 1e-9 and error <= BLUR), words


def peer(library, size, threads, kind, promise):
    run = fit_all(library, size, threads, kind)
    return Peer(run, promise, lambda own, other: as_good(library, size, kind))


def fits(threads):
    for size, (n_tables, pairs, promises) in SIZES.items():
        for kind in ("plain", "everything"):
            if kind == "everything" and size != (100_000, 20):
                continue
            promise = promises[min(threads, 2) - 1] * (1.0 if kind == "plain" else 0.85)
            names = [name for name in LIBRARIES if name != "ours" and (kind == "plain" or name != "XGBoost hist")]
            peers = {name: functools.partial(peer, name, size, threads, kind, promise if name in LIGHTGBM else 1.0) for name in names}
            name = f"boosting, {size[0]:,} × {size[1]}" + ("" if kind == "plain" else ", weights, NaN, categories")
            name += "" if n_tables == 1 else f", {n_tables} tables"
            own = fit_all("ours", size, threads, kind)
            yield Case(name, own, peers, lambda own, other: (False, "not compared"), threads, pairs=pairs, long=pairs == 1)


def close(own, other):
    return bool(np.corrcoef(own, other)[0, 1] > 0.97), f"correlation {np.corrcoef(own, other)[0, 1]:.4f}"


def prediction(threads):
    X, y, X_test, *_ = data(100_000, 20)
    model = GradientBoostingClassifier(early_stopping=False, n_jobs=threads).fit(X, y)

    def lightgbm_predict():
        import lightgbm

        options = {"objective": "binary", "num_leaves": LEAVES, "max_bin": BINS, "num_threads": threads, "verbose": -1}
        other = lightgbm.train(options, lightgbm.Dataset(X, y), ROUNDS)
        # all cores by default, whose waiting threads then count as our CPU time: 0.76 µs a row instead of 0.48
        return Peer(lambda: other.predict(X_test, raw_score=True, num_threads=threads), 6.0)

    def xgboost_predict():
        import xgboost

        options = {"grow_policy": "lossguide", "max_leaves": LEAVES, "max_depth": 0, "max_bin": BINS, "learning_rate": 0.1}
        other = xgboost.XGBClassifier(n_estimators=ROUNDS, n_jobs=threads, **options).fit(X, y)
        return Peer(lambda: other.predict(X_test, output_margin=True), 2.8)

    def scikit_learn_predict():
        from sklearn.ensemble import HistGradientBoostingClassifier

        other = HistGradientBoostingClassifier(early_stopping=False).fit(X, y)

        def run():
            with threadpool_limits(threads, user_api="openmp"):
                return other.decision_function(X_test)

        return Peer(run, 1.0)

    peers = {"LightGBM": lightgbm_predict, "XGBoost": xgboost_predict, "scikit-learn HGB": scikit_learn_predict}
    yield Case("predict, 100 × 31 leaves, per row", lambda: model.decision_function(X_test), peers, close, threads, per=len(X_test))


def explanation(threads):
    """Shapley values of 1,000 rows: those of every row by the same algorithm, so of two models that are nearly the same."""
    X, y, X_test, *_ = data(100_000, 20)
    model, rows = GradientBoostingClassifier(early_stopping=False, n_jobs=threads).fit(X, y), X_test[:1000]

    def lightgbm_contributions():
        import lightgbm

        options = {"objective": "binary", "num_leaves": LEAVES, "max_bin": BINS, "num_threads": threads, "verbose": -1}
        other = lightgbm.train(options, lightgbm.Dataset(X, y), ROUNDS)
        return Peer(lambda: other.predict(rows, pred_contrib=True, num_threads=threads)[:, :-1].ravel(), 1.2)

    def own():
        return explain(model, rows, n_jobs=threads)[0].ravel()

    yield Case("explain, 100 × 31 leaves, per row", own, {"LightGBM": lightgbm_contributions}, close, threads, per=len(rows))


def cases(threads):
    yield from prediction(threads)
    yield from explanation(threads)
    yield from fits(threads)
