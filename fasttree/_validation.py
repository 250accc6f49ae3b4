"""Checking what callers give, in scikit-learn's words where it has them."""

import numbers
from math import ceil

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import assert_all_finite, check_consistent_length, check_is_fitted, validate_data

from fasttree._categories import categorical_mask, column_of_text, learn_levels, number_levels

FLOATS = [np.float64, np.float32]  # the first is what other types become
MOST_ROWS = 2**30  # twice as many nodes less one have numbers of 32 bits
_PART = 1 << 13  # rows whose classes are numbered at a time
MOST_CATEGORIES = 1 << 16  # a split by categories holds a bit for each: 8 KB then; and float32 holds their numbers


def check_fit(estimator, X, y, *, regression, accept_sparse=("csc",), multi_output=True, sparse_y=ValueError):
    """Validate training data.

    Parameters
    ----------
    estimator : estimator
        Gets ``n_features_in_``, ``_levels`` (position -> sorted categories, of the columns of categories) and, where columns have
        names, ``feature_names_in_``. Where trees are added to a forest these stay, and `X` must have the same columns.
    X : array_like or sparse matrix, shape (n_samples, n_features)
        Floats keep their type, others become float64. NaN means missing; infinities are refused.
    y : array_like, shape (n_samples,) or (n_samples, n_outputs)
    regression : bool
        Whether `y` must be finite numbers.
    accept_sparse : sequence of str or False
    multi_output : bool
        Whether `y` may have several columns.
    sparse_y : type
        What a sparse `y` raises.

    Returns
    -------
    X : ndarray or sparse matrix of float32 or float64
        Categories as their numbers.
    y : ndarray, shape (n_samples, n_outputs)

    Raises
    ------
    ValueError, TypeError
        As scikit-learn's own estimators.
    """
    if issparse(y):
        raise sparse_y("sparse multilabel-indicator for y is not supported.")
    again = bool(getattr(estimator, "warm_start", False) and getattr(estimator, "estimators_", None))
    if not again:
        estimator._levels = _learn_categories(X, estimator.categorical_features)
    X, y = validate(
        estimator,
        X,
        y,
        reset=not again,
        multi_output=multi_output,
        accept_sparse=accept_sparse,
        dtype=FLOATS,
        ensure_all_finite="allow-nan",
    )
    if X.shape[0] > MOST_ROWS:
        raise ValueError(f"X has {X.shape[0]} rows; trees grow on at most {MOST_ROWS}")
    if regression:
        y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
    else:
        if not _plain_classes(y):
            check_classification_targets(y)
        if y.dtype.kind == "f":
            assert_all_finite(y, input_name="y")
    return X, y.reshape(len(y), -1)


def validate(estimator, X, *y, **options):
    """scikit-learn's `validate_data`, of categories their numbers; of a column of text that is none of them it tells the name."""
    X = number_levels(X, estimator._levels)
    try:
        return validate_data(estimator, X, *y, **options)
    except ValueError as error:
        name = column_of_text(X) if "could not convert string" in str(error) else None
        if name is None:
            raise
        can = "make it one of type category or of numbers, or name it in categorical_features"
        raise ValueError(f"column {name!r} of X holds text ({error}); {can}") from None


def _plain_classes(y):
    """Whether labels are whole numbers in a range of at most half as many as there are: scikit-learn's check, which takes a fiftieth
    of a small forest's time, refuses and warns of none such.
    """
    return y.ndim == 1 and y.dtype.kind in "iu" and 2 * (int(y.max()) - int(y.min()) + 1) <= len(y)


def _refuse_sparse(X):
    if issparse(X):
        raise TypeError("categorical_features needs a dense X, but X is sparse; use X.toarray(), or fit with categorical_features=None")


def _learn_categories(X, categorical_features):
    mask = categorical_mask(X, categorical_features)
    if np.any(mask):
        _refuse_sparse(X)
    levels = learn_levels(X, mask, numbers=True)
    for feature, known in levels.items():
        if len(known) > MOST_CATEGORIES:
            name = f"'{X.columns[feature]}'" if hasattr(X, "columns") else f"at index {feature}"
            raise ValueError(
                f"Categorical feature {name} is expected to have a cardinality <= {MOST_CATEGORIES} but actually has a cardinality of "
                f"{len(known)}."
            )
    return levels


def category_counts(levels, n_features):
    """Number of categories of each feature as int64, 0 for those of numbers; None without any of categories."""
    counts = np.array([len(levels.get(feature, ())) for feature in range(n_features)] if levels else [], dtype=np.int64)
    return counts if np.any(counts) else None


def check_predict(estimator, X, *, fitted, accept_sparse=("csr",)):
    """Validate data to predict: the columns that `fit` saw, NaN allowed.

    Parameters
    ----------
    estimator : estimator
    X : array_like or sparse matrix, shape (n_samples, n_features)
    fitted : str
        Attribute that a fitted estimator has.
    accept_sparse : sequence of str or False

    Returns
    -------
    ndarray (C-contiguous) or csr matrix of float32 or float64

    Raises
    ------
    NotFittedError, ValueError, TypeError
        As scikit-learn's own estimators.
    """
    check_is_fitted(estimator, fitted)
    if estimator._levels:
        _refuse_sparse(X)
    return validate(estimator, X, reset=False, accept_sparse=accept_sparse, dtype=FLOATS, ensure_all_finite="allow-nan", order="C")


def store(estimator, arguments):
    """Keep a constructor's arguments, which are its ``locals()``, unchanged under their names."""
    for name, value in arguments.items():
        if name not in ("self", "__class__"):
            setattr(estimator, name, value)


def check_weights(sample_weight, n_samples):
    """Weights as float64, or None; refuses negative ones and those that are all zero."""
    if sample_weight is None:
        return None
    if isinstance(sample_weight, numbers.Number):
        sample_weight = np.full(n_samples, sample_weight, dtype=np.float64)
    weight = check_array(sample_weight, ensure_2d=False, dtype=np.float64, order="C", input_name="sample_weight")
    if weight.ndim != 1:
        raise ValueError(
            f"Sample weights must be 1D array or scalar, got {weight.ndim}D array. "
            f"Expected either a scalar value or a 1D array of length {n_samples}."
        )
    check_consistent_length(weight, np.empty(n_samples))
    if np.any(weight < 0):
        raise ValueError("Negative values in data passed to `sample_weight`.")
    if not np.any(weight):
        raise ValueError("Sample weights must contain at least one non-zero number.")
    return weight


def moderate(weight):
    """Weights of trees; times a power of two, which rounds nothing, where their greatest is beyond 2^-32 to 2^32.

    Only ratios matter to a tree, but squares of sums of weights overflow, vanish, or fall below what scores may differ by.
    """
    exponent = 0 if weight is None else int(np.frexp(np.max(weight))[1]) - 1
    return weight if abs(exponent) <= 32 else np.ldexp(weight, -exponent)


def encode_classes(y):
    """Number the classes of each output.

    Returns
    -------
    classes : list of ndarray, one per output, sorted
    numbers : ndarray of float64, shape (n_samples, n_outputs)
    """
    numbers = np.empty(y.shape)
    return [_distinct(y[:, output], numbers[:, output]) for output in range(y.shape[1])], numbers


def _distinct(column, numbers):
    """``np.unique``, the inverse of which fills `numbers`; whole numbers from a range of at most as many as there are rows are looked up
    instead of sorted, a part of the rows at a time.

    100,000 of them take 1 ms instead of 15, and 0.2 MB instead of 3.3.
    """
    if column.dtype.kind == "b":
        return _distinct(column.view(np.uint8), numbers).astype(bool)
    if column.dtype.kind in "iu":
        low, high = column.min(), column.max()
        if int(high) - int(low) < len(column):
            parts = [slice(start, start + _PART) for start in range(0, len(column), _PART)]
            is_there = np.zeros(int(high) - int(low) + 1, dtype=bool)
            for part in parts:
                is_there[_places(column[part], low)] = True
            number = np.cumsum(is_there) - 1
            for part in parts:
                numbers[part] = number[_places(column[part], low)]
            return (np.flatnonzero(is_there).astype(column.dtype) + low).astype(column.dtype, copy=False)
    found, inverse = np.unique(column, return_inverse=True)
    numbers[:] = inverse.reshape(-1)
    return found


def _places(whole, low):
    """How far whole numbers lie above the least; right even where the difference overflows."""
    return (whole - low).view(f"u{whole.itemsize}")


def count_of(value, whole, least=1):
    """A parameter that is a number of samples, or a share of `whole`, as a number."""
    return int(value) if isinstance(value, numbers.Integral) else max(least, ceil(value * whole))


def feature_count(max_features, n_features):
    """``max_features`` as a number of features."""
    if max_features is None:
        return n_features
    if max_features == "sqrt":
        return max(1, int(np.sqrt(n_features)))
    if max_features == "log2":
        return max(1, int(np.log2(n_features)))
    if isinstance(max_features, numbers.Integral):
        return min(int(max_features), n_features)
    return max(1, int(max_features * n_features))
