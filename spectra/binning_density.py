"""Bins where peaks crowd: modes of the density of all peaks, on an axis whose unit is the width of a peak."""

import numpy as np

from spectra._kernels.peaks import local_maxima
from spectra.errors import SpectraError
from spectra.peaks_width import fit_widths

_CELLS = 32  # of the grid in one width
_BANDWIDTH = 0.15  # of the density, widths: what alignment usually leaves between the spectra
_APART = 0.4  # widths: of two modes nearer than this the denser stands for both
_REACH = 0.5  # widths: a bin ends here even where nothing follows
_TRUSTED = 50_000  # peaks are enough to fit widths
_NODES = 4096


def density_bins(peak_lists, widths=None):
    """Find the modes of the peaks' density.

    All m/z are counted on a grid whose cells are a fixed part of the expected peak width, so that one bandwidth suits the whole axis, and
    smoothed with a Gaussian. A bin is a place denser than all within 0.4 widths; it ends at the least dense place before the next, and
    half a width from its mode at most. One pass over the peaks; nothing is sorted.

    Parameters
    ----------
    peak_lists : sequence of PeakList
    widths : WidthModel or None
        None: fitted to the lists' own clear peaks.

    Returns
    -------
    mz, low, high : ndarrays, shape (n_bins,)
        Mean of a bin's peaks, and its interval (Da/e); all increase.

    Raises
    ------
    SpectraError
        When no width model can be fitted.
    """
    mass = np.concatenate([peaks.mz for peaks in peak_lists] or [np.empty(0)]).astype(np.float64, copy=False)
    if not mass.size:
        return np.empty(0), np.empty(0), np.empty(0)
    axis, place = _width_axis(mass, _own_widths(peak_lists) if widths is None else widths)
    cell = np.rint(np.interp(mass, axis, place) * _CELLS).astype(np.int64)
    density = _density(cell)
    mode = np.empty(density.size, np.int64)
    half_window = min(round(_APART * _CELLS), density.size)
    mode = mode[: local_maxima(density, half_window, 0.5 / _CELLS, mode)]
    low, high = _borders(density, mode)
    # the masses at the cells' own borders, so that every peak falls into the bin whose cells counted it
    low, high = (np.interp((end + side) / _CELLS, place, axis) for end, side in ((low, -0.5), (high, 0.5)))
    bins = assign(mass, low, high)
    held = bins >= 0
    count = np.bincount(bins[held], minlength=mode.size)
    centre = np.bincount(bins[held], mass[held], minlength=mode.size) / np.maximum(count, 1)
    keep = count > 0
    return centre[keep], low[keep], high[keep]


def assign(mass, low, high):
    """The bin of each mass, or -1."""
    if not low.size:
        return np.full(mass.size, -1)
    bins = np.searchsorted(low, mass, side="right") - 1
    return np.where((bins >= 0) & (mass <= high[bins]), bins, -1)


def _own_widths(peak_lists):
    """Width model of at most so many peaks, spread over all lists."""
    step = max(sum(len(peaks) for peaks in peak_lists) // _TRUSTED, 1)
    try:
        return fit_widths(peak_lists[::step])
    except SpectraError as error:
        raise SpectraError(f'method="density" needs the width of peaks, but {error}; or give widths') from None


def _width_axis(mass, widths):
    """(m/z, place in widths): nodes of the integral of dm / width from a little below the lowest peak."""
    low, high = mass.min(), mass.max()
    axis = np.linspace(max(low - 2 * widths(low), 0.5 * low), high + 2 * widths(high), _NODES)
    step = np.diff(axis) / widths((axis[1:] + axis[:-1]) / 2)
    return axis, np.concatenate([[0.0], np.cumsum(step)])


def _density(cell):
    """Peaks per cell, smoothed."""
    reach = int(np.ceil(4 * _BANDWIDTH * _CELLS))
    shape = np.exp(-((np.arange(-reach, reach + 1) / (_BANDWIDTH * _CELLS)) ** 2) / 2)
    return np.convolve(np.bincount(cell, minlength=int(cell.max()) + 2 * _CELLS).astype(np.float64), shape, mode="same")


def _borders(density, mode):
    """First and last cell of each mode's bin; none is in two bins."""
    reach = int(_REACH * _CELLS)
    low, high = mode - reach, mode + reach
    for b in range(mode.size - 1):
        if high[b] >= low[b + 1]:
            valley = mode[b] + int(np.argmin(density[mode[b] : mode[b + 1] + 1]))
            high[b], low[b + 1] = valley, valley + 1
    return low, high
