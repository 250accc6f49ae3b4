"""Passes over the rows of a leaf, divided among threads: its histograms, and its division in two."""

import numpy as np

from fasttree._boosting_state import BLOCK, GATHERED, SMALL, STRIP
from fasttree._boosting_sync import STRIDE, barrier, fetch_add, prefetch
from fasttree._histogram import AHEAD, BINS, MISSING, WORD, accumulate, add_all, add_rows, clear, merge, take_away
from fasttree._jit import njit

_WIDTH = WORD * BINS
_SPARSE = 6  # of so many rows a leaf has less than one: by strips


@njit(_nrt=False)
def fill(thread, n_threads, data, plan, sums, rows, values, slot, parity):
    """Histograms of the given rows (all rows, when the list is empty) into `slot`: this thread's share of the words.

    A shared word's rows are claimed block by block. Who claims the first block adds to the leaf's own histogram; the others add to
    their `extra` and mark it as used.
    """
    n, n_shared, dense, width = values.shape[1], len(plan.shared), len(rows) == 0, len(data.n_bins)
    first_shared = thread * n_shared // n_threads
    for step in range(len(plan.owner) + n_shared):
        word, s = step, step
        if step >= len(plan.owner):
            s = (first_shared + step - len(plan.owner)) % n_shared
            word = plan.shared[s]
        elif plan.owner[word] != thread:
            continue
        alone, mine = step < len(plan.owner), step < len(plan.owner)
        used, n_features = False, min(WORD, width - WORD * word)
        while True:
            start, stop = np.int64(0), n
            if not alone:
                start = fetch_add(sums.claims, (parity * (n_shared + 1) + s) * STRIDE, 1) * BLOCK
                if start >= n:
                    break
                stop = min(start + BLOCK, n)
                mine |= start == 0
            for plane in range(values.shape[0]):
                if mine:
                    out = sums.histograms[slot, plane, word * _WIDTH : (word + 1) * _WIDTH]
                else:
                    out = sums.extra[thread, s, plane]
                if start == 0 or not (mine or used):
                    clear(out)
                if dense:
                    add_all(data.words[word, start:stop], values[plane, start:stop], n_features, out)
                else:
                    add_rows(data.words[word], rows[start:stop], values[plane, start:stop], n_features, out)
            if alone:
                break
            if not mine and not used:
                used = True
                sums.used[parity, thread, s] = 1


@njit(_nrt=False)
def gather(values, rows, first, last, out):
    """``out[:, i] = values[:, rows[i]]`` for ``first <= i < last``"""
    for plane in range(values.shape[0]):
        for i in range(first, last):
            out[plane, i] = values[plane, rows[i]]


@njit(_nrt=False)
def take_strips(strips, values, rows, first, last, codes, out):
    """Copy what the rows ``first … last`` of a list need: ``codes[w, i] = strips[row, w]`` and ``out[:, i] = values[:, row]``."""
    n_hinted = len(rows) - AHEAD
    for i in range(first, last):
        if i < n_hinted:
            prefetch(strips, np.uint64(rows[i + AHEAD]) * np.uint64(strips.shape[1]))
            prefetch(values, np.uint64(rows[i + AHEAD]))
        row, to = rows[i], i - first
        for w in range(strips.shape[1]):
            codes[w, to] = strips[row, w]
        for plane in range(values.shape[0]):
            out[plane, to] = values[plane, row]


@njit(_nrt=False)
def fill_strips(thread, data, plan, sums, rows, slot, parity):
    """As `fill` for few rows of many, far apart: a row's codes come in one or two cache lines, not one for each word.

    The rows are claimed block by block, all words of them. Who claims the first block adds to the leaf's own histogram; the others add to
    their `whole` and mark it as used.
    """
    n, n_shared, mine, used = len(rows), len(plan.shared), False, False
    codes, private = sums.strip[thread], sums.private[thread]
    while True:
        start = fetch_add(sums.claims, (parity * (n_shared + 1) + n_shared) * STRIDE, 1) * STRIP
        if start >= n:
            return
        stop = min(start + STRIP, n)
        mine |= start == 0
        take_strips(data.strips, sums.values, rows, start, stop, codes, private)
        for plane in range(sums.values.shape[0]):
            out = sums.histograms[slot, plane] if mine else sums.whole[thread, plane]
            if start == 0 or not (mine or used):
                clear(out)
            for word in range(len(codes)):
                n_features = min(WORD, len(data.n_bins) - WORD * word)
                add_all(codes[word, : stop - start], private[plane, : stop - start], n_features, out[word * _WIDTH : (word + 1) * _WIDTH])
        if not mine and not used:
            used = True
            sums.used[parity, thread, n_shared] = 1


@njit(_nrt=False)
def fill_leaf(thread, n_threads, start, stop, data, plan, lists, sums, arrived, slot, parity):
    """Histograms of the rows ``start … stop`` of the lists into `slot`; their values are gathered first, by all threads or by each."""
    n, n_all = stop - start, sums.values.shape[1]
    rows = lists.rows[thread, start : stop if n < n_all else start]
    values = sums.values[:, :n]
    for s in range(len(plan.shared) + 1):
        sums.used[parity, thread, s] = 0
    if len(data.strips) > 0 and n > STRIP and n * _SPARSE < n_all:
        fill_strips(thread, data, plan, sums, rows, slot, parity)
        return
    if n <= GATHERED and n < n_all:
        values = sums.private[thread, :, :n]
        gather(sums.values, rows, np.int64(0), n, values)
    elif n < n_all:
        values = sums.ordered[:, :n]
        gather(sums.values, rows, n * thread // n_threads, n * (thread + 1) // n_threads, values)
        barrier(arrived, thread, n_threads)
    fill(thread, n_threads, data, plan, sums, rows, values, slot, parity)


@njit(_nrt=False)
def complete(f, n_bins, categorical, n_threads, plan, sums, fresh, parent, parity):
    """Make feature `f` ready to scan: merge the parts of a shared word, add up the bins, subtract from the parent what the child has."""
    word = f // WORD
    for plane in range(sums.histograms.shape[1]):
        out = sums.histograms[fresh, plane, f * BINS : (f + 1) * BINS]
        if plan.owner[word] < 0:
            s = -1 - plan.owner[word]
            at = (f - word * WORD) * BINS
            for thread in range(n_threads):
                if sums.used[parity, thread, s]:
                    merge(sums.extra[thread, s, plane, at : at + BINS], out)
        for thread in range(n_threads):
            if sums.used[parity, thread, len(plan.shared)]:
                merge(sums.whole[thread, plane, f * BINS : (f + 1) * BINS], out)
        if not categorical:
            accumulate(out, n_bins)
        if parent >= 0:
            above = sums.histograms[parent, plane, f * BINS : (f + 1) * BINS]
            take_away(out[:n_bins], above[:n_bins])
            above[MISSING] -= out[MISSING]


@njit(_nrt=False)
def make_table(categorical, code, missing_left, sets, table):
    """For each code 1 if it goes left. table : uint8[::1], shape (256,), overwritten"""
    for b in range(BINS):
        if categorical:
            table[b] = (sets[b >> 6] >> np.uint64(b & 63)) & np.uint64(1)
        else:
            table[b] = b <= code
    if not categorical:
        table[MISSING] = missing_left


@njit(_nrt=False)
def split_rows(codes, table, rows, out):
    """Left rows to the front of `out`, right rows from ``len(rows)`` on; returns the number of lefts. One store a row, no branch.

    codes : uint8[:], of all rows; rows : uint32[:]; out : uint32[:], at least twice as long
    """
    left, right, one, n_hinted = np.uint64(0), np.uint64(len(rows)), np.uint64(1), len(rows) - AHEAD
    for i in range(len(rows)):
        if i < n_hinted:
            prefetch(codes, np.uint64(rows[i + AHEAD]))
        row = rows[i]
        goes = np.uint64(table[codes[row]])
        out[right ^ ((left ^ right) & (np.uint64(0) - goes))] = row
        left += goes
        right += one - goes
    return np.int64(left)


@njit(_nrt=False)
def copy(source, out):
    """``out[:] = source``"""
    for i in range(len(source)):
        out[i] = source[i]


@njit(_nrt=False)
def partition(thread, n_threads, codes, start, stop, lists, turn, arrived):
    """Bring the left rows of ``start … stop`` to the front, in all threads' lists; returns the number of lefts.

    Many rows are divided: each thread splits a block into `spare`, then copies everybody's parts to its own list. Few are split by every
    thread for itself, which saves the barrier.
    """
    rows, table = lists.rows[thread, start:stop], lists.table[thread]
    n, shares, first_share = stop - start, n_threads, thread
    spare, counts = lists.spare[turn, 2 * start : 2 * stop], lists.counts[turn]
    if n <= SMALL:
        shares, first_share, spare, counts = 1, 0, lists.small[thread, : 2 * n], lists.counts[turn, thread * STRIDE :]
    first, last = n * first_share // shares, n * (first_share + 1) // shares
    counts[first_share * STRIDE] = split_rows(codes, table, rows[first:last], spare[2 * first : 2 * last])
    if shares > 1:
        barrier(arrived, thread, n_threads)
    lefts = np.int64(0)
    for t in range(shares):
        at, found = 2 * (n * t // shares), counts[t * STRIDE]
        copy(spare[at : at + found], rows[lefts : lefts + found])
        lefts += found
    to = lefts
    for t in range(shares):
        first, last = n * t // shares, n * (t + 1) // shares
        found = last - first - counts[t * STRIDE]
        copy(spare[first + last : first + last + found], rows[to : to + found])
        to += found
    return lefts
