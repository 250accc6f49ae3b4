"""Boosting: 100 rounds of 31 leaves on 255 bins, binning included, against LightGBM in its three modes, XGBoost and scikit-learn.

Equal means the same AUC on rows that nobody learned from, within 0.01 (0.06 on the 70 held-out rows of the smallest set).
"""

import functools

import numpy as np
from sklearn.datasets import make_classification
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from benchmarks.peers.case import Case, Peer
from fasttree import GradientBoostingClassifier

SIZES = {  # rows × features: pairs, promise on one and two threads, tolerated difference in AUC
    (100_000, 20): (5, (3.0, 3.2), 0.01),
    (20_000, 100): (5, (3.5, 3.2), 0.01),
    (500_000, 28): (1, (2.7, 2.8), 0.01),
    (281, 774): (5, (2.0, 2.0), 0.06),
}
ROUNDS, LEAVES, BINS = 100, 31, 255
LIGHTGBM = {
    "LightGBM col-wise": {"force_col_wise": True},
    "LightGBM row-wise": {"force_row_wise": True},
    "LightGBM quantised": {"force_col_wise": True, "use_quantized_grad": True},
}


@functools.cache
def data(n, n_features, kind="plain"):
    """Training and held-out rows; `kind` "everything" has weights, a tenth of the values missing and two categorical features."""
    n_test = max(n // 4, 70)
    X, y = make_classification(
        n + n_test, n_features, n_informative=min(max(5, n_features // 3), n_features - 2), flip_y=0.1, random_state=0
    )
    X = X.astype(np.float32)
    weight = None
    if kind == "everything":
        random = np.random.default_rng(0)
        X[:, :2] = np.clip(np.round(4 * X[:, :2]), -20, 20) + 20
        X[random.random(X.shape) < 0.1] = np.nan
        weight = random.uniform(0.5, 1.5, n)
    return X[:n], y[:n], X[n:], y[n:], weight


def ours(n, n_features, threads, kind="plain"):
    X, y, X_test, _, weight = data(n, n_features, kind)
    categorical = [0, 1] if kind == "everything" else None
    model = GradientBoostingClassifier(early_stopping=False, categorical_features=categorical, n_jobs=threads)
    return lambda: model.fit(X, y, sample_weight=weight).predict_proba(X_test[:20_000])[:, 1]


def lightgbm(n, n_features, threads, kind, options, promise):
    import lightgbm

    X, y, X_test, _, weight = data(n, n_features, kind)
    categorical = [0, 1] if kind == "everything" else "auto"
    options = {"objective": "binary", "num_leaves": LEAVES, "max_bin": BINS, "num_threads": threads, "verbose": -1, **options}

    def run():
        model = lightgbm.train(options, lightgbm.Dataset(X, y, weight=weight, categorical_feature=categorical), ROUNDS)
        return model.predict(X_test[:20_000])

    return Peer(run, promise)


def xgboost(n, n_features, threads, kind):
    import xgboost

    X, y, X_test, _, weight = data(n, n_features, kind)
    model = xgboost.XGBClassifier(
        n_estimators=ROUNDS,
        tree_method="hist",
        grow_policy="lossguide",
        max_leaves=LEAVES,
        max_depth=0,
        max_bin=BINS,
        learning_rate=0.1,
        reg_lambda=0.0,
        n_jobs=threads,
    )
    return Peer(lambda: model.fit(X, y, sample_weight=weight).predict_proba(X_test[:20_000])[:, 1], 1.0)


def scikit_learn(n, n_features, threads, kind):
    from sklearn.ensemble import HistGradientBoostingClassifier

    X, y, X_test, _, weight = data(n, n_features, kind)
    categorical = [0, 1] if kind == "everything" else None
    model = HistGradientBoostingClassifier(early_stopping=False, categorical_features=categorical)

    def run():
        with threadpool_limits(threads, user_api="openmp"):
            return model.fit(X, y, sample_weight=weight).predict_proba(X_test[:20_000])[:, 1]

    return Peer(run, 1.0)


def as_good(n, n_features, kind, tolerance):
    y = data(n, n_features, kind)[3][:20_000]

    def same(own, other):
        a, b = roc_auc_score(y, own), roc_auc_score(y, other)
        return bool(abs(a - b) <= tolerance or a > b), f"AUC {a:.4f} and {b:.4f}"

    return same


def fits(threads):
    for (n, n_features), (pairs, promises, tolerance) in SIZES.items():
        for kind in ("plain", "everything"):
            if kind == "everything" and n != 100_000:
                continue
            promise = promises[min(threads, 2) - 1] * (1.0 if kind == "plain" else 0.85)
            peers = {
                name: functools.partial(lightgbm, n, n_features, threads, kind, options, promise) for name, options in LIGHTGBM.items()
            }
            if kind == "plain":
                peers["XGBoost hist"] = functools.partial(xgboost, n, n_features, threads, kind)
            peers["scikit-learn HGB"] = functools.partial(scikit_learn, n, n_features, threads, kind)
            name = f"boosting, {n:,} × {n_features}" + ("" if kind == "plain" else ", weights, NaN, categories")
            yield Case(name, ours(n, n_features, threads, kind), peers, as_good(n, n_features, kind, tolerance), threads, pairs=pairs)


def close(own, other):
    return bool(np.corrcoef(own, other)[0, 1] > 0.97), f"correlation {np.corrcoef(own, other)[0, 1]:.4f}"


def prediction(threads):
    X, y, X_test, *_ = data(100_000, 20)
    model = GradientBoostingClassifier(early_stopping=False, n_jobs=threads).fit(X, y)

    def lightgbm_predict():
        import lightgbm

        options = {"objective": "binary", "num_leaves": LEAVES, "max_bin": BINS, "num_threads": threads, "verbose": -1}
        other = lightgbm.train(options, lightgbm.Dataset(X, y), ROUNDS)
        return Peer(lambda: other.predict(X_test, raw_score=True), 6.0)

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


def cases(threads):
    yield from prediction(threads)
    yield from fits(threads)
