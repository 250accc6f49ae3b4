"""The rounds of a fit: gradients, trees, scores, and when to stop."""

import dataclasses
from typing import Any

import numpy as np

from fasttree import _losses_kernels as kernels
from fasttree._binning import encode, pack
from fasttree._boosting_crew import Crew, run_parts
from fasttree._boosting_presort import MOST_ROWS, ROOT, order_rows
from fasttree._boosting_round import ADD, GRADIENTS, GROW
from fasttree._boosting_state import HIGH, LOW, NODE, NODE_TYPE, START, STOP, Data, Rules, Tree, deal_features, make_room
from fasttree._histogram import BINS
from fasttree._losses_kernels import Target
from fasttree._losses_own import own_kernel
from fasttree._threads import seeded

_CELLS_PER_THREAD = 20_000  # fewer are not worth a thread
_ROW_COST, _FILL_COST, _BIN_COST, _FEATURE_COST = 2.15, 0.7, 0.3, 20.0  # nanoseconds
_CACHE = 2**23  # bytes of codes beyond which a leaf's rows are read from strips
_SEEDS = 2**20  # rounds' seeds between those of two fits


@dataclasses.dataclass
class Rows:
    """Rows to learn from, or to watch.

    X : float32, shape (n, n_features), C order
    y : float64, shape (n,)
    weight : float64, shape (n,), or None
    start : float64, shape (n_outputs, n), or None
        Raw predictions of another estimator, to which the trees are added.
    """

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None = None
    start: np.ndarray | None = None

    def take(self, index):
        """Those rows alone; before `start` is known."""
        return Rows(np.ascontiguousarray(self.X[index]), self.y[index], None if self.weight is None else self.weight[index])


@dataclasses.dataclass
class Patience:
    """When to stop early; no rounds of patience: never."""

    rounds: int | None
    tolerance: float

    def exhausted(self, scores):
        """True when none of the last scores is better than the one before them by more than the tolerance."""
        if self.rounds is None or len(scores) <= self.rounds:
            return False
        return max(scores[-self.rounds :]) <= scores[-self.rounds - 1] + self.tolerance


@dataclasses.dataclass
class Sampling:
    """Which rows and features a tree may see.

    rows : share of the rows, drawn for each round
    gradient : (share of the rows with the largest gradients to keep, share of all rows to draw from the others), or None
    features : share of the features, drawn for each tree
    """

    rows: float = 1.0
    gradient: tuple[float, float] | None = None
    features: float = 1.0

    @property
    def some_rows(self):
        """Whether trees see some rows only."""
        return self.rows < 1.0 or self.gradient is not None

    def draw_rows(self, gradients, hessians, random):
        """Rising row numbers. With `gradient`, the drawn rows' gradients and hessians, (n_outputs, n), are multiplied to stand for all."""
        n = gradients.shape[1]
        if self.gradient is None:
            return np.sort(random.choice(n, max(1, int(self.rows * n)), replace=False))
        n_top, n_other = max(1, int(self.gradient[0] * n)), max(1, int(self.gradient[1] * n))
        strength = np.abs(gradients * hessians).sum(axis=0)
        order = np.argsort(-strength, kind="stable")
        others = random.choice(order[n_top:], min(n_other, n - n_top), replace=False)
        if len(others):
            gradients[:, others] *= np.float32((n - n_top) / len(others))
            hessians[:, others] *= np.float32((n - n_top) / len(others))
        return np.sort(np.concatenate([order[:n_top], others]))

    def draw_features(self, use, seed):
        """Mark the features of a tree in `use`."""
        if self.features < 1.0:
            use[:] = 0
            use[seeded(seed).choice(len(use), max(1, int(self.features * len(use))), replace=False)] = 1


def presorting_pays(n, n_bins, rules):
    """Whether growth on presorted rows is expected to take less time than on histograms.

    In nanoseconds per feature and tree: each level of the tree divides and scans every row, against filling histograms with some and
    scanning every bin of every leaf. With 255 bins and 31 leaves both cost the same at 600 rows (`benchmarks/bench_boosting.py`).
    """
    if n >= MOST_ROWS:
        return False
    leaves = min(rules.max_leaves, max(1, n // rules.min_samples_leaf))
    levels = min(np.log2(max(leaves, 2)) + 1.0, rules.max_depth)
    by_rows = n * levels * _ROW_COST
    by_bins = n * levels * _FILL_COST + 2 * leaves * (np.mean(n_bins) * _BIN_COST + _FEATURE_COST)
    return bool(by_rows < by_bins)


@dataclasses.dataclass
class Fit:
    """One fit of an ensemble: what stays the same in all its rounds."""

    ensemble: Any
    loss: Any
    rules: Rules
    sampling: Sampling
    monotonic: np.ndarray
    groups: np.ndarray
    seed: int
    n_threads: int

    def run(self, rows, watched, n_rounds, after_round):
        """Add rounds until there are `n_rounds`, or until ``after_round(n_rounds_done, raw, watched_raw)`` says stop.

        It is called once before the first round of a fresh ensemble, too. `watched` are Rows to predict along, or None. The caller lays the
        trees out for prediction (`Ensemble.prepare`), whether this returns or raises.
        """
        threads = max(1, min(self.n_threads, 1 + rows.X.size // _CELLS_PER_THREAD))
        ensemble = self.ensemble
        done = len(ensemble.trees) // ensemble.n_outputs
        ensemble.prepare()
        raw = self._raw(rows, threads)
        watched_raw = None if watched is None else self._raw(watched, threads)
        watched_codes = None if watched is None else ensemble.encode(watched.X)
        if done == 0 and after_round(0, raw, watched_raw):
            return
        shared = self._lay_out(rows, raw, threads)
        tree = shared[-1]
        with Crew(threads, *shared) as crew:
            for i in range(done, n_rounds):
                n_rows = self._prepare_round(crew, rows, i)
                for c in range(ensemble.n_outputs):
                    self._grow(crew, rows, i, c, n_rows)
                    ensemble.append(tree.nodes[: tree.size[0]].copy(), tree.sets[: tree.size[1]].copy())
                    if watched is not None:
                        ensemble.add(watched_codes, len(ensemble.trees) - 1, watched_raw[c])
                if after_round(i + 1, raw, watched_raw):
                    break

    def _raw(self, rows, threads):
        raw = self.ensemble.raw(rows.X, threads)
        return raw if rows.start is None else raw + rows.start

    def _lay_out(self, rows, raw, threads):
        """Everything that the crew shares: data, target, rules, plan, work, tree."""
        n, n_features = rows.X.shape
        bins, run = self.ensemble.bins, lambda task, n: run_parts(task, n, threads)
        codes = encode(rows.X, bins, run=run)
        words = pack(codes, run=run)
        strips = np.ascontiguousarray(words.T) if words.nbytes > _CACHE else np.empty((0, len(words)), np.uint64)
        data = Data(words, strips, codes, bins.cuts, bins.n_bins, bins.categorical, self.monotonic, self.groups)
        plan = deal_features(n_features, threads)
        presorted = self.sampling.some_rows is False and presorting_pays(n, bins.n_bins, self.rules)
        work = make_room(n, n_features, len(raw), threads, self.rules, self.groups.shape[1], plan, presorted, len(strips) > 0)
        if presorted:
            counts = np.empty(BINS + 1, np.int64)
            for f in range(n_features):
                order_rows(codes[f], counts, work.sums.orders[ROOT, f])
        weight = np.empty(0) if rows.weight is None else np.require(rows.weight, requirements="W")
        y = np.require(rows.y, requirements="W")  # read-only arrays are another type, and would be compiled for anew
        target = Target(self.loss.code, np.array(self.loss.parameters, np.float64), y, weight, raw)
        leaves = self.rules.max_leaves
        tree = Tree(np.zeros(2 * leaves - 1, NODE_TYPE), np.zeros((leaves, 4), np.uint64), np.zeros(4, np.int64))
        return data, target, self.rules, plan, work, tree

    def _prepare_round(self, crew, rows, i):
        """Gradients where they are not the crew's own first step; the number of rows that the trees of this round see."""
        _, target, _, _, work, _ = crew.shared
        if self.loss.code == kernels.HUBER:
            target.parameter[0] = self.loss.width(rows.y - target.raw[0], rows.weight)
        if self.loss.own is not None:
            own_kernel(self.loss.own)(target.y, target.raw[0], target.weight, work.gradients[0], work.hessians[0])
        if not self.sampling.some_rows:
            return len(rows.y)
        if self.loss.own is None:
            crew.order(GRADIENTS)
        random = seeded((self.seed + 7919 * i) % 2**32)
        chosen = self.sampling.draw_rows(work.gradients, work.hessians, random)
        rest = np.ones(len(rows.y), bool)
        rest[chosen] = False
        self._order_of_rows = np.concatenate([chosen, np.flatnonzero(rest)]).astype(np.uint32)
        return len(chosen)

    def _grow(self, crew, rows, i, c, n_rows):
        """Tree `c` of round `i`, and what it adds to the raw predictions."""
        _, target, _, _, work, tree = crew.shared
        number = i * self.ensemble.n_outputs + c
        self.sampling.draw_features(work.search.use, (self.seed + 104729 * number) % 2**32)
        gradients = GRADIENTS if c == 0 and self.loss.own is None and not self.sampling.some_rows else 0
        if self.sampling.some_rows:
            work.lists.rows[:] = self._order_of_rows
        crew.order(gradients | GROW | (0 if self.loss.renews else ADD), c, n_rows, self.seed * _SEEDS + number)
        if tree.size[0] == 0:
            raise FloatingPointError(f"the loss has a gradient or hessian that is not finite in iteration {i + 1}")
        if self.loss.renews:
            self._renew(c, rows, target, work, tree)
            crew.order(ADD, c, n_rows)

    def _renew(self, c, rows, target, work, tree):
        """Replace the leaves' values by the best constants for their rows, within their bounds."""
        ints, floats, order = work.frontier.ints[0], work.frontier.floats[0], work.lists.rows[0]
        residuals = rows.y - target.raw[c]
        for j in range(work.sums.totals[0, 2]):
            index = order[ints[j, START] : ints[j, STOP]]
            weight = None if rows.weight is None else rows.weight[index]
            value = self.loss.leaf(c, residuals[index], weight, target.parameter[0])
            tree.nodes["value"][ints[j, NODE]] = self.rules.learning_rate * min(max(value, floats[j, LOW]), floats[j, HIGH])
