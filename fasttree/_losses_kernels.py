"""Losses of boosting, row by row: gradient and hessian of the raw prediction."""

import math
from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fasttree._jit import njit
from fasttree._jit_reference import interpreted

SQUARED, LOGISTIC, SOFTMAX, ABSOLUTE, QUANTILE, HUBER, POISSON, GAMMA, TWEEDIE, OWN = range(10)


class Target(NamedTuple):
    """What is to be predicted, and what is predicted so far."""

    loss: int
    parameter: np.ndarray  # float64 (n_outputs,): quantile, delta of huber, or power of tweedie
    y: np.ndarray  # float64 (n,); class numbers for classification
    weight: np.ndarray  # float64 (n,), or empty when all are one
    raw: np.ndarray  # float64 (n_outputs, n)


if interpreted():

    def float_of_bits(bits):
        return np.int32(bits).view(np.float32)

else:

    @intrinsic
    def float_of_bits(typing_context, bits):
        """The float32 with these 32 bits."""

        def build(context, builder, signature, args):
            return builder.bitcast(args[0], ir.FloatType())

        return types.float32(types.int32), build


@njit(_nrt=False)
def exponential(x):
    """exp of a float32 within ±80, to 2e-7: 2 ns a row in a vectorised loop, where the library's takes 10."""
    one, half = np.float32(1), np.float32(0.5)
    scaled = min(max(x, np.float32(-80)), np.float32(80)) * np.float32(1.4426950408889634)
    whole = np.floor(scaled + half)
    f = (scaled - whole) * np.float32(0.6931471805599453)
    series = np.float32(1 / 24) + f * (np.float32(1 / 120) + f * np.float32(1 / 720))
    series = one + f * (one + f * (half + f * (np.float32(1 / 6) + f * series)))
    return series * float_of_bits(np.int32((np.int32(whole) + np.int32(127)) << np.int32(23)))


@njit(_nrt=False)
def logistic(y, raw, g, h):
    """Binary log loss; y is 0 or 1."""
    one = np.float32(1)
    for i in range(len(y)):
        p = one / (one + exponential(np.float32(-raw[i])))
        g[i] = p - np.float32(y[i])
        h[i] = p * (one - p)


@njit(_nrt=False)
def softmax(y, raw, g, h):
    """Log loss of several classes; y is the class number; raw, g, h : (n_classes, n)"""
    n_classes, one = raw.shape[0], np.float32(1)
    for i in range(len(y)):
        top = raw[0, i]
        for c in range(1, n_classes):
            top = max(top, raw[c, i])
        total = np.float32(0)
        for c in range(n_classes):
            g[c, i] = exponential(np.float32(raw[c, i] - top))
            total += g[c, i]
        for c in range(n_classes):
            p = g[c, i] / total
            g[c, i] = p - np.float32(y[i] == c)
            h[c, i] = p * (one - p)


@njit(_nrt=False)
def steps(loss, parameter, y, raw, g, h):
    """Losses whose hessian is taken as one: squared, absolute, quantile, huber."""
    below, above = -1.0, 1.0
    if loss == QUANTILE:
        below, above = -parameter, 1.0 - parameter
    for i in range(len(y)):
        difference = raw[i] - y[i]
        if loss == SQUARED:
            g[i] = difference
        elif loss == HUBER:
            g[i] = min(max(difference, -parameter), parameter)
        else:
            g[i] = above if difference > 0.0 else (below if difference < 0.0 else 0.0)
        h[i] = 1.0


@njit(_nrt=False)
def exponentials(loss, parameter, y, raw, g, h):
    """Losses with a logarithmic link: poisson, gamma, tweedie."""
    for i in range(len(y)):
        if loss == POISSON:
            mean = math.exp(raw[i])
            g[i] = mean - y[i]
            h[i] = mean
        elif loss == GAMMA:
            share = y[i] * math.exp(-raw[i])
            g[i] = 1.0 - share
            h[i] = share
        else:
            a, b = y[i] * math.exp((1.0 - parameter) * raw[i]), math.exp((2.0 - parameter) * raw[i])
            g[i] = b - a
            h[i] = (2.0 - parameter) * b - (1.0 - parameter) * a


@njit(_nrt=False)
def gradients(target, start, stop, g, h):
    """Gradients and hessians of the rows ``start … stop``, with their weights. g, h : float32[:, ::1], overwritten there"""
    y, loss = target.y[start:stop], target.loss
    if loss == SOFTMAX:
        softmax(y, target.raw[:, start:stop], g[:, start:stop], h[:, start:stop])
    elif loss == LOGISTIC:
        logistic(y, target.raw[0, start:stop], g[0, start:stop], h[0, start:stop])
    elif loss >= POISSON:
        exponentials(loss, target.parameter[0], y, target.raw[0, start:stop], g[0, start:stop], h[0, start:stop])
    else:
        for c in range(g.shape[0]):
            steps(loss, target.parameter[c], y, target.raw[c, start:stop], g[c, start:stop], h[c, start:stop])
    if len(target.weight) > 0:
        for c in range(g.shape[0]):
            for i in range(start, stop):
                g[c, i] *= target.weight[i]
                h[c, i] *= target.weight[i]
