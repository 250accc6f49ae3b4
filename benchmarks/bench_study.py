"""asv: the way from raw spectra to a result, on a simulated cohort."""

import importlib
import time

import numpy as np

import spectra
from benchmarks import skips_older


def parts():
    """What is called here, looked up when a suite is set up: older commits lack some of it."""
    return [importlib.import_module(f"spectra.{name}") for name in ("pipeline", "settings", "study")]


class Steps:
    """Per-spectrum steps, and the learned ones."""

    timer = time.process_time  # one thread: what else the machine does counts less
    params = ([40, 120],)
    param_names = ("spectra",)

    @skips_older
    def setup_cache(self):
        """Compile in a process of its own: the compiler's memory isn't that of the steps."""
        self.setup(8)

    @skips_older
    def setup(self, n_spectra):
        self.pipeline, settings, _ = parts()
        self.settings = settings.Settings()
        self.raw = spectra.simulate_cohort(n_spectra, seed=0).cohort
        self.done, _ = self.pipeline.preprocess(self.raw, self.settings, n_jobs=1)
        self.y = (self.done.samples["label"] == "case").to_numpy(np.int64)
        self.time_learned_steps(n_spectra)

    def time_preprocess(self, n_spectra):
        self.pipeline.preprocess(self.raw, self.settings, n_jobs=1)

    def time_learned_steps(self, n_spectra):
        self.pipeline.learned_steps(self.settings, self.done).fit_transform(self.done, self.y)

    def peakmem_preprocess(self, n_spectra):
        self.pipeline.preprocess(self.raw, self.settings, n_jobs=1)


class Study:
    """One nested study of two models on 40 spectra, its audit included."""

    timer = time.process_time
    timeout = 300

    @skips_older
    def setup_cache(self):
        """True where a study runs, which compiles it as well; an older commit that lacks something gives None."""
        self.prepare()
        self.time_study(True)
        return True

    def setup(self, runs=None):
        if runs is None:
            raise NotImplementedError("this commit's study lacks something that is called here")
        self.prepare()

    def prepare(self):
        _, settings, self.study = parts()
        options = {"sensitivity": False, "panel": False, "learning_curve": False}
        self.settings = settings.change(settings.Settings(), "study", repeats=1, models=("naive Bayes", "random forest"), **options)
        self.raw = spectra.simulate_cohort(40, seed=0).cohort

    def time_study(self, runs):
        self.study.run_study(self.raw, label="label", group="patient", settings=self.settings, n_jobs=1)
