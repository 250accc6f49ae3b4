"""Greedy trees as the textbook has them: try every split, keep the best. Sums are fractions, so ties are true ties."""

from fractions import Fraction
from itertools import combinations, pairwise
from math import isnan, log, log2
from typing import NamedTuple

import numpy as np


class Node(NamedTuple):
    rows: list
    weight: Fraction
    impurity: float
    value: list  # of each output: the classes' shares, [mean] or [median]
    split: tuple | None = None  # feature, threshold or set of the categories that go left, do missing values go left
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


def every_set(present):
    """All sets of the categories that are there, but the empty one."""
    return [frozenset(chosen) for n in range(1, len(present) + 1) for chosen in combinations(present, n)]


def ordered_sets(present, response):
    """The first, the first two, ... all categories in order of `response`, ties in order of the categories (Breiman et al. 1984)."""
    order = sorted(present, key=lambda category: (response[category], category))
    return [frozenset(order[: n + 1]) for n in range(len(order))]


def single_sets(present):
    """Each category alone, then all."""
    return [frozenset([category]) for category in present] + [frozenset(present)]


def principal_sets(column, ys, weight, rows):
    """As `ordered_sets`, in order of the first principal component of the categories' class shares in all outputs (Coppersmith et al. 1999)."""
    present = sorted({column[i] for i in rows if not isnan(column[i])})
    burden, places = [], []
    for category in present:
        own = [i for i in rows if column[i] == category]
        burden.append(float(sum(weight[i] for i in own)))
        places.append([float(sum(weight[i] for i in own if y[i] == c)) / burden[-1] for y in ys for c in sorted(set(y))])
    covariance = np.cov(places, rowvar=False, aweights=burden, ddof=0)
    response = places @ np.linalg.eigh(covariance)[1][:, -1]
    return ordered_sets(present, dict(zip(present, response.tolist(), strict=True)))


def median_sets(column, y, weight, rows):
    """As `ordered_sets`, in order of the categories' medians."""
    present = sorted({column[i] for i in rows if not isnan(column[i])})
    members = {category: [i for i in rows if column[i] == category] for category in present}
    return ordered_sets(present, {c: median([y[i] for i in own], [weight[i] for i in own]) for c, own in members.items()})


def leaning_sets(column, y, weight, rows, min_leaf, min_weight):
    """As `ordered_sets`, by how much nearer a category's targets lie to the left median than to the right one, of the best of `median_sets`."""
    X, sets = [[x] for x in column], median_sets(column, y, weight, rows)
    best = best_split(X, [y], weight, rows, "absolute_error", min_leaf, min_weight, categorical=[0], sets=lambda _: [sets])
    if best is None:
        return []
    low, high = (median([y[i] for i in part], [weight[i] for i in part]) for part in best[2:])
    present, response = sorted({column[i] for i in rows if not isnan(column[i])}), {}
    for category in present:
        own = [i for i in rows if column[i] == category]
        response[category] = mean([abs(y[i] - low) - abs(y[i] - high) for i in own], [weight[i] for i in own])
    return ordered_sets(present, response)


def is_exact(ys, criterion):
    """Whether the best of all sets of categories is found: one target of numbers or of two classes, searched by the order of its means."""
    n_classes = len({y for output in ys for y in output})
    return len(ys) == 1 and criterion != "absolute_error" and (criterion not in ("gini", "entropy") or n_classes <= 2)


def sets_of(column, ys, weight, rows, criterion, min_leaf, min_weight):
    """The sets that are tried, or with several classes or outputs the first of them: a list for each search."""
    present = sorted({column[i] for i in rows if not isnan(column[i])})
    if criterion == "absolute_error" and len(ys) == 1:
        by_median, leaning = median_sets(column, ys[0], weight, rows), leaning_sets(column, ys[0], weight, rows, min_leaf, min_weight)
        return [single_sets(present), by_median, leaning]
    if not is_exact(ys, criterion):
        return [single_sets(present)]
    members = {category: [i for i in rows if column[i] == category] for category in present}
    response = {category: mean([ys[0][i] for i in own], [weight[i] for i in own]) for category, own in members.items()}
    return [ordered_sets(present, response)]


def splits(X, rows, categorical=(), sets=None):
    """Every split of `rows`: lowest feature first, then missing values right, then lowest threshold or first set.

    categorical : features split by sets; sets : function (column) -> lists of sets to try, one list after the other
    """
    for feature in range(len(X[0])):
        values = sorted({X[i][feature] for i in rows if not isnan(X[i][feature])})
        missing = any(isnan(X[i][feature]) for i in rows)
        searches = sets([row[feature] for row in X]) if feature in categorical else [[a / 2 + b / 2 for a, b in pairwise(values)]]
        for thresholds in searches:
            for missing_left in (False, True) if missing else (None,):
                ends = [float("inf")] if missing and values and not missing_left and feature not in categorical else []
                for threshold in thresholds + ends:
                    yield feature, threshold, missing_left


def goes_left(x, threshold, missing_left):
    if isnan(x):
        return bool(missing_left)
    return x in threshold if isinstance(threshold, frozenset) else x <= threshold


def split_value(y, weight, criterion):
    """What monotonic constraints are about: the mean, the median or the share of class 1."""
    return median(y, weight) if criterion == "absolute_error" else mean(y, weight)


def best_split(X, ys, weight, rows, criterion, min_leaf, min_weight, *, categorical=(), sets=None, allowed=None):
    """(decrease times weight, split, left rows, right rows) of greatest decrease, the first of ties; None without any.

    allowed : function (feature, value of the left child, value of the right child) -> bool, or None
    """
    whole = sum(weight[i] for i in rows) * total_impurity(ys, weight, criterion, rows)
    sets = sets or (lambda column: sets_of(column, ys, weight, rows, criterion, min_leaf, min_weight))
    best = None
    for feature, threshold, missing_left in splits(X, rows, categorical, sets):
        left = [i for i in rows if goes_left(X[i][feature], threshold, missing_left)]
        right = [i for i in rows if not goes_left(X[i][feature], threshold, missing_left)]
        parts = [sum(weight[i] for i in part) for part in (left, right)]
        if min(len(left), len(right)) < max(min_leaf, 1) or min(parts) < min_weight:
            continue
        if criterion == "poisson" and any(sum(weight[i] * y[i] for i in part) <= 0 for y in ys for part in (left, right)):
            continue
        if allowed and not allowed(
            feature, *(split_value([ys[0][i] for i in part], [weight[i] for i in part], criterion) for part in (left, right))
        ):
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


def grow(
    X,
    ys,
    weight,
    criterion,
    *,
    max_depth=10**9,
    min_split=2,
    min_leaf=1,
    min_weight=0,
    categorical=(),
    signs=None,
    bounds=(float("-inf"), float("inf")),
    rows=None,
):
    """A tree on rows `X`, outputs `ys` (one list of targets each) and weights, all of whole numbers (or NaN in `X`).

    categorical : features split by sets
    signs : for each feature 1 where the value must not fall with it, -1 where it must not rise, or 0; None without constraints
    bounds : least and greatest value below the node that constraints above it allow
    """
    if rows is None:
        ys = [[Fraction(v) for v in y] for y in ys]
        weight = [Fraction(w) for w in weight]
        rows = [i for i, w in enumerate(weight) if w > 0]
    own = [weight[i] for i in rows]
    value = [node_value([y[i] for i in rows], own, criterion) for y in ys]
    if signs:
        middle = min(max(split_value([ys[0][i] for i in rows], own, criterion), bounds[0]), bounds[1])
        value = [[1 - middle, middle] if criterion in ("gini", "entropy") else [middle]]
    node = Node(rows, sum(own), float(total_impurity(ys, weight, criterion, rows)), value)
    pure = all(len({y[i] for i in rows}) == 1 for y in ys)
    if pure or max_depth <= 0 or len(rows) < min_split:
        return node

    def allowed(feature, low, high):
        sign = signs[feature]
        return sign == 0 or ((low - high) * sign <= 0 and bounds[0] <= min(low, high) and max(low, high) <= bounds[1])

    best = best_split(X, ys, weight, rows, criterion, min_leaf, min_weight, categorical=categorical, allowed=allowed if signs else None)
    if best is None:
        return node
    _, split, left, right = best
    below = [bounds, bounds]
    if signs and signs[split[0]]:
        parts = [split_value([ys[0][i] for i in part], [weight[i] for i in part], criterion) for part in (left, right)]
        middle = min(max((parts[0] + parts[1]) / 2, bounds[0]), bounds[1])
        below = [(bounds[0], middle), (middle, bounds[1])] if signs[split[0]] > 0 else [(middle, bounds[1]), (bounds[0], middle)]
    rest = {"max_depth": max_depth - 1, "min_split": min_split, "min_leaf": min_leaf, "min_weight": min_weight}
    rest |= {"categorical": categorical, "signs": signs}
    return node._replace(
        split=split,
        left=grow(X, ys, weight, criterion, rows=left, bounds=below[0], **rest),
        right=grow(X, ys, weight, criterion, rows=right, bounds=below[1], **rest),
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


def best_random_split(draw, n_features, max_features, columns, enough, weight, value, min_leaf=1):
    """Feature, threshold and score of the best of the drawn splits: the lowest feature of ties; None without any.

    draw : callable (number drawn so far, number wanted) -> features and a number from 0 to 1 for each
        In each lot the search goes through all; after it, it ends if a split is as good as can be, or parts two rows
    """
    n_rows, best, n_drawn, n_varying = len(weight), None, 0, 0
    while n_drawn < max_features or (n_varying == 0 and n_drawn < n_features):
        needed = n_drawn < max_features
        drawn = draw(n_drawn, (max_features if needed else n_features) - n_drawn)
        for feature, uniform in drawn:
            low, high, threshold, n_left, score = random_split(columns[feature], uniform, False, weight, value)
            if low == high or (n_varying and not needed):
                continue
            n_varying += 1
            if not min_leaf <= n_left <= n_rows - min_leaf:
                continue
            if best is None or score > best[2] or (score == best[2] and feature < best[0]):
                best = feature, threshold, score
        n_drawn += len(drawn)
        if best is not None and (best[2] >= enough or n_rows == 2):
            break
    return best
