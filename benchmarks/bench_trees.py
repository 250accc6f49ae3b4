"""Growing and walking trees over time, for asv."""

import time

import numpy as np

import fasttree
from benchmarks import skips_older

SIZES = {"20k x 20": (20_000, 20), "281 x 774": (281, 774)}


def data(size):
    n_rows, n_features = SIZES[size]
    random = np.random.default_rng(0)
    X = random.normal(size=(n_rows, n_features)).astype(np.float32)
    y = X[:, :8] @ random.normal(size=8) + 1.5 * X[:, 0] * X[:, 1] + 1.5 * random.normal(size=n_rows)
    return X, y


class Fit:
    """One tree, or ten."""

    timer = time.process_time  # one thread: what else the machine does counts less
    params = (sorted(SIZES), ["DecisionTree", "RandomForest", "ExtraTrees"], ["Classifier", "Regressor"])
    param_names = ("size", "kind", "task")

    @skips_older
    def setup_cache(self):
        """Compile in a process of its own: the compiler's memory isn't the fit's."""
        for kind in self.params[1]:
            for task in self.params[2]:
                self.setup("20k x 20", kind, task)

    @skips_older
    def setup(self, size, kind, task):
        X, self.y = data(size)
        self.X, self.y = X, self.y > 0 if task == "Classifier" else self.y
        self.model = getattr(fasttree, kind + task)(**({} if kind == "DecisionTree" else {"n_estimators": 10}), random_state=0)
        self.model.fit(self.X, self.y)  # compiled before it is timed

    def time_fit(self, size, kind, task):
        self.model.fit(self.X, self.y)

    def peakmem_fit(self, size, kind, task):
        self.model.fit(self.X, self.y)


class Predict:
    """A forest of a hundred trees."""

    timer = time.process_time

    @skips_older
    def setup(self):
        self.X, y = data("20k x 20")
        self.model = fasttree.RandomForestClassifier(100, random_state=0).fit(self.X, y > 0)
        self.model.predict_proba(self.X)

    def time_predict(self):
        self.model.predict_proba(self.X)

    def time_predict_one_row(self):
        self.model.predict_proba(self.X[:1])
