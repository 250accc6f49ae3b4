"""Trees, forests and boosting as files.

A saved model is a zip of ``.npy`` arrays (an ``.npz``), one of which, ``header``, holds UTF-8 JSON::

    header    {"format": "fasttree", "version": 2, "estimator": "RandomForestClassifier", "parameters": {...}, "n_features": 20,
               "n_outputs": 1, "feature_names": [...] or null, "n_classes": [2] or null, "max_features": 4,
               "categories": {"3": ["blue", "red"]}}      sorted categories by the position of their feature
    classes_0, classes_1, ...   the classes of each output (numbers or fixed-width text)
    starts                      int64: where each tree's nodes start; one more than there are trees
    seeds                       int64: each tree's random_state
    children_left, ... value    the nodes of all trees, one after the other; see `Tree`
    category_words              uint64, with categories only: for each split on a feature of q categories, in order of the nodes,
                                ceil(q / 64) words; bit c tells whether category c goes left. Their thresholds are NaN.

Boosting has other arrays in place of those from `starts` on: see `fasttree._boosting_saving`. Version 1 had no categories, and is read as well.

No part of it is code, and nothing is unpickled: `load` reads plain numbers and text only, and checks that every tree is one before
it builds it, so that a damaged or malicious file is refused and can't make a prediction read beyond its arrays.
"""

import functools
import importlib
import io
import struct
import tokenize
import zipfile
import zlib

import numpy as np
from sklearn.utils.validation import check_is_fitted

from fasttree import forest, tree
from fasttree._estimators_saving import Malformed, from_plain, part_of, read_header, read_levels, require, write_header
from fasttree._estimators_tree import class_lists
from fasttree._tree_saving import arrays_of_trees, restore_trees
from fasttree._validation import category_counts

ESTIMATORS = {
    kind.__name__: kind
    for kind in (
        tree.DecisionTreeClassifier,
        tree.DecisionTreeRegressor,
        forest.RandomForestClassifier,
        forest.RandomForestRegressor,
        forest.ExtraTreesClassifier,
        forest.ExtraTreesRegressor,
    )
}
BOOSTING = ("GradientBoostingClassifier", "GradientBoostingRegressor")  # of a module that takes its time to import
_DAMAGE = (  # what zipfile, zlib and numpy raise on bytes that aren't an archive of arrays
    EOFError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    ValueError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def _kind(name):
    """The estimator of that name, or None."""
    return getattr(importlib.import_module("fasttree.boosting"), name) if name in BOOSTING else ESTIMATORS.get(name)


def save(estimator, path):
    """Write a fitted tree, forest or boosting model to a file, without pickle.

    The same model gives the same bytes. Out-of-bag results and draws are not kept. Other libraries' trees have no sets of categories, so
    a model that splits by them can be taken elsewhere by this file only (`export_text` shows its sets).

    Parameters
    ----------
    estimator : estimator
        One of this package, fitted. Boosting with a loss, `init`, callback or scorer that is an object and not a name can't be saved.
    path : str, path or binary file

    Raises
    ------
    TypeError
        If the estimator is of another kind, or has parameters or classes that plain JSON and arrays can't hold.

    Examples
    --------
    >>> import io
    >>> from fasttree import DecisionTreeClassifier, load, save
    >>> model = DecisionTreeClassifier().fit([[0.0], [1.0]], ["a", "b"])
    >>> file = io.BytesIO()
    >>> save(model, file)
    >>> _ = file.seek(0)
    >>> load(file).predict([[0.9]]).tolist()
    ['b']
    """
    name = type(estimator).__name__
    if _kind(name) is not type(estimator):
        raise TypeError(f"estimator is a {name}; can save {', '.join((*ESTIMATORS, *BOOSTING))}")
    if name in BOOSTING:
        arrays = _boosting_arrays(estimator, name)
    else:
        arrays = _tree_arrays(estimator, name)
    if hasattr(path, "write"):
        _write(path, arrays)
    else:
        with open(path, "wb") as file:
            _write(file, arrays)


def _boosting_arrays(estimator, name):
    from fasttree._boosting_saving import arrays_of

    check_is_fitted(estimator)
    n_outputs, n_classes = estimator._ensemble.n_outputs, [len(estimator.classes_)] if hasattr(estimator, "classes_") else None
    arrays = {"header": write_header(estimator, name, n_classes, n_outputs, estimator.n_features_in_)}
    return arrays | _class_arrays([estimator.classes_] if n_classes else []) | arrays_of(estimator)


def _class_arrays(lists):
    arrays = {}
    for output, classes in enumerate(map(np.asarray, lists)):
        if classes.dtype.kind not in "biufU":
            raise TypeError(f"classes of type {classes.dtype} can't be saved; use numbers, booleans or a numpy array of text")
        arrays[f"classes_{output}"] = classes
    return arrays


def _tree_arrays(estimator, name):
    is_forest = hasattr(estimator, "n_estimators")
    check_is_fitted(estimator, "estimators_" if is_forest else "tree_")
    members = estimator.estimators_ if is_forest else [estimator]
    trees = [member.tree_ for member in members]
    n_classes = [int(n) for n in trees[0].n_classes] if hasattr(estimator, "classes_") else None
    arrays = {"header": write_header(estimator, name, n_classes, estimator.n_outputs_, members[0].max_features_)}
    arrays |= _class_arrays(class_lists(estimator))
    arrays["seeds"] = np.array([member.random_state if is_forest else 0 for member in members], dtype=np.int64)
    return arrays | arrays_of_trees(trees)


def _write(file, arrays):
    """An npz whose bytes depend on the arrays alone: no time stamps."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            part = io.BytesIO()
            np.lib.format.write_array(part, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), part.getvalue(), zipfile.ZIP_DEFLATED)


def load(path):
    """Read a model that `save` wrote; safe on files from strangers.

    Nothing in the file is run. A file may unpack to a thousand times its size at most, as that of a model of many classes does.

    Parameters
    ----------
    path : str, path or binary file

    Returns
    -------
    estimator
        Fitted, of the kind that was saved.

    Raises
    ------
    ValueError
        If the file is no model, of a newer version, damaged, or describes something that isn't a tree.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from fasttree import ExtraTreesRegressor, load, save
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "forest.npz"
    >>> save(ExtraTreesRegressor(5).fit([[0.0], [1.0]], [2.0, 3.0]), path)
    >>> load(path).predict([[1.0]])
    array([3.])
    """
    try:
        parts = _read(path)
    except _DAMAGE as error:
        raise ValueError(f"{path}: not a saved model: {error}") from error
    try:
        return _build(parts)
    except Malformed as error:
        raise ValueError(f"{path}: {error}") from error


def _read(path):
    """The arrays of an npz, none of them pickled."""
    parts = {}
    with zipfile.ZipFile(path) as archive:
        for part in archive.infolist():
            if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others unpack to a million times their size
                raise ValueError(f"{part.filename} is packed in another way than by deflating")
            with archive.open(part) as file:
                parts[part.filename.removesuffix(".npy")] = np.lib.format.read_array(file, allow_pickle=False)
    return parts


def _build(parts):
    header = read_header(parts, (*ESTIMATORS, *BOOSTING))
    kind, n_outputs = _kind(header["estimator"]), header["n_outputs"]
    boosting = kind.__name__ in BOOSTING
    if boosting:  # its outputs are of one target
        n_outputs = 1
    known = kind().get_params(deep=False)
    unknown = sorted(set(header["parameters"]) - set(known))
    require(not unknown, f"unknown parameters {unknown}")
    estimator = kind(**{name: from_plain(value) for name, value in header["parameters"].items()})
    n_classes = np.ones(n_outputs, dtype=np.int64)
    if kind.__name__.endswith("Classifier"):
        classes = []
        for output in range(n_outputs):
            require(f"classes_{output}" in parts, f"has no classes_{output}")
            found = parts[f"classes_{output}"]
            require(found.ndim == 1 and found.size and found.dtype.kind in "biufU", f"classes_{output} aren't classes")
            classes.append(found)
        n_classes = np.array([len(found) for found in classes])
        require(header.get("n_classes") == n_classes.tolist(), "n_classes contradicts classes")
        estimator.classes_ = classes[0] if n_outputs == 1 else classes
        if not boosting:
            estimator.n_classes_ = len(classes[0]) if n_outputs == 1 else n_classes
    estimator.n_features_in_ = header["n_features"]
    if header["feature_names"] is not None:
        estimator.feature_names_in_ = np.array(header["feature_names"], dtype=object)
    estimator._levels = read_levels(header)
    if boosting:
        from fasttree._boosting_saving import restore

        restore(estimator, header["n_features"], estimator._levels, functools.partial(part_of, parts), require)
        return estimator
    estimator.n_outputs_ = n_outputs
    n_categories = category_counts(estimator._levels, header["n_features"])
    trees, seeds = restore_trees(header["n_features"], n_classes, n_categories, functools.partial(part_of, parts), require)
    if hasattr(estimator, "n_estimators"):
        estimator._members = estimator._as_members([trees], seeds.tolist(), header["max_features"])
    else:
        require(len(trees) == 1, f"has {len(trees)} trees instead of one")
        estimator.tree_, estimator.max_features_ = trees[0], header["max_features"]
    return estimator
