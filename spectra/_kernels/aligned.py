"""Memory that begins on cache lines, for kernels whose loads would else cross them."""

import numpy as np

LINE = 16  # values: a cache line of float32, two of float64


def aligned_rows(count, size, dtype):
    """Uninitialised rows of at least `size` values, each of which begins on a cache line."""
    stride = -(-size // LINE) * LINE
    room = np.empty(count * stride + LINE, dtype)
    skip = -room.ctypes.data // room.itemsize % LINE
    return room[skip : skip + count * stride].reshape(count, stride)
