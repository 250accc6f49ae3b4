"""What is said of the columns: which are categorical, monotonic, or may meet in one branch."""

import itertools
from numbers import Integral

import numpy as np
from sklearn.utils.validation import _check_monotonic_cst, _get_feature_names


def categorical_mask(X, categorical_features):
    """Boolean mask of the categorical columns; `categorical_features` as scikit-learn's HistGradientBoosting takes it."""
    shape = X.shape if hasattr(X, "shape") else np.asarray(X).shape
    n_features = shape[1] if len(shape) == 2 else 0
    mask = np.zeros(n_features, bool)
    if isinstance(categorical_features, str):  # from_dtype
        if hasattr(X, "dtypes") and hasattr(X, "iloc"):
            mask[:] = [str(dtype) == "category" for dtype in X.dtypes]
        return mask
    given = np.asarray([] if categorical_features is None else categorical_features)
    if given.size == 0:
        return mask
    if given.dtype.kind not in "biuUOS":
        raise ValueError(f"categorical_features must be a mask, positions or names, not an array of {given.dtype}")
    if given.dtype.kind == "b":
        if len(given) != n_features:
            raise ValueError(f"categorical_features is a mask of {len(given)} for {n_features} features")
        return given.copy()
    if given.dtype.kind in "iu":
        if given.min() < 0 or given.max() >= n_features:
            raise ValueError(f"categorical_features must be positions from 0 to {n_features - 1}, not {given.tolist()}")
        mask[given] = True
        return mask
    names = _get_feature_names(X)
    if names is None:
        raise ValueError("categorical_features names columns, but those of X have no names")
    unknown = sorted(set(given.tolist()) - set(names))
    if unknown:
        raise ValueError(f"categorical_features names columns that X does not have: {unknown}")
    return np.isin(names, given)


def _column(X, i):
    return np.asarray(X.iloc[:, i] if hasattr(X, "iloc") else X[:, i], dtype=object)


def learn_levels(X, mask):
    """Position → sorted categories, of the categorical columns of a table or of an array of objects."""
    if not (hasattr(X, "iloc") or getattr(getattr(X, "dtype", None), "kind", "") == "O"):
        return {}
    levels = {}
    for i in np.flatnonzero(mask):
        found = {value for value in _column(X, i).tolist() if value is not None and value == value}
        try:
            levels[int(i)] = sorted(found)
        except TypeError:
            raise TypeError(f"categorical feature {i} mixes types that have no order: {sorted(map(repr, found))[:5]}") from None
    return levels


def number_levels(X, levels):
    """A copy of `X` with each category as its number; unknown and missing ones as NaN. `X` itself where there is nothing to do."""
    if not levels:
        return X
    frame = hasattr(X, "iloc")
    X = X.copy()
    for i, known in levels.items():
        table = {value: float(number) for number, value in enumerate(known)}
        numbers = np.array([table.get(value, np.nan) if value == value else np.nan for value in _column(X, i).tolist()])
        if frame:
            X.isetitem(i, numbers)
        else:
            X[:, i] = numbers
    return X


def monotonic_signs(estimator, categorical, n_outputs):
    """-1, 0 or 1 for each feature, int8."""
    signs = np.ascontiguousarray(_check_monotonic_cst(estimator, estimator.monotonic_cst), np.int8)
    if np.any(signs) and n_outputs > 1:
        raise ValueError("monotonic constraints are not supported for more than two classes or several quantiles")
    if np.any(signs[categorical]):
        raise ValueError("categorical features cannot have monotonic constraints")
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
