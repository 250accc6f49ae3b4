"""A user's loss, given as a compiled function of one row."""

import functools

import numba

from fasttree._jit import njit


@functools.lru_cache(maxsize=16)
def own_kernel(function):
    """A kernel that applies ``function(y, raw) -> (gradient, hessian)`` to all rows.

    The kernel is ``kernel(y, raw, weight, gradients, hessians)``; the last two, float32, are overwritten.
    """
    single = function if hasattr(function, "py_func") else numba.njit(function)

    @njit
    def kernel(y, raw, weight, gradients, hessians):
        for i in range(len(y)):
            gradient, hessian = single(y[i], raw[i])
            if len(weight) > 0:
                gradient, hessian = gradient * weight[i], hessian * weight[i]
            gradients[i] = gradient
            hessians[i] = hessian

    return kernel
