"""A single tree as text and as a picture."""

import copy
import html

import numpy as np
import sklearn.tree
from sklearn.utils.validation import check_is_fitted

from fasttree._estimators_tree import BaseTree, class_lists
from fasttree._tree import LEAF
from fasttree._tree_categories import members


def plot_tree(estimator, **options):
    """Draw a single tree by matplotlib, as `sklearn.tree.plot_tree` does, which takes scikit-learn's own trees alone.

    Parameters
    ----------
    estimator : DecisionTreeClassifier or DecisionTreeRegressor
        Fitted; those of a forest are in its ``estimators_``.
    **options
        As of `sklearn.tree.plot_tree`: `max_depth`, `filled`, `class_names` (True: the names of the classes), `ax`, …. `feature_names`
        are those of the columns that it was fitted on where nothing else is given. A split by categories names those that go left.

    Returns
    -------
    list of matplotlib.text.Annotation

    Raises
    ------
    TypeError
        If the estimator is no single tree of this package.

    Examples
    --------
    >>> from fasttree import DecisionTreeRegressor, plot_tree
    >>> notes = plot_tree(DecisionTreeRegressor().fit([[0.0], [1.0]], [2.0, 3.0]), impurity=False)
    >>> notes[0].get_text().splitlines()
    ['x[0] <= 0.5', 'samples = 2', 'value = 2.5']
    """
    notes = _by_sklearn(sklearn.tree.plot_tree, estimator, options)
    for note in notes:
        note.set_text(_in_words(note.get_text()))
    return notes


def export_graphviz(estimator, **options):
    """A single tree in the language of Graphviz, as `sklearn.tree.export_graphviz` gives it of scikit-learn's own trees alone.

    Parameters
    ----------
    estimator, **options
        As in `plot_tree`, but the options of `sklearn.tree.export_graphviz` without `out_file`.

    Returns
    -------
    str

    Examples
    --------
    >>> from fasttree import DecisionTreeRegressor, export_graphviz
    >>> text = export_graphviz(DecisionTreeRegressor().fit([[0.0], [1.0]], [2.0, 3.0]), impurity=False)
    >>> "x[0] <= 0.5" in text
    True
    """

    def escape(names):
        return html.escape(names) if options.get("special_characters") else names.replace("\\", "\\\\").replace('"', '\\"')

    return _in_words(_by_sklearn(sklearn.tree.export_graphviz, estimator, options, escape))


def _by_sklearn(function, estimator, options, escape=str):
    """What scikit-learn's function makes of the tree, whose arrays have the same names and meaning."""
    _check_single(estimator)
    options = {"feature_names": getattr(estimator, "feature_names_in_", None)} | options
    if options.get("class_names") is True and hasattr(estimator, "classes_"):
        options["class_names"] = [str(name) for name in class_lists(estimator)[0]]
    shown, tree = copy.copy(estimator), copy.copy(estimator.tree_)
    tree.threshold = [_Left(escape(_sides(estimator, node)[0])) if np.isnan(value) else value for node, value in enumerate(tree.threshold)]
    shown.tree_ = tree
    with sklearn.config_context(skip_parameter_validation=True):  # that of the class
        return function(shown, **options)


class _Left:
    """The categories that go left, in place of a threshold, which is shown rounded."""

    def __init__(self, names):
        self.names = names

    def __round__(self, digits):
        return self.names


def _in_words(text):
    """``name in {blue, red}`` in place of ``name <= {blue, red}``."""
    return text.replace("<= {", "in {").replace("&le; {", "in {")


def _check_single(estimator):
    if not isinstance(estimator, BaseTree):
        more = "; give one of its trees, such as estimator.estimators_[0]" if hasattr(estimator, "estimators_") else ""
        raise TypeError(f"estimator is of type {type(estimator).__name__}, not a single decision tree of fasttree{more}")
    check_is_fitted(estimator, "tree_")


def export_text(estimator, *, feature_names=None, max_depth=None, decimals=2):
    """A single tree as indented text.

    Parameters
    ----------
    estimator : DecisionTreeClassifier or DecisionTreeRegressor
        Fitted.
    feature_names : sequence of str or None
        Default: the names of the columns that it was fitted on, or ``feature_0``, …
    max_depth : int or None
        Greatest depth to show.
    decimals : int
        Digits of numbers.

    Returns
    -------
    str

    Raises
    ------
    TypeError, ValueError
        If the estimator is no single tree of this package, or `feature_names` are not as many as its features.

    Examples
    --------
    >>> from fasttree import DecisionTreeClassifier, export_text
    >>> print(export_text(DecisionTreeClassifier().fit([[0.0], [1.0]], ["a", "b"])))
    feature_0 <= 0.50
    |   a (1.00)
    feature_0 > 0.50, or missing
    |   b (1.00)
    """
    _check_single(estimator)
    if feature_names is None:
        feature_names = getattr(estimator, "feature_names_in_", [f"feature_{i}" for i in range(estimator.n_features_in_)])
    if len(feature_names) != estimator.n_features_in_:
        raise ValueError(f"feature_names has {len(feature_names)} names; the tree has {estimator.n_features_in_} features")
    shown, lines, stack = estimator.tree_, [], [(0, 0, "")]
    while stack:
        node, depth, condition = stack.pop()
        indent = "|   " * depth
        if condition:
            lines.append("|   " * (depth - 1) + condition)
        left, right = shown.children_left[node], shown.children_right[node]
        if left == LEAF or (max_depth is not None and depth > max_depth):
            more = "" if left == LEAF else " …"
            lines.append(indent + _leaf_text(estimator, shown.value[node], decimals) + more)
            continue
        sides = (", or missing", "") if shown.missing_go_to_left[node] else ("", ", or missing")
        conditions = _conditions(estimator, node, feature_names[shown.feature[node]], decimals)
        stack.append((right, depth + 1, conditions[1] + sides[1]))
        stack.append((left, depth + 1, conditions[0] + sides[0]))
    return "\n".join(lines)


def _conditions(estimator, node, name, decimals):
    """What a node asks of those that go left, and of those that go right."""
    shown = estimator.tree_
    if np.isnan(shown.threshold[node]):
        return [f"{name} in {side}" for side in _sides(estimator, node)]
    threshold = f"{shown.threshold[node]:.{decimals}f}"
    return [f"{name} <= {threshold}", f"{name} > {threshold}"]


def _sides(estimator, node):
    """The sets of categories that go left and right."""
    tree = estimator.tree_
    feature = int(tree.feature[node])
    goes, known = members(tree.sets, node, feature), estimator._levels[feature]
    parts = [[str(value) for value, left in zip(known, goes, strict=True) if left == side] for side in (True, False)]
    return [f"{{{', '.join(part)}}}" for part in parts]


def _leaf_text(estimator, value, decimals):
    if not hasattr(estimator, "classes_"):
        return ", ".join(f"{x:.{decimals}f}" for x in value[:, 0])
    words = []
    for classes, shares in zip(class_lists(estimator), value, strict=True):
        best = int(np.argmax(shares[: len(classes)]))
        words.append(f"{classes[best]} ({shares[best]:.{decimals}f})")
    return ", ".join(words)
