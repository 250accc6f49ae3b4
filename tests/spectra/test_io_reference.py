"""The readers against what R's readers (readBrukerFlexData, MALDIquantForeign) give for the same real files."""

import json

import numpy as np
import pytest

from spectra import SpectrumError, read_spectrum

pytestmark = pytest.mark.data

READABLE = ("fid", ".txt", ".csv", ".csv.gz", ".mzML", ".mzXML", ".imzML", ".xml", ".msd")
# R drops points of zero intensity or negative ones in no file of this list; it cannot read the two marked None.
UNREADABLE = {"bruker_maldipickr_with_acqus/species1/0_G2/1/1SLin/fid", "mzml_other/pyteomics_tiny.pwiz.1.1.mzML"}


@pytest.fixture(scope="module")
def folder(data):
    return data / "loader_tests"


@pytest.fixture(scope="module")
def expected(folder):
    rows = json.loads((folder / "expected_from_R.json").read_text())
    return {row["file"]: row.get("first5") for row in rows if (folder / row["file"]).exists() and row["file"].endswith(READABLE)}


def agrees(spectrum, row):
    top = int(spectrum.intensity.argmax())
    got = [spectrum.mz[0], spectrum.mz[-1], spectrum.intensity.sum(), spectrum.intensity[top], spectrum.mz[top]]
    want = [row[name] for name in ("mz_first", "mz_last", "int_sum", "int_max", "mz_at_max")]
    assert len(spectrum) == row["n"]
    np.testing.assert_allclose(got, want, rtol=2e-11)


def test_every_file_agrees_with_r(folder, expected):
    assert len(expected) >= 35
    compared = 0
    for name, rows in expected.items():
        if rows is None:
            assert name in UNREADABLE
            continue
        for i, row in enumerate(rows):
            try:
                spectrum = read_spectrum(f"{folder / name}#{i}" if len(rows) > 1 else folder / name)
            except SpectrumError as error:
                raise AssertionError(f"{name}: {error}") from None
            agrees(spectrum, row)
            compared += 1
    assert compared >= 40
