"""Filters by name: Haar, Daubechies, symlets, coiflets, biorthogonal splines.

``filters.json`` holds, for an orthogonal wavelet, the scaling filter and, for a biorthogonal one, the analysis and the synthesis
filter. The numbers solve their defining equations (orthonormality, vanishing moments) to the last bit; the tests check that.
"""

import functools
import importlib.resources
import json
from typing import NamedTuple

import numpy as np

from spectra._validation import check_choice


class Filters(NamedTuple):
    """The four filters of a wavelet, each float64 of the same even length."""

    dec_lo: np.ndarray
    dec_hi: np.ndarray
    rec_lo: np.ndarray
    rec_hi: np.ndarray


@functools.cache
def _table():
    return json.loads(importlib.resources.files("spectra.wavelets").joinpath("filters.json").read_text("ascii"))


def wavelet_names():
    """Names of all wavelets.

    Examples
    --------
    >>> from spectra import wavelet_names
    >>> wavelet_names()[:3]
    ('haar', 'db1', 'db2')
    """
    return ("haar", *_table())


@functools.cache
def wavelet_filters(name):
    """Give the filters of a wavelet, named and signed as PyWavelets does.

    Parameters
    ----------
    name : str
        ``"haar"``, ``"db1"`` to ``"db20"``, ``"sym2"`` to ``"sym20"``, ``"coif1"`` to ``"coif5"``, ``"bior1.1"`` to ``"bior6.8"``.

    Returns
    -------
    Filters
        ``dec_lo``, ``dec_hi`` (analysis), ``rec_lo``, ``rec_hi`` (synthesis).

    Raises
    ------
    SpectraError
        When there is no such wavelet.

    References
    ----------
    Daubechies (1992), Ten Lectures on Wavelets; Cohen, Daubechies & Feauveau (1992), Commun. Pure Appl. Math. 45, 485.

    Examples
    --------
    >>> from spectra import wavelet_filters
    >>> wavelet_filters("haar").dec_hi.round(4)
    array([-0.7071,  0.7071])
    """
    check_choice(name, "wavelet", wavelet_names())
    stored = _table()["db1" if name == "haar" else name]
    if isinstance(stored[0], list):
        dec_lo, rec_lo = np.array(stored)
    else:
        rec_lo = np.array(stored)
        dec_lo = rec_lo[::-1].copy()
    signs = 1.0 - 2.0 * (np.arange(rec_lo.size) % 2)
    filters = Filters(dec_lo, -signs * rec_lo, rec_lo, signs * dec_lo)
    for filter_ in filters:
        filter_.setflags(write=False)
    return filters
