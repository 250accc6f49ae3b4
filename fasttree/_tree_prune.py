"""Minimal cost-complexity pruning (Breiman, Friedman, Olshen & Stone 1984, chapter 3)."""

import numpy as np

from fasttree._jit import njit
from fasttree._tree import LEAF, UNDEFINED, Tree
from fasttree._tree_categories import count_words


@njit
def prune_weakest(left, right, risk, most_alpha, is_leaf, alphas, risks):
    """Cut the weakest links, one after the other, while their price per leaf is at most `most_alpha`.

    left, right : int32[::1], children in preorder, -1 for leaves.
    risk : float64[::1], each node's impurity times its share of the weight.
    is_leaf : bool[::1]. Filled: the leaves of what is left; nodes below them are unmarked.
    alphas, risks : float64[::1], as long as there are nodes. Filled for each cut; the first entry is the whole tree at 0.

    Returns the number of entries.
    """
    n_nodes = len(left)
    parent = np.full(n_nodes, -1, np.int64)
    n_leaves = np.ones(n_nodes, np.int64)
    below = risk.copy()  # summed over the leaves below each node
    inner = left >= 0
    for node in range(n_nodes - 1, -1, -1):
        is_leaf[node] = not inner[node]
        if inner[node]:
            parent[left[node]] = parent[right[node]] = node
            n_leaves[node] = n_leaves[left[node]] + n_leaves[right[node]]
            below[node] = below[left[node]] + below[right[node]]
    alphas[0], risks[0] = 0.0, below[0]
    n_entries = 1
    while inner[0]:
        weakest, alpha = -1, np.inf
        for node in range(n_nodes):
            if inner[node]:
                price = (risk[node] - below[node]) / (n_leaves[node] - 1)
                if price < alpha:
                    weakest, alpha = node, price
        if alpha > most_alpha:
            break
        _cut(weakest, left, right, inner, is_leaf)
        fewer, worse = n_leaves[weakest] - 1, risk[weakest] - below[weakest]
        node = weakest
        while node >= 0:
            n_leaves[node] -= fewer
            below[node] += worse
            node = parent[node]
        alphas[n_entries], risks[n_entries] = alpha, below[0]
        n_entries += 1
    return n_entries


@njit
def _cut(top, left, right, inner, is_leaf):
    """Make `top` a leaf, and what is below it nothing."""
    stack = np.empty(len(left), np.int64)
    stack[0] = top
    depth = 1
    while depth:
        depth -= 1
        node = stack[depth]
        if left[node] >= 0:
            stack[depth], stack[depth + 1] = left[node], right[node]
            depth += 2
        inner[node] = False
        is_leaf[node] = False
    is_leaf[top] = True


def _run(tree, most_alpha):
    risk = tree.impurity * tree.weighted_n_node_samples / tree.weighted_n_node_samples[0]
    is_leaf, alphas, risks = np.empty(tree.node_count, dtype=bool), np.empty(tree.node_count), np.empty(tree.node_count)
    n_entries = prune_weakest(tree.children_left, tree.children_right, risk, most_alpha, is_leaf, alphas, risks)
    return is_leaf, alphas[:n_entries], risks[:n_entries]


def pruning_path(tree):
    """Prices at which links are cut, and the impurity of the leaves after each cut."""
    return _run(tree, np.inf)[1:]


def prune(tree, alpha):
    """The smallest subtree that is optimal at `alpha` per leaf."""
    if alpha == 0.0 or tree.node_count == 1:
        return tree
    is_leaf, _, _ = _run(tree, alpha)
    kept = is_leaf.copy()
    for node in range(tree.node_count - 1, -1, -1):  # preorder: children come later
        if tree.children_left[node] != LEAF and not is_leaf[node]:
            kept[node] = kept[tree.children_left[node]]
    new = np.cumsum(kept) - 1
    arrays = {name: getattr(tree, name)[kept] for name in Tree.NODE_ARRAYS}
    leaf = is_leaf[kept]
    for name in ("children_left", "children_right"):
        arrays[name] = np.where(leaf, LEAF, new[arrays[name]]).astype(np.int32)
    arrays["feature"][leaf], arrays["threshold"][leaf], arrays["missing_go_to_left"][leaf] = UNDEFINED, UNDEFINED, 0
    if tree.n_categories is None:
        return Tree(arrays, tree.n_features, tree.n_classes)
    of_inner = np.repeat(kept & ~is_leaf, count_words(tree.children_left, tree.feature, tree.n_categories))
    return Tree(arrays, tree.n_features, tree.n_classes, tree.n_categories, tree.category_words[of_inner])
