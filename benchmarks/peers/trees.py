"""Exact trees and forests: fit and predict against scikit-learn, ranger and YDF, at equal held-out scores."""

import atexit
import functools
import pathlib
import shutil
import subprocess
import tempfile

import numpy as np
import pandas as pd
import sklearn.ensemble
import sklearn.tree
from sklearn.metrics import r2_score, roc_auc_score

import fasttree
from benchmarks.peers.case import Case, Peer

SIZES = {"100k x 20": (100_000, 20), "20k x 100": (20_000, 100), "281 x 774": (281, 774)}
N_TEST = 20_000
RANGER = """
library(ranger)
threads <- {threads}
train <- read.csv("train.csv"); train$y <- factor(train$y)
test <- read.csv("test.csv")
cat("ready\\n"); flush(stdout())
input <- file("stdin", "r")
while (length(line <- readLines(input, n = 1)) > 0) {{
  if (line == "fit") {{
    model <- ranger(y ~ ., train, num.trees = {n_trees}, num.threads = threads, probability = TRUE, min.node.size = 1, seed = 1,
                    oob.error = FALSE, verbose = FALSE)
    cat("done\\n")
  }} else {{
    write.csv(predict(model, test)$predictions[, "1"], "scores.csv", row.names = FALSE)
    cat("done\\n")
  }}
  flush(stdout())
}}
"""


@functools.cache
def data(size, regression=False):
    """Training and test set: eight informative columns, one interaction, noise."""
    n_rows, n_features = SIZES[size]
    random = np.random.default_rng(0)
    X = random.normal(size=(n_rows + N_TEST, n_features)).astype(np.float32)
    y = X[:, :8] @ random.normal(size=8) + 1.5 * X[:, 0] * X[:, 1] + 1.5 * random.normal(size=len(X))
    y = y if regression else (y > 0).astype(np.int64)
    return X[:n_rows], y[:n_rows], X[n_rows:], y[n_rows:]


def fit(make, size, regression=False):
    """Callable that fits a new model."""
    X, y, _, _ = data(size, regression)
    return lambda: make().fit(X, y)


def score(model, size, regression):
    if callable(model):
        return model()
    _, _, X, y = data(size, regression)
    return r2_score(y, model.predict(X)) if regression else roc_auc_score(y, model.predict_proba(X)[:, 1])


def same_score(size, regression=False):
    """Held-out AUC (R² of numbers) no worse than the peer's, but for noise."""
    slack = 0.03 if size.startswith("281") else 0.01

    def same(ours, theirs):
        first, second = score(ours, size, regression), score(theirs, size, regression)
        return first >= second - slack, f"{'R2' if regression else 'AUC'} {first:.4f}, theirs {second:.4f}"

    return same


def fitting_case(name, kind, size, promise, threads, *, more_peers=None, regression=False, pairs=3, **options):
    jobs = {"n_jobs": threads} if "n_estimators" in options else {}
    module = sklearn.ensemble if jobs else sklearn.tree
    peers = {"scikit-learn": lambda: Peer(fit(lambda: getattr(module, kind)(random_state=0, **options, **jobs), size, regression), promise)}
    return Case(
        f"{name}, {size}",
        fit(lambda: getattr(fasttree, kind)(random_state=0, **options, **jobs), size, regression),
        peers | (more_peers or {}),
        same_score(size, regression),
        threads=threads,
        pairs=pairs,
    )


def ranger_peer(size, n_trees, threads, promise):
    """ranger in an R process that has the data; only wall time sees another process."""
    if threads == 1 or shutil.which("Rscript") is None:
        raise ImportError("needs R with ranger, and is measured on more than one thread only")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ranger"))
    atexit.register(shutil.rmtree, folder)
    X, y, X_test, y_test = data(size)
    pd.DataFrame(X).assign(y=y).to_csv(folder / "train.csv", index=False)
    pd.DataFrame(X_test).to_csv(folder / "test.csv", index=False)
    (folder / "run.R").write_text(RANGER.format(threads=threads, n_trees=n_trees))
    process = subprocess.Popen(["Rscript", "run.R"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    atexit.register(process.kill)
    if process.stdout.readline() != "ready\n":
        raise ImportError("R has no ranger")

    def ask(what):
        process.stdin.write(what + "\n")
        process.stdin.flush()
        process.stdout.readline()

    def auc():
        ask("score")
        return roc_auc_score(y_test, pd.read_csv(folder / "scores.csv").iloc[:, 0])

    def run():
        ask("fit")
        return auc

    return Peer(run, promise)


def ydf_peer(size, n_trees, threads, promise):
    import ydf

    X, y, X_test, y_test = data(size)
    names = [f"f{i}" for i in range(X.shape[1])]
    train, test = pd.DataFrame(X, columns=names).assign(y=y), pd.DataFrame(X_test, columns=names)
    ydf.verbose(0)

    def run():
        learner = ydf.RandomForestLearner(
            label="y", num_trees=n_trees, num_threads=threads, max_depth=-1, min_examples=1, compute_oob_performances=False
        )
        model = learner.train(train)
        return lambda: roc_auc_score(y_test, model.predict(test))

    return Peer(run, promise)


def predict_case(threads):
    X, y, X_test, _ = data("100k x 20")
    options = {"n_estimators": 100, "random_state": 0, "n_jobs": threads}
    many = np.concatenate([X_test] * 5)

    @functools.cache
    def model(module):
        return module.RandomForestClassifier(**options).fit(X[:20_000], y[:20_000])

    def same(ours, theirs):
        first, second = (roc_auc_score(data("100k x 20")[3], part[:N_TEST, 1]) for part in (ours, theirs))
        return abs(first - second) < 0.01, f"AUC {first:.4f}, theirs {second:.4f}"

    peers = {"scikit-learn": lambda: Peer(lambda: model(sklearn.ensemble).predict_proba(many), 3)}
    return Case("forest predict, 100k rows, 100 trees", lambda: model(fasttree).predict_proba(many), peers, same, threads=threads, pairs=5)


def cases(threads):
    if threads == 1:
        yield fitting_case("exact tree", "DecisionTreeClassifier", "100k x 20", 10, threads)
        yield fitting_case("exact tree", "DecisionTreeClassifier", "20k x 100", 10, threads)
        yield fitting_case("exact tree", "DecisionTreeClassifier", "281 x 774", 7, threads, pairs=15)
        yield fitting_case("exact tree of numbers", "DecisionTreeRegressor", "100k x 20", None, threads, regression=True)
        absolute = {"regression": True, "criterion": "absolute_error"}
        yield fitting_case("tree by absolute error", "DecisionTreeRegressor", "100k x 20", 5, threads, **absolute)
    for size, n_trees in (("100k x 20", 10), ("281 x 774", 100)):
        more = {
            "ranger": functools.partial(ranger_peer, size, n_trees, threads, 2),
            "ydf": functools.partial(ydf_peer, size, n_trees, threads, 2),
        }
        yield fitting_case(f"forest of {n_trees}", "RandomForestClassifier", size, 5, threads, more_peers=more, n_estimators=n_trees)
    yield fitting_case("extra-trees, 10", "ExtraTreesClassifier", "100k x 20", 4, threads, n_estimators=10)
    yield fitting_case("extra-trees, 100", "ExtraTreesClassifier", "281 x 774", 15, threads, n_estimators=100, pairs=7)
    yield predict_case(threads)
