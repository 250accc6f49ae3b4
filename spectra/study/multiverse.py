"""The result under many settings at once: each alone, the ones that matter most in pairs, and all of them drawn together.

Whoever analyses spectra makes a dozen choices; each combination is a universe with its own answer (Steegen et al. 2016, Perspect. Psychol. Sci. 11:702;
Simonsohn, Simmons & Nelson 2020, Nat. Hum. Behav. 4:1208). The universes are grown as a tree: signals are processed once for all that share
their signal settings, peaks are found once for all that share these, and what the cache holds is not grown at all.
"""

import itertools
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from joblib import delayed

from spectra._threads import parallel
from spectra.containers import FeatureMatrix
from spectra.errors import SpectraError
from spectra.pipeline import on_common_axis, pick_peaks, process_signals
from spectra.settings import LEARNED, PER_SPECTRUM, change, options, to_dict
from spectra.study.cache import Cache, key_of, sources
from spectra.study.markers import matched

SIGNAL = ("read", "transform", "smooth", "baseline", "normalize")
PEAKS = ("noise", "peaks", "calibrate")
PART = "sensitivity"


class Measured(NamedTuple):
    """What one combination of settings gives; `auc` is NaN and `note` says why where it could not be used.

    top : m/z of the most important features (NaN for a plain column), top_names : their names
    """

    n_peaks: int
    auc: float
    top: list[float]
    top_names: list[str]
    note: str = ""


class Universe(NamedTuple):
    """One combination of settings and what it gives.

    changes : list of (step, option, value), what differs from the present settings
    """

    changes: list[tuple[str, str, Any]]
    n_peaks: int
    auc: float
    marker_overlap: float
    note: str = ""


def swept(settings):
    """(step, option, values to try besides the present one) of every declared option with a sweep."""
    for step in PER_SPECTRUM + LEARNED:
        for option in options(settings, step):
            values = [value for value in sorted(set(option.sweep)) if value != option.value]
            if values:
                yield step, option.name, values


def apply(settings, changes):
    """Settings with all changes made."""
    for step, name, value in changes:
        settings = change(settings, step, **{name: value})
    return settings


def overlap(measured, reference, tolerance):
    """Share of the reference's top features that are among another's."""
    again = np.unique(matched(_columns(measured), _columns(reference), tolerance))
    return float((again >= 0).sum() / max(1, len(reference.top)))


def _columns(measured):
    """The top features as an empty table, by increasing m/z."""
    order = np.argsort(measured.top, kind="stable")
    mz = np.array(measured.top, float)[order]
    names = [measured.top_names[i] for i in order]
    return FeatureMatrix(np.empty((0, mz.size)), mz, np.empty((0, mz.size), bool), pd.DataFrame(), names)


class Grower:
    """Measures combinations of settings on one problem.

    Parameters
    ----------
    problem : Problem with the processed cohort
    raw, nuisance : Cohort, the same rows before processing; DataFrame, what `preprocess` gave beside the processed ones
    measure : callable (problem) -> Measured
    inputs : dict of plain values, what results depend on besides the steps' settings: data, labels, splits, seed
    cache : Cache, optional
    n_jobs, progress : as for `spectra.study.run_study`
    """

    def __init__(self, problem, raw, nuisance, measure, *, inputs, cache=None, n_jobs=None, progress=None):
        self.problem, self.raw, self.nuisance, self.measure = problem, raw, nuisance, measure
        self.counts = on_common_axis(raw, problem.settings.read, n_jobs=n_jobs)
        self.inputs, self.cache, self.n_jobs, self.progress = inputs, cache or Cache(), n_jobs, progress

    def _inputs(self, settings):
        tree = to_dict(settings)
        found = self.inputs | {"code": sources()}
        for step in ("read", *PER_SPECTRUM, *LEARNED):
            found |= {f"{step}.{name}": value for name, value in tree[step].items()}
        return found

    def grow(self, wanted, whats=None):
        """Measure each of a list of Settings, in order.

        whats : list of str, what each is called when told what was computed
        """
        found: dict[int, Measured] = {}
        for i, settings in enumerate(wanted):
            kept = self.cache.load(PART, self._inputs(settings), Measured, whats[i] if whats else "")
            if kept is not None:
                found[i] = kept
        todo = [i for i in range(len(wanted)) if i not in found]
        branches = self._branches([wanted[i] for i in todo])
        jobs = (delayed(self._branch)([wanted[todo[i]] for i in branch]) for branch in branches)
        grown = parallel(self.n_jobs, "generator")(jobs)
        for branch, results in zip(branches, self.progress(grown, len(branches), "sensitivity") if self.progress else grown, strict=True):
            for i, result in zip(branch, results, strict=True):
                found[todo[i]] = result
                self.cache.keep(PART, self._inputs(wanted[todo[i]]), result)
        return [found[i] for i in range(len(wanted))]

    def _branches(self, wanted):
        """Indices of settings that one thread grows together: those that share work which is not done yet."""
        groups: dict[str, list[int]] = {}
        for i, settings in enumerate(wanted):
            key = _key(settings, SIGNAL)
            if key == _key(self.problem.settings, SIGNAL):  # signals are there: only the peaks are shared
                key = _key(settings, SIGNAL + PEAKS)
                key += f" {i}" if key == _key(self.problem.settings, SIGNAL + PEAKS) else ""
            groups.setdefault(key, []).append(i)
        ordered = sorted(groups.values(), key=len, reverse=True)  # the longest first, so that no thread starts it last
        return [sorted(group, key=lambda i: _key(wanted[i], PEAKS)) for group in ordered]

    def _branch(self, wanted):
        results, signals, peaks = [], (None, None), (None, None)
        for settings in wanted:
            try:
                if _key(settings, SIGNAL + PEAKS) == _key(self.problem.settings, SIGNAL + PEAKS):
                    data = self.problem.data
                else:
                    if signals[0] != _key(settings, SIGNAL):
                        signals = _key(settings, SIGNAL), self._signals(settings)
                        peaks = (None, None)
                    if peaks[0] != _key(settings, PEAKS):
                        peaks = _key(settings, PEAKS), pick_peaks(*signals[1], settings, n_jobs=1)[0]
                    data = peaks[1]
                if len(data) != self.problem.y.size:
                    raise SpectraError(f"{self.problem.y.size - len(data)} spectra could not be processed")
                results.append(self.measure(self.problem._replace(data=data, settings=settings)))
            except SpectraError as error:
                signals, peaks = (None, None), (None, None)
                results.append(Measured(0, float("nan"), [], [], str(error)))
        return results

    def _signals(self, settings):
        if _key(settings, SIGNAL) == _key(self.problem.settings, SIGNAL):
            return self.problem.data, self.counts, self.nuisance
        return process_signals(self.raw, settings, n_jobs=1)


def _key(settings, steps):
    tree = to_dict(settings)
    return key_of({step: tree[step] for step in steps})


def movers(variants, present, most):
    """The settings whose values move the result most: (step, option) by the largest change of markers, score and number of peaks together.

    variants : list of Universe with one change each; present : Universe
    """
    moved: dict[tuple[str, str], float] = {}
    for variant in variants:
        if np.isfinite(variant.auc):
            ((step, name, _),) = variant.changes
            by = (
                (1 - variant.marker_overlap)
                + 2 * abs(variant.auc - present.auc)
                + abs(np.log(max(variant.n_peaks, 1) / max(present.n_peaks, 1)))
            )
            moved[step, name] = max(moved.get((step, name), 0.0), float(by))
    return sorted(moved, key=lambda place: -moved[place])[:most]


def pairs_of(settings, places):
    """Every pair of other values of two different settings among `places`: list of changes."""
    values = {(step, name): found for step, name, found in swept(settings)}
    found = []
    for first, second in itertools.combinations(places, 2):
        found += [[(*first, a), (*second, b)] for a in values[first] for b in values[second]]
    return found


def drawn(settings, count, seed):
    """`count` different combinations in which every swept setting takes a value at random, the present one included: list of changes."""
    random, every, found = np.random.default_rng([seed, 6]), list(swept(settings)), {}
    for _ in range(20 * count):
        if len(found) == count or not every:
            break
        changes = []
        for step, name, values in every:
            place = int(random.integers(len(values) + 1))
            changes += [(step, name, values[place])] if place < len(values) else []
        found.setdefault(repr(changes), changes)
    return list(found.values())
