"""Which of the kernels that are called by address a problem needs; see `fasttree._jit_late`."""

import numba

from fasttree._growth import MEASURE, SPLIT_AT_ONCE, measure_node
from fasttree._growth_rows import split_at_once
from fasttree._jit_late import find_addresses
from fasttree._splitting_categories import scan_sets
from fasttree._splitting_categories_absolute import scan_sets_absolute
from fasttree._splitting_categories_drawn import score_drawn_sets
from fasttree._splitting_scan import ABSOLUTE, MOMENT
from fasttree._splitting_search import (
    DRAWN_SETS,
    LANE_ALLOWED,
    LARGE,
    LARGE_ROWS,
    N_LATE,
    RANDOM,
    SCAN,
    SETS,
    scan_of,
    search_large,
)
from fasttree._splitting_search_random import lane_allowed, search_random

_ADDRESSES: dict = {}  # type of the values, kernels -> addresses: all else of the tuples is always alike, and finding types takes a while


def addresses_for(columns, target, work, **others):
    """The addresses that `work` is to hold; `others` are the named tuples that kernels take by reference besides."""
    random, sets = len(columns.table.values) > 0, len(work.categories.n_categories) > 0
    chosen = {}
    if target.family == ABSOLUTE:
        chosen[MEASURE] = measure_node
    if random or sets:
        chosen[SPLIT_AT_ONCE] = split_at_once
    if random:
        chosen[RANDOM] = search_random
        if sets:
            chosen[DRAWN_SETS] = score_drawn_sets
        if len(work.signs):
            chosen[LANE_ALLOWED] = lane_allowed
    else:
        if target.family != MOMENT:
            chosen[SCAN] = scan_of(target.family, target.classes, target.outputs.shape[1])
        if sets:
            chosen[SETS] = scan_sets_absolute if target.family == ABSOLUTE else scan_sets
        if len(work.tops) and len(target.outputs) >= LARGE_ROWS:
            chosen[LARGE] = search_large
    key = (columns.table.values.dtype, *chosen.values())
    if key not in _ADDRESSES:
        tuples = {type(one).__name__: numba.typeof(one) for one in (columns, target, work, *others.values())}
        _ADDRESSES[key] = find_addresses(chosen, N_LATE, tuples)
    return _ADDRESSES[key]
