"""Fitted trees as plain arrays and back again: what `fasttree.save` writes of them, and what they may hold to be read."""

import numpy as np

from fasttree._tree import LEAF, UNDEFINED, Tree
from fasttree._tree_categories import WORD_BITS, count_words

NODE_TYPES = {
    "children_left": np.int32,
    "children_right": np.int32,
    "feature": np.int32,
    "threshold": np.float64,
    "impurity": np.float64,
    "n_node_samples": np.int64,
    "weighted_n_node_samples": np.float64,
    "missing_go_to_left": np.uint8,
    "value": np.float64,
}


def arrays_of_trees(trees):
    """Name -> array, of the nodes of all trees, one after the other."""
    arrays = {"starts": np.cumsum([0] + [one.node_count for one in trees])}
    for name, kind in NODE_TYPES.items():
        arrays[name] = np.concatenate([getattr(one, name) for one in trees]).astype(kind, copy=False)
    if trees[0].n_categories is not None:
        arrays["category_words"] = np.concatenate([one.category_words for one in trees])
    return arrays


def restore_trees(n_features, n_classes, n_categories, part, require):
    """Trees and their seeds.

    Parameters
    ----------
    n_features : int
    n_classes : ndarray of int, shape (n_outputs,)
    n_categories : ndarray of int64, shape (n_features,), or None
    part, require : callable
        See `fasttree._boosting_saving.restore`.
    """
    starts, seeds = part("starts", np.int64, 1), part("seeds", np.int64, 1)
    nodes = {name: part(name, kind, 3 if name == "value" else 1) for name, kind in NODE_TYPES.items()}
    n_nodes = len(nodes["threshold"])
    require(len(starts) > 1 and starts[0] == 0 and starts[-1] == n_nodes, "starts don't cover the nodes")
    require(bool(np.all(np.diff(starts) > 0)), "starts don't ascend")
    require(len(seeds) == len(starts) - 1, "seeds don't match the trees")
    require(all(len(array) == n_nodes for array in nodes.values()), "arrays of nodes differ in length")
    require(nodes["value"].shape[1:] == (len(n_classes), int(np.max(n_classes))), "value has the wrong shape")
    words = np.empty(0, dtype=np.uint64) if n_categories is None else part("category_words", np.uint64, 1)
    trees, first_word = [], 0
    for first, stop in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        arrays = {name: np.ascontiguousarray(array[first:stop]) for name, array in nodes.items()}
        _check_tree(arrays, n_features, n_categories, require)
        own = None
        if n_categories is not None:
            counts = count_words(arrays["children_left"], arrays["feature"], n_categories)
            last_word = first_word + int(np.sum(counts))
            own = np.ascontiguousarray(words[first_word:last_word])
            _check_words(own, counts, arrays["feature"], n_categories, require)
            first_word = last_word
        trees.append(Tree(arrays, n_features, n_classes, n_categories, own))
    require(first_word == len(words), "category_words are more than the splits have")
    return trees, seeds


def _check_words(words, counts, feature, n_categories, require):
    """Refuse sets of categories of the wrong length, or with bits of categories that there aren't."""
    require(len(words) == np.sum(counts), "category_words are fewer than the splits have")
    by_set = counts > 0
    spare = np.uint64(WORD_BITS - 1) - (n_categories[feature[by_set]] - 1).astype(np.uint64) % np.uint64(WORD_BITS)  # bits of the last
    beyond = ~(np.uint64(2**WORD_BITS - 1) >> spare)
    require(not np.any(words[np.cumsum(counts[by_set]) - 1] & beyond), "category_words name categories that there aren't")


def _check_tree(arrays, n_features, n_categories, require):
    """Refuse arrays that aren't a binary tree in preorder over `n_features` features."""
    left, right, feature = arrays["children_left"], arrays["children_right"], arrays["feature"]
    every = np.arange(len(left))
    inner = left != LEAF
    require(bool(np.all((right == LEAF) == ~inner)), "a node has one child")
    require(bool(np.all(left[inner] == every[inner] + 1)), "nodes aren't in preorder")
    require(bool(np.all((right[inner] > left[inner]) & (right[inner] < len(left)))), "a child is out of range")
    children = np.sort(np.concatenate([left[inner], right[inner]]))
    require(bool(np.array_equal(children, every[1:])), "a node has no parent or two")
    require(bool(np.all((feature[inner] >= 0) & (feature[inner] < n_features))), "a split's feature is out of range")
    require(bool(np.all(feature[~inner] == UNDEFINED)), "a leaf has a feature")
    require(bool(np.all(arrays["missing_go_to_left"] <= 1)), "missing_go_to_left isn't 0 or 1")
    by_set = np.zeros(len(left), bool) if n_categories is None else inner & (n_categories[np.maximum(feature, 0)] > 0)
    require(bool(np.all(np.isnan(arrays["threshold"]) == by_set)), "a threshold is NaN, or one of a split by categories isn't")
    require(bool(np.all(np.isfinite(arrays["value"]))), "a value isn't finite")
