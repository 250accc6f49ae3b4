import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectra import Molecule, SpectraError, link_forms, match_masses, read_library
from spectra.identification import ACCIDENTAL, FORMS, NEAR
from tests.naive import identification as naive

BUILT_IN = read_library()

# average masses of the neutral molecules as published, Da
KNOWN = {
    "Fibrinopeptide A": 1536.6,
    "Hepcidin-25": 2789.4,
    "Neutrophil defensin 1": 3442.1,
    "Thymosin beta-4": 4963.5,
    "Fibrinogen alpha 576-629": 5904.2,
    "Insulin human": 5807.6,
    "Insulin bovine": 5733.5,
    "Apolipoprotein C-I": 6630.6,
    "Platelet factor 4": 7765.2,
    "Ubiquitin": 8564.8,
    "Apolipoprotein C-III0": 8764.7,
    "Apolipoprotein C-II": 8914.9,
    "Beta-2-microglobulin": 11729.2,
    "Transthyretin": 13761.4,
    "Angiotensin II": 1046.2,
    "Somatostatin": 1637.9,
    "CHCA": 189.17,
}


def test_built_in_masses_are_the_published_ones():
    masses = {molecule.name: molecule.mass for molecule in BUILT_IN}
    for name, mass in KNOWN.items():
        assert masses[name] == pytest.approx(mass, abs=0.2), name


def test_every_built_in_molecule_has_a_kind_and_a_source():
    assert {molecule.kind for molecule in BUILT_IN} == {"serum", "calibrant", "matrix"}
    assert all(molecule.source for molecule in BUILT_IN)
    assert len({molecule.name for molecule in BUILT_IN}) == len(BUILT_IN)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(500, 9000), min_size=1, max_size=20), st.sampled_from([50.0, 1000.0, 50000.0]), st.integers(0, 9))
def test_matches_are_the_twin_s(mz, tolerance, seed):
    rng = np.random.default_rng(seed)
    library = [Molecule(f"m{i}", mass) for i, mass in enumerate(rng.uniform(500, 9000, 30).tolist())]
    table = match_masses(mz, library, tolerance_ppm=tolerance, forms=list(FORMS), decoys=1)
    found = {(p, int(name[1:]), form) for p, name, form in zip(table["peak"], table["name"], table["form"], strict=True)}
    assert found == naive.matches(mz, library, FORMS, tolerance)
    for _, rows in table.groupby("peak"):
        assert (rows["alternatives"] == rows["name"].nunique() - 1).all()
        assert rows["rank"].tolist() == list(range(1, len(rows) + 1))
        assert rows["error_ppm"].abs().is_monotonic_increasing


def test_the_pancreas_marker_is_platelet_factor_4():
    table = match_masses([3884.0, 7767.0], tolerance_ppm=500)
    assert table.query("rank == 1")["name"].tolist() == ["Platelet factor 4"] * 2
    assert table["form"].tolist()[0] == "M+2H"


def test_a_tolerance_in_daltons():
    library = [Molecule("a", 1000.0), Molecule("b", 9000.0)]
    table = match_masses([1002.0, 9002.0], library, tolerance_da=1.5)
    assert table["name"].tolist() == ["a", "b"]
    assert len(match_masses([1002.0, 9002.0], library, tolerance_da=0.5)) == 0


def test_a_systematic_shift_is_found_and_taken_off():
    rng = np.random.default_rng(1)
    library = [Molecule(f"m{i}", mass) for i, mass in enumerate(rng.uniform(1000, 9000, 60).tolist())]
    mz = np.array([m.mass + 1.007276 for m in library[:25]]) * (1 + 700e-6) * (1 + rng.normal(0, 20e-6, 25))
    table = match_masses(mz, library, tolerance_ppm=1500, correct_shift=True)
    assert table.attrs["shift_ppm"] == pytest.approx(700, abs=60)
    assert table.query("rank == 1")["name"].tolist() == [f"m{i}" for i in range(25)]


def test_decoys_tell_true_matches_from_chance():
    rng = np.random.default_rng(2)
    library = [Molecule(f"m{i}", mass) for i, mass in enumerate(rng.uniform(1000, 9000, 200).tolist())]
    true = np.array([m.mass + 1.007276 for m in library[:40]]) * (1 + rng.normal(0, 10e-6, 40))
    real = match_masses(true, library, tolerance_ppm=100, forms=["M+H"])
    chance = match_masses(rng.uniform(1000, 9000, 400), library, tolerance_ppm=2000, forms=["M+H"])
    assert real["fdr"].median() < 0.05
    assert 0.6 < chance["fdr"].median() <= 1
    assert real.sort_values("error_ppm", key=np.abs)["fdr"].is_monotonic_increasing


def test_nothing_within_the_tolerance_is_an_empty_table():
    table = match_masses([123456.0])
    assert len(table) == 0
    assert "alternatives" in table.columns


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("name,mass\na,12\nb,-3\n", "line 3: mass must be greater than 0"),
        ("name,mass\na,12\nb,x\n", "line 3: mass must be a number"),
        ("name,sequence\na,ABZ1\n", "line 2: sequence 'ABZ1' cannot be read"),
        ("name,formula\na,Qq2\n", "line 2: formula 'Qq2' cannot be read"),
        ("name,mass,sequence\na,12,AAA\n", "line 2: needs a name and exactly one"),
        ("name,mass\n,12\n", "line 2: needs a name"),
        ("name,mass,disulfides\na,3,9\n", "line 2: the total mass must be greater than 0"),
        ("mass\n12\n", "needs a column name"),
        ("name,mass\n", "has no molecules"),
        ("", "needs a column name"),
    ],
)
def test_bad_libraries_are_named(tmp_path, text, word):
    (tmp_path / "library.csv").write_text(text)
    with pytest.raises(SpectraError, match=f"library.csv.*{word}"):
        read_library(tmp_path / "library.csv")


def test_a_missing_library_is_named(tmp_path):
    with pytest.raises(SpectraError, match=r"none\.csv: cannot be read"):
        read_library(tmp_path / "none.csv")


def test_a_user_s_library_is_read(tmp_path):
    (tmp_path / "own.csv").write_text("Name,Sequence,added\npeptide,GGGG,79.98\n")
    (molecule,) = read_library(tmp_path / "own.csv")
    assert molecule.mass == pytest.approx(246.22 + 79.98, abs=0.01)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"tolerance_ppm": 0}, "tolerance_ppm must be greater than 0"),
        ({"tolerance_da": -1}, "tolerance_da must be greater than 0"),
        ({"forms": ["M-H"]}, "forms must be one of"),
        ({"library": []}, "library has no molecules"),
        ({"decoys": 0}, "decoys must be at least 1"),
    ],
)
def test_wrong_options_are_named(options, word):
    with pytest.raises(SpectraError, match=word):
        match_masses([1000.0], **options)
    with pytest.raises(SpectraError, match="mz must be above 0"):
        match_masses([-1.0])


def test_charge_pairs_dimers_and_adducts_are_one_molecule():
    mass = 4000.0
    mz = [(copies * mass + added) / charge for copies, added, charge in (FORMS[f] for f in ("M+2H", "M+H", "M+Na", "M+K", "2M+H"))]
    molecule, links = link_forms([*mz, 3333.0], tolerance_ppm=100)
    assert molecule.tolist() == [0, 0, 0, 0, 0, 1]
    assert set(links["form"]) == {"M+2H", "M+Na", "M+K", "2M+H"}


def test_peaks_that_do_not_go_together_are_not_linked():
    rng = np.random.default_rng(0)
    amount, other = rng.lognormal(size=40), rng.lognormal(size=40)
    mz = [4468.5, 4495.3, 8936.0, 8989.6]
    values = np.column_stack([amount * rng.lognormal(0, 0.1, 40), other, amount, rng.lognormal(size=40)])
    molecule, links = link_forms(mz, values)
    assert molecule.tolist() == [0, 1, 0, 2]
    assert links["correlation"].min() > 0.9
    assert link_forms(mz)[0].tolist() == [0, 1, 0, 1]
    with pytest.raises(SpectraError, match="one column for each of the 4 peaks"):
        link_forms(mz, values[:, :2])


def test_one_match_is_no_ground_for_a_shift():
    library = read_library()
    found = match_masses([7768.0], library, correct_shift=True)
    assert found.attrs["shift_ppm"] == 0.0
    assert abs(found["error_ppm"].iloc[0]) > 100


def test_decoys_may_shift_too():
    """Where no peak is of the library, a best match looks good as rarely as its rate says; with decoys kept in place half of them did."""
    rng = np.random.default_rng(0)
    library = [Molecule(f"m{i}", mass) for i, mass in enumerate(rng.uniform(2000, 9000, 60))]
    best = []
    for seed in range(40):
        found = match_masses(rng.uniform(2000, 9000, 40), library, correct_shift=True, forms=["M+H"], seed=seed, decoys=60)
        best.append(found["fdr"].min() if len(found) else 1.0)
    assert np.mean(np.array(best) <= 0.1) < 0.15


def test_how_likely_a_link_is_by_chance_agrees_with_counting():
    random = np.random.default_rng(3)
    mz = np.sort(random.uniform(2000, 2600, 60))
    values = random.normal(size=(12, 60)) + 2 * random.normal(size=(12, 1))
    names = [name for name in FORMS if name != "M+H"]
    _, links = link_forms(mz, values, tolerance_ppm=800, min_correlation=0.6, forms=names)
    theirs = naive.chances(mz, values, {name: FORMS[name] for name in names}, 800, 0.6, NEAR)
    ours = {(row.first, row.second, row.form): row.chance for row in links.itertuples()}
    assert ours == pytest.approx(theirs) and len(ours) > 30


def test_links_that_are_chance_are_told_as_often_as_they_say():
    random = np.random.default_rng(4)
    told = 0
    for _ in range(40):
        mz = np.sort(random.uniform(1000, 9000, 150))
        _, links = link_forms(
            mz, np.arange(8.0)[:, None] * np.ones(150), tolerance_ppm=2000, forms=[name for name in FORMS if name != "M+H"]
        )
        told += links.loc[links["chance"] <= 0.05, "second"].nunique()
    assert 0.02 < told / (40 * 150) < 0.08


def test_calibrants_and_matrix_rank_behind_what_is_in_a_sample():
    library = [Molecule("horse", 12360.0, "calibrant"), Molecule("human", 12362.0, "serum"), Molecule("cluster", 12359.0, "matrix")]
    table = match_masses([12361.0], library, forms=["M+H"])
    assert table["name"].tolist() == ["human", "horse", "cluster"] and table["rank"].tolist() == [1, 2, 3]
    assert match_masses([6181.0])["kind"].tolist() == ["calibrant"]  # cytochrome c of the horse
    assert {"calibrant", "matrix"} == set(ACCIDENTAL)
    with pytest.raises(SpectraError, match="forms must name at least one"):
        link_forms([1.0, 2.0], forms=())


@pytest.mark.parametrize(
    ("mz", "name"),  # average masses by hand: n x 189.167, less a proton's hydrogen for each metal
    [
        (212.2, "CHCA sodium"),
        (417.4, "CHCA dimer potassium"),
        (423.3, "CHCA dimer disodium"),
        (439.4, "CHCA dimer sodium potassium"),
        (568.5, "CHCA trimer"),
    ],
)
def test_clusters_of_the_matrix_with_salt_are_known(mz, name):
    best = match_masses([mz], tolerance_ppm=500, forms=["M+H"]).iloc[0]
    assert best["name"] == name and best["kind"] == "matrix"
