"""mzML, imzML and mzXML, one spectrum at a time."""

import numpy as np

from spectra.errors import SpectrumError
from spectra.io.files import check_file
from spectra.io.xml import Document, array_length, decode_array, from_base64

_ITEM = {
    "MS:1000523": "<f8",
    "MS:1000521": "<f4",
    "MS:1000522": "<i8",
    "MS:1000519": "<i4",
    "IMS:1000142": "<i8",
    "IMS:1000141": "<i4",
}
_KIND = {"MS:1000514": "m/z", "MS:1000515": "intensity"}
_ZLIB = "MS:1000574"
_OFFSET, _LENGTH, _ENCODED = "IMS:1000102", "IMS:1000103", "IMS:1000104"
_PACKED = {"MS:1002312", "MS:1002313", "MS:1002314", "MS:1002746", "MS:1002747", "MS:1002748"}


class Spectra(Document):
    """Counts the spectra of a file and keeps the arrays of the one that is wanted.

    path : the file, beside which imzML keeps its arrays (.ibd)
    index : which spectrum, from 0; None where the file holds one
    item : the element that is a spectrum
    """

    def __init__(self, path, index, item):
        super().__init__()
        self.path, self.index, self.item, self.count = path, index, item, 0
        self.open = []  # scans of mzXML may hold scans: which ones we are in
        self.groups, self.group = {}, None
        self.arrays, self.expected = {}, None
        self.terms, self.attributes = None, {}

    @property
    def wanted(self):
        return bool(self.open) and self.open[-1] == (self.index or 0)

    def start(self, tag, attributes):
        if tag == self.item:
            self.open.append(self.count)
            self.count += 1
            if self.wanted:
                self.expected = attributes.get("defaultArrayLength", attributes.get("peaksCount"))
        elif tag == "cvParam":
            terms = self.terms if self.terms is not None else self.group
            if terms is not None:
                terms[attributes.get("accession")] = attributes.get("value")
        elif tag == "referenceableParamGroup":
            self.group = self.groups.setdefault(attributes.get("id"), {})
        elif tag == "referenceableParamGroupRef" and self.terms is not None:
            self.terms |= self.groups.get(attributes.get("ref"), {})
        elif tag == "binaryDataArray" and self.wanted:
            self.terms, self.attributes = {}, attributes
        elif tag == "binary" and self.terms is not None:
            self.collect()
        elif tag == "peaks" and self.wanted:
            self.attributes = attributes
            self.collect()

    def end(self, tag):
        if tag == self.item:
            self.done = self.index is not None and self.wanted
            self.open.pop()
        elif tag == "referenceableParamGroup":
            self.group = None
        elif tag == "binaryDataArray" and self.terms is not None:
            self._take_array()
            self.terms = None
        elif tag == "peaks" and self.wanted:
            self._take_pairs()

    def _take_array(self):
        """One array of mzML; others than m/z and intensity are left."""
        kind = next((name for term, name in _KIND.items() if term in self.terms), None)
        text = self.collected()
        if kind is None:
            return
        if not _PACKED.isdisjoint(self.terms):
            raise SpectrumError("its arrays are MS-Numpress packed; convert it with msconvert --zlib")
        item = next((dtype for term, dtype in _ITEM.items() if term in self.terms), None)
        if item is None:
            raise SpectrumError(f"does not say of what type its {kind} array is; export it again")
        if _OFFSET in self.terms:
            length = array_length(self.terms.get(_LENGTH))
            raw = self._outside(length * np.dtype(item).itemsize)
        else:
            length = array_length(self.attributes.get("arrayLength", self.expected))
            raw = from_base64(text)
        self.arrays[kind] = decode_array(raw, item, length, _ZLIB in self.terms, kind)

    def _outside(self, size):
        """The bytes of an array that imzML keeps in the .ibd file."""
        path = next((path for path in map(self.path.with_suffix, (".ibd", ".IBD")) if path.is_file()), None)
        if path is None:
            raise SpectrumError(f"there is no {self.path.stem}.ibd beside it; copy both files")
        try:
            offset, size = int(self.terms[_OFFSET]), int(self.terms.get(_ENCODED) or size)
        except ValueError:
            raise SpectrumError("its places in the .ibd file cannot be read; export it again") from None
        if offset < 0 or size < 0 or offset + size > check_file(path).stat().st_size:
            raise SpectrumError("its .ibd file is too short; copy it again")
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def _take_pairs(self):
        """The pairs of mzXML, in network order."""
        kind = self.attributes.get("contentType", self.attributes.get("pairOrder", "m/z-int"))
        precision = self.attributes.get("precision", "32")
        compression = self.attributes.get("compressionType", "none")
        if kind != "m/z-int" or precision not in ("32", "64") or compression not in ("none", "zlib"):
            raise SpectrumError(f"its peaks ({kind}, {precision} bits, {compression}) are of a kind not known here; export it as mzML")
        raw, length = from_base64(self.collected()), 2 * array_length(self.expected)
        pairs = decode_array(raw, ">f8" if precision == "64" else ">f4", length, compression == "zlib", "peaks").reshape(-1, 2)
        self.arrays = {"m/z": pairs[:, 0], "intensity": pairs[:, 1]}

    def result(self):
        """m/z and intensities."""
        if self.count == 0:
            raise SpectrumError("holds no spectrum; export it again")
        if self.index is None and self.count > 1:
            raise SpectrumError(f"holds {self.count} spectra; name one by its number, such as {self.path.name}#0 … #{self.count - 1}")
        if self.index is not None and self.index >= self.count:
            raise SpectrumError(f"holds {self.count} spectra, numbered from 0; there is no #{self.index}")
        missing = [name for name in ("m/z", "intensity") if name not in self.arrays]
        if missing:
            raise SpectrumError(f"the spectrum has no {missing[0]} array; export it again")
        return self.arrays["m/z"], self.arrays["intensity"]
