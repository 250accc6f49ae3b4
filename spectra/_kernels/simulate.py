"""Add known peak shapes to an expected profile."""

from spectra._kernels._jit import njit


@njit
def add_peaks(shapes, offsets, begin, step, heights, stretch, delay, first, dwell, expected):
    """Add every shape, stretched and delayed in time, at the detector's points.

    shapes : float64[::1], the shapes behind one another, each of height 1 and ending in zeros
    offsets : int64[::1], shape (n_shapes + 1,)
    begin, step : float64[::1], float; the time of each shape's first value and between its values, ns
    heights : float64[::1], shape (n_shapes,), counts
    stretch, delay : a flight time t becomes ``t * stretch + delay``
    first, dwell : time of the profile's first point and between its points, ns
    expected : float64[::1]. Added to.
    """
    for p in range(begin.size):
        shape = shapes[offsets[p] : offsets[p + 1]]
        start = begin[p] * stretch + delay
        stop = (begin[p] + step * (shape.size - 1)) * stretch + delay
        i = max(0, int((start - first) / dwell) + 1)
        last = min(expected.size - 1, int((stop - first) / dwell))
        while i <= last:
            place = (first + i * dwell - start) / (step * stretch)
            k = min(int(place), shape.size - 2)
            part = place - k
            expected[i] += heights[p] * ((1.0 - part) * shape[k] + part * shape[k + 1])
            i += 1
