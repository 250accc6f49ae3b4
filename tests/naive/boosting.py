"""Gradient boosting as the book has it: float64, loops over bins, no tricks. A tree is a list of dictionaries."""

import itertools

import numpy as np

MISSING = 255


def cut_points(values, max_bins):
    """Midpoints of few distinct values; otherwise filled up to the mean share of what is left."""
    values = np.sort(values[~np.isnan(values)])
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) <= max_bins:
        return [middle(a, b) for a, b in itertools.pairwise(distinct)]
    big = counts >= len(values) / max_bins
    rest, n_rest = counts[~big].sum(), max_bins - big.sum()
    mean, filled, cuts = rest / max(n_rest, 1), 0, []
    for i in range(len(distinct) - 1):
        filled += counts[i]
        rest -= 0 if big[i] else counts[i]
        if big[i] or filled >= mean or (big[i + 1] and filled >= max(1.0, mean / 2)):
            cuts.append(middle(distinct[i], distinct[i + 1]))
            filled = 0
            if len(cuts) == max_bins - 1:
                break
            if not big[i]:
                n_rest -= 1
                mean = rest / max(n_rest, 1)
    return cuts


def middle(a, b):
    m = np.float32((float(a) + float(b)) / 2)
    return m if a <= m < b else a


def encode(column, cuts):
    codes = np.array([sum(cut < value for cut in cuts) for value in column])
    return np.where(np.isnan(column), MISSING, codes)


def saved(g, h, l1, l2):
    """Twice the loss that a leaf saves at its best value."""
    return max(abs(g) - l1, 0.0) ** 2 / (h + l2)


def value(g, h, l1, l2):
    return -np.sign(g) * max(abs(g) - l1, 0.0) / (h + l2)


def best_split(codes, categorical, g, h, rows, *, min_samples_leaf=20, min_child_weight=1e-3, l1=0.0, l2=0.0, floor=0.0, ties=None):
    """The best (gain, feature, set of codes that go left) of the rows, or None; counts are judged by the hessian's share.

    `ties`, a list, receives the gains of those that nothing but rounding tells from the best.
    """
    G, H, best, gains = g[rows].sum(), h[rows].sum(), None, []
    floor = max(min_child_weight, floor)
    if min_samples_leaf > 1:
        floor = max(floor, (min_samples_leaf - 0.5) * H / len(rows))
    for f in range(codes.shape[1]):
        found = sorted(set(codes[rows, f].tolist()))
        sums = {c: (g[rows][codes[rows, f] == c].sum(), h[rows][codes[rows, f] == c].sum()) for c in found}
        for left in candidates(found, sums, categorical[f], H / len(rows)):
            gl, hl = sum(sums[c][0] for c in left), sum(sums[c][1] for c in left)
            if len(left) == len(found) or min(hl, H - hl) < floor:
                continue
            gain = saved(gl, hl, l1, l2) + saved(G - gl, H - hl, l1, l2) - saved(G, H, l1, l2)
            all_saved = abs(saved(G, H, l1, l2) + gain)
            gains.append(gain)
            if gain > (best[0] + 1e-12 * all_saved if best else 1e-10 * all_saved):  # less is a tie
                best = (gain, f, set(left))
    if best and ties is not None:
        ties += [gain for gain in gains if gain != best[0] and abs(gain - best[0]) <= 1e-6 * abs(saved(G, H, l1, l2) + best[0])]
    return best


def candidates(found, sums, categorical, hessian_per_row):
    """Sets of codes to send left, in the order in which ties are decided."""
    if categorical:
        used = [c for c in found if sums[c][1] / hessian_per_row >= 10.0]
        used.sort(key=lambda c: (sums[c][0] / (sums[c][1] + 10.0), c))
        if len(used) >= 2:
            for order in (used, used[::-1]):
                yield from (order[: i + 1] for i in range((len(used) + 1) // 2))
        return
    values = [c for c in found if c != MISSING]
    yield from (values[: i + 1] for i in range(len(values)))
    if MISSING in found:
        yield from ([*values[: i + 1], MISSING] for i in range(len(values)))


def grow(codes, categorical, g, h, *, max_leaf_nodes=31, learning_rate=0.1, l1=0.0, l2=0.0, **rules):
    """One tree, the most gainful leaf first: list of leaves (rows, value)."""
    leaves = [np.arange(len(g))]
    splits = [best_split(codes, categorical, g, h, leaves[0], l1=l1, l2=l2, **rules)]
    while len(leaves) < max_leaf_nodes:
        j = max(range(len(leaves)), key=lambda i: (splits[i][0] if splits[i] else -1.0, -i))
        if splits[j] is None:
            break
        _, f, left = splits[j]
        goes = np.isin(codes[leaves[j], f], list(left))
        if min(goes.sum(), (~goes).sum()) < rules.get("min_samples_leaf", 20):  # look again for heavier children
            lighter = h[leaves[j]][goes if 2 * goes.sum() < len(goes) else ~goes].sum()
            floor = lighter + 1e-6 * h[leaves[j]].sum()
            splits[j] = best_split(codes, categorical, g, h, leaves[j], l1=l1, l2=l2, floor=floor, **rules)
            continue
        pair = leaves[j][goes], leaves[j][~goes]
        for place, rows in zip((j, len(leaves)), pair, strict=True):
            leaves[place : place + 1] = [rows]
            large = len(rows) >= 2 * rules.get("min_samples_leaf", 20)
            splits[place : place + 1] = [best_split(codes, categorical, g, h, rows, l1=l1, l2=l2, **rules) if large else None]
    if h.sum() < rules.get("min_child_weight", 1e-3):
        return [(leaves[0], 0.0)]
    return [(rows, learning_rate * value(g[rows].sum(), h[rows].sum(), l1, l2)) for rows in leaves]


def boost(codes, categorical, y, weight, n_rounds, *, classification, **rules):
    """Raw predictions of the training rows after so many rounds, and the leaves of each tree."""
    start = np.average(y, weights=weight)
    raw, trees = np.full(len(y), np.log(start / (1 - start)) if classification else start), []
    for _ in range(n_rounds):
        p = 1 / (1 + np.exp(-raw))
        g, h = ((p - y) * weight, p * (1 - p) * weight) if classification else ((raw - y) * weight, weight)
        trees.append(grow(codes, categorical, g, h, **rules))
        for rows, leaf in trees[-1]:
            raw[rows] += leaf
    return raw, trees


def histogram(codes, values):
    """Sums of `values` by feature and code."""
    out = np.zeros((codes.shape[1], 256), values.dtype)
    for f in range(codes.shape[1]):
        np.add.at(out[f], codes[:, f], values)
    return out
