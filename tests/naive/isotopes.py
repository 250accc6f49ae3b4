"""Isotope clusters, the obvious way."""

import math

import numpy as np


def monoisotopic(mz, height, *, as_maldiquant=False, tolerance=1e-4, distance=1.00235, least=0.95):
    """m/z of the clusters' first peaks.

    MALDIquant 1.22 recycles its vector of tolerances over the wrong peaks: peak j is allowed the tolerance of peak ``j // size``.
    """
    taken, found = set(), []
    for size in range(10, 2, -1):
        seen = set()
        for i in range(len(mz)):
            row = []
            for k in range(size):
                place = mz[i] + distance * k
                j = len(mz) - 1 - int(np.argmin(np.abs(np.array(mz[::-1]) - place)))  # of two equally near the right one
                if abs(mz[j] - place) <= tolerance * (mz[j // size] if as_maldiquant else mz[i]):
                    row.append(j)
            if len(row) < size:
                continue
            mean = 0.000594 * mz[i] + 0.03091
            pattern = [math.exp(-mean) * mean**k / math.factorial(k) for k in range(size)]
            heights = [height[j] for j in row]
            if np.ptp(heights) == 0 or np.corrcoef(heights, pattern)[0, 1] <= least:
                continue
            own = not seen & set(row) and len(set(row)) == size
            seen |= set(row)
            if not own:
                continue
            if not taken & set(row):
                found.append(mz[row[0]])
            taken |= set(row)
    return sorted(found)
