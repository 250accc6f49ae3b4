"""Bins and features, the obvious way."""

import math

import numpy as np


def split(mass, sample, tolerance, method):
    """[(start, stop, centre)]: cut at the widest gap; keep the pieces that may stand, cut the others again."""

    def verdict(a, b):
        if method == "reference":
            references = [mass[i] for i in range(a, b) if sample[i] == 0]
            if len(references) != 1:
                return len(references) == 0, math.nan
            centre = references[0]
        else:
            if method == "strict" and len(set(sample[a:b])) < b - a:
                return False, 0.0
            centre = math.fsum(mass[a:b]) / (b - a)
        return all(abs(m - centre) / centre <= tolerance for m in mass[a:b]), centre

    def cut(a, b):
        gaps = [mass[i + 1] - mass[i] for i in range(a, b - 1)]
        at = a + gaps.index(max(gaps)) + 1
        groups = []
        for piece in ((a, at), (at, b)):
            stands, centre = verdict(*piece)
            groups += [(*piece, centre)] if stands else cut(*piece)
        return groups

    return cut(0, len(mass)) if len(mass) > 1 else [(0, 1, verdict(0, 1)[1])]


def choose(intensity, sample, a, b):
    """Positions of each sample's highest peak among a .. b - 1."""
    best = {}
    for i in range(a, b):
        if sample[i] not in best or intensity[i] > intensity[best[sample[i]]]:
            best[sample[i]] = i
    return sorted(best.values())


def bin_peaks(peak_lists, tolerance, method):
    """Each list's new masses (MALDIquant's output), NaN where a peak has no reference."""
    pool = sorted((m, s, k) for s, peaks in enumerate(peak_lists) for k, m in enumerate(peaks.mz))
    mass, sample = [m for m, _, _ in pool], [s for _, s, _ in pool]
    intensity = [peak_lists[s].intensity[k] for _, s, k in pool]
    new = [np.array(peaks.mz, float) for peaks in peak_lists]
    for a, b, centre in split(mass, sample, tolerance, method) if pool else []:
        kept = list(range(a, b)) if method == "strict" else choose(intensity, sample, a, b)
        if method == "relaxed":
            centre = math.fsum(mass[i] for i in kept) / len(kept)
        for i in range(a, b):
            _, s, k = pool[i]
            if i in kept:
                new[s][k] = centre
            elif method == "reference":
                new[s][k] = math.nan
    return new


def features(cohort, bin_mz, low, high):
    """(values, present): the highest peak in each interval, or the warped profile's own intensity."""
    values, present = np.zeros((len(cohort), len(bin_mz))), np.zeros((len(cohort), len(bin_mz)), bool)
    for s, peaks in enumerate(cohort.peaks):
        axis = cohort.axis_of(s) if cohort.warps is None else cohort.warps[s](cohort.axis_of(s))
        for b in range(len(bin_mz)):
            inside = [i for i, m in enumerate(peaks.mz) if low[b] <= m <= high[b]]
            present[s, b] = bool(inside)
            if inside:
                values[s, b] = max(peaks.intensity[i] for i in inside)
            else:
                values[s, b] = np.interp(bin_mz[b], axis, cohort.intensity_of(s), left=0, right=0)
    return values, present


def density_modes(lists, widths, low, high, cells=32, bandwidth=0.15, apart=0.4):
    """Where the density of peaks, summed peak by peak in units of their width, is greater than anywhere within 0.4 widths; m/z.

    low, high : where the unit axis begins and ends (Da/e)
    """
    axis = np.linspace(low, high, 200_001)
    place = np.concatenate([[0], np.cumsum(np.diff(axis) / widths((axis[1:] + axis[:-1]) / 2))])
    cell = np.round(np.interp(np.concatenate([peaks.mz for peaks in lists]), axis, place) * cells)
    grid = np.arange(int(place[-1] * cells) + 1)
    density = np.zeros(grid.size)
    for c in cell:
        density += np.exp(-(((grid - c) / (bandwidth * cells)) ** 2) / 2)
    near = round(apart * cells)
    modes = [g for g in grid if density[g] > 0.02 and density[g] >= density[max(g - near, 0) : g + near + 1].max()]
    return np.interp(np.array(modes) / cells, place, axis)
