"""Heights of overlapping Gaussians, all fitted together and none negative.

Shapes lie behind one another; shape k covers the points ``begin[k] .. begin[k] + offsets[k + 1] - offsets[k] - 1``. Only shapes
``first[k] .. last[k] - 1`` overlap shape k, so the products of all pairs make a band::

                 first[k]   k    last[k]
    products[k]     |-------+-------|
"""

import math

from spectra._kernels._jit import njit

OVERSHOOT = 1.5


@njit
def draw(position, sd, begin, offsets, shapes):
    """Draw Gaussians of height 1.

    position, sd : float64[::1], shape (n_shapes,), in points
    shapes : float64[::1], shape (offsets[-1],). Fully overwritten.
    """
    for k in range(position.size):
        for i in range(offsets[k], offsets[k + 1]):
            z = (begin[k] + i - offsets[k] - position[k]) / sd[k]
            shapes[i] = math.exp(-z * z / 2)


@njit
def project(y, begin, offsets, shapes, first, last, products, along):
    """Products of shapes with each other and with a profile.

    products : float64[:, ::1], shape (n_shapes, at least the greatest last - first); along : float64[::1], shape (n_shapes,). Overwritten.
    """
    for k in range(begin.size):
        size = offsets[k + 1] - offsets[k]
        own = shapes[offsets[k] : offsets[k + 1]]
        part = y[begin[k] : begin[k] + size]
        total = 0.0
        for i in range(size):
            total += own[i] * part[i]
        along[k] = total
        for j in range(first[k], last[k]):
            start = max(begin[k], begin[j])
            stop = min(begin[k] + size, begin[j] + offsets[j + 1] - offsets[j])
            total = 0.0
            for i in range(start, stop):
                total += own[i - begin[k]] * shapes[offsets[j] + i - begin[j]]
            products[k, j - first[k]] = total


@njit
def descend(products, first, last, along, rounds, tolerance, height):
    """Non-negative least squares by projected over-relaxation, until no height changes by more than `tolerance` of the greatest.

    OVERSHOOT between 0 and 2 converges (Cryer 1971); overlapping neighbours need several times fewer rounds with 1.5 than with 1.
    height : float64[::1], shape (n_shapes,), the start; overwritten with the solution.
    """
    for _ in range(rounds):
        change = top = 0.0
        for k in range(height.size):
            rest = along[k]
            for j in range(first[k], last[k]):
                rest -= products[k, j - first[k]] * height[j]
            own = products[k, k - first[k]]
            best = max(height[k] + OVERSHOOT * rest / own, 0.0)
            change = max(change, abs(best - height[k]))
            top = max(top, best)
            height[k] = best
        if change <= tolerance * top:
            return


@njit
def subtract(begin, offsets, shapes, height, y):
    """Take shapes of given heights off a profile. y : float64[::1]. Changed in place."""
    for k in range(begin.size):
        for i in range(offsets[k], offsets[k + 1]):
            y[begin[k] + i - offsets[k]] -= height[k] * shapes[i]


@njit
def likeness(rest, begin, offsets, shapes, height, quality):
    """Squared correlation of each shape with what the profile shows where it stands, its neighbours taken off; 0 where negative.

    rest : float64[::1], the profile without any shape; quality : float64[::1], shape (n_shapes,). Fully overwritten.
    """
    for k in range(begin.size):
        n = offsets[k + 1] - offsets[k]
        sy = sg = syy = sgg = syg = 0.0
        for i in range(n):
            g = shapes[offsets[k] + i]
            v = rest[begin[k] + i] + height[k] * g
            sy += v
            sg += g
            syy += v * v
            sgg += g * g
            syg += v * g
        together, spread = syg - sy * sg / n, (syy - sy * sy / n) * (sgg - sg * sg / n)
        quality[k] = min(together * together / spread, 1.0) if together > 0 and spread > 0 else 0.0
