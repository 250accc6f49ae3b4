"""Splits by sets of categories: a node's rows are summed up by category once, then only categories are handled.

One target of numbers or of two classes: the categories are put in order of their mean target, and the best boundary in this order is
the best of all sets (Breiman, Friedman, Olshen & Stone 1984, section 4.2), missing values trying both sides::

    category     red   blue  green          order     blue | red | green         3 boundaries with missing rows, else 2
    mean target  0.4   0.1   0.9

Where least sizes of leaves refuse that set, it is the best of those in this order.

More classes or several outputs: no order is known to hold the best set, and all sets are too many. The better one is taken of two: the
best category against all others; and the best boundary in the order of the first principal component of the categories' class shares (or
mean targets), where most of the difference between categories lies (Coppersmith, Hong & Hosking 1999). Absolute error has a search of its
own: `fasttree._splitting_categories_absolute`.
"""

from typing import NamedTuple

import numpy as np

from fasttree._jit import njit
from fasttree._splitting_bound import moment_score
from fasttree._splitting_encode import MISSING, PACKED_MISSING, PACKED_ROW, PACKED_SHIFT, ROW, SHIFT
from fasttree._splitting_own import score_children
from fasttree._splitting_scan import _ENTROPY_SLACK, _TINY, ABSOLUTE, ENTROPY, MOMENT, OWN, POISSON

_MOST_STEPS = 30  # towards the principal component
_NEAR = 1e-8  # by which a last step moves it

COUNT, ORDER, CHOSEN = range(3)  # columns of `ints`
WEIGHT, MEAN, SUMS = range(3)  # of `floats`; the sums take the rest
DONE = np.int64(MISSING)  # instead of a cut: the rows are in order, and the right child starts at `high`


class Categories(NamedTuple):
    """Which features are categorical, and room for the categories of one of them."""

    n_categories: np.ndarray  # int64, shape (n_features,), 0 for features of numbers; empty without any of categories
    ints: np.ndarray  # int64, shape (greatest number of categories + 1, 3): rows (0 when idle), order, does it go left
    floats: np.ndarray  # float64, as long: weight, mean, sums. The last entry is for missing values.


def new_categories(n_categories, n_sums):
    """Room for features of so many categories."""
    most = int(np.max(n_categories)) + 1 if len(n_categories) else 0
    return Categories(n_categories, np.zeros((most, 3), dtype=np.int64), np.zeros((most, SUMS + n_sums)))


@njit(_nrt=False)
def is_set(categories, feature):
    """Whether a feature is split by sets."""
    return len(categories.n_categories) > 0 and categories.n_categories[feature] > 0


@njit(_nrt=False)
def is_ordered(target):
    """Whether the order of the means holds the best set."""
    if target.family == MOMENT:
        return True
    if target.outputs.shape[1] > 1:
        return False
    return target.family == POISSON or (target.family == ENTROPY and target.n_slots == 2)


@njit(_nrt=False)
def add_row(target, row, sums):
    """Add one row's part to the sums of its category."""
    weight = target.weight[row]
    sums[WEIGHT] += weight
    if target.family == MOMENT:
        sums[SUMS] += target.value[row]
    elif target.family != ABSOLUTE:
        for output in range(target.outputs.shape[1]):
            if target.classes:
                sums[SUMS + np.int64(target.outputs[row, output])] += weight
            else:
                sums[SUMS + output] += weight * target.outputs[row, output]


@njit(_nrt=False)
def sum_up(keys, target, categories):
    """Rows and sums of each category, whose number is returned, and of missing values; the order is that of coming."""
    ints, floats = categories.ints, categories.floats
    last = len(ints) - 1
    ints[last, COUNT] = 0
    floats[last, :] = 0.0
    n = 0
    for i in range(len(keys)):
        code = keys[i] >> SHIFT
        category = last if code == MISSING else np.int64(code)
        if ints[category, COUNT] == 0 and category != last:
            floats[category, :] = 0.0
            ints[n, ORDER] = category
            n += 1
        ints[category, COUNT] += 1
        add_row(target, keys[i] & ROW, floats[category])
    return n


@njit(_nrt=False)
def find_means(n, target, categories):
    """Mean targets of the categories, or shares of the second class, where their order holds the best set."""
    ints, floats = categories.ints, categories.floats
    own = SUMS + 1 if target.family == ENTROPY else SUMS  # the sum that tells the mean
    for k in range(n):
        category = ints[k, ORDER]
        floats[category, MEAN] = floats[category, own] / floats[category, WEIGHT]


@njit(_nrt=False)
def widest_slot(n, n_slots, categories):
    """The class, or output, whose share, or mean, varies most between the categories."""
    ints, floats = categories.ints, categories.floats
    widest, most = 0, -1.0
    for slot in range(n_slots):
        total, weight, squares = 0.0, 0.0, 0.0
        for k in range(n):
            own = floats[ints[k, ORDER]]
            total += own[SUMS + slot]
            weight += own[WEIGHT]
            squares += own[SUMS + slot] * own[SUMS + slot] / own[WEIGHT]
        if squares - total * total / weight > most:
            widest, most = slot, squares - total * total / weight
    return widest


@njit(_nrt=False)
def project(n, direction, categories):
    """Place of each category along `direction`, about the weighted mean."""
    ints, floats = categories.ints, categories.floats
    total, weight = 0.0, 0.0
    for k in range(n):
        own = floats[ints[k, ORDER]]
        place = 0.0
        for slot in range(len(direction)):
            place += own[SUMS + slot] * direction[slot]
        total += place
        weight += own[WEIGHT]
        own[MEAN] = place / own[WEIGHT]
    for k in range(n):
        floats[ints[k, ORDER], MEAN] -= total / weight


@njit(_nrt=False)
def find_principal(n, direction, turned, categories):
    """Places of the categories along the first principal component of their shares, weighted, by power iteration.

    The covariance times a direction is the sum over the categories of their place along it times their class weights: the matrix itself is
    never needed. direction, turned : float64[::1], shape (n_slots,). Overwritten.
    """
    ints, floats = categories.ints, categories.floats
    widest = widest_slot(n, len(direction), categories)
    for slot in range(len(direction)):
        direction[slot] = np.float64(slot == widest)
    for _ in range(_MOST_STEPS):
        project(n, direction, categories)
        length, moved = 0.0, 0.0
        for slot in range(len(direction)):
            turned[slot] = 0.0
            for k in range(n):
                own = floats[ints[k, ORDER]]
                turned[slot] += own[MEAN] * own[SUMS + slot]
            length += turned[slot] * turned[slot]
        if length <= _TINY:
            return
        for slot in range(len(direction)):
            step = turned[slot] / np.sqrt(length)
            moved = max(moved, abs(step - direction[slot]))
            direction[slot] = step
        if moved <= _NEAR:
            break
    project(n, direction, categories)


@njit(_nrt=False)
def forget_means(n, categories):
    for k in range(n):
        categories.floats[categories.ints[k, ORDER], MEAN] = 0.0


@njit(_nrt=False)
def put_in_order(n, categories):
    """Order the categories by their means; ties by their numbers (Shell's sort)."""
    ints, floats = categories.ints, categories.floats
    gap = 1
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for k in range(gap, n):
            category = ints[k, ORDER]
            mean, place = floats[category, MEAN], k
            while place >= gap:
                before = ints[place - gap, ORDER]
                if floats[before, MEAN] < mean or (floats[before, MEAN] == mean and before < category):
                    break
                ints[place, ORDER] = before
                place -= gap
            ints[place, ORDER] = category
        gap //= 3


@njit(_nrt=False)
def move_category(sums, target, left, right):
    """Take a category's part of the sums from the right to the left child."""
    for slot in range(1 if target.family == MOMENT else target.n_slots):
        left[slot] += sums[SUMS + slot]
        right[slot] -= sums[SUMS + slot]


@njit(_nrt=False)
def begin(missing_left, target, total, totals, categories, left, right):
    """Nothing on the left but missing values, if they go there; returns their number and weight."""
    for slot in range(len(left)):
        left[slot] = 0.0
        right[slot] = totals[slot]
    if target.family == MOMENT:
        right[0] = total
    if not missing_left:
        return 0, 0.0
    last = len(categories.ints) - 1
    move_category(categories.floats[last], target, left, right)
    return categories.ints[last, COUNT], categories.floats[last, WEIGHT]


@njit(_nrt=False)
def choose(n, first, stop, categories):
    """Note that the categories ``order[first:stop]`` go left, and no others."""
    for k in range(n):
        categories.ints[categories.ints[k, ORDER], CHOSEN] = np.int64(first <= k < stop)


@njit(_nrt=False)
def scan_boundaries(n, n_rows, ordered, target, weight, totals, rules, best, work):
    """Best set by the sums of the categories; see `scan_sets`. With `ordered`, sets grow; else they are single ones and all."""
    categories, left, right = work.categories, work.left, work.right
    ints, floats = categories.ints, categories.floats
    least = max(rules.min_weight, _TINY)
    slack = _ENTROPY_SLACK * weight if target.family == ENTROPY else 0.0
    total = totals[1] if target.family == MOMENT and target.classes else totals[0]
    best_side, best_left = -1, 0
    for missing_left in range(2 if ints[len(ints) - 1, COUNT] else 1):
        n_left, left_weight = begin(missing_left == 1, target, total, totals, categories, left, right)
        for step in range(n if ordered else n + 1):
            if not ordered:
                n_left, left_weight = begin(missing_left == 1, target, total, totals, categories, left, right)
            for k in range(step if step < n else 0, min(step + 1, n)):
                category = ints[k, ORDER]
                n_left += ints[category, COUNT]
                left_weight += floats[category, WEIGHT]
                move_category(floats[category], target, left, right)
            right_weight = weight - left_weight
            if min(n_left, n_rows - n_left) < rules.min_leaf or min(left_weight, right_weight) < least:
                continue
            if target.family == MOMENT:
                score = moment_score(left_weight, left[0], weight, total)
            else:
                score = score_children(target, left, left_weight, right, right_weight, work.own)
            if score > best + slack:
                best, best_side, best_left = score, missing_left, n_left
                choose(n, 0 if ordered or step == n else step, step + 1, categories)
    return best, best_side, best_left


@njit(_nrt=False)
def scan_sets(keys, n_present, target, weight, totals, rules, best, work):
    """Best set of categories to go left, by any criterion but absolute error.

    keys : uint64[::1], category << 32 | row; missing ones last
    work : its `categories` receive the set; `left`, `right` and `spare` are overwritten

    Returns the score and the side of missing values (the larger one where there are none), -1 when no set beats `best`.
    """
    n = sum_up(keys, target, work.categories)
    side, n_left, ordered = -1, np.int64(0), is_ordered(target)
    for again in range(1 if ordered or n < 3 else 2):
        if ordered:
            find_means(n, target, work.categories)
        elif again:
            n_slots = target.n_slots // 2 if target.family == OWN and not target.classes else target.n_slots  # without squares
            find_principal(n, work.left[:n_slots], work.right[:n_slots], work.categories)
        else:
            forget_means(n, work.categories)
        put_in_order(n, work.categories)
        score, where, count = scan_boundaries(n, len(keys), ordered or again == 1, target, weight, totals, rules, best, work)
        if where >= 0:
            best, side, n_left = score, where, count
    forget(n, work.categories)
    if side >= 0 and n_present == len(keys):
        side = np.int64(2 * n_left > len(keys))
    return best, side


@njit(_nrt=False)
def forget(n, categories):
    for k in range(n):
        categories.ints[categories.ints[k, ORDER], COUNT] = 0


@njit(_nrt=False)
def mark_coded_set(codes, rows, chosen, missing_left, goes_left):
    """Set ``goes_left[i]`` for the i-th of a node's rows. chosen : int64[:, :], the categories' `ints`"""
    for i in range(len(rows)):
        code = codes[rows[i]]
        goes_left[i] = missing_left if code == MISSING else chosen[np.int64(code), CHOSEN]


@njit(_nrt=False)
def mark_presorted_set(packed, chosen, missing_left, side):
    """Set ``side[row]`` for a node's rows."""
    for i in range(len(packed)):
        code = packed[i] >> PACKED_SHIFT
        side[packed[i] & PACKED_ROW] = missing_left if code == PACKED_MISSING else chosen[np.int64(code), CHOSEN]
