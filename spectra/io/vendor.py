"""XML files that hold one spectrum: Ciphergen ProteinChip (SELDI) and mMass (.msd)."""

import numpy as np

from spectra.errors import SpectrumError
from spectra.io.files import MAX_POINTS
from spectra.io.xml import Document, decode_array, from_base64

_NUMBERS = ["ionSourceVoltage", "digitizerRate", "massCalibrationA", "massCalibrationB", "massCalibrationT0", "spotCorrectionFactor"]


class ProteinChip(Document):
    """Counts over equal steps of flight time t: m/z = U (sign(t) A t^2 + B)."""

    def __init__(self):
        super().__init__()
        self.found = {}

    def start(self, tag, attributes):
        if tag in _NUMBERS or tag == "tofDataSamples":
            self.collect()

    def end(self, tag):
        if tag in _NUMBERS or tag == "tofDataSamples":
            try:
                self.found[tag] = [float(word) for word in self.collected().split()]
            except ValueError:
                raise SpectrumError(f"<{tag}> holds something else than numbers; export it again") from None

    def result(self):
        missing = [name for name in [*_NUMBERS, "tofDataSamples"] if not self.found.get(name)]
        if missing:
            raise SpectrumError(f"has no <{missing[0]}>; export it again")
        counts = np.array(self.found["tofDataSamples"])
        if counts.size > MAX_POINTS:
            raise SpectrumError(f"more than {MAX_POINTS} points: not one spectrum")
        voltage, rate, a, b, start, factor = (self.found[name][0] for name in _NUMBERS)
        if not rate > 0:
            raise SpectrumError(f"its digitizerRate is {rate}; export it again")
        time = factor * np.arange(counts.size) / rate - start
        return voltage * (np.sign(time) * a * time * time + b), counts


class MMass(Document):
    """Two arrays, each with its precision, compression and byte order."""

    def __init__(self):
        super().__init__()
        self.arrays, self.attributes = {}, {}

    def start(self, tag, attributes):
        if tag in ("mzArray", "intArray"):
            self.attributes = attributes
            self.collect()

    def end(self, tag):
        if tag in ("mzArray", "intArray"):
            order = ">" if self.attributes.get("endian") == "big" else "<"
            item = order + ("f8" if self.attributes.get("precision") == "64" else "f4")
            raw = from_base64(self.collected())
            self.arrays[tag] = decode_array(raw, item, None, self.attributes.get("compression") == "zlib", tag)

    def result(self):
        if len(self.arrays) < 2:
            raise SpectrumError("has no mzArray or no intArray; it may hold a list of peaks only")
        return self.arrays["mzArray"], self.arrays["intArray"]
