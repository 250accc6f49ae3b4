"""Features that say the same: peaks that rise and fall together, and forms of one molecule (charge states, adducts, losses)."""

import numpy as np

from spectra.identification import FORMS, link_forms

ALIKE = 0.9  # least |correlation| of two features that carry the same
FORM_PPM, FORM_TOGETHER = 500.0, 0.7  # mass error that bin centres of broad peaks leave open; least rank correlation of two forms
CHARGED, LEAST_CHARGED = ("M+2H", "M+3H"), 1000.0  # forms that a smaller molecule does not take in MALDI
CHANCE = 0.05  # of a link that peaks strewn blindly would give too
WORDS = {
    "M+2H": "doubly charged",
    "M+3H": "triply charged",
    "2M+H": "dimer",
    "M+Na": "with sodium",
    "M+K": "with potassium",
    "M+CHCA": "with cyano-hydroxycinnamic acid",
    "M+SA-H2O": "with sinapinic acid",
    "M+H-H2O": "without water",
    "M+H-NH3": "without ammonia",
    "M+O+H": "oxidised or with potassium for sodium",  # 15.995 and 15.974 Da: time of flight seldom tells them apart
}
BARE = {
    "M+2H": "singly charged",
    "M+3H": "singly charged",
    "2M+H": "not doubled",
    "M+Na": "without sodium",
    "M+K": "without potassium",
    "M+CHCA": "without cyano-hydroxycinnamic acid",
    "M+SA-H2O": "without sinapinic acid",
    "M+H-H2O": "with its water",
    "M+H-NH3": "with its ammonia",
    "M+O+H": "not oxidised or with sodium for potassium",
}
"""What the molecule is to each of its forms."""


def correlation(values):
    """Columns centred and of length 1, so that products are correlations; constant columns are zero."""
    centred = values - values.mean(axis=0)
    length = np.sqrt((centred**2).sum(axis=0))
    return np.divide(centred, length, out=np.zeros_like(centred), where=length > 1e-12 * max(1.0, float(np.abs(values).max(initial=0.0))))


def _links(mz, values):
    """Rows of `link_forms` that chance would hardly give, the best last; none where features are no peaks.

    A peak at half the mass of another is taken for its doubly charged ion, though the mass would allow the other for its dimer as well.
    """
    if mz.size < 2 or not np.isfinite(mz).all():
        return []
    names = [name for name in FORMS if name != "M+H"]
    _, links = link_forms(mz, values, tolerance_ppm=FORM_PPM, min_correlation=FORM_TOGETHER, forms=names)
    links = links[(links["chance"] <= CHANCE) & ~(links["form"].isin(CHARGED) & (mz[links["first"]] < LEAST_CHARGED))]
    halves = {(link.second, link.first) for link in links[links["form"] == "M+2H"].itertuples()}
    dimer = (links["form"] == "2M+H") & np.array([(link.first, link.second) in halves for link in links.itertuples()], bool)
    return links[~dimer].sort_values("chance", ascending=False, kind="stable").to_dict("records")


def origins(mz, values):
    """Peaks that the others explain: dict of peak -> its best link, a row of `link_forms` whose ``first`` is the molecule's M+H."""
    return {link["second"]: link for link in _links(mz, values)}


def forms(mz, values):
    """Pairs of peaks that may be two forms of one molecule.

    Returns
    -------
    dict of (peak, other) -> words, what `peak` is a form of `other` in
    """
    found = {}
    for link in _links(mz, values):  # of several explanations the best stays
        found[link["second"], link["first"]] = WORDS[link["form"]]
        found.setdefault((link["first"], link["second"]), BARE[link["form"]])
    return found


def leaders(values, mz, order):
    """Who speaks for each feature: the first feature in `order` that it goes with, or itself.

    A feature joins a leader, never a follower, so families don't chain.

    Parameters
    ----------
    values : ndarray, shape (n_rows, n_features)
    mz : float array, shape (n_features,); NaN where features are no peaks
    order : int array, features from the most to the least important

    Returns
    -------
    leader : int array, shape (n_features,)
    form : list of str, shape (n_features,): in what form a feature is its leader's molecule, "" where it only rises and falls with it
    """
    unit, links = correlation(values), forms(mz, values)
    linked: dict[int, list[int]] = {}
    for a, b in links:
        linked.setdefault(a, []).append(b)
    leader, form, heads = np.full(order.size, -1), [""] * order.size, []
    for j in order:
        j = int(j)
        known = [head for head in linked.get(j, ()) if leader[head] == head]
        if known:
            leader[j] = min(known, key=heads.index)
            form[j] = links[j, int(leader[j])]
        else:
            alike = np.flatnonzero(np.abs(unit[:, heads].T @ unit[:, j]) >= ALIKE) if heads else ()
            leader[j] = heads[alike[0]] if len(alike) else j
        if leader[j] == j:
            heads.append(j)
    return leader, form
