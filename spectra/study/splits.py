"""Who is held out: whole patients, whole sites, later dates. No patient ever stands on both sides of a split."""

import hashlib
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedKFold

from spectra.errors import SpectraError


class Split(NamedTuple):
    """One train/test division of the rows."""

    scheme: str
    repeat: int
    train: np.ndarray
    test: np.ndarray


class Copies(NamedTuple):
    """Rows that hold exactly the same values as an earlier row.

    together : those whose target is an earlier copy's too, and which count as of one patient with it
    apart : those whose target no earlier copy has
    """

    together: int
    apart: int


def join_copies(rows, target, groups):
    """Make one patient of those who share a copy: who holds it out must not have learned it.

    Parameters
    ----------
    rows : iterable of arrays, one per row, what models see of it
    target : array, shape (n_rows,), label or quantity; copies with another one stay apart, since a patient has one
    groups : array, shape (n_rows,), the patient of each row

    Returns
    -------
    groups : array, shape (n_rows,), of those joined the first in sorted order
    copies : Copies

    Examples
    --------
    >>> groups, copies = join_copies(np.array([[1, 2], [1, 2], [1, 2], [3, 4]]), [0, 0, 1, 0], ["a", "b", "c", "b"])
    >>> groups.tolist(), copies
    (['a', 'a', 'c', 'a'], Copies(together=1, apart=1))
    """
    digests = [hashlib.blake2b(np.ascontiguousarray(row).tobytes(), digest_size=16).digest() for row in rows]
    names, member = np.unique(groups, return_inverse=True)
    member = member.ravel()
    seen: dict[tuple, int] = {}
    same = [seen.setdefault(row, i) for i, row in enumerate(zip(digests, target, strict=True))]
    links = sparse.coo_array((np.ones(len(same)), (member, member[same])), shape=(names.size, names.size))
    _, joined = connected_components(links, directed=False)
    _, first = np.unique(joined, return_index=True)
    return names[first[joined[member]]], Copies(len(same) - len(seen), len(seen) - len(set(digests)))


def group_labels(y, groups):
    """One label per patient.

    Parameters
    ----------
    y : int array, shape (n_rows,)
    groups : array, shape (n_rows,), the patient of each row

    Returns
    -------
    names : array, shape (n_groups,), in order of first appearance
    label : int array, shape (n_groups,)
    member : int array, shape (n_rows,), index into `names`

    Raises
    ------
    SpectraError
        When a patient has two labels.
    """
    names, first, member = np.unique(groups, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    names, member = names[order], rank[member.ravel()]
    label = np.asarray(y)[first[order]]
    clash = np.flatnonzero(label[member] != y)
    if clash.size:
        raise SpectraError(f"group {str(names[member[clash[0]]])!r} has two labels; correct the manifest, or group by another column")
    return names, label, member


def number_of_folds(label, wanted, *, most=5, classes=None, option="folds", inner=None):
    """`wanted` folds, or for 0 as many as there are patients in the smallest class, at most `most`; `option` asked for them.

    Parameters
    ----------
    label : array, shape (n_groups,), of each patient
    classes : list of str, names of the labels, optional
    inner : int, folds within each training set (0: two at least), or None where nothing is chosen within

    Raises
    ------
    SpectraError
        When there is one class only, or a class has fewer patients than folds, or fewer than two, or leaves too few to choose by.
    """
    values, counts = np.unique(label, return_counts=True)
    if values.size < 2:
        raise SpectraError("the label has one class only; a study needs at least two")
    smallest = int(np.argmin(counts))
    name = repr(str(classes[values[smallest]])) if classes is not None else values[smallest]
    least = int(counts[smallest])
    if least < 2:
        quantity = classes is not None and len(classes) > 2 and all(map(_number, classes))
        hint = "; for a quantity there is --task regression, or make classes, such as --label 'dose>=1'" if quantity else ""
        raise SpectraError(f"class {name} has a single patient (group); at least two are needed to hold one out{hint}")
    if wanted > least:
        raise SpectraError(
            f"class {name} has {least} patients (groups), fewer than {wanted} folds; set [study] {option} to {least} or less"
        )
    folds = wanted or min(most, least)
    left = least - -(-least // folds)
    if inner is not None and left < max(2, inner):
        raise SpectraError(
            f"class {name} has {least} patients (groups): with {folds} folds {left} of them may be left to learn from, and {max(2, inner)} are "
            f"needed to choose models by; collect more, or leave the class out"
        )
    return folds


def _number(text):
    try:
        return np.isfinite(float(text))
    except ValueError:
        return False


def grouped_splits(y, groups, *, folds, repeats, seed):
    """Repeated cross-validation over patients, stratified by label; the same seed gives the same folds.

    Returns
    -------
    list of Split, ``folds * repeats`` of them
    """
    names, label, member = group_labels(y, groups)
    splits = []
    for repeat in range(repeats):
        folder = StratifiedKFold(folds, shuffle=True, random_state=np.random.RandomState([seed, repeat]))
        for _, test in folder.split(names, label):
            held = np.isin(member, test)
            splits.append(Split("random-grouped", repeat, np.flatnonzero(~held), np.flatnonzero(held)))
    return splits


def _enough(y, groups, rows, fewest):
    """Do the rows hold every class, with so many patients?"""
    return all(np.unique(groups[rows][y[rows] == k]).size >= fewest for k in np.unique(y))


def site_splits(y, groups, sites, *, fewest=1):
    """Leave one site out, for each site that holds two classes and whose absence leaves `fewest` patients of every class.

    A patient seen at several sites is left out of the training set whenever one of them is held out.
    """
    member = group_labels(y, groups)[2]
    splits = []
    for site in np.unique(sites):
        held = sites == site
        train = ~np.isin(member, member[held])
        if np.unique(y[held]).size >= 2 and _enough(y, groups, train, fewest):
            splits.append(Split("leave-site-out", 0, np.flatnonzero(train), np.flatnonzero(held)))
    return splits


def forward_splits(y, groups, when, *, blocks=5, fewest=1):
    """Train on earlier patients, test on the next block: patients in order of their first date, cut into `blocks`.

    The first two blocks only ever train. A split is left out that trains on fewer than `fewest` patients of a class, or tests one class only.
    """
    names, _, member = group_labels(y, groups)
    first = np.full(names.size, np.iinfo(np.int64).max)
    np.minimum.at(first, member, np.asarray(when, "datetime64[ns]").astype(np.int64))
    place = np.empty(names.size, np.int64)
    place[np.argsort(first, kind="stable")] = np.arange(names.size) * blocks // names.size
    splits = []
    for block in range(2, blocks):
        train, test = place[member] < block, place[member] == block
        if _enough(y, groups, train, fewest) and np.unique(y[test]).size >= 2:
            splits.append(Split("forward-in-time", 0, np.flatnonzero(train), np.flatnonzero(test)))
    return splits
