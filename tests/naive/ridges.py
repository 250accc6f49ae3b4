"""Wavelet rows and ridge lines, the obvious way."""

import numpy as np


def rows(y, scales, wavelet):
    """One convolution per scale on the profile mirrored at its ends."""
    table = []
    for scale in scales:
        shape = wavelet(scale)
        half = shape.size // 2
        padded = np.pad(y, half, mode="reflect")
        table.append(np.convolve(padded, shape, mode="valid"))
    return np.array(table)


def link(maxima, reach, gap):
    """Line of every maximum, as a dict (row, place) -> line; `maxima` is one increasing list of places per row, finest first."""
    line, lines, alive = {}, 0, []  # alive: [line, place, missed]
    for row in range(len(maxima) - 1, -1, -1):
        claims = {}
        for entry in alive:
            if not maxima[row]:
                continue
            nearest = min(maxima[row], key=lambda m: (abs(m - entry[1]), m))
            distance = abs(nearest - entry[1])
            if distance <= reach[row] and (nearest not in claims or distance < claims[nearest][0]):
                claims[nearest] = (distance, entry[0])
        following = []
        for m in maxima[row]:
            if m in claims:
                line[row, m] = claims[m][1]
            else:
                line[row, m], lines = lines, lines + 1
            following.append([line[row, m], m, 0])
        taken = {entry[0] for entry in following}
        following += [[r, place, missed + 1] for r, place, missed in alive if r not in taken and missed + 1 <= gap]
        alive = following
    return line, lines
