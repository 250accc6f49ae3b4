"""Spectra as short rows of the same length: mean intensity in windows of equal width on the logarithm of m/z."""

import numpy as np


def window_edges(cohort, n_windows):
    """Borders of the windows over the m/z range that all spectra share (Da/e), or None where they share none."""
    low = max(cohort.moved_axis_of(i)[0] for i in range(len(cohort)))
    high = min(cohort.moved_axis_of(i)[-1] for i in range(len(cohort)))
    return np.geomspace(low, high, n_windows + 1) if 0 < low < high else None


def window_means(cohort, edges):
    """Mean intensity of each spectrum in each window, zero in one without a point.

    Returns
    -------
    float64 ndarray, shape (n_spectra, n_windows)
    """
    values = np.empty((len(cohort), edges.size - 1))
    for i in range(len(cohort)):
        total = np.concatenate([[0.0], np.cumsum(cohort.intensity_of(i), dtype=np.float64)])
        place = np.searchsorted(cohort.moved_axis_of(i), edges)
        values[i] = (total[place[1:]] - total[place[:-1]]) / np.maximum(np.diff(place), 1)
    return values
