import threading

import numpy as np
import pytest

from spectra import Cohort, Spectrum, denoise_wavelet, snip
from spectra._kernels.scratch import LINE, scratch_rows


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("count", "size"), [(1, 1), (3, 15), (2, 16), (8, 43_001)])
def test_rows_begin_on_cache_lines_and_do_not_overlap(count, size, dtype):
    rows = scratch_rows(count, size, dtype)
    assert rows.dtype == dtype and rows.shape[0] == count and rows.shape[1] >= size
    for i, row in enumerate(rows):
        assert row.ctypes.data % (LINE * rows.itemsize) == 0
        row[:] = i
    assert [row[0] for row in rows] == [row[-1] for row in rows] == list(range(count))


def test_threads_do_not_share_them():
    mine, theirs = scratch_rows(2, 100, np.float64), []
    thread = threading.Thread(target=lambda: theirs.append(scratch_rows(2, 100, np.float64)))
    thread.start()
    thread.join()
    assert not np.shares_memory(mine, theirs[0])


@pytest.mark.parametrize("step", [snip, denoise_wavelet])
def test_a_result_outlives_the_next_call(step):
    first, second = np.random.default_rng(0).exponential(9, (2, 3000))
    kept = step(first)
    copy = kept.copy()
    step(second)
    step(second.astype(np.float32)[:500])
    np.testing.assert_array_equal(kept, copy)


def test_any_number_of_threads_gives_the_same():
    spectra = [Spectrum(np.arange(1.0, 2001), np.random.default_rng(i).exponential(9, 2000), f"{i}") for i in range(8)]
    cohort = Cohort.from_spectra(spectra)
    for verb in ("snip", "denoise_wavelet"):
        np.testing.assert_array_equal(getattr(cohort, verb)(n_jobs=2).intensity, getattr(cohort, verb)(n_jobs=1).intensity)
