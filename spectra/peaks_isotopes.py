"""Which peaks are the isotopes of one molecule, where an instrument resolves them."""

import numpy as np
from scipy.special import gammaln

from spectra._validation import check_integer, check_number
from spectra.errors import SpectraError


def monoisotopic_peaks(peaks, *, charge=1, min_correlation=0.95, tolerance=1e-4, distance=1.00235, sizes=(3, 10)):
    """Reduce isotope clusters to their first peaks.

    A cluster is a row of peaks one neutron apart whose heights follow the pattern expected of a peptide of that mass, a Poisson
    distribution of mean ``0.000594 * mass + 0.03091``. Long clusters are looked for first; a peak belongs to one cluster only.

    Parameters
    ----------
    peaks : PeakList
    charge : int
        Of the ions looked for.
    min_correlation : float, -1 to 1
        The heights' correlation with the pattern must exceed it.
    tolerance : float, above 0
        Greatest relative error of an isotope's place.
    distance : float, above 0
        Between isotopes of charge 1, Da.
    sizes : pair of int
        Least and greatest number of isotopes in a cluster; at least 2.

    Returns
    -------
    monoisotopic : PeakList
        The first peak of each cluster, by increasing m/z. Peaks in no cluster are left out.
    cluster : int64 ndarray, shape (n_peaks,)
        The place of each peak's cluster in `monoisotopic`; -1 for none.

    Raises
    ------
    SpectraError
        When an option is out of its bounds, or the least of `sizes` above the greatest.

    Notes
    -----
    With charge 1 the peaks are those of ``MALDIquant::monoisotopicPeaks``, but for its tolerances: version 1.22 gives each peak that of
    another, lower one, and so misses some isotopes at the limit.

    References
    ----------
    Breen, Hopwood, Williams & Wilkins (2000), Electrophoresis 21, 2243; Park et al. (2008), Anal. Chem. 80, 7294.

    Examples
    --------
    >>> import numpy as np
    >>> from spectra import PeakList, monoisotopic_peaks
    >>> mz = np.array([1000.0, 1001.00235, 1002.0047, 1050.0])
    >>> first, cluster = monoisotopic_peaks(PeakList(mz, np.array([10.0, 6.2, 2.0, 5.0]), *[mz] * 6))
    >>> first.mz, cluster
    (array([1000.]), array([ 0,  0,  0, -1]))
    """
    charge = check_integer(charge, "charge", low=1)
    least = check_number(min_correlation, "min_correlation", low=-1, high=1)
    tolerance = check_number(tolerance, "tolerance", above=0)
    step = check_number(distance, "distance", above=0) / charge
    low, high = (check_integer(size, "sizes", low=2) for size in sizes)
    if low > high:
        raise SpectraError(f"sizes must be the least and the greatest, not {low} and {high}")
    mz, height = np.asarray(peaks.mz, np.float64), np.asarray(peaks.intensity, np.float64)
    taken, found = np.zeros(mz.size, bool), []
    for size in range(min(high, mz.size), low - 1, -1):
        members = _rows_of_neighbours(mz, step, size, tolerance)
        members = members[_correlation(height[members], _pattern(charge * mz[members[:, 0]], size)) > least]
        of_size = _apart(members, mz.size)
        # what a longer cluster holds is taken, even where that cluster itself lost to another
        for row in of_size:
            if not taken[row].any():
                found.append(row)
            taken[row] = True
    found.sort(key=lambda row: row[0])
    cluster = np.full(mz.size, -1)
    for number, row in enumerate(found):
        cluster[row] = number
    return peaks[np.array([row[0] for row in found], np.int64)], cluster


def _rows_of_neighbours(mz, step, size, tolerance):
    """(n_rows, size): for each peak the peaks nearest to where its isotopes should be; rows with one missing are left out."""
    expected = mz[:, None] + step * np.arange(size)
    right = np.clip(np.searchsorted(mz, expected, side="right"), 1, mz.size - 1)
    nearer_left = np.abs(mz[right - 1] - expected) < np.abs(mz[right] - expected)
    members = np.where(nearer_left, right - 1, right)
    return members[(np.abs(mz[members] - expected) <= tolerance * mz[:, None]).all(axis=1)]


def _pattern(mass, size):
    """Poisson probabilities of the first isotopes, adding up to 1; shape (n, size)."""
    mean = (0.000594 * mass + 0.03091)[:, None]
    k = np.arange(size)
    share = np.exp(k * np.log(mean) - mean - gammaln(k + 1))
    return share / share.sum(axis=1, keepdims=True)


def _correlation(a, b):
    """Row by row; 0 where a row is constant."""
    a, b = (x - x.mean(axis=1, keepdims=True) for x in (a, b))
    scale = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return np.divide((a * b).sum(axis=1), scale, out=np.zeros(scale.size), where=scale > 0)


def _apart(members, n_peaks):
    """Rows none of whose peaks stands in a row before."""
    seen, apart = np.zeros(n_peaks, bool), []
    for row in members:
        if not seen[row].any() and np.unique(row).size == row.size:
            apart.append(row)
        seen[row] = True
    return apart
