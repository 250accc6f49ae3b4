"""Splits by sets of categories that are drawn, one for each feature, as extremely randomised trees take them."""

import numpy as np

from fasttree._jit import njit
from fasttree._splitting_bound import moment_score
from fasttree._splitting_categories import CHOSEN, COUNT, ORDER, forget, is_set
from fasttree._splitting_random import mix, score_threshold
from fasttree._splitting_scan import _TINY, MOMENT

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@njit(_nrt=False)
def cell(table, row, feature):
    return table.values[np.uint64(row) * np.uint64(table.row_stride) + np.uint64(feature) * np.uint64(table.column_stride)]


@njit(_nrt=False)
def draw_set(table, feature, rows, word, categories):
    """Draw a set of the categories in a node, any but none and all alike, from a random `word`; returns how many are there.

    A single category is chosen.
    """
    ints, n = categories.ints, 0
    for i in range(len(rows)):
        value = cell(table, rows[i], feature)
        if value == value:
            category = np.int64(value)
            if ints[category, COUNT] == 0:
                ints[n, ORDER] = category
                n += 1
            ints[category, COUNT] = 1
    n_left = 0
    while n > 1 and n_left in (0, n):
        n_left = 0
        word = mix(word + _GOLDEN)
        for k in range(n):
            category = ints[k, ORDER]
            ints[category, CHOSEN] = np.int64(mix(word + np.uint64(category) * _GOLDEN) >> np.uint64(63))
            n_left += ints[category, CHOSEN]
    if n == 1:
        ints[ints[0, ORDER], CHOSEN] = 1
    forget(n, categories)
    return n


@njit(_nrt=False)
def mark_drawn_set(table, feature, rows, word, missing_left, categories, goes_left):
    """Set ``goes_left[i]`` for the i-th of a node's rows by the set that `word` draws."""
    draw_set(table, feature, rows, word, categories)
    for i in range(len(rows)):
        value = cell(table, rows[i], feature)
        goes_left[i] = missing_left == 1 if value != value else categories.ints[np.int64(value), CHOSEN]


@njit(_nrt=False)
def score_drawn_sets(columns, rows, n_lanes, word, target, weight, totals, rules, work):
    """Draw a set for each lane whose feature is categorical, and score it."""
    lanes, values = work.lanes, work.values[: len(rows)]
    for j in range(n_lanes):
        feature = np.int64(lanes.feature[j])
        if not is_set(work.categories, feature):
            continue
        lanes.score[j] = -np.inf
        if lanes.low[j] >= lanes.high[j] and lanes.n_missing[j] in (0, len(rows)):
            continue
        if draw_set(columns.table, feature, rows, word + np.uint64(feature), work.categories) == 1:
            lanes.missing_left[j] = False
        for i in range(len(rows)):  # a threshold parts 0 from 1
            value = cell(columns.table, rows[i], feature)
            values[i] = 1 - work.categories.ints[np.int64(value), CHOSEN] if value == value else np.nan
        lanes.score[j] = score_parted(values, lanes.missing_left[j], target, weight, totals, rules, work)


@njit(_nrt=False)
def score_parted(values, missing_left, target, weight, totals, rules, work):
    """Score of sending the zeros left, minus infinity where it isn't allowed."""
    if target.family != MOMENT:
        return score_threshold(values, 0.5, missing_left, target, weight, totals, rules, work)
    count, left_weight, left_value = 0, 0.0, 0.0
    for i in range(len(values)):
        if values[i] == 0.0 or (missing_left and values[i] != values[i]):
            count += 1
            left_weight += target.weight[i]
            left_value += target.value[i]
    if min(count, len(values) - count) < rules.min_leaf or min(left_weight, weight - left_weight) < max(rules.min_weight, _TINY):
        return -np.inf
    return moment_score(left_weight, left_value, weight, totals[1] if target.classes else totals[0])
