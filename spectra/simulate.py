"""A virtual cohort of which everything is known: which peaks are there, which molecules tell cases from controls.

Each ion's flight is computed (Coombes 2005); what reaches the detector is a matrix baseline with chemical noise and the molecules'
peaks, each in several forms (isotopes, adducts, charges, dimer), counted ion by ion, with electronic noise, into whole numbers.
"""

import dataclasses
import datetime
import math
import pathlib

import numpy as np

from spectra._kernels import simulate as kernels
from spectra._validation import check_integer, check_number
from spectra.containers import Cohort, PeakList, Spectrum
from spectra.errors import SpectraError
from spectra.io.bruker import write_bruker
from spectra.simulate_flight import SUBSTEPS, Forms, Instrument, instrument_axis


@dataclasses.dataclass(frozen=True, eq=False)
class Simulation:
    """A virtual cohort and its truth.

    Attributes
    ----------
    cohort : Cohort
        Raw counts; ``samples`` has file, sample, patient, label, site, date, plate, spot.
    markers : DataFrame
        One row per planted marker: molecule, mz (of its protonated form), direction (+1: more in cases), effect.
    forms : DataFrame
        One row per peak that exists: molecule, form, mz, marker (bool).
    peaks : list of PeakList
        The true peaks of each spectrum, where its drifting axis shows them, with their expected heights above the baseline and
        signal-to-noise ratios; forms too low to matter (height under a tenth of the noise) are left out.
    calibration : dict
        ``ml1, ml2, ml3, delay, dwell`` of the Bruker axis.
    """

    cohort: Cohort
    markers: object
    forms: object
    peaks: list
    calibration: dict

    def recovered(self, mz, *, tolerance=0.003):
        """Which planted markers, in any of their forms, lie within a relative `tolerance` of one of the `mz`: bool, one per marker."""
        mz = np.atleast_1d(np.asarray(mz, np.float64))
        found = []
        for molecule in self.markers["molecule"]:
            places = self.forms.loc[self.forms["molecule"] == molecule, "mz"].to_numpy()
            found.append(bool((np.abs(mz[:, None] - places) <= tolerance * places).any()))
        return np.array(found, bool)

    def write(self, folder):
        """Write Bruker flex folders, ``manifest.csv`` and the planted markers as ``markers.csv``; return the manifest's path."""
        folder = pathlib.Path(folder)
        for spectrum in self.cohort:
            write_bruker(folder / spectrum.name, spectrum.intensity, **self.calibration)
        self.markers.to_csv(folder / "markers.csv", index=False)
        self.cohort.samples.to_csv(folder / "manifest.csv", index=False)
        return folder / "manifest.csv"


def simulate_cohort(
    n_spectra=281,
    *,
    seed,
    n_markers=5,
    effect=1.0,
    n_molecules=60,
    case_share=0.5,
    replicates=1,
    site_effect=None,
    confounded=False,
    drift=3e-4,
    isotopes=True,
    instrument=None,
):
    """Simulate raw spectra of cases and controls, and say what is true of them.

    Parameters
    ----------
    n_spectra : int
    seed : int
        The same seed gives the same counts.
    n_markers : int
        Molecules whose amount differs between cases and controls.
    effect : float
        By how many standard deviations (over samples, of the logarithm) it differs.
    n_molecules : int
        All molecules.
    case_share : float, above 0, below 1
    replicates : int
        Spectra per sample; a sample's spectra are neighbours on the plate.
    site_effect : float or None
        How strongly the second site's handling changes amounts (in the same standard deviations, half of the molecules), baseline and
        mass calibration. None: 0, or 1 when `confounded`.
    confounded : bool
        85 % of the first site's samples are cases, 15 % of the second's. Otherwise site and label are independent.
    drift : float
        Standard deviation of the spectra's relative mass shift.
    isotopes : bool
        False: each molecule has its mean mass only.
    instrument : Instrument or None

    Returns
    -------
    Simulation

    Raises
    ------
    SpectraError
        When an option is out of its bounds.

    Examples
    --------
    >>> from spectra import simulate_cohort
    >>> simulation = simulate_cohort(4, seed=1)
    >>> len(simulation.cohort), len(simulation.markers), simulation.cohort.samples["label"].tolist()
    (4, 5, ['control', 'case', 'control', 'case'])
    """
    n_spectra = check_integer(n_spectra, "n_spectra", low=2)
    replicates = check_integer(replicates, "replicates", low=1)
    n_molecules = check_integer(n_molecules, "n_molecules", low=1, high=300)
    n_markers = check_integer(n_markers, "n_markers", low=0, high=n_molecules // 2)
    effect, drift = check_number(effect, "effect", low=0), check_number(drift, "drift", low=0, high=0.01)
    case_share = check_number(case_share, "case_share", above=0, high=0.99)
    site_effect = float(confounded) if site_effect is None else check_number(site_effect, "site_effect", low=0)
    instrument = Instrument() if instrument is None else instrument
    if not 0 < instrument.low < instrument.high:
        raise SpectraError(f"instrument must have 0 < low < high, not low={instrument.low}, high={instrument.high}")

    world, people, technique, *streams = np.random.SeedSequence(seed).spawn(3 + n_spectra)
    axis, calibration = instrument_axis(instrument)
    forms = Forms(np.random.default_rng(world), n_molecules, n_markers, instrument, calibration, isotopes)
    samples = _people(np.random.default_rng(people), n_spectra, replicates, case_share, confounded)
    rng = np.random.default_rng(technique)
    amounts = _amounts(rng, samples, forms, effect, site_effect)
    second_site = (samples["site"] == samples["site"].max()).to_numpy() * site_effect
    stretch = 1 + (rng.normal(0, drift, n_spectra) + 2e-4 * second_site) / 2  # m/z goes with the square of time
    delay = rng.normal(0, 1.0, n_spectra)
    baseline = 3800 * np.exp(rng.normal(0, 0.3, n_spectra) + 0.4 * second_site)
    spectra, truth = [], []
    for i, stream in enumerate(streams):
        own = np.random.default_rng(stream)
        ground = baseline[i] * np.exp(-(axis - 1000) / 1700) * _chemical_noise(own, axis.size)
        counts, peaks = _spectrum(own, ground, axis, forms, amounts[i], stretch[i], delay[i], instrument, calibration)
        spectra.append(Spectrum(axis, counts, samples["file"][i]))
        truth.append(peaks)
    return Simulation(Cohort.from_spectra(spectra, samples), forms.markers(effect), forms.table(), truth, calibration)


def _people(rng, n_spectra, replicates, case_share, confounded):
    """The table of spectra in the order in which they were measured: plates of 96 spots, one plate a day."""
    import pandas as pd

    n_samples = -(-n_spectra // replicates)
    site = rng.permutation(np.arange(n_samples) % 2)
    groups = [(site == 0, 0.85), (site == 1, 0.15)] if confounded else [(site >= 0, case_share)]
    case = np.zeros(n_samples, bool)
    for members, share in groups:  # exact shares: a small cohort must not lose a class by chance
        members = rng.permutation(np.flatnonzero(members))
        case[members[: min(max(round(share * members.size), 1), members.size - 1)]] = True
    rows = []
    for i in range(n_spectra):
        s, k = divmod(i, replicates)
        plate, spot = divmod(i, 96)
        rows.append(
            {
                "file": f"spectra/s{s + 1:03d}_{k + 1}",
                "sample": f"s{s + 1:03d}",
                "patient": f"p{s + 1:03d}",
                "label": "case" if case[s] else "control",
                "site": f"site{site[s] + 1}",
                "date": (datetime.date(2024, 1, 8) + datetime.timedelta(days=plate)).isoformat(),
                "plate": plate + 1,
                "spot": f"{'ABCDEFGH'[spot // 12]}{spot % 12 + 1}",
            }
        )
    return pd.DataFrame(rows)


def _amounts(rng, samples, forms, effect, site_effect):
    """Expected height of each form in each spectrum, shape (n_spectra, n_forms)."""
    codes = samples["sample"].factorize()[0]
    case = (samples["label"] == "case").to_numpy()
    second_site = (samples["site"] == samples["site"].max()).to_numpy()
    n_molecules, n_samples = forms.mass.size, codes.max() + 1
    spread = 0.5  # of the logarithm of the amount, over samples
    common = rng.normal(size=(n_samples, 3)) @ rng.normal(0, math.sqrt(0.1), (3, n_molecules))  # molecules go together
    own = rng.normal(0, math.sqrt(0.7), (n_samples, n_molecules))
    handling = rng.normal(0, 1, n_molecules) * (rng.random(n_molecules) < 0.5) * site_effect
    level = (common + own)[codes] + effect * np.outer(case, forms.direction) + np.outer(second_site, handling)
    laser = rng.normal(0, 0.3, (len(samples), 1))
    # how much of a molecule flies as adduct, dimer or doubly charged depends on the crystals under each shot
    each = rng.normal(0, 1, (len(samples), forms.height.size)) * np.where(np.array(forms.names) == "M+H", 0.08, 0.4)
    return forms.height * np.exp(spread * level[:, forms.molecule] + laser + each)


def _chemical_noise(rng, n_points):
    """A slow random modulation of the baseline by 1 %: matrix clusters that are no peaks."""
    knots = rng.normal(1, 0.01, n_points // 24 + 2)
    return np.interp(np.arange(n_points) / 24, np.arange(knots.size), knots)


def _spectrum(rng, ground, axis, forms, heights, stretch, delay, instrument, calibration):
    """(counts, true peaks) of one spectrum on its baseline."""
    expected = ground.copy()
    first, dwell = float(calibration["delay"]), instrument.dwell
    kernels.add_peaks(forms.shapes, forms.offsets, forms.begin, forms.step, heights, stretch, delay, first, dwell, expected)
    counts = instrument.counts_per_ion * rng.poisson(expected / instrument.counts_per_ion)
    counts += rng.normal(instrument.offset, instrument.electronic_noise, axis.size)
    counts = np.clip(np.rint(counts), 0, instrument.saturation)

    point = (forms.apex * stretch + delay - first) / dwell
    ends = (forms.ends * stretch + delay - first) / dwell
    index = np.rint(point).astype(np.int64)
    inside = (index >= 0) & (index < axis.size)
    inside[inside] = heights[inside] > 0.1 * _noise(expected[index[inside]], instrument)
    rows = np.flatnonzero(inside)[np.argsort(point[inside], kind="stable")]
    mz, lo, hi = (np.interp(place[rows], np.arange(axis.size), axis) for place in (point, ends[:, 0], ends[:, 1]))
    sums = np.add.reduceat(forms.shapes, forms.offsets[:-1]) / SUBSTEPS
    noise = _noise(expected[index[rows]], instrument)
    clipped = np.cumsum(np.append(0, counts >= instrument.saturation))
    begin, end = np.clip(np.ceil(ends[rows]).astype(np.int64) + np.array([0, 1]), 0, axis.size).T
    peaks = PeakList(
        mz=mz,
        intensity=heights[rows],
        snr=heights[rows] / noise,
        fwhm=hi - lo,
        area=heights[rows] * sums[rows] * np.gradient(axis)[index[rows]],
        left=2 * lo - mz,
        right=2 * hi - mz,
        index=index[rows],
        saturated=clipped[end] > clipped[begin],
    )
    return counts, peaks


def _noise(expected, instrument):
    """Standard deviation of the counts where so many are expected."""
    return np.sqrt(instrument.electronic_noise**2 + instrument.counts_per_ion * expected)
