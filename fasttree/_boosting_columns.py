"""What is said of the columns: which are monotonic, or may meet in one branch."""

import itertools
from numbers import Integral

import numpy as np
from sklearn.utils.validation import _check_monotonic_cst


def monotonic_signs(estimator, categorical, n_outputs):
    """-1, 0 or 1 for each feature, int8."""
    signs = np.ascontiguousarray(_check_monotonic_cst(estimator, estimator.monotonic_cst), np.int8)
    if np.any(signs) and n_outputs > 1:
        raise ValueError("monotonic constraints are not supported for more than two classes or several quantiles")
    if np.any(signs[categorical]):
        raise ValueError("Categorical features cannot have monotonic constraints.")
    return signs


def interaction_groups(constraints, n_features):
    """The groups that hold each feature, as bits: uint64, shape (n_features, n_words); no columns without constraints."""
    if constraints is None:
        return np.zeros((n_features, 0), np.uint64)
    if constraints == "no_interactions":
        groups = [{f} for f in range(n_features)]
    elif constraints == "pairwise":
        groups = [set(pair) for pair in itertools.combinations(range(n_features), 2)]
    else:
        try:
            groups = [set(group) for group in constraints]
        except TypeError:
            raise ValueError(f"interaction_cst must be a sequence of tuples or lists, not {constraints!r}") from None
    for group in groups:
        if not all(isinstance(f, Integral) and 0 <= f < n_features for f in group):
            raise ValueError(f"interaction_cst must hold positions from 0 to {n_features - 1}, not {group!r}")
    rest = set(range(n_features)).difference(*groups)
    if rest:
        groups.append(rest)
    bits = np.zeros((n_features, (len(groups) + 63) // 64), np.uint64)
    for g, group in enumerate(groups):
        for f in group:
            bits[f, g // 64] |= np.uint64(1) << np.uint64(g % 64)
    return bits
