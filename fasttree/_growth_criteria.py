"""Which family of searches a criterion belongs to."""

from fasttree._splitting_scan import ABSOLUTE, ENTROPY, GINI, OWN, POISSON, SQUARED

CRITERIA = {
    "gini": GINI,
    "entropy": ENTROPY,
    "log_loss": ENTROPY,
    "squared_error": SQUARED,
    "friedman_mse": SQUARED,  # ranks the splits of a node as the squared error does
    "poisson": POISSON,
    "absolute_error": ABSOLUTE,
}


def family_of(criterion):
    return OWN if callable(criterion) else CRITERIA[criterion]
