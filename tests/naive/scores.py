"""Scores counted pair by pair."""

import itertools


def auc(folds, label, weight, n_classes):
    """Mean over classes of the share of (class, other) pairs of one fold that are ranked rightly; ties count half."""
    total = []
    for k in [1] if n_classes == 2 else range(n_classes):
        won = pairs = 0.0
        for rows, probability in folds:
            for (i, a), (j, b) in itertools.product(enumerate(rows), repeat=2):
                if label[a] == k and label[b] != k:
                    w = weight[a] * weight[b]
                    pairs += w
                    won += w * ((probability[i][k] > probability[j][k]) + 0.5 * (probability[i][k] == probability[j][k]))
        total.append(won / pairs if pairs else float("nan"))
    return sum(total) / len(total)
