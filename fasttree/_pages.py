"""Memory straight from the system."""

import math
import mmap

import numpy as np

_MANY = 1 << 15
_OWN = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_PRIVATE") else {}  # not shared with a fork


def unused(n_rows, kinds):
    """Arrays of which what isn't written takes no memory, and which give it back when they go.

    NumPy's lie where something was freed before, or in pages of 2 MB, and what is freed below others is kept. Yet small fits one after the
    other are quicker on what was freed: 100 trees of 281 rows by an eighth.

    Parameters
    ----------
    n_rows : int
        Of the table that they are for.
    kinds : dict of str -> (dtype, shape)
        Those of large numbers first.

    Returns
    -------
    dict of str -> ndarray
    """
    if n_rows < _MANY:
        return {name: np.empty(shape, dtype) for name, (dtype, shape) in kinds.items()}
    sizes = [math.prod(shape) * np.dtype(dtype).itemsize for dtype, shape in kinds.values()]
    block, start, arrays = mmap.mmap(-1, sum(sizes), **_OWN), 0, {}
    for (name, (dtype, shape)), size in zip(kinds.items(), sizes, strict=True):
        arrays[name] = np.frombuffer(block, dtype, math.prod(shape), start).reshape(shape)
        start += size
    return arrays
