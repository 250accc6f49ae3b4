"""Columns of categories: which they are, and their values as the numbers 0, 1, ... of the sorted categories."""

import numpy as np


def categorical_mask(X, categorical_features):
    """Boolean mask of the categorical columns; `categorical_features` as scikit-learn's HistGradientBoosting takes it, in its words."""
    shape = X.shape if hasattr(X, "shape") else np.asarray(X).shape
    n_features = shape[1] if len(shape) == 2 else 0
    mask = np.zeros(n_features, bool)
    if isinstance(categorical_features, str):  # from_dtype
        if hasattr(X, "columns") and hasattr(X, "dtypes"):
            mask[:] = [str(dtype).startswith(("category", "Categorical", "Enum")) for dtype in X.dtypes]  # of pandas; of polars
        return mask
    given = np.asarray([] if categorical_features is None else categorical_features)
    if given.size == 0:
        return mask
    kinds = sorted({type(value).__name__ for value in given.tolist()}) if given.dtype.kind == "O" else [given.dtype.name]
    if given.dtype.kind not in "biuU" and kinds != ["str"]:
        raise ValueError(f"categorical_features must be an array-like of bool, int or str, got: {', '.join(kinds)}.")
    if given.dtype.kind == "b":
        if given.shape != mask.shape:
            raise ValueError(f"categorical_features set as a boolean mask must have shape (n_features,), got: {given.shape}")
        return given.copy()
    if given.dtype.kind in "iu":
        if given.min() < 0 or given.max() >= n_features:
            raise ValueError(f"categorical_features set as integer indices must be in [0, n_features - 1], got: {given.tolist()}")
        mask[given] = True
        return mask
    if getattr(X, "columns", None) is None:
        raise ValueError(
            "categorical_features should be passed as an array of integers or as a boolean mask when the model is fitted on data "
            "without feature names."
        )
    names = list(X.columns)
    for name in given.tolist():
        if name not in names:
            raise ValueError(
                f"categorical_features has an item value '{name}' which is not a valid feature name of the training data. "
                f"Observed feature names: {names}"
            )
    return np.isin(names, given)


def _is_table(X):
    return hasattr(X, "iloc")


def _plain(X):
    """An array or a pandas DataFrame; a polars DataFrame becomes one that shares its numbers."""
    if _is_table(X):
        return X
    if hasattr(X, "get_column"):
        import pandas as pd

        return pd.DataFrame({name: X.get_column(name).to_numpy() for name in X.columns})
    return np.asarray(X)


def column_of_text(X):
    """Name of the first column of a table that holds text, or None."""
    X = _plain(X)
    columns = X.columns if _is_table(X) else ()
    return next((name for i, name in enumerate(columns) if any(isinstance(value, str) for value in X.iloc[:, i].tolist())), None)


def learn_levels(X, mask, *, numbers=False):
    """Position -> sorted categories, a list, of the categorical columns.

    numbers : whether to learn those of an array of numbers too, which otherwise has none
    """
    if not np.any(mask):
        return {}
    X = _plain(X)
    if not (numbers or _is_table(X) or X.dtype.kind in "OU"):
        return {}
    levels = {}
    for i in np.flatnonzero(mask).tolist():
        found = X.iloc[:, i].dropna().unique().tolist() if _is_table(X) else _distinct(X[:, i])
        try:
            levels[i] = sorted(found)
        except TypeError:
            raise TypeError(f"categorical feature {i} mixes types that have no order: {sorted(map(repr, found))[:5]}") from None
    return levels


def _distinct(column):
    if column.dtype.kind in "biuf":
        found = np.unique(column)
        return found[found == found].tolist()
    return list({value for value in column.tolist() if value is not None and value == value})


def number_levels(X, levels):
    """A copy of `X` with each category as its number; unknown and missing ones as NaN. `X` itself where there is nothing to do."""
    if not levels:
        return X
    X = _plain(X)
    if X.ndim != 2 or X.shape[1] <= max(levels):
        return X  # which is refused soon, in scikit-learn's words
    if _is_table(X):
        import pandas as pd

        out = X.copy(deep=False)
        for i, known in levels.items():
            codes = pd.Index(known, dtype=object).get_indexer(X.iloc[:, i].astype(object))
            out.isetitem(i, np.where(codes < 0, np.nan, codes))
        return out
    out = np.array(X, dtype=X.dtype if X.dtype.kind in "fO" else np.float64 if X.dtype.kind in "biu" else object)
    for i, known in levels.items():
        out[:, i] = _numbers(X[:, i], known)
    return out


def _numbers(column, known):
    if column.dtype.kind in "biuf" and known and not isinstance(known[0], str):
        values = np.asarray(known, dtype=np.float64)
        if values[-1] == len(values) - 1 and np.array_equal(values, np.arange(len(values))):  # numbers already
            return np.where((column >= 0) & (column < len(values)) & (column == np.floor(column)), column, np.nan)
        places = np.minimum(np.searchsorted(values, column), len(values) - 1)
        return np.where(values[places] == column, places, np.nan)
    table = {value: float(number) for number, value in enumerate(known)}
    return [table.get(value, np.nan) if value == value else np.nan for value in column.tolist()]
