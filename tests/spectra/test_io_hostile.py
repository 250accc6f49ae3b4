"""Real files cut short or spoiled, and files that unpack to far more than they are: an error, in little time and memory."""

import gzip
import itertools
import shutil
import time
import tracemalloc

import numpy as np
import pytest

from spectra import SpectrumError, read_spectrum

REAL = [
    "maldiquantforeign_exampledata/ciphergen/tiny.xml",
    "maldiquantforeign_exampledata/compressed/csv1.csv.gz",
    "maldiquantforeign_exampledata/tiny1-compressed.mzML1.1.mzML",
    "maldiquantforeign_exampledata/tiny1.msd",
    "maldiquantforeign_exampledata/tiny1.mzXML3.0.mzXML",
    "maldiquantforeign_exampledata/tiny_continuous.imzML",
    "mzml_other/openms_peakpicker_tutorial_2.mzML",
    "pair_fid_mzxml_Gibb/A1-0_A1.mzXML",
    "text_maldiamrkit/10s.txt",
]


def attempt(path):
    try:
        spectrum = read_spectrum(path)
    except SpectrumError as error:
        assert "\n" not in str(error)
    else:
        assert (np.diff(spectrum.mz) > 0).all()


def spoiled(content, rng):
    """The content cut at ten places, and with bytes replaced at ten others."""
    for cut in rng.integers(0, len(content), 10):
        yield content[:cut]
    for place in rng.integers(0, len(content), 10):
        yield content[:place] + rng.bytes(3) + content[place + 3 :]


@pytest.mark.data
@pytest.mark.filterwarnings("ignore:.*left out:UserWarning")
@pytest.mark.parametrize("name", REAL)
def test_real_files_cut_or_spoiled(name, data, tmp_path):
    source = data / "loader_tests" / name
    path = tmp_path / source.name
    if (source.with_suffix(".ibd")).exists():
        shutil.copyfile(source.with_suffix(".ibd"), path.with_suffix(".ibd"))
    for content in spoiled(source.read_bytes(), np.random.default_rng(0)):
        path.write_bytes(content)
        attempt(path)
        attempt(f"{path}#0")


@pytest.mark.data
@pytest.mark.filterwarnings("ignore:.*left out:UserWarning")
def test_a_real_flex_folder_cut_or_spoiled(data, tmp_path):
    source = data / "loader_tests" / "bruker_readBrukerFlexData" / "hpc" / "fid" / "0_A20" / "1" / "1SRef"
    for name in ("fid", "acqu"):
        shutil.copyfile(source / name, tmp_path / name)
    for name in ("fid", "acqu"):
        good = (source / name).read_bytes()
        for content in itertools.islice(spoiled(good, np.random.default_rng(1)), 20):
            (tmp_path / name).write_bytes(content)
            attempt(tmp_path)
        (tmp_path / name).write_bytes(good)


def cost(path):
    """The complaint, the seconds and the peak of memory (MB) of an attempt."""
    tracemalloc.start()
    try:
        start = time.process_time()
        with pytest.raises(SpectrumError) as caught:
            read_spectrum(path)
        return str(caught.value), time.process_time() - start, tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def test_a_gzip_bomb_is_left_at_the_bound(tmp_path):
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(bytes(2**24), 1) * 100)
    words, seconds, peak = cost(path)
    assert "more than 128 MB" in words
    assert seconds < 5
    assert peak < 200


def test_a_long_line_without_end(tmp_path):
    path = tmp_path / "line.csv"
    path.write_bytes(b"1," * 2**22)
    words, seconds, peak = cost(path)
    assert "line 1: more than two columns" in words
    assert seconds < 5
    assert peak < 200


def test_deep_xml(tmp_path):
    path = tmp_path / "deep.mzXML"
    path.write_text("<mzXML>" + '<scan peaksCount="1">' * 10**5)
    words, seconds, peak = cost(path)
    assert "broken XML" in words
    assert seconds < 5
    assert peak < 100
