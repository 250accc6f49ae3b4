"""The training rows behind a forest's predictions."""

from fasttree._jit import njit


@njit
def group_rows(leaves, counts, starts, rows):
    """List the rows of each leaf.

    leaves : int32[::1], the leaf of each training row; counts : int64[::1], how often it was drawn (0: not at all).
    starts : int64[::1], one longer than there are nodes. Filled with where each node's rows start.
    rows : int64[::1], one per training row. Filled, the drawn rows of node i at ``starts[i]:starts[i + 1]``, ascending.
    """
    starts[:] = 0
    for row in range(len(leaves)):
        if counts[row] > 0:
            starts[leaves[row] + 1] += 1
    for node in range(len(starts) - 1):
        starts[node + 1] += starts[node]
    place = starts.copy()
    for row in range(len(leaves)):
        if counts[row] > 0:
            rows[place[leaves[row]]] = row
            place[leaves[row]] += 1


@njit
def add_weights(leaves, starts, rows, counts, weights):
    """Add one tree's weights of the training rows for each predicted row.

    leaves : int32[::1], the leaf of each predicted row.
    weights : float64[:, ::1], shape (n_predicted, n_training). Each row gains 1, shared among the leaf's rows by their counts.
    """
    for i in range(len(leaves)):
        first, stop = starts[leaves[i]], starts[leaves[i] + 1]
        total = 0.0
        for j in range(first, stop):
            total += counts[rows[j]]
        for j in range(first, stop):
            weights[i, rows[j]] += counts[rows[j]] / total


@njit
def weighted_quantiles(y, order, weights, levels, out):
    """Least target at which the share of the weight reaches each of the ascending `levels`, for each row of `weights`."""
    for i in range(weights.shape[0]):
        total = 0.0
        for j in range(len(y)):
            total += weights[i, j]
        reached, level = 0.0, 0
        last = 0
        for j in range(len(order)):
            if weights[i, order[j]] > 0.0:
                reached += weights[i, order[j]]
                last = order[j]
                while level < len(levels) and reached >= levels[level] * total * (1.0 - 1e-12):
                    out[i, level] = y[last]
                    level += 1
        while level < len(levels):
            out[i, level] = y[last]
            level += 1


@njit
def count_shared(first, second, shared):
    """Add 1 to ``shared[i, j]`` for each tree in which row i of `first` and row j of `second` have the same leaf.

    first, second : int32[:, ::1], shape (n_rows, n_trees); shared : float64[:, ::1].
    """
    for i in range(first.shape[0]):
        for j in range(second.shape[0]):
            for tree in range(first.shape[1]):
                if first[i, tree] == second[j, tree]:
                    shared[i, j] += 1.0


@njit
def add_up_below(left, right, sums):
    """Make each node's row of `sums` (float64[:, ::1], nodes in preorder) the sum over the leaves below it."""
    for node in range(len(left) - 1, -1, -1):
        if left[node] >= 0:
            for j in range(sums.shape[1]):
                sums[node, j] = sums[left[node], j] + sums[right[node], j]
