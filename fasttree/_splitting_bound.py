"""Searching large nodes without sorting them: branch and bound over a histogram of codes, still exact.

The rows of a node are counted into buckets of codes. A boundary inside a bucket puts some of its rows left, so the state (weight,
value) on the left lies in a polygon around the bucket's two ends; the score, by squared error or by entropy of two classes, is convex,
so it is greatest in a corner. Only the of buckets whose greatest corner reaches the best bucket *end* are sorted and scanned::

    score     .  .:::.  .                 ends of buckets      |   |   |   |
    corners   :  |||||  :                 survivors              ^^^^^
"""

import numpy as np

from fasttree._jit import njit
from fasttree._splitting_encode import SHIFT
from fasttree._splitting_scan import _ENTROPY_SLACK, _TINY, ENTROPY, xlogx_of
from fasttree._splitting_sort import bucket_of, sort_keys

N_BUCKETS = 256
N_AT_ONCE = 64  # features whose histograms are kept
_SLACK = 1.0 + 1e-9  # bounds and scores are rounded differently
_COUNT, _WEIGHT, _VALUE, _POSITIVE = range(4)


@njit(_nrt=False)
def moment_score(left_weight, left_value, total_weight, total_value):
    """Score of a split by squared error."""
    difference = left_value * total_weight - left_weight * total_value
    return difference * difference / (left_weight * (total_weight - left_weight))


@njit(_nrt=False)
def shares_score(weight, value, table):
    """One child's part of the score by entropy, of which `value` is the weight of the second class."""
    return xlogx_of(value, table) + xlogx_of(weight - value, table) - xlogx_of(weight, table)


@njit(_nrt=False)
def split_score(entropy, left_weight, left_value, total_weight, total_value, table):
    """Score of a split from the weight and value of its left child."""
    if entropy:
        right_weight, right_value = total_weight - left_weight, total_value - left_value
        return shares_score(left_weight, left_value, table) + shares_score(right_weight, right_value, table)
    return moment_score(left_weight, left_value, total_weight, total_value)


@njit(_nrt=False)
def range_of_codes(codes, rows):
    """Least and greatest code of a node's rows."""
    low, high = np.uint32(0xFFFFFFFF), np.uint32(0)
    for i in range(len(rows)):
        code = codes[rows[i]]
        low, high = min(low, code), max(high, code)
    return low, high


@njit(_nrt=False)
def fill_histogram(codes, rows, low, scale, weight, value, histogram):
    """Add up the rows of each bucket: their number, weight, value, and positive part of the value; the latter are in the order of `rows`."""
    for bucket in range(N_BUCKETS):
        for j in range(4):
            histogram[bucket, j] = 0.0
    for i in range(len(rows)):
        cell = histogram[bucket_of(np.uint64(codes[rows[i]]), low, scale)]
        v = value[i]
        cell[0] += 1.0
        cell[1] += weight[i]
        cell[2] += v
        cell[3] += v if v > 0.0 else 0.0


@njit(_nrt=False)
def corner(entropy, left_weight, left_value, total_weight, total_value, table):
    """Score in a corner; infinite where the corner lies outside of what can be."""
    if entropy:
        return split_score(entropy, left_weight, left_value, total_weight, total_value, table)
    if left_weight <= 0.0 or left_weight >= total_weight:
        return 0.0 if left_weight * total_value == left_value * total_weight else np.inf
    return moment_score(left_weight, left_value, total_weight, total_value)


@njit(_nrt=False)
def bound_buckets(histogram, entropy, classes, total_weight, total_value, n_rows, rules, table, bounds):
    """Bound the scores inside each bucket (into `bounds`); returns the best score of an allowed bucket end."""
    least, slack = max(rules.min_weight, _TINY), 2.0 * _ENTROPY_SLACK * total_weight  # as much as scores in a tie may differ
    count, weight, value = 0.0, 0.0, 0.0
    best = -np.inf
    for bucket in range(N_BUCKETS):
        cell = histogram[bucket]
        bounds[bucket] = -np.inf
        if cell[_COUNT] == 0.0:
            continue
        own_weight, own_value, positive = cell[_WEIGHT], cell[_VALUE], cell[_POSITIVE]
        if classes:  # corners: only the rows of one class, or of the other
            first = corner(entropy, weight + own_weight - own_value, value, total_weight, total_value, table)
            second = corner(entropy, weight + own_value, value + own_value, total_weight, total_value, table)
        else:  # corners: any weight with the least or the greatest value
            first, second = 0.0, 0.0
            for part in (own_value - positive, positive):
                first = max(first, corner(entropy, weight, value + part, total_weight, total_value, table))
                second = max(second, corner(entropy, weight + own_weight, value + part, total_weight, total_value, table))
        count += cell[_COUNT]
        weight += own_weight
        value += own_value
        end = -np.inf
        rest = total_weight - weight
        if count < n_rows and weight >= least and rest >= least:
            end = split_score(entropy, weight, value, total_weight, total_value, table)
            if count >= rules.min_leaf and n_rows - count >= rules.min_leaf:
                best = max(best, end)
        top = max(first, second, end)
        bounds[bucket] = top + slack if entropy else top * _SLACK
    return best


@njit(_nrt=False)
def greatest(bounds):
    top = -np.inf
    for bucket in range(N_BUCKETS):
        top = max(top, bounds[bucket])
    return top


@njit(_nrt=False)
def gather_survivors(codes, rows, low, scale, bounds, floor, keys):
    """Keys, code << 32 | position, of the buckets that reach `floor`; returns their number and least and greatest code."""
    n_kept = 0
    for i in range(len(rows)):
        code = np.uint64(codes[rows[i]])
        keys[n_kept] = (code << SHIFT) | np.uint64(i)
        n_kept += np.int64(bounds[bucket_of(code, low, scale)] >= floor)
    least, most = np.uint64(0xFFFFFFFF), np.uint64(0)
    for i in range(n_kept):
        least, most = min(least, keys[i] >> SHIFT), max(most, keys[i] >> SHIFT)
    return n_kept, np.uint32(least), np.uint32(most)


@njit(_nrt=False)
def scan_survivors(keys, histogram, bounds, floor, local, total_weight, total_value, n_rows, rules, table, best):
    """Best boundary in or at the end of the surviving buckets; `keys` are theirs, sorted. Returns the score and the boundary, or -1."""
    least, entropy = max(rules.min_weight, _TINY), local.family == ENTROPY
    slack = _ENTROPY_SLACK * total_weight if entropy else 0.0
    where, place = -1, 0
    count, weight, value = 0.0, 0.0, 0.0
    for bucket in range(N_BUCKETS):
        cell = histogram[bucket]
        if bounds[bucket] >= floor:
            left_count, left_weight, left_value = count, weight, value
            stop = place + np.int64(cell[_COUNT])
            for i in range(place, stop):
                row = keys[i] & np.uint64(0xFFFFFFFF)
                left_count += 1.0
                left_weight += 1.0 if local.unit else local.weight[row]
                left_value += local.value[row]
                if i + 1 < stop and (keys[i] ^ keys[i + 1]) >> SHIFT == 0:
                    continue
                if left_count < rules.min_leaf or n_rows - left_count < rules.min_leaf:
                    continue
                if left_weight < least or total_weight - left_weight < least:
                    continue
                score = split_score(entropy, left_weight, left_value, total_weight, total_value, table)
                if score > best + slack:
                    best = score
                    where = i
            place = stop
        count += cell[_COUNT]
        weight += cell[_WEIGHT]
        value += cell[_VALUE]
    return best, where


@njit(_nrt=False)
def bound_features(columns, rows, local, features, weight, total_value, rules, floor, work):
    """Histograms, ranges of codes and greatest bounds of `features`; returns the number that vary and the best bucket end, or `floor`."""
    n_varying = 0
    for j in range(len(features)):
        codes = columns.codes[features[j]]
        low, high = range_of_codes(codes, rows)
        work.ranges[j, 0], work.ranges[j, 1] = low, high
        work.tops[j] = -np.inf
        if low == high:
            continue
        n_varying += 1
        scale = (np.uint64(N_BUCKETS) << SHIFT) // (np.uint64(high - low) + np.uint64(1))
        fill_histogram(codes, rows, np.uint64(low), scale, local.weight, local.value, work.histograms[j])
        entropy, histogram = local.family == ENTROPY, work.histograms[j]
        end = bound_buckets(histogram, entropy, local.classes, weight, total_value, len(rows), rules, work.table, work.bounds[j])
        floor = max(floor, end)
        work.tops[j] = greatest(work.bounds[j])
    return n_varying, floor


@njit(_nrt=False)
def search_bounded(columns, rows, local, features, weight, total_value, rules, work):
    """Best split of a large node over `features` (ascending; none with missing values). Ties: lowest feature, then threshold.

    The features are bounded in groups of up to N_AT_ONCE, so that the histograms of any number of features fit the cache.

    Returns the score, the feature (-1 without any), the greatest code that goes left, and how many features vary.
    """
    size = len(rows)
    floor, score, best_feature, cut, n_varying = -np.inf, -np.inf, -1, 0, 0
    for start in range(0, len(features), N_AT_ONCE):
        group = features[start : start + N_AT_ONCE]
        n_more, floor = bound_features(columns, rows, local, group, weight, total_value, rules, floor, work)
        n_varying += n_more
        for j in range(len(group)):
            low, high = np.uint32(work.ranges[j, 0]), np.uint32(work.ranges[j, 1])
            if low == high or work.tops[j] < floor:
                continue
            scale = (np.uint64(N_BUCKETS) << SHIFT) // (np.uint64(high - low) + np.uint64(1))
            codes = columns.codes[group[j]]
            n_kept, least, most = gather_survivors(codes, rows, np.uint64(low), scale, work.bounds[j], floor, work.keys)
            keys = work.keys[:n_kept]
            sort_keys(keys, work.spare[:n_kept], least, most, work.places)
            histogram, bounds = work.histograms[j], work.bounds[j]
            score, where = scan_survivors(keys, histogram, bounds, floor, local, weight, total_value, size, rules, work.table, score)
            if where >= 0:
                best_feature, cut = group[j], np.int64(keys[where] >> SHIFT)
                floor = max(floor, score)
    return score, best_feature, cut, n_varying


@njit(_nrt=False)
def neighbours(codes, rows, cut):
    """Of a node's rows, places of one with the greatest code up to `cut` and one with the least above it; how many go left."""
    low, high, n_left = -1, -1, 0
    least = np.uint32(0xFFFFFFFF)
    for i in range(len(rows)):
        code = codes[rows[i]]
        n_left += np.int64(code <= cut)
        if code == cut:
            low = i
        elif code > cut and code < least:
            least = code
            high = i
    return low, high, n_left
