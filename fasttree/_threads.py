"""Independent jobs over threads, and what each thread has for itself."""

import threading
from concurrent.futures import ThreadPoolExecutor
from numbers import Integral

import numpy as np
from joblib import Parallel, delayed, wrap_non_picklable_objects
from joblib.parallel import MultiprocessingBackend, SequentialBackend, ThreadingBackend, get_active_backend
from sklearn.utils import check_random_state

_own = threading.local()


def threads_for(n_jobs):
    """How many threads `n_jobs` means here. joblib's `effective_n_jobs` counts processes, and warns where there can be none of these."""
    backend, usual = get_active_backend(prefer="threads")
    return backend.effective_n_jobs(usual if n_jobs is None else n_jobs)


def over_threads(function, items, *, n_jobs, shared=True, verbose=0):
    """``[function(item) for item in items]``, over threads.

    joblib looks only every 10 ms whether its threads are done, which is longer than a small fit or a prediction takes; the threads of
    the standard library cost 0.3 ms (``python -m benchmarks.scaling --only threads``). What joblib decides still holds: how many threads
    ``n_jobs`` means here, and which backend was asked for by ``joblib.parallel_config``.

    Parameters
    ----------
    n_jobs : int or None
        As in joblib.
    shared : bool
        Whether `function` writes to memory of the caller, so that it stays in this process whatever backend is asked for.
    verbose : int
        Above 0, joblib does it all and reports on it.
    """
    items = list(items)
    backend, usual = get_active_backend(prefer="threads", require="sharedmem" if shared else None)
    if isinstance(backend, MultiprocessingBackend):  # which, unlike joblib's other ones, can't send a function that was made here
        function = wrap_non_picklable_objects(function)
    if verbose or type(backend) not in (ThreadingBackend, SequentialBackend):
        # where a backend of processes is asked for, large arrays come as memory maps: writable ones, for kernels aren't made for others
        parallel = Parallel(n_jobs=n_jobs, verbose=verbose, prefer="threads", require="sharedmem" if shared else None, mmap_mode="c")
        return parallel(delayed(function)(item) for item in items)
    threads = min(backend.effective_n_jobs(usual if n_jobs is None else n_jobs), len(items))
    if threads < 2:
        return [function(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, items))


def seeded(seed):
    """The thread's own generator, seeded anew: it draws as ``RandomState(seed)`` does, whose making took longer than a tree of 281 rows."""
    try:
        generator = _own.generator
    except AttributeError:
        generator = _own.generator = np.random.RandomState(seed)
    generator.seed(seed)
    return generator


def generator_of(random_state):
    """`check_random_state`, but for a whole number the thread's own generator, good until it is seeded again."""
    return seeded(random_state) if isinstance(random_state, Integral) else check_random_state(random_state)
