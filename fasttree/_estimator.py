"""scikit-learn's base of all estimators."""

import functools

from sklearn.base import BaseEstimator


class Estimator(BaseEstimator):
    """It inspects the constructor for the names of the parameters at each fit and copy; here once for a class (15 us of 8 ms)."""

    @classmethod
    @functools.cache
    def _get_param_names(cls):
        return super()._get_param_names()
