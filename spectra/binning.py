"""Which peaks are the same peak across spectra: bins, learned once and frozen, and the features they make."""

import functools

import numpy as np

from spectra._kernels import binning as kernels
from spectra._kernels import sorting
from spectra._steps import Learned
from spectra._validation import check_choice, check_number
from spectra.binning_density import assign, density_bins
from spectra.containers import FeatureMatrix
from spectra.errors import SpectraError

_METHODS = {"strict": kernels.STRICT, "relaxed": kernels.RELAXED, "reference": kernels.REFERENCE}


def bin_peaks(peak_lists, *, tolerance=0.002, method="strict", widths=None):
    """Find the groups of peaks that are one peak across spectra.

    All peaks are pooled and split at the widest gap between neighbours, again and again, until every m/z of a group lies within
    `tolerance` of the group's mean.

    Parameters
    ----------
    peak_lists : sequence of PeakList, one per spectrum
    tolerance : float, above 0
        Greatest relative distance from the bin's m/z: 0.002 is 2000 ppm.
    method : {"strict", "relaxed", "reference", "density"}
        strict: a bin holds at most one peak of each spectrum. relaxed: of several peaks of a spectrum the highest makes the bin, the
        others stay bins of their own. reference: the first list is the reference; each of its peaks is a bin, and takes the highest
        peak of each spectrum. density: bins lie where peaks crowd, and are about as wide as a peak is at their m/z (`tolerance` plays no
        part); a spectrum may have several peaks in one.
    widths : WidthModel or None
        For density: as fitted by `fit_widths`. None: fitted to the lists' own clear peaks.

    Returns
    -------
    mz : ndarray, shape (n_bins,)
        Increasing (Da/e).
    bins : list of int64 ndarray, shapes (n_peaks of each list,)
        The bin of every peak; -1 for peaks without a reference peak, and for the few that lie between dense places.

    Raises
    ------
    SpectraError
        When an option is out of its bounds.

    References
    ----------
    Gibb & Strimmer (2012), Bioinformatics 28, 2270: all bins but density's are those of ``MALDIquant::binPeaks``.

    Examples
    --------
    >>> import numpy as np
    >>> from spectra import PeakList, bin_peaks
    >>> def peaks(*mz):
    ...     return PeakList(*[np.array(mz)] * 8)
    >>> mz, bins = bin_peaks([peaks(1000.0, 2000.0), peaks(1001.0, 1500.0, 2001.0)])
    >>> mz
    array([1000.5, 1500. , 2000.5])
    >>> bins
    [array([0, 2]), array([0, 1, 2])]
    """
    tolerance = check_number(tolerance, "tolerance", above=0)
    check_choice(method, "method", [*_METHODS, "density"])
    if method == "density":
        mz, low, high = density_bins(peak_lists, widths)
        return mz, [assign(peaks.mz, low, high) for peaks in peak_lists]
    pool = pool_peaks(peak_lists)
    out = np.full(pool.mass.size, -1, np.int64)
    ends = np.cumsum([len(peaks) for peaks in peak_lists], dtype=np.int64).tolist()
    if not pool.mass.size:
        return np.empty(0), [np.empty(0, np.int64) for _ in peak_lists]
    start, centre, chosen = group_peaks(pool, tolerance, method)
    if method == "relaxed":
        group = np.repeat(np.arange(start.size), np.diff(start, append=pool.mass.size))
        mz, out[pool.order] = np.unique(np.where(chosen, centre[group], pool.mass), return_inverse=True)
    else:
        known = ~np.isnan(centre)
        fresh = np.diff(centre[known], prepend=-np.inf) != 0  # centres increase; equal masses that were split apart are one bin
        mz, rank = centre[known][fresh], np.full(centre.size, -1)
        rank[known] = np.cumsum(fresh) - 1
        kernels.number(start, rank, pool.order, out)
        if method == "reference":
            out[pool.order[~chosen]] = -1
    return mz, [out[end - len(peaks) : end] for end, peaks in zip(ends, peak_lists, strict=True)]


class Pool:
    """The peaks of many spectra by increasing mass: ``mass``, ``intensity``, ``sample`` and their ``order`` in the lists."""

    def __init__(self, masses, intensities):
        counts = [mass.size for mass in masses]
        mass = np.concatenate(masses).astype(np.float64, copy=False) if masses else np.empty(0)
        self.mass, self.order = stable_order(mass)
        self.sample = np.repeat(np.arange(len(counts)), counts)[self.order]
        self.n_samples = len(counts)
        self._intensities = intensities

    @functools.cached_property
    def intensity(self):  # strict bins don't ask for it
        return np.concatenate(self._intensities).astype(np.float64, copy=False)[self.order]


def stable_order(values):
    """(sorted, order) of numbers, equal ones in the order they came."""
    if not values.size or not values.min() > 0:
        order = np.argsort(values, kind="stable")
        return values[order], order
    bits, order = sorting.radix_order(
        values.copy().view(np.uint64), np.arange(values.size), np.empty(values.size, np.uint64), np.empty(values.size, np.int64)
    )
    return bits.view(np.float64), order


def pool_peaks(peak_lists, reference=None):
    """Pool peak lists, with the masses `reference` before them as sample 0 when given."""
    first = [] if reference is None else [reference]
    ones = [] if reference is None else [np.ones(reference.size)]
    return Pool(first + [peaks.mz for peaks in peak_lists], ones + [peaks.intensity for peaks in peak_lists])


def group_peaks(pool, tolerance, method):
    """(start, centre, chosen): where each group begins in the pool, its m/z, and which peaks take part in it."""
    start, centre = np.empty(pool.mass.size, np.int64), np.empty(pool.mass.size)
    found = kernels.split(pool.mass, pool.sample, pool.n_samples, tolerance, _METHODS[method], start, centre)
    start, centre = start[:found], centre[:found]
    chosen = np.ones(pool.mass.size, bool)
    if method != "strict":
        kernels.choose(pool.mass, pool.intensity, pool.sample, pool.n_samples, start, centre, chosen, method == "relaxed")
    return start, centre, chosen


def frozen_bins(pool, start, centre, tolerance):
    """(mz, low, high) of intervals that hold the groups' peaks and later ones within `tolerance`; they never overlap.

    Neighbours meet in the middle of the gap at which they were split, so the spectra that made the bins fall into them as they did
    when they were made. Groups without a centre get no bin.
    """
    last = np.append(start[1:], pool.mass.size) - 1
    middle = (pool.mass[last[:-1]] + pool.mass[start[1:]]) / 2
    low = np.minimum(centre * (1 - tolerance), pool.mass[start])
    high = np.maximum(centre * (1 + tolerance), pool.mass[last])
    low[1:] = np.maximum(low[1:], middle)
    high[:-1] = np.minimum(high[:-1], middle)
    keep = np.diff(centre, prepend=-np.inf) != 0  # equal masses split apart are one bin
    keep &= ~np.isnan(centre)
    return centre[keep], low[keep], high[keep]


def winners(cohort_peaks, low, high):
    """(winner, intensity): each spectrum's highest peak in each frozen bin, as an index into the pooled intensities, or -1."""
    counts = [len(peaks) for peaks in cohort_peaks]
    offsets = np.cumsum([0, *counts], dtype=np.int64)
    mass, intensity = (
        np.concatenate([np.asarray(getattr(peaks, name), np.float64) for peaks in cohort_peaks]) if counts else np.empty(0)
        for name in ("mz", "intensity")
    )
    winner = np.empty((len(counts), low.size), np.int64)
    kernels.place(mass, intensity, offsets, low, high, winner)
    return winner, mass, intensity


def check_peaks(cohort, step):
    """The cohort's peak lists, or an error that names the step in want of them."""
    if cohort.peaks is None:
        raise SpectraError(f"{step} needs peaks, but the cohort has none: call find_peaks on it first")
    return cohort.peaks


class PeakBinner(Learned):
    """Turn each spectrum's peaks into one row of features.

    `fit` finds the bins and freezes them: later spectra never move them. `transform` gives a spectrum's highest peak in each bin, and
    where there is none the profile's own intensity at the bin's m/z, on the aligned axis.

    Parameters
    ----------
    tolerance : float, above 0
        Greatest relative distance of a peak from its bin: 0.002 is 2000 ppm.
    method : {"strict", "relaxed", "density"}
        As in `bin_peaks`; the surplus peaks of relaxed bins make no bins of their own here.
    widths : WidthModel or None
        As in `bin_peaks`.
    fill : {"interpolate", "zero", "nan"}
        What stands for a peak that was not found.

    Attributes
    ----------
    bin_mz_ : ndarray, shape (n_bins,)
        Increasing (Da/e).
    low_, high_ : ndarray, shape (n_bins,)
        The interval of each bin (Da/e).

    Examples
    --------
    >>> import numpy as np
    >>> from spectra import Cohort, Spectrum, PeakBinner
    >>> mz = np.linspace(1000.0, 2000.0, 2001)
    >>> def profile(*centres):
    ...     return Spectrum(mz, sum(100 * np.exp(-0.5 * ((mz - centre) / 2) ** 2) for centre in centres))
    >>> cohort = Cohort.from_spectra([profile(1200, 1500), profile(1201, 1800)]).find_peaks(noise=1.0)
    >>> features = PeakBinner().fit(cohort).transform(cohort)
    >>> features.mz.tolist()
    [1200.5, 1500.0, 1800.0]
    >>> features.present.tolist()
    [[True, True, False], [True, False, True]]
    """

    def __init__(self, *, tolerance=0.002, method="strict", widths=None, fill="interpolate"):
        self.tolerance = tolerance
        self.method = method
        self.widths = widths
        self.fill = fill

    def fit(self, cohort, y=None):
        """Learn the bins from a cohort with peaks."""
        tolerance = check_number(self.tolerance, "tolerance", above=0)
        check_choice(self.method, "method", ["strict", "relaxed", "density"])
        check_choice(self.fill, "fill", ["interpolate", "zero", "nan"])
        peak_lists = check_peaks(cohort, "PeakBinner")
        if not any(len(peaks) for peaks in peak_lists):
            raise SpectraError("no spectrum has a peak: lower snr or half_window of find_peaks")
        if self.method == "density":
            self.bin_mz_, self.low_, self.high_ = density_bins(peak_lists, self.widths)
            return self
        pool = pool_peaks(peak_lists)
        start, centre, _ = group_peaks(pool, tolerance, self.method)
        self.bin_mz_, self.low_, self.high_ = frozen_bins(pool, start, centre, tolerance)
        return self

    def transform(self, cohort):
        """Return the FeatureMatrix, one row per spectrum."""
        winner, _, intensity = winners(check_peaks(cohort, "PeakBinner"), self.low_, self.high_)
        present = winner >= 0
        values = np.full(winner.shape, np.nan if self.fill == "nan" else 0.0)
        values[present] = intensity[winner[present]]
        parts = self.bin_mz_, present, cohort.samples, list(_names(self.bin_mz_.tobytes()))
        return ToFill(values, *parts, cohort) if self.fill == "interpolate" else FeatureMatrix(values, *parts)

    def sparse(self, cohort):
        """The heights of the peaks found, without what is filled in: a sparse array, one row per spectrum.

        Takes memory for the peaks only, however many spectra and bins there are.

        Returns
        -------
        scipy.sparse.csr_array, shape (n_spectra, n_bins), float64
        """
        from scipy.sparse import csr_array

        peak_lists = check_peaks(cohort, "PeakBinner")
        row = np.repeat(np.arange(len(peak_lists)), [len(peaks) for peaks in peak_lists])
        mass, height = (np.concatenate([getattr(peaks, name) for peaks in peak_lists] or [[]]) for name in ("mz", "intensity"))
        column = assign(mass, self.low_, self.high_)
        held = column >= 0
        row, column, height = row[held], column[held], height[held].astype(np.float64)
        order = np.lexsort((-height, column, row))  # of a spectrum's peaks in a bin the highest comes first
        row, column, height = row[order], column[order], height[order]
        first = np.append(True, (np.diff(row) != 0) | (np.diff(column) != 0))[: row.size]
        return csr_array((height[first], (row[first], column[first])), shape=(len(peak_lists), self.low_.size))

    def report(self, cohort, y=None):
        """How well the bins hold a cohort's peaks: a DataFrame with one row per bin.

        Columns: ``mz``, ``low``, ``high`` (Da/e); ``spread_ppm``, the standard deviation of its peaks' m/z; ``occupancy``, the share of
        spectra with a peak, and ``occupancy_<class>`` for each class of `y`; ``conflicts``, the spectra with more than one peak in it.
        """
        import pandas as pd

        peak_lists = check_peaks(cohort, "PeakBinner")
        winner, mass, _ = winners(peak_lists, self.low_, self.high_)
        present = winner >= 0
        distance = np.full(winner.shape, np.nan)
        distance[present] = mass[winner[present]]
        distance = 1e6 * (distance / self.bin_mz_ - 1)
        count = np.maximum(present.sum(axis=0), 1)
        centre = np.nansum(distance, axis=0) / count
        spread = np.sqrt(np.nansum((distance - centre) ** 2, axis=0) / count)
        table = {"mz": self.bin_mz_, "low": self.low_, "high": self.high_, "spread_ppm": np.where(present.any(axis=0), spread, np.nan)}
        table["occupancy"] = present.mean(axis=0)
        for label in [] if y is None else np.unique(np.asarray(y)):
            table[f"occupancy_{label}"] = present[np.asarray(y) == label].mean(axis=0)
        table["conflicts"] = np.zeros(self.bin_mz_.size, np.int64)
        for peaks in peak_lists:
            bins = assign(peaks.mz, self.low_, self.high_)
            table["conflicts"] += np.bincount(bins[bins >= 0], minlength=self.bin_mz_.size) > 1
        return pd.DataFrame(table)


class ToFill(FeatureMatrix):
    """Features whose gaps are filled from the profiles once their values are asked for.

    Of 1458 bins of a cohort a frequency filter left 306: a table cut down first is filled in a fifth of the time.

    Parameters
    ----------
    values : float64 ndarray, shape (n_rows, n_features), what was found; taken over, and written to
    mz, present, samples, names : as of `FeatureMatrix`; `mz` increasing
    cohort : Cohort, whose profiles fill in what was not found; None: nothing is missing
    """

    def __init__(self, values, mz, present, samples, names, cohort=None):
        known = {"mz": mz, "present": present, "samples": samples, "names": names, "_found": values, "_cohort": cohort}
        for name, value in known.items():
            object.__setattr__(self, name, value)

    @property
    def values(self):
        """float64 ndarray, shape (n_rows, n_features), without gaps."""
        cohort, none = self._cohort, np.empty(0)
        if cohort is not None:
            for i in range(len(cohort)):
                warp = cohort.warps[i] if cohort.warps is not None else None
                at, shift = (warp.at, warp.shift) if warp is not None else (none, none)
                kernels.fill(self.mz, cohort.axis_of(i), cohort.intensity_of(i), at, shift, self.present[i], self._found[i])
            object.__setattr__(self, "_cohort", None)
        return self._found

    def columns(self, keep):
        """The features that `keep` (mask or indices) selects."""
        keep = np.arange(self.shape[1])[keep]
        if self._cohort is None or np.any(np.diff(keep) < 0):
            return super().columns(keep)
        found, present = (table.take(keep, axis=1) for table in (self._found, self.present))
        return ToFill(found, self.mz[keep], present, self.samples, [self.names[i] for i in keep], self._cohort)


@functools.lru_cache(maxsize=8)
def _names(mz):
    return tuple(bin_names(np.frombuffer(mz)))


def bin_names(mz):
    """Names such as ``4468.1``, with as many more decimals as it takes to tell two bins apart.

    >>> bin_names([4468.07, 4468.11, 8936.97])
    ['4468.07', '4468.11', '8937.0']
    """
    names = [f"{m:.1f}" for m in mz]
    for decimals in range(2, 10):
        seen = {}
        for name in names:
            seen[name] = seen.get(name, 0) + 1
        if len(seen) == len(names):
            break
        names = [f"{m:.{decimals}f}" if seen[name] > 1 else name for m, name in zip(mz, names, strict=True)]
    return names


class FrequencyFilter(Learned):
    """Keep the features that were found as peaks in enough spectra.

    Parameters
    ----------
    min_frequency : float, 0 to 1
        Least share of the spectra of a group in which a peak was found; one group that reaches it is enough.
    by_class : bool
        The groups are the classes of ``y``; False: all spectra are one group.

    Attributes
    ----------
    keep_ : bool ndarray, shape (n_features,)

    Examples
    --------
    >>> import numpy as np
    >>> from spectra import Cohort, Spectrum, FrequencyFilter, PeakBinner
    >>> mz = np.linspace(1000.0, 2000.0, 2001)
    >>> def profile(*centres):
    ...     return Spectrum(mz, sum(100 * np.exp(-0.5 * ((mz - centre) / 2) ** 2) for centre in centres))
    >>> cohort = Cohort.from_spectra([profile(1200, 1500), profile(1200), profile(1200)]).find_peaks(noise=1.0)
    >>> features = PeakBinner().fit(cohort).transform(cohort)
    >>> FrequencyFilter(min_frequency=0.5).fit(features, ["ill", "well", "well"]).keep_.tolist()
    [True, True]
    >>> FrequencyFilter(min_frequency=0.5, by_class=False).fit(features).transform(features).mz.tolist()
    [1200.0]
    """

    def __init__(self, *, min_frequency=0.25, by_class=True):
        self.min_frequency = min_frequency
        self.by_class = by_class

    def fit(self, features, y=None):
        """Learn from a FeatureMatrix which features to keep."""
        least = check_number(self.min_frequency, "min_frequency", low=0, high=1)
        groups = np.zeros(len(features), np.int64)
        if self.by_class:
            if y is None:
                raise SpectraError("FrequencyFilter(by_class=True) needs the labels: give y, or set by_class=False")
            groups = np.unique(np.asarray(y), return_inverse=True)[1]
        keep = np.zeros(features.shape[1], bool)
        for group in range(groups.max(initial=-1) + 1):
            present = features.present[groups == group]
            keep |= present.sum(axis=0) >= least * len(present) - 1e-9  # 0.55 * 20 is a little above 11
        if not keep.any():
            raise SpectraError(f"no feature was found in a share of {least:g} of the spectra of any group: lower min_frequency")
        self.keep_ = keep
        return self

    def transform(self, features):
        """Return the FeatureMatrix with the kept features only."""
        return features.columns(self.keep_)
