"""Peaks added to a profile, the obvious way."""

import numpy as np


def add_peaks(shapes, begin, step, heights, stretch, delay, times):
    total = np.zeros(times.size)
    for shape, start, height in zip(shapes, begin, heights, strict=True):
        at = (start + step * np.arange(shape.size)) * stretch + delay
        total += height * np.interp(times, at, shape, left=0, right=0)
    return total
