"""How many of the markers chosen again and again are expected to be there by chance: bounds of stability selection.

Features are chosen on random halves, in complementary pairs. A feature that is chosen no more often than a random guess would be, is one "of low
selection probability"; the bounds say how many of these stand, on average, among the features chosen in a share `threshold` of the halves.
"""

import numpy as np


def meinshausen_buhlmann(chosen, n_features, threshold):
    """Expected number of falsely chosen features: ``q² / ((2 threshold - 1) p)``.

    It assumes that noise features are exchangeable and that choosing is no worse than guessing.

    Parameters
    ----------
    chosen : float, features chosen per half, on average
    n_features : int
    threshold : float, above one half

    Returns
    -------
    float, NaN for a threshold of one half or less

    References
    ----------
    Meinshausen & Bühlmann (2010), J. R. Stat. Soc. B 72, 417, theorem 1.

    Examples
    --------
    >>> meinshausen_buhlmann(10, 200, 0.9)
    0.625
    """
    if not (threshold > 0.5 and n_features > 0):
        return float("nan")
    return float(chosen**2 / ((2 * threshold - 1) * n_features))


def shah_samworth(chosen, n_features, threshold, pairs):
    """Expected number of chosen features of low selection probability, where shares of simultaneous choice are unimodal.

    Sharper than `meinshausen_buhlmann`, and free of its assumption of exchangeable noise; the halves must be complementary pairs.

    Parameters
    ----------
    chosen : float, features chosen per half, on average
    n_features : int
    threshold : float, share of the halves
    pairs : int, complementary pairs of halves

    Returns
    -------
    float, NaN where the theorem says nothing (threshold near one half, or `chosen` too large a part of all)

    References
    ----------
    Shah & Samworth (2013), J. R. Stat. Soc. B 75, 55, theorem 2.

    Examples
    --------
    >>> round(shah_samworth(10, 200, 0.9, 50), 3)
    0.216
    """
    if n_features <= 0 or pairs < 1:
        return float("nan")
    theta = chosen / n_features
    least = min(0.5 + theta**2, 0.5 + 1 / (2 * pairs) + 0.75 * theta**2)
    if not (theta <= 1 / np.sqrt(3) and least < threshold <= 1):
        return float("nan")
    if threshold <= 0.75:
        factor = 1 / (2 * (2 * threshold - 1 - 1 / (2 * pairs)))
    else:
        factor = 4 * (1 - threshold + 1 / (2 * pairs)) / (1 + 1 / pairs)
    return float(factor * theta * chosen)
