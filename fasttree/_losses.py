"""Losses of boosting: their value, the constant to start from, and what a raw prediction means."""

import dataclasses

import numpy as np
from scipy.special import expit, logsumexp, softmax

from fasttree import _losses_kernels as kernels

_TINY = np.finfo(np.float64).eps


def _mean(values, weight):
    return float(np.average(values, weights=weight))


@dataclasses.dataclass(frozen=True)
class Loss:
    """A loss with everything the fit asks of it.

    code : int, number of the loss in `fasttree._losses_kernels`
    parameter : quantile, or power of tweedie
    n_outputs : trees per round
    """

    code: int
    parameter: float = 0.0
    n_outputs: int = 1

    def start(self, y, weight):
        """The constant raw prediction of least loss, shape (n_outputs,)."""
        if self.code == kernels.SOFTMAX:
            shares = np.bincount(y.astype(np.intp), weights=weight, minlength=self.n_outputs)
            logs = np.log(np.maximum(shares / shares.sum(), _TINY))
            return logs - logs.mean()
        mean = _mean(y, weight)
        if self.code == kernels.LOGISTIC:
            mean = min(max(mean, _TINY), 1.0 - _TINY)
            return np.array([np.log(mean / (1.0 - mean))])
        if self.code in (kernels.POISSON, kernels.GAMMA, kernels.TWEEDIE):
            return np.array([np.log(max(mean, _TINY))])
        return np.array([mean])

    def value(self, y, raw, weight):
        """Mean loss, with constants left out that don't depend on `raw`; as scikit-learn's. raw : shape (n_outputs, n)"""
        r, p = raw[0], self.parameter
        if self.code == kernels.SOFTMAX:
            loss = logsumexp(raw, axis=0) - raw[y.astype(np.intp), np.arange(len(y))]
        elif self.code == kernels.LOGISTIC:
            loss = np.logaddexp(0.0, r) - y * r
        elif self.code == kernels.POISSON:
            loss = np.exp(r) - y * r
        elif self.code == kernels.GAMMA:
            loss = r + y * np.exp(-r)
        elif self.code == kernels.TWEEDIE:
            loss = np.exp((2.0 - p) * r) / (2.0 - p) - y * np.exp((1.0 - p) * r) / (1.0 - p)
        else:
            loss = 0.5 * (y - r) ** 2
        return _mean(loss, weight)

    def response(self, raw):
        """The prediction that `raw`, shape (n_outputs, n), stands for: probabilities (n, n_classes), or values (n,)."""
        if self.code == kernels.SOFTMAX:
            return softmax(raw, axis=0).T
        if self.code == kernels.LOGISTIC:
            positive = expit(raw[0])
            return np.column_stack([1.0 - positive, positive])
        if self.code in (kernels.POISSON, kernels.GAMMA, kernels.TWEEDIE):
            return np.exp(raw[0])
        return raw[0]

    def check_target(self, y):
        """Refuse targets that the loss cannot take."""
        if self.code == kernels.POISSON and (np.any(y < 0) or not np.sum(y) > 0):
            raise ValueError("loss='poisson' needs y >= 0 with a positive sum")
        if self.code == kernels.TWEEDIE and (np.any(y < 0) or not np.sum(y) > 0):
            raise ValueError("loss='tweedie' needs y >= 0 with a positive sum")
        if self.code == kernels.GAMMA and not np.all(y > 0):
            raise ValueError("loss='gamma' needs y > 0")
