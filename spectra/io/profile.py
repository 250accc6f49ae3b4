"""What makes two arrays a spectrum."""

import numpy as np

from spectra.errors import SpectrumError


def check_profile(mz, intensity, place="point {}".format):
    """Trim the leading points at m/z <= 0 and check the rest.

    Parameters
    ----------
    mz, intensity : ndarray, shape (n_points,)
    place : callable
        Words for the point of an index, such as "line 7".

    Returns
    -------
    mz, intensity : float64 ndarray
    trimmed : int
        How many points were left out.
    """
    mz = np.ascontiguousarray(mz, dtype=np.float64)
    intensity = np.ascontiguousarray(intensity, dtype=np.float64)
    if mz.size == 0:
        raise SpectrumError("holds no points; export it again")
    for name, values in (("m/z", mz), ("intensity", intensity)):
        bad = ~np.isfinite(values)
        if bad.any():
            i = int(bad.argmax())
            raise SpectrumError(f"{place(i)}: {name} is {values[i]}; remove the point or export the file again")
    positive = mz > 0
    trimmed = int(positive.argmax()) if positive.any() else mz.size
    if mz.size - trimmed < 2:
        raise SpectrumError(f"has {mz.size - trimmed} of {mz.size} points at m/z > 0, at least 2 are needed")
    mz, intensity = mz[trimmed:], intensity[trimmed:]
    falls = mz[1:] <= mz[:-1]
    if falls.any():
        i = int(falls.argmax()) + 1
        word = "repeats" if mz[i] == mz[i - 1] else "follows"
        raise SpectrumError(f"{place(trimmed + i)}: m/z {mz[i]:.10g} {word} {mz[i - 1]:.10g}; m/z must increase strictly, sort the points")
    if not intensity.any():
        raise SpectrumError("all intensities are zero; measure the sample again or leave it out")
    return mz, intensity, trimmed
