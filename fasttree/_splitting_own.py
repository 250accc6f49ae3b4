"""A user's own criterion: a compiled function of a node's sums, put into a scan of its own.

The scan is compiled once for each function and called by its address, so that nothing of what grows trees is compiled anew.
"""

import functools
from typing import NamedTuple

import numba
import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.extending import intrinsic

from fasttree._jit import njit
from fasttree._jit_reference import interpreted
from fasttree._splitting_encode import ROW, SHIFT
from fasttree._splitting_scan import ENTROPY, OWN, POISSON, allowed_values, scan_bounds, side_score, vanishes, xlogx

_TINY = 1e-300
N_ROWS, N_PRESENT, MISSING_LEFT, MIN_LEAF, N_ALL_ROWS, N_COLUMNS, N_SLOTS, WHERE, FAILED, N_NUMBERS = range(10)  # of `numbers`
WEIGHT, MIN_WEIGHT, BEST, SIGN, LOWER, UPPER = range(6)  # of `limits`
RAISED, NOT_A_NUMBER = 1, 2  # why a criterion failed
_jit = numba.njit(nogil=True, error_model="numpy")  # not cached: a closure over a user's function is a new one in every process
_FUNCTIONS: dict = {}  # address -> function, for kernels that run as plain Python


class Own(NamedTuple):
    """Where a user's criterion is found, and room for calling it."""

    side: int  # address of its value for one node; 0 without any
    scan: int  # address of its scan
    sides: np.ndarray  # float64, shape (2, n_slots)
    numbers: np.ndarray  # int64, shape (9,); the last is RAISED or NOT_A_NUMBER once the function did that
    limits: np.ndarray  # float64, shape (6,)


class Compiled(NamedTuple):
    """A user's criterion, ready; the first two must be kept as long as their addresses are used."""

    side: object
    scan: object
    of_nodes: object  # (sums, weights) -> impurities


def _lower(context, builder, signature, args):
    """Call an address with the data pointer of each array, and each number as it is."""
    values = []
    for kind, value in zip(signature.args[1:], args[1:], strict=True):
        values.append(context.make_array(kind)(context, builder, value).data if isinstance(kind, types.Array) else value)
    function = ir.FunctionType(ir.DoubleType(), [value.type for value in values])
    return builder.call(builder.inttoptr(args[0], function.as_pointer()), values)


if interpreted():

    def call_side(address, sums, n_slots, weight, numbers):
        return _FUNCTIONS[address](sums, n_slots, weight, numbers)

    def call_scan(address, keys, weight, outputs, totals, sides, numbers, limits):
        return _FUNCTIONS[address](keys, weight, outputs, totals, sides, numbers, limits)

else:

    @intrinsic
    def call_side(typing_context, address, sums, n_slots, weight, numbers):
        """Impurity of a node, from its sums (float64[::1], shape (n_slots,)) and weight."""
        return types.float64(types.int64, sums, types.int64, types.float64, numbers), _lower

    @intrinsic
    def call_scan(typing_context, address, keys, weight, outputs, totals, sides, numbers, limits):
        """Score of the best boundary; ``numbers[WHERE]`` receives the boundary."""
        return types.float64(types.int64, keys, weight, outputs, totals, sides, numbers, limits), _lower


@njit(_nrt=False)
def children_score(own, left, left_weight, right, right_weight):
    """Minus the children's impurities times their weights."""
    n_slots = np.int64(len(left))
    score = -(
        left_weight * call_side(own.side, left, n_slots, left_weight, own.numbers)
        + right_weight * call_side(own.side, right, n_slots, right_weight, own.numbers)
    )
    if score != score and own.numbers[FAILED] == 0:
        own.numbers[FAILED] = NOT_A_NUMBER
    return score


@njit(_nrt=False)
def score_children(target, left, left_weight, right, right_weight, own):
    """Score of a split by any criterion of sums (not MOMENT's or absolute error) from those of the children."""
    if target.family == OWN:
        return children_score(own, left, left_weight, right, right_weight)
    if target.family == POISSON and vanishes(left, right):
        return -np.inf
    score = side_score(target.family, left, left_weight) + side_score(target.family, right, right_weight)
    if target.family == ENTROPY:
        score -= target.outputs.shape[1] * (xlogx(left_weight) + xlogx(right_weight))
    return score


@njit(_nrt=False)
def scan_own(keys, n_present, missing_left, target, total_weight, totals, rules, best, own):
    """Best boundary by the user's criterion. Returns the score and the boundary, -1 when none beats `best`."""
    numbers, limits = own.numbers, own.limits
    numbers[N_ROWS], numbers[N_PRESENT], numbers[MISSING_LEFT] = len(keys), n_present, np.int64(missing_left)
    numbers[MIN_LEAF], numbers[N_ALL_ROWS] = rules.min_leaf, len(target.weight)
    numbers[N_COLUMNS], numbers[N_SLOTS] = target.outputs.shape[1], own.sides.shape[1]
    limits[WEIGHT], limits[MIN_WEIGHT], limits[BEST] = total_weight, rules.min_weight, best
    limits[SIGN], limits[LOWER], limits[UPPER] = rules.sign, rules.lower, rules.upper
    score = call_scan(own.scan, keys, target.weight, target.outputs, totals, own.sides, numbers, limits)
    return score, numbers[WHERE]


def _make_scan(impurity, classes):
    """The scan with `impurity` in it; `classes` says whether one column holds slots of classes (else: any columns, or several)."""

    @_jit
    def scan(keys, weight, outputs, totals, sides, numbers, limits):
        n_present, missing_left = numbers[N_PRESENT], numbers[MISSING_LEFT] == 1
        first, stop = scan_bounds(len(keys), n_present, missing_left, numbers[MIN_LEAF])
        least = max(limits[MIN_WEIGHT], _TINY)
        left, right = sides[0], sides[1]
        for slot in range(len(left)):
            left[slot] = 0.0
            right[slot] = totals[slot]
        best, where, left_weight = limits[BEST], -1, 0.0
        n_before = len(keys) - n_present if missing_left else 0
        for step in range(n_before + stop):
            i = n_present + step if step < n_before else step - n_before
            row = keys[np.uint64(i)] & ROW
            part = weight[row]
            for column in range(outputs.shape[1]):
                if classes:
                    slot, share = np.uint64(outputs[row, column]), part
                else:
                    slot, share = np.uint64(column), part * outputs[row, column]
                left[slot] += share
                right[slot] -= share
            left_weight += part
            if step < n_before + first or (keys[np.uint64(i)] ^ keys[np.uint64(i + 1)]) >> SHIFT == 0:
                continue
            right_weight = limits[WEIGHT] - left_weight
            if left_weight < least or right_weight < least:
                continue
            score = -(left_weight * impurity(left, left_weight) + right_weight * impurity(right, right_weight))
            if score != score:
                numbers[FAILED] = NOT_A_NUMBER
            if score > best:
                own = 1 if classes else 0
                low, high = left[own % len(left)] / left_weight, right[own % len(right)] / right_weight
                if allowed_values(limits[SIGN], limits[LOWER], limits[UPPER], low, high):
                    best, where = score, i
        numbers[WHERE] = where
        return best

    return scan


@functools.lru_cache(maxsize=32)
def compile_own(impurity, classes):
    """Compile what calls ``impurity(sums, weight)``.

    Parameters
    ----------
    impurity : function, compiled or plain
    classes : bool

    Returns
    -------
    Compiled
    """
    if not hasattr(impurity, "py_func"):
        impurity = _jit(impurity)
    scan = _make_scan(impurity, classes)

    @_jit
    def of_nodes(sums, weight, out):
        for node in range(len(weight)):
            out[node] = impurity(sums[node], weight[node])

    if interpreted():
        return Compiled(lambda sums, n_slots, weight, numbers: impurity(sums, weight), scan, of_nodes)
    words, floats, integers = types.CPointer(types.uint64), types.CPointer(types.float64), types.CPointer(types.int64)

    # an exception can't pass a call by address: it is noted, and raised when the tree is done
    @numba.cfunc(types.float64(floats, types.int64, types.float64, integers), error_model="numpy")
    def side_by_address(sums, n_slots, weight, numbers):
        result = np.nan
        try:
            result = impurity(carray(sums, (n_slots,)), weight)
        except Exception:
            carray(numbers, (N_NUMBERS,))[FAILED] = RAISED
        return result

    @numba.cfunc(types.float64(words, floats, floats, floats, floats, integers, floats), error_model="numpy")
    def scan_by_address(keys, weight, outputs, totals, sides, numbers, limits):
        counts = carray(numbers, (N_NUMBERS,))
        n_all, n_slots = counts[N_ALL_ROWS], counts[N_SLOTS]
        best = np.nan
        try:
            best = scan(
                carray(keys, (counts[N_ROWS],)),
                carray(weight, (n_all,)),
                carray(outputs, (n_all, counts[N_COLUMNS])),
                carray(totals, (n_slots,)),
                carray(sides, (2, n_slots)),
                counts,
                carray(limits, (6,)),
            )
        except Exception:
            counts[FAILED], counts[WHERE] = RAISED, -1
        return best

    return Compiled(side_by_address, scan_by_address, of_nodes)


def prepare_own(compiled, n_slots):
    """Addresses and room for one tree; `compiled` is None for the criteria that are built in."""
    room = n_slots if compiled else 0
    addresses = [0, 0]
    if compiled and interpreted():
        addresses = [id(function) for function in compiled[:2]]
        _FUNCTIONS.update(zip(addresses, compiled[:2], strict=True))
    elif compiled:
        addresses = [function.address for function in compiled[:2]]
    return Own(*addresses, np.empty((2, room)), np.zeros(N_NUMBERS, dtype=np.int64), np.empty(6))
