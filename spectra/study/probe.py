"""A plain classifier that can be trained under thousands of labellings at once: naive Bayes on binned columns.

A control asks whether something *can* be told from something else, against labels shuffled many times with the training repeated each
time; nothing else gives an honest p-value, since held-out predictions of overlapping training sets go together. Counting bins is the only
training here, so all shufflings are one matrix product.
"""

import numpy as np

BINS = 6
SMOOTHING = 1.0  # added to every bin's count
COLUMNS = 32  # counted in one product: their shares stay in the cache


def to_codes(values, *, bins=BINS):
    """Columns as small whole numbers: each value's place among the column's quantiles.

    Parameters
    ----------
    values : ndarray, shape (n_rows, n_columns)

    Returns
    -------
    int64 ndarray, same shape, below `bins`
    """
    codes = np.empty(values.shape, np.int64)
    for j, column in enumerate(values.T):
        distinct = np.unique(column)
        if distinct.size > bins:
            distinct = np.unique(np.quantile(column, np.arange(1, bins) / bins, method="lower"))
            codes[:, j] = np.searchsorted(distinct, column, side="left")
        else:
            codes[:, j] = np.searchsorted(distinct, column)
    return codes


def log_posterior(codes, train, test, labels, n_classes):
    """Naive Bayes trained on the rows `train`, under each labelling.

    Parameters
    ----------
    codes : int array, shape (n_rows, n_columns)
    train, test : int arrays, rows
    labels : int array, shape (n_labellings, n_rows)

    Returns
    -------
    ndarray, shape (n_classes, n_labellings, n_test), up to a constant per labelling and row
    """
    out = np.zeros((n_classes, test.size, labels.shape[0]))  # labellings last: rows are looked up whole
    is_k = [(labels[:, train] == k).T.astype(np.float32) for k in range(n_classes)]
    size = [known.sum(axis=0) for known in is_k]
    for k in range(n_classes):
        out[k] += np.log(size[k] + SMOOTHING)
    for first in range(0, codes.shape[1], COLUMNS):
        some = codes[:, first : first + COLUMNS]
        n_bins = some.max(axis=0) + 1
        bins = some + np.cumsum(n_bins) - n_bins  # numbered through all columns of the block
        held = np.zeros((n_bins.sum(), train.size), np.float32)
        held[bins[train].T, np.arange(train.size)] = 1
        most = np.repeat(n_bins, n_bins)[:, None].astype(np.float32)
        for k in range(n_classes):
            share = np.log((held @ is_k[k] + SMOOTHING) / (size[k] + SMOOTHING * most))
            for column in bins[test].T:
                out[k] += share[column]
    return out.transpose(0, 2, 1)


def fold_auc(posterior, labels, strata):
    """Pairs won and pairs there are, one class against the rest, comparing rows of one stratum only.

    Parameters
    ----------
    posterior : ndarray, shape (n_classes, n_labellings, n_test)
    labels : int array, shape (n_labellings, n_test)
    strata : int array, shape (n_test,)

    Returns
    -------
    won, pairs : float ndarrays, shape (n_classes, n_labellings)
    """
    n_classes, n_labellings, _ = posterior.shape
    won, pairs = np.zeros((2, n_classes, n_labellings))
    top = posterior.max(axis=0)
    total = top + np.log(np.exp(posterior - top).sum(axis=0))
    for k in range(n_classes):
        score = posterior[k] - total
        for stratum in np.unique(strata):
            rows = np.flatnonzero(strata == stratum)
            mine, order = score[:, rows], np.argsort(score[:, rows], axis=1, kind="stable")
            ranks = _mean_ranks(np.take_along_axis(mine, order, axis=1), order)
            is_k = labels[:, rows] == k
            n_k = is_k.sum(axis=1)
            won[k] += (ranks * is_k).sum(axis=1) - n_k * (n_k + 1) / 2
            pairs[k] += n_k * (rows.size - n_k)
    return won, pairs


def fold_concordance(posterior, labels, strata):
    """Of pairs of rows with different labels, those whose expected labels stand in the right order, and all; within strata.

    For labels that are steps of a quantity. Arguments and results as of `fold_auc`, all in the first of the classes' rows.
    """
    n_classes, n_labellings, _ = posterior.shape
    won, pairs = np.zeros((2, n_classes, n_labellings))
    share = np.exp(posterior - posterior.max(axis=0))
    score = np.tensordot(np.arange(n_classes), share, axes=1) / share.sum(axis=0)
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        mine, theirs = score[:, rows], labels[:, rows]
        for k in range(1, n_classes):
            for lower in range(k):
                both = (theirs == k) | (theirs == lower)
                ranked = np.where(both, mine, np.inf)  # all others stand behind
                order = np.argsort(ranked, axis=1, kind="stable")
                with np.errstate(invalid="ignore"):
                    ranks = _mean_ranks(np.take_along_axis(ranked, order, axis=1), order)
                is_k = theirs == k
                n_k = is_k.sum(axis=1)
                won[0] += (ranks * is_k).sum(axis=1) - n_k * (n_k + 1) / 2
                pairs[0] += n_k * (both.sum(axis=1) - n_k)
    return won, pairs


def _mean_ranks(ordered, order):
    """Ranks from 1, ties share their mean; rows are independent."""
    n = ordered.shape[1]
    place = np.arange(1.0, n + 1)
    new = np.concatenate([np.ones((ordered.shape[0], 1), bool), np.diff(ordered, axis=1) > 1e-9], axis=1)
    first = np.maximum.accumulate(np.where(new, place, 0), axis=1)
    last_new = np.concatenate([new[:, 1:], np.ones((ordered.shape[0], 1), bool)], axis=1)
    last = np.minimum.accumulate(np.where(last_new, place, n + 1)[:, ::-1], axis=1)[:, ::-1]
    ranks = np.empty_like(ordered)
    np.put_along_axis(ranks, order, (first + last) / 2, axis=1)
    return ranks


def probe(codes_of_split, splits, labels, n_classes, strata, ordered=False):
    """AUC of the probe under each labelling; with `ordered` labels the concordance.

    Parameters
    ----------
    codes_of_split : callable (split) -> int array, shape (n_rows, n_columns): label-free, may be learned on ``split.train``
    splits : list of Split, made without looking at what is predicted, or only at what permutation keeps
    labels : int array, shape (n_labellings, n_rows), the true one first
    strata : int array, shape (n_rows,): only rows of one stratum are compared

    Returns
    -------
    ndarray, shape (n_labellings,); one half where there is no pair to compare
    """
    won, pairs = np.zeros((2, n_classes, labels.shape[0]))
    for split in splits:
        codes = codes_of_split(split)
        posterior = log_posterior(codes, split.train, split.test, labels, n_classes)
        more = (fold_concordance if ordered else fold_auc)(posterior, labels[:, split.test], strata[split.test])
        won, pairs = won + more[0], pairs + more[1]
    with np.errstate(invalid="ignore"):
        each = np.where(pairs > 0, won / pairs, np.nan)
    each = each[:1] if ordered else each[1:2] if n_classes == 2 else each
    there = np.isfinite(each)
    return np.where(there.any(axis=0), np.where(there, each, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1), 0.5)


def shuffled_labels(label, member, *, permutations, seed, strata=None):
    """The true labelling, then `permutations` of it among the patients of each stratum, as labels of rows.

    Parameters
    ----------
    label : int array, shape (n_groups,)
    member : int array, shape (n_rows,), the group of each row
    strata : int array, shape (n_groups,), optional

    Returns
    -------
    int array, shape (1 + permutations, n_rows)
    """
    random = np.random.default_rng([seed, 4])
    drawn = np.tile(label, (permutations + 1, 1))
    strata = np.zeros(label.size, int) if strata is None else strata
    for stratum in np.unique(strata):
        patients = np.flatnonzero(strata == stratum)
        drawn[1:, patients] = random.permuted(drawn[1:, patients], axis=1)
    return drawn[:, member]
