"""The line that makes a study honest *and* fast: the two kinds of steps.

A `PerSpectrum` step looks at one spectrum at a time, so it learns nothing from the others and runs once, outside the folds.
A `Learned` step looks across spectra (and perhaps at the labels), so it is fitted inside every training fold, and only applied
to the spectra held out.
"""

from sklearn.base import BaseEstimator, TransformerMixin


class PerSpectrum(TransformerMixin, BaseEstimator):
    """A transformer without memory: what it does to a spectrum depends on that spectrum alone."""

    def fit(self, cohort, y=None):
        """Nothing to learn."""
        return self

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


class Learned(TransformerMixin, BaseEstimator):
    """A transformer that is frozen by ``fit(cohort, y)`` on the training spectra; `transform` never changes it."""
