"""Sets of categories in a fitted tree: one bit for each category of a split's feature, in whole words.

::

    node        0       1      2   ...        starts of the sets   0  -1   2 ...     (-1: a leaf, or a split by threshold)
    feature     kind    -      kind           words                [node 0's two words][node 2's two words] ...

A set bit sends its category left. Categories that the node didn't hold go where missing values go, and so does what is no category.
"""

from typing import NamedTuple

import numpy as np

from fasttree._jit import njit

WORD_BITS = 64
_ONE = np.uint64(1)
_BIT = np.uint64(63)
_WORD = np.uint64(6)


class Sets(NamedTuple):
    """What tells the way of categories."""

    n_categories: np.ndarray  # int64, shape (n_features,); 0 for features of numbers
    starts: np.ndarray  # int64, shape (n_nodes,): the first word of each node's set, or -1
    words: np.ndarray  # uint64


NO_SETS = Sets(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0, dtype=np.uint64))


def count_words(left, feature, n_categories):
    """Words of each node's set, 0 for leaves and splits by threshold."""
    return np.where(left >= 0, -(-n_categories[np.maximum(feature, 0)] // WORD_BITS), 0)


def start_words(left, feature, n_categories):
    """First word of each node's set, or -1; the sets lie in the order of the nodes."""
    counts = count_words(left, feature, n_categories)
    return np.where(counts > 0, np.cumsum(counts) - counts, -1)


def members(sets, node, feature):
    """Whether each category of a node's feature goes left, a list of bool."""
    first, n_categories = sets.starts[node], int(sets.n_categories[feature])
    return [bool(int(sets.words[first + n // WORD_BITS]) >> (n % WORD_BITS) & 1) for n in range(n_categories)]


@njit(_nrt=False)
def goes_left(value, n_categories, first, words, missing_left):
    """1 where the category `value` is in the set that starts at word `first`; `missing_left` where it is no category."""
    if value >= 0 and value < n_categories:
        category = np.uint64(np.int64(value))
        return np.int64((words[first + np.int64(category >> _WORD)] >> (category & _BIT)) & _ONE)
    return np.int64(missing_left)


@njit
def collect_sets(nodes, rows, codes, places, n_categories, starts, words):
    """Read off a grown tree which categories went left.

    nodes : in preorder, with `left`, `right`, `feature`, `size` and `missing_left`
    rows : uint32[::1], the rows of the tree in the order of its leaves
    codes : uint32[:, ::1], numbers of the categories; a row for each feature of categories, whose row is ``places[feature]``
    words : uint64[::1], zero. Filled.
    """
    begin = np.zeros(len(nodes.left), np.int64)
    for node in range(len(nodes.left)):
        left, right, first = nodes.left[node], nodes.right[node], starts[node]
        if left < 0:
            continue
        begin[left], begin[right] = begin[node], begin[node] + nodes.size[left]
        if first < 0:
            continue
        feature = nodes.feature[node]
        code = codes[places[feature]]
        stays = nodes.missing_left[node] == 1  # whether what isn't here goes left: then those on the right are taken out
        for category in range(n_categories[feature] if stays else 0):
            words[first + (category >> 6)] |= _ONE << np.uint64(category & 63)
        child = right if stays else left
        for i in range(begin[child], begin[child] + nodes.size[child]):
            category = np.int64(code[rows[i]])
            if category < n_categories[feature]:
                bit = _ONE << np.uint64(category & 63)
                word = words[first + (category >> 6)]
                words[first + (category >> 6)] = word & ~bit if stays else word | bit
