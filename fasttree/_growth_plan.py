"""From validated arrays to a fitted tree: choose the search, allocate, grow, number, weigh."""

import functools
from typing import NamedTuple

import numpy as np
import scipy.sparse

from fasttree._growth_criteria import family_of
from fasttree._growth_finish import finish
from fasttree._growth_late import addresses_for
from fasttree._growth_many import Lot, grow_many
from fasttree._growth_number import new_nodes, number_nodes
from fasttree._growth_state import Columns, Room, Sketch, new_sketch
from fasttree._pages import unused
from fasttree._splitting_absolute import Absolute
from fasttree._splitting_bound import N_AT_ONCE, N_BUCKETS
from fasttree._splitting_categories import new_categories
from fasttree._splitting_encode import MISSING, MOST_PACKED, PACKED_MISSING, PACKED_ROW, PACKED_SHIFT, encode, keys_of
from fasttree._splitting_own import FAILED, RAISED, compile_own, prepare_own
from fasttree._splitting_random import Table, new_lanes
from fasttree._splitting_scan import ABSOLUTE, ENTROPY, GINI, MOMENT, SQUARED, Target
from fasttree._splitting_search import N_LATE, Work
from fasttree._splitting_values import measure_spread

_SMALL = 1 << 18  # cells of X up to which it is laid out feature by feature for random thresholds,
_MANY_TREES = 16  # from so many trees on: of 281 x 774, laying out takes as long as 13 trees save by it
_FEW_ROWS = 1024  # which are presorted however many features they have: nodes of more are searched by bounds
_KEYS = 1 << 19  # of a subtree: half as many and twice as many took longer (100,000 x 20: 150 to 155 ms)


def n_sorted_rows(n_rows, n_features):
    """Of how many rows a tree on all features, or a subtree of it, is presorted."""
    few = _FEW_ROWS if n_rows <= _FEW_ROWS else min(_FEW_ROWS, n_rows // 4)
    return min(max(few, _KEYS // n_features), MOST_PACKED)


class Problem(NamedTuple):
    """What the trees of one forest share."""

    X: object  # ndarray or csc matrix, shape (n_rows, n_features): thresholds come from it
    outputs: np.ndarray  # float64, shape (n_rows, n_outputs): slots of classes, or targets less `offset` (and squares, for OWN)
    offset: np.ndarray  # float64, shape (n_outputs,)
    n_classes: np.ndarray  # int64, shape (n_outputs,); 1 for regression
    classes: bool
    criterion: object  # a name or the user's function
    max_features: int
    presorted: bool  # see `fasttree._growth_state.Columns`
    ordered: bool
    n_sorted: int
    codes: np.ndarray
    values: np.ndarray
    has_missing: np.ndarray  # bool, shape (n_features,); not filled where all is presorted
    by_target: np.ndarray  # uint64, shape (n_outputs, n_rows), or no rows: keys of the targets, for absolute error
    signs: np.ndarray  # int8, shape (n_features,): monotonic constraints; empty without any
    n_categories: np.ndarray  # int64, shape (n_features,), 0 for features of numbers; empty without any of categories
    category_codes: np.ndarray  # uint32, shape (n_features of categories, n_rows)
    spread: object  # `Spread` of the features of a tree whose large nodes are searched by values, which needs no codes; else None
    benches: list  # memory that no thread is using


def plan(
    X,
    y,
    *,
    n_classes,
    criterion,
    max_features,
    splitter="best",
    weight=None,
    signs=None,
    n_categories=None,
    best_first=False,
    by_values=False,
    n_trees=1,
    n_jobs=None,
):
    """Encode `X` and `y` once for any number of trees.

    Parameters
    ----------
    X : ndarray or csc matrix, shape (n_rows, n_features)
    y : ndarray of float64, shape (n_rows, n_outputs)
        Class numbers or targets.
    n_classes : ndarray of int, shape (n_outputs,), or None for regression
    criterion : str or function
    max_features : int
    splitter : {"best", "random"}
    weight : ndarray of float64, shape (n_rows,), or None
        Rows of weight 0, which no tree will use, leave no trace.
    signs : ndarray of int8, shape (n_features,), or None
        Monotonic constraints.
    n_categories : ndarray of int64, shape (n_features,), or None
        Of features of categories, whose values are numbers below it; 0 for the others. None without any, as for sparse `X`.
    best_first : bool
        Whether the number of leaves is limited.
    by_values : bool
        Whether large nodes may be searched by values, which serves a single tree: others would share the codes.
    n_trees : int
        That are to be grown.
    n_jobs : int or None
    """
    n_features, classes = X.shape[1], n_classes is not None
    outputs, offset, n_classes = _outputs(y, n_classes, criterion, weight)
    random = splitter == "random"
    all_features = max_features == n_features and not random
    n_categories = np.empty(0, dtype=np.int64) if n_categories is None else n_categories
    packable = all_features and np.max(n_categories, initial=0) <= MOST_PACKED
    n_sorted = n_sorted_rows(*X.shape) if packable else 0
    presorted = packable and len(y) <= (MOST_PACKED if best_first else n_sorted)
    if best_first and not presorted:
        n_sorted //= 16  # not every node grows into a subtree: 31 leaves of 100,000 x 20 take a tenth less than with all of it
    values, has_missing, spread = np.empty((0, n_features)), np.zeros(n_features, dtype=bool), None
    by_values = by_values and all_features and not presorted and not best_first and signs is None and not len(n_categories)
    by_values = by_values and _is_moment(criterion, outputs, n_classes) and _is_plain(X)
    if by_values:
        codes, spread = np.empty((n_features, 0), dtype=np.uint32), measure_spread(X)
    elif random:
        codes = np.empty((n_features, 0), dtype=np.uint32)
        values = _lay_out(X.toarray() if scipy.sparse.issparse(X) else X, n_trees)
        with np.errstate(over="ignore", invalid="ignore"):  # of large values
            total = np.sum(values)
        if np.isnan(total):
            has_missing = np.isnan(values).any(axis=0)
    else:
        codes = encode(X, packed=presorted, n_jobs=n_jobs)
    category_codes = _number_categories(X, n_categories, codes, presorted)
    if codes.shape[1] and not presorted:
        has_missing = codes.max(axis=1) == MISSING
    absolute = family_of(criterion) == ABSOLUTE
    by_target = np.stack([keys_of(column) for column in y.T]) if absolute else np.empty((0, len(y)), dtype=np.uint64)
    return Problem(
        X,
        np.require(outputs, requirements=["C", "W"]),
        offset,
        n_classes,
        classes,
        criterion,
        max_features,
        presorted,
        all_features and not presorted,
        n_sorted,
        codes,
        values,
        has_missing,
        by_target,
        np.empty(0, dtype=np.int8) if signs is None else signs,
        n_categories,
        category_codes,
        spread,
        [],
    )


def _outputs(y, n_classes, criterion, weight):
    """`outputs`, `offset` and `n_classes` of the problem."""
    n_outputs = y.shape[1]
    offset = np.zeros(n_outputs)
    if n_classes is not None:
        return y if n_outputs == 1 else y + np.concatenate([[0], np.cumsum(n_classes)[:-1]]), offset, n_classes
    if family_of(criterion) in (SQUARED, ABSOLUTE):
        offset = _central(y if weight is None else y[weight > 0])
    if family_of(criterion) == ABSOLUTE:  # whose leaves hold targets: only where these come back unchanged
        offset = np.where(np.all((y - offset) + offset == y, axis=0), offset, 0.0)
    return np.hstack([y, y**2]) if callable(criterion) else y - offset, offset, np.ones(n_outputs, dtype=np.int64)


def _is_plain(X):
    """Whether kernels can read `X` where it lies, and no value is missing."""
    if scipy.sparse.issparse(X) or not X.flags.forc or not X.flags.writeable:
        return False
    with np.errstate(over="ignore", invalid="ignore"):  # of large values, which are taken for missing ones if they add up to none
        return not np.isnan(np.sum(X))


def _number_categories(X, n_categories, codes, presorted):
    """Codes of the features of categories: their numbers, whether `X` holds all of them or not. `codes` receives them."""
    features = np.flatnonzero(n_categories)
    own = np.empty((len(features), X.shape[0]), dtype=np.uint32)
    for place, feature in enumerate(features):
        column = X[:, feature].astype(np.float64)  # MISSING is no float32
        own[place] = np.where(np.isnan(column), np.float64(MISSING), column)
        if presorted:
            rows = codes[feature] & PACKED_ROW
            codes[feature] = (np.minimum(own[place, rows], PACKED_MISSING) << PACKED_SHIFT) | rows
        elif codes.shape[1]:
            codes[feature] = own[place]
    return own


def _lay_out(X, n_trees):
    """`X` in C or Fortran order, writable, for random thresholds.

    No copy where the layout serves; read-only memory is copied, which costs less than kernels compiled for it. What is small is laid out
    feature by feature for many trees: a node's rows then share lines of memory.
    """
    by_column = X.flags.f_contiguous or (X.size <= _SMALL and n_trees >= _MANY_TREES)
    return np.require(X, requirements=["F" if by_column else "C", "W"])


def table_of(values):
    """`values`, which are in C or Fortran order."""
    if values.flags.c_contiguous:
        return Table(values.reshape(-1), values.shape[1], 1)
    return Table(values.T.reshape(-1), 1, values.shape[0])


def _central(y):
    """Each output's target nearest the mean: sums of squares of centred targets lose no digits, and whole numbers stay whole."""
    nearest = np.argmin(np.abs(y - y.mean(axis=0)), axis=0)
    return y[nearest, np.arange(y.shape[1])]


def grow_trees(problem, weights, rules, seeds):
    """Grow trees one after the other on kept memory.

    Fresh memory for each tree, numbered and weighed on its own, took three quarters of the time of small trees.

    Parameters
    ----------
    problem : Problem
    weights : list of float64 ndarrays, shape (n_rows,)
        One per tree, or a single one for all trees. Rows of weight 0 take no part. Emptied when the trees are grown.
    rules : callable (weight) -> Rules
    seeds : list of int

    Returns
    -------
    Trees
    """
    bench = problem.benches.pop() if problem.benches else None  # a thread takes one that is free
    if bench is None or bench.n_trees < len(seeds):
        bench = new_bench(problem, len(seeds), rules(weights[0]))
    lot = grow_lot(problem, bench, weights, rules, seeds)
    weights.clear()
    nodes = number_lot(problem, bench.sketch, lot)
    problem.benches.append(bench)
    return finish(problem, nodes, lot)


class Bench(NamedTuple):
    """Memory that one thread grows its trees on."""

    work: Work
    room: Room
    codes: np.ndarray  # uint32, shape (n_features, n_rows), those of the rows of a tree on all features; else the problem's
    places: np.ndarray  # uint32, shape (n_rows,), or empty; see `fasttree._growth_state.Columns`
    side: np.ndarray  # uint8, shape (n_rows,), or empty
    sketch: Sketch
    own: object  # the user's criterion, which must live as long as its addresses in `work`, or None
    n_trees: int  # that there is room for


def _most_nodes(n_rows, rules):
    """Nodes that a tree on so many rows can have."""
    return 2 * min(n_rows, rules.max_leaves, 2 ** min(rules.max_depth, 31)) - 1


def new_bench(problem, n_trees, rules, own=False, alike=False):
    """own : whether the problem's own codes may be overwritten; with `alike`, where all rows weigh one, its targets as well"""
    n_rows, n_slots = len(problem.outputs), _slots(problem)
    all_features = problem.presorted or problem.ordered
    criterion = compile_own(problem.criterion, problem.classes) if callable(problem.criterion) else None
    work = _work(problem, criterion, alike)
    spare = work.spare.view(np.uint32) if len(work.spare) else np.empty(n_rows, dtype=np.uint32)
    n_most, n_sums = n_trees * _most_nodes(n_rows, rules), n_slots if problem.classes or criterion else 2 * n_slots
    return Bench(
        work,
        Room(
            goes_left=np.empty(n_rows, dtype=np.uint8),
            rows=spare[:n_rows],
            target=work.keys.view(np.float64),
            **unused(n_rows, {"frontier": (np.int32, (n_rows // 2 + 2, 2))}),
            counts=np.empty(3, dtype=np.int64),
        ),
        np.empty_like(problem.codes) if all_features and not own else problem.codes,
        np.empty(n_rows if problem.ordered else 0, dtype=np.uint32),
        np.empty(n_rows if all_features or len(problem.by_target) else 0, dtype=np.uint8),
        new_sketch(n_rows, n_most, n_sums, n_most if len(problem.signs) else 0, n_most if len(problem.values) else 0),
        criterion,
        n_trees,
    )


def grow_lot(problem, bench, weights, rules, seeds):
    """Grow trees into the sketch of `bench`, nothing of whose former content is read; returns their `Lot`."""
    n_trees, n_rows = len(seeds), len(problem.outputs)
    every_rule = [rules(weight) for weight in weights]
    lot = Lot(
        np.require(weights[0], requirements=["C", "W"])[None] if len(weights) == 1 else np.stack(weights),
        np.array([own.min_weight for own in every_rule]),
        np.array(seeds, dtype=np.uint64),
        np.empty((n_trees, n_rows), dtype=np.uint32),
        np.zeros(n_trees + 1, dtype=np.int64),
    )
    columns = Columns(
        problem.presorted,
        problem.ordered,
        problem.n_sorted,
        bench.codes,
        bench.places,
        np.empty(0, dtype=np.uint32),
        bench.side,
        table_of(problem.values),
        problem.has_missing,
        bool(problem.has_missing.any()),
        problem.max_features,
    )
    codes = np.ascontiguousarray(problem.codes[:, :0] if bench.codes is problem.codes else problem.codes)
    target, work = _target(problem, lot.weights), bench.work
    if not np.array_equal(lot.weights, np.trunc(lot.weights)):
        work = work._replace(table=np.empty(0))
    work.addresses[:] = addresses_for(columns, target, work, rules=every_rule[0], sketch=bench.sketch, room=bench.room)
    if grow_many(columns, codes, problem.by_target, target, lot, every_rule[0], bench.sketch, work, bench.room):
        did = "raised an exception" if work.own.numbers[FAILED] == RAISED else "gave NaN for a split that was tried"
        raise ValueError(f"criterion={problem.criterion!r} {did}; it must give a number for any node's sums and weight")
    return lot._replace(weights=None, rows=lot.rows if len(problem.n_categories) else np.empty((n_trees, 0), dtype=np.uint32))


def number_lot(problem, sketch, lot):
    """The nodes of all trees in their final order."""
    nodes = new_nodes(len(problem.outputs), lot.stops[-1], sketch.sums.shape[1], len(problem.signs) > 0)
    number_nodes(sketch, lot.stops, np.empty((np.max(np.diff(lot.stops)) + 1, 2), dtype=np.int64), nodes)
    return nodes


def _is_moment(criterion, outputs, n_classes):
    """Whether one number per row suffices."""
    family = family_of(criterion)
    return outputs.shape[1] == 1 and (family == SQUARED or (family == GINI and n_classes[0] == 2))


def _family(problem):
    moment = _is_moment(problem.criterion, problem.outputs, problem.n_classes)
    return MOMENT if moment else family_of(problem.criterion)


def _slots(problem):
    if callable(problem.criterion) and not problem.classes:
        return problem.outputs.shape[1]
    return int(np.sum(problem.n_classes))


def _target(problem, weights):
    """The target of all trees; weights and what depends on them are the tree's own."""
    family, n_rows = _family(problem), len(problem.outputs)
    if family == MOMENT and len(weights) == 1 and np.all(weights == 1.0):
        value = problem.outputs.reshape(-1)  # which are overwritten with themselves
    else:
        value = np.empty(n_rows if family == MOMENT and problem.presorted else 0)
    return Target(family, problem.classes, _slots(problem), False, np.empty(0), value, problem.outputs)


def _absolute(problem):
    n_outputs, n_rows = problem.by_target.shape
    return Absolute(
        np.empty((n_outputs, n_rows), dtype=np.uint64),
        floats=np.empty((2 * n_outputs + 4, n_rows + 2) if n_outputs else (0, 0)),
        places=np.empty((n_outputs + 4, n_rows + 2) if n_outputs else (0, 0), dtype=np.uint32),
    )


def _work(problem, own, alike):
    n_rows = len(problem.outputs)
    sampled = 0 if problem.presorted else n_rows
    moment = _family(problem) == MOMENT
    told = moment and alike  # rows and targets start in the order that they have, and are reordered where they are
    pair = _family(problem) == ENTROPY and _slots(problem) == 2 and problem.outputs.shape[1] == 1
    n_bounded = min(problem.max_features, N_AT_ONCE) if sampled and (moment or pair) else 0
    n_spare = n_rows if len(problem.values) == 0 or problem.by_target.size else 0
    room = 8
    while room < 2 * sampled + 2:
        room *= 2
    kinds = {
        "keys": (np.uint64, (n_rows,)),
        "spare": (np.uint64, (n_spare,)),
        "weight": (np.float64, (0 if alike else sampled,)),
        "value": (np.float64, (sampled if (moment and not told) or n_bounded else 0,)),
        "outputs": (np.float64, (0 if told else sampled, problem.outputs.shape[1])),
        "places": (np.uint32, (room,)),
    }
    arrays = unused(n_rows, kinds)
    if told:
        arrays["value"] = problem.outputs.reshape(-1)
    return Work(
        left=np.empty(_slots(problem)),
        right=np.empty(_slots(problem)),
        table=_xlogx_table() if _family(problem) == ENTROPY else np.empty(0),
        order=np.arange(problem.X.shape[1]),
        random=np.zeros(1, dtype=np.uint64),
        values=np.empty(n_rows if len(problem.values) else 0),
        **arrays,
        histograms=np.empty((n_bounded, N_BUCKETS, 4)),
        bounds=np.empty((n_bounded, N_BUCKETS)),
        tops=np.empty(n_bounded),
        ranges=np.empty((n_bounded, 2), dtype=np.int64),
        bounded=np.empty(problem.max_features, dtype=np.int64),
        no_outputs=np.empty((0, 0)),
        absolute=_absolute(problem),
        own=prepare_own(own, _slots(problem)),
        signs=problem.signs,
        categories=new_categories(problem.n_categories, 1 if moment or problem.by_target.size else _slots(problem)),
        lanes=new_lanes(n_rows if len(problem.values) else 0, problem.values.dtype),
        addresses=np.zeros(N_LATE, dtype=np.int64),
    )


@functools.cache
def _xlogx_table():
    x = np.arange(1 << 14, dtype=np.float64)
    return x * np.log(np.maximum(x, 1.0))
