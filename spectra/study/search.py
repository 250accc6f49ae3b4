"""Search spaces, declared once, and the ways to look through them: a grid, random draws, or Optuna's sampler.

Every way sees nothing but the score of the inner folds.
"""

import itertools
import math
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from spectra.errors import SpectraError

TIE = 1e-9  # scores so near are equal but for rounding
WORST = -1e6  # what Optuna is told of a point without a score
WAYS = ("grid", "random", "optuna")


class Space(NamedTuple):
    """Values of one parameter.

    grid : tuple, what the grid tries; all there is where `low` is None
    low, high : float or None, the range that random draws and Optuna take from
    log : bool, evenly over the logarithm
    """

    grid: tuple[Any, ...]
    low: float | None = None
    high: float | None = None
    log: bool = True

    @property
    def whole(self):
        """Are the values whole numbers?"""
        return all(isinstance(value, int) for value in self.grid)

    def draw(self, random):
        """One value at random."""
        if self.low is None:
            return self.grid[int(random.integers(len(self.grid)))]
        if self.log:
            value = math.exp(random.uniform(math.log(self.low), math.log(self.high)))
        else:
            value = random.uniform(self.low, self.high)
        return round(value) if self.whole else float(value)

    def suggest(self, trial, name):
        """One value from an Optuna trial."""
        if self.low is None:
            return self.grid[trial.suggest_categorical(name, list(range(len(self.grid))))]
        if self.whole:
            return trial.suggest_int(name, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(name, self.low, self.high, log=self.log)


def grid(space: dict[str, Space]) -> list[dict[str, Any]]:
    """All combinations of the grids, in order.

    >>> grid({"a": Space((1, 2)), "b": Space((True,))})
    [{'a': 1, 'b': True}, {'a': 2, 'b': True}]
    """
    return [dict(zip(space, point, strict=True)) for point in itertools.product(*(values.grid for values in space.values()))]


class Search(NamedTuple):
    """How hyperparameters are looked for.

    way : one of `WAYS`; trials : int, points tried by random draws and Optuna; seed : int
    journal : path or None, where Optuna keeps its trials, so that an interrupted search goes on
    """

    way: str = "grid"
    trials: int = 20
    seed: int = 0
    journal: Any = None

    def best(
        self,
        space: dict[str, Space],
        score: Callable[[dict[str, Any]], float],
        name: str,
        among_equals: Callable[[dict[str, Any]], float] = lambda point: 0.0,
    ) -> tuple[dict[str, Any], float]:
        """The point with the highest score; of ties the one that is highest `among_equals`, and of such the first.

        name : str, of this search: it decides the draws, and finds its trials in the journal
        among_equals : callable, a second score, asked of tied points alone. Classes that are told apart without error tie at an AUC of 1
            even where a model shrunk to nothing ranks them so with probabilities of a half
        """
        if self.way == "optuna" and space:
            points, found = self._optuna(space, score, name)
        else:
            points = grid(space)
            if self.way == "random" and any(values.low is not None or len(values.grid) > 1 for values in space.values()):
                random = np.random.default_rng([self.seed, zlib.crc32(name.encode())])
                points = [{key: values.draw(random) for key, values in space.items()} for _ in range(self.trials)]
            found = [score(point) for point in points]
        ranks = np.nan_to_num(found, nan=-np.inf)
        tied = np.flatnonzero(ranks >= ranks.max() - TIE)
        best = int(tied[0]) if tied.size == 1 else int(tied[np.argmax([among_equals(points[i]) for i in tied])])
        return points[best], float(found[best])

    def _optuna(self, space, score, name):
        """Points in the order in which they were tried, and their scores."""
        optuna = import_optuna()
        storage = None
        if self.journal is not None:
            from optuna.storages.journal import JournalFileBackend

            storage = optuna.storages.JournalStorage(JournalFileBackend(str(self.journal)))
        study = optuna.create_study(study_name=name, storage=storage, direction="maximize", load_if_exists=True)
        tried = [(trial.user_attrs["point"], trial.value) for trial in study.trials if trial.state.is_finished()]
        tried = [(point, value if value > WORST else score(point)) for point, value in tried]  # asked again, to be told why
        while len(tried) < self.trials:
            # a sampler for each trial: a search that goes on draws what an unbroken one would have drawn
            study.sampler = optuna.samplers.TPESampler(seed=zlib.crc32(f"{self.seed} {name} {len(tried)}".encode()))
            trial = study.ask()
            point = {key: values.suggest(trial, key) for key, values in space.items()}
            trial.set_user_attr("point", point)
            tried.append((point, score(point)))
            study.tell(trial, float(np.nan_to_num(tried[-1][1], nan=WORST)))
        return [point for point, _ in tried], [value for _, value in tried]


def import_optuna():
    """Optuna, quiet; an error that says how to get it."""
    try:
        import optuna
    except ImportError:
        raise SpectraError("[study] search: 'optuna' needs the package optuna: pip install 'spectra[optuna]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
