"""Steps of the pipeline as hyperparameters: each asked-for setting over the values of its declared sweep.

What looks at one spectrum at a time learns nothing from the others, so each of its settings is computed once, for all; which of them is used
is chosen inside the training patients, like any parameter of a model.
"""

import itertools
from typing import Any, NamedTuple

from joblib import delayed

from spectra._threads import parallel
from spectra.containers import Cohort
from spectra.errors import SpectraError, choices
from spectra.pipeline import preprocess
from spectra.settings import LEARNED, PER_SPECTRUM, change, options
from spectra.study.search import Space


class Tuned(NamedTuple):
    """Settings that are hyperparameters.

    space : ``step.option`` -> `Space`
    variants : tuple of values in the order of `space` -> (data, settings)
    """

    space: dict[str, Space]
    variants: dict[tuple[Any, ...], tuple[Any, Any]]

    def at(self, problem, point):
        """`problem` with the data and settings of the point."""
        data, settings = self.variants[tuple(point[name] for name in self.space)]
        return problem._replace(data=data, settings=settings)


def tuned_settings(raw, data, settings, *, n_jobs=None):
    """What ``[study] tune`` names, made ready.

    Parameters
    ----------
    raw, data : Cohort before and after processing
    settings : Settings
    n_jobs : int, optional, threads

    Returns
    -------
    Tuned, or None where nothing is to be tuned
    """
    names = settings.study.tune
    if not names:
        return None
    if not isinstance(raw, Cohort):
        raise SpectraError(f"[study] tune: {names[0]!r} is a step for spectra, and this is a table of features")
    space = {name: _values(settings, name) for name in dict.fromkeys(names)}
    first = [name for name in space if name.partition(".")[0] in PER_SPECTRUM]
    points = list(itertools.product(*(space[name].grid for name in first)))

    def processed(point):
        changed = with_settings(settings, dict(zip(first, point, strict=True)))
        found = data if changed == settings else preprocess(raw, changed, n_jobs=1)[0]
        if len(found) != len(data):
            raise SpectraError(f"[study] tune: with {first} = {point} {len(found)} of {len(data)} spectra can be processed; leave that out")
        return found

    ready = dict(zip(points, parallel(n_jobs)(delayed(processed)(point) for point in points), strict=True))
    variants = {}
    for values in itertools.product(*(each.grid for each in space.values())):
        point = dict(zip(space, values, strict=True))
        variants[values] = ready[tuple(point[name] for name in first)], with_settings(settings, point)
    return Tuned(space, variants)


def with_settings(settings, point):
    """Settings with the options of a point, ``step.option`` -> value."""
    for name, value in point.items():
        step, _, option = name.partition(".")
        settings = change(settings, step, **{option: value})
    return settings


def _values(settings, name):
    """The present value first, so that a tie keeps it; then the others of the sweep."""
    can = {f"{place}.{found.name}": found for place in (*PER_SPECTRUM, *LEARNED) for found in options(settings, place) if found.sweep}
    if name not in can:
        raise SpectraError(f"[study] tune: {name!r} cannot be tuned; {choices(name, can)}")
    found = can[name]
    return Space((found.value, *(value for value in found.sweep if value != found.value)))
