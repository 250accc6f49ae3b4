"""asv: the way from raw spectra to a result, on a simulated cohort."""

import dataclasses

import numpy as np


class Study:
    """Per-spectrum steps, learned steps, and one nested study of two models."""

    params = ([40, 120],)
    param_names = ("spectra",)
    timeout = 300

    def setup(self, n_spectra):
        from spectra import simulate_cohort
        from spectra.pipeline import learned_steps, preprocess
        from spectra.settings import Settings, change

        self.settings = change(
            Settings(), "study", repeats=1, models=("naive Bayes", "random forest"), sensitivity=False, panel=False, learning_curve=False
        )
        self.raw = simulate_cohort(n_spectra, seed=0).cohort
        self.done, _ = preprocess(self.raw, self.settings, n_jobs=1)
        self.y = (self.done.samples["label"] == "case").to_numpy(np.int64)
        learned_steps(self.settings, self.done).fit_transform(self.done, self.y)
        self.time_study(n_spectra)

    def time_preprocess(self, n_spectra):
        from spectra.pipeline import preprocess

        preprocess(self.raw, self.settings, n_jobs=1)

    def time_learned_steps(self, n_spectra):
        from spectra.pipeline import learned_steps

        learned_steps(self.settings, self.done).fit_transform(self.done, self.y)

    def time_study(self, n_spectra):
        from spectra.study import run_study

        run_study(self.raw, label="label", group="patient", settings=self.settings, n_jobs=1)

    def peakmem_preprocess(self, n_spectra):
        from spectra.pipeline import preprocess

        preprocess(dataclasses.replace(self.raw), self.settings, n_jobs=1)
