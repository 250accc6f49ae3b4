"""Why did the model say so? The path of questions for a single tree; for all else, what each feature changed.

A contribution is plain: the prediction for the row as it is, minus the mean prediction for the same row with this one feature at four places
of its training distribution. It says what the model leaned on, not what causes the disease, and contributions need not add up to the whole.
"""

import itertools

import numpy as np

MOST = 3  # features told
PLACES = (0.125, 0.375, 0.625, 0.875)  # quantiles; the median alone would lie on one side of every question that halves the data


def reasons(model, predict, values, training, names):
    """One sentence per row.

    Parameters
    ----------
    model : the fitted estimator
    predict : callable (values) -> ndarray, shape (n_rows,): what is to be explained, such as the probability of the class called
        for each row (rows keep their order)
    values, training : ndarrays, shape (n_rows, n_features), (n_training, n_features)
    names : list of str

    Returns
    -------
    list of str
    """
    tree = getattr(model, "tree_", None)
    if tree is not None and hasattr(tree, "children_left"):
        return paths(tree, values, names)
    if not values.shape[1]:
        return ["no feature was used"] * len(values)
    change = contributions(predict, values, training)
    return [_told(change[i], values[i], training, names) for i in range(len(values))]


def paths(tree, values, names):
    """The questions each row answered on its way down a tree, and how many training rows share its leaf."""
    X = np.ascontiguousarray(values)
    way, told = tree.decision_path(X), []
    for i in range(len(X)):
        nodes = way.indices[way.indptr[i] : way.indptr[i + 1]]
        words = []
        for node, child in itertools.pairwise(nodes):
            j = tree.feature[node]
            sign = "<=" if child == tree.children_left[node] else ">"
            words.append(f"{names[j]} = {X[i, j]:.4g} {sign} {tree.threshold[node]:.4g}")
        told.append(" and ".join(words or ["no question asked"]) + f" ({tree.n_node_samples[nodes[-1]]} training rows end here)")
    return told


def contributions(predict, values, training):
    """Change of the prediction by each feature, against the mean of the same row with that feature at `PLACES`: shape of `values`."""
    base, places = predict(values), np.quantile(training, PLACES, axis=0, method="nearest")
    change = np.zeros(values.shape)
    for j in range(values.shape[1]):
        for place in places[:, j]:
            other = values.copy()
            other[:, j] = place
            change[:, j] += (base - predict(other)) / len(PLACES)
    return change


def _told(change, row, training, names):
    order = [j for j in np.argsort(-np.abs(change), kind="stable")[:MOST] if abs(change[j]) >= 0.0005]
    if not order:
        return "no single feature changes it"
    words = []
    for j in order:
        place = 100 * (np.mean(training[:, j] < row[j]) + np.mean(training[:, j] <= row[j])) / 2
        words.append(f"{names[j]} above {place:.0f} % of the training rows: {change[j]:+.3f}")
    return "; ".join(words)
