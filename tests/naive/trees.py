"""Greedy trees as the textbook has them: try every split, keep the best. Sums are fractions, so ties are true ties."""

from fractions import Fraction
from itertools import pairwise
from math import isnan, log, log2
from typing import NamedTuple


class Node(NamedTuple):
    rows: list
    weight: Fraction
    impurity: float
    value: list  # of each output: the classes' shares, [mean] or [median]
    split: tuple | None = None  # feature, threshold, do missing values go left
    left: "Node | None" = None
    right: "Node | None" = None


def mean(y, weight):
    return sum(w * v for v, w in zip(y, weight, strict=True)) / sum(weight)


def median(y, weight):
    """Middle of the least and the greatest number that halve the weight."""
    half = sum(weight) / 2
    low = min(m for m in y if sum(w for v, w in zip(y, weight, strict=True) if v <= m) >= half)
    high = max(m for m in y if sum(w for v, w in zip(y, weight, strict=True) if v >= m) >= half)
    return (low + high) / 2


def shares(y, weight):
    total = sum(weight)
    return [sum(w for v, w in zip(y, weight, strict=True) if v == c) / total for c in sorted(set(y))]


def impurity(y, weight, criterion):
    """Impurity of one output's targets."""
    if criterion == "gini":
        return 1 - sum(p * p for p in shares(y, weight))
    if criterion == "entropy":
        return -sum(float(p) * log2(p) for p in shares(y, weight))
    if criterion == "absolute_error":
        middle = median(y, weight)
        return mean([abs(v - middle) for v in y], weight)
    middle = mean(y, weight)
    if criterion == "squared_error":
        return mean([(v - middle) ** 2 for v in y], weight)
    if criterion == "poisson":
        return mean([float(v) * log(v / middle) if v else 0.0 for v in y], [float(w) for w in weight])
    raise ValueError(criterion)


def total_impurity(ys, weight, criterion, rows):
    """Impurity of `rows`, averaged over the outputs."""
    chosen = [weight[i] for i in rows]
    return sum(impurity([y[i] for i in rows], chosen, criterion) for y in ys) / len(ys)


def splits(X, rows):
    """Every split of `rows`: lowest feature first, then missing values right, then lowest threshold."""
    for feature in range(len(X[0])):
        values = sorted({X[i][feature] for i in rows if not isnan(X[i][feature])})
        missing = any(isnan(X[i][feature]) for i in rows)
        thresholds = [a / 2 + b / 2 for a, b in pairwise(values)]
        for missing_left in (False, True) if missing else (None,):
            ends = [float("inf")] if missing and values and not missing_left else []
            for threshold in thresholds + ends:
                yield feature, threshold, missing_left


def goes_left(x, threshold, missing_left):
    return bool(missing_left) if isnan(x) else x <= threshold


def best_split(X, ys, weight, rows, criterion, min_leaf, min_weight):
    """(decrease times weight, split, left rows, right rows) of greatest decrease, the first of ties; None without any."""
    whole = sum(weight[i] for i in rows) * total_impurity(ys, weight, criterion, rows)
    best = None
    for feature, threshold, missing_left in splits(X, rows):
        left = [i for i in rows if goes_left(X[i][feature], threshold, missing_left)]
        right = [i for i in rows if not goes_left(X[i][feature], threshold, missing_left)]
        parts = [sum(weight[i] for i in part) for part in (left, right)]
        if min(len(left), len(right)) < min_leaf or min(parts) < min_weight:
            continue
        if criterion == "poisson" and any(sum(weight[i] * y[i] for i in part) <= 0 for y in ys for part in (left, right)):
            continue
        decrease = whole - sum(w * total_impurity(ys, weight, criterion, part) for w, part in zip(parts, (left, right), strict=True))
        if best is None or decrease > best[0]:
            side = len(left) > len(right) if missing_left is None else missing_left
            best = decrease, (feature, threshold, side), left, right
    return best


def node_value(y, weight, criterion):
    if criterion in ("gini", "entropy"):
        return shares(y, weight)
    return [median(y, weight) if criterion == "absolute_error" else mean(y, weight)]


def grow(X, ys, weight, criterion, *, max_depth=10**9, min_split=2, min_leaf=1, min_weight=0, rows=None):
    """A tree on rows `X`, outputs `ys` (one list of targets each) and weights, all of whole numbers (or NaN in `X`)."""
    if rows is None:
        ys = [[Fraction(v) for v in y] for y in ys]
        weight = [Fraction(w) for w in weight]
        rows = [i for i, w in enumerate(weight) if w > 0]
    own = [weight[i] for i in rows]
    node = Node(
        rows,
        sum(own),
        float(total_impurity(ys, weight, criterion, rows)),
        [node_value([y[i] for i in rows], own, criterion) for y in ys],
    )
    pure = all(len({y[i] for i in rows}) == 1 for y in ys)
    if pure or max_depth <= 0 or len(rows) < min_split:
        return node
    best = best_split(X, ys, weight, rows, criterion, min_leaf, min_weight)
    if best is None:
        return node
    _, split, left, right = best
    rest = {"max_depth": max_depth - 1, "min_split": min_split, "min_leaf": min_leaf, "min_weight": min_weight}
    return node._replace(
        split=split,
        left=grow(X, ys, weight, criterion, rows=left, **rest),
        right=grow(X, ys, weight, criterion, rows=right, **rest),
    )


def ranks(values, missing):
    """Number of each value among the distinct ones; `missing` for NaN."""
    distinct = sorted({value for value in values if not isnan(value)})
    return [missing if isnan(value) else distinct.index(value) for value in values]


def random_split(column, uniform, missing_left, weight, value):
    """Least and greatest value, threshold (as exact as the column's type), and score by squared error of one random split."""
    present = [x for x in column if x == x]
    if not present:
        return None
    low, high = min(present), max(present)
    threshold = column.dtype.type(float(low) + uniform * (float(high) - float(low)))
    if threshold >= high:
        threshold = low
    left = [missing_left if x != x else bool(x <= threshold) for x in column]
    total_weight, total_value = sum(weight), sum(value)
    left_weight, left_value = (
        sum(w for w, at in zip(weight, left, strict=True) if at),
        sum(v for v, at in zip(value, left, strict=True) if at),
    )
    if sum(left) in (0, len(left)):
        return low, high, threshold, sum(left), float("-inf")
    difference = left_value * total_weight - left_weight * total_value
    return low, high, threshold, sum(left), difference**2 / (left_weight * (total_weight - left_weight))
