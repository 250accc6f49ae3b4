"""Prediction of many rows by small trees: no walk, but one look at a table for each feature that the trees use.

As many trees as have 64 leaves in all go together. For each of their features a table says, code by code, which leaves are still
possible, one bit a leaf. The bits that all features leave standing are the row's leaves, one of each tree::

    table of feature 3    code 0 … 17: 0b00111    18 … 254: 0b11001    missing: 0b11001
    table of feature 9    code 0 … 80: 0b10110    81 … 254: 0b01001    missing: 0b10110        row (code 5, code 99): 0b00001

No step waits for the one before, and missing values and categories cost nothing: 0.45 ns a look instead of 0.9 ns a step of the walk
(`benchmarks/bench_boosting.py`). The tables are made anew for each block of rows, which is cheap and keeps them in the cache.
"""

import itertools
from typing import NamedTuple

import numpy as np
from numba import types
from numba.extending import intrinsic

from fasttree._binning import encode_block, forget_unknown
from fasttree._histogram import BINS, MISSING
from fasttree._jit import njit
from fasttree._jit_reference import interpreted

MOST_LEAVES = 64  # of the trees that go together
BLOCK = 2048  # rows that pass through all trees together
_LOOK, _STEP, _CODE = 0.45, 0.9, 7.0  # nanoseconds: a look, a step of the walk, a value's code

_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_ONE = np.uint64(1)


class Flat(NamedTuple):
    """All trees of a model, end to end; tree t has nodes ``offsets[t] … offsets[t + 1]`` and adds to output ``t % n_outputs``."""

    nodes: np.ndarray  # NODE_TYPE; children and category sets are counted within the tree
    offsets: np.ndarray  # int64
    sets: np.ndarray  # uint64 (n, 4)
    set_offsets: np.ndarray  # int64
    groups: np.ndarray  # int64: trees ``groups[i] … groups[i + 1]`` go together
    used: np.ndarray  # int64: the features that any tree uses, rising
    place: np.ndarray  # int64 (n_features,): where in `used` a feature is


if interpreted():

    def lowest_bit(bits):
        return np.uint64((int(bits) & -int(bits)).bit_length() - 1)

else:

    @intrinsic
    def lowest_bit(typing_context, bits):
        """The place of the lowest bit that is set, of a uint64 that is not zero."""

        def build(context, builder, signature, args):
            return builder.cttz(args[0], context.get_constant(types.boolean, True))

        return types.uint64(types.uint64), build


@njit(_nrt=False)
def leaves_below(nodes, first, below, values):
    """For each node the bits of its leaves, numbered from `first` in the order of the nodes; returns the next number.

    below : uint64[::1]; values : float64[::1], of the leaves. Both are overwritten.
    """
    leaf = first
    for node in range(len(nodes)):
        below[node] = np.uint64(0)
        if nodes[node]["feature"] < 0:
            below[node] = _ONE << np.uint64(leaf)
            values[leaf] = nodes[node]["value"]
            leaf += 1
    for node in range(len(nodes) - 1, -1, -1):  # children come after their parents
        if nodes[node]["feature"] >= 0:
            left = nodes[node]["left"]
            below[node] = below[left] | below[left + 1]
    return leaf


@njit(_nrt=False)
def restrict(node, sets, left, right, table):
    """Take away from each code's leaves those on the other side of the node. table : uint64[::1], shape (256,)"""
    not_left, not_right = ~left, ~right
    if node["category"] >= 0:
        for code in range(BINS):
            goes = (sets[node["category"], code >> 6] >> np.uint64(code & 63)) & _ONE
            table[code] &= not_right if goes else not_left
        return
    n_left = np.int64(node["code"]) + 1
    below, above = table[:n_left], table[n_left:MISSING]
    for code in range(len(below)):
        below[code] &= not_right
    for code in range(len(above)):
        above[code] &= not_left
    table[MISSING] &= not_right if node["missing_left"] else not_left


@njit(_nrt=False)
def add_tables(nodes, sets, place, below, slots, features, tables, n_tables):
    """Bring one tree into the tables; returns how many there are.

    slots : int64[::1], as long as `used`: the table of each feature, or -1; updated
    features : int64[::1]: where in `used` each table's feature is; tables : uint64[:, ::1]. Both are extended.
    """
    for i in range(len(nodes)):
        if nodes[i]["feature"] < 0:
            continue
        feature, left = place[nodes[i]["feature"]], nodes[i]["left"]
        if slots[feature] < 0:
            slots[feature] = n_tables
            features[n_tables] = feature
            for code in range(BINS):
                tables[n_tables, code] = _ALL
            n_tables += 1
        restrict(nodes[i], sets, below[left], below[left + 1], tables[slots[feature]])
    return n_tables


@njit(_nrt=False)
def look_up(codes, features, tables, n_tables, masks):
    """The leaves of each row, as bits. codes : uint8[:, :], by place in `used`; masks : uint64[::1], overwritten

    Three tables at a time, so that the masks are read and written a third as often.
    """
    n, t = len(masks), n_tables % 3
    for i in range(n):
        masks[i] = _ALL
    for j in range(t):
        table, code = tables[j], codes[features[j]]
        for i in range(n):
            masks[i] &= table[np.uint64(code[i])]
    while t < n_tables:
        first, second, third = tables[t], tables[t + 1], tables[t + 2]
        a, b, c = codes[features[t]], codes[features[t + 1]], codes[features[t + 2]]
        for i in range(n):
            masks[i] &= first[np.uint64(a[i])] & second[np.uint64(b[i])] & third[np.uint64(c[i])]
        t += 3


@njit(_nrt=False)
def encode_used(X, bins, used, column, codes):
    """Codes of the used features. X : float32[:, :], a block; column : float32[::1]; codes : uint8[:, :], overwritten"""
    n = len(X)
    for u in range(len(used)):
        f = used[u]
        for i in range(n):
            column[i] = X[i, f]
        encode_block(column[:n], bins.cuts[f], codes[u, :n])
        if bins.categorical[f]:
            forget_unknown(column[:n], bins.categories[f], codes[u, :n])


@njit
def add_by_tables(X, bins, flat, begin, end, out):
    """Add the values of all trees to the rows ``begin … end``. X : float32[:, ::1]; out : float64[:, ::1], shape (n_outputs, n)"""
    column, masks = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.uint64)
    codes, slots = np.empty((len(flat.used), BLOCK), np.uint8), np.full(len(flat.used), -1)
    tables, features = np.empty((MOST_LEAVES, BINS), np.uint64), np.empty(MOST_LEAVES, np.int64)
    below, values, firsts = np.empty(2 * MOST_LEAVES, np.uint64), np.empty(MOST_LEAVES), np.empty(MOST_LEAVES + 1, np.int64)
    for start in range(begin, end, BLOCK):
        stop = min(start + BLOCK, end)
        n = stop - start
        encode_used(X[start:stop], bins, flat.used, column, codes)
        for g in range(len(flat.groups) - 1):
            first, last, n_tables, firsts[0] = flat.groups[g], flat.groups[g + 1], np.int64(0), 0
            for t in range(first, last):
                nodes, sets = flat.nodes[flat.offsets[t] : flat.offsets[t + 1]], flat.sets[flat.set_offsets[t] : flat.set_offsets[t + 1]]
                firsts[t - first + 1] = leaves_below(nodes, firsts[t - first], below, values)
                n_tables = add_tables(nodes, sets, flat.place, below, slots, features, tables, n_tables)
            look_up(codes, features, tables, n_tables, masks[:n])
            for t in range(n_tables):
                slots[features[t]] = -1
            for t in range(first, last):
                total, shift = out[t % out.shape[0], start:stop], np.uint64(firsts[t - first])
                for i in range(n):
                    total[i] += values[shift + lowest_bit(masks[i] >> shift)]


def group_trees(n_leaves):
    """Where the groups of consecutive trees with at most 64 leaves in all begin, and the end."""
    begins, room = [], 0
    for t, leaves in enumerate(n_leaves):
        if leaves > room:
            begins.append(t)
            room = MOST_LEAVES
        room -= leaves
    return np.array([*begins, len(n_leaves)], np.int64)


def flatten(trees, sets, n_features):
    """`Flat` from lists of node arrays and category sets, or None when a tree has more leaves than there are bits."""
    n_leaves = [(len(tree) + 1) // 2 for tree in trees]
    if max(n_leaves) > MOST_LEAVES:
        return None
    offsets, set_offsets = np.zeros((2, len(trees) + 1), np.int64)
    offsets[1:], set_offsets[1:] = np.cumsum([len(tree) for tree in trees]), np.cumsum([len(one) for one in sets])
    nodes = np.concatenate(trees)
    used = np.unique(nodes["feature"][nodes["feature"] >= 0]).astype(np.int64)
    place = np.zeros(n_features, np.int64)
    place[used] = np.arange(len(used))
    return Flat(nodes, offsets, np.concatenate(sets), set_offsets, group_trees(n_leaves), used, place)


def tables_pay(flat, depths):
    """Whether tables are expected to take less time than the walk: wide data cost more to encode than few trees save."""
    ends = flat.offsets[flat.groups]
    features = [flat.nodes["feature"][a:b] for a, b in itertools.pairwise(ends)]
    looks = sum(len(np.unique(some[some >= 0])) for some in features)
    return bool(len(flat.used) * _CODE + looks * _LOOK < np.sum(depths) * _STEP)
