"""Saving and loading trees."""

import io
import json
import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fasttree
from fasttree import load, save

KINDS = ["DecisionTree", "RandomForest", "ExtraTrees"]


def table(n_rows=120, seed=0):
    X = np.random.default_rng(seed).normal(size=(n_rows, 4))
    return X, X[:, 0] - X[:, 1] > 0


def fitted(name, y_kind="bool", **options):
    X, y = table()
    y = {"bool": y, "text": np.where(y, "ill", "well"), "two": np.column_stack([y, X[:, 2] > 0])}[y_kind]
    if "Forest" in name or "Extra" in name:
        options = {"n_estimators": 3} | options
    if name.endswith("Regressor"):
        y = np.asarray(y, dtype=float)
    return getattr(fasttree, name)(random_state=0, **options).fit(X, y)


def saved(model):
    file = io.BytesIO()
    save(model, file)
    return file.getvalue()


def rewritten(content, **changes):
    """A model's file with some arrays replaced; None removes one, a dict changes the header."""
    with np.load(io.BytesIO(content)) as archive:
        parts = {name: archive[name] for name in archive.files}
    for name, value in changes.items():
        if name == "header":
            value = np.frombuffer(json.dumps(json.loads(parts["header"].tobytes()) | value).encode(), np.uint8)
        parts[name] = value
    out = io.BytesIO()
    np.savez(out, **{name: value for name, value in parts.items() if value is not None})
    return io.BytesIO(out.getvalue())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("y_kind", ["bool", "text", "two"])
def test_classifiers_come_back_as_they_were(kind, y_kind, tmp_path):
    model, (X, _) = fitted(f"{kind}Classifier", y_kind), table(50, seed=1)
    save(model, tmp_path / "model")
    copy = load(tmp_path / "model")
    assert type(copy) is type(model)
    assert copy.get_params() == model.get_params()
    assert np.array_equal(copy.predict(X), model.predict(X))
    assert np.array_equal(copy.predict_proba(X), model.predict_proba(X))
    assert np.array_equal(copy.feature_importances_, model.feature_importances_)
    assert saved(copy) == saved(model)


@pytest.mark.parametrize("kind", KINDS)
def test_regressors_come_back_as_they_were(kind):
    model, (X, _) = fitted(f"{kind}Regressor"), table(50, seed=1)
    assert np.array_equal(load(io.BytesIO(saved(model))).predict(X), model.predict(X))


@pytest.mark.parametrize("name", ["RandomForestClassifier", "ExtraTreesRegressor"])
def test_number_of_threads_changes_no_byte(name):
    first, *others = [saved(fitted(name, n_estimators=9, n_jobs=n)) for n in (1, 2, 7)]
    assert all(other == first for other in others)


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packings_that_hide_more_than_memory_holds_are_refused(packing):
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(fitted("DecisionTreeClassifier")))) as whole, zipfile.ZipFile(out, "w", packing) as other:
        for name in whole.namelist():
            other.writestr(name, whole.read(name))
    with pytest.raises(ValueError, match="packed in another way than by deflating"):
        load(out)


def test_draws_are_not_kept_and_not_made_up():
    copy = load(io.BytesIO(saved(fitted("RandomForestClassifier"))))
    with pytest.raises(AttributeError, match="doesn't keep the draws of its rows"):
        _ = copy.estimators_samples_


def test_names_of_columns_are_kept():
    X, y = table()
    frame = pd.DataFrame(X, columns=list("abcd"))
    copy = load(io.BytesIO(saved(fasttree.DecisionTreeClassifier().fit(frame, y))))
    assert copy.feature_names_in_.tolist() == list("abcd")
    with pytest.raises(ValueError, match="feature names"):
        copy.predict(frame[list("dcba")])


def test_files_and_pickles_are_small():
    model = fitted("RandomForestClassifier", n_estimators=100)
    n_nodes = sum(tree.tree_.node_count for tree in model)
    assert len(saved(model)) < 40 * n_nodes
    model.predict(table()[0])
    assert len(pickle.dumps(model)) < 100 * n_nodes + 3000 * len(model)


LEFT = [1, 2, -1, -1, -1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"header": {"format": "other"}}, "not a fasttree model"),
        ({"header": {"version": 3}}, "version 3"),
        ({"header": {"estimator": "Popen"}}, "unknown estimator"),
        ({"header": {"parameters": {"shell": 1}}}, "unknown parameters"),
        ({"header": {"n_features": 0}}, "n_features"),
        ({"header": {"n_features": True}}, "n_features"),
        ({"header": {"n_features": 1}}, "feature is out of range"),
        ({"header": {"feature_names": ["a"]}}, "feature_names"),
        ({"header": {"n_classes": [3]}}, "n_classes"),
        ({"threshold": None}, "has no threshold"),
        ({"classes_0": None}, "has no classes_0"),
        ({"classes_0": np.array([[1, 2]])}, "aren't classes"),
        ({"starts": np.array([0, 1])}, "starts"),
        ({"children_left": np.array([0], np.int32)}, "differ in length"),
        ({"feature": np.zeros(1)}, "feature isn't int32"),
    ],
)
def test_malformed_files_are_refused(changes, message):
    content = saved(fitted("DecisionTreeClassifier", max_depth=2, max_features=2))
    with pytest.raises(ValueError, match=message):
        load(rewritten(content, **changes))


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_changed_nodes_are_refused_or_harmless(data):
    """A pointer or feature changed at random: either refused, or predictions still work."""
    content = saved(fitted("DecisionTreeClassifier", max_depth=3))
    with np.load(io.BytesIO(content)) as archive:
        name = data.draw(st.sampled_from(["children_left", "children_right", "feature", "missing_go_to_left"]))
        array = archive[name].copy()
    array[data.draw(st.integers(0, len(array) - 1))] = (
        data.draw(st.integers(-3, len(array) + 2)) % 256 if array.dtype == np.uint8 else (data.draw(st.integers(-3, len(array) + 2)))
    )
    try:
        model = load(rewritten(content, **{name: array}))
    except ValueError:
        return
    model.predict(table()[0])


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a model", b"\x80\x04N."])
def test_other_files_are_refused(content, tmp_path):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match="not a saved model"):
        load(tmp_path / "file")


def test_truncated_and_flipped_files_never_crash():
    content = saved(fitted("DecisionTreeClassifier"))
    for cut in range(0, len(content), 37):
        with pytest.raises(ValueError):
            load(io.BytesIO(content[:cut]))
    random = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(content)
        damaged[random.integers(len(damaged))] ^= 1 << random.integers(8)
        try:
            load(io.BytesIO(bytes(damaged)))
        except ValueError:
            continue


def test_pickled_objects_are_not_read():
    content = saved(fitted("DecisionTreeClassifier"))
    with pytest.raises(ValueError, match="not a saved model"):
        load(rewritten(content, classes_0=np.array([{}, []], dtype=object)))


def test_only_fitted_trees_are_saved():
    with pytest.raises(TypeError, match="dict"):
        save({}, io.BytesIO())
    with pytest.raises(ValueError, match="not fitted"):
        save(fasttree.DecisionTreeClassifier(), io.BytesIO())
    with pytest.raises(TypeError, match="max_features"):
        save(fitted("DecisionTreeClassifier").set_params(max_features=object()), io.BytesIO())


def test_weights_of_classes_come_back():
    for y_kind, weights in (("bool", {False: 1, True: 2.5}), ("text", {"ill": 3, "well": 1}), ("two", [{False: 1, True: 2}] * 2)):
        model = fitted("RandomForestClassifier", y_kind, class_weight=weights)
        assert load(io.BytesIO(saved(model))).class_weight == weights
    for wrong in ({"pairs": [[1]]}, {"pairs": [[[], 1]]}, {"other": 1}):
        with pytest.raises(ValueError, match="pairs of key and value"):
            load(rewritten(saved(fitted("DecisionTreeClassifier")), header={"parameters": {"class_weight": wrong}}))
