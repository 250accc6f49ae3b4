"""The rounds of a fit: gradients, trees, scores, and when to stop."""

import dataclasses
from typing import Any

import numpy as np

from fasttree._binning import encode
from fasttree._boosting_crew import Crew, run_parts
from fasttree._boosting_round import ADD, GRADIENTS, GROW
from fasttree._boosting_state import NODE_TYPE, Data, Rules, Tree, deal_features, make_room
from fasttree._losses_kernels import Target

_CELLS_PER_THREAD = 20_000  # fewer are not worth a thread
_SEEDS = 2**20  # rounds' seeds between those of two fits


@dataclasses.dataclass
class Rows:
    """Rows to learn from, or to watch.

    X : float32, shape (n, n_features), C order
    y : float64, shape (n,)
    weight : float64, shape (n,), or None
    """

    X: np.ndarray
    y: np.ndarray
    weight: np.ndarray | None = None

    def take(self, index):
        """Those rows alone."""
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
class Fit:
    """One fit of an ensemble.

    watched : Rows or None
        Rows whose score decides when to stop; the training rows' own score decides when there are none.
    after_round : callable
        ``after_round(n_rounds, raw, watched_raw) -> bool``, whether to stop. Called after each round, and once before the first
        of a fresh ensemble.
    """

    ensemble: Any
    loss: Any
    rules: Rules
    monotonic: np.ndarray
    groups: np.ndarray
    seed: int
    n_threads: int

    def run(self, rows, watched, n_rounds, after_round):
        """Add rounds until there are `n_rounds`, or `after_round` says stop."""
        n, n_features = rows.X.shape
        threads = max(1, min(self.n_threads, 1 + n * n_features // _CELLS_PER_THREAD))
        ensemble, n_outputs = self.ensemble, self.ensemble.n_outputs
        done = len(ensemble.trees) // n_outputs
        ensemble.prepare()
        raw = ensemble.raw(rows.X, threads)
        watched_raw = None if watched is None else ensemble.raw(watched.X, threads)
        watched_codes = None if watched is None else ensemble.encode(watched.X)
        words = encode(rows.X, ensemble.bins, run=lambda task, n: run_parts(task, n, threads))
        bins, codes = ensemble.bins, words.view(np.uint8).reshape(*words.shape, 8)
        data = Data(words, codes, bins.cuts, bins.n_bins, bins.categorical, self.monotonic, self.groups)
        plan = deal_features(n_features, threads)
        work = make_room(n, n_features, n_outputs, threads, self.rules, self.groups.shape[1], plan)
        weight = np.empty(0) if rows.weight is None else np.require(rows.weight, requirements="W")
        y = np.require(rows.y, requirements="W")  # read-only arrays are another type, and would be compiled for anew
        target = Target(self.loss.code, float(self.loss.parameter), y, weight, raw)
        leaves = self.rules.max_leaves
        tree = Tree(np.zeros(2 * leaves - 1, NODE_TYPE), np.zeros((leaves, 4), np.uint64), np.zeros(4, np.int64))
        if done == 0 and after_round(0, raw, watched_raw):
            return
        with Crew(threads, data, target, self.rules, plan, work, tree) as crew:
            for i in range(done, n_rounds):
                for c in range(n_outputs):
                    crew.order((GRADIENTS if c == 0 else 0) | GROW | ADD, c, n, self.seed * _SEEDS + i * n_outputs + c)
                    if tree.size[0] == 0:
                        raise FloatingPointError(f"the loss or one of its gradients is not finite in iteration {i + 1}")
                    ensemble.append(tree.nodes[: tree.size[0]].copy(), tree.sets[: tree.size[1]].copy())
                    if watched is not None:
                        ensemble.add(watched_codes, len(ensemble.trees) - 1, watched_raw[c])
                if after_round(i + 1, raw, watched_raw):
                    break
        ensemble.prepare()
