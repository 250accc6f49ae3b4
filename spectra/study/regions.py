"""m/z regions without peaks: where their level tells the classes apart, it is the instrument (Baggerly, Morris & Coombes 2004).

The ovarian-cancer 'pattern' of 2002 separated its classes perfectly, at m/z where there was nothing but noise. But such regions also hold peaks
too weak to be picked, and these are biology. So two things are asked for apart: the level, which goes slowly with m/z, and the structure upon
it, which tells classes only where it lines up in m/z from spectrum to spectrum, as weak peaks do and noise does not.
"""

import numpy as np
from scipy.ndimage import median_filter

from spectra.study.windows import window_edges, window_means

WINDOWS = 1000
CLEAR = 5.0  # signal-to-noise ratio from which a peak is beyond doubt; lower ones are mostly noise, which is what is wanted here
OCCUPIED = 0.1  # share of the spectra with a clear peak, above which a window is not empty
FEWEST = 10
BANDS, IN_BAND = 10, 20  # most bands of m/z whose level is taken; least windows in each
NEIGHBOURS = 21  # windows whose median is the level under one of them


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


def level_of(values):
    """Median of `empty_regions` in up to ten bands of m/z: array, shape (n_spectra, n_bands)."""
    n_bands = int(np.clip(values.shape[1] // IN_BAND, 1, BANDS))
    return np.column_stack([np.median(band, axis=1) for band in np.array_split(values, n_bands, axis=1)])


def structure_of(values):
    """What stands out of the level in each window, over the median of this in the spectrum, so that neither level nor noise is in it."""
    standing = values - median_filter(values, size=(1, NEIGHBOURS), mode="nearest")
    usual = np.median(np.abs(standing), axis=1, keepdims=True)
    return np.divide(standing, usual, out=np.zeros_like(standing), where=usual > 0)
