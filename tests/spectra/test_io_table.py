"""Feature tables, and the manifest's columns."""

import numpy as np
import pytest

from spectra import SpectraError, read_manifest, read_table
from spectra.io.table import mass_of


def table(tmp_path, text, **options):
    path = tmp_path / "table.csv"
    path.write_text(text)
    return read_table(path, **options)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_features_and_columns(separator, tmp_path):
    text = "sample,X4468.1.Var.12,site,pH,label\ns1,1.5,A,7,ill\ns2,,B,NA,well\n".replace(",", separator)
    features, frame = table(tmp_path, text, label="label", group="sample", columns=["site", None])
    np.testing.assert_array_equal(features.values, [[1.5, 7], [np.nan, np.nan]])
    np.testing.assert_array_equal(features.mz, [4468.1, np.nan])
    np.testing.assert_array_equal(features.present, [[True, True], [False, False]])
    assert features.names == ["X4468.1.Var.12", "pH"]
    assert features.samples is frame
    assert sorted(frame) == ["label", "sample", "site"]
    assert frame["label"].tolist() == ["ill", "well"]


@pytest.mark.parametrize(
    ("rule", "classes"),
    [
        ("q>=6", ["q<6", "q>=6", "q>=6"]),
        ("q > 6", ["q<=6", "q<=6", "q>6"]),
        ("q<=5", ["q<=5", "q>5", "q>5"]),
        ("q<6.5", ["q<6.5", "q<6.5", "q>=6.5"]),
        ("q==6", ["q!=6", "q==6", "q!=6"]),
        ("q!=6", ["q!=6", "q==6", "q!=6"]),
        ("site == 'A'", ["site==A", "site!=A", "site==A"]),
    ],
)
def test_rules(rule, classes, tmp_path):
    text = "q,site,pH\n5,A,1\n6,B,2\n7,A,3\n"
    features, frame = table(tmp_path, text, label=rule, drop=["q", "site"])
    assert frame[rule].tolist() == classes
    assert features.names == ["pH"]


def test_features_by_name_and_no_label(tmp_path):
    features, frame = table(tmp_path, "a,b,c\n1,2,x\n3,4,y\n", features=["b", "a"])
    assert features.names == ["b", "a"]
    assert features.values.tolist() == [[2, 1], [4, 3]]
    assert frame.shape == (2, 0)
    with pytest.raises(SpectraError, match="no column 'd'; there are a, b, c"):
        table(tmp_path, "a,b,c\n1,2,x\n", features=["a", "d"])


def test_the_column_of_a_rule_is_no_feature(tmp_path):
    features, frame = table(tmp_path, "q,pH\n5,1\n6,2\n", label="q>=6")
    assert features.names == ["pH"]
    assert list(frame) == ["q>=6"]


def test_decimal_commas_are_read_where_they_can_be_nothing_else(tmp_path):
    path = tmp_path / "excel.csv"
    path.write_text("pH;dose;count;label\n3,51;1,5e-3;1,250;a\n3;2;12;b\n")
    matrix, _ = read_table(path, label="label", drop=["count"])
    assert matrix.values.tolist() == [[3.51, 0.0015], [3.0, 2.0]]
    with pytest.raises(SpectraError, match="line 2: column 'count' holds '1,250', not a number"):
        read_table(path, label="label")
    path.write_text("pH;label\n3,51;a\n3.2;b\n")
    with pytest.raises(SpectraError, match="holds '3,51', not a number"):
        read_table(path, label="label")


BAD = {
    "text": ("pH,kind,label\n1,a,x\n2,b,y\n", {"label": "label"}, "line 2: column 'kind' holds 'a', not a number.*--drop 'kind'"),
    "one word": ("pH,label\n1,x\nhigh,y\n", {"label": "label"}, "line 3: column 'pH' holds 'high'"),
    "infinite": ("pH,label\n1,x\ninf,y\n", {"label": "label"}, "line 3: column 'pH' holds 'inf'"),
    "no label": ("pH,label\n1,x\n2,y\n", {"label": "class"}, "has no column 'class'; there are pH, label"),
    "no rule column": ("pH,label\n1,x\n2,y\n", {"label": "q>=6"}, "has no column 'q'"),
    "no group": ("pH,label\n1,x\n2,y\n", {"label": "label", "group": "patient"}, "has no column 'patient'"),
    "label unknown": ("pH,label\n1,x\n2,\n", {"label": "label"}, "line 3: 'label' is empty"),
    "rule on text": ("pH,q\n1,x\n2,y\n", {"label": "q>=6"}, "is text, so its rule can only be == or !="),
    "rule with text": ("pH,q\n1,2\n2,3\n", {"label": "q>=__import__('os')"}, "compares it with"),
    "no features": ("label\nx\ny\n", {"label": "label"}, "no column is left"),
    "empty": ("", {"label": "label"}, "the file is empty"),
    "ragged": ("pH,label\n1,x\n2\n", {"label": "label"}, "line 3: 1 fields"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_tables(name, tmp_path):
    text, options, words = BAD[name]
    with pytest.raises(SpectraError, match=words) as caught:
        table(tmp_path, text, **options)
    assert "\n" not in str(caught.value)
    assert "table.csv" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "mass"),
    [("X4468.1.Var.12", 4468.1), ("4468.07", 4468.07), ("mz_1234", 1234), ("m/z 12.5", 12.5), ("V1", None), ("pH", None), ("X1.2.3", None)],
)
def test_mass_of_a_name(name, mass):
    assert mass_of(name) == mass if mass else np.isnan(mass_of(name))


def test_columns_of_a_manifest(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("\ufefffile,id,age,dose,label,plate\na,007,61,0.5,x,\nb,010,58,,NA,\n", encoding="utf-8")
    frame = read_manifest(path, required=["label", None])
    assert frame["id"].tolist() == ["007", "010"]
    assert frame["age"].tolist() == [61, 58]
    assert frame["age"].dtype == np.int64
    assert frame["dose"].isna().tolist() == [False, True]
    assert frame["label"].isna().tolist() == [False, True]
    assert frame["plate"].isna().all()


@pytest.mark.data
def test_real_tables(data):
    features, frame = read_table(data / "tabular" / "winequality-red.csv", label="quality>=6")
    assert features.shape == (1599, 11)
    assert frame["quality>=6"].value_counts().to_dict() == {"quality>=6": 855, "quality<6": 744}
    with pytest.raises(SpectraError, match="--drop 'ocean_proximity'"):
        read_table(data / "tabular" / "california_housing.csv", label="median_house_value")
