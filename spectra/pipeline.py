"""Settings -> steps: `preprocess` for what looks at one spectrum at a time, `learned_steps` for what looks across them.

>>> from spectra.settings import Settings
>>> [name for name, _ in make_pipeline(Settings()).steps]
['preprocess', 'align', 'bin', 'filter']
"""

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from sklearn.pipeline import Pipeline

import spectra
from spectra._steps import Learned, PerSpectrum
from spectra._threads import over_threads
from spectra.containers import Cohort, FeatureMatrix
from spectra.errors import SettingsError, SpectraError
from spectra.normalization import total_ion_current
from spectra.settings import LEARNED, Method, Settings
from spectra.transform import flight_axis

if TYPE_CHECKING:
    import pandas as pd

NUISANCE = ("total ion current", "baseline level", "noise level", "number of peaks")
"""What a spectrum shows that no biomarker should depend on; the audit asks whether it tells the classes apart."""

NAMED = 5  # spectra that a note names
GAUSSIAN_AREA = np.sqrt(np.pi / np.log(2)) / 2  # over height times full width at half maximum


def call(section: Method, *arguments):
    """Run the public function that a section names, with its options; ``"none"`` returns the last argument as it is."""
    if section.method == "none":
        return arguments[-1]
    function = getattr(spectra, section.method)
    return function(*arguments[-1:] if function.takes == "intensity" else arguments, **section.options)


def signal_stages(settings: Settings, mz, intensity):
    """One spectrum after each signal step.

    Returns
    -------
    dict of name -> ndarray, shape (n_points,)
        ``raw``, ``transform``, ``smooth``, ``baseline`` (the estimate), ``corrected`` (smooth minus baseline), ``normalize``.
    """
    stages = {"raw": intensity, "transform": call(settings.transform, mz, intensity)}
    stages["smooth"] = call(settings.smooth, mz, stages["transform"])
    if settings.baseline.method == "none":
        stages["baseline"] = np.zeros_like(stages["smooth"])
    else:
        stages["baseline"] = call(settings.baseline, mz, stages["smooth"])
    stages["corrected"] = stages["smooth"] - stages["baseline"]
    stages["normalize"] = call(settings.normalize, mz, stages["corrected"])
    return stages


def _signal(settings, mz, intensity):
    """Processed intensities and the first three nuisance numbers of one spectrum."""
    stages = signal_stages(settings, mz, intensity)
    noise = np.mean(call(settings.noise, mz, stages["corrected"]))
    return stages["normalize"], (total_ion_current(mz, intensity), stages["baseline"].mean(), noise)


def _peaks(settings, mz, intensity, counts):
    """Peaks of one spectrum, with the heights of its processed profile; the raw `counts` tell which are saturated."""
    section = settings.peaks
    options = section.options
    if section.method == "find_peaks":  # the others bring their own noise
        options["noise"] = call(settings.noise, mz, intensity)
    peaks = getattr(spectra, section.method)(mz, counts if section.from_counts else intensity, **options)
    if section.from_counts:  # found in one profile, measured in the other: so what was found and what is filled in are of one kind
        height = np.interp(peaks.mz, mz, intensity)
        peaks = dataclasses.replace(peaks, intensity=height, area=height * peaks.fwhm * GAUSSIAN_AREA)
    return spectra.flag_saturated(peaks, mz, counts)


def _attempt(function, settings, n_jobs, cohort, *others):
    """Results of ``function(settings, mz, intensity, ...)`` per spectrum, an error in place of a result; `others` give intensities too."""

    def run(i):
        try:
            return function(settings, cohort.axis_of(i), *(profiles.intensity_of(i) for profiles in (cohort, *others)))
        except SpectraError as error:
            return error

    return over_threads(run, range(len(cohort)), n_jobs=n_jobs)


def _set_aside(cohort, results):
    """`cohort` and `results` without the spectra whose result is an error; these are listed in ``set_aside``."""
    good = [i for i, result in enumerate(results) if not isinstance(result, SpectraError)]
    if len(good) == len(cohort):
        return cohort, results
    bad = [
        {"file": str(cohort.samples["file"].iloc[i]), "reason": str(result)}
        for i, result in enumerate(results)
        if isinstance(result, SpectraError)
    ]
    if not good:
        raise SpectraError(f"no spectrum could be processed; the first, {bad[0]['file']}: {bad[0]['reason']}")
    kept = dataclasses.replace(cohort[good], set_aside=cohort.set_aside + bad)
    return kept, [results[i] for i in good]


def preprocess(cohort: Cohort, settings: Settings, *, n_jobs: int | None = None) -> tuple[Cohort, "pd.DataFrame"]:
    """Run all per-spectrum steps on a raw cohort.

    Parameters
    ----------
    cohort : Cohort
        Raw intensities in counts.
    settings : Settings
        With ``read.replicates = "average"`` the processed replicates of a sample are averaged before peaks are sought.
    n_jobs : int, optional
        Threads.

    Returns
    -------
    cohort : Cohort
        Processed intensities and peaks; a spectrum that a step refuses is listed in ``set_aside`` with the reason.
    nuisance : DataFrame, one row per spectrum, columns `NUISANCE`

    Raises
    ------
    SpectraError
        When no spectrum could be processed.
    """
    done, raw, nuisance = process_signals(cohort, settings, n_jobs=n_jobs)
    return pick_peaks(done, raw, nuisance, settings, n_jobs=n_jobs)


def on_common_axis(cohort, read, *, n_jobs=None):
    """The cohort on the one axis that the settings ask for, if they do; spectra that do not reach that far are set aside."""
    if not read.points:
        return cohort
    if not 0 < read.mz_low < read.mz_high:
        words = f"read.points = {read.points} needs 0 < read.mz_low < read.mz_high, not {read.mz_low:g} and {read.mz_high:g}"
        raise SettingsError(f"{words}; an axis taken from the spectra would depend on which they are")
    axis = flight_axis(read.mz_low, read.mz_high, read.points)
    cohort, spectra_ = _set_aside(cohort, _attempt(lambda _, *spectrum: spectra.resample(*spectrum, axis=axis), None, n_jobs, cohort))
    return Cohort.from_spectra(spectra_, cohort.samples, set_aside=cohort.set_aside, notes=cohort.notes)


def process_signals(raw, settings, *, n_jobs=None):
    """The first part of `preprocess`: all steps up to normalisation, and the average of replicates; ``peaks`` are not yet there.

    Returns (cohort, raw, nuisance): the processed profiles and, of the same rows and on the same axes, the counts and the table.
    """
    import pandas as pd

    def run(mz, intensity):
        try:
            return _signal(settings, mz, intensity)
        except SpectraError as error:
            return intensity, error  # stays as it is until it is set aside

    raw = on_common_axis(raw, settings.read, n_jobs=n_jobs)
    cohort, results = raw.rewrite(run, n_jobs=n_jobs)
    (cohort, numbers), (raw, _) = _set_aside(cohort, results), _set_aside(raw, results)
    nuisance = pd.DataFrame(numbers, columns=list(NUISANCE[:3]))
    if settings.read.replicates == "average":
        single = raw.samples["sample"].to_numpy()
        cohort, raw = (spectra.average_replicates(profiles, by="sample") for profiles in (cohort, raw))
        nuisance = nuisance.groupby(single).mean().loc[cohort.samples["sample"]].reset_index(drop=True)
    return cohort, raw, nuisance


def pick_peaks(cohort, raw, nuisance, settings, *, n_jobs=None):
    """The second part of `preprocess`: noise, peaks and calibration of processed signals; `raw` has the counts of the same rows."""
    numbered = dataclasses.replace(cohort, samples=cohort.samples.assign(_row=range(len(cohort))))
    numbered, peaks = _set_aside(numbered, _attempt(_peaks, settings, n_jobs, numbered, raw))
    nuisance = nuisance.iloc[numbered.samples["_row"]].reset_index(drop=True)
    nuisance[NUISANCE[3]] = [float(len(found)) for found in peaks]
    done = dataclasses.replace(numbered, samples=numbered.samples.drop(columns="_row"), peaks=peaks)
    return _calibrated(done, settings.calibrate), nuisance


def _calibrated(cohort, section):
    """The cohort with its peaks moved and its ``warps`` set by known calibrants; a note tells which spectra show too few."""
    if section.method == "none":
        return cohort
    if not section.calibrants:
        raise SettingsError(
            f"[calibrate] method {section.method!r} needs calibrants: their true m/z, such as calibrants = [2466.7, 5734.6]"
        )
    moved = getattr(spectra, section.function)(method=section.method, **section.options).transform(cohort)
    left = [str(cohort.samples["file"].iloc[i]) for i, warp in enumerate(moved.warps) if not warp.at.size]
    if not left:
        return moved
    more = f" and {len(left) - NAMED} more" if len(left) > NAMED else ""
    told = f"{len(left)} of {len(cohort)} spectra show fewer than {section.min_calibrants} calibrants and keep their m/z: {', '.join(left[:NAMED])}{more}."
    return dataclasses.replace(moved, notes=[*moved.notes, told])


class Preprocess(PerSpectrum):
    """All per-spectrum steps as a scikit-learn transformer, Cohort -> Cohort with peaks.

    Parameters
    ----------
    settings : Settings, optional
    n_jobs : int, optional
        Threads.
    """

    def __init__(self, settings=None, *, n_jobs=None):
        self.settings = settings
        self.n_jobs = n_jobs

    def transform(self, cohort):
        """Process every spectrum; one that cannot be processed is an error here, since rows must stay rows."""
        done, _ = preprocess(cohort, self.settings or Settings(), n_jobs=self.n_jobs)
        if len(done.set_aside) > len(cohort.set_aside):
            worst = done.set_aside[-1]
            raise SpectraError(f"{worst['file']}: {worst['reason']}")
        return done


class MedianImputer(Learned):
    """Fill what is missing in a plain feature table with the training rows' medians, FeatureMatrix -> FeatureMatrix."""

    def fit(self, features, y=None):
        """Learn each column's median; a column without any value becomes zero."""
        known = ~np.isnan(features.values).all(axis=0)
        self.median_ = np.zeros(features.shape[1])
        self.median_[known] = np.nanmedian(features.values[:, known], axis=0)
        return self

    def transform(self, features):
        """A copy without gaps."""
        return dataclasses.replace(features, values=np.where(np.isnan(features.values), self.median_, features.values))


def learned_steps(settings: Settings, data: Cohort | FeatureMatrix) -> Pipeline:
    """The unfitted steps that must be fitted inside each training fold, from `data` (preprocessed) to a FeatureMatrix."""
    if isinstance(data, FeatureMatrix):
        return Pipeline([("impute", MedianImputer()), *_learned(settings, ("quotient", "agreement"))])
    return Pipeline(_learned(settings))


def _learned(settings, names=LEARNED):
    steps = [(name, getattr(settings, name)) for name in names]
    used = [(name, section) for name, section in steps if getattr(section, "method", "") != "none"]
    return [(name, getattr(spectra, section.function)(**section.options)) for name, section in used]


def make_pipeline(settings: Settings, *, n_jobs: int | None = None) -> Pipeline:
    """The whole way from a raw Cohort to a FeatureMatrix as one scikit-learn pipeline."""
    return Pipeline([("preprocess", Preprocess(settings, n_jobs=n_jobs)), *_learned(settings)])
