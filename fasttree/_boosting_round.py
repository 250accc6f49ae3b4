"""One round of boosting on all threads: gradients, whole numbers from them, a tree, new raw predictions."""

import numpy as np

from fasttree._boosting_grow import grow
from fasttree._boosting_state import BLOCK, NODE, START, STOP
from fasttree._boosting_sync import STRIDE, barrier
from fasttree._histogram import MISSING
from fasttree._jit import FAST_MATH, njit
from fasttree._jit_reference import refer
from fasttree._losses_kernels import gradients

STOP_WORK, GRADIENTS, GROW, ADD = 0, 1, 2, 4  # commands; the last three may be combined


@njit(_nrt=False, fastmath=FAST_MATH)
def sum_blocks(gradients, hessians, first, last, sums):
    """Sums of |gradient| and hessian of the blocks ``first … last``. sums : float64[:, ::1], overwritten there"""
    n = len(gradients)
    for block in range(first, last):
        start, stop = block * BLOCK, min(block * BLOCK + BLOCK, n)
        g, h = gradients[start:stop], hessians[start:stop]
        total_g, total_h = 0.0, 0.0
        for i in range(len(g)):
            total_g += abs(g[i])
            total_h += h[i]
        sums[block, 0], sums[block, 1] = total_g, total_h


@njit(_nrt=False)
def find_units(sums, n, full):
    """What a whole number is worth, gradient and hessian: as little as the sum of all rows allows. NaN when a gradient is not finite."""
    total_g, total_h = 0.0, 0.0
    for block in range(len(sums)):
        total_g += sums[block, 0]
        total_h += sums[block, 1]
    if not (total_g < np.inf and total_h < np.inf):
        return np.nan, np.nan
    room = 2.0**62 if full else 2.0**31 * (1.0 - 1e-6) - 2.0 * n
    return max(total_g, 1e-300) / room, max(total_h, 1e-300) / room


@njit(_nrt=False)
def quantise_packed(gradients, hessians, units, out):
    """``out[i] = (gradient << 32) + hessian`` in whole numbers; a row that counts has a hessian of at least one."""
    per_g, per_h, half, zero = np.float32(1.0 / units[0]), np.float32(1.0 / units[1]), np.float32(0.5), np.float32(0)
    for i in range(len(gradients)):
        g = np.int64(np.int32(np.floor(gradients[i] * per_g + half)))
        h = np.int64(np.int32(hessians[i] * per_h + half))
        out[i] = (g << np.int64(32)) + max(h, np.int64(hessians[i] > zero))


@njit(_nrt=False)
def quantise_full(gradients, hessians, units, out_g, out_h):
    """As `quantise_packed`, 62 bits each."""
    for i in range(len(gradients)):
        out_g[i] = np.int64(np.floor(gradients[i] / units[0] + 0.5))
        out_h[i] = max(np.int64(hessians[i] / units[1] + 0.5), np.int64(hessians[i] > np.float32(0)))


@njit(_nrt=False)
def sum_values(values, totals):
    """Sums of quantised gradients and hessians. values : int64[:, :]; totals : int64[::1], its first two overwritten"""
    totals[0], totals[1] = 0, 0
    for i in range(values.shape[1]):
        if values.shape[0] == 2:
            totals[0] += values[0, i]
            totals[1] += values[1, i]
        else:
            totals[0] += values[0, i] >> np.int64(32)
            totals[1] += values[0, i] & np.int64(0xFFFFFFFF)


@njit(_nrt=False)
def quantise(thread, n_threads, output, n_rows, start, stop, rules, work):
    """Whole numbers for all rows, and their sums over the first `n_rows` rows of the lists; returns the units."""
    n_blocks, n = work.block_sums.shape[1], work.gradients.shape[1]
    g, h = work.gradients[output], work.hessians[output]
    sum_blocks(g, h, n_blocks * thread // n_threads, n_blocks * (thread + 1) // n_threads, work.block_sums[output])
    if thread == 0:
        for i in range(0, len(work.sums.claims), STRIDE):
            work.sums.claims[i] = 0
    barrier(work.arrived, thread, n_threads)
    units = find_units(work.block_sums[output], n, rules.full)
    if not units[0] > 0.0:
        return units
    if rules.full:
        quantise_full(g[start:stop], h[start:stop], units, work.sums.values[0, start:stop], work.sums.values[1, start:stop])
    else:
        quantise_packed(g[start:stop], h[start:stop], units, work.sums.values[0, start:stop])
    if n_rows == n:
        sum_values(work.sums.values[:, start:stop], work.sums.totals[thread])
        rows = work.lists.rows[thread]
        for i in range(n):
            rows[i] = i
    else:
        barrier(work.arrived, thread, n_threads)
        totals, single = work.sums.totals[thread], work.sums.private[thread, :, :1]
        gradient, hessian = np.int64(0), np.int64(0)
        for i in range(n_rows * thread // n_threads, n_rows * (thread + 1) // n_threads):
            for plane in range(len(single)):
                single[plane, 0] = work.sums.values[plane, work.lists.rows[thread, i]]
            sum_values(single, totals)
            gradient += totals[0]
            hessian += totals[1]
        totals[0], totals[1] = gradient, hessian
    barrier(work.arrived, thread, n_threads)
    return units


@njit(_nrt=False)
def find_leaf(codes, row, nodes, sets):
    """The leaf of one encoded row."""
    node = 0
    while nodes[node]["feature"] >= 0:
        f = nodes[node]["feature"]
        code = codes[f, row]
        if nodes[node]["category"] >= 0:
            left = (sets[nodes[node]["category"], code >> 6] >> np.uint64(code & 63)) & np.uint64(1) == np.uint64(1)
        elif code == MISSING:
            left = nodes[node]["missing_left"] == 1
        else:
            left = code <= nodes[node]["code"]
        node = nodes[node]["left"] + (0 if left else 1)
    return node


@njit(_nrt=False)
def add_tree(codes, nodes, sets, first, last, out):
    """Add a tree's values to the raw predictions of encoded rows ``first … last``. out : float64[:]"""
    for row in range(first, last):
        out[row] += nodes[find_leaf(codes, row, nodes, sets)]["value"]


@njit(_nrt=False)
def add_values(thread, n_threads, n_rows, n_leaves, data, work, tree, raw):
    """Add the new tree's values to the training rows' raw predictions: this thread's share of the lists."""
    rows, ints = work.lists.rows[thread], work.frontier.ints[thread]
    n = len(rows)
    first, last = n_rows * thread // n_threads, n_rows * (thread + 1) // n_threads
    for j in range(n_leaves):
        value = tree.nodes[ints[j, NODE]]["value"]
        for i in range(max(first, ints[j, START]), min(last, ints[j, STOP])):
            raw[rows[i]] += value
    rest = n - n_rows
    for i in range(n_rows + rest * thread // n_threads, n_rows + rest * (thread + 1) // n_threads):
        raw[rows[i]] += tree.nodes[find_leaf(data.codes, rows[i], tree.nodes, tree.sets)]["value"]


@njit(_nrt=False)
def take_part(thread, n_threads, data, target, rules, plan, work, tree):
    """The leader (thread 0) does the command and returns when all have; a helper serves until told to stop."""
    data, target, rules, plan, work, tree = refer(data), refer(target), refer(rules), refer(plan), refer(work), refer(tree)
    n, n_blocks = work.gradients.shape[1], work.block_sums.shape[1]
    start, stop = BLOCK * (n_blocks * thread // n_threads), min(BLOCK * (n_blocks * (thread + 1) // n_threads), n)
    while True:
        barrier(work.arrived, thread, n_threads)
        if work.arrived[n_threads * STRIDE] != 0 or work.command[0] == STOP_WORK:
            return
        todo, output, n_rows, seed = work.command[0], work.command[1], work.command[2], work.command[3]
        if todo & GRADIENTS:
            gradients(target, start, stop, work.gradients, work.hessians)
        if todo & GROW:
            units = quantise(thread, n_threads, output, n_rows, start, stop, rules, work)
            n_leaves = np.int64(0)
            if units[0] > 0.0:
                n_leaves = grow(thread, n_threads, n_rows, units, seed, data, rules, plan, work, tree)
            elif thread == 0:
                tree.size[0] = 0
            work.sums.totals[thread, 2] = n_leaves
            barrier(work.arrived, thread, n_threads)
        if todo & ADD:
            add_values(thread, n_threads, n_rows, work.sums.totals[thread, 2], data, work, tree, target.raw[output])
        barrier(work.arrived, thread, n_threads)
        if thread == 0:
            return
