"""Plain twins of the scores of a quantity."""

import itertools


def concordance(folds, label, weight):
    """Count pairs one by one."""
    won = pairs = 0.0
    for rows, prediction in folds:
        for i, j in itertools.permutations(range(len(rows)), 2):
            if label[rows[i]] > label[rows[j]]:
                both = weight[rows[i]] * weight[rows[j]]
                pairs += both
                won += both * (1.0 if prediction[i, 0] > prediction[j, 0] else 0.5 if prediction[i, 0] == prediction[j, 0] else 0.0)
    return won / pairs if pairs else float("nan")


def r2(folds, label, weight):
    """Repeat each row as often as it weighs, then the textbook's formula."""
    true, said = [], []
    for rows, prediction in folds:
        for row, value in zip(rows, prediction[:, 0], strict=True):
            true += [label[row]] * int(weight[row])
            said += [value] * int(weight[row])
    centre = sum(true) / len(true)
    left = sum((a - b) ** 2 for a, b in zip(true, said, strict=True))
    return 1 - left / sum((a - centre) ** 2 for a in true)
