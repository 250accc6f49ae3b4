"""What a marker's mass may be: candidates from a library, with how often chance would have found one, and peaks of one molecule."""

import csv
import dataclasses
import pathlib

import numpy as np

from spectra._validation import check_choice, check_integer, check_number, check_vector
from spectra.errors import SpectraError

_PROTON, _HYDROGEN = 1.007276, 1.00794
# form -> copies of the molecule, added mass, charge
FORMS = {
    "M+H": (1, _PROTON, 1),
    "M+2H": (1, 2 * _PROTON, 2),
    "M+3H": (1, 3 * _PROTON, 3),
    "2M+H": (2, _PROTON, 1),
    "M+Na": (1, 22.98922, 1),
    "M+K": (1, 38.96316, 1),
    "M+CHCA": (1, _PROTON + 189.167, 1),
    "M+SA-H2O": (1, _PROTON + 206.195, 1),
    "M+H-H2O": (1, _PROTON - 18.0153, 1),
    "M+H-NH3": (1, _PROTON - 17.0305, 1),
    "M+O+H": (1, _PROTON + 15.9994, 1),
}
ACCIDENTAL = {
    "calibrant": "a calibrant: in a sample only by carry-over, or the spot is one for calibration",
    "matrix": "an ion of the matrix, not of the sample",
}
"""Kinds of molecule that are in no sample by its own nature, and what a match with one means; they rank behind all others."""
MATRIX_BELOW = 1000.0
"""m/z below which ions and clusters of the matrix crowd (Keller & Li 2000, J. Am. Soc. Mass Spectrom. 11:88; Coombes 2005, Proteomics 5:4107, leave
out all below 950)."""
NEAR = 12.0  # Da around a form's place, in which peaks are counted to tell how crowded it is
_BLOCK = 1 << 22  # numbers held at a time
LEAST_FOR_SHIFT = 3  # peaks that match, before an error common to them is spoken of
_COLUMNS = ("name", "kind", "sequence", "formula", "mass", "disulfides", "added", "source")


@dataclasses.dataclass(frozen=True)
class Molecule:
    """An entry of a library: its name, average neutral mass (Da), kind and source."""

    name: str
    mass: float
    kind: str = ""
    source: str = ""


def read_library(path=None):
    """Read the molecules that peaks may be.

    Parameters
    ----------
    path : str, path or None
        A CSV file with the column ``name`` and one or more of ``mass`` (average, neutral, Da), ``sequence`` (one-letter amino acids) and
        ``formula``; each row fills one of them. Optional: ``kind``, ``disulfides`` (bonds, two hydrogens each), ``added`` (Da, such as 79.98
        for a phosphate), ``source``. None: the built-in library of serum peptides and proteins, calibrants and matrix ions.

    Returns
    -------
    list of Molecule

    Raises
    ------
    SpectraError
        Naming the file and the line that is wrong.

    Examples
    --------
    >>> from spectra import read_library
    >>> next((m.name, round(m.mass, 1)) for m in read_library() if m.name.startswith("Platelet"))
    ('Platelet factor 4', 7765.1)
    """
    path = pathlib.Path(path) if path is not None else pathlib.Path(__file__).with_name("identification_library.csv")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SpectraError(f"{path}: cannot be read as text: {error}") from None
    rows = csv.DictReader(text.splitlines())
    columns = [name.strip().lower() for name in rows.fieldnames or []]
    if "name" not in columns or not {"mass", "sequence", "formula"} & set(columns):
        raise SpectraError(f"{path}: needs a column name and one of mass, sequence, formula; it has {', '.join(columns) or 'none'}")
    rows.fieldnames = columns
    molecules = []
    for row in rows:
        cells = {name: (row.get(name) or "").strip() for name in _COLUMNS}
        try:
            molecules.append(Molecule(cells["name"], _mass(cells), cells["kind"], cells["source"]))
        except SpectraError as error:
            raise SpectraError(f"{path}, line {rows.line_num}: {error}") from None
    if not molecules:
        raise SpectraError(f"{path}: has no molecules")
    return molecules


def _mass(cells):
    """Average neutral mass of a library row."""
    from pyteomics import mass
    from pyteomics.auxiliary import PyteomicsError

    given = [name for name in ("mass", "sequence", "formula") if cells[name]]
    if not cells["name"] or len(given) != 1:
        raise SpectraError(f"needs a name and exactly one of mass, sequence, formula, not {', '.join(given) or 'none'}")
    what = given[0]
    if what == "mass":
        base = check_number(cells["mass"], "mass", above=0)
    else:
        try:
            base = mass.calculate_mass(**{what: cells[what]}, average=True)
        except PyteomicsError as error:
            raise SpectraError(f"{what} {cells[what]!r} cannot be read: {error}") from None
    bonds = check_number(cells["disulfides"] or 0, "disulfides", low=0)
    total = base - 2 * _HYDROGEN * bonds + check_number(cells["added"] or 0, "added")
    return check_number(total, "the total mass", above=0)


def match_masses(
    mz, library=None, *, tolerance_ppm=1000.0, tolerance_da=None, forms=("M+H", "M+2H"), correct_shift=False, decoys=200, seed=0
):
    """List the molecules that peaks may be, best first, with the share of such matches that chance would give.

    Parameters
    ----------
    mz : array_like, shape (n_peaks,)
        Peaks or markers (Da/e).
    library : list of Molecule, or None
        As read by `read_library`; None: the built-in one.
    tolerance_ppm, tolerance_da : float, above 0
        Greatest error; `tolerance_da` replaces the other when given.
    forms : sequence of str
        Of ``spectra.identification.FORMS``; the order tells which is likelier where two fit alike.
    correct_shift : bool
        Estimate the systematic error that brings most peaks onto the library, and take it off first; with fewer than three peaks near
        an entry nothing is taken off, for a single match would always come out perfect.
    decoys : int
        Shifted copies of the library with which chance is measured.
    seed : int
        Of the decoys' shifts.

    Returns
    -------
    DataFrame
        One row per peak and candidate: ``peak`` (place in `mz`), ``mz``, ``name``, ``kind``, ``form``, ``theoretical`` (Da/e), ``error_ppm``,
        ``rank`` (1: best for its peak; calibrants and matrix behind the others), ``alternatives`` (how many other molecules lie within the tolerance: the mass alone can't tell
        them apart), ``fdr`` (share of matches as good or better that decoys get as well) and ``source``. ``attrs["shift_ppm"]`` is
        the shift taken off.

    Raises
    ------
    SpectraError
        When a mass is not above 0, the library is empty, a form is unknown, or an option is out of its bounds.

    Examples
    --------
    >>> from spectra import match_masses
    >>> match_masses([3883.5, 7766.1])[["mz", "name", "form"]].values.tolist()
    [[3883.5, 'Platelet factor 4', 'M+2H'], [7766.1, 'Platelet factor 4', 'M+H']]
    """
    import pandas as pd

    mz = check_vector(mz, "mz").astype(np.float64)
    if mz.min() <= 0:
        raise SpectraError(f"mz must be above 0, not {mz.min()}")
    library = read_library() if library is None else list(library)
    if not library:
        raise SpectraError("library has no molecules")
    for form in forms:
        check_choice(form, "forms", list(FORMS))
    decoys = check_integer(decoys, "decoys", low=1)
    tolerance = check_number(*((tolerance_ppm, "tolerance_ppm") if tolerance_da is None else (tolerance_da, "tolerance_da")), above=0)
    limit = np.full(mz.size, tolerance) if tolerance_da is None else 1e6 * tolerance / mz  # ppm, for each peak
    masses = np.array([molecule.mass for molecule in library])
    theory = np.concatenate([(copies * masses + added) / charge for copies, added, charge in (FORMS[form] for form in forms)])
    shift, corrected = _corrected(mz, theory, limit, correct_shift)

    peak, entry, error = _within(corrected, theory, limit)
    molecule, form = entry % masses.size, entry // masses.size
    quality = np.abs(error) / limit[peak]
    accidental = np.array([entry.kind in ACCIDENTAL for entry in library])
    order = np.lexsort((form, quality, accidental[molecule], peak))
    peak, entry, error, molecule, form, quality = (x[order] for x in (peak, entry, error, molecule, form, quality))
    first = np.searchsorted(peak, peak)
    distinct = {p: np.unique(molecule[peak == p]).size for p in np.unique(peak).tolist()}
    table = pd.DataFrame(
        {
            "peak": peak,
            "mz": mz[peak],
            "name": [library[m].name for m in molecule],
            "kind": [library[m].kind for m in molecule],
            "form": [forms[f] for f in form],
            "theoretical": theory[entry],
            "error_ppm": error,
            "rank": np.arange(peak.size) - first + 1,
            "alternatives": [distinct[p] - 1 for p in peak.tolist()],
            "fdr": _decoy_fdr(mz, theory, limit, quality, correct_shift, decoys, seed),
            "source": [library[m].source for m in molecule],
        }
    )
    table.attrs["shift_ppm"] = shift
    return table


def _within(mz, theory, limit):
    """(peak, entry, error in ppm) of all pairs within the limit."""
    order = np.argsort(theory, kind="stable")
    ordered = theory[order]
    low = np.searchsorted(ordered, mz / (1 + 1e-6 * limit))
    high = np.searchsorted(ordered, mz / np.maximum(1 - 1e-6 * limit, 1e-9), side="right")
    peak = np.repeat(np.arange(mz.size), high - low)
    entry = order[np.arange(peak.size) - np.repeat(np.cumsum(high - low) - (high - low), high - low) + np.repeat(low, high - low)]
    error = 1e6 * (mz[peak] - theory[entry]) / theory[entry]
    inside = np.abs(error) <= limit[peak]
    return peak[inside], entry[inside], error[inside]


def _systematic_shift(mz, theory, limit):
    """The error (ppm) around which the matches crowd: the mode of their density, smoothed by a tenth of the limit."""
    peak, _, error = _within(mz, theory, limit)
    if np.unique(peak).size < LEAST_FOR_SHIFT:
        return 0.0
    width = limit.mean() / 10
    grid = np.linspace(-limit.max(), limit.max(), 2001)
    density = np.exp(-(((grid[:, None] - error) / width) ** 2) / 2).sum(axis=1)
    return float(grid[density.argmax()])


def _corrected(mz, theory, limit, correct_shift):
    """(shift in ppm, m/z without it)."""
    shift = _systematic_shift(mz, theory, limit) if correct_shift else 0.0
    return shift, mz / (1 + 1e-6 * shift)


def _decoy_fdr(mz, theory, limit, quality, correct_shift, decoys, seed):
    """For each match: peaks that a decoy library matches as well, over peaks that the library matches so well; never falling.

    Where a shift is taken off, each decoy library gets the shift that suits it best as well.
    """
    rng = np.random.default_rng(seed)
    best = np.full((decoys, mz.size), np.inf)
    for row in best:
        # each entry moves by 3 to 20 tolerances, up or down: off its place, but where the library is dense decoys stay dense
        away = rng.uniform(3, 20, theory.size) * rng.choice([-1.0, 1.0], theory.size) * 1e-6 * limit.mean()
        decoy = theory * (1 + away)
        peak, _, error = _within(_corrected(mz, decoy, limit, correct_shift)[1], decoy, limit)
        np.minimum.at(row, peak, np.abs(error) / limit[peak])
    peak, _, error = _within(_corrected(mz, theory, limit, correct_shift)[1], theory, limit)
    found = np.full(mz.size, np.inf)
    np.minimum.at(found, peak, np.abs(error) / limit[peak])
    by_chance = np.searchsorted(np.sort(best.ravel()), quality, side="right") / decoys
    fdr = np.minimum(by_chance / np.maximum(np.searchsorted(np.sort(found), quality, side="right"), 1), 1.0)
    order = np.argsort(quality, kind="stable")
    fdr[order] = np.minimum.accumulate(fdr[order][::-1])[::-1]
    return fdr


def link_forms(mz, values=None, *, tolerance_ppm=1000.0, min_correlation=0.6, forms=("M+2H", "2M+H", "M+Na", "M+K")):
    """Link the peaks of one molecule, so that 4468 and 8937 are reported once.

    Parameters
    ----------
    mz : array_like, shape (n_peaks,)
        Da/e.
    values : array_like of shape (n_spectra, n_peaks), or None
        Intensities. Given, two peaks are linked only where they rise and fall together.
    tolerance_ppm : float, above 0
        Greatest error of the second form's m/z.
    min_correlation : float, -1 to 1
        Least rank correlation over the spectra.
    forms : sequence of str
        Which forms to look for beside each M+H.

    Returns
    -------
    molecule : int64 ndarray, shape (n_peaks,)
        The same number for peaks of one molecule, in the order of their first peak.
    links : DataFrame
        ``first`` (place of the M+H), ``second``, ``form`` (of the second), ``error_ppm``, ``correlation`` (NaN without values), ``chance``: how
        likely the second peak would lie as near some form of a peak it goes with were they strewn blindly, as thick as within 12 Da.

    Raises
    ------
    SpectraError
        When `forms` names none, or one that is unknown, or an option is out of its bounds.

    Examples
    --------
    >>> from spectra import link_forms
    >>> molecule, links = link_forms([4468.9, 5000.0, 8936.8])
    >>> molecule, links["form"].tolist()
    (array([0, 1, 0]), ['M+2H', '2M+H'])

    The mass alone can't tell a doubly charged ion of 8936 from a dimer of 4468.
    """
    import pandas as pd

    mz = check_vector(mz, "mz").astype(np.float64)
    tolerance = check_number(tolerance_ppm, "tolerance_ppm", above=0)
    least = check_number(min_correlation, "min_correlation", low=-1, high=1)
    ranks = None if values is None else _ranks(values, mz.size)
    if not len(forms):
        raise SpectraError(f"forms must name at least one of {', '.join(FORMS)}")
    parts, crowd = [], np.zeros(mz.size)
    for form in forms:
        copies, added, charge = FORMS[check_choice(form, "forms", list(FORMS))]
        expected = (copies * (mz - _PROTON) + added) / charge
        wide = np.maximum(tolerance, 1.1e6 * NEAR * copies / charge / mz)
        second, first, error = _within(mz, expected, wide)
        together = _rank_correlations(ranks, first, second)
        off = 1e-6 * np.abs(error) * expected[first] * charge / copies  # Da of the molecule
        eligible = (first != second) & ((ranks is None) | (together >= least))
        crowd += np.bincount(second[eligible & (off <= NEAR)], minlength=mz.size) / NEAR
        near = eligible & (np.abs(error) <= tolerance)
        found = {"first": first, "second": second, "form": form, "error_ppm": error, "correlation": together, "chance": off}
        parts.append(pd.DataFrame(found)[near])
    links = pd.concat(parts, ignore_index=True)
    links["chance"] = -np.expm1(-crowd[links["second"]] * links["chance"])
    leader = np.arange(mz.size)
    for a, b in zip(links["first"], links["second"], strict=True):
        low, high = sorted((leader[a], leader[b]))
        leader[leader == high] = low
    return np.unique(leader, return_inverse=True)[1], links


def _rank_correlations(ranks, first, second):
    """Of pairs of columns, in blocks that stay small; NaN without ranks."""
    together = np.full(first.size, np.nan)
    if ranks is not None:
        block = max(1, _BLOCK // max(1, ranks.shape[0]))
        for start in range(0, first.size, block):
            pairs = slice(start, start + block)
            together[pairs] = np.einsum("ij,ij->j", ranks[:, first[pairs]], ranks[:, second[pairs]])
    return together


def _ranks(values, n_peaks):
    """Columns of ranks, centred and of length 1, so that products are rank correlations; zeros for a constant column."""
    from scipy.stats import rankdata

    values = np.asarray(values, np.float64)
    if values.ndim != 2 or values.shape[1] != n_peaks:
        raise SpectraError(f"values must have one column for each of the {n_peaks} peaks, not the shape {values.shape}")
    ranks = rankdata(values, axis=0)
    ranks -= ranks.mean(axis=0)
    length = np.sqrt((ranks**2).sum(axis=0))
    return np.divide(ranks, length, out=np.zeros_like(ranks), where=length > 0)
