"""Walking down a tree, eight rows at a time.

For walking, siblings are neighbours and a leaf is its own child, so that a step has no branch::

    node = left(node) + goes_right(row, node)

Eight rows go down together: while one waits for its node, the others step (3 times scikit-learn's speed; `benchmarks.peers`,
group trees).
"""

import numpy as np

from fasttree._jit import njit
from fasttree._tree_categories import goes_left

_HALF = np.uint64(32)
_FEATURE = np.uint64(0x7FFFFFFF)
_MISSING_RIGHT = np.uint64(31)  # bit of a packed node
_ONE = np.uint64(1)
_TOGETHER = 32  # rows that take a step in turn where there are sets


@njit
def pack_tree(left, right, feature, missing_left, nodes, numbers):
    """Number nodes breadth first, with siblings as neighbours.

    left, right, feature : int32[::1], missing_left : uint8[::1], in preorder; `left` is -1 for leaves.
    nodes : uint64[::1]. Filled with left child << 32 | do missing values go right << 31 | feature.
    numbers : int32[::1]. Filled with the preorder number of each packed node.
    """
    numbers[0] = 0
    n_seen = 1
    for node in range(len(nodes)):
        old = numbers[node]
        if left[old] < 0:
            nodes[node] = np.uint64(node) << _HALF
            continue
        numbers[n_seen], numbers[n_seen + 1] = left[old], right[old]
        missing_right = np.uint64(1 - missing_left[old]) << _MISSING_RIGHT
        nodes[node] = (np.uint64(n_seen) << _HALF) | missing_right | np.uint64(feature[old])
        n_seen += 2


@njit(forceinline=True)
def step(x, row, packed, threshold, missing):
    """Child of a node that a row goes to; `row` is where the row starts in `x`, `missing` whether values may be missing."""
    value = x[row + (packed & _FEATURE)]
    goes_right = np.uint64(value > threshold)
    if missing:
        goes_right |= np.uint64(value != value) & (packed >> _MISSING_RIGHT) & _ONE
    return (packed >> _HALF) + goes_right


@njit
def walk(X, nodes, thresholds, missing, leaves):
    """Packed number of each row's leaf.

    X : float32 or float64[:, ::1], shape (n_rows, n_features)
    nodes, thresholds : as packed; a leaf's threshold is infinite.
    missing : whether values may be missing; where none is, it takes .84 of the time
    leaves : uint32[::1], shape (n_rows,). Overwritten.
    """
    if missing:  # apart, for the compiler
        walk_rows(X, nodes, thresholds, True, leaves)
    else:
        walk_rows(X, nodes, thresholds, False, leaves)


@njit(forceinline=True)
def walk_rows(X, nodes, thresholds, missing, leaves):
    """See `walk`."""
    n_rows = X.shape[0]
    x = X.reshape(X.size)
    width = np.uint64(X.shape[1])
    for i in range(0, n_rows - 7, 8):
        r0 = np.uint64(i) * width
        r1, r2, r3 = r0 + width, r0 + np.uint64(2) * width, r0 + np.uint64(3) * width
        r4, r5, r6, r7 = r0 + np.uint64(4) * width, r1 + np.uint64(4) * width, r2 + np.uint64(4) * width, r3 + np.uint64(4) * width
        n0 = n1 = n2 = n3 = n4 = n5 = n6 = n7 = np.uint64(0)
        while True:
            for _ in range(2):  # as looking whether a row moved costs a tenth of a step
                m0, m1, m2, m3, m4, m5, m6, m7 = n0, n1, n2, n3, n4, n5, n6, n7
                n0 = step(x, r0, nodes[n0], thresholds[n0], missing)
                n1 = step(x, r1, nodes[n1], thresholds[n1], missing)
                n2 = step(x, r2, nodes[n2], thresholds[n2], missing)
                n3 = step(x, r3, nodes[n3], thresholds[n3], missing)
                n4 = step(x, r4, nodes[n4], thresholds[n4], missing)
                n5 = step(x, r5, nodes[n5], thresholds[n5], missing)
                n6 = step(x, r6, nodes[n6], thresholds[n6], missing)
                n7 = step(x, r7, nodes[n7], thresholds[n7], missing)
            moved = (n0 ^ m0) | (n1 ^ m1) | (n2 ^ m2) | (n3 ^ m3) | (n4 ^ m4) | (n5 ^ m5) | (n6 ^ m6) | (n7 ^ m7)
            if moved == np.uint64(0):
                break
        leaves[i], leaves[i + 1], leaves[i + 2], leaves[i + 3] = n0, n1, n2, n3
        leaves[i + 4], leaves[i + 5], leaves[i + 6], leaves[i + 7] = n4, n5, n6, n7
    for i in range(n_rows - n_rows % 8, n_rows):
        node = np.uint64(0)
        row = np.uint64(i) * width
        while True:
            before = node
            node = step(x, row, nodes[node], thresholds[node], missing)
            if node == before:
                break
        leaves[i] = node


@njit
def walk_sets(X, nodes, thresholds, starts, words, leaves):
    """The same for a tree with sets of categories, whose "threshold" is the number of categories.

    starts : int64[::1], first word of each packed node's set, or -1; words : uint64[::1]
    """
    x = X.reshape(X.size)
    width = np.uint64(X.shape[1])
    for start in range(0, X.shape[0], _TOGETHER):
        stop = min(start + _TOGETHER, X.shape[0])
        leaves[start:stop] = 0
        moved = True
        while moved:
            moved = False
            for i in range(start, stop):
                node, row = np.uint64(leaves[i]), np.uint64(i) * width
                packed, first = nodes[node], starts[node]
                if first < 0:
                    after = step(x, row, packed, thresholds[node], True)
                else:
                    missing_left = _ONE - ((packed >> _MISSING_RIGHT) & _ONE)
                    left = goes_left(x[row + (packed & _FEATURE)], thresholds[node], first, words, missing_left)
                    after = (packed >> _HALF) + np.uint64(1 - left)
                moved |= after != node
                leaves[i] = after


@njit
def add_values(leaves, numbers, values, out):
    """Add each row's leaf value to ``out[row]``.

    leaves : uint32[::1], packed numbers; numbers : int32[::1], packed to preorder; values : float64[n_nodes, n_values].
    """
    for i in range(len(leaves)):
        node = numbers[leaves[i]]
        for j in range(values.shape[1]):
            out[i, j] += values[node, j]


class Walker:
    """A tree packed for walking; made from a `Tree`'s arrays when first needed."""

    def __init__(self, tree):
        n_nodes = tree.node_count
        self.nodes, self.numbers = np.empty(n_nodes, dtype=np.uint64), np.empty(n_nodes, dtype=np.int32)
        pack_tree(tree.children_left, tree.children_right, tree.feature, tree.missing_go_to_left, self.nodes, self.numbers)
        threshold = np.where(tree.children_left < 0, np.inf, tree.threshold)[self.numbers]
        self.words = None
        if tree.n_categories is not None:
            self.words, self.starts = tree.sets.words, tree.sets.starts[self.numbers]
            by_set = self.starts >= 0
            threshold[by_set] = tree.n_categories[tree.feature[self.numbers[by_set]]]
        with np.errstate(over="ignore"):
            below = threshold.astype(np.float32)  # made the greatest float32 that isn't above: the same rows pass
        below[below > threshold] = np.nextafter(below[below > threshold], np.float32(-np.inf))
        self.thresholds = {np.dtype(np.float64): threshold, np.dtype(np.float32): below}

    def leaves(self, X, missing=True):
        """Packed number of the leaf of each row of `X`, a C-contiguous float array, some of whose values may be `missing`."""
        out = np.empty(len(X), dtype=np.uint32)
        if self.words is None:
            walk(X, self.nodes, self.thresholds[X.dtype], missing, out)
        else:
            walk_sets(X, self.nodes, self.thresholds[X.dtype], self.starts, self.words, out)
        return out
