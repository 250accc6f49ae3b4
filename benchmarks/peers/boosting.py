"""Boosting: 100 rounds of 31 leaves on 255 bins, binning included, against LightGBM in its modes, XGBoost and scikit-learn.

Equal means an AUC, on rows that nobody learned from, that is lower than the peer's by 0.01 at most. The smallest size is ten tables, each with 4,000 such rows, and
the mean of their AUC: of one table's AUC (and 70 rows) the chance is larger than any difference.
"""

import functools

import numpy as np
from sklearn.datasets import make_classification
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from benchmarks.peers.case import Case, Peer
from fasttree import GradientBoostingClassifier

SIZES = {  # rows × features: tables, pairs, promise on one and two threads
    (100_000, 20): (1, 5, (3.0, 3.2)),
    (20_000, 100): (1, 5, (3.5, 3.2)),
    (500_000, 28): (1, 1, (2.7, 2.8)),
    (281, 774): (10, 3, (2.0, 2.0)),
}
TOLERANCE = 0.01  # of AUC
ROUNDS, LEAVES, BINS = 100, 31, 255
LIGHTGBM = {
    "LightGBM col-wise": {"force_col_wise": True},
    "LightGBM row-wise": {"force_row_wise": True},
    "LightGBM quantised col": {"force_col_wise": True, "use_quantized_grad": True},
    "LightGBM quantised row": {"force_row_wise": True, "use_quantized_grad": True},
}


@functools.cache
def data(n, n_features, kind="plain", table=0):
    """Training and held-out rows; `kind` "everything" has weights, a tenth of the values missing and two categorical features."""
    n_test = max(n // 4, 4000)
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


def tables(size, kind):
    """(training rows, classes, weights) of each table."""
    found = [data(*size, kind, table) for table in range(SIZES[size][0])]
    return [(X, y, weight) for X, y, _, _, weight in found]


def fit_all(fit, size, kind):
    """A call without arguments that fits a model to each table and returns these."""
    some = tables(size, kind)
    return lambda: [fit(X, y, weight) for X, y, weight in some]


def ours(size, threads, kind="plain"):
    categorical = [0, 1] if kind == "everything" else None

    def fit(X, y, weight):
        model = GradientBoostingClassifier(early_stopping=False, categorical_features=categorical, n_jobs=threads)
        return model.fit(X, y, sample_weight=weight).decision_function

    return fit_all(fit, size, kind)


def lightgbm(size, threads, kind, options, promise):
    import lightgbm

    categorical = [0, 1] if kind == "everything" else "auto"
    options = {"objective": "binary", "num_leaves": LEAVES, "max_bin": BINS, "num_threads": threads, "verbose": -1, **options}

    def fit(X, y, weight):
        return lightgbm.train(options, lightgbm.Dataset(X, y, weight=weight, categorical_feature=categorical), ROUNDS).predict

    return Peer(fit_all(fit, size, kind), promise)


def xgboost(size, threads, kind):
    import xgboost

    options = {"tree_method": "hist", "grow_policy": "lossguide", "max_leaves": LEAVES, "max_depth": 0, "max_bin": BINS}

    def fit(X, y, weight):
        model = xgboost.XGBClassifier(n_estimators=ROUNDS, learning_rate=0.1, reg_lambda=0.0, n_jobs=threads, **options)
        return functools.partial(model.fit(X, y, sample_weight=weight).predict, output_margin=True)

    return Peer(fit_all(fit, size, kind), 1.0)


def scikit_learn(size, threads, kind):
    from sklearn.ensemble import HistGradientBoostingClassifier

    categorical = [0, 1] if kind == "everything" else None

    def fit(X, y, weight):
        with threadpool_limits(threads, user_api="openmp"):
            model = HistGradientBoostingClassifier(early_stopping=False, categorical_features=categorical)
            return model.fit(X, y, sample_weight=weight).decision_function

    return Peer(fit_all(fit, size, kind), 1.0)


def as_good(size, kind):
    def auc(models):
        held_out = [data(*size, kind, table)[2:4] for table in range(len(models))]
        return np.mean([roc_auc_score(y[:20_000], model(X[:20_000])) for model, (X, y) in zip(models, held_out, strict=True)])

    def same(own, other):
        a, b = auc(own), auc(other)
        return bool(abs(a - b) <= TOLERANCE or a > b), f"AUC {a:.4f} and {b:.4f}"

    return same


def fits(threads):
    for size, (n_tables, pairs, promises) in SIZES.items():
        for kind in ("plain", "everything"):
            if kind == "everything" and size != (100_000, 20):
                continue
            promise = promises[min(threads, 2) - 1] * (1.0 if kind == "plain" else 0.85)
            peers = {name: functools.partial(lightgbm, size, threads, kind, options, promise) for name, options in LIGHTGBM.items()}
            if kind == "plain":
                peers["XGBoost hist"] = functools.partial(xgboost, size, threads, kind)
            peers["scikit-learn HGB"] = functools.partial(scikit_learn, size, threads, kind)
            name = f"boosting, {size[0]:,} × {size[1]}" + ("" if kind == "plain" else ", weights, NaN, categories")
            name += "" if n_tables == 1 else f", {n_tables} tables"
            yield Case(name, ours(size, threads, kind), peers, as_good(size, kind), threads, pairs=pairs)


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
