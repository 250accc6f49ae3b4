"""The best split of the new leaves over all features: who looks at which, and who wins."""

import numpy as np

from fasttree._boosting_presort import ROOT, keep_left, keep_right, scan_category_rows, scan_order, split_order
from fasttree._boosting_rows import complete
from fasttree._boosting_split import Desk, adopt, describe, scan_categories, scan_values
from fasttree._boosting_state import DEPTH, NODE, NOTHING, SLOT, START, STOP
from fasttree._boosting_sync import barrier
from fasttree._histogram import BINS
from fasttree._jit import njit


@njit(_nrt=False)
def scramble(x):
    """A well-mixed 64-bit number from another (splitmix64; Steele, Lea & Flood 2014)."""
    x = np.uint64(x) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@njit(_nrt=False)
def choose_features(chosen, drawn, use, groups, leaf_groups, share, seed):
    """Mark the features that may split a leaf: this tree's, of an open interaction group, and drawn if a share is to be drawn.

    chosen : uint8[:], overwritten; drawn : int64[:], a permutation of the features, which is shuffled
    """
    n_features, n_allowed = len(use), 0
    for f in range(n_features):
        allowed = use[f] != 0
        if allowed and len(leaf_groups) > 0:
            allowed = False
            for g in range(len(leaf_groups)):
                allowed |= (groups[f, g] & leaf_groups[g]) != 0
        chosen[f] = allowed
        n_allowed += allowed
    if share >= 1.0:
        return
    wanted, state = max(1, np.int64(share * n_allowed)), seed
    for i in range(n_features):
        state = scramble(state)
        other = i + np.int64(state % np.uint64(n_features - i))
        f = drawn[other]
        drawn[other], drawn[i] = drawn[i], f
        if chosen[f]:
            wanted -= 1
            chosen[f] = wanted >= 0


@njit(_nrt=False)
def open_features(thread, pair, seed, data, rules, work):
    """Choose the features for the leaves of `pair`."""
    search, ints = work.search, work.frontier.ints[thread]
    for which in range(2):
        if rules.picky and pair[which] >= 0:
            j = pair[which]
            mixed = scramble(np.uint64(seed) ^ scramble(np.uint64(ints[j, NODE])))
            leaf_groups, chosen, drawn = work.frontier.groups[thread, j], search.open[thread, which], search.drawn[thread]
            choose_features(chosen, drawn, search.use, data.groups, leaf_groups, rules.share_per_split, mixed)


@njit(_nrt=False, forceinline=True)
def scan(f, leaf, histogram, halves, data, general, desk, top, best):
    """Look for a better split by feature `f` in its histogram; returns the score to beat."""
    if data.categorical[f]:
        return scan_categories(histogram, data.n_bins[f], leaf, desk, top, best)
    return scan_values(histogram, halves, data.n_bins[f], data.monotonic[f], general, leaf, desk, top, best)


@njit(_nrt=False, forceinline=True)
def scan_presorted(f, order, leaf, histogram, values, data, general, desk, top, best):
    """As `scan`, from the leaf's rows in order of the feature."""
    if data.categorical[f]:
        return scan_category_rows(order, data.codes[f], values, data.n_bins[f], leaf, desk, histogram, top, best)
    return scan_order(order, data.codes[f], values, data.monotonic[f], general, leaf, desk, top, best)


@njit(_nrt=False)
def search_histograms(thread, n_threads, pair, fresh, parent, leaves, data, rules, plan, work, desk, parity):
    """Offer this thread's features for the new leaves, once their histograms are complete. The proposals are overwritten."""
    general, ints, sums = rules.bounded or rules.full, work.frontier.ints[thread], work.sums
    best, scores = work.search.best[parity, thread], work.search.best_scores[parity, thread]
    for f in range(plan.cuts[thread], plan.cuts[thread + 1]):
        if fresh >= 0:
            complete(f, data.n_bins[f], data.categorical[f], n_threads, plan, sums, fresh, parent, parity)
        for which in range(2):
            if pair[which] >= 0 and (not rules.picky or work.search.open[thread, which, f]):
                slot = ints[pair[which], SLOT]
                histogram = sums.histograms[slot, :, f * BINS : (f + 1) * BINS]
                halves = sums.halves[slot, 0, 2 * f * BINS : 2 * (f + 1) * BINS]
                score = scan(f, leaves[which], histogram, halves, data, general, desk, scores[which], best[which])
                if score > scores[which]:
                    scores[which] = score
                    best[which, 0] = f


@njit(_nrt=False)
def search_orders(thread, pair, right, left, leaves, data, rules, plan, work, desk, parity):
    """As `search_histograms` on presorted rows. Their orders are divided first as their leaf was, into `left` and `right` (if any)."""
    general, ints, sums = rules.bounded or rules.full, work.frontier.ints[thread], work.sums
    best, scores = work.search.best[parity, thread], work.search.best_scores[parity, thread]
    sides, scratch = sums.sides[thread], sums.histograms[thread, :, :BINS]
    depth = ints[max(pair[0], pair[1]), DEPTH]
    level, above = ROOT if depth == 0 else depth & 1, ROOT if depth == 1 else (depth - 1) & 1
    start, middle, stop = ints[max(left, 0), START], ints[max(left, 0), STOP], ints[max(right, 0), STOP]
    divided = depth > 0 and right >= 0
    for f in range(plan.cuts[thread], plan.cuts[thread + 1]):
        if divided and pair[0] >= 0 and pair[1] >= 0:
            split_order(sums.orders[above, f, start:stop], sides, middle - start, sums.orders[level, f, start:stop])
        elif divided and pair[0] >= 0:
            keep_left(sums.orders[above, f, start:stop], sides, sums.orders[level, f, start : middle + 1])
        elif divided:
            keep_right(sums.orders[above, f, start:stop], sides, sums.orders[level, f, middle - 1 : stop])
        for which in range(2):
            if pair[which] >= 0 and (not rules.picky or work.search.open[thread, which, f]):
                order = sums.orders[level, f, ints[pair[which], START] : ints[pair[which], STOP]]
                score = scan_presorted(f, order, leaves[which], scratch, sums.values, data, general, desk, scores[which], best[which])
                if score > scores[which]:
                    scores[which] = score
                    best[which, 0] = f


@njit(_nrt=False)
def search_all(thread, n_threads, pair, fresh, parent, units, seed, data, rules, plan, work, parity):
    """Scan this thread's features for the (at most two) new leaves of `pair`, take the best of all threads.

    fresh, parent : int
        Slots of the histogram just filled and of the one to subtract it from; on presorted rows the right and the left leaf of a
        split just made. -1 for none.
    """
    search, ints, floats = work.search, work.frontier.ints[thread], work.frontier.floats[thread]
    scores, bits = search.scores[thread], search.bits[thread]
    desk = Desk(search.prefix[thread], search.halves[thread], scores, bits, search.order[thread], search.keys[thread])
    for which in range(2):
        search.best[parity, thread, which, 0] = NOTHING
        search.best_scores[parity, thread, which] = -np.inf
    open_features(thread, pair, seed, data, rules, work)
    leaves = (describe(max(pair[0], 0), ints, floats, rules, units), describe(max(pair[1], 0), ints, floats, rules, units))
    if work.sums.orders.shape[1] > 0:
        search_orders(thread, pair, fresh, parent, leaves, data, rules, plan, work, desk, parity)
    else:
        search_histograms(thread, n_threads, pair, fresh, parent, leaves, data, rules, plan, work, desk, parity)
    barrier(work.arrived, thread, n_threads)
    for which in range(2):
        if pair[which] >= 0:
            j = pair[which]
            sets = work.frontier.sets[thread, j]
            adopt(which, ints[j], floats[j], sets, data.categorical, rules, search.best_scores[parity], search.best[parity], units)
