"""Sorting the keys of one node."""

import numpy as np

from fasttree._jit import njit
from fasttree._splitting_encode import MISSING, SHIFT

_INSERTION = 24  # keys up to which insertion sort is the quickest
_MOST_MOVES = 8  # per key, after which keys are too crowded for buckets


@njit(_nrt=False)
def gather_keys(codes, rows, keys):
    """Keys code << 32 | position of a node's rows; returns the least and greatest code present and the number of present rows.

    Missing rows come last. `keys` (uint64[::1]) is overwritten.
    """
    low, high = np.uint32(0xFFFFFFFF), np.uint32(0)
    for i in range(len(rows)):
        code = codes[rows[i]]
        keys[i] = (np.uint64(code) << SHIFT) | np.uint64(i)
        low, high = min(low, code), max(high, code)
    if high != MISSING:
        return low, high, len(rows)
    high, n_present = np.uint32(0), 0
    for i in range(len(rows)):
        code = codes[rows[i]]
        if code != MISSING:
            high = max(high, code)
            keys[n_present] = (np.uint64(code) << SHIFT) | np.uint64(i)
            n_present += 1
    place = n_present
    for i in range(len(rows)):
        if codes[rows[i]] == MISSING:
            keys[place] = (MISSING << SHIFT) | np.uint64(i)
            place += 1
    return low, high, n_present


@njit(_nrt=False)
def bucket_of(code, low, scale):
    """Bucket of a code when ``high - low + 1`` codes share the buckets: `scale` is buckets << 32 // codes."""
    return ((code - low) * scale) >> SHIFT


@njit(_nrt=False)
def insertion_sort(keys, out, most_moves):
    """Sort `keys` into `out`, which may be the same array; False where that would take more than `most_moves` moves."""
    one = np.uint64(1)
    moves = 0
    for i in range(len(keys)):
        key = keys[i]
        j = np.uint64(i)
        while j > np.uint64(0) and out[j - one] > key:
            out[j] = out[j - one]
            j -= one
        out[j] = key
        moves += np.int64(np.uint64(i) - j)
        if moves > most_moves:
            return False
    return True


@njit(_nrt=False)
def sort_keys(keys, spare, low, high, places):
    """Sort `keys` (codes from `low` to `high`, none missing).

    keys, spare : uint64[::1] of the same length; `spare` is overwritten.
    places : uint32[::1], at least twice as long + 2. Overwritten.

    One pass over buckets of equal width, then insertion sort; where codes crowd into few buckets, merge sort.
    """
    size = len(keys)
    if size <= _INSERTION:
        insertion_sort(keys, keys, size * size)
        return
    n_buckets = 1
    while n_buckets < size:
        n_buckets *= 2
    first = np.uint64(low)
    scale = (np.uint64(n_buckets) << SHIFT) // (np.uint64(high) - first + np.uint64(1))
    for bucket in range(n_buckets):
        places[bucket] = 0
    for i in range(size):
        places[bucket_of(keys[i] >> SHIFT, first, scale)] += np.uint32(1)
    start = np.uint32(0)
    for bucket in range(n_buckets):
        count = places[bucket]
        places[bucket] = start
        start += count
    for i in range(size):
        key = keys[i]
        bucket = bucket_of(key >> SHIFT, first, scale)
        place = places[bucket]
        places[bucket] = place + np.uint32(1)
        spare[np.uint64(place)] = key
    if not insertion_sort(spare, keys, _MOST_MOVES * size):
        merge_sort(spare, keys)


@njit(_nrt=False)
def merge_sort(keys, out):
    """Sort `keys`, which are overwritten, into `out`, bottom up."""
    size, width = len(keys), _INSERTION
    for start in range(0, size, width):
        part = keys[start : min(start + width, size)]
        insertion_sort(part, part, width * width)
    in_out = False
    while width < size:
        for start in range(0, size, 2 * width):
            middle, stop = min(start + width, size), min(start + 2 * width, size)
            if in_out:
                _merge(out, start, middle, stop, keys)
            else:
                _merge(keys, start, middle, stop, out)
        in_out = not in_out
        width *= 2
    if not in_out:
        for i in range(size):
            out[i] = keys[i]


@njit(_nrt=False)
def _merge(keys, start, middle, stop, out):
    i, j = start, middle
    for place in range(start, stop):
        if j >= stop or (i < middle and keys[i] <= keys[j]):
            out[place] = keys[i]
            i += 1
        else:
            out[place] = keys[j]
            j += 1
