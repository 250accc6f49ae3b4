"""Growing the top of a tree of many rows by values, down to nodes of few rows, below which subtrees are grown by themselves."""

from typing import NamedTuple

import numpy as np

from fasttree._growth_rows import partition, partition_target
from fasttree._growth_sums import add_up, add_up_values
from fasttree._jit import njit
from fasttree._jit_reference import refer
from fasttree._splitting_scan import MOMENT, Target
from fasttree._splitting_values import Room, part_values, search_values


class Top(NamedTuple):
    """Where subtrees begin, and what growing above them overwrites."""

    stubs: np.ndarray  # int64, shape (most nodes, 4): node, start and stop of its rows, and depth of each top of a subtree
    stack: np.ndarray  # int64, shape (most nodes + 1, 4): start, stop, depth and parent of the nodes that come next
    counts: np.ndarray  # int64, shape (2,): nodes, subtrees
    goes_left: np.ndarray  # uint8, shape (n_rows,)
    spare: np.ndarray  # uint32, shape (n_rows,)
    spare_target: np.ndarray  # float64, shape (n_rows,)
    search: Room


@njit(_nrt=False)
def add_up_top(target, rows, start, stop, sums):
    """Weight and sums of a node, and whether all its rows have the same target; just as `fasttree._growth.open_node` adds them up."""
    if not target.unit:
        return add_up(target, rows, start, stop, True, sums)
    if not target.classes:
        return add_up_values(target, start, stop, sums)
    second = 0.0
    for i in range(start, stop):
        second += target.value[i]
    weight = np.float64(stop - start)
    sums[0], sums[1] = weight - second, second
    return weight, second == 0.0 or second == weight


@njit(_nrt=False)
def local_target(target, start, stop):
    """The part of the ordered target that is a node's."""
    weight = target.weight if target.unit else target.weight[start:stop]
    return Target(MOMENT, target.classes, target.n_slots, target.unit, weight, target.value[start:stop], target.outputs[:0])


@njit(_nrt=False)
def split_top(node, found, place, table, target, rows, start, stop, nodes, top):
    """Carry out the split by feature `found` whose last row on the left is at `place`; returns where the right child starts."""
    part, goes_left, values = rows[start:stop], top.goes_left[: stop - start], table.values
    row = np.int64(part[place])
    cut = np.float64(values[row * table.row_stride + found * table.column_stride])
    low, high, n_left = part_values(table, part, found, cut, goes_left)
    nodes.feature[node], nodes.missing_left[node] = found, 2 * n_left > len(part)
    nodes.low[node], nodes.high[node], nodes.threshold[node] = part[low], part[high], 0.0
    partition_target(target, start, stop, goes_left, top.spare_target)
    return start + partition(part, goes_left, top.spare)


@njit(_nrt=False)
def grow_top(table, spread, target, rows, rules, n_sorted, nodes, top):
    """Grow a tree by squared error, or Gini of two classes, where nodes have more than `n_sorted` rows.

    target : in the order of `rows`, which are reordered alike
    nodes : filled in preorder; tops of subtrees look like leaves
    """
    spread, target, rules, nodes, top = refer(spread), refer(target), refer(rules), refer(nodes), refer(top)
    stack, stubs, search = top.stack, top.stubs, top.search
    stack[0, 0], stack[0, 1], stack[0, 2], stack[0, 3] = 0, len(rows), 0, -1
    waiting, n_nodes, n_stubs = 1, 0, 0
    while waiting:
        waiting -= 1
        start, stop, depth, parent = stack[waiting, 0], stack[waiting, 1], stack[waiting, 2], stack[waiting, 3]
        node, size = n_nodes, stop - start
        n_nodes += 1
        if parent >= 0:
            nodes.right[parent] = node  # at last the right child, which comes later
        weight, pure = add_up_top(target, rows, start, stop, nodes.sums[node])
        nodes.size[node], nodes.weight[node], nodes.left[node], nodes.right[node] = size, weight, -1, -1
        nodes.feature[node], nodes.threshold[node], nodes.missing_left[node] = -2, -2.0, 0
        nodes.low[node], nodes.high[node] = 0, 0
        is_open = depth < rules.max_depth and size >= rules.min_split and size >= 2 * rules.min_leaf and weight >= 2.0 * rules.min_weight
        if pure or not is_open:
            continue
        if size <= n_sorted:
            stubs[n_stubs, 0], stubs[n_stubs, 1], stubs[n_stubs, 2], stubs[n_stubs, 3] = node, start, stop, depth
            n_stubs += 1
            continue
        total = nodes.sums[node, 1 if target.classes else 0]
        local = refer(local_target(target, start, stop))
        found, place = search_values(table, rows[start:stop], spread, local, weight, total, rules, search)
        if found < 0:
            continue
        middle = split_top(node, found, place, table, target, rows, start, stop, nodes, top)
        nodes.left[node] = node + 1
        stack[waiting, 0], stack[waiting, 1], stack[waiting, 2], stack[waiting, 3] = middle, stop, depth + 1, node
        stack[waiting + 1, 0], stack[waiting + 1, 1], stack[waiting + 1, 2], stack[waiting + 1, 3] = start, middle, depth + 1, -1
        waiting += 2
    top.counts[0], top.counts[1] = n_nodes, n_stubs
