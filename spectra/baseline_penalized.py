"""Baselines by penalised least squares with weights that let go of the peaks."""

import warnings
from typing import NamedTuple

import numpy as np

from spectra._kernels import whittaker as kernels
from spectra._validation import check_choice, check_integer, check_number, check_vector
from spectra.containers import verb
from spectra.errors import SpectrumError

RULES = {"asls": kernels.ASLS, "arpls": kernels.ARPLS, "airpls": kernels.AIRPLS, "drpls": kernels.DRPLS}
PENALTIES = {"asls": 1e6, "arpls": 1e5, "airpls": 1e6, "drpls": 1e5}
PARAMETERS = {"asls": 0.01, "arpls": 0.0, "airpls": 0.0, "drpls": 0.5}


class BaselineFit(NamedTuple):
    """A baseline and how it was found.

    ``baseline`` and ``weights`` have shape (n_points,), ``iterations`` counts the solutions, ``change`` is the last relative change,
    ``converged`` tells whether it fell below the tolerance.
    """

    baseline: np.ndarray
    weights: np.ndarray
    iterations: int
    change: float
    converged: bool


def fit_baseline(y, *, rule="arpls", penalty=None, asymmetry=None, tolerance=1e-3, max_iterations=50):
    """Fit a smooth curve under the peaks, and tell how that went.

    Parameters
    ----------
    y : array_like, shape (n_points,)
        Intensities, at least four.
    rule : "asls", "arpls", "airpls" or "drpls"
        How the weights follow from the residuals; see the functions of these names.
    penalty : float, above 0, or None
        Weight of the squared second differences; the stiffer the more points a peak covers. None: the rule's own.
    asymmetry : float from 0 to 1, or None
        For asls the weight of points above the curve, for drpls its eta. None: the rule's own.
    tolerance : float, above 0
        Relative change of the weights (airpls: share of the signal below the curve) at which to stop.
    max_iterations : int, at least 1
        How many times the weights are changed at most. Reaching it warns, once.

    Returns
    -------
    BaselineFit

    Raises
    ------
    SpectraError
        When an option is out of bounds, or there are fewer than four points.

    Examples
    --------
    >>> import numpy as np
    >>> from spectra import fit_baseline
    >>> x = np.linspace(0, 10, 500)
    >>> fit = fit_baseline(5 + x + 50 * np.exp(-((x - 5) ** 2) * 20), rule="asls")
    >>> fit.converged, float(fit.baseline[250].round(1))
    (True, 10.3)
    """
    y = check_vector(y, "y")
    check_choice(rule, "rule", tuple(RULES))
    penalty = check_number(PENALTIES[rule] if penalty is None else penalty, "penalty", above=0)
    asymmetry = check_number(PARAMETERS[rule] if asymmetry is None else asymmetry, "asymmetry", low=0, high=1)
    tolerance = check_number(tolerance, "tolerance", above=0)
    limit = check_integer(max_iterations, "max_iterations", low=1) + 1
    if y.size < 4:
        raise SpectrumError(f"a penalised baseline needs at least 4 points, not {y.size}")
    weights, baseline = np.empty((2, y.size))
    double = y.astype(np.float64, copy=False)
    work = np.empty((3, y.size))
    iterations, change = kernels.baseline(double, RULES[rule], penalty, asymmetry, tolerance, limit, weights, baseline, work)
    converged = change < tolerance
    if not converged:
        warnings.warn(
            f"{rule} stopped at max_iterations before its weights settled; the baseline may be rough", RuntimeWarning, stacklevel=3
        )
    return BaselineFit(baseline.astype(y.dtype, copy=False), weights, iterations, change, converged)


@verb(takes="intensity", gives="baseline")
def asls(y, *, penalty=1e6, asymmetry=0.01, tolerance=1e-3, max_iterations=50):
    """Estimate the baseline by asymmetric least squares.

    Points above the curve weigh `asymmetry`, those below ``1 - asymmetry``.

    Parameters
    ----------
    y : array_like, shape (n_points,)
        Intensities, at least four.
    penalty : float, above 0
        Weight of the squared second differences.
    asymmetry : float from 0 to 1
        Weight of the points above.
    tolerance : float, above 0
        Relative change of the weights at which to stop.
    max_iterations : int, at least 1
        Reaching it warns, once.

    Returns
    -------
    ndarray, shape (n_points,), of the input's floating dtype

    Raises
    ------
    SpectraError
        When an option is out of bounds, or there are fewer than four points.

    References
    ----------
    Eilers (2003), Anal. Chem. 75, 3631. Agrees with pybaselines, as do `arpls`, `airpls` and `drpls`.

    Examples
    --------
    >>> from spectra import asls
    >>> asls([1.0, 2, 3, 4, 5]).round(3)
    array([1., 2., 3., 4., 5.])
    """
    return fit_baseline(y, rule="asls", penalty=penalty, asymmetry=asymmetry, tolerance=tolerance, max_iterations=max_iterations).baseline


@verb(takes="intensity", gives="baseline")
def arpls(y, *, penalty=1e5, tolerance=1e-3, max_iterations=50):
    """Estimate the baseline by asymmetrically reweighted least squares.

    The weights fall off as a logistic curve whose place and width follow from the points below.

    Parameters
    ----------
    y, penalty, tolerance, max_iterations
        As for `asls`.

    Returns
    -------
    ndarray, shape (n_points,), of the input's floating dtype

    Raises
    ------
    SpectraError
        As `asls`.

    References
    ----------
    Baek, Park, Ahn & Choo (2015), Analyst 140, 250.

    Examples
    --------
    >>> from spectra import arpls
    >>> arpls([1.0, 2, 3, 4, 5]).round(3)
    array([1., 2., 3., 4., 5.])
    """
    return fit_baseline(y, rule="arpls", penalty=penalty, tolerance=tolerance, max_iterations=max_iterations).baseline


@verb(takes="intensity", gives="baseline")
def airpls(y, *, penalty=1e6, tolerance=1e-3, max_iterations=50):
    """Estimate the baseline by adaptive iteratively reweighted least squares.

    Points above the curve weigh nothing, those below the more the deeper they lie and the more iterations have passed.

    Parameters
    ----------
    y, penalty, max_iterations
        As for `asls`.
    tolerance : float, above 0
        Share of the signal below the curve at which to stop.

    Returns
    -------
    ndarray, shape (n_points,), of the input's floating dtype

    Raises
    ------
    SpectraError
        As `asls`.

    References
    ----------
    Zhang, Chen & Liang (2010), Analyst 135, 1138.

    Examples
    --------
    >>> from spectra import airpls
    >>> airpls([1.0, 2, 3, 4, 5]).round(3)
    array([1., 2., 3., 4., 5.])
    """
    return fit_baseline(y, rule="airpls", penalty=penalty, tolerance=tolerance, max_iterations=max_iterations).baseline


@verb(takes="intensity", gives="baseline")
def drpls(y, *, penalty=1e5, asymmetry=0.5, tolerance=1e-3, max_iterations=50):
    """Estimate the baseline by doubly reweighted least squares.

    First differences are held small too, and second ones the less the more a point weighs.

    Parameters
    ----------
    y, penalty, tolerance, max_iterations
        As for `asls`.
    asymmetry : float from 0 to 1
        How much a point's weight frees its second difference (eta).

    Returns
    -------
    ndarray, shape (n_points,), of the input's floating dtype

    Raises
    ------
    SpectraError
        As `asls`.

    References
    ----------
    Xu, Liu, Xing, Xu, Li & Zhang (2019), Appl. Opt. 58, 3913.

    Examples
    --------
    >>> from spectra import drpls
    >>> drpls([3.0, 3, 3, 3, 3]).round(3)
    array([3., 3., 3., 3., 3.])
    """
    return fit_baseline(y, rule="drpls", penalty=penalty, asymmetry=asymmetry, tolerance=tolerance, max_iterations=max_iterations).baseline
