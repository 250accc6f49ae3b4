"""Shapley values of a tree's predictions (Lundberg et al. 2020, Nature Machine Intelligence 2, 56; algorithm 2).

A feature's value is its mean effect on the prediction when features are told one after the other, over all orders; what an untold
feature decides is averaged over its node's children by their training weights. Instead of all orders, the path from the root keeps,
for each number of features told, the share of the orders that come to the present node.
"""

import numpy as np

from fasttree._jit import njit
from fasttree._tree_categories import goes_left


@njit
def extend_path(path, depth, zero, one, feature, inverse):
    """Add a feature to the path: `zero` and `one` are the shares of rows that pass it untold and told.

    path : float64[:, ::1], rows (feature, share untold, share told, weight of that many features told). Row `depth` is overwritten.
    inverse : float64[::1], 1 / i at place i: quotients took a third of the time
    """
    path[depth, 0], path[depth, 1], path[depth, 2] = feature, zero, one
    path[depth, 3] = 1.0 if depth == 0 else 0.0
    one, zero = one * inverse[depth + 1], zero * inverse[depth + 1]
    for i in range(depth - 1, -1, -1):
        path[i + 1, 3] += one * path[i, 3] * (i + 1.0)
        path[i, 3] *= zero * (depth - i)


@njit
def unwind_path(path, depth, index, inverse):
    """Take the feature in row `index` out of a path whose last row is `depth`. Its share told is 0 or 1."""
    zero, one = path[index, 1], path[index, 2]
    carried = path[depth, 3]
    if one != 0.0:
        for i in range(depth - 1, -1, -1):
            kept = path[i, 3]
            path[i, 3] = carried * (depth + 1.0) * inverse[i + 1]
            carried = kept - path[i, 3] * zero * (depth - i) * inverse[depth + 1]
    else:
        scale = (depth + 1.0) / zero
        for i in range(depth):
            path[i, 3] *= scale * inverse[depth - i]
    for i in range(index, depth):
        for j in range(3):
            path[i, j] = path[i + 1, j]


@njit
def unwound_weight(path, depth, index, inverse):
    """Sum of the weights that `unwind_path` would leave."""
    zero, one = path[index, 1], path[index, 2]
    total = 0.0
    if one == 0.0:
        for i in range(depth):
            total += path[i, 3] * inverse[depth - i]
        return total * (depth + 1.0) / zero
    carried = path[depth, 3]
    for i in range(depth - 1, -1, -1):
        part = carried * inverse[i + 1]
        total += part
        carried = path[i, 3] - part * zero * (depth - i)
    return total * (depth + 1.0)


@njit
def add_shapley(x, left, right, feature, threshold, missing_left, sets, weight, value, paths, stack, shares, inverse, out):
    """Add one row's Shapley values for one tree to `out`.

    x : float32 or float64[::1], shape (n_features,)
    left, right, feature, threshold, missing_left, weight : the tree's arrays; value : float64[:, ::1], shape (n_nodes, n_values).
    sets : `Sets`, without rows where the tree has none
    paths : float64[:, :, ::1], shape (depth + 2, greatest number of features on a path + 2, 4); stack : int64[:, ::1], shape (depth + 2, 4);
        shares : float64[:, ::1], shape (depth + 2, 2). Overwritten. inverse : see `extend_path`
    out : float64[:, ::1], shape (n_features, n_values)
    """
    stack[0, 0], stack[0, 1], stack[0, 2], stack[0, 3] = 0, 0, 0, -1  # node, level, rows on the path, feature of the split above
    shares[0, 0], shares[0, 1] = 1.0, 1.0
    n_open = 1
    while n_open:
        n_open -= 1
        node, level, depth, above = stack[n_open, 0], stack[n_open, 1], stack[n_open, 2], stack[n_open, 3]
        zero, one = shares[n_open, 0], shares[n_open, 1]
        path = paths[level]
        for i in range(depth):
            for j in range(4):
                path[i, j] = paths[level - 1, i, j]
        extend_path(path, depth, zero, one, above, inverse)
        if left[node] < 0:
            for i in range(1, depth + 1):
                scale = unwound_weight(path, depth, i, inverse) * (path[i, 2] - path[i, 1])
                for k in range(value.shape[1]):
                    out[np.int64(path[i, 0]), k] += scale * value[node, k]
            continue
        hot, cold = left[node], right[node]
        known = x[feature[node]]
        if len(sets.starts) and sets.starts[node] >= 0:
            n_categories = sets.n_categories[feature[node]]
            is_right = goes_left(known, n_categories, sets.starts[node], sets.words, missing_left[node]) == 0
        else:
            is_right = known > threshold[node] or (known != known and missing_left[node] == 0)
        if is_right:
            hot, cold = cold, hot
        zero_before, one_before = 1.0, 1.0
        for i in range(1, depth + 1):
            if path[i, 0] == feature[node]:
                zero_before, one_before = path[i, 1], path[i, 2]
                unwind_path(path, depth, i, inverse)
                depth -= 1
                break
        for child, told in ((cold, 0.0), (hot, one_before)):
            stack[n_open, 0], stack[n_open, 1], stack[n_open, 2], stack[n_open, 3] = child, level + 1, depth + 1, feature[node]
            shares[n_open, 0], shares[n_open, 1] = zero_before * weight[child] / weight[node], told
            n_open += 1


@njit
def add_shapley_rows(X, left, right, feature, threshold, missing_left, sets, weight, value, depth, out):
    """The same for all rows of `X`; out : float64[:, :, ::1], shape (n_rows, n_features, n_values)."""
    paths = np.empty((depth + 2, min(depth, X.shape[1]) + 2, 4))  # a feature that comes again takes no row of its own
    stack, shares = np.empty((depth + 2, 4), np.int64), np.empty((depth + 2, 2))
    inverse = np.ones(paths.shape[1] + 1)
    for i in range(1, len(inverse)):
        inverse[i] = 1.0 / i
    for row in range(X.shape[0]):
        add_shapley(X[row], left, right, feature, threshold, missing_left, sets, weight, value, paths, stack, shares, inverse, out[row])
