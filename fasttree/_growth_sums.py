"""The target in the order of a tree's rows, and what a node's part of it adds up to."""

import numpy as np

from fasttree._jit import FAST_MATH, njit
from fasttree._splitting_scan import MOMENT, OWN, POISSON, xlogx


@njit(_nrt=False)
def order_target(target, rows, weight, value, outputs):
    """Copy the target in the order of `rows`, so that each node's part of it is a range as well; where all weigh one, weights stay.

    `value` may be the outputs themselves where all weigh one.
    """
    all_weight, all_outputs = target.weight, target.outputs
    moment, alike = target.family == MOMENT, target.unit and len(rows) == len(all_weight)
    for i in range(len(rows)):
        row = rows[i]
        if not alike:
            weight[i] = all_weight[row]
        if moment:
            value[i] = all_weight[row] * all_outputs[row, 0]
        for output in range(outputs.shape[1]):
            outputs[i, output] = all_outputs[row, output]


@njit(_nrt=False)
def add_up(target, rows, start, stop, ordered, sums):
    """Total weight of ``rows[start:stop]``, their sums into `sums`; whether all have the same target.

    With `ordered`, the target's arrays have the order of `rows`.
    """
    total = 0.0
    pure = True
    outputs, weight, family, classes = target.outputs, target.weight, target.family, target.classes
    n_outputs = outputs.shape[1]
    for slot in range(len(sums)):
        sums[slot] = 0.0
    first = outputs[start if ordered else np.int64(rows[start])]
    for i in range(start, stop):
        row = np.uint64(i if ordered else np.int64(rows[i]))
        part = weight[row]
        total += part
        for output in range(n_outputs):
            y = outputs[row, output]
            pure &= y == first[output]
            if classes:
                sums[np.uint64(y)] += part
            else:
                sums[output] += part * y
                if family == OWN:  # the columns hold squares already
                    continue
                sums[n_outputs + output] += part * (xlogx(y) if family == POISSON else y * y)
    return total, pure


@njit(fastmath=FAST_MATH, _nrt=False, forceinline=True)
def add_up_values(target, start, stop, sums):
    """The same where the ordered target's `value` alone tells: two classes, or numbers of weight one."""
    weight, first_sum, second_sum, n_other = np.float64(stop - start), 0.0, 0.0, 0
    values, weights = target.value[start:stop], target.weight[start:stop]
    if target.classes and target.unit:
        for i in range(len(values)):
            second_sum += values[i]
        first_sum = weight - second_sum
        pure = first_sum == 0.0 or second_sum == 0.0
    elif target.classes:
        weight = 0.0
        for i in range(len(values)):
            weight += weights[i]
            second_sum += values[i]
            n_other += np.int64(values[i] != 0.0)
        first_sum = weight - second_sum
        pure = n_other == 0 or n_other == len(values)
    else:
        for i in range(len(values)):
            first_sum += values[i]
            second_sum += values[i] * values[i]
            n_other += np.int64(values[i] != values[0])
        pure = n_other == 0
    sums[0], sums[1] = first_sum, second_sum
    return weight, pure
