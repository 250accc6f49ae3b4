"""Trees as text and as pictures."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
import sklearn.tree
from sklearn.exceptions import NotFittedError

import fasttree
from fasttree import DecisionTreeClassifier, DecisionTreeRegressor, export_graphviz, export_text, plot_tree

matplotlib.use("Agg")
KINDS = pytest.mark.parametrize("name", ["DecisionTreeClassifier", "DecisionTreeRegressor"])


def test_text_shows_splits_and_leaves():
    X = np.array([[0.0, 1.0], [2.0, 1.0], [np.nan, 5.0]])
    tree = DecisionTreeRegressor().fit(X, [1.0, 2.0, 4.0])
    lines = export_text(tree, feature_names=["mass", "dose"], decimals=1).splitlines()
    assert lines[0] in ("mass <= inf", "dose <= 3.0, or missing")
    assert "1.0" in "".join(lines) and "4.0" in "".join(lines)
    assert "…" in export_text(tree, max_depth=0)
    with pytest.raises(ValueError, match="feature_names has 1"):
        export_text(tree, feature_names=["a"])


def test_trees_are_told_in_words():
    X = pd.DataFrame({"kind": pd.Categorical(["red", "blue", "green", "blue"])})
    text = export_text(DecisionTreeRegressor().fit(X, [1.0, 5.0, 1.0, 5.0]))
    assert text == "kind in {green, red}\n|   1.00\nkind in {blue}, or missing\n|   5.00"


@KINDS
@pytest.mark.parametrize(
    "options", [{}, {"filled": True, "max_depth": 1, "feature_names": list("abc")}, {"proportion": True, "node_ids": True}]
)
def test_pictures_are_those_of_scikit_learn(name, options):
    X = np.random.default_rng(0).normal(size=(80, 3))
    y = X[:, 0] + X[:, 1] if name.endswith("Regressor") else (X[:, 0] + X[:, 1] > 0) + 2 * (X[:, 2] > 1)
    ours, theirs = (getattr(library, name)(max_depth=3, random_state=0).fit(X, y) for library in (fasttree, sklearn.tree))
    before = ours.tree_.threshold.copy()
    assert export_graphviz(ours, **options) == sklearn.tree.export_graphviz(theirs, **options)
    drawn, expected = plot_tree(ours, **options), sklearn.tree.plot_tree(theirs, **options)
    assert [note.get_text() for note in drawn] == [note.get_text() for note in expected]
    assert np.array_equal(ours.tree_.threshold, before)


def test_pictures_name_columns_classes_and_categories():
    kinds = ["red", 'b<"ue', "red", 'b<"ue', "red", 'b<"ue']
    X = pd.DataFrame({"kind": pd.Categorical(kinds), "dose": np.arange(6.0)})
    tree = DecisionTreeClassifier().fit(X, ["ill" if kind == "red" else "well" for kind in kinds])
    first = plot_tree(tree, class_names=True)[0].get_text().splitlines()
    assert first[0] in ('kind in {b<"ue}', "kind in {red}") and first[-1] == "class = ill"
    left = "red" if "red" in first[0] else "b<"
    plain, html = export_graphviz(tree), export_graphviz(tree, special_characters=True)
    assert f'[label="kind in {{{left}' in plain and f"<kind in {{{'red' if left == 'red' else 'b&lt;&quot;ue'}}}" in html
    assert "nan" not in plain + html and plain.count('"') % 2 == plain.count('\\"') % 2


@pytest.mark.parametrize("show", [export_text, export_graphviz, plot_tree])
def test_what_is_no_single_tree_is_refused_by_name(show):
    forest = fasttree.RandomForestRegressor(2).fit([[0.0], [1.0]], [0.0, 1.0])
    with pytest.raises(TypeError, match=r"type RandomForestRegressor, .* estimator.estimators_\[0\]"):
        show(forest)
    assert show(forest.estimators_[0])
    with pytest.raises(TypeError, match="estimator is of type int"):
        show(3)
    with pytest.raises(NotFittedError):
        show(DecisionTreeRegressor())
