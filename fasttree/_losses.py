"""Losses of boosting: their value, the constant to start from, and what a raw prediction means."""

import dataclasses
import math
from typing import Any

import numpy as np
from scipy.special import expit, logsumexp, softmax

from fasttree import _losses_kernels as kernels
from fasttree._losses_own import own_kernel

_TINY = np.finfo(np.float64).eps


def _mean(values, weight):
    return float(np.average(values, weights=weight))


def weighted_quantile(values, q, weight=None):
    """The q-th quantile, interpolated; with weights the least value that has at least the share q at or below it."""
    if weight is None:
        return float(np.quantile(values, q))
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weight[order])
    return float(values[order[min(np.searchsorted(total, q * total[-1]), len(values) - 1)]])


@dataclasses.dataclass(frozen=True)
class Loss:
    """A loss with everything the fit asks of it.

    code : int, number of the loss in `fasttree._losses_kernels`
    parameters : quantiles, quantile of huber's residuals, or power of tweedie
    n_outputs : trees per round
    own : compiled function ``(y, raw) -> (gradient, hessian)``, of the user's own loss
    """

    code: int
    parameters: tuple = (0.0,)
    n_outputs: int = 1
    own: Any = None

    @property
    def logarithmic(self):
        """Whether predictions are the exponential of the raw ones."""
        return self.code in (kernels.POISSON, kernels.GAMMA, kernels.TWEEDIE)

    @property
    def renews(self):
        """Whether leaves get the best constant for their rows, not a Newton step."""
        return self.code in (kernels.ABSOLUTE, kernels.QUANTILE, kernels.HUBER)

    def start(self, y, weight):
        """The constant raw prediction of least loss, shape (n_outputs,)."""
        if self.code == kernels.SOFTMAX:
            shares = np.bincount(y.astype(np.intp), weights=weight, minlength=self.n_outputs)
            logs = np.log(np.maximum(shares / shares.sum(), _TINY))
            return logs - logs.mean()
        if self.code == kernels.OWN:
            return np.array([self._newton(y, weight)])
        if self.renews:
            return np.array([self.leaf(c, y, weight, self.width(y, weight)) for c in range(self.n_outputs)])
        mean = _mean(y, weight)
        if self.code == kernels.LOGISTIC:
            mean = min(max(mean, _TINY), 1.0 - _TINY)
            return np.array([np.log(mean / (1.0 - mean))])
        return np.array([np.log(max(mean, _TINY)) if self.logarithmic else mean])

    def _newton(self, y, weight):
        """The best constant of an own loss, by at most 20 Newton steps from 0."""
        constant, kernel = 0.0, own_kernel(self.own)
        g, h = np.empty((2, len(y)), np.float32)
        for _ in range(20):
            kernel(y, np.full(len(y), constant), np.empty(0) if weight is None else weight, g, h)
            if not (np.all(np.isfinite(g)) and np.all(np.isfinite(h)) and h.sum(dtype=np.float64) > 0):
                break
            step = g.sum(dtype=np.float64) / h.sum(dtype=np.float64)
            constant -= step
            if abs(step) <= 1e-6 * max(abs(constant), 1.0):
                break
        return constant

    def width(self, residuals, weight):
        """Huber's delta: a quantile of the absolute residuals."""
        return weighted_quantile(np.abs(residuals), self.parameters[0], weight) if self.code == kernels.HUBER else 0.0

    def leaf(self, output, residuals, weight, width):
        """The best constant for these residuals."""
        if self.code == kernels.QUANTILE:
            return weighted_quantile(residuals, self.parameters[output], weight)
        middle = weighted_quantile(residuals, 0.5, weight)
        if self.code == kernels.HUBER and width > 0:
            middle += _mean(np.clip(residuals - middle, -width, width), weight)
        return middle

    def value(self, y, raw, weight):
        """Mean loss, with constants left out that don't depend on `raw`; as scikit-learn's. raw : shape (n_outputs, n)"""
        r, p = raw[0], self.parameters[0]
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
        elif self.code == kernels.ABSOLUTE:
            loss = np.abs(y - r)
        elif self.code == kernels.QUANTILE:
            below = y - raw
            shares = np.array(self.parameters)[:, None]
            loss = np.maximum(shares * below, (shares - 1.0) * below).mean(axis=0)
        elif self.code == kernels.HUBER:
            width, far = self.width(y - r, weight), np.abs(y - r)
            loss = np.where(far <= width, 0.5 * far**2, width * (far - 0.5 * width))
        else:
            loss = 0.5 * (y - r) ** 2
        return _mean(loss, weight)

    def response(self, raw):
        """The prediction that `raw`, shape (n_outputs, n), stands for: (n, n_classes) probabilities, or (n,) or (n, n_quantiles) values."""
        if self.code == kernels.SOFTMAX:
            return softmax(raw, axis=0).T
        if self.code == kernels.LOGISTIC:
            positive = expit(raw[0])
            return np.column_stack([1.0 - positive, positive])
        if len(raw) > 1:
            return raw.T.copy()
        return np.exp(raw[0]) if self.logarithmic else raw[0]

    def response_of_one(self, raw):
        """As `response` for one row, quickly: a number, or an array of one per output. raw : shape (n_outputs, 1)"""
        if self.code == kernels.SOFTMAX:
            shares = np.exp(raw[:, 0] - raw.max())
            return shares / shares.sum()
        if self.code == kernels.LOGISTIC:
            return 1.0 / (1.0 + math.exp(-max(raw[0, 0], -700.0)))
        if len(raw) > 1:
            return raw[:, 0].copy()
        return math.exp(raw[0, 0]) if self.logarithmic else float(raw[0, 0])

    def check_target(self, y):
        """Refuse targets that the loss cannot take."""
        if self.code in (kernels.POISSON, kernels.TWEEDIE) and (np.any(y < 0) or not np.sum(y) > 0):
            raise ValueError("loss='poisson' and loss='tweedie' need y >= 0 with a positive sum")
        if self.code == kernels.GAMMA and not np.all(y > 0):
            raise ValueError("loss='gamma' needs y > 0")
