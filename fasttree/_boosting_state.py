"""What the threads of a fit share: the data, the rules, the room to work in, and how the features are dealt out.

A frontier leaf is a row of two private tables (every thread keeps its own copy and reaches the same contents)::

    leaf_ints    START STOP   rows[START:STOP] are its rows        SLOT  its histogram           NODE DEPTH  place in the tree
                 SUM_G SUM_H  its sums, in whole numbers           FEATURE BIN LEFT_G LEFT_H MISSING_LEFT  its best split
    leaf_floats  GAIN of that split                                LOW HIGH  bounds of its value (monotonic constraints)
                 FLOOR        least hessian of a child, raised when a split turned out to leave too few rows
"""

from typing import NamedTuple

import numpy as np

from fasttree._boosting_sync import STRIDE
from fasttree._histogram import BINS, WORD

START, STOP, SLOT, NODE, DEPTH, SUM_G, SUM_H, FEATURE, BIN, LEFT_G, LEFT_H, MISSING_LEFT, N_INTS = range(13)
GAIN, LOW, HIGH, FLOOR, N_FLOATS = range(5)
NOTHING = -1  # no feature, leaf or slot

NODE_TYPE = np.dtype(
    [
        ("feature", np.int32),  # -1 in a leaf
        ("left", np.int32),  # the right child is left + 1
        ("threshold", np.float32),  # values up to it go left
        ("code", np.uint8),  # codes up to it go left
        ("missing_left", np.uint8),
        ("category", np.int32),  # row of the table of category sets, or -1
        ("value", np.float64),  # what a row that ends here gets; also of inner nodes
        ("gain", np.float64),  # reduction of the (twofold) loss by this split
        ("weight", np.float64),  # sum of hessians
        ("count", np.int64),  # training rows
    ]
)

BLOCK = 1024  # rows per partial sum of gradients, and per claim of a shared word
SMALL = 2048  # nodes up to this are partitioned by every thread for itself
FEWEST_SLOTS = 3  # histograms: of a leaf and its children's smaller one, and one more
HISTOGRAM_BYTES = 2**29  # of all histograms; leaves that find no slot are filled again when they are split
STRIP = 512  # rows that are copied from the strips at a time, and per claim of these
GATHERED = 4096  # nodes up to this have their gradients gathered by every thread for itself


class Data(NamedTuple):
    """The encoded training rows, read only."""

    words: np.ndarray  # uint64 (n_words, n)
    strips: (
        np.ndarray
    )  # uint64 (n, n_words): the same, row by row, for leaves whose rows lie far apart; no rows when the data fit the cache
    codes: np.ndarray  # uint8 (n_features, n): the same, feature by feature
    cuts: np.ndarray  # float32 (n_features, 256)
    n_bins: np.ndarray  # int64 (n_features,)
    categorical: np.ndarray  # uint8 (n_features,)
    monotonic: np.ndarray  # int8 (n_features,)
    groups: np.ndarray  # uint64 (n_features, n_group_words): interaction groups that hold the feature; no columns without constraints


class Rules(NamedTuple):
    """When to split, as numbers."""

    learning_rate: float
    l1: float
    l2: float
    min_child_weight: float
    min_gain: float
    min_samples_leaf: int
    max_leaves: int
    max_depth: int
    share_per_split: float  # of the allowed features, drawn anew for each leaf
    picky: bool  # some leaves may not use some features
    bounded: bool  # monotonic constraints or l1: the slower, general gains
    full: bool  # gradients and hessians in 64 bits each, not 32


class Plan(NamedTuple):
    """Which thread does what.

    Thread t scans features ``cuts[t] … cuts[t + 1]`` and fills the words that hold only these. A word that straddles two threads'
    features is shared: its rows are claimed in blocks, so that an uneven number of words, or a slow core, leaves nobody idle.
    """

    cuts: np.ndarray  # int64 (n_threads + 1,)
    owner: np.ndarray  # int64 (n_words,): thread, or -1 - s for shared word s
    shared: np.ndarray  # int64 (n_shared,): words


class Frontier(NamedTuple):
    """The leaves that may still be split; the first axis is the thread."""

    ints: np.ndarray  # int64 (n_threads, max_leaves, N_INTS)
    floats: np.ndarray  # float64 (n_threads, max_leaves, N_FLOATS)
    sets: np.ndarray  # uint64 (n_threads, max_leaves, 4): categories that go left
    groups: np.ndarray  # uint64 (n_threads, max_leaves, n_group_words): interaction groups still open
    holders: np.ndarray  # int64 (n_threads, n_slots): the leaf whose histogram a slot holds, or -1


class Lists(NamedTuple):
    """Row numbers, each leaf's side by side and rising."""

    rows: np.ndarray  # uint32 (n_threads, n): every thread's own
    spare: np.ndarray  # uint32 (2, 2 n)
    small: np.ndarray  # uint32 (n_threads, 2 * SMALL + 2)
    counts: np.ndarray  # int64 (2, n_threads * STRIDE): lefts of each thread's share
    table: np.ndarray  # uint8 (n_threads, 256): does a code go left


class Sums(NamedTuple):
    """Whole-number gradients and their histograms. Hessians are packed with them, or in a second plane."""

    values: np.ndarray  # int64 (n_planes, n)
    totals: np.ndarray  # int64 (n_threads, STRIDE): sums of each thread's rows; number of leaves
    ordered: np.ndarray  # int64 (n_planes, n): values in the order of a node's rows
    private: np.ndarray  # int64 (n_threads, n_planes, GATHERED)
    histograms: np.ndarray  # int64 (n_slots, n_planes, n_words * 2048), or (n_threads, n_planes, 256) as scratch
    halves: np.ndarray  # int32: the same memory
    extra: np.ndarray  # int64 (n_threads, n_shared, n_planes, 2048): parts of shared words
    whole: np.ndarray  # int64 (n_threads, n_planes, n_words * 2048): parts of all words, by strips; no words without these or other threads
    strip: np.ndarray  # uint64 (n_threads, n_words, STRIP): codes of some rows, copied from the strips
    claims: np.ndarray  # int64 (2 * (n_shared + 1) * STRIDE,): next block of each shared word, and of the strips
    used: np.ndarray  # int64 (2, n_threads, n_shared + STRIDE): does `extra` hold anything; at n_shared, does `whole`
    orders: np.ndarray  # uint16 (3, n_features, n): see `fasttree._boosting_presort`; no features when histograms are used
    sides: np.ndarray  # uint8 (n_threads, n): does a row go left


class Search(NamedTuple):
    """Room for the search for splits."""

    prefix: np.ndarray  # int64 (n_threads, n_planes, length)
    halves: np.ndarray  # int32 (n_threads, n_planes, 2 length): the same memory
    scores: np.ndarray  # float32 (n_threads, length)
    bits: np.ndarray  # int32: the same memory
    order: np.ndarray  # int64 (n_threads, 264): categories by their mean gradient
    keys: np.ndarray  # float64 (n_threads, length)
    best_scores: np.ndarray  # float64 (2, n_threads, STRIDE): of each thread's best split of two new leaves
    best: np.ndarray  # int64 (2, n_threads, 2, STRIDE): FEATURE … MISSING_LEFT of it, then the four words of the category set
    drawn: np.ndarray  # int64 (n_threads, n_features): the features, in drawn order
    open: np.ndarray  # uint8 (n_threads, 2, n_features): may the new leaf be split by it
    use: np.ndarray  # uint8 (n_features,): features of this tree


class Work(NamedTuple):
    """Room to work in, allocated once per fit."""

    arrived: np.ndarray  # int64 ((n_threads + 1) * STRIDE,): see `barrier`
    command: np.ndarray  # int64 (4,): what to do next, and its arguments
    gradients: np.ndarray  # float32 (n_outputs, n)
    hessians: np.ndarray  # float32 (n_outputs, n)
    block_sums: np.ndarray  # float64 (n_outputs, n_blocks, 2): of |gradient| and hessian
    frontier: Frontier
    lists: Lists
    sums: Sums
    search: Search


class Tree(NamedTuple):
    """The tree being grown."""

    nodes: np.ndarray  # NODE_TYPE (2 * max_leaves - 1,)
    sets: np.ndarray  # uint64 (max_leaves, 4)
    size: np.ndarray  # int64 (4,): nodes, category sets, threads' leaves


def deal_features(n_features, n_threads):
    """The `Plan` for so many features and threads."""
    n_words = (n_features + WORD - 1) // WORD
    cuts = np.array([n_features * t // n_threads for t in range(n_threads + 1)], np.int64)
    owner, shared = np.empty(n_words, np.int64), []
    for word in range(n_words):
        first, last = WORD * word, min(WORD * word + WORD, n_features) - 1
        threads = np.searchsorted(cuts, [first, last], side="right") - 1
        if threads[0] == threads[1]:
            owner[word] = threads[0]
        else:
            owner[word] = -1 - len(shared)
            shared.append(word)
    return Plan(cuts, owner, np.array(shared, np.int64))


def make_room(n, n_features, n_outputs, n_threads, rules, n_group_words, plan, presorted, strips):
    """A `Work` for one fit."""
    planes = 2 if rules.full else 1
    n_words, n_shared, leaves = len(plan.owner), len(plan.shared), rules.max_leaves
    width = BINS if presorted else n_words * WORD * BINS
    n_slots = n_threads if presorted else max(FEWEST_SLOTS, min(leaves, HISTOGRAM_BYTES // (8 * planes * width)))
    length = max(n, BINS) + 8 if presorted else BINS + 8  # of a scan
    prefix, scores = np.zeros((n_threads, planes, length), np.int64), np.zeros((n_threads, length), np.float32)
    histograms = np.zeros((n_slots, planes, width), np.int64)
    return Work(
        arrived=np.zeros((n_threads + 1) * STRIDE, np.int64),
        command=np.zeros(4, np.int64),
        gradients=np.zeros((n_outputs, n), np.float32),
        hessians=np.zeros((n_outputs, n), np.float32),
        block_sums=np.zeros((n_outputs, (n + BLOCK - 1) // BLOCK, 2)),
        frontier=Frontier(
            ints=np.zeros((n_threads, leaves, N_INTS), np.int64),
            floats=np.zeros((n_threads, leaves, N_FLOATS)),
            sets=np.zeros((n_threads, leaves, 4), np.uint64),
            groups=np.zeros((n_threads, leaves, n_group_words), np.uint64),
            holders=np.zeros((n_threads, n_slots), np.int64),
        ),
        lists=Lists(
            rows=np.zeros((n_threads, n), np.uint32),
            spare=np.zeros((2, 2 * n), np.uint32),
            small=np.zeros((n_threads, 2 * SMALL + 2), np.uint32),
            counts=np.zeros((2, n_threads * STRIDE), np.int64),
            table=np.zeros((n_threads, BINS), np.uint8),
        ),
        sums=Sums(
            values=np.zeros((planes, n), np.int64),
            totals=np.zeros((n_threads, STRIDE), np.int64),
            ordered=np.zeros((planes, n), np.int64),
            private=np.zeros((n_threads, planes, GATHERED), np.int64),
            histograms=histograms,
            halves=histograms.view(np.int32),
            extra=np.zeros((n_threads, n_shared, planes, WORD * BINS), np.int64),
            whole=np.zeros((n_threads, planes, width if strips and n_threads > 1 else 0), np.int64),
            strip=np.zeros((n_threads, n_words if strips else 0, STRIP), np.uint64),
            claims=np.zeros(2 * (n_shared + 1) * STRIDE, np.int64),
            used=np.zeros((2, n_threads, n_shared + STRIDE), np.int64),
            orders=np.zeros((3, n_features if presorted else 0, n if presorted else 0), np.uint16),
            sides=np.zeros((n_threads, n if presorted else 0), np.uint8),
        ),
        search=Search(
            prefix=prefix,
            halves=prefix.view(np.int32),
            scores=scores,
            bits=scores.view(np.int32),
            order=np.zeros((n_threads, BINS + 8), np.int64),
            keys=np.zeros((n_threads, length)),
            best_scores=np.zeros((2, n_threads, STRIDE)),
            best=np.zeros((2, n_threads, 2, STRIDE), np.int64),
            drawn=np.zeros((n_threads, n_features), np.int64),
            open=np.ones((n_threads, 2, n_features), np.uint8),
            use=np.ones(n_features, np.uint8),
        ),
    )
