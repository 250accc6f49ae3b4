"""``pytest benchmarks/test_kernels.py --benchmark-only``: every job of ``spectra`` beside its peers, one group a job.

Outside ``testpaths``, so never run by a plain ``pytest``. The jobs are those of ``benchmarks.peers``, which also says whether results are equal. To hold a
change against a stored state of the same machine, and fail where the best time of any job grew by more than a fifth::

    pytest benchmarks/test_kernels.py --benchmark-only --benchmark-save=before
    pytest benchmarks/test_kernels.py --benchmark-only --benchmark-compare=0001 --benchmark-compare-fail=min:20%

Two runs minutes apart differ by what else the machine does; ``python -m benchmarks.gate`` runs both sides in turn and sees less.
"""

import pytest

from benchmarks.peers import peaks, signals
from benchmarks.peers.__main__ import R_PACKAGES

pytest.importorskip("pytest_benchmark")
OURS = "ours"
# What runs in R has a process and a clock of its own, which benchmarks.peers reads.
JOBS = [
    (case, who) for group in (signals, peaks) for case in group.cases(1) for who in (OURS, *case.peers) if not who.startswith(R_PACKAGES)
]


@pytest.mark.parametrize(("case", "who"), JOBS, ids=[f"{case.name}: {who}" for case, who in JOBS])
def test_time(benchmark, case, who):
    benchmark.group = case.name
    if who == OURS:
        benchmark(case.ours)
        return
    try:
        peer = case.peers[who]()
    except ImportError as error:
        pytest.skip(str(error))
    benchmark(peer.run)
