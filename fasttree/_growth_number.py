"""From the order in which nodes were made to the order in which they are kept."""

from typing import NamedTuple

import numpy as np

from fasttree._jit import njit
from fasttree._jit_reference import refer
from fasttree._pages import unused
from fasttree._splitting_categories import DONE


class Nodes(NamedTuple):
    """A grown tree in preorder, one entry per node; the fields are the sketch's."""

    left: np.ndarray  # int32, -1 for leaves
    right: np.ndarray  # int32
    feature: np.ndarray  # int32, -2 for leaves
    low: np.ndarray  # int32
    high: np.ndarray  # int32
    threshold: np.ndarray  # float64, -2 for leaves, NaN by a set of categories; only that where the sketch has none
    missing_left: np.ndarray  # uint8
    size: np.ndarray  # int32: rows
    weight: np.ndarray  # float64
    sums: np.ndarray  # float64, shape (n_nodes, n_slots)
    bounds: np.ndarray  # float64, shape (n_nodes, 2), or without rows


def new_nodes(n_rows, n_nodes, n_slots, bounded, kept=True):
    """Room for `n_nodes` of trees of `n_rows`; what no tree keeps lies apart from the rest.

    kept : whether trees keep the rest; else what isn't written takes no memory
    """
    keeps = {
        "threshold": (np.float64, (n_nodes,)),
        "weight": (np.float64, (n_nodes,)),
        **{name: (np.int32, (n_nodes,)) for name in ("left", "right", "feature", "size")},
        "missing_left": (np.uint8, (n_nodes,)),
    }
    passing = {
        "sums": (np.float64, (n_nodes, n_slots)),
        "bounds": (np.float64, (n_nodes if bounded else 0, 2)),
        **{name: (np.int32, (n_nodes,)) for name in ("low", "high")},
    }
    own = {name: np.empty(shape, kind) for name, (kind, shape) in keeps.items()} if kept else unused(n_rows, keeps)
    return Nodes(**own, **unused(n_rows, passing))


@njit(_nrt=False)
def number_nodes(sketch, stops, stack, nodes):
    """Copy sketches to `nodes`, which are as many, each in preorder: a left child comes right after its parent.

    stops : int64[::1], shape (n_trees + 1,), where the nodes of each tree start and end
    stack : int64[:, ::1], shape (greatest number of nodes + 1, 2), overwritten
    """
    sketch, nodes = refer(sketch), refer(nodes)
    for tree in range(len(stops) - 1):
        first = stops[tree]
        stack[0, 0], stack[0, 1] = 0, -1
        depth, place = 1, 0
        while depth:
            depth -= 1
            node, parent = first + stack[depth, 0], stack[depth, 1]
            copy_node(sketch, node, nodes, first + place)
            if parent >= 0:
                nodes.right[first + parent] = place
            left = sketch.left[node]
            if left >= 0:
                nodes.left[first + place] = place + 1
                stack[depth, 0], stack[depth, 1] = left + 1, place
                stack[depth + 1, 0], stack[depth + 1, 1] = left, -1
                depth += 2
            place += 1


@njit(_nrt=False)
def copy_node(sketch, node, nodes, place):
    """All but the numbers of children, which are -1."""
    nodes.left[place] = nodes.right[place] = -1
    nodes.size[place] = sketch.stop[node] - sketch.start[node]
    nodes.weight[place] = sketch.weight[node]
    for slot in range(nodes.sums.shape[1]):
        nodes.sums[place, slot] = sketch.sums[node, slot]
    if len(nodes.bounds):
        nodes.bounds[place, 0], nodes.bounds[place, 1] = sketch.bounds[node, 0], sketch.bounds[node, 1]
    if sketch.left[node] < 0:
        nodes.feature[place], nodes.threshold[place], nodes.missing_left[place] = -2, -2.0, 0
        nodes.low[place] = nodes.high[place] = 0
    else:
        nodes.feature[place], nodes.missing_left[place] = sketch.feature[node], sketch.missing_left[node]
        if len(sketch.threshold):
            nodes.threshold[place] = sketch.threshold[node]
        else:
            nodes.threshold[place] = np.nan if sketch.cut[node] == DONE else 0.0
        nodes.low[place], nodes.high[place] = sketch.low[node], sketch.high[node]
