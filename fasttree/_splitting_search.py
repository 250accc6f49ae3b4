"""Searching one node: over all features by their presorted keys, or over drawn features by sorting them in the node.

`columns`, `target`, `rules` and `work` are references.
"""

from typing import NamedTuple

import numpy as np
from numba import types

from fasttree._jit import njit
from fasttree._jit_late import BOOL, FLOAT, FLOATS, INT, KEYS, ROWS, Late
from fasttree._jit_reference import refer
from fasttree._splitting_absolute import Absolute, scan_absolute
from fasttree._splitting_bound import neighbours, search_bounded
from fasttree._splitting_categories import DONE, Categories, is_set
from fasttree._splitting_encode import MISSING, PACKED_MISSING, PACKED_ROW, PACKED_SHIFT, ROW, SHIFT, unpack
from fasttree._splitting_own import Own, scan_own
from fasttree._splitting_random import (
    Lanes,
)
from fasttree._splitting_scan import (
    ABSOLUTE,
    ENTROPY,
    GINI,
    MOMENT,
    OWN,
    Target,
    constrained,
    scan_classes,
    scan_moment,
    scan_pair,
    scan_sums,
)
from fasttree._splitting_sort import gather_keys, sort_keys

NONE_MISSING = 2  # instead of a side: a node that misses nothing sends what is missing later to its larger side
LARGE_ROWS = 1024  # rows from which bounding beats sorting


class Found(NamedTuple):
    """A split; `feature` is -1 when there is none."""

    score: float
    feature: int
    cut: int
    low: int
    high: int
    missing_left: int
    threshold: float  # of random splits only


class Work(NamedTuple):
    """Room that searching overwrites, and the state of the draws."""

    left: np.ndarray  # float64, shape (n_slots,)
    right: np.ndarray  # float64, shape (n_slots,)
    table: np.ndarray  # float64: x log x of whole numbers, for entropy where all weights are whole numbers; else empty
    order: np.ndarray  # int64, shape (n_features,): a permutation of the features
    random: np.ndarray  # uint64, shape (1,)
    keys: np.ndarray  # uint64, shape (n_rows,)
    spare: np.ndarray  # uint64, shape (n_rows,)
    values: np.ndarray  # float64, shape (n_rows,)
    places: np.ndarray  # uint32, shape (n_buckets + 1,)
    weight: np.ndarray  # float64, shape (n_rows,)
    value: np.ndarray  # float64, shape (n_rows,); of a large node that is searched by entropy: the weight of its second class
    outputs: np.ndarray  # float64, shape (n_rows, n_outputs)
    no_outputs: np.ndarray  # float64, shape (0, 0)
    histograms: np.ndarray  # float64, shape (n_at_once, n_buckets, 4)
    bounds: np.ndarray  # float64, shape (n_at_once, n_buckets)
    tops: np.ndarray  # float64, shape (n_at_once,): greatest bounds
    ranges: np.ndarray  # int64, shape (n_at_once, 2): least and greatest codes
    bounded: np.ndarray  # int64, shape (max_features,): features that are bounded
    absolute: Absolute
    own: Own
    signs: np.ndarray  # int8, shape (n_features,): monotonic constraints; empty without any
    lanes: Lanes
    categories: Categories
    addresses: np.ndarray  # int64, shape (N_LATE,): of the kernels that this problem needs besides


# What is called by its address; see `fasttree._jit_late`. `addresses` are an array of as many as there are places.
AT_SCAN, AT_SETS, AT_LARGE, AT_RANDOM, AT_DRAWN_SETS, AT_LANE_ALLOWED, AT_MEASURE, AT_ONCE, N_LATE = range(9)
_BEST = types.Tuple((FLOAT, INT))
_FOUND = types.NamedTuple((FLOAT, INT, INT, INT, INT, INT, FLOAT), Found)
SCAN = Late(AT_SCAN, _BEST, KEYS, INT, BOOL, "Target", FLOAT, FLOATS, "Rules", FLOAT, "Work")
SETS = Late(AT_SETS, _BEST, KEYS, INT, "Target", FLOAT, FLOATS, "Rules", FLOAT, "Work")
LARGE = Late(AT_LARGE, types.Tuple((_FOUND, INT)), "Columns", ROWS, "Target", FLOAT, FLOATS, "Rules", "Work")
RANDOM = Late(AT_RANDOM, _FOUND, "Columns", ROWS, "Target", FLOAT, FLOATS, "Rules", "Work")
DRAWN_SETS = Late(AT_DRAWN_SETS, types.none, "Columns", ROWS, INT, types.uint64, "Target", FLOAT, FLOATS, "Rules", "Work")
LANE_ALLOWED = Late(AT_LANE_ALLOWED, BOOL, "Columns", ROWS, INT, "Target", "Rules", "Work")
call_scan, call_sets, call_large, call_random = SCAN.call, SETS.call, LARGE.call, RANDOM.call
call_drawn_sets, call_lane_allowed = DRAWN_SETS.call, LANE_ALLOWED.call


@njit(_nrt=False)
def scan(keys, n_present, missing_left, target, weight, totals, rules, best, work):
    """The target's own scan."""
    if target.family == MOMENT:
        total = totals[1] if target.classes else totals[0]
        return scan_moment(keys, SHIFT, ROW, n_present, missing_left, target, weight, total, rules, best)
    return call_scan(work.addresses, keys, n_present, missing_left, target, weight, totals, rules, best, work)


@njit(_nrt=False)
def scan_by_distances(keys, n_present, missing_left, target, weight, totals, rules, best, work):
    """By absolute error."""
    return scan_absolute(keys, n_present, missing_left, weight, rules, best, work.absolute)


@njit(_nrt=False)
def scan_by_own(keys, n_present, missing_left, target, weight, totals, rules, best, work):
    """By a user's criterion."""
    return scan_own(keys, n_present, missing_left, target, weight, totals, rules, best, work.own)


@njit(_nrt=False)
def scan_by_classes(keys, n_present, missing_left, target, weight, totals, rules, best, work):
    """By one output's classes."""
    if target.family == ENTROPY and target.n_slots == 2 and weight < len(work.table):
        return scan_pair(keys, n_present, missing_left, target, weight, totals[1], rules, best, work.table)
    return scan_classes(keys, n_present, missing_left, target, weight, totals, rules, best, work)


@njit(_nrt=False)
def scan_by_sums(keys, n_present, missing_left, target, weight, totals, rules, best, work):
    """By all others but those of one output's classes."""
    return scan_sums(keys, n_present, missing_left, target, weight, totals, rules, best, work.left, work.right)


def scan_of(family, classes, n_outputs):
    """The scan of a family that has one of its own."""
    if family in (ABSOLUTE, OWN):
        return scan_by_distances if family == ABSOLUTE else scan_by_own
    return scan_by_classes if classes and n_outputs == 1 else scan_by_sums


@njit(_nrt=False)
def count_present(keys):
    """Number of keys before the missing ones."""
    low, high = 0, len(keys)
    while low < high:
        middle = (low + high) // 2
        if keys[middle] >> SHIFT == MISSING:
            high = middle
        else:
            low = middle + 1
    return low


@njit(_nrt=False)
def scan_feature(feature, keys, target, weight, totals, rules, found, work):
    """The better of `found` and this feature's best split; missing values try the right side first."""
    n_present = len(keys)
    if keys[-1] >> SHIFT == MISSING:
        n_present = count_present(keys)
    if is_set(work.categories, feature):
        score, side = call_sets(work.addresses, keys, n_present, target, weight, totals, rules, found.score, work)
        return Found(score, feature, DONE, 0, 0, side, np.nan) if side >= 0 else found
    if len(work.signs):
        rules = refer(constrained(rules, work.signs[feature], rules.lower, rules.upper))
    for missing_left in range(1 if n_present == len(keys) else 2):
        score, where = scan(keys, n_present, missing_left == 1, target, weight, totals, rules, found.score, work)
        if where >= 0:
            side = missing_left
            if n_present == len(keys):
                side = 1 if where + 1 > len(keys) - where - 1 else 0
            high = np.int64(keys[where + 1] & ROW) if where + 1 < n_present else -1
            found = Found(score, feature, np.int64(keys[where] >> SHIFT), np.int64(keys[where] & ROW), high, side, 0.0)
    return found


@njit(_nrt=False, forceinline=True)
def ceiling(target, weight, totals):
    """A score that no split of the node can beat, where one is known: reached, the search may end."""
    if target.family == MOMENT and target.classes:
        return totals[0] * totals[1]
    if target.family == ENTROPY:
        return -1e-10 * weight  # the score is a difference of sums, rounded
    if target.family == GINI:
        return weight * target.outputs.shape[1]
    if target.family == ABSOLUTE:
        return 0.0
    return np.inf


@njit(_nrt=False)
def search_presorted(packed, start, stop, target, weight, totals, rules, work):
    """Best split over all features of the rows whose keys are ``packed[:, start:stop]``. Ties: lowest feature, lowest threshold."""
    found = Found(-np.inf, -1, 0, 0, 0, 0, 0.0)
    enough = ceiling(target, weight, totals)
    keys, size = work.keys[: stop - start], stop - start
    plain = target.family == MOMENT and len(work.signs) == 0 and len(work.categories.n_categories) == 0
    total_value = totals[1] if target.classes else totals[0]
    for feature in range(packed.shape[0]):
        part = packed[feature, start:stop]
        last = part[-1] >> PACKED_SHIFT
        if part[0] >> PACKED_SHIFT == last:
            continue
        if plain and last != PACKED_MISSING:
            score, where = scan_moment(part, PACKED_SHIFT, PACKED_ROW, size, False, target, weight, total_value, rules, found.score)
            if where >= 0:
                cut, low, high = part[where] >> PACKED_SHIFT, part[where] & PACKED_ROW, part[where + 1] & PACKED_ROW
                found = Found(score, feature, np.int64(cut), np.int64(low), np.int64(high), np.int64(2 * where + 2 > size), 0.0)
        else:
            unpack(part, keys)
            found = scan_feature(feature, keys, target, weight, totals, rules, found, work)
        if found.score >= enough or (len(part) == 2 and found.feature >= 0):
            break
    return found


@njit(_nrt=False)
def draw(random, n):
    """A number below `n`; `random` holds the state of a xorshift generator."""
    state = random[0]
    state ^= state << np.uint64(13)
    state ^= state >> np.uint64(7)
    state ^= state << np.uint64(17)
    random[0] = state
    return np.int64(((state >> SHIFT) * np.uint64(n)) >> SHIFT)


@njit(_nrt=False)
def draw_features(order, n_drawn, n, random):
    """Draw features without replacement into ``order[n_drawn:n]``, after those already drawn, then sort these few."""
    for i in range(n_drawn, n):
        other = i + draw(random, len(order) - i)
        order[i], order[other] = order[other], order[i]
    for i in range(n_drawn + 1, n):
        feature = order[i]
        j = i - 1
        while j >= n_drawn and order[j] > feature:
            order[j + 1] = order[j]
            j -= 1
        order[j + 1] = feature


@njit(_nrt=False)
def search_sampled(columns, rows, target, weight, totals, rules, work):
    """Best split over ``columns.max_features`` drawn features, or more until one isn't constant. Ties: lowest feature, threshold.

    target : of the node alone, in the order of `rows`.
    """
    found = Found(-np.inf, -1, 0, 0, 0, 0, 0.0)
    n_features, size = len(work.order), len(rows)
    n_drawn, n_varying = 0, 0
    bounds = is_large(target, size) and len(work.signs) == 0
    enough = np.inf if bounds else ceiling(target, weight, totals)
    while n_drawn < columns.max_features or (n_varying == 0 and n_drawn < n_features):
        n_next = max(columns.max_features, n_drawn + 1)
        if columns.max_features < n_features:
            draw_features(work.order, n_drawn, n_next, work.random)
        if n_drawn == 0 and bounds:
            found, n_varying = call_large(work.addresses, columns, rows, target, weight, totals, rules, work)
        for i in range(n_drawn, n_next):
            feature = work.order[i]
            if bounds and n_drawn == 0 and can_bound(columns, feature, work.categories):
                continue
            low, high, n_present = gather_keys(columns.codes[feature], rows, work.keys)
            if low >= high and n_present in (0, size):
                continue
            n_varying += 1
            if not is_set(work.categories, feature):
                sort_keys(work.keys[:n_present], work.spare[:n_present], low, high, work.places)
            rival = found
            if feature < found.feature:  # which was found by bounds: a tie goes to the lower one
                rival = Found(np.nextafter(found.score, -np.inf), found.feature, 0, 0, 0, 0, 0.0)
            rival = scan_feature(feature, work.keys[:size], target, weight, totals, rules, rival, work)
            if rival.feature == feature:
                found = rival
            if found.score >= enough or (size == 2 and found.feature >= 0):
                break
        n_drawn = n_next
    if found.feature < 0:
        return found
    high = np.int64(rows[found.high]) if found.high >= 0 else -1
    return Found(found.score, found.feature, found.cut, np.int64(rows[found.low]), high, found.missing_left, found.threshold)


@njit(_nrt=False)
def is_large(target, n_rows):
    """Whether a node is searched by bounds."""
    if target.family == ENTROPY:
        return n_rows >= LARGE_ROWS and target.n_slots == 2 and target.outputs.shape[1] == 1
    return n_rows >= LARGE_ROWS and target.family == MOMENT


@njit(_nrt=False)
def with_value(target, value):
    """A target of two classes with the weight of the second one as its value."""
    for i in range(len(target.weight)):
        value[i] = target.weight[i] * target.outputs[i, 0]
    value = value[: len(target.weight)]
    return Target(target.family, target.classes, target.n_slots, target.unit, target.weight, value, target.outputs)


@njit(_nrt=False)
def can_bound(columns, feature, categories):
    """Whether bounding fits: a feature of numbers that misses nothing."""
    return not columns.has_missing[feature] and not is_set(categories, feature)


@njit(_nrt=False)
def search_large(columns, rows, target, weight, totals, rules, work):
    """Best split of a large node over those of the drawn features that can be bounded, and how many of them vary."""
    total_value = totals[1] if target.classes else totals[0]
    if target.family == ENTROPY:
        target = refer(with_value(target, work.value))
    n_features = 0
    for i in range(columns.max_features):
        work.bounded[n_features] = work.order[i]
        n_features += np.int64(can_bound(columns, work.order[i], work.categories))
    features = work.bounded[:n_features]
    score, feature, cut, n_varying = search_bounded(columns, rows, target, features, weight, total_value, rules, work)
    if feature < 0:
        return Found(-np.inf, -1, 0, 0, 0, 0, 0.0), n_varying
    low, high, n_left = neighbours(columns.codes[feature], rows, cut)
    return Found(score, feature, cut, low, high, np.int64(2 * n_left > len(rows)), 0.0), n_varying
