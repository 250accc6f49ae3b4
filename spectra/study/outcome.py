"""What a candidate did in one split, and what the one chosen inside is called; read by whoever lists finished runs, so nothing heavy is loaded."""

from typing import Any, NamedTuple

import numpy as np

SELECTED = "selected inside"
"""Name of the row that takes, in each split, whichever candidate the inner folds preferred."""


class Outcome(NamedTuple):
    """What one candidate did in one split; `probability` is (n_rows, 1) for a quantity, `seconds` are of the processor."""

    candidate: str
    chosen: dict[str, Any]
    inner_score: float
    train_auc: float
    probability: np.ndarray
    seconds: float
