"""XML by pieces, for documents that nobody vouches for.

The parser is expat: a document type is refused at its first byte, in any encoding, so no entity can be declared; and what a reader does
not ask for is never kept.
"""

import base64
import binascii
import zlib
from xml.parsers import expat

import numpy as np

from spectra.errors import SpectrumError
from spectra.io.files import MAX_POINTS, read_chunks

_MAX_TEXT = MAX_POINTS * 2 * 8 * 3 // 2  # base64 of the most that one array of pairs may hold


class Document:
    """What a reader keeps of an XML file: override `start` and `end`, and call `collect` where the text of an element is wanted."""

    done = False

    def __init__(self):
        self.pieces, self.size = None, 0

    def start(self, tag, attributes):
        """An element begins."""

    def end(self, tag):
        """An element ends."""

    def collect(self):
        self.pieces, self.size = [], 0

    def collected(self):
        """The text since `collect`, which ends."""
        text, self.pieces = "".join(self.pieces or ()), None
        return text

    def text(self, data):
        if self.pieces is not None:
            self.size += len(data)
            if self.size > _MAX_TEXT:
                raise SpectrumError(f"an array of more than {MAX_POINTS} points: not one spectrum")
            self.pieces.append(data)


def parse_xml(path, documents):
    """Run the file through the document that its root element asks for.

    documents : dict of root element -> callable that makes a `Document`

    Returns
    -------
    Document
    """
    document = None

    def start(tag, attributes):
        nonlocal document
        tag = tag.rpartition(" ")[2]
        if document is None:
            if tag not in documents:
                raise SpectrumError(f"is XML of another kind (<{tag[:40]}>); known are <{'>, <'.join(documents)}>")
            document = documents[tag]()
        document.start(tag, attributes)

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.buffer_size = 2**16
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda tag: document.end(tag.rpartition(" ")[2])
    parser.CharacterDataHandler = lambda data: document.text(data)
    try:
        for chunk in read_chunks(path):
            parser.Parse(chunk, False)
            if document is not None and document.done:
                return document
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        words = expat.ErrorString(error.code)
        raise SpectrumError(f"line {error.lineno}: broken XML ({words}); copy or export the file again") from None
    return document


def _refuse_doctype(name, *identifiers):
    raise SpectrumError("has a DOCTYPE, which can hide other files; remove that line")


def array_length(text):
    """How many points a file says that a spectrum has, within bounds."""
    try:
        length = int(text)
    except (TypeError, ValueError):
        raise SpectrumError(f"says that a spectrum has {text!r} points; export it again") from None
    if not 0 <= length <= MAX_POINTS:
        raise SpectrumError(f"says that a spectrum has {length} points; at most {MAX_POINTS} are allowed")
    return length


def from_base64(text):
    """Bytes of base64 text."""
    try:
        return base64.b64decode(text.encode("ascii", "replace"))
    except binascii.Error:
        raise SpectrumError("an array is damaged; copy or export the file again") from None


def decode_array(raw, item, length, packed, name):
    """`length` numbers of type `item`, or as many as there are where None; unpacks no more than that."""
    size = (MAX_POINTS if length is None else length) * np.dtype(item).itemsize
    if packed:
        try:
            raw = zlib.decompressobj().decompress(raw, size + 1)
        except zlib.error:
            raise SpectrumError(f"its {name} array is damaged; copy or export the file again") from None
    if len(raw) > size or (len(raw) < size if length is not None else len(raw) % np.dtype(item).itemsize):
        words = "more" if len(raw) > size else "less"
        raise SpectrumError(f"its {name} array holds {words} than the {length} values it declares; copy or export the file again")
    return np.frombuffer(raw, item)
