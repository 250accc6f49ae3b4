"""Columns as ranks: sort each column once, so that growing compares integers only.

::

    column        2.5   nan   -1    2.5            code of a row     1  MISSING  0  1
    sorted keys   [0|row 2] [1|row 0] [1|row 3] [MISSING|row 1]      (code in the high, row in the low 32 bits)

Keys of few rows that are kept sorted are packed into half of that: 16 bits for the code and as many for the row. Where they are scanned
they are unpacked, feature by feature.
"""

import numpy as np
import scipy.sparse

from fasttree._jit import njit
from fasttree._pages import unused
from fasttree._threads import over_threads

MISSING = np.uint64(0xFFFFFFFF)  # the code of NaN: greater than any other
SHIFT = np.uint64(32)
ROW = np.uint64(0xFFFFFFFF)
MOST_PACKED = 0xFFFF  # rows whose keys can be packed: as many codes, and one for NaN
PACKED_MISSING = np.uint32(0xFFFF)
PACKED_SHIFT = np.uint32(16)
PACKED_ROW = np.uint32(0xFFFF)

_SIGN = np.uint64(1 << 63)
_MAGNITUDE = np.uint64((1 << 63) - 1)
_INFINITY = np.uint64(0x7FF << 52)
_OCTAVES = np.int64(31 << 52)  # powers of two, as integers, that have cells of their own
_MOST_MOVES = 4  # per value, after which all digits are sorted by
_SMALL = 1 << 16  # cells below which threads cost more than they save
_BLOCK = 1 << 12  # cells that are copied to float64 columns at a time, unless a column has more


@njit
def rank_columns(bits, packed, codes, values, order, counts):
    """Sort each row of `bits` (the bit patterns of a column's float64 values), number the distinct values.

    bits : uint64[:, ::1], shape (n_columns, n_rows)
    packed : bool
    codes : uint32[:, ::1], shape (n_columns, n_rows). Filled with each row's code, or with packed keys, code << 16 | row, ascending.
    values, order : uint64[2, n_rows], uint32[2, n_rows]. Overwritten.
    counts : int64[n_digits, n_buckets], a power of two of buckets. Overwritten.
    """
    for column in range(len(bits)):
        rank_column(bits[column], packed, codes[column], values, order, counts)


@njit
def sort_column(bits, values, order, counts):
    """Sort the present values and their rows; returns which row of `values` and `order` they are in, and how many there are."""
    source, n_present = 1, sort_by_cells(bits, values, order[1], counts)
    if n_present < 0:
        n_present = load_column(bits, values, order, counts)
        source = radix_sort(n_present, values, order, counts)
    return source, n_present


@njit
def rank_column(bits, packed, codes, values, order, counts):
    """The same for one column."""
    source, n_present = sort_column(bits, values, order, counts)
    code = np.uint32(0)
    for i in range(n_present):
        if i > 0 and values[source, i] != values[source, i - 1]:
            code += np.uint32(1)
        row = order[source, i]
        if packed:
            codes[i] = (code << PACKED_SHIFT) | row
        else:
            codes[row] = code
    if n_present < len(bits):
        place_missing(bits, n_present, packed, codes)


@njit
def as_integer(bits):
    """A present value as an integer in the same order: its magnitude or minus that. Both zeros become the same."""
    magnitude = np.int64(bits & _MAGNITUDE)
    return -magnitude if bits >> np.uint64(63) else magnitude


@njit
def draw_near(number, gap):
    """Bring a number nearer to zero by `gap`, or to it."""
    return max(number, gap) - gap + min(number, -gap) + gap


@njit
def range_of(bits):
    """Number of present values, the least and the greatest as integers."""
    n_present, low, high = 0, np.int64(_INFINITY), -np.int64(_INFINITY)
    for i in range(len(bits)):
        if bits[i] & _MAGNITUDE <= _INFINITY:
            number = as_integer(bits[i])
            low, high = min(low, number), max(high, number)
            n_present += 1
    return n_present, low, high


@njit
def sort_by_cells(bits, values, order, counts):
    """Sort the present values into ``values[1]``, their rows into `order`; returns their number, or -1 where they crowd.

    The range of the values as integers, where each power of two takes the same room, is cut into as many cells as two digits number. Two
    passes sort by the cells, and an insertion sort does the rest: 9 ns a value against 20 for all digits (100,000 normal ones). All that is
    less than the greatest by 2**31 shares a cell: most cells would else lie next to zero, where few values are.
    """
    n_present, low, high = range_of(bits)
    if n_present == 0:
        return 0
    gap = max(max(-low, high) - _OCTAVES, np.int64(0))
    low = draw_near(low, gap)
    last = np.uint64(draw_near(high, gap) - low)
    width, shift = np.uint64(round(np.log2(counts.shape[1]))), np.uint64(0)
    mask = np.uint64(counts.shape[1] - 1)
    while last >> shift >> width > mask:
        shift += np.uint64(1)
    counts[:2] = 0
    place = 0
    for i in range(len(bits)):
        if bits[i] & _MAGNITUDE <= _INFINITY:
            cell = np.uint64(draw_near(as_integer(bits[i]), gap) - low) >> shift
            counts[0, cell & mask] += 1
            counts[1, cell >> width] += 1
            values[0, place] = (cell << SHIFT) | np.uint64(i)
            place += 1
    source = 0
    for digit in range(2):
        if _to_offsets(counts[digit], n_present):
            sort_by_digit(values[source, :n_present], SHIFT + width * np.uint64(digit), mask, counts[digit], values[1 - source])
            source = 1 - source
    for i in range(n_present):
        row = values[source, i] & ROW
        values[1, i] = np.uint64(as_integer(bits[row])) + _SIGN
        order[i] = np.uint32(row)
    return n_present if insert(values[1, :n_present], order) else -1


@njit
def sort_by_digit(cells, shift, mask, places, out):
    """One stable pass: `places` tells where each digit's cells start, and is overwritten."""
    for i in range(len(cells)):
        cell = cells[i]
        digit = (cell >> shift) & mask
        place = places[digit]
        places[digit] = place + 1
        out[np.uint64(place)] = cell


@njit
def insert(values, order):
    """Finish sorting values, and their rows, that are nearly in order; False where that would take too many moves."""
    moves, one = 0, np.uint64(1)
    for i in range(1, len(values)):
        value = values[i]
        if values[i - 1] <= value:
            continue
        row, j = order[i], np.uint64(i)
        while j > np.uint64(0) and values[j - one] > value:
            values[j], order[j] = values[j - one], order[j - one]
            j -= one
        values[j], order[j] = value, row
        moves += i - np.int64(j)
        if moves > _MOST_MOVES * len(values):
            return False
    return True


@njit
def load_column(bits, values, order, counts):
    """Map present values to ordered integers in ``values[0]``, count their digits; returns how many are present.

    Negative numbers map to minus their magnitude, which keeps the low bits of numbers that came from float32 at zero: those
    radix passes are skipped. Both zeros map to the same integer.
    """
    counts[:] = 0
    mask = np.uint64(counts.shape[1] - 1)
    width = np.uint64(round(np.log2(counts.shape[1])))
    n_present = 0
    for i in range(len(bits)):
        magnitude = bits[i] & _MAGNITUDE
        if magnitude > _INFINITY:
            continue
        value = (_SIGN - magnitude) if bits[i] >> np.uint64(63) else (_SIGN + magnitude)
        values[0, n_present] = value
        order[0, n_present] = np.uint32(i)
        n_present += 1
        for digit in range(len(counts)):
            counts[digit, value & mask] += 1
            value >>= width
    return n_present


@njit
def radix_sort(n_present, values, order, counts):
    """Sort ``values[0]`` and ``order[0]`` by the counted digits, least first; returns which of the two rows holds the result."""
    mask = np.uint64(counts.shape[1] - 1)
    width = np.uint64(round(np.log2(counts.shape[1])))
    source = 0
    for digit in range(len(counts)):
        if not _to_offsets(counts[digit], n_present):
            continue
        shift = width * np.uint64(digit)
        target = 1 - source
        for i in range(n_present):
            value = values[source, i]
            bucket = (value >> shift) & mask
            place = counts[digit, bucket]
            counts[digit, bucket] = place + 1
            values[target, place] = value
            order[target, place] = order[source, i]
        source = target
    return source


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
def place_missing(bits, place, packed, codes):
    """Give the rows that hold NaN the code for it, after all others where keys are packed."""
    for i in range(len(bits)):
        if bits[i] & _MAGNITUDE > _INFINITY:
            if packed:
                codes[place] = (PACKED_MISSING << PACKED_SHIFT) | np.uint32(i)
            else:
                codes[i] = np.uint32(MISSING)
            place += 1


@njit
def sort_rows(codes, places, keys):
    """Fill `keys` (uint64[::1]) with code << 32 | row, ascending; `places` (int64[n_codes + 1]) is zero, and overwritten."""
    for row in range(len(codes)):
        places[codes[row] + 1] += 1
    for next_code in range(1, len(places)):
        places[next_code] += places[next_code - 1]
    for row in range(len(codes)):
        code = np.uint64(codes[row])
        keys[places[code]] = (code << SHIFT) | np.uint64(row)
        places[code] += 1


@njit
def select_rows(keys, chosen, mask, out):
    """Copy to `out` (shape (n_features, n_chosen)) the keys of the rows with ``chosen[row] > 0``, in order.

    keys : uint64[:, :], or uint32[:, :] where packed; `mask` tells the bits of the row.
    """
    for feature in range(keys.shape[0]):
        place = 0
        for i in range(keys.shape[1]):
            key = keys[feature, i]
            if chosen[key & mask] > 0:
                out[feature, place] = key
                place += 1


@njit(_nrt=False)
def pack(keys, keep_codes, packed):
    """Fill `packed` with sorted `keys` (uint64[::1], below MOST_PACKED rows): the codes numbered anew, unless `keep_codes`."""
    code = np.uint32(0)
    for i in range(len(keys)):
        own = np.uint32(keys[i] >> SHIFT)
        if own == MISSING:
            code = PACKED_MISSING
        elif keep_codes:
            code = own
        elif i > 0 and (keys[i] ^ keys[i - 1]) >> SHIFT:
            code += np.uint32(1)
        packed[i] = (code << PACKED_SHIFT) | np.uint32(keys[i])


@njit(_nrt=False)
def unpack(packed, keys):
    """Fill the first of `keys`, as many as of `packed`, with code << 32 | row."""
    for i in range(len(packed)):
        key = np.uint64(packed[i])
        keys[i] = ((key << np.uint64(16)) & ~ROW) | (key & np.uint64(0xFFFF))
    i = len(packed)
    while i > 0 and packed[i - 1] >> PACKED_SHIFT == PACKED_MISSING:
        i -= 1
        keys[i] |= MISSING << SHIFT


def encode(X, *, packed=False, n_jobs=None):
    """Rank every column of `X`.

    Parameters
    ----------
    X : ndarray or csc matrix, shape (n_rows, n_features)
        Finite numbers or NaN.
    packed : bool
        Whether to make packed keys, sorted, instead of codes; of at most MOST_PACKED rows.
    n_jobs : int or None
        Threads over the columns.

    Returns
    -------
    ndarray of uint32, shape (n_features, n_rows)
    """
    n_rows, n_features = X.shape
    codes = np.empty((n_features, n_rows), dtype=np.uint32)

    rooms = []

    def run(start):
        stop = min(start + step, n_features)
        room = rooms.pop() if rooms else room_to_sort(n_rows, n_rows)  # a thread takes one that is free
        bits = dense_columns(X, start, stop).view(np.uint64)
        rank_columns(bits, packed, codes[start:stop], room["values"], room["order"], room["counts"])
        rooms.append(room)

    step = max(1, min(_BLOCK // n_rows, -(-n_features // 16)))
    over_threads(run, range(0, n_features, step), n_jobs=1 if n_rows * n_features < _SMALL else n_jobs)
    return codes


def room_to_sort(n_rows, n_all, width=None):
    """What sorting `n_rows` of the values of a column of `n_all`, by digits of so many bits, overwrites; "bits" are those of "cells"."""
    width = width or (8 if n_rows < 4096 else 11)
    kinds = {
        "values": (np.uint64, (2, n_rows)),
        "counts": (np.int64, (-(-64 // width), 1 << width)),
        "cells": (np.float64, (n_rows,)),
        "order": (np.uint32, (2, n_rows)),
    }
    room = unused(n_all, kinds)
    return room | {"bits": room["cells"].view(np.uint64)}


def keys_of(column):
    """Sorted keys, code << 32 | row, of one column's values, which are finite; uint64, shape (n_rows,)."""
    codes = encode(column[:, None])[0]
    keys = np.empty(len(codes), dtype=np.uint64)
    sort_rows(codes, np.zeros(int(np.max(codes)) + 2, dtype=np.int64), keys)
    return keys


def dense_columns(X, start, stop):
    """Columns ``start:stop`` as the rows of a float64 array of their own."""
    part = X[:, start:stop]
    return np.ascontiguousarray((part.toarray() if scipy.sparse.issparse(part) else part).T, dtype=np.float64)
