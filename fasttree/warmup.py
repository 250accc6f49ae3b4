"""``python -m fasttree.warmup``: compile the kernels once, before a job of many processes starts.

Compiled kernels are kept beside the package or in ``NUMBA_CACHE_DIR``, apart for each kind of processor: run it once per kind of
node. What is compiled already is only loaded.
"""

import time
from collections.abc import Iterator

import numpy as np

import fasttree

ROWS = 600
FEW = 60
LARGE = 3000  # rows from which nodes are searched, and trees grown, in other ways than small ones


def warm() -> Iterator[str]:
    """Fit and use each model once on little data; yields the name of each as it is done.

    Examples
    --------
    >>> from fasttree.warmup import warm
    >>> next(warm())
    'DecisionTreeClassifier'
    """
    random = np.random.default_rng(0)
    X = random.normal(size=(LARGE, 12))
    y = X[:, 0] + X[:, 1] * X[:, 2] + random.normal(size=LARGE)
    classes = np.digitize(y, [-1.0, 1.0])
    wide = np.tile(X[:1100, :8], 128)  # too large for all of a tree to be presorted
    for kind in ("DecisionTree", "ExtraTrees", "RandomForest"):
        options = {"random_state": 0} if kind == "DecisionTree" else {"random_state": 0, "n_estimators": 2}
        for suffix, target in (("Classifier", classes), ("Regressor", y)):
            name = kind + suffix
            for dtype in (np.float64, np.float32):
                values = X.astype(dtype)
                model = getattr(fasttree, name)(**options).fit(values, target)
                _use(model, values)
                if name == "DecisionTreeClassifier":
                    model.set_params(max_depth=1).fit(wide.astype(dtype), y[:1100] > 0).set_params(max_depth=None)
                    values[:, 0] = np.abs(np.rint(values[:, 0]))
                    _use(model.set_params(categorical_features=[0]).fit(values, target), values)
            yield name
    fasttree.RandomForestRegressor(1, max_features=0.5, random_state=0).fit(X, y)  # whose large nodes are searched by bounds
    _warm_others(X[:FEW], y[:FEW])
    yield "other criteria, sets, bounds"
    for name, target in (("GradientBoostingClassifier", classes), ("GradientBoostingRegressor", y)):
        model_class = getattr(fasttree, name)
        for rows in (ROWS, LARGE):
            for dtype in (np.float64, np.float32):
                values, aim = X[:rows].astype(dtype), target[:rows]
                _use(model_class(max_iter=20, random_state=0).fit(values, aim), values)  # enough trees for prediction by tables
                if name.endswith("Classifier"):
                    _use(model_class(max_iter=2, random_state=0).fit(values, aim > 0), values)
        yield name


def _warm_others(X, y):
    """What is compiled only for problems that need it; see `fasttree._jit_late`."""
    X = np.column_stack([np.abs(np.rint(X[:, :1])), X[:, 1:]])
    several = np.column_stack([y, -y])
    for dtype in (np.float64, np.float32):
        values = X.astype(dtype)
        for model_class in (fasttree.DecisionTreeRegressor, fasttree.ExtraTreesRegressor):
            for options, target in (({}, several), ({"criterion": "absolute_error"}, y)):
                for more in ({"categorical_features": [0]}, {"monotonic_cst": [0, 1] + [0] * (X.shape[1] - 2)} if target is y else {}):
                    model_class(random_state=0, **options, **more).fit(values, target)


def _use(model, X):
    if hasattr(model, "predict_proba"):
        model.predict_proba(X)
    model.predict(X)


def main():
    start = time.process_time()
    for name in warm():
        now = time.process_time()
        print(f"{name:<28} {now - start:6.1f} s of CPU")
        start = now


if __name__ == "__main__":
    main()
