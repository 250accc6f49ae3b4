"""Time of boosting's fit and prediction, and what each design buys: presorting, packing, interleaving."""

import time

import numpy as np

import fasttree
from benchmarks import skips_older


def data(*size):
    from benchmarks.peers.boosting import data

    return data(*size)


def model(**options):
    return fasttree.GradientBoostingClassifier(early_stopping=False, **options)


class Fits:
    params = (((100_000, 20), (20_000, 100), (281, 774)), (1, 2), ("quantized", "full"))
    param_names = ("size", "threads", "precision")

    @skips_older
    def setup_cache(self):
        """Compile in a process of its own: the compiler's memory isn't the fit's."""
        for precision in self.params[2]:
            for rows, features in self.params[0]:
                self.setup((min(rows, 5000), features), 1, precision)

    @skips_older
    def setup(self, size, threads, precision):
        self.X, self.y, *_ = data(*size)
        self.model = model(precision=precision, n_jobs=threads)
        self.model.fit(self.X, self.y)

    def time_fit(self, size, threads, precision):
        self.model.fit(self.X, self.y)

    def peakmem_fit(self, size, threads, precision):
        self.model.fit(self.X, self.y)


class Presorting:
    """Where the two ways to grow cost the same: `presorting_pays` is set by this."""

    timer = time.process_time  # one thread: what else the machine does counts less
    params = ((281, 600, 1200, 2400), (True, False))
    param_names = ("rows", "presorted")

    @skips_older
    def setup(self, rows, presorted):
        from fasttree import _boosting_fit

        self.X, self.y, *_ = data(rows, 200)
        _ = _boosting_fit.presorting_pays  # a process for each benchmark: nobody misses it afterwards
        _boosting_fit.presorting_pays = lambda *arguments: presorted
        self.model = model()
        self.model.fit(self.X, self.y)

    def time_fit(self, rows, presorted):
        self.model.fit(self.X, self.y)


class Costs:
    """Cost against the number of rows, features, leaves and bins, one at a time from 50,000 × 20, 31 leaves, 255 bins."""

    timer = time.process_time
    params = (("rows", "features", "leaves", "bins"), (0.25, 0.5, 1.0, 2.0))
    param_names = ("what", "times")

    @skips_older
    def setup(self, what, times):
        rows = int(50_000 * (times if what == "rows" else 1))
        features = int(20 * (times if what == "features" else 1))
        self.X, self.y, *_ = data(rows, features)
        leaves, bins = int(31 * (times if what == "leaves" else 1)), int(min(255, 127 * (times if what == "bins" else 2)))
        self.model = model(max_leaf_nodes=leaves, max_bins=bins, max_iter=30)
        self.model.fit(self.X, self.y)

    def time_fit(self, what, times):
        self.model.fit(self.X, self.y)


class Predictions:
    timer = time.process_time
    params = ((1, 100, 25_000),)
    param_names = ("rows",)

    @skips_older
    def setup(self, rows):
        X, y, X_test, *_ = data(100_000, 20)
        self.model = model().fit(X, y)
        self.rows = np.ascontiguousarray(X_test[:rows])
        self.model.decision_function(self.rows)

    def time_decision_function(self, rows):
        self.model.decision_function(self.rows)


class Histograms:
    """Nanoseconds are this time over 8 × 100,000 (dense) or 8 × 3,000 (a scattered 3 %)."""

    timer = time.process_time

    @skips_older
    def setup(self):
        from fasttree._histogram import add_all, add_rows

        self.add_all, self.add_rows = add_all, add_rows
        random = np.random.default_rng(0)
        self.words = random.integers(0, 2**63, 100_000).astype(np.uint64)
        self.values = random.integers(0, 1000, 100_000)
        self.rows = np.sort(random.choice(100_000, 3000, replace=False)).astype(np.uint32)
        self.some = self.values[self.rows]
        self.out = np.zeros(8 * 256, np.int64)
        self.time_dense()
        self.time_scattered()

    def time_dense(self):
        self.add_all(self.words, self.values, 8, self.out)

    def time_scattered(self):
        self.add_rows(self.words, self.rows, self.some, 8, self.out)
