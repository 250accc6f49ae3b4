"""mzML and mzXML, one spectrum at a time.

The parser is expat, read in pieces: a document type is refused at its first byte, in any encoding, so no entity can be declared, and the
text of spectra that were not asked for is never kept.
"""

import base64
import binascii
import zlib
from xml.parsers import expat

import numpy as np

from spectra.errors import SpectrumError
from spectra.io.files import MAX_POINTS, read_chunks

_ITEM = {"MS:1000523": "<f8", "MS:1000521": "<f4", "MS:1000522": "<i8", "MS:1000519": "<i4"}
_KIND = {"MS:1000514": "m/z", "MS:1000515": "intensity"}
_ZLIB, _PLAIN, _EXTERNAL = "MS:1000574", "MS:1000576", "MS:1000101"
_PACKED = {"MS:1002312", "MS:1002313", "MS:1002314", "MS:1002746", "MS:1002747", "MS:1002748"}
_MAX_TEXT = MAX_POINTS * 2 * 8 * 3 // 2  # base64 of the most that one array of pairs may hold


def read_mzml(path, index=None):
    """Points of one spectrum of an mzML or mzXML file.

    Parameters
    ----------
    index : int or None
        Which spectrum, from 0; None where the file holds one.

    Returns
    -------
    mz, intensity : float64 ndarray
    place : callable
        Names a point.
    """
    document = _Document(index)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.buffer_size = 2**16
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = document.start
    parser.EndElementHandler = document.end
    parser.CharacterDataHandler = document.text
    try:
        for chunk in read_chunks(path):
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        words = expat.ErrorString(error.code)
        raise SpectrumError(f"line {error.lineno}: broken XML ({words}); copy or export the file again") from None
    return (*document.result(), "point {}".format)


def _refuse_doctype(name, *identifiers):
    raise SpectrumError("has a DOCTYPE, which can hide other files; remove that line")


class _Document:
    """What the parser has seen: counts the spectra, and keeps the arrays of the one that is wanted."""

    def __init__(self, index):
        self.index, self.count = index, 0
        self.root = self.item = None
        self.open = []  # scans of mzXML may hold scans: which ones we are in
        self.groups, self.group = {}, None
        self.arrays, self.expected, self.points = {}, 0, None
        self.terms, self.pieces, self.size = None, None, 0
        self.attributes = {}

    @property
    def wanted(self):
        return bool(self.open) and self.open[-1] == (self.index or 0)

    def start(self, tag, attributes):
        tag = tag.rpartition(" ")[2]
        if self.root is None:
            self.root = tag
            if tag not in ("mzML", "indexedmzML", "mzXML", "msRun"):
                raise SpectrumError(f"is XML of another kind (<{tag[:40]}>); mzML and mzXML can be read")
            self.item = "spectrum" if "mzML" in tag else "scan"
        if tag == self.item:
            self.open.append(self.count)
            self.count += 1
            if self.wanted:
                self.expected = _length(attributes.get("defaultArrayLength", attributes.get("peaksCount")))
        elif tag == "cvParam":
            terms = self.terms if self.terms is not None else self.group
            if terms is not None:
                terms.add(attributes.get("accession", ""))
        elif tag == "referenceableParamGroup":
            self.group = self.groups.setdefault(attributes.get("id"), set())
        elif tag == "referenceableParamGroupRef" and self.terms is not None:
            self.terms |= self.groups.get(attributes.get("ref"), set())
        elif tag == "binaryDataArray" and self.wanted:
            self.terms, self.attributes = set(), attributes
        elif (tag == "binary" and self.terms is not None) or (tag == "peaks" and self.wanted):
            self.pieces, self.size = [], 0
            if tag == "peaks":
                self.attributes = attributes

    def text(self, data):
        if self.pieces is not None:
            self.size += len(data)
            if self.size > _MAX_TEXT:
                raise SpectrumError(f"an array of more than {MAX_POINTS} points: not one spectrum")
            self.pieces.append(data)

    def end(self, tag):
        tag = tag.rpartition(" ")[2]
        if tag == self.item:
            self.open.pop()
        elif tag == "referenceableParamGroup":
            self.group = None
        elif tag == "binaryDataArray" and self.terms is not None:
            self._take_array()
            self.terms = self.pieces = None
        elif tag == "peaks" and self.pieces is not None:
            self._take_pairs()
            self.pieces = None

    def _take_array(self):
        """One array of mzML; others than m/z and intensity are left."""
        kind = next((name for term, name in _KIND.items() if term in self.terms), None)
        if kind is None:
            return
        if self.terms & _PACKED:
            raise SpectrumError("its arrays are MS-Numpress packed; convert it with msconvert --zlib")
        if _EXTERNAL in self.terms:
            raise SpectrumError("keeps its arrays in another file (imzML); export the spectrum as mzML or CSV")
        item = next((dtype for term, dtype in _ITEM.items() if term in self.terms), None)
        if item is None:
            raise SpectrumError(f"does not say of what type its {kind} array is; export it again")
        length = _length(self.attributes.get("arrayLength", self.expected))
        self.arrays[kind] = _decode("".join(self.pieces or ()), item, length, _ZLIB in self.terms, kind)

    def _take_pairs(self):
        """The pairs of mzXML, in network order."""
        kind = self.attributes.get("contentType", self.attributes.get("pairOrder", "m/z-int"))
        precision = self.attributes.get("precision", "32")
        compression = self.attributes.get("compressionType", "none")
        if kind != "m/z-int" or precision not in ("32", "64") or compression not in ("none", "zlib"):
            raise SpectrumError(f"its peaks ({kind}, {precision} bits, {compression}) are of a kind not known here; export it as mzML")
        item = ">f8" if precision == "64" else ">f4"
        pairs = _decode("".join(self.pieces), item, 2 * self.expected, compression == "zlib", "peaks").reshape(-1, 2)
        self.arrays = {"m/z": pairs[:, 0], "intensity": pairs[:, 1]}

    def result(self):
        if self.count == 0:
            raise SpectrumError("holds no spectrum; export it again")
        if self.index is None and self.count > 1:
            raise SpectrumError(f"holds {self.count} spectra; name one by its number, such as file#0 … file#{self.count - 1}")
        if self.index is not None and self.index >= self.count:
            raise SpectrumError(f"holds {self.count} spectra, numbered from 0; there is no #{self.index}")
        missing = [name for name in ("m/z", "intensity") if name not in self.arrays]
        if missing:
            raise SpectrumError(f"the spectrum has no {missing[0]} array; export it again")
        mz, intensity = self.arrays["m/z"], self.arrays["intensity"]
        if mz.size != intensity.size:
            raise SpectrumError(f"has {mz.size} m/z values but {intensity.size} intensities; export it again")
        return mz, intensity


def _length(text):
    try:
        length = int(text)
    except (TypeError, ValueError):
        raise SpectrumError(f"says that a spectrum has {text!r} points; export it again") from None
    if not 0 <= length <= MAX_POINTS:
        raise SpectrumError(f"says that a spectrum has {length} points; at most {MAX_POINTS} are allowed")
    return length


def _decode(text, item, length, packed, name):
    """`length` numbers of base64 text; never unpacks more than that."""
    size = length * np.dtype(item).itemsize
    try:
        raw = base64.b64decode(text.encode("ascii", "replace"))
        if packed:
            raw = zlib.decompressobj().decompress(raw, size + 1)
    except (binascii.Error, zlib.error):
        raise SpectrumError(f"its {name} array is damaged; copy or export the file again") from None
    if len(raw) != size:
        words = "more" if len(raw) > size else "less"
        raise SpectrumError(f"its {name} array holds {words} than the {length} values it declares; copy or export the file again")
    return np.frombuffer(raw, item)
