"""The threads of a fit in bad company: more than cores, many fits at once, forks, failures, interrupts."""

import _thread
import os
import signal
import subprocess
import sys
import threading
import time

import joblib
import numpy as np
import pytest

from fasttree import GradientBoostingClassifier, _boosting_crew
from fasttree._boosting_crew import run_parts


def data(n=6000, n_features=20, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, n_features)).astype(np.float32)
    return X, (X[:, 0] + X[:, 1] ** 2 + rng.normal(size=n) > 1).astype(int)


def model(**options):
    return GradientBoostingClassifier(max_iter=10, early_stopping=False, **options)


def helpers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("fasttree-")]


def test_more_threads_than_cores():
    X, y = data(3000, 200)
    expected = model().fit(X, y).predict_proba(X)
    start = time.perf_counter()
    crowd = model(n_jobs=4 * (os.cpu_count() or 1)).fit(X, y)
    assert time.perf_counter() - start < 30
    np.testing.assert_array_equal(crowd.predict_proba(X), expected)
    assert not helpers()


def test_fits_side_by_side():
    sets = [data(seed=seed) for seed in range(4)]
    expected = [model().fit(X, y).predict_proba(X) for X, y in sets]
    found = joblib.Parallel(n_jobs=4, prefer="threads")(joblib.delayed(model(n_jobs=2).fit)(X, y) for X, y in sets)
    for (X, _), fitted, wanted in zip(sets, found, expected, strict=True):
        np.testing.assert_array_equal(fitted.predict_proba(X), wanted)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_fits_after_a_fork():
    code = """
import os, numpy as np
from fasttree import GradientBoostingClassifier
rng = np.random.default_rng(0)
X = rng.normal(size=(6000, 20)); y = (X[:, 0] > 0).astype(int)
model = GradientBoostingClassifier(max_iter=5, n_jobs=2, early_stopping=False)
wanted = model.fit(X, y).predict_proba(X)
child = os.fork()
if child == 0:
    os._exit(0 if np.array_equal(model.fit(X, y).predict_proba(X), wanted) else 1)
assert os.waitpid(child, 0)[1] == 0
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_an_error_in_one_thread_ends_the_fit(monkeypatch):
    X, y = data()
    real = _boosting_crew.take_part

    def take_part(thread, *arguments):
        if thread == 1:
            raise MemoryError("this thread has none")
        return real(thread, *arguments)

    monkeypatch.setattr(_boosting_crew, "take_part", take_part)
    with pytest.raises(MemoryError, match="this thread has none"):
        model(n_jobs=3).fit(X, y)
    assert not helpers()


def test_an_error_in_a_callback_ends_the_fit():
    X, y = data()

    def callback(n_rounds, train, validation):
        if n_rounds == 3:
            raise RuntimeError("enough")

    unfinished = model(n_jobs=2, callback=callback)
    with pytest.raises(RuntimeError, match="enough"):
        unfinished.fit(X, y)
    assert not helpers()
    assert unfinished.n_iter_ == 3  # what was learned so far is kept


def test_a_slow_callback_does_not_stall_the_helpers():
    X, y = data()
    slow = model(n_jobs=2, callback=lambda *scores: time.sleep(0.05)).fit(X, y)
    np.testing.assert_array_equal(slow.predict_proba(X), model().fit(X, y).predict_proba(X))


def test_control_c_ends_the_fit():
    X, y = data(20_000)
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    alarm = threading.Timer(0.3, _thread.interrupt_main)
    try:
        alarm.start()
        with pytest.raises(KeyboardInterrupt):
            GradientBoostingClassifier(max_iter=100_000, early_stopping=False, n_jobs=2).fit(X, y)
    finally:
        alarm.cancel()
        signal.signal(signal.SIGINT, previous)
    assert not helpers()


def test_run_parts_raises_the_error_of_a_part():
    def task(start, stop):
        if start > 0:
            raise KeyError(start)

    with pytest.raises(KeyError):
        run_parts(task, 10, 3)
    seen = []
    run_parts(lambda start, stop: seen.append((start, stop)), 10, 3)
    assert sorted(seen) == [(0, 3), (3, 6), (6, 10)]
