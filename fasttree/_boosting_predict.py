"""Prediction of few rows, or by large trees: eight rows at a time, without branches. See `fasttree._boosting_tables` for the others.

A node is one uint64, so that a step is one load of the node and one of the value::

    63 ─ threshold, float32 ─ 32 | 31 missing goes right | 30 ─ left child ─ 16 | 15 ─ feature ─ 0

A leaf points to itself and lets nothing pass, so all rows take the same number of steps, the tree's depth, and eight independent rows
hide each other's waiting: 0.9 µs a row for 100 trees of 31 leaves, where one row at a time takes 5 (`benchmarks/bench_boosting.py`).
"""

from typing import NamedTuple

import numpy as np

from fasttree._jit import njit
from fasttree._losses_kernels import float_of_bits

MOST_NODES = 2**15  # of a tree, that fit a packed node
MOST_FEATURES = 2**16
_BLOCK = 1024  # rows that pass through all trees together

_LOW16 = np.uint64(0xFFFF)
_LOW15 = np.uint64(0x7FFF)
_ONE = np.uint64(1)


class Packed(NamedTuple):
    """All trees of a model; tree t has nodes ``offsets[t] … offsets[t + 1]`` and adds to output ``t % n_outputs``."""

    nodes: np.ndarray  # uint64
    values: np.ndarray  # float64
    offsets: np.ndarray  # int64
    depths: np.ndarray  # int64


@njit(_nrt=False)
def step(nodes, node, x, row):
    """The next node of the row whose values begin at ``x[row]``."""
    word = nodes[node]
    value = x[row + (word & _LOW16)]
    right = np.uint64(value > float_of_bits(np.int32(word >> np.uint64(32))))
    missing = np.uint64(value != value) & (word >> np.uint64(31))
    return ((word >> np.uint64(16)) & _LOW15) + (right | (missing & _ONE))


@njit(_nrt=False)
def step_known(nodes, node, x, row):
    """As `step` for a row without missing values: a quarter faster."""
    word = nodes[node]
    right = np.uint64(x[row + (word & _LOW16)] > float_of_bits(np.int32(word >> np.uint64(32))))
    return ((word >> np.uint64(16)) & _LOW15) + right


@njit(_nrt=False)
def add_eight(nodes, values, depth, x, row, width, any_missing, out):
    """Add one tree's values to eight rows. x : float32[::1], all rows; out : float64[:], the eight"""
    r0 = np.uint64(row)
    r1, r2, r3, r4 = r0 + width, r0 + np.uint64(2) * width, r0 + np.uint64(3) * width, r0 + np.uint64(4) * width
    r5, r6, r7 = r4 + width, r4 + np.uint64(2) * width, r4 + np.uint64(3) * width
    n0 = n1 = n2 = n3 = n4 = n5 = n6 = n7 = np.uint64(0)
    if any_missing:
        for _ in range(depth):
            n0, n1 = step(nodes, n0, x, r0), step(nodes, n1, x, r1)
            n2, n3 = step(nodes, n2, x, r2), step(nodes, n3, x, r3)
            n4, n5 = step(nodes, n4, x, r4), step(nodes, n5, x, r5)
            n6, n7 = step(nodes, n6, x, r6), step(nodes, n7, x, r7)
    else:
        for _ in range(depth):
            n0, n1 = step_known(nodes, n0, x, r0), step_known(nodes, n1, x, r1)
            n2, n3 = step_known(nodes, n2, x, r2), step_known(nodes, n3, x, r3)
            n4, n5 = step_known(nodes, n4, x, r4), step_known(nodes, n5, x, r5)
            n6, n7 = step_known(nodes, n6, x, r6), step_known(nodes, n7, x, r7)
    out[0] += values[n0]
    out[1] += values[n1]
    out[2] += values[n2]
    out[3] += values[n3]
    out[4] += values[n4]
    out[5] += values[n5]
    out[6] += values[n6]
    out[7] += values[n7]


@njit(_nrt=False)
def count_missing(x):
    """How many values are NaN."""
    found = 0
    for i in range(len(x)):
        found += x[i] != x[i]
    return found


@njit(_nrt=False)
def add_trees(x, width, packed, start, stop, out):
    """Add the values of all trees to the rows ``start … stop``.

    x : float32[::1], rows of `width` values; out : float64[:, ::1], shape (n_outputs, n)
    """
    n_outputs, columns = out.shape[0], np.uint64(width)
    for begin in range(start, stop, _BLOCK):
        end = min(begin + _BLOCK, stop)
        any_missing = count_missing(x[begin * width : end * width]) > 0
        for t in range(len(packed.depths)):
            nodes = packed.nodes[packed.offsets[t] : packed.offsets[t + 1]]
            values = packed.values[packed.offsets[t] : packed.offsets[t + 1]]
            depth, total = packed.depths[t], out[t % n_outputs]
            row = begin
            while row + 8 <= end:
                add_eight(nodes, values, depth, x, np.uint64(row) * columns, columns, any_missing, total[row : row + 8])
                row += 8
            while row < end:
                node = np.uint64(0)
                for _ in range(depth):
                    node = step(nodes, node, x, np.uint64(row) * columns)
                total[row] += values[node]
                row += 1


def pack(trees):
    """`Packed` from a list of node arrays, or None when a tree has category sets or does not fit."""
    offsets = np.zeros(len(trees) + 1, np.int64)
    offsets[1:] = np.cumsum([len(nodes) for nodes in trees])
    nodes = np.concatenate(trees)
    if max(map(len, trees)) > MOST_NODES or np.any(nodes["category"] >= 0) or np.any(nodes["feature"] >= MOST_FEATURES):
        return None
    leaf = nodes["feature"] < 0
    bits = np.where(leaf, np.float32(np.inf), nodes["threshold"]).astype(np.float32).view(np.uint32).astype(np.uint64)
    right = (~leaf & (nodes["missing_left"] == 0)).astype(np.uint64)
    left, feature = nodes["left"].astype(np.uint64), np.where(leaf, 0, nodes["feature"]).astype(np.uint64)
    words = (bits << np.uint64(32)) | (right << np.uint64(31)) | (left << np.uint64(16)) | feature
    return Packed(words, nodes["value"].copy(), offsets, np.array([depth_of(tree) for tree in trees], np.int64))


def depth_of(nodes):
    """Edges from the root to the deepest leaf. Children come after their parents."""
    depth = np.zeros(len(nodes), np.int64)
    for node in np.flatnonzero(nodes["feature"] >= 0):
        left = nodes["left"][node]
        depth[left] = depth[left + 1] = depth[node] + 1
    return int(depth.max())
