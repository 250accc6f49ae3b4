"""What one fit of each candidate costs: time of the processor, and the memory that it takes at most."""

import time
import tracemalloc
from typing import NamedTuple

from spectra.study.learning import fit, predict


class Cost(NamedTuple):
    """Of one fit on all rows with the parameters chosen for new data.

    fit_seconds : of the processor, while memory is not watched; predict_seconds : for all rows
    peak_bytes : most that Python and NumPy held at a time beyond what was there before (`tracemalloc`); what a C library allocates by itself
        is not seen
    """

    fit_seconds: float
    predict_seconds: float
    peak_bytes: int


def cost_of(problem, fold, candidate, point):
    """Fit twice, once watched; `fold` has all rows as training rows."""
    values, _ = fold.inputs(candidate)
    job = candidate, point, problem.seed, values, problem.target, problem.n_classes
    start = time.thread_time()
    model = fit(*job)
    middle = time.thread_time()
    predict(model, values, problem.n_classes)
    end = time.thread_time()
    tracemalloc.start()
    try:
        fit(*job)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return Cost(middle - start, end - middle, int(peak))
