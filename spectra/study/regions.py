"""m/z regions without peaks: if they tell the classes apart, it is the instrument (Baggerly, Morris & Coombes 2004).

The ovarian-cancer 'pattern' of 2002 separated its classes perfectly, at m/z where there was nothing but noise.
"""

import numpy as np

from spectra.study.windows import window_edges, window_means

WINDOWS = 1000
CLEAR = 5.0  # signal-to-noise ratio from which a peak is beyond doubt; lower ones are mostly noise, which is what is wanted here
OCCUPIED = 0.1  # share of the spectra with a clear peak, above which a window is not empty
FEWEST = 10


def empty_regions(cohort):
    """Mean processed intensity of each spectrum in windows where hardly any spectrum has a clear peak.

    Parameters
    ----------
    cohort : Cohort with peaks

    Returns
    -------
    values : ndarray, shape (n_spectra, n_windows), or None when fewer than ten windows are empty
    """
    edges = window_edges(cohort, WINDOWS)
    if edges is None:
        return None
    occupied = np.zeros(WINDOWS)
    for peaks in (each[each.snr >= CLEAR] for each in cohort.peaks):
        first = np.clip(np.searchsorted(edges, peaks.left, "right") - 1, 0, WINDOWS)
        last = np.clip(np.searchsorted(edges, peaks.right, "left"), 0, WINDOWS)
        change = np.bincount(first, minlength=WINDOWS + 1) - np.bincount(last, minlength=WINDOWS + 1)
        occupied += np.cumsum(change)[:WINDOWS] > 0
    empty = np.flatnonzero(occupied <= OCCUPIED * len(cohort))
    return window_means(cohort, edges)[:, empty] if empty.size >= FEWEST else None
