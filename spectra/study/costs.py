"""What one fit of each candidate costs: time of the processor, and the memory that it takes at most."""

import time
import tracemalloc
from typing import NamedTuple

import numpy as np

from spectra.errors import ModelError
from spectra.study.learning import Fold, fit, predict
from spectra.study.search import grid


class Cost(NamedTuple):
    """Of one fit on all rows with the parameters chosen for new data.

    fit_seconds : of the processor, while memory is not watched; predict_seconds : for all rows
    peak_bytes : most that Python and NumPy held at a time beyond what was there before (`tracemalloc`); what a C library allocates by itself
        is not seen
    """

    fit_seconds: float
    predict_seconds: float
    peak_bytes: int


FEW = 50  # rows of a class that are enough to have everything compiled


def warm_up(problem, split, candidates, progress=None):
    """Fit each declared candidate once on a few rows, so that the time of a compiler is never told as a model's."""
    if problem.tuned is not None:
        return  # steps are chosen with the parameters
    y = problem.y[split.train]
    few = np.concatenate([np.flatnonzero(y == k)[:FEW] for k in np.unique(y)])
    fold = Fold(problem, split.train, split.test)
    for candidate in progress(candidates, len(candidates), "first fits, compiled where they are new") if progress else candidates:
        if candidate.known and not candidate.spectra:
            values, _ = fold.inputs(candidate)
            target = problem.target[split.train][few]
            model = fit(candidate, grid(candidate.space)[0], problem.seed, values[few], target, problem.n_classes)
            predict(model, values[few], problem.n_classes)


def costs_of(problem, fold, points):
    """Fit each candidate twice, once watched; `fold` has all rows as training rows.

    Parameters
    ----------
    points : list of (Candidate, parameters)

    Returns
    -------
    costs : dict of name -> Cost
    failed : dict of name -> why it cannot be fitted on all rows
    """
    jobs = {each.name: (each, point, problem.seed, fold.inputs(each)[0], problem.target, problem.n_classes) for each, point in points}
    seconds, failed = {}, {}
    for name, job in jobs.items():
        start = time.thread_time()
        try:
            model = fit(*job)
            middle = time.thread_time()
            predict(model, job[3], problem.n_classes)
        except ModelError as error:
            failed[name] = str(error)
        else:
            seconds[name] = middle - start, time.thread_time() - middle
    peaks = {}
    # watched in one go: on Python 3.11 a thread of the caller that starts just as a watch ends can crash the process (CPython issue 128679)
    tracemalloc.start()
    try:
        for name in seconds:
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            fit(*jobs[name])
            peaks[name] = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    return {name: Cost(*seconds[name], peaks[name]) for name in seconds}, failed
