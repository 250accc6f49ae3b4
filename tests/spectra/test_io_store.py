"""A saved cohort comes back as it was; a hostile file gives an error and nothing more."""

import io
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectra import Cohort, PeakList, SpectraError, Spectrum, Warp


def peak_list(n):
    return PeakList(*(np.arange(n, dtype=float) + i for i in range(7)), np.arange(n), np.linspace(0, 1, n), np.arange(n) % 2 == 1)


@pytest.fixture
def cohort():
    axis = np.linspace(1000, 1010, 6)
    spectra = [Spectrum(axis, np.arange(6.0) + i, f"{i}.csv") for i in range(2)] + [Spectrum(axis[:4], np.ones(4), "2.csv")]
    samples = pd.DataFrame(
        {"file": ["0.csv", "1.csv", "2.csv"], "age": [1, 2, 3], "dose": [0.5, np.nan, np.inf], "label": ["ä", None, "c"]}
    )
    return Cohort.from_spectra(
        spectra,
        samples.assign(old=[True, False, True]),
        peaks=[peak_list(2), peak_list(0), peak_list(1)],
        warps=[Warp(np.array([1.0]), np.array([2.0])), Warp(np.empty(0), np.empty(0)), Warp(np.empty(0), np.empty(0))],
        noise=[np.array([1.0]), np.ones(6), np.array([2.0])],
        set_aside=[{"file": "x.csv", "reason": "empty"}],
        notes=["trimmed"],
    )


def test_everything_comes_back(cohort, tmp_path):
    path = tmp_path / "a.cohort"
    cohort.save(path)
    again = Cohort.open(path)
    for name in ("intensity", "start", "size", "mz", "mz_start"):
        np.testing.assert_array_equal(getattr(again, name), getattr(cohort, name))
        assert getattr(again, name).dtype == getattr(cohort, name).dtype
    pd.testing.assert_frame_equal(again.samples, cohort.samples, check_dtype=False)
    assert [column.kind for column in again.samples.dtypes] == [column.kind for column in cohort.samples.dtypes]
    assert [len(peaks) for peaks in again.peaks] == [2, 0, 1]
    assert again.peaks[0].area.tolist() == cohort.peaks[0].area.tolist()
    assert again.peaks[0].index.dtype == np.int64
    assert again.peaks[0].quality.tolist() == [0.0, 1.0]
    assert again.peaks[0].saturated.tolist() == [False, True]
    assert again.warps[0](10.0) == 12
    assert again.warps[1](10.0) == 10
    assert [noise.tolist() for noise in again.noise] == [noise.tolist() for noise in cohort.noise]
    assert (again.set_aside, again.notes) == (cohort.set_aside, cohort.notes)
    assert [other.name for other in tmp_path.iterdir()] == ["a.cohort"]


def test_float32_and_nothing_found_yet(tmp_path):
    plain = Cohort.from_spectra([Spectrum(np.array([1.0, 2.0]), np.array([3, 4], np.float32), "a")])
    plain.save(tmp_path / "a")
    again = Cohort.open(tmp_path / "a")
    assert again.intensity.dtype == np.float32
    assert again.peaks is again.warps is again.noise is None


def test_a_column_of_objects_is_refused(cohort, tmp_path):
    cohort.samples["odd"] = [object(), 1, 2]
    with pytest.raises(SpectraError, match="'odd'"):
        cohort.save(tmp_path / "a")
    assert not list(tmp_path.iterdir())


def rewritten(cohort, path, change):
    """Save, then let `change` work on the dict of arrays, and write them again without any check."""
    cohort.save(path)
    with np.load(path, allow_pickle=False) as archive:
        arrays = dict(archive)
    change(arrays)
    np.savez(path, allow_pickle=True, **arrays)
    return path.with_name(path.name + ".npz")


CHANGES = {
    "an object": lambda arrays: arrays.update(mz=np.array([{}, {}], dtype=object)),
    "a table": lambda arrays: arrays.update(mz=np.ones((2, 2))),
    "no offsets": lambda arrays: arrays.pop("intensity.offsets"),
    "offsets beyond": lambda arrays: arrays.update({"intensity.offsets": arrays["intensity.offsets"] * 2}),
    "offsets that fall": lambda arrays: arrays.update({"intensity.offsets": np.array([0, 12, 6, 16])}),
    "axes beyond": lambda arrays: arrays.update(mz_start=arrays["mz_start"] + 9),
    "axes before": lambda arrays: arrays.update(mz_start=arrays["mz_start"] - 9),
    "fewer rows": lambda arrays: arrays.update({"mz_start": arrays["mz_start"][:2], "intensity.offsets": arrays["intensity.offsets"][:3]}),
    "peaks beyond": lambda arrays: arrays.update({"peaks.area.offsets": np.array([0, 9, 9, 9])}),
    "counts as intensities": lambda arrays: arrays.update(intensity=arrays["intensity"].astype(int)),
    "no JSON": lambda arrays: arrays.update(about=np.frombuffer(b"{", np.uint8)),
    "deep JSON": lambda arrays: arrays.update(about=np.frombuffer(b"[" * 10**5, np.uint8)),
    "another JSON": lambda arrays: arrays.update(about=np.frombuffer(b"[]", np.uint8)),
    "another format": lambda arrays: arrays.update(about=np.frombuffer(b'{"format": 99}', np.uint8)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_hostile_files(name, cohort, tmp_path):
    path = rewritten(cohort, tmp_path / "a", CHANGES[name])
    with pytest.raises(SpectraError, match=r"a\.npz: (not a saved cohort|is of format 99)") as caught:
        Cohort.open(path)
    assert "\n" not in str(caught.value)


def test_packed_arrays_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb", "w", zipfile.ZIP_DEFLATED) as archive:
        content = io.BytesIO()
        np.save(content, np.zeros(10**6))
        archive.writestr("mz.npy", content.getvalue())
    with pytest.raises(SpectraError, match="packed"):
        Cohort.open(tmp_path / "bomb")


def test_missing_file(tmp_path):
    with pytest.raises(SpectraError, match="no such file"):
        Cohort.open(tmp_path / "none")


@settings(max_examples=100, deadline=None)
@given(cut=st.integers(0, 10**6), byte=st.binary(max_size=3))
def test_spoiled_files(cut, byte, tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "a"
    Cohort.from_spectra([Spectrum(np.array([1.0, 2.0]), np.array([3.0, 4.0]), "a")]).save(path)
    content = path.read_bytes()
    cut %= len(content)
    for spoiled in (content[:cut], content[:cut] + byte + content[cut + len(byte) :]):
        path.write_bytes(spoiled)
        try:
            assert len(Cohort.open(path)) <= 1
        except SpectraError as error:
            assert "\n" not in str(error)
