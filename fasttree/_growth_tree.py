"""Growing a single tree: on its problem's codes, or, of many rows, without any, which would take more memory than all the rest."""

import itertools

import numpy as np

from fasttree._growth_finish import finish
from fasttree._growth_large import Top, grow_top
from fasttree._growth_many import Lot
from fasttree._growth_number import Nodes, new_nodes
from fasttree._growth_plan import grow_lot, new_bench, number_lot, table_of
from fasttree._pages import unused
from fasttree._splitting_bound import N_AT_ONCE, N_BUCKETS
from fasttree._splitting_encode import room_to_sort
from fasttree._splitting_scan import MOMENT, Target
from fasttree._splitting_values import Room, rank_rows, rows_at_once
from fasttree._tree import Tree


def grow_tree(problem, weight, rules, seed):
    """Grow the only tree of a problem; see `fasttree._growth_plan.grow_trees`. Without `weight`, all rows weigh one.

    The problem's own codes are overwritten. What only growing needs is let go before the tree is laid out: a caller that keeps no
    problem has the memory for it.
    """
    if problem.spread is not None:
        return _grow_large(problem, weight, rules, seed)
    weight = np.ones(len(problem.outputs)) if weight is None else weight
    bench = new_bench(problem, 1, rules, own=bool(np.all(weight > 0.0)), alike=bool(np.all(weight == 1.0)))
    lot, sketch = grow_lot(problem, bench, [weight], lambda weight: rules, [seed]), bench.sketch
    none = np.empty((0, 0))
    bench, weight, problem = None, None, problem._replace(codes=none, by_target=none)
    nodes = number_lot(problem, sketch, lot)
    del sketch
    return next(iter(finish(problem, nodes, lot)))


def _grow_large(problem, weight, rules, seed):
    """Grow a tree whose large nodes are searched by values, and each subtree below them on keys of its own, one after the other."""
    table, (rows, target) = table_of(problem.X), _order(problem, weight)
    nodes, stubs = _grow_top(problem, table, target, rows, rules)
    top = next(iter(finish(problem, nodes, _lot_of(len(nodes.left)))))
    return _join(top, stubs[:, 0], _grow_below(problem, table, target, rows, rules, stubs, seed)) if len(stubs) else top


def _grow_below(problem, table, target, rows, rules, stubs, seed):
    """The subtrees."""
    n_most, n_features = int(np.max(stubs[:, 2] - stubs[:, 1])), problem.X.shape[1]
    below = problem._replace(presorted=True, ordered=False, **unused(len(problem.X), {"codes": (np.uint32, (n_features, n_most))}))
    bench = new_bench(below._replace(outputs=np.broadcast_to(0.0, (n_most, 1))), 1, rules, own=True)
    return [_grow_stub(below, bench, table, target, rows, rules, stub, seed) for stub in stubs.tolist()]


def _grow_stub(problem, bench, table, target, rows, rules, stub, seed):
    """One of them; `problem` and `bench` are those of all."""
    _, start, stop, depth = stub
    part, names = slice(start, stop), rows[start:stop]
    _rank(table, names, problem.codes, len(problem.X))
    outputs = target.value[part].reshape(-1, 1) if target.unit else target.outputs[part]
    weight = np.ones(stop - start) if target.unit else target.weight[part]
    problem, rules = problem._replace(outputs=outputs), rules._replace(max_depth=rules.max_depth - depth)
    lot = grow_lot(problem, bench, [weight], lambda weight: rules, [seed])
    nodes = number_lot(problem, bench.sketch, lot)
    nodes.low[:], nodes.high[:] = names[nodes.low], names[nodes.high]
    return next(iter(finish(problem, nodes, lot)))


def _rank(table, rows, codes, n_all):
    """Packed keys of some rows, by themselves."""
    room = room_to_sort(len(rows), n_all)
    rank_rows(table, rows, True, codes, room["cells"], room["bits"], room["values"], room["order"], room["counts"])


def _lot_of(n_nodes):
    """What `finish` asks of the lot of one tree."""
    return Lot(None, None, None, np.empty((1, 0), dtype=np.uint32), np.array([0, n_nodes]))


def _order(problem, weight):
    """Rows that take part, and their target in the order of the rows; without weights it is the problem's own memory."""
    outputs, n_slots, none = problem.outputs, int(np.sum(problem.n_classes)), np.empty((0, 0))
    if weight is None:
        rows, unit, value = np.arange(len(outputs), dtype=np.uint32), True, outputs.reshape(-1)
    else:
        rows = np.flatnonzero(weight).astype(np.uint32)
        weight = weight[rows]
        unit, value = bool(np.all(weight == 1.0)), weight * outputs[rows, 0]
    weight, outputs = (np.empty(0), none) if unit else (weight, outputs[rows])
    return rows, Target(MOMENT, problem.classes, n_slots, unit, weight, value, outputs)


def _grow_top(problem, table, target, rows, rules):
    """The nodes above the subtrees, whose tops are leaves of it; and the subtrees: node, start, stop and depth of their tops."""
    n_rows, n_features = len(rows), problem.X.shape[1]
    n_most, at_once, n_groups = 2 * max(n_rows - problem.n_sorted, 0) + 1, rows_at_once(n_features), min(n_features, N_AT_ONCE)
    nodes = new_nodes(n_rows, n_most, 2, bounded=False, kept=False)
    kinds = {
        "stubs": (np.int64, (n_most, 4)),
        "stack": (np.int64, (n_most + 1, 4)),
        "spare_target": (np.float64, (n_rows,)),
        "keys": (np.uint64, (n_rows,)),
        "places": (np.uint32, (n_rows,)),
        "spare": (np.uint32, (n_rows,)),
        "goes_left": (np.uint8, (n_rows,)),
    }
    own = unused(n_rows, kinds)
    search = Room(
        block=np.empty(at_once),
        buckets=np.empty(at_once, dtype=np.int32),
        histograms=np.empty((n_groups, N_BUCKETS, 4)),
        bounds=np.empty((n_groups, N_BUCKETS)),
        table=np.empty(0),
        low=np.empty(n_groups),
        high=np.empty(n_groups),
        ends=np.empty(N_BUCKETS, dtype=np.int64),
        places=own["places"],
        keys=own["keys"],
        **room_to_sort(n_rows, n_rows, width=8),
    )
    top = Top(own["stubs"], own["stack"], np.zeros(2, dtype=np.int64), own["goes_left"], own["spare"], own["spare_target"], search)
    grow_top(table, problem.spread, target, rows, rules, problem.n_sorted, nodes, top)
    n_nodes, n_stubs = top.counts.tolist()
    return Nodes(*(array[:n_nodes].copy() for array in nodes)), top.stubs[:n_stubs].copy()


def _join(top, stubs, trees):
    """One tree in preorder, with `trees` in the place of the leaves `stubs`, ascending, of `top`."""
    sizes = np.array([tree.node_count for tree in trees])
    begins = stubs + np.cumsum(sizes) - sizes - np.arange(len(stubs))  # of the trees
    grown = np.zeros(top.node_count + 1, dtype=np.int32)
    grown[stubs + 1] = sizes - 1
    moved = np.arange(top.node_count, dtype=np.int32) + np.cumsum(grown[:-1], dtype=np.int32)
    arrays = {}
    for name in Tree.NODE_ARRAYS:
        whole, parts = getattr(top, name), [getattr(tree, name) for tree in trees]
        if name.startswith("children"):
            whole = np.where(whole < 0, whole, moved[whole])
            parts = [np.where(part < 0, part, part + begin) for part, begin in zip(parts, begins.astype(np.int32), strict=True)]
        pieces = [[whole[after + 1 : stub], part] for after, stub, part in zip([-1, *stubs[:-1]], stubs, parts, strict=True)]
        arrays[name] = np.concatenate([*itertools.chain.from_iterable(pieces), whole[stubs[-1] + 1 :]])
    return Tree(arrays, top.n_features, top.n_classes)
