"""Columns as ranks: sort each column once, so that growing compares integers only.

::

    column        2.5   nan   -1    2.5            code of a row     1  MISSING  0  1
    sorted keys   [0|row 2] [1|row 0] [1|row 3] [MISSING|row 1]      (code in the high, row in the low 32 bits)
"""

import numpy as np
from joblib import Parallel, delayed

from fasttree._jit import njit

MISSING = np.uint64(0xFFFFFFFF)  # the code of NaN: greater than any other
SHIFT = np.uint64(32)
ROW = np.uint64(0xFFFFFFFF)

_DIGIT = 11
_BUCKETS = 1 << _DIGIT
_SIGN = np.uint64(1 << 63)
_INFINITY = np.uint64(0x7FF << 52)
_SMALL = 1 << 16  # cells below which threads cost more than they save


@njit
def rank_column(bits, keys, codes, values, order, counts):
    """Sort the float64 values whose bit patterns are `bits`, number the distinct ones.

    bits : uint64[::1], shape (n_rows,)
    keys : uint64[::1], shape (n_rows,) or (0,). Filled with code << 32 | row, ascending.
    codes : uint32[::1], shape (n_rows,) or (0,). Filled with each row's code.
    values, order, counts : uint64[2, n_rows], uint32[2, n_rows], int64[6, 2048]. Overwritten.

    Negative numbers map to minus their magnitude, which keeps the low bits of numbers that came from float32 at zero: their
    two radix passes are skipped. Both zeros map to the same integer.
    """
    n_rows = len(bits)
    counts[:] = 0
    n_present, n_missing = 0, 0
    mask = np.uint64(_BUCKETS - 1)
    for i in range(n_rows):
        magnitude = bits[i] & (_SIGN - np.uint64(1))
        if magnitude > _INFINITY:
            n_missing += 1
            order[1, n_rows - n_missing] = np.uint32(i)
            continue
        value = (_SIGN - magnitude) if bits[i] >> np.uint64(63) else (_SIGN + magnitude)
        values[0, n_present] = value
        order[0, n_present] = np.uint32(i)
        n_present += 1
        for digit in range(6):
            counts[digit, (value >> np.uint64(_DIGIT * digit)) & mask] += 1
    source = 0
    for digit in range(6):
        if not _to_offsets(counts[digit], n_present):
            continue
        shift = np.uint64(_DIGIT * digit)
        target = 1 - source
        for i in range(n_present):
            value = values[source, i]
            bucket = (value >> shift) & mask
            place = counts[digit, bucket]
            counts[digit, bucket] = place + 1
            values[target, place] = value
            order[target, place] = order[source, i]
        source = target
    code = np.uint64(0)
    for i in range(n_present):
        if i > 0 and values[source, i] != values[source, i - 1]:
            code += np.uint64(1)
        row = order[source, i]
        if len(keys):
            keys[i] = (code << SHIFT) | np.uint64(row)
        if len(codes):
            codes[row] = np.uint32(code)
    _place_missing(bits, n_present, keys, codes)


@njit
def _to_offsets(counts, n_rows):
    """Turn counts into first places; False when one bucket holds all, so that the pass may be skipped."""
    place = 0
    for bucket in range(len(counts)):
        count = counts[bucket]
        if count == n_rows:
            return False
        counts[bucket] = place
        place += count
    return True


@njit
def _place_missing(bits, place, keys, codes):
    """Give the rows that hold NaN the code MISSING, after all others."""
    n_rows = len(bits)
    if place == n_rows:
        return
    for i in range(n_rows):
        if bits[i] & (_SIGN - np.uint64(1)) > _INFINITY:
            if len(keys):
                keys[place] = (MISSING << SHIFT) | np.uint64(i)
            if len(codes):
                codes[i] = np.uint32(MISSING)
            place += 1


@njit
def select_rows(keys, chosen, out):
    """Copy to `out` (uint64[n_features, n_chosen]) the keys of the rows with ``chosen[row] > 0``, in order."""
    for feature in range(keys.shape[0]):
        place = 0
        for i in range(keys.shape[1]):
            key = keys[feature, i]
            if chosen[key & ROW] > 0:
                out[feature, place] = key
                place += 1


def encode(X, *, keys, codes, n_jobs=None):
    """Rank every column of `X`.

    Parameters
    ----------
    X : ndarray or csc matrix, shape (n_rows, n_features)
        Finite numbers or NaN.
    keys, codes : bool
        Which of the two to make; the other is empty.
    n_jobs : int or None
        Threads over the columns.

    Returns
    -------
    keys : ndarray of uint64, shape (n_features, n_rows) or (n_features, 0)
    codes : ndarray of uint32, shape (n_features, n_rows) or (n_features, 0)
    """
    n_rows, n_features = X.shape
    all_keys = np.empty((n_features, n_rows if keys else 0), dtype=np.uint64)
    all_codes = np.empty((n_features, n_rows if codes else 0), dtype=np.uint32)

    def run(features):
        values, order = np.empty((2, n_rows), dtype=np.uint64), np.empty((2, n_rows), dtype=np.uint32)
        counts = np.empty((6, _BUCKETS), dtype=np.int64)
        for feature in features:
            bits = column(X, feature).view(np.uint64)
            rank_column(bits, all_keys[feature], all_codes[feature], values, order, counts)

    if n_rows * n_features < _SMALL:
        run(range(n_features))
    else:
        Parallel(n_jobs=n_jobs, prefer="threads", require="sharedmem")(
            delayed(run)(block) for block in np.array_split(np.arange(n_features), min(n_features, 32))
        )
    return all_keys, all_codes


def column(X, feature):
    """One column as a contiguous float64 array of its own."""
    if hasattr(X, "indptr"):  # csc
        dense = np.zeros(X.shape[0])
        part = slice(X.indptr[feature], X.indptr[feature + 1])
        dense[X.indices[part]] = X.data[part]
        return dense
    return np.ascontiguousarray(X[:, feature], dtype=np.float64)
