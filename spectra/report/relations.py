"""Markers that may be the same substance seen twice: charge states and adducts, by mass difference and by going together."""

import numpy as np

PROTON = 1.00728
TOGETHER = 0.7  # least correlation over all spectra
MASS_ERROR = 5e-4  # relative: what bin centres of broad peaks in linear mode leave open

# what a molecule may carry or have lost, in Da, instead of nothing
ADDUCTS = (
    ("with sodium", 21.982),
    ("with potassium", 37.956),
    ("with sinapinic acid", 206.058),
    ("with cyano-hydroxycinnamic acid", 189.043),
    ("without water", -18.011),
    ("without ammonia", -17.027),
    ("oxidised", 15.995),
)


def expected(mz):
    """Where else a substance seen at `mz` may be seen: list of (words, m/z)."""
    return [
        ("doubly charged", (mz + PROTON) / 2),
        ("singly charged", 2 * mz - PROTON),
        *((words, mz + shift) for words, shift in ADDUCTS),
    ]


def relation(mz, other):
    """In what form the substance of `other` would be seen at `mz`, or "" when in none that is known.

    >>> relation(3078.4, 6155.6), relation(6177.7, 6155.6), relation(7000.0, 6155.6)
    ('doubly charged', 'with sodium', '')
    """
    distance, words = min((abs(mz - place), words) for words, place in expected(other))
    return words if distance <= MASS_ERROR * mz else ""


def relations(markers, values):
    """For each marker the more stable one that it may be a form of: list of (index into `markers`, words) or None.

    markers : list of Marker, most stable first; values : float array, all features
    """
    found = []
    for i, marker in enumerate(markers):
        found.append(None)
        for j in range(i):
            words = relation(marker.mz, markers[j].mz) if marker.mz == marker.mz else ""
            pair = values[:, [marker.column, markers[j].column]]
            if words and (pair.std(axis=0) > 0).all() and np.corrcoef(pair.T)[0, 1] >= TOGETHER:
                found[i] = (j, words)
                break
    return found
