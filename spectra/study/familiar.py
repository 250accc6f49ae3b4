"""Is a new spectrum like those that the model was learned from? If not, its prediction is a guess outside what was ever tested.

Three questions, each measured on the training spectra as well: how far its peaks lie from the reference peaks before alignment, how much total ion
current it has, and how far its features are from the nearest training spectrum of another patient.
"""

from typing import NamedTuple

import numpy as np

from spectra.containers import Cohort
from spectra.normalization import total_ion_current

FAR = 4.0  # robust deviations from the training median; and it must lie outside the training range
SHARE = 0.99  # of the training rows that are nearer to theirs than the limit
_MOST = 2000  # training rows whose own distances are measured
_BLOCK = 1 << 24  # distances held at a time


class Known(NamedTuple):
    """What the training rows were like, stored with the model; empty arrays where it does not apply.

    tic : float array, shape (n_rows,), total ion current of the raw spectra
    shift : float array, shape (n_rows,), median distance of the matched peaks from the reference before alignment, in ppm
    limit : float, the distance to the nearest row of another patient that 99 % of the training rows keep
    """

    tic: np.ndarray
    shift: np.ndarray
    limit: float


def known(problem, nuisance, steps, features):
    """Measure the training rows of a study.

    Parameters
    ----------
    problem : Problem
    nuisance : DataFrame or None, with a column ``total ion current``
    steps : the learned steps, fitted on all rows
    features : FeatureMatrix of all rows
    """
    tic = nuisance["total ion current"].to_numpy(float) if nuisance is not None else np.empty(0)
    return Known(tic, shifts(steps, problem.data)[1], training_limit(features.values, problem.groups))


def shifts(steps, data):
    """Could each spectrum be aligned, and how far are its matched peaks from the reference (ppm)? Empty where nothing is aligned."""
    align = steps.named_steps.get("align") if isinstance(data, Cohort) else None
    if align is None:
        return np.ones(len(data), bool), np.empty(0)
    told = align.diagnose(data)
    return told["aligned"].to_numpy(bool), told["ppm_before"].to_numpy(float)


def _nearest(values, others, same=None):
    """Distance from each row of `values` to the nearest of `others`; `same` (callable of a block) masks those not to be compared with."""
    found = np.empty(len(values))
    square = (others**2).sum(axis=1)
    step = max(1, _BLOCK // max(1, len(others)))
    for first in range(0, len(values), step):
        block = values[first : first + step]
        distance = (block**2).sum(axis=1)[:, None] + square - 2 * block @ others.T
        if same is not None:
            distance[same(slice(first, first + step))] = np.inf
        found[first : first + step] = np.sqrt(np.maximum(distance.min(axis=1), 0))
    return found


def _scaled(values, training):
    spread = training.std(axis=0)
    return (values - training.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def training_limit(values, groups):
    """The distance to the nearest row of another patient that 99 % of the training rows keep, in standardised features.

    Parameters
    ----------
    values : ndarray, shape (n_rows, n_features)
    groups : array, shape (n_rows,)
    """
    member = np.unique(groups, return_inverse=True)[1].ravel()
    scaled = _scaled(values, values)
    chosen = np.unique(np.linspace(0, len(values) - 1, min(len(values), _MOST)).round().astype(int))
    own = _nearest(scaled[chosen], scaled, lambda block: member[chosen[block]][:, None] == member)
    own = own[np.isfinite(own)]
    return float(np.quantile(own, SHARE, method="higher")) if own.size else float("inf")


def distances(values, training, limit):
    """Distance to the nearest training row over the training rows' own limit: above 1 is farther than they are from each other."""
    if not training.shape[1] or not np.isfinite(limit) or limit <= 0:
        return np.full(len(values), np.nan)
    return _nearest(_scaled(values, training), _scaled(training, training)) / limit


def _strange(value, training, logarithm=False):
    """Outside the training range, and more than four robust deviations from its median."""
    if not training.size or not np.isfinite(value):
        return False
    if low := logarithm and training.min() > 0:
        if value <= 0:
            return True
        value, training = np.log(value), np.log(training)
    middle = np.median(training)
    spread = 1.4826 * np.median(np.abs(training - middle))
    outside = value > training.max() or (bool(low) and value < training.min())
    return bool(outside and abs(value - middle) > FAR * spread)


def warnings_for(known, steps, data, raw_tic, distance, mz):
    """What is unfamiliar about each new row, in plain sentences.

    Parameters
    ----------
    known : Known
    steps : the frozen learned steps
    data : preprocessed Cohort, or FeatureMatrix
    raw_tic : float array, shape (n_rows,), of the raw spectra; empty for a table
    distance : float array, shape (n_rows,), as of `distances`
    mz : float array, the model's peaks

    Returns
    -------
    list of list of str
    """
    found: list[list[str]] = [[] for _ in range(len(data))]
    _, shift = shifts(steps, data)
    for i, said in enumerate(found):
        if shift.size and known.shift.size and _strange(shift[i], known.shift):
            said.append(f"m/z off by {shift[i]:.0f} ppm before alignment; training spectra by at most {np.nanmax(known.shift):.0f}")
        if raw_tic.size and _strange(raw_tic[i], known.tic, logarithm=True):
            side = "above" if raw_tic[i] > known.tic.max() else "below"
            said.append(f"total ion current {raw_tic[i]:.3g}, {side} all training spectra ({known.tic.min():.3g} to {known.tic.max():.3g})")
        if distance[i] > 1:
            said.append(f"{distance[i]:.1f} times as far from the nearest training example as 99 % of these are from each other")
        if isinstance(data, Cohort) and mz.size:
            axis = data.axis_of(i)
            missing = int(((mz < axis[0]) | (mz > axis[-1])).sum())
            if missing:
                said.append(f"{missing} of the model's {mz.size} peaks lie outside its m/z range ({axis[0]:.0f} to {axis[-1]:.0f})")
    return found


def tic_of(cohort):
    """Total ion current of each raw spectrum."""
    return np.array([total_ion_current(cohort.axis_of(i), cohort.intensity_of(i)) for i in range(len(cohort))])
