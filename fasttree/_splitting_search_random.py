"""Searching one node at random thresholds; `columns`, `target`, `rules` and `work` are references."""

import numpy as np

from fasttree._jit import njit
from fasttree._jit_reference import refer
from fasttree._jit_vector import LANES, greatest, load, splat, where
from fasttree._splitting_absolute import score_absolute
from fasttree._splitting_categories import DONE, is_set
from fasttree._splitting_random import (
    count_groups,
    draw_lanes,
    fill_lanes,
    gather_values,
    lanes_at_once,
    next_word,
    score_lanes,
    score_threshold,
    take_lane,
)
from fasttree._splitting_scan import ABSOLUTE, MOMENT, allowed, constrained
from fasttree._splitting_search import NONE_MISSING, Found, call_drawn_sets, call_lane_allowed, ceiling

_LANE_BITS, _LANE = np.uint64(8), np.uint64(255)  # enough for the number of a lane


@njit(_nrt=False, forceinline=True)
def choose_sides(n_lanes, size, random, lanes):
    """A random side for each lane's missing values; lanes that aren't used may hold those of another tree."""
    for j in range(n_lanes):
        lanes.missing_left[j] = 0 < lanes.n_missing[j] < size and next_word(random) >> np.uint64(63) == 1


@njit(_nrt=False)
def score_others(cells, n_rows, n_lanes, target, weight, totals, rules, work):
    """Scores of the lanes by a criterion that needs more than one number per row."""
    values, lanes = work.values[:n_rows], work.lanes
    for j in range(n_lanes):
        lanes.score[j] = -np.inf
        if lanes.low[j] < lanes.high[j] or 0 < lanes.n_missing[j] < n_rows:
            take_lane(cells, j, values)
            lanes.score[j] = score_threshold(values, lanes.threshold[j], lanes.missing_left[j], target, weight, totals, rules, work)


@njit(_nrt=False)
def lane_allowed(columns, rows, lane, target, rules, work):
    """Whether the children of a lane's split may have the values they would."""
    values, feature, threshold = work.values[: len(rows)], work.lanes.feature[lane], work.lanes.threshold[lane]
    missing_left = work.lanes.missing_left[lane]
    gather_values(columns.table, rows, feature, values)
    rules = refer(constrained(rules, work.signs[feature], rules.lower, rules.upper))
    if target.family == ABSOLUTE:
        score_absolute(values, threshold, missing_left, target.outputs.shape[1], work.absolute)
        medians = work.absolute.floats[4]
        return allowed(rules, medians[0], medians[1])
    left_weight, left, right_weight, right = 0.0, 0.0, 0.0, 0.0
    for i in range(len(values)):
        part = target.weight[i]
        y = target.value[i] if target.family == MOMENT else part * target.outputs[i, 0]
        if values[i] <= threshold or (missing_left and values[i] != values[i]):
            left_weight += part
            left += y
        else:
            right_weight += part
            right += y
    return allowed(rules, left / left_weight, right / right_weight)


@njit(_nrt=False, forceinline=True)
def score_drawn(columns, rows, n_lanes, cells, target, weight, totals, rules, work):
    """Fill the lanes of features that were drawn, and score them; returns the word that drew sets of categories."""
    has_missing, size, lanes, word = columns.any_missing, len(rows), work.lanes, np.uint64(0)
    fill_lanes(columns.table, rows, n_lanes, has_missing, cells, lanes)
    if has_missing:
        choose_sides(n_lanes, size, work.random, lanes)
    if target.family == MOMENT:
        score_lanes(cells, n_lanes, has_missing, target, weight, totals[1] if target.classes else totals[0], rules, lanes)
    else:
        score_others(cells, size, n_lanes, target, weight, totals, rules, work)
    if len(work.categories.n_categories):
        word = next_word(work.random)
        call_drawn_sets(work.addresses, columns, rows, n_lanes, word, target, weight, totals, rules, work)
    for j in range(n_lanes, count_groups(n_lanes) * LANES):
        lanes.score[j] = -np.inf
    return word


@njit(_nrt=False, forceinline=True)
def best_lane(n_lanes, lanes):
    """The greatest score of any lane; the lane that has it, of those that have it that of the lowest feature."""
    scores, feature = lanes.score, lanes.feature
    top = splat(scores, -np.inf)
    for first in range(0, n_lanes, LANES):
        own = load(scores, first)
        top = where(top < own, own, top)
    score, lowest = greatest(top), ~np.uint64(0)
    for j in range(n_lanes):  # without a branch that would be foreseen badly
        key = (feature[j] << _LANE_BITS) | np.uint64(j)
        lowest = min(lowest, key if scores[j] == score else ~np.uint64(0))
    return score, np.int64(lowest & _LANE)


@njit(_nrt=False)
def search_random(columns, rows, target, weight, totals, rules, work):
    """Best of one random split for each of ``columns.max_features`` drawn features, or more until one isn't constant.

    Missing values take a random side. Ties: lowest feature. `target` is the node's alone, in the order of `rows`. The lanes keep the
    values of the feature that parts best.
    """
    found = Found(-np.inf, -1, 0, 0, 0, 0, 0.0)
    enough = ceiling(target, weight, totals)
    n_features, size, lanes = len(work.order), len(rows), work.lanes
    low, high, n_missing, scores = lanes.low, lanes.high, lanes.n_missing, lanes.score
    n_drawn, n_varying, half, most = 0, 0, np.int64(0), lanes_at_once(size)
    while n_drawn < columns.max_features or (n_varying == 0 and n_drawn < n_features):
        needed = n_drawn < columns.max_features
        n_lanes = min(most, (columns.max_features if needed else n_features) - n_drawn)
        draw_lanes(work.order, n_drawn, n_lanes, work.random, lanes)
        cells = lanes.cells[half, : size * LANES * count_groups(n_lanes)]
        word = score_drawn(columns, rows, n_lanes, cells, target, weight, totals, rules, work)
        start, stop, chosen = 0, n_lanes, np.int64(-1)
        if needed and not columns.any_missing and len(work.signs) == 0:
            score, lane = best_lane(n_lanes, lanes)
            if score > -np.inf:
                start, stop = lane, lane + 1
        for j in range(start, stop):
            if low[j] >= high[j] and (n_missing[j] == 0 or n_missing[j] == size):
                continue
            if n_varying and not needed:
                break  # one that varies was sought
            n_varying += 1
            feature, score = np.int64(lanes.feature[j]), scores[j]
            better = score > found.score or (score == found.score and feature < found.feature)
            if better and (len(work.signs) == 0 or call_lane_allowed(work.addresses, columns, rows, j, target, rules, work)):
                side = np.int64(lanes.missing_left[j]) if n_missing[j] else NONE_MISSING
                threshold = np.nan if is_set(work.categories, feature) else np.float64(lanes.threshold[j])
                found = Found(score, feature, DONE, np.int64(word + np.uint64(feature)), 0, side, threshold)
                chosen = j
        if chosen >= 0:
            lanes.best[0], lanes.best[1] = half, chosen // LANES * size * LANES + chosen % LANES
            half = 1 - half
        if found.score >= enough or (size == 2 and found.feature >= 0):
            break
        n_drawn += n_lanes
    return found
