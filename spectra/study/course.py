"""What the parts of a study share: data, roles, splits, and what earlier parts found."""

import dataclasses
import functools
from typing import Any

from spectra.errors import SpectraError
from spectra.settings import to_dict
from spectra.study import scores
from spectra.study.cache import Cache, key_of, sources
from spectra.study.candidates import Candidate
from spectra.study.problem import Problem
from spectra.study.record import data_digest, versions
from spectra.study.roles import batches_of
from spectra.study.search import Search
from spectra.study.splits import group_labels, grouped_splits


@dataclasses.dataclass
class Course:
    """One study under way.

    problem : the data as learned from (preprocessed), labels, patients
    raw, nuisance, quality, roles : as in `StudyResult`
    table : DataFrame, one row per row of the data
    group_name : the column that names the patient, or None
    folds : int, outer folds
    shuffled : candidates chosen among anew under shuffled labels; none: a fixed ridge regression
    gone : names of candidates that could not be fitted
    cache : results kept of earlier runs
    found : what the parts so far gave, field of `StudyResult` -> value; ``notes`` is added to
    seconds : part -> seconds it took
    """

    problem: Problem
    raw: Any
    nuisance: Any
    quality: Any
    table: Any
    roles: dict[str, str]
    group_name: str | None
    folds: int
    candidates: list[Candidate]
    shuffled: list[Candidate]
    n_jobs: int | None
    progress: Any
    store: Any
    notes: list[str]
    gone: list[str] = dataclasses.field(default_factory=list)
    cache: Cache = dataclasses.field(default_factory=Cache)
    found: dict[str, Any] = dataclasses.field(default_factory=dict)
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)

    @property
    def settings(self):
        """The settings of the comparison."""
        return self.problem.settings.study

    @functools.cached_property
    def patients(self):
        """Class (or level) of each patient, and the patient of each row."""
        return group_labels(self.problem.y, self.problem.groups)[1:]

    @property
    def search(self):
        """How hyperparameters are looked for."""
        journal = self.store.journal if self.store and self.settings.search == "optuna" else None
        return Search(self.settings.search, self.settings.trials, self.problem.seed, journal)

    @functools.cached_property
    def splits(self):
        """The main scheme: repeated folds over patients."""
        return grouped_splits(self.problem.y, self.problem.groups, folds=self.folds, repeats=self.settings.repeats, seed=self.problem.seed)

    @functools.cached_property
    def resampler(self):
        """Bootstrap over patients; of a quantity within its levels, so that every sample spans its range."""
        label, member = group_labels(self.problem.target, self.problem.groups)[1:]
        more = {"strata": self.patients[0], "rank": self.problem.task.rank}
        return scores.PatientResampler(label, member, resamples=self.settings.resamples, seed=self.problem.seed, **more)

    @functools.cached_property
    def batches(self):
        """Name -> column that could be a batch."""
        return batches_of(self.table, self.roles)

    @property
    def counts(self):
        """Numbers of resamples and permutations, as the controls take them."""
        return {"resamples": self.settings.resamples, "permutations": self.settings.permutations}

    @functools.cached_property
    def digests(self):
        """What everything depends on, as plain values: data, labels and patients, seed, versions of the libraries."""
        labels = key_of(
            {
                "target": self.problem.target.tolist(),
                "task": self.problem.task.name,
                "groups": [str(group) for group in self.problem.groups],
            }
        )
        data = data_digest(self.raw if self.raw is not None else self.problem.data)
        installed = {f"version of {name}": version for name, version in versions().items()}
        return {"data": data, "labels": labels, "seed": self.problem.seed, **installed}

    def kept(self, part, kind, compute, without):
        """What `compute` gives, taken from the cache where nothing that it depends on has changed.

        kind : type to read it as; without : names of options of the comparison that it does not depend on
        """
        inputs = self.digests | {"code": sources()}
        for step, section in to_dict(self.found.get("problem", self.problem).settings).items():
            inputs |= {f"{step}.{name}": value for name, value in section.items() if step != "study" or name not in without}
        value = self.cache.load(part, inputs, kind)
        if value is None:
            value = compute()
            self.cache.keep(part, inputs, value)
        return value

    def leave_out(self, reasons):
        """Go on without the candidates that cannot be fitted: name -> why. Nothing is left to be compared where all of them are."""
        self.gone += reasons
        self.candidates = [candidate for candidate in self.candidates if candidate.name not in reasons]
        self.shuffled = [candidate for candidate in self.shuffled if candidate.name not in reasons]
        if not self.candidates:
            raise SpectraError(f"[study] models: none is left to be compared: {'; '.join(reasons.values())}")
        self.notes += [f"Left out: {reason}" for reason in reasons.values()]

    @property
    def work(self):
        """How to run and tell of many small jobs."""
        return {"n_jobs": self.n_jobs, "progress": self.progress}
