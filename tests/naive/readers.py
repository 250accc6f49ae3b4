"""The readers, as plainly as can be."""

import math


def read_two_columns(text, separator):
    rows = [line.split(separator.strip() or None) for line in text.splitlines()]
    return [float(row[0]) for row in rows], [float(row[1]) for row in rows]


def flex_mz(time, ml1, ml2, ml3):
    """m/z of one flight time, by bisection of the calibration curve."""
    low, high = 0.0, 1e4
    for _ in range(200):
        middle = (low + high) / 2
        if ml3 * middle**2 + math.sqrt(1e12 / ml1) * middle + ml2 < time:
            low = middle
        else:
            high = middle
    return low**2


def average(profiles):
    return [sum(point) / len(profiles) for point in zip(*profiles, strict=True)]
