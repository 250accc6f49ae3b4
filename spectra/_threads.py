"""Independent jobs over threads."""

from concurrent.futures import ThreadPoolExecutor

from joblib import Parallel
from joblib.parallel import MultiprocessingBackend, get_active_backend


def parallel(n_jobs, return_as="list"):
    """`joblib.Parallel` over threads, or where it was told to over the processes of another backend.

    That of multiprocessing can neither send functions that are made here nor give results one by one: there it stays threads.
    """
    backend, _ = get_active_backend(prefer="threads")
    require = "sharedmem" if isinstance(backend, MultiprocessingBackend) else None
    return Parallel(n_jobs=n_jobs, prefer="threads", require=require, return_as=return_as)


def over_threads(function, items, *, n_jobs):
    """``[function(item) for item in items]``, over threads, on as many as joblib says.

    joblib looks only every 10 ms whether its threads are done, longer than ten spectra take; those of the standard library cost 0.3 ms.
    Where joblib was told to use processes it stays threads of this one: functions write to arrays of the caller, and spectra are many numbers
    to send for little work.
    """
    items = list(items)
    backend, usual = get_active_backend(prefer="threads", require="sharedmem")
    threads = min(backend.effective_n_jobs(usual if n_jobs is None else n_jobs), len(items))
    if threads < 2:
        return [function(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, items))
