"""A fitted tree as flat arrays, numbered in preorder, and walking it.

::

            0                 left   1  2 -1 -1 -1        (-1: a leaf)
          /   \\               right  4  3 -1 -1 -1
         1     4
        / \\
       2   3
"""

import functools
import itertools

import numpy as np
import scipy.sparse

from fasttree._jit import njit
from fasttree._tree_categories import Sets, start_words
from fasttree._tree_walk import Walker, add_values

LEAF = -1
UNDEFINED = -2


@njit
def mark_paths(left, right, leaves, starts, nodes):
    """Nodes on the way to each row's leaf.

    starts : int64[::1], shape (n_rows + 1,). Filled with where each row's nodes start.
    nodes : int32[::1], long enough for all rows; filled, ascending within a row.
    """
    parent = np.full(len(left), -1, np.int64)
    depth = np.zeros(len(left), np.int64)
    for node in range(len(left)):
        if left[node] >= 0:
            parent[left[node]] = parent[right[node]] = node
            depth[left[node]] = depth[right[node]] = depth[node] + 1
    starts[0] = 0
    for i in range(len(leaves)):
        node = np.int64(leaves[i])
        stop = starts[i] + depth[node] + 1
        starts[i + 1] = stop
        while node >= 0:
            stop -= 1
            nodes[stop] = node
            node = parent[node]


class Tree:
    """One fitted tree; the arrays have scikit-learn's names and meaning.

    Parameters
    ----------
    arrays : dict
        ``children_left``, ``children_right``, ``feature``, ``threshold``, ``impurity``, ``n_node_samples``,
        ``weighted_n_node_samples``, ``missing_go_to_left`` (one entry per node) and ``value``, shape (n_nodes, n_outputs,
        greatest number of classes or 1).
    n_features : int
    n_classes : ndarray of int, shape (n_outputs,)
        1 for regression.
    n_categories : ndarray of int64, shape (n_features,), or None
        Categories of each feature, 0 for those of numbers; None where no feature is categorical. Categories are known to the tree
        by their numbers 0, 1, ..., and the threshold of a split by categories is NaN.
    category_words : ndarray of uint64, or None
        The sets of categories that go left, node by node; see `fasttree._tree_categories`.
    """

    NODE_ARRAYS = (
        "children_left",
        "children_right",
        "feature",
        "threshold",
        "impurity",
        "n_node_samples",
        "weighted_n_node_samples",
        "missing_go_to_left",
        "value",
    )

    def __init__(self, arrays, n_features, n_classes, n_categories=None, category_words=None):
        for name in self.NODE_ARRAYS:
            if name != "n_node_samples":
                setattr(self, name, arrays[name])
        self._sizes = arrays["n_node_samples"].astype(np.int32, copy=False)  # `MOST_ROWS` are fewer
        self.n_features = n_features
        self.n_classes = n_classes
        self.n_categories, self.category_words = n_categories, category_words

    @functools.cached_property
    def walker(self):
        return Walker(self)

    @functools.cached_property
    def sets(self):
        return Sets(self.n_categories, start_words(self.children_left, self.feature, self.n_categories), self.category_words)

    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name not in ("walker", "sets")}

    @property
    def n_node_samples(self):
        """As int64, which scikit-learn has; kept in half of that."""
        return self._sizes.astype(np.int64)

    @property
    def node_count(self):
        return len(self.children_left)

    @property
    def capacity(self):
        """Nodes that there is room for; as scikit-learn has it."""
        return self.node_count

    @property
    def n_outputs(self):
        return len(self.n_classes)

    @property
    def max_n_classes(self):
        return int(np.max(self.n_classes))

    @property
    def n_leaves(self):
        return int(np.count_nonzero(self.children_left == LEAF))

    @property
    def max_depth(self):
        return int(np.max(self.node_depths()))

    def node_depths(self):
        """Depth of each node, the root's being 0."""
        depth = np.zeros(self.node_count, dtype=np.int64)
        inner = self.children_left != LEAF
        for node in np.flatnonzero(inner):  # preorder: parents come first
            depth[self.children_left[node]] = depth[self.children_right[node]] = depth[node] + 1
        return depth

    def check_width(self, X):
        """Refuse rows of another length than those the tree was grown on: a kernel would read beyond them."""
        if X.shape[1] != self.n_features:
            raise ValueError(f"X has {X.shape[1]} features, but the tree was grown on {self.n_features}: the last fit was not completed")

    def apply(self, X):
        """Leaf of each row of `X`, an array of floats in any layout, or a csr matrix."""
        self.check_width(X)
        out = np.empty(X.shape[0], dtype=np.int32)
        for start, part in dense_blocks(X):
            out[start : start + len(part)] = self.walker.numbers[self.walker.leaves(part)]
        return out

    def add_values(self, X, out, missing=True):
        """Add the value of each row's leaf to `out`, shape (n_rows, n_outputs, n_classes).

        X : C-contiguous array of floats, of which some may be NaN if `missing`
        """
        self.check_width(X)
        if out.shape[1:] != self.value.shape[1:]:
            raise ValueError(f"out has room for {out.shape[1:]} values a row; the tree has {self.value.shape[1:]}")
        width = out.shape[1] * out.shape[2]
        add_values(self.walker.leaves(X, missing), self.walker.numbers, self.value.reshape(-1, width), out.reshape(-1, width))

    def predict(self, X):
        """Value of each row's leaf, shape (n_rows, n_classes) or (n_rows, n_outputs, n_classes) for several outputs."""
        out = self.value.take(self.apply(X), axis=0)
        return out[:, 0] if self.n_outputs == 1 else out

    def decision_path(self, X):
        """Nodes that each row passes, a csr matrix of shape (n_rows, n_nodes)."""
        leaves = self.apply(X)
        starts = np.empty(len(leaves) + 1, dtype=np.int64)
        nodes = np.empty(int(np.sum(self.node_depths()[leaves] + 1)), dtype=np.int32)
        mark_paths(self.children_left, self.children_right, leaves, starts, nodes)
        shape = (len(leaves), self.node_count)
        return scipy.sparse.csr_matrix((np.ones(len(nodes), dtype=np.int64), nodes, starts), shape=shape)

    def compute_feature_importances(self, normalize=True):
        """Decrease of weighted impurity that each feature brought, summing to 1 when normalised."""
        inner = np.flatnonzero(self.children_left != LEAF)
        burden = self.weighted_n_node_samples * self.impurity
        gain = burden[inner] - burden[self.children_left[inner]] - burden[self.children_right[inner]]
        total = np.bincount(self.feature[inner], weights=gain, minlength=self.n_features) / self.weighted_n_node_samples[0]
        if normalize and total.sum() > 0.0:
            total /= total.sum()
        return total


class Trees:
    """Trees that were grown together, in one set of flat arrays of which each tree is a part; they are made as they are asked for.

    Parameters
    ----------
    arrays : dict
        As those of a `Tree`, tree after tree.
    stops : list of int
        Where the nodes of each tree end; the first entry is 0.
    n_features, n_classes, n_categories
        As for a `Tree`.
    category_words : list of ndarray, or None
        Those of each tree.
    """

    def __init__(self, arrays, stops, n_features, n_classes, n_categories=None, category_words=None):
        self._arrays, self._stops, self._shared = arrays, stops, (n_features, n_classes, n_categories)
        self._words = category_words

    def __iter__(self):
        for tree, (start, stop) in enumerate(itertools.pairwise(self._stops)):
            own = slice(start, stop)
            parts = {name: array[own] for name, array in self._arrays.items()}
            yield Tree(parts, *self._shared, None if self._words is None else self._words[tree])


def dense_blocks(X, n_rows=8192):
    """Pairs (first row, C-contiguous block of rows) that cover `X`; a dense array is one block."""
    if not scipy.sparse.issparse(X):
        yield 0, np.ascontiguousarray(X)
        return
    for start in range(0, X.shape[0], n_rows):
        yield start, X[start : start + n_rows].toarray()
