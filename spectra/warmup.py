"""``python -m spectra.warmup``: compile the kernels of every step, and those of fasttree, once per kind of node.

Compiled kernels are kept beside the package or in ``NUMBA_CACHE_DIR``, apart for each kind of processor. What is compiled already is
only loaded.
"""

import time
from collections.abc import Iterator
from typing import get_args, get_type_hints

import numpy as np

import fasttree.warmup
import spectra
from spectra.pipeline import learned_steps, preprocess
from spectra.settings import PER_SPECTRUM, Settings, Skip

SPECTRA = 8


def warm() -> Iterator[str]:
    """Call each method of each step once on a few simulated spectra, in both precisions; yields the name of each as it is done.

    Examples
    --------
    >>> from spectra.warmup import warm
    >>> next(warm())
    'the default way'
    """
    cohort = spectra.simulate_cohort(SPECTRA, seed=0).cohort
    y = np.arange(len(cohort)) % 2
    single = spectra.Cohort.from_spectra(
        [spectra.Spectrum(one.mz, one.intensity.astype(np.float32), one.name) for one in map(cohort.spectrum, range(len(cohort)))]
    )
    done, _ = preprocess(cohort, Settings(), n_jobs=1)
    learned_steps(Settings(), done).fit_transform(done, y)
    yield "the default way"
    for step, method in _methods():
        settings = Settings(**{step: method()})
        for few in (cohort[:2], single[:2]):
            preprocess(few, settings, n_jobs=1)
        yield f"{step}: {method.__name__}"


def _methods():
    """(step, class of its options) of every step done spectrum by spectrum that has kernels; calibration has none."""
    hints = get_type_hints(Settings)
    for step in PER_SPECTRUM:
        if step == "calibrate":
            continue
        for method in get_args(hints[step]) or (hints[step],):
            if method is not Skip:
                yield step, method


def main():
    start = time.process_time()
    for name in warm():
        now = time.process_time()
        print(f"{name:<28} {now - start:6.1f} s of CPU")
        start = now
    fasttree.warmup.main()


if __name__ == "__main__":
    main()
