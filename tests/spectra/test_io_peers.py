"""The readers give what NumPy, pandas, pyOpenMS and a plain script give: every row of the table of peers."""

import pytest

from benchmarks.peers import readers


@pytest.mark.peer
def test_equal_results():
    compared = 0
    for case in readers.cases(1):
        for name, build in case.peers.items():
            try:
                peer = build()
            except ImportError:
                continue
            equal, words = (peer.same or case.same)(case.ours(), peer.run())
            assert equal, f"{case.name} against {name}: {words}"
            compared += 1
    assert compared >= 7
