"""imzML, Ciphergen XML and mMass files; mzML's bad cases are in test_io_bad_input.py."""

import base64
import zlib

import numpy as np
import pytest

from spectra import SpectrumError, read_spectrum

MZ, COUNTS = np.array([1000.0, 1001, 1002]), np.array([3.0, 4, 5])


def imzml(folder, *, packed=False, item="MS:1000523", dtype="<f8", ibd=".ibd", **changes):
    """Two spectra that share their m/z, as a group of parameters and places in the .ibd file."""
    pieces = [np.asarray(values, dtype).tobytes() for values in (MZ, COUNTS, COUNTS + 1)]
    pieces = [zlib.compress(piece) if packed else piece for piece in pieces]
    starts = 16 + np.cumsum([0] + [len(piece) for piece in pieces])
    (folder / f"a{ibd}").write_bytes(bytes(16) + b"".join(pieces))

    def array(piece, term):
        terms = {"IMS:1000102": starts[piece], "IMS:1000103": 3, "IMS:1000104": len(pieces[piece])} | changes
        params = "".join(f'<cvParam accession="{name}" value="{value}"/>' for name, value in terms.items())
        return f'<binaryDataArray><referenceableParamGroupRef ref="{term}"/>{params}<binary/></binaryDataArray>'

    def group(term):
        params = f'<cvParam accession="{item}"/><cvParam accession="{"MS:1000574" if packed else "MS:1000576"}"/>'
        return f'<referenceableParamGroup id="{term}"><cvParam accession="{term}"/>{params}</referenceableParamGroup>'

    spectra = "".join(f'<spectrum defaultArrayLength="0">{array(0, "MS:1000514")}{array(i, "MS:1000515")}</spectrum>' for i in (1, 2))
    groups = group("MS:1000514") + group("MS:1000515")
    path = folder / "a.imzML"
    path.write_text(f"<mzML>{groups}<run><spectrumList>{spectra}</spectrumList></run></mzML>")
    return path


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("item", "dtype"), [("MS:1000523", "<f8"), ("MS:1000521", "<f4"), ("IMS:1000141", "<i4"), ("IMS:1000142", "<i8")])
def test_imzml(packed, item, dtype, tmp_path):
    path = imzml(tmp_path, packed=packed, item=item, dtype=dtype)
    for i in (0, 1):
        spectrum = read_spectrum(f"{path}#{i}")
        assert spectrum.mz.tolist() == MZ.tolist()
        assert spectrum.intensity.tolist() == (COUNTS + i).tolist()
    with pytest.raises(SpectrumError, match=r"holds 2 spectra; name one by its number, such as a\.imzML#0"):
        read_spectrum(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ibd": ".other"}, "there is no a.ibd beside it"),
        ({"IMS:1000102": 10**9}, "ibd file is too short"),
        ({"IMS:1000102": -5}, "ibd file is too short"),
        ({"IMS:1000102": "x"}, "cannot be read"),
        ({"IMS:1000103": 10**12}, "at most"),
        ({"IMS:1000103": "x"}, "'x' points"),
        ({"IMS:1000104": 10**9}, "ibd file is too short"),
        ({"IMS:1000104": 8}, "holds less than the 3 values"),
    ],
)
def test_bad_imzml(changes, words, tmp_path):
    path = imzml(tmp_path, **changes)
    with pytest.raises(SpectrumError, match=words) as caught:
        read_spectrum(f"{path}#0")
    assert "\n" not in str(caught.value)


CHIP = {
    "ionSourceVoltage": 20000,
    "digitizerRate": 2.5e8,
    "massCalibrationA": 2.4e7,
    "massCalibrationB": 0.0013,
    "massCalibrationT0": 4e-9,
    "spotCorrectionFactor": 1,
    "tofDataSamples": "\n 1\n 2\n 3\n",
}


def chip(path, **changes):
    parts = "".join(f"<{name}>{value}</{name}>" for name, value in (CHIP | changes).items() if value is not None)
    path.write_text(f"<spectrum><spectrumName>a</spectrumName>{parts}</spectrum>")
    return path


def test_ciphergen(tmp_path):
    spectrum = read_spectrum(chip(tmp_path / "a.xml"))
    time = np.arange(3) / 2.5e8 - 4e-9
    np.testing.assert_allclose(spectrum.mz, 20000 * (np.sign(time) * 2.4e7 * time**2 + 0.0013), rtol=1e-14)
    assert spectrum.intensity.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"digitizerRate": None}, "has no <digitizerRate>"),
        ({"digitizerRate": 0}, "digitizerRate is 0"),
        ({"tofDataSamples": ""}, "has no <tofDataSamples>"),
        ({"tofDataSamples": "1 a 2"}, "<tofDataSamples> holds something else"),
    ],
)
def test_bad_ciphergen(changes, words, tmp_path):
    with pytest.raises(SpectrumError, match=words):
        read_spectrum(chip(tmp_path / "a.xml", **changes))
    with pytest.raises(SpectrumError, match="leave out #0"):
        read_spectrum(f"{chip(tmp_path / 'a.xml')}#0")


def mmass(path, mz, counts, *, endian="little", precision="64", packed=False):
    def array(values):
        raw = np.asarray(values, (">" if endian == "big" else "<") + ("f8" if precision == "64" else "f4")).tobytes()
        return base64.b64encode(zlib.compress(raw) if packed else raw).decode()

    kind = f'endian="{endian}" precision="{precision}"' + ' compression="zlib"' * packed
    arrays = f"<mzArray {kind}>{array(mz)}</mzArray><intArray {kind}>{array(counts)}</intArray>"
    path.write_text(f"<mSD><spectrum>{arrays}</spectrum></mSD>")
    return path


@pytest.mark.parametrize("options", [{}, {"endian": "big"}, {"precision": "32"}, {"packed": True}])
def test_mmass(options, tmp_path):
    spectrum = read_spectrum(mmass(tmp_path / "a.msd", MZ, COUNTS, **options))
    assert spectrum.mz.tolist() == MZ.tolist()
    assert spectrum.intensity.tolist() == COUNTS.tolist()


def test_bad_mmass(tmp_path):
    with pytest.raises(SpectrumError, match="3 m/z values but 2 intensities"):
        read_spectrum(mmass(tmp_path / "a.msd", MZ, COUNTS[:2]))
    (tmp_path / "b.msd").write_text("<mSD><peaklist/></mSD>")
    with pytest.raises(SpectrumError, match="no mzArray"):
        read_spectrum(tmp_path / "b.msd")
