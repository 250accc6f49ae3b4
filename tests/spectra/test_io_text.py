"""Two-column text in all its dialects."""

import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectra import SpectraError, SpectrumError, read_spectrum, write_csv
from tests.naive.readers import read_two_columns

DIALECTS = {
    "comma": "1.5,6\n2.5,7\n3,8e0\n",
    "comma and space": "1.5, 6\n2.5, 7\n3, 8\n",
    "space before comma": "1.5 , 6\n2.5 , 7\n3 , 8\n",
    "semicolon": "1.5;6\n2.5;7\n3;8\n",
    "tab": "1.5\t6\n2.5\t7\n3\t8\n",
    "spaces": "  1.5   6\n 2.5  7  \n3 8\n",
    "names": "mz,intensity\n1.5,6\n2.5,7\n3,8",
    "quoted names": '"mass";"intensity"\n1.5;6\n2.5;7\n3;8\n',
    "quoted numbers": '"1.5";"6"\n"2.5";"7"\n"3";"8"\n',
    "comments": "# a, b\n% c\n\nmz intensity\n1.5 6\n# d\n2.5 7\n\n3 8\n\n",
    "windows": "mz\tintensity\r\n1.5\t6\r\n2.5\t7\r\n3\t8\r\n",
    "old mac": "1.5;6\r2.5;7\r3;8\r",
    "byte order mark": "\ufeffmz,intensity\n1.5,6\n2.5,7\n3,8\n",
    "decimal comma, semicolon": "m/z;Int.\n1,5;6\n2,5;7\n3;8\n",
    "decimal comma, tab": "1,5\t6,0\n2,5\t7,0\n3,0\t8,0\n",
    "decimal comma, space": "1,5 6\n2,5 7\n3 8\n",
    "signs and bare points": "+1.5,6.\n2.5,+7\n3,8\n",
}


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("packed", [False, True])
def test_dialects(name, packed, tmp_path):
    content = DIALECTS[name].encode()
    path = tmp_path / "s.txt"
    path.write_bytes(gzip.compress(content) if packed else content)
    spectrum = read_spectrum(path)
    assert spectrum.mz.tolist() == [1.5, 2.5, 3]
    assert spectrum.intensity.tolist() == [6, 7, 8]
    assert spectrum.mz.dtype == spectrum.intensity.dtype == np.float64


def test_gzip_members_behind_one_another(tmp_path):
    path = tmp_path / "s.csv.gz"
    path.write_bytes(gzip.compress(b"1,2\n") + gzip.compress(b"2,3\n"))
    assert read_spectrum(path).intensity.tolist() == [2, 3]


def test_points_below_zero_are_left_out_with_one_warning(tmp_path):
    path = tmp_path / "s.csv"
    path.write_text("-2,1\n-1,1\n-1.5,1\n0,1\n0.5,2\n1,3\n")
    with pytest.warns(UserWarning, match="4 points at m/z <= 0 left out"):
        assert read_spectrum(path).mz.tolist() == [0.5, 1]


numbers = st.one_of(
    st.floats(0.001, 1e6).map(repr),
    st.integers(1, 10**19).map(str),
    st.decimals(1, 10**6, places=4).map(str),
    st.floats(1e-300, 1e300).map("{:.20e}".format),
)


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.tuples(numbers, numbers), min_size=2, unique_by=lambda row: float(row[0])),
    separator=st.sampled_from([",", ";", "\t", " \t "]),
)
def test_every_number_is_read_to_its_last_bit(rows, separator, tmp_path_factory):
    rows = sorted(rows, key=lambda row: float(row[0]))
    path = tmp_path_factory.mktemp("text") / "s.txt"
    path.write_text("\n".join(separator.join(row) for row in rows))
    spectrum = read_spectrum(path)
    mz, intensity = read_two_columns(path.read_text(), separator)
    assert spectrum.mz.tolist() == mz
    assert spectrum.intensity.tolist() == intensity


@settings(max_examples=50, deadline=None)
@given(values=st.lists(st.floats(-1e300, 1e300), min_size=2).filter(any))
def test_what_is_written_is_read_back(values, tmp_path_factory):
    path = tmp_path_factory.mktemp("text") / "s.csv"
    mz = np.cumsum(np.linspace(0.1, 1, len(values)))
    write_csv(path, mz, values)
    spectrum = read_spectrum(path)
    assert (spectrum.mz == mz).all()
    assert (spectrum.intensity == values).all()
    assert [other.name for other in path.parent.iterdir()] == ["s.csv"]


def test_a_packed_file_is_the_same_each_time(tmp_path):
    write_csv(tmp_path / "s.csv", [1, 2.5], [3, 4.5])
    for name in ("a.csv.gz", "b.csv.gz"):
        write_csv(tmp_path / name, [1, 2.5], [3, 4.5])
    packed = (tmp_path / "a.csv.gz").read_bytes()
    assert packed == (tmp_path / "b.csv.gz").read_bytes()
    assert gzip.decompress(packed) == (tmp_path / "s.csv").read_bytes() == b"mz,intensity\n1.0,3.0\n2.5,4.5\n"


def test_writing_refuses_what_cannot_be_read(tmp_path):
    with pytest.raises(SpectraError, match="increase strictly"):
        write_csv(tmp_path / "s.csv", [2, 1], [3, 4])
    with pytest.raises(SpectraError, match="holds nan"):
        write_csv(tmp_path / "s.csv", [1, 2], [3, np.nan])
    assert not list(tmp_path.iterdir())


def test_a_name_with_a_number_sign(tmp_path):
    write_csv(tmp_path / "plate#3", [1, 2], [3, 4])
    assert len(read_spectrum(tmp_path / "plate#3")) == 2
    with pytest.raises(SpectrumError, match="no such file"):
        read_spectrum(tmp_path / "plate#4")
