"""Independent jobs over threads."""

from concurrent.futures import ThreadPoolExecutor

from joblib import Parallel, delayed
from joblib.parallel import SequentialBackend, ThreadingBackend, get_active_backend


def over_threads(function, items, *, n_jobs):
    """``[function(item) for item in items]``, over threads, on as many as joblib says, or by the backend that joblib was told to use.

    joblib looks only every 10 ms whether its threads are done, longer than ten spectra take; those of the standard library cost 0.3 ms.
    """
    items = list(items)
    backend, usual = get_active_backend(prefer="threads")
    if type(backend) not in (ThreadingBackend, SequentialBackend):
        return Parallel(n_jobs=n_jobs, prefer="threads", batch_size=1)(delayed(function)(item) for item in items)
    threads = min(backend.effective_n_jobs(usual if n_jobs is None else n_jobs), len(items))
    if threads < 2:
        return [function(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(function, items))
