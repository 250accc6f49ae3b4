"""Scans: the best boundary in one feature's sorted rows, one kernel per family of criteria.

A scan walks the rows of a node in ascending order of a feature and scores every boundary between two different values::

    keys       [3|r9] [3|r2] [5|r4] [8|r0]   [MISSING|r7]
    boundaries              ^      ^       ^ (all present values left, missing ones right)

Scores are to be maximised and comparable only within one node; `decrease` turns the winner's into a decrease of impurity.
"""

from typing import NamedTuple

import numpy as np

from fasttree._jit import njit
from fasttree._splitting_encode import ROW, SHIFT

# Families of criteria. MOMENT: one number per row suffices (squared error; Gini of two classes, whose decrease is twice that of
# the squared error of 0/1 labels). ABSOLUTE and a user's OWN have scans of their own. The others add up `outputs`.
MOMENT, GINI, ENTROPY, SQUARED, POISSON, ABSOLUTE, OWN = range(7)

_TINY = 1e-300
_LOG2 = np.log(2.0)
_POISSON_LEAST = 10 * np.finfo(np.float64).eps  # of a child's sum of targets
_POISSON_SHARE = 1e-12  # of its parent's: what is less was left by rounding
_ENTROPY_SLACK = 1e-11  # by which scores must differ, times the weight: equal partitions are summed in different orders


class Target(NamedTuple):
    """What the rows of a problem are to predict."""

    family: int
    classes: bool  # do `outputs` hold slots of classes
    n_slots: int  # sums that a scan keeps: one per class of each output, or one per output
    unit: bool  # does every row weigh one
    weight: np.ndarray  # float64, shape (n_rows,)
    value: np.ndarray  # float64, shape (n_rows,): weight times target; MOMENT only, else empty
    outputs: np.ndarray  # float64, shape (n_rows, n_outputs): the slot of the class, or the target


class Rules(NamedTuple):
    """When a node stays a leaf."""

    max_depth: int
    max_leaves: int
    min_split: int
    min_leaf: int
    min_weight: float
    min_decrease: float
    sign: int = 0  # 1 where the children's values must not fall, -1 where they must not rise, 0 where they may do either
    lower: float = -np.inf  # bounds of the children's values
    upper: float = np.inf


@njit(_nrt=False)
def allowed_values(sign, lower, upper, left, right):
    """Whether the children of a feature that is constrained may have these values (means, medians, or shares of the second class).

    Those of other features, `sign` 0, may; what passes the bounds is cut off at the end, as in scikit-learn.
    """
    return sign == 0 or ((left - right) * sign <= 0.0 and lower <= min(left, right) and max(left, right) <= upper)


@njit(_nrt=False)
def allowed(rules, left, right):
    return allowed_values(rules.sign, rules.lower, rules.upper, left, right)


@njit(_nrt=False)
def constrained(rules, sign, lower, upper):
    """The rules for a feature with a monotonic constraint, in a node with bounds."""
    return Rules(
        rules.max_depth,
        rules.max_leaves,
        rules.min_split,
        rules.min_leaf,
        rules.min_weight,
        rules.min_decrease,
        np.int64(sign),
        lower,
        upper,
    )


@njit(_nrt=False)
def scan_bounds(n_rows, n_present, missing_left, min_leaf):
    """First and one past the last boundary to score: boundary i puts present rows 0..i to the left."""
    taken = n_rows - n_present if missing_left else 0
    last = n_present if not missing_left and n_present < n_rows else n_present - 1
    return max(0, min_leaf - taken - 1), min(last, n_rows - taken - min_leaf)


@njit(_nrt=False)
def scan_moment(keys, shift, mask, n_present, missing_left, target, total_weight, total_value, rules, best):
    """Best boundary by squared error (or Gini of two classes): score (s W - w S)^2 / (w (W - w)).

    keys : uint64[::1], or uint32[::1] where packed; a row is what `mask` leaves of one, a code what is above `shift`

    Returns the score and the boundary, -1 when none beats `best`.
    """
    first, stop = scan_bounds(len(keys), n_present, missing_left, rules.min_leaf)
    least = max(rules.min_weight, _TINY)
    where = -1
    left_weight, left_value = 0.0, 0.0
    if missing_left:
        for i in range(n_present, len(keys)):
            row = keys[i] & mask
            left_weight += target.weight[row]
            left_value += target.value[row]
    for i in range(min(first, stop)):
        row = keys[i] & mask
        left_weight += target.weight[row]
        left_value += target.value[row]
    here = keys[first:]
    for i in range(stop - first):
        key = here[i]
        row = key & mask
        left_weight += 1.0 if target.unit else target.weight[row]
        left_value += target.value[row]
        if (key ^ here[i + 1]) >> shift:
            right_weight = total_weight - left_weight
            if left_weight >= least and right_weight >= least:
                difference = left_value * total_weight - left_weight * total_value
                score = difference * difference / (left_weight * right_weight)
                if score > best and allowed(rules, left_value / left_weight, (total_value - left_value) / right_weight):
                    best = score
                    where = first + i
    return best, where


@njit(_nrt=False)
def xlogx(x):
    return x * np.log(x) if x > 0.0 else 0.0


@njit(_nrt=False)
def side_score(family, sums, weight):
    """One child's part of the score from its sums (class weights, or sums of targets)."""
    score = 0.0
    if family in (GINI, SQUARED):
        for slot in range(len(sums)):
            score += sums[slot] * sums[slot]
        return score / weight
    if family == ENTROPY:
        for slot in range(len(sums)):
            score += xlogx(sums[slot])
        return score
    for slot in range(len(sums)):  # Poisson
        if sums[slot] <= _POISSON_LEAST:
            return -np.inf
        score += sums[slot] * np.log(sums[slot] / weight)
    return score


@njit(_nrt=False)
def vanishes(left, right):
    """Whether the targets on one side sum to nothing, which has no Poisson deviance."""
    gone = False
    for slot in range(len(left)):
        gone |= min(left[slot], right[slot]) <= _POISSON_SHARE * (left[slot] + right[slot])
    return gone


@njit(_nrt=False)
def move_row(target, row, left, right):
    """Take one row's part of the sums from the right to the left child; returns its weight."""
    weight = target.weight[row]
    if target.classes:
        for output in range(target.outputs.shape[1]):
            slot = np.int64(target.outputs[row, output])
            left[slot] += weight
            right[slot] -= weight
    else:
        for output in range(target.outputs.shape[1]):
            part = weight * target.outputs[row, output]
            left[output] += part
            right[output] -= part
    return weight


@njit(_nrt=False)
def scan_sums(keys, n_present, missing_left, target, total_weight, totals, rules, best, left, right):
    """Best boundary for any number of outputs and classes; the score is summed over the outputs.

    left, right : float64[::1], shape (n_slots,). Overwritten.
    """
    first, stop = scan_bounds(len(keys), n_present, missing_left, rules.min_leaf)
    least = max(rules.min_weight, _TINY)
    n_outputs = target.outputs.shape[1]
    own = 1 if target.classes else 0  # the sum that tells a child's value
    slack = _ENTROPY_SLACK * total_weight if target.family == ENTROPY else 0.0
    where = -1
    left_weight = 0.0
    for slot in range(len(left)):
        left[slot] = 0.0
        right[slot] = totals[slot]
    if missing_left:
        for i in range(n_present, len(keys)):
            left_weight += move_row(target, keys[i] & ROW, left, right)
    for i in range(stop):
        left_weight += move_row(target, keys[i] & ROW, left, right)
        if i >= first and keys[i] >> SHIFT != keys[i + 1] >> SHIFT:
            right_weight = total_weight - left_weight
            if left_weight >= least and right_weight >= least:
                if target.family == POISSON and vanishes(left, right):
                    continue
                score = side_score(target.family, left, left_weight) + side_score(target.family, right, right_weight)
                if target.family == ENTROPY:
                    score -= n_outputs * (xlogx(left_weight) + xlogx(right_weight))
                if score > best + slack and allowed(rules, left[own] / left_weight, right[own] / right_weight):
                    best = score
                    where = i
    return best, where


@njit(_nrt=False)
def gained(entropy, before, after, table):
    """By how much a class's part of a child's score changes when its weight does."""
    if not entropy:
        return after * after - before * before
    return xlogx_of(after, table) - xlogx_of(before, table)


@njit(_nrt=False)
def xlogx_of(x, table):
    """``x log x``, from the table where `x` is a small whole number."""
    whole = np.int64(x)
    if x == whole and whole < len(table):
        return table[whole]
    return xlogx(x)


@njit(_nrt=False)
def scan_classes(keys, n_present, missing_left, target, total_weight, totals, rules, best, work):
    """Best boundary for the classes of one output: a row changes one class's part of each child's score.

    work : has `left`, `right` (float64[::1], shape (n_slots,), overwritten) and `table` of x log x.
    """
    first, stop = scan_bounds(len(keys), n_present, missing_left, rules.min_leaf)
    least = max(rules.min_weight, _TINY)
    entropy = target.family == ENTROPY
    slack = _ENTROPY_SLACK * total_weight if entropy else 0.0
    left, right, table = work.left, work.right, work.table
    where = -1
    left_weight, left_part, right_part = 0.0, 0.0, 0.0
    for slot in range(len(left)):
        left[slot] = 0.0
        right[slot] = totals[slot]
        right_part += gained(entropy, 0.0, totals[slot], table)
    n_before = len(keys) - n_present if missing_left else 0
    for step in range(n_before + stop):
        i = n_present + step if step < n_before else step - n_before
        row = keys[np.uint64(i)] & ROW
        weight, slot = target.weight[row], np.uint64(target.outputs[row, 0])
        old_left, old_right = left[slot], right[slot]
        left_part += gained(entropy, old_left, old_left + weight, table)
        right_part += gained(entropy, old_right, old_right - weight, table)
        left[slot] = old_left + weight
        right[slot] = old_right - weight
        left_weight += weight
        if step < n_before + first or (keys[np.uint64(i)] ^ keys[np.uint64(i + 1)]) >> SHIFT == 0:
            continue
        right_weight = total_weight - left_weight
        if left_weight < least or right_weight < least:
            continue
        if entropy:
            score = left_part - xlogx_of(left_weight, table) + right_part - xlogx_of(right_weight, table)
        else:
            score = left_part / left_weight + right_part / right_weight
        if score > best + slack and allowed(rules, left[1] / left_weight, right[1] / right_weight):
            best = score
            where = i
    return best, where


@njit(_nrt=False)
def scan_pair(keys, n_present, missing_left, target, total_weight, total_second, rules, best, table):
    """Best boundary by entropy of two classes whose weights are whole numbers, of which `table` holds x log x; a fifth of the time."""
    first, stop = scan_bounds(len(keys), n_present, missing_left, rules.min_leaf)
    least, slack = max(rules.min_weight, _TINY), _ENTROPY_SLACK * total_weight
    weight, second, where = 0.0, 0.0, -1  # on the left
    if missing_left:
        for i in range(n_present, len(keys)):
            row = keys[np.uint64(i)] & ROW
            weight += target.weight[row]
            second += target.weight[row] * target.outputs[row, 0]
    all_rows, all_second = np.uint64(total_weight), np.uint64(total_second)
    for i in range(stop):
        row = keys[np.uint64(i)] & ROW
        weight += target.weight[row]
        second += target.weight[row] * target.outputs[row, 0]
        if i < first or (keys[np.uint64(i)] ^ keys[np.uint64(i + 1)]) >> SHIFT == 0:
            continue
        if weight < least or total_weight - weight < least:
            continue
        left, left_second = np.uint64(np.int64(weight)), np.uint64(np.int64(second))
        right, right_second = all_rows - left, all_second - left_second
        score = table[left_second] + table[left - left_second] - table[left]
        score += table[right_second] + table[right - right_second] - table[right]
        if score > best + slack and allowed(rules, second / weight, (total_second - second) / (total_weight - weight)):
            best = score
            where = i
    return best, where


@njit(_nrt=False)
def decrease(target, score, weight, totals):
    """Decrease of impurity, times the node's weight, that a split with `score` brings; averaged over the outputs.

    totals : float64[::1], all that the sketch keeps of the node.
    """
    if target.family == MOMENT:
        return score / weight
    n_outputs = target.outputs.shape[1]
    if target.family == ABSOLUTE:
        for output in range(n_outputs):
            score += totals[n_outputs + output]
        return score / n_outputs
    own = side_score(target.family, totals[: target.n_slots], weight)
    if target.family == ENTROPY:
        return (score - own + n_outputs * xlogx(weight)) / (n_outputs * _LOG2)
    return (score - own) / n_outputs
