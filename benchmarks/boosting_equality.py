"""``python -m benchmarks.boosting_equality DATA``: are quantised histograms, full precision, LightGBM and scikit-learn equally good?

Ten divisions of each data set into two thirds to learn from and one third to score; all models on the same division with the same number of
leaves, bins, rounds and learning rate. The simulated table of 281 rows is drawn anew each time, with 4,000 further rows to score: a third of
281 rows would say nothing. A model is worse where the mean difference over the divisions is below zero by more than three of its standard
errors and more than 0.001. DATA is the folder with higgs_lightgbm_binary.train.tsv, adult.csv and the other tables; scikit-learn's own
data and the simulated table need none. Score of quantised histograms, and its difference to the others (mean over ten divisions ±
standard error)::

    data                  score            quantized              full      scikit-learn          LightGBM
    higgs                 auc         0.7639 ± 0.0075  +0.0002 ± 0.0002   +0.0009 ± 0.0013   +0.0006 ± 0.0013
    adult                 auc         0.9121 ± 0.0103  -0.0000 ± 0.0000   -0.0008 ± 0.0006   -0.0016 ± 0.0007
    california            r2          0.8047 ± 0.0095  +0.0000 ± 0.0000   +0.0013 ± 0.0008   +0.0017 ± 0.0007
    abalone               r2          0.5252 ± 0.0157  +0.0003 ± 0.0003   -0.0008 ± 0.0017   -0.0018 ± 0.0012
    dna                   accuracy    0.9639 ± 0.0060  +0.0000 ± 0.0007   -0.0002 ± 0.0006   +0.0011 ± 0.0008
    wine                  r2          0.4503 ± 0.0200  +0.0000 ± 0.0000   -0.0015 ± 0.0019   -0.0001 ± 0.0017
    breast cancer         auc         0.9902 ± 0.0060  -0.0002 ± 0.0001   -0.0004 ± 0.0004   -0.0005 ± 0.0008
    digits                accuracy    0.9720 ± 0.0054  +0.0000 ± 0.0014   +0.0000 ± 0.0010   +0.0005 ± 0.0013
    simulated 281 × 774   auc         0.8612 ± 0.0305  -0.0018 ± 0.0013   -0.0017 ± 0.0016   -0.0034 ± 0.0018

Nowhere worse by more than three standard errors and 0.001 (LightGBM 4.7, scikit-learn 1.9). Nearest to it: LightGBM's AUC on the simulated
tables is 0.0034 ± 0.0018 higher, and adult's 0.0016 ± 0.0007.
"""

import argparse
import pathlib
import zlib

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import accuracy_score, r2_score, roc_auc_score
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

from fasttree import GradientBoostingClassifier, GradientBoostingRegressor

MOST_ROWS = 6000  # of a data set, drawn anew for each division


def table(path, target, **options):
    frame = pd.read_csv(path, **options)
    y = frame.pop(target)
    text = [name for name in frame if frame[name].dtype.kind not in "biuf"]
    for name in text:
        frame[name] = frame[name].astype("category").cat.codes.astype(np.float64).replace(-1.0, np.nan)
    return frame.to_numpy(np.float64), y.to_numpy(), [frame.columns.get_loc(name) for name in text]


def higgs(folder):
    rows = pd.read_csv(folder / "higgs_lightgbm_binary.train.tsv", sep="\t", header=None).to_numpy()
    return rows[:, 1:], rows[:, 0], []


def simulated(seed):
    """281 rows to learn from and 4,000 to score, of a problem of their own."""
    X, y = datasets.make_classification(4281, 774, n_informative=20, n_redundant=20, class_sep=1.0, random_state=seed)
    return X[:281], X[281:], y[:281], y[281:]


DATA = {
    "higgs": (higgs, "auc"),
    "adult": (lambda folder: table(folder / "adult.csv", "income"), "auc"),
    "california": (lambda folder: table(folder / "california_housing.csv", "median_house_value"), "r2"),
    "abalone": (lambda folder: table(folder / "abalone.csv", "Rings"), "r2"),
    "dna": (lambda folder: table(folder / "dna.csv", "LABEL"), "accuracy"),
    "wine": (lambda folder: table(folder / "winequality-white.csv", "quality", sep=";"), "r2"),
    "breast cancer": (lambda folder: (*datasets.load_breast_cancer(return_X_y=True), []), "auc"),
    "digits": (lambda folder: (*datasets.load_digits(return_X_y=True), []), "accuracy"),
    "simulated 281 × 774": (None, "auc"),
}


def models(metric, categorical, seed):
    common = {"learning_rate": 0.1, "max_iter": 100, "max_leaf_nodes": 31, "min_samples_leaf": 20, "early_stopping": False}
    common |= {"categorical_features": categorical or None, "random_state": seed}
    own = GradientBoostingRegressor if metric == "r2" else GradientBoostingClassifier
    theirs = HistGradientBoostingRegressor if metric == "r2" else HistGradientBoostingClassifier
    yield "quantized", own(**common)
    yield "full", own(precision="full", **common)
    yield "scikit-learn", theirs(**common)


def lightgbm_model(metric, categorical):
    import lightgbm

    kind = lightgbm.LGBMRegressor if metric == "r2" else lightgbm.LGBMClassifier
    model = kind(n_estimators=100, num_leaves=31, max_bin=255, verbose=-1, n_jobs=1)
    return model, {"categorical_feature": categorical or "auto"}


def score(metric, model, X, y):
    if metric == "r2":
        return r2_score(y, model.predict(X))
    if metric == "accuracy":
        return accuracy_score(y, model.predict(X))
    return roc_auc_score(y, model.predict_proba(X)[:, 1])


def divisions(name, folder, seeds):
    """(rows to learn from, rows to score, their targets), one division for each seed; and the categorical columns."""
    load, metric = DATA[name]
    if load is None:
        return [simulated(seed) for seed in range(seeds)], []
    X, y, categorical = load(folder)
    if metric != "r2":
        y = np.unique(y, return_inverse=True)[1]
    parts = []
    for seed in range(seeds):
        drawn = np.random.default_rng([seed, zlib.crc32(name.encode())]).permutation(len(y))[:MOST_ROWS]
        parts.append(train_test_split(X[drawn], y[drawn], test_size=1 / 3, random_state=seed))
    return parts, categorical


def study(name, folder, seeds):
    """Scores of each model on each division, and of what: arrays by model."""
    metric, found = DATA[name][1], {}
    parts, categorical = divisions(name, folder, seeds)
    for seed, (X_learn, X_test, y_learn, y_test) in enumerate(parts):
        for label, model in models(metric, categorical, seed):
            found.setdefault(label, []).append(score(metric, model.fit(X_learn, y_learn), X_test, y_test))
        model, options = lightgbm_model(metric, categorical)
        found.setdefault("LightGBM", []).append(score(metric, model.fit(X_learn, y_learn, **options), X_test, y_test))
    return metric, {label: np.array(scores) for label, scores in found.items()}


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m benchmarks.boosting_equality", description=__doc__)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", default=",".join(DATA), help="data sets, by comma")
    options = parser.parse_args(arguments)
    print(f"{'data':<22}{'score':<10}{'quantized':>16}{'full':>18}{'scikit-learn':>18}{'LightGBM':>18}   (difference to quantized)")
    beyond = 0
    with threadpool_limits(1):
        for name in options.only.split(","):
            metric, found = study(name.strip(), options.data, options.seeds)
            own = found["quantized"]
            cells = []
            for label in ("full", "scikit-learn", "LightGBM"):
                gap = own - found[label]
                error = gap.std(ddof=1) / len(gap) ** 0.5
                worse = gap.mean() < -max(3 * error, 0.001)
                beyond += worse
                cells.append(f"{gap.mean():+9.4f} ± {error:.4f}{'!' if worse else ' '}")
            print(f"{name:<22}{metric:<10}{own.mean():8.4f} ± {own.std(ddof=1):.4f}" + "".join(f"{c:>18}" for c in cells), flush=True)
    print("nowhere worse by more than three standard errors and 0.001" if not beyond else f"worse in {beyond} places, marked !")
    return 1 if beyond else 0


if __name__ == "__main__":
    raise SystemExit(main())
