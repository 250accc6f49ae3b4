"""A promise that can be measured: ours and its peers on the same input, in turn, in one process."""

import dataclasses
import gc
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits


@dataclasses.dataclass(frozen=True)
class Peer:
    """Another library's way to do the same.

    run : callable without arguments, returns a result to compare; may raise ImportError when built, which skips the peer
    promise : the least ratio (peer's time over ours) that we claim, or None
    same : callable (ours, theirs) -> (bool, str): are the results equal, and by what measure; None uses the case's
    seconds : callable that runs it once more and returns the CPU seconds by its own clock, for what runs in another process
    """

    run: Callable[[], Any]
    promise: float | None = None
    same: Callable[[Any, Any], tuple[bool, str]] | None = None
    seconds: Callable[[], float] | None = None


@dataclasses.dataclass(frozen=True)
class Case:
    """One row of the table.

    peers : name -> *builder* of a Peer (called late, so that an absent library skips only its own row)
    per : report ours as time over `per` (such as points) in nanoseconds
    pairs : how many interleaved pairs to time; the first call of each side is not counted
    long : a job not worth running without timing it; `same` gets None and None, and kernels have to be compiled already
    copied : array whose copy reads and writes as much as the job must at least; its time over ours is the share of memcpy's speed
    """

    name: str
    ours: Callable[[], Any]
    peers: Mapping[str, Callable[[], Peer]]
    same: Callable[[Any, Any], tuple[bool, str]] | None  # None where each peer has its own
    threads: int = 1
    per: int | None = None
    pairs: int = 7
    long: bool = False
    copied: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Row:
    """What was measured: medians in seconds (CPU time on one thread, wall time on more), ratio of pairs with its spread."""

    group: str
    name: str
    threads: int
    peer: str
    ours: float | None = None
    theirs: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    promise: float | None = None
    equal: bool | None = None
    measure: str = ""
    per: int | None = None
    skipped: str = ""
    of_memcpy: float | None = None


def share_of_memcpy(case):
    """How fast the job is beside copying its data; the fastest of 30 copies and the fastest of as many jobs as there are pairs."""
    if case.copied is None:
        return None
    target = np.empty_like(case.copied)
    copying = min(timed(lambda: np.copyto(target, case.copied), time.process_time)[0] for _ in range(30))
    return copying / min(timed(case.ours, time.process_time)[0] for _ in range(case.pairs))


def timed(run, clock):
    start = clock()
    result = run()
    return clock() - start, result


def let_threads_rest(threads):
    """OpenMP's threads look busily for more work for some milliseconds, on a core that whoever comes next needs.

    Without this our prediction on two threads took 464 ns a row right after LightGBM's, and 262 by itself.
    """
    if threads > 1:
        time.sleep(0.02)


def measure(group, case, name):
    """Time `case` against the peer `name`: pairs A B, A B, …"""
    empty = Row(group, case.name, case.threads, name, per=case.per)
    try:
        peer = case.peers[name]()
    except ImportError as error:
        return dataclasses.replace(empty, skipped=str(error))
    clock = time.process_time if case.threads == 1 else time.perf_counter
    ours, theirs = (None, None) if case.long else (case.ours(), peer.run())
    equal, words = (peer.same or case.same)(ours, theirs)
    gc.collect()
    gc.disable()
    try:
        once = peer.seconds or (lambda: timed(peer.run, clock)[0])
        pairs = []
        # a second thread of BLAS that waits counts as CPU time: of pybaselines' arPLS, and of ours after it, two to five times the work
        with threadpool_limits(case.threads):
            for _ in range(case.pairs):
                let_threads_rest(case.threads)
                ours_spent = timed(case.ours, clock)[0]
                let_threads_rest(case.threads)
                pairs.append((ours_spent, once()))
    finally:
        gc.enable()
    ratios = sorted(b / max(a, 1e-9) for a, b in pairs)
    quarter = len(ratios) // 4
    return dataclasses.replace(
        empty,
        ours=statistics.median(a for a, _ in pairs),
        theirs=statistics.median(b for _, b in pairs),
        ratio=statistics.median(ratios),
        low=ratios[quarter],
        high=ratios[-1 - quarter],
        promise=peer.promise,
        equal=equal,
        measure=words,
        of_memcpy=share_of_memcpy(case),
    )
