"""Bringing the rows of a node that is split into order: marking who goes left, and partitioning all that is kept by node.

`sketch`, `columns`, `target`, `work` and `room` are references; see `fasttree._growth_state`.
"""

import numpy as np

from fasttree._jit import njit
from fasttree._jit_vector import LANES
from fasttree._splitting_categories import DONE, is_set, mark_coded_set, mark_presorted_set
from fasttree._splitting_categories_drawn import mark_drawn_set
from fasttree._splitting_encode import MISSING, PACKED_MISSING, PACKED_ROW, PACKED_SHIFT
from fasttree._splitting_scan import ABSOLUTE, MOMENT
from fasttree._splitting_search import NONE_MISSING

_LANES = np.uint64(LANES)


@njit(_nrt=False)
def mark_presorted(packed, cut, missing_left, side):
    """Set ``side[row]`` to 1 for the rows that go left."""
    for i in range(len(packed)):
        code = packed[i] >> PACKED_SHIFT
        side[packed[i] & PACKED_ROW] = missing_left if code == PACKED_MISSING else code <= cut


@njit(_nrt=False)
def mark_coded(codes, rows, cut, missing_left, goes_left):
    """Set ``goes_left[i]`` for the i-th of a node's rows."""
    for i in range(len(rows)):
        code = codes[rows[i]]
        goes_left[i] = missing_left if code == MISSING else code <= cut


@njit(_nrt=False)
def mark_cells(cells, threshold, missing_left, goes_left):
    """Set ``goes_left[i]`` for the i-th of a node's rows; `cells` hold its value in every fourth place."""
    for i in range(len(goes_left)):
        cell = cells[np.uint64(i) * _LANES]
        goes_left[i] = (cell <= threshold) | (missing_left & (cell != cell))


@njit(_nrt=False)
def split_cells(cells, threshold, rows, value, spare_rows, spare_value):
    """Partition a node's rows and their target in one pass; returns the number that go left.

    Missing values that go left are small already; see `send_missing_left`.
    """
    one = np.uint64(1)
    left, right = np.uint64(0), np.uint64(0)
    for i in range(len(rows)):
        row, y, cell = rows[i], value[i], cells[np.uint64(i) * _LANES]
        rows[left], value[left] = row, y
        spare_rows[right], spare_value[right] = row, y
        step = np.uint64(cell <= threshold)
        left += step
        right += one - step
    for i in range(right):
        rows[left + np.uint64(i)] = spare_rows[i]
        value[left + np.uint64(i)] = spare_value[i]
    return np.int64(left)


@njit(_nrt=False)
def mark_sides(target, rows, goes_left, side):
    """Set ``side[row]`` as well where absolute error wants it."""
    if target.family == ABSOLUTE:
        for i in range(len(rows)):
            side[rows[i]] = goes_left[i]


@njit(_nrt=False)
def partition(array, goes_left, spare):
    """Bring the entries that go left to the front, both parts in their former order; returns their number.

    Both stores are made for every entry, and one is overwritten: no branch to mispredict. Unsigned places need no test for
    negative ones (0.84 against 1.05 ns an entry).
    """
    one = np.uint64(1)
    left, right = np.uint64(0), np.uint64(0)
    for i in range(len(array)):
        entry = array[i]
        array[left] = entry
        spare[right] = entry
        step = np.uint64(goes_left[i])
        left += step
        right += one - step
    for i in range(right):
        array[left + np.uint64(i)] = spare[i]
    return np.int64(left)


@njit(_nrt=False)
def partition_target(target, start, stop, goes_left, spare):
    """Keep the ordered target in the order of the rows."""
    if not target.unit:
        partition(target.weight[start:stop], goes_left, spare)
    if target.family == MOMENT:
        partition(target.value[start:stop], goes_left, spare)
    n_outputs = target.outputs.shape[1]
    if n_outputs == 0:
        return
    flat = target.outputs.reshape(target.outputs.size)
    if n_outputs == 1:
        partition(flat[start:stop], goes_left, spare)
        return
    for output in range(n_outputs):
        left, right = start, 0
        for i in range(start, stop):
            y = flat[i * n_outputs + output]
            if goes_left[i - start]:
                flat[left * n_outputs + output] = y
                left += 1
            else:
                spare[right] = y
                right += 1
        for i in range(right):
            flat[(left + i) * n_outputs + output] = spare[i]


@njit(_nrt=False)
def partition_keys(keys, side, mask, spare):
    """The same for one feature's sorted keys, which stay sorted within each part; `side` says it by row, the key's bits in `mask`."""
    one = np.uint64(1)
    left, right = np.uint64(0), np.uint64(0)
    for i in range(len(keys)):
        key = keys[i]
        keys[left] = key
        spare[right] = key
        goes_left = np.uint64(side[key & mask])
        left += goes_left
        right += one - goes_left
    for i in range(right):
        keys[left + np.uint64(i)] = spare[i]


@njit(_nrt=False)
def partition_codes(columns, start, stop, goes_left, spare):
    """Keep codes that have the order of the rows in it: apart, a node's codes would lie in as many cache lines as it has rows."""
    if columns.ordered:
        for feature in range(columns.codes.shape[0]):
            partition(columns.codes[feature, start:stop], goes_left, spare)


@njit(_nrt=False)
def split_rows(sketch, node, columns, target, rows, room):
    """Carry out the split that was found for `node`; returns where its right child starts."""
    if sketch.cut[node] == DONE:
        return sketch.high[node]
    start, stop, feature = sketch.start[node], sketch.stop[node], sketch.feature[node]
    missing_left, part, goes_left = sketch.missing_left[node], rows[start:stop], room.goes_left[: stop - start]
    if columns.presorted:
        mark_presorted(columns.codes[feature, start:stop], sketch.cut[node], missing_left, columns.side)
        for i in range(len(part)):
            goes_left[i] = columns.side[part[i]]
        return start + partition(part, goes_left, room.rows)
    mark_coded(columns.codes[feature], columns.places[start:stop], sketch.cut[node], missing_left, goes_left)
    mark_sides(target, part, goes_left, columns.side)
    partition_codes(columns, start, stop, goes_left, room.rows)
    partition_target(target, start, stop, goes_left, room.target)
    return start + partition(part, goes_left, room.rows)


@njit(_nrt=False)
def split_at_once(sketch, node, word, columns, target, rows, work, room):
    """Bring the rows of a node with a random split or one by categories into order; ``sketch.high`` keeps where its right child starts.

    Done at once, while its values or the set of categories are at hand: whether the node is split later or not, its range of rows is
    its own.

    word : uint64, from which a random set of categories was drawn
    """
    start, stop, feature = sketch.start[node], sketch.stop[node], np.int64(sketch.feature[node])
    part, goes_left, missing_left = rows[start:stop], room.goes_left[: stop - start], sketch.missing_left[node]
    by_number = len(columns.table.values) > 0 and not is_set(work.categories, feature)
    cells, threshold = work.lanes.cells[work.lanes.best[0], work.lanes.best[1] :], 0.0
    if by_number:
        threshold = sketch.threshold[node]
    if by_number and target.family == MOMENT and target.unit:
        n_left = split_cells(cells, threshold, part, target.value[start:stop], room.rows, room.target)
    else:
        if by_number:
            mark_cells(cells, threshold, missing_left == 1, goes_left)
        elif columns.presorted:
            mark_presorted_set(columns.codes[feature, start:stop], work.categories.ints, missing_left, columns.side)
            for i in range(len(part)):
                goes_left[i] = columns.side[part[i]]
        elif len(columns.table.values) == 0:
            mark_coded_set(columns.codes[feature], columns.places[start:stop], work.categories.ints, missing_left, goes_left)
        else:
            mark_drawn_set(columns.table, feature, part, word, missing_left, work.categories, goes_left)
        if not columns.presorted:
            mark_sides(target, part, goes_left, columns.side)
            partition_codes(columns, start, stop, goes_left, room.rows)
            partition_target(target, start, stop, goes_left, room.target)
        n_left = partition(part, goes_left, room.rows)
    if missing_left == NONE_MISSING:
        sketch.missing_left[node] = 2 * n_left > len(part)
    sketch.high[node] = start + n_left


@njit(_nrt=False)
def split_keys(packed, start, stop, side, spare):
    """Partition every feature that isn't constant in the node (one that is stays constant below)."""
    for feature in range(packed.shape[0]):
        part = packed[feature, start:stop]
        if part[0] >> PACKED_SHIFT != part[-1] >> PACKED_SHIFT:
            partition_keys(part, side, PACKED_ROW, spare)
