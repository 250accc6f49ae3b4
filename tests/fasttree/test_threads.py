"""What runs over threads: order, errors, how many, and that joblib's say is heard."""

import multiprocessing
import threading
import time

import numpy as np
import pytest
from joblib import Parallel, delayed, parallel_config

import fasttree._threads
import spectra._threads
from fasttree import GradientBoostingClassifier, RandomForestClassifier
from fasttree._estimators_forest import block_size
from fasttree._threads import threads_for

BOTH = pytest.mark.parametrize("over_threads", [fasttree._threads.over_threads, spectra._threads.over_threads])


def thread_of(item):
    time.sleep(0.02)
    return item, threading.get_ident()


@BOTH
@pytest.mark.parametrize(("n_jobs", "threads"), [(None, 1), (1, 1), (2, 2), (5, 5)])
def test_results_keep_their_order_on_as_many_threads_as_asked_for(over_threads, n_jobs, threads):
    found = over_threads(thread_of, iter(range(10)), n_jobs=n_jobs)
    assert [item for item, _ in found] == list(range(10))
    assert len({thread for _, thread in found}) == threads
    assert over_threads(thread_of, [], n_jobs=n_jobs) == []


@BOTH
def test_joblib_says_how_many_threads_none_means(over_threads):
    def count(_):
        return len({thread for _, thread in over_threads(thread_of, range(4), n_jobs=None)})

    with parallel_config("threading", n_jobs=2):
        assert count(0) == 2
    with parallel_config("sequential", n_jobs=2):
        assert count(0) == 1
    assert Parallel(2, prefer="threads")(delayed(count)(i) for i in range(2)) == [1, 1]
    with pytest.raises(ValueError, match="n_jobs"):
        over_threads(thread_of, range(4), n_jobs=0)


@BOTH
def test_the_first_error_is_raised_and_the_rest_dropped(over_threads):
    done = []

    def fail(item):
        if item == 3:
            raise KeyError(item)
        time.sleep(0.01)
        done.append(item)

    with pytest.raises(KeyError, match="3"):
        over_threads(fail, range(1000), n_jobs=2)
    assert len(done) < 100


@BOTH
def test_nobody_waits_for_joblibs_next_look(over_threads):
    took = []
    for _ in range(20):
        start = time.perf_counter()
        over_threads(int, range(4), n_jobs=2)
        took.append(time.perf_counter() - start)
    assert min(took) < 0.008  # joblib: 0.0115 at best


@BOTH
@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_what_functions_write_arrives_where_joblib_is_told_to_use_processes(over_threads, backend):
    written = np.zeros(8)
    with parallel_config(backend, n_jobs=2):
        over_threads(lambda i: written.__setitem__(i, i), range(8), n_jobs=2)
    assert written.tolist() == list(range(8))


@pytest.mark.parametrize("backend", ["threading", "loky", "multiprocessing"])
@pytest.mark.parametrize("how", ["list", "generator", "generator_unordered"])
def test_a_study_s_jobs_run_on_any_backend(backend, how):
    with parallel_config(backend, n_jobs=2):
        assert sorted(spectra._threads.parallel(2, how)(delayed(lambda i: i * i)(i) for i in range(5))) == [0, 1, 4, 9, 16]


@pytest.mark.parametrize("estimator", [RandomForestClassifier(4, n_jobs=2), GradientBoostingClassifier(max_iter=2, n_jobs=2)])
def test_a_worker_of_multiprocessing_fits_on_threads_without_a_word(estimator, monkeypatch):
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)  # as in one: it must not have processes of its own
    assert threads_for(2) == 2 and threads_for(None) == 1
    assert estimator.fit([[0.0], [1.0]] * 20, [0, 1] * 20).predict([[1.0]]) == [1]


@pytest.mark.parametrize("n_rows", [1, 255, 600, 5000, 32768, 100_000, 1_000_000])
@pytest.mark.parametrize("n_threads", [1, 2, 3, 64])
def test_threads_get_as_many_rows_to_predict(n_rows, n_threads):
    """100,000 rows were three blocks of 32,768 and a rest: one of two threads had two thirds of the work."""
    size = block_size(n_rows, n_threads)
    blocks = [min(size, n_rows - start) for start in range(0, n_rows, size)]
    assert max(blocks) <= 32768
    shares = [sum(blocks[thread::n_threads]) for thread in range(n_threads)]
    if n_rows >= 256 * n_threads:
        assert max(shares) - min(shares) <= len(blocks)
    else:
        assert len(blocks) == 1
