"""Bruker flex folders, read and written."""

import shutil
import subprocess

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectra import SpectraError, bruker_axis, bruker_calibration, read_spectrum, write_bruker
from tests.naive.readers import flex_mz

CALIBRATION = {"ml1": 2.4e6, "ml2": 280.0, "ml3": -0.0013, "delay": 10000, "dwell": 20}


@settings(max_examples=50, deadline=None)
@given(ml1=st.floats(1e5, 1e7), ml2=st.floats(-500, 500), ml3=st.floats(-0.02, 0.02) | st.just(0.0), delay=st.floats(1000, 3e4))
def test_axis_against_bisection(ml1, ml2, ml3, delay):
    mz = bruker_axis(5, ml1=ml1, ml2=ml2, ml3=ml3, delay=delay, dwell=500)
    for i in range(5):
        assert mz[i] == pytest.approx(flex_mz(delay + 500 * i, ml1, ml2, ml3), rel=1e-9)


def test_times_before_the_offset_are_negative_and_increase():
    mz = bruker_axis(100, ml1=2.4e6, ml2=280, ml3=-0.0013, delay=0, dwell=10)
    assert mz[0] < 0 < mz[-1]
    assert (np.diff(mz) > 0).all()


def test_calibration_is_found_back():
    mz = bruker_axis(1000, **CALIBRATION)
    time = 10000 + 20 * np.arange(1000)
    again = bruker_axis(1000, **dict(zip(("ml1", "ml2", "ml3"), bruker_calibration(time, mz), strict=True)), delay=10000, dwell=20)
    np.testing.assert_allclose(again, mz, rtol=1e-10)
    with pytest.raises(SpectraError, match="three different masses"):
        bruker_calibration([1, 2, 3], [5, 5, 5])
    with pytest.raises(SpectraError, match="grow with mass"):
        bruker_calibration([3, 2, 1], [5, 6, 7])


@settings(max_examples=50, deadline=None)
@given(counts=st.lists(st.integers(-(2**31), 2**31 - 1), min_size=2, max_size=50).filter(any))
def test_what_is_written_is_read_back(counts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("flex") / "deep" / "0_A1"
    write_bruker(folder, counts, **CALIBRATION)
    for path in (folder, folder / "fid", folder.parent):
        spectrum = read_spectrum(path)
        assert spectrum.intensity.tolist() == counts
        assert (spectrum.mz == bruker_axis(len(counts), **CALIBRATION)).all()


def test_big_endian(tmp_path):
    write_bruker(tmp_path, [3, 1, 2], **CALIBRATION)
    acqus = tmp_path / "acqus"
    acqus.write_text(acqus.read_text().replace("BYTORDA= 0", "BYTORDA= 1"))
    (tmp_path / "fid").write_bytes(np.array([3, 1, 2], ">i4").tobytes())
    assert read_spectrum(tmp_path).intensity.tolist() == [3, 1, 2]


def test_counts_must_fit(tmp_path):
    with pytest.raises(SpectraError, match="32-bit"):
        write_bruker(tmp_path / "x", [1, 3e9], **CALIBRATION)
    with pytest.raises(SpectraError, match="ml1 must be greater than 0"):
        write_bruker(tmp_path / "x", [1, 3], **CALIBRATION | {"ml1": 0})
    assert not (tmp_path / "x").exists()


@pytest.mark.data
def test_the_same_spectrum_as_fid_and_mzml(data):
    pair = data / "loader_tests" / "pair_fid_mzml_Koch2024"
    ours = read_spectrum(pair / "example-raw-spectra" / "0.0001")
    theirs = read_spectrum(pair / "0.0001.mzML")
    np.testing.assert_allclose(ours.mz, theirs.mz, rtol=1e-13)
    assert (ours.intensity == theirs.intensity).all()


@pytest.mark.data
@pytest.mark.parametrize("spot", ["0_A1", "0_A2"])
def test_the_same_spectrum_as_fid_and_mzxml(spot, data):
    folder = data / "loader_tests"
    ours = read_spectrum(folder / "bruker_readBrukerFlexData" / "2010_05_19_Gibb_C8_A1" / spot)
    theirs = read_spectrum(folder / "pair_fid_mzxml_Gibb" / f"A1-{spot}.mzXML")
    np.testing.assert_allclose(ours.mz, theirs.mz, rtol=1e-7)
    assert (ours.intensity == theirs.intensity).all()


@pytest.mark.data
def test_high_precision_calibration_agrees_with_the_vendor(data):
    folder = data / "loader_tests" / "bruker_readBrukerFlexData" / "hpc"
    ours, theirs = read_spectrum(folder / "fid"), read_spectrum(folder / "mzXML" / "hpc.mzXML")
    some = ours.intensity > 0  # the vendor leaves out points without counts
    blended = (theirs.mz > 733.5) & (theirs.mz < 736.6)  # the vendor lets the correction set in over 3 Da; R and we, at the limit
    np.testing.assert_allclose(ours.mz[some][~blended], theirs.mz[~blended], rtol=3e-7)
    np.testing.assert_allclose(ours.mz[some][blended], theirs.mz[blended], rtol=4e-5)
    assert (ours.intensity[some] == theirs.intensity).all()


@pytest.mark.peer
def test_r_reads_what_we_write(tmp_path):
    if shutil.which("Rscript") is None:
        pytest.skip("R is not installed")
    counts = np.random.default_rng(0).integers(0, 10**6, 500)
    write_bruker(tmp_path / "0_A1", counts, **CALIBRATION)
    (tmp_path / "0_A1" / "acqu").write_bytes((tmp_path / "0_A1" / "acqus").read_bytes())
    code = 's <- readBrukerFlexData::readBrukerFlexFile(commandArgs(TRUE))$spectrum; cat(sprintf("%.17g %.17g\\n", s$mass, s$intensity))'
    done = subprocess.run(["Rscript", "-e", code, str(tmp_path / "0_A1" / "fid")], capture_output=True, text=True)
    if "no package called" in done.stderr:
        pytest.skip("readBrukerFlexData is not installed")
    mz, intensity = np.array(done.stdout.split(), float).reshape(-1, 2).T
    assert (intensity == counts).all()
    np.testing.assert_allclose(read_spectrum(tmp_path / "0_A1").mz, mz, rtol=1e-11)  # R's form of the root loses four digits
