"""What a candidate did in one split, and what the one chosen inside is called; read by whoever lists finished runs, so nothing heavy is loaded."""

import itertools
from typing import Any, NamedTuple

import numpy as np

SELECTED = "selected inside"
"""Name of the row that takes, in each split, whichever candidate the inner folds preferred."""


class Outcome(NamedTuple):
    """What one candidate did in one split; `probability` is (n_rows, 1) for a quantity, `seconds` are of the processor.

    trouble : why it could not be fitted, be it at one point of its space; empty where all went well
    """

    candidate: str
    chosen: dict[str, Any]
    inner_score: float
    train_auc: float
    probability: np.ndarray
    seconds: float
    trouble: str = ""

    @property
    def failed(self) -> bool:
        """Could it not be fitted at all?"""
        return not self.probability.size


def with_selected(outcomes):
    """The outcomes of one split, and the best of those that could be fitted by inner score, if there is one."""
    able = [outcome for outcome in outcomes if not outcome.failed]
    if not able:
        return outcomes
    best = max(able, key=lambda outcome: outcome.inner_score)
    together = sum(outcome.seconds for outcome in able)
    return [*outcomes, best._replace(candidate=SELECTED, chosen={"model": best.candidate} | best.chosen, seconds=together, trouble="")]


def settled(splits, gone=()):
    """The outcomes of those candidates that could be fitted in every split, in which the best is chosen among them alone.

    Parameters
    ----------
    splits : list of list of Outcome, one list per split
    gone : names of candidates that are left out already

    Returns
    -------
    splits : the same without the others; empty where no candidate is left
    left_out : dict of name -> why it could not be fitted
    limited : dict of name -> why it could not be fitted at a point that was tried
    """
    splits = [[outcome for outcome in split if outcome.candidate not in (SELECTED, *gone)] for split in splits]
    left_out, limited = {}, {}
    for outcome in itertools.chain.from_iterable(splits):
        if outcome.trouble:
            (left_out if outcome.failed else limited).setdefault(outcome.candidate, outcome.trouble)
    splits = [[outcome for outcome in split if outcome.candidate not in left_out] for split in splits]
    limited = {name: why for name, why in limited.items() if name not in left_out}
    return [with_selected(split) for split in splits if split], left_out, limited
