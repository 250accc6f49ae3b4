"""One spectrum from a file of any known format."""

import itertools
import re
import warnings
from functools import partial

import numpy as np

from spectra.containers import Spectrum
from spectra.errors import SpectrumError
from spectra.io.bruker import read_bruker
from spectra.io.files import as_path, check_file, read_chunks
from spectra.io.mzml import Spectra
from spectra.io.profile import check_profile
from spectra.io.text import read_text
from spectra.io.vendor import MMass, ProteinChip
from spectra.io.xml import parse_xml

_NUMBERED = re.compile(r"(.+)#(\d{1,9})")
_XML = re.compile(rb"\s*<")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_spectrum(path):
    """Read one spectrum.

    Known are two columns of text (m/z and intensity; comma, semicolon, tab or spaces; with or without a line of names), mzML, imzML,
    mzXML, Ciphergen XML and mMass files, each also as ``.gz``, and Bruker flex (the ``fid`` file or its folder). Points at m/z <= 0 are
    left out, with a warning.

    Parameters
    ----------
    path : str or path
        ``"run.mzML#3"`` is the fourth spectrum of a file that holds several.

    Returns
    -------
    Spectrum
        Both arrays float64, m/z strictly increasing.

    Raises
    ------
    SpectrumError
        With the file, the line or point, and the remedy.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from spectra import read_spectrum
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "one.csv"
    >>> _ = path.write_text("mz;intensity\\n1000,25;3\\n1000,5;4\\n")
    >>> read_spectrum(path).mz
    array([1000.25, 1000.5 ])
    """
    try:
        spectrum, trimmed = load_spectrum(path)
    except SpectrumError as error:
        raise SpectrumError(f"{path}: {error}") from None
    if trimmed:
        warnings.warn(f"{path}: {trimmed} points at m/z <= 0 left out", UserWarning, stacklevel=2)
    return spectrum


def load_spectrum(path, mz_range=None):
    """`read_spectrum` for callers that say themselves which file it was, and what was left out.

    Returns
    -------
    Spectrum
    trimmed : int
        Points left out because their m/z is not above 0.
    """
    mz, intensity, place = _read_points(path)
    mz, intensity, trimmed = check_profile(mz, intensity, place)
    spectrum = Spectrum(mz, intensity, str(path))
    return (spectrum if mz_range is None else cut(spectrum, mz_range)), trimmed


def cut(spectrum, mz_range):
    """The points with ``low <= m/z < high``, two at least."""
    mz = spectrum.mz
    first, last = np.searchsorted(mz, mz_range)
    if last - first < 2:
        raise SpectrumError(f"m/z {mz[0]:.6g} to {mz[-1]:.6g} lies outside the range {mz_range[0]:g} to {mz_range[1]:g}")
    return Spectrum(mz[first:last].copy(), spectrum.intensity[first:last].copy(), spectrum.name)


def _read_points(path):
    path, index = _split_number(as_path(path))
    try:
        is_folder = path.is_dir()
    except (OSError, ValueError):
        is_folder = False
    if is_folder or path.name.lower() == "fid":
        reader = read_bruker
    else:
        check_file(path)
        head = next(itertools.islice(read_chunks(path, 512), 1)).removeprefix(b"\xef\xbb\xbf")
        if _XML.match(head) or (head.startswith(_UTF16) and b"<" in head[:8]):
            return _read_xml(path, index)
        reader = read_text
    _refuse_number(index)
    return reader(path)


def _read_xml(path, index):
    documents = {
        "mzML": partial(Spectra, path, index, "spectrum"),
        "indexedmzML": partial(Spectra, path, index, "spectrum"),
        "mzXML": partial(Spectra, path, index, "scan"),
        "msRun": partial(Spectra, path, index, "scan"),
        "spectrum": ProteinChip,
        "mSD": MMass,
    }
    document = parse_xml(path, documents)
    if not isinstance(document, Spectra):
        _refuse_number(index)
    mz, intensity = document.result()
    if mz.size != intensity.size:
        raise SpectrumError(f"has {mz.size} m/z values but {intensity.size} intensities; export it again")
    return mz, intensity, "point {}".format


def _refuse_number(index):
    if index is not None:
        raise SpectrumError(f"holds one spectrum; leave out #{index}")


def _split_number(path):
    """``name#3`` as (name, 3), unless a file of that very name exists."""
    numbered = _NUMBERED.fullmatch(path.name)
    try:
        if numbered and not path.exists():
            return path.with_name(numbered[1]), int(numbered[2])
    except (OSError, ValueError):
        pass
    return path, None
