"""Flight of ions through a linear time-of-flight instrument, and the peaks that a world of molecules makes there."""

import dataclasses
import math

import numpy as np

from spectra.io.bruker import bruker_axis, bruker_calibration

_DALTON, _CHARGE = 1.66053906660e-27, 1.602176634e-19  # kg, C
_NEUTRON, _PROTON = 1.00235, 1.007276  # mean distance of isotopes in peptides; mass of a proton
# name, copies of the molecule, added mass, charge, typical height relative to the protonated molecule
_FORMS = [
    ("M+H", 1, _PROTON, 1, 1.0),
    ("M+Na", 1, 22.98922, 1, 0.06),
    ("M+K", 1, 38.96316, 1, 0.03),
    ("M+matrix", 1, 207.0652, 1, 0.04),  # sinapinic acid less water
    ("M+2H", 1, 2 * _PROTON, 2, 0.12),
    ("2M+H", 2, _PROTON, 1, 0.02),
]
SUBSTEPS = 4  # values of a peak's shape per detector point


@dataclasses.dataclass(frozen=True)
class Instrument:
    """A linear time-of-flight instrument.

    Attributes
    ----------
    low, high : float
        First and last m/z (Da/e).
    dwell : float
        Time between detector points, ns.
    gap : float
        Length of the focusing region, m: 0.008 in the description of Coombes' model, 0.017 in its code; together with the
        acceleration region it makes 25 mm.
    response : float
        Standard deviation of the detector's answer to one ion, ns.
    counts_per_ion, electronic_noise, offset : float
        What an ion adds, standard deviation without ions, and mean without ions, counts.
    saturation : int
        Greatest count.
    """

    low: float = 1000.0
    high: float = 10000.0
    dwell: float = 1.0
    gap: float = 0.008
    response: float = 6.0
    counts_per_ion: float = 0.3
    electronic_noise: float = 8.0
    offset: float = 40.0
    saturation: int = 65535


def flight_time(mass, *, charge=1, velocity=350.0, gap=0.008):
    """Time of flight in ns through delayed extraction, acceleration and a drift of 1 m.

    Parameters
    ----------
    mass : array_like
        Of the ion, Da.
    charge : int
    velocity : array_like
        Initial, m/s, broadcast against `mass`; in the plume about N(350, 50**2).
    gap : float
        See `Instrument`.

    Returns
    -------
    float64 ndarray, of the broadcast shape

    References
    ----------
    Coombes, Koomen, Baggerly, Morris & Kobayashi (2005), Cancer Informatics 1, 41.

    Examples
    --------
    >>> flight_time([1000, 1000], velocity=[300, 400]).round(1).tolist()
    [17158.4, 17156.8]
    >>> float(flight_time(1000).round()), float(flight_time(8937, gap=0.017).round())
    (17158.0, 51940.0)
    """
    length, focus_volts, volts, delay, acceleration_gap = 1.0, 2000.0, 20000.0, 600e-9, 0.025 - gap
    inertia = np.asarray(mass, np.float64) * _DALTON / (charge * _CHARGE)
    velocity = np.asarray(velocity, np.float64)
    start = delay * velocity
    focused = np.sqrt(velocity**2 + 2 * focus_volts * (gap - start) / (inertia * gap))
    final = np.sqrt(2 * volts / inertia + focused**2)
    in_focus = inertia * gap * (focused - velocity) / focus_volts
    in_acceleration = inertia * acceleration_gap / volts * (final - focused)
    return 1e9 * (delay + in_focus + in_acceleration + length / final)


def instrument_axis(instrument):
    """The m/z of the detector's points, and the constants a Bruker file needs to give the same."""
    masses = np.linspace(instrument.low, instrument.high, 50)
    ml1, ml2, ml3 = bruker_calibration(flight_time(masses, gap=instrument.gap), masses)
    first, last = flight_time(np.array([instrument.low, instrument.high]), gap=instrument.gap)
    calibration = {"ml1": ml1, "ml2": ml2, "ml3": ml3, "delay": math.floor(first), "dwell": instrument.dwell}
    return bruker_axis(int((last - first) / instrument.dwell) + 1, **calibration), calibration


class Forms:
    """All peaks that exist: to which molecule each belongs, its shape in time, its m/z and its typical height.

    ``shapes`` lie behind one another from ``offsets``, on a grid of ``step`` ns that starts at ``begin``.
    """

    def __init__(self, rng, n_molecules, n_markers, instrument, calibration, isotopes):
        margin = 30.0
        spacing = np.linspace(math.log(instrument.low + margin), math.log(instrument.high - margin), n_molecules + 1)
        self.mass = np.exp(spacing[:-1] + rng.uniform(0, 0.9, n_molecules) * np.diff(spacing))
        typical = np.exp(rng.normal(7.4, 1.1, n_molecules) - 1e-4 * self.mass)
        common = np.flatnonzero(typical >= np.median(typical))  # a marker must be there to be found
        chosen = np.sort(rng.choice(common, n_markers, replace=False))
        self.direction = np.zeros(n_molecules)
        self.direction[chosen] = np.where(np.arange(n_markers) % 2, -1.0, 1.0)
        self.step = instrument.dwell / SUBSTEPS
        rows, shapes = [], []
        for molecule, mass in enumerate(self.mass):
            for name, copies, added, charge, share in _FORMS:
                height = typical[molecule] * (share * rng.lognormal(0, 0.4) if name != "M+H" else 1.0)
                ion = copies * mass + added
                if instrument.low < ion / charge < instrument.high - margin and height > 1:
                    begin, shape = _shape(ion, charge, instrument, self.step, isotopes)
                    rows.append((molecule, name, begin, height))
                    shapes.append(shape)
        molecules, self.names, begins, heights = zip(*rows, strict=True)
        self.molecule, self.begin, self.height = np.array(molecules), np.array(begins), np.array(heights)
        self.shapes = np.concatenate(shapes)
        self.offsets = np.cumsum([0] + [shape.size for shape in shapes], dtype=np.int64)
        above = [np.flatnonzero(shape >= 0.5)[[0, -1]] for shape in shapes]
        self.ends = self.begin[:, None] + self.step * np.array(above)  # of the upper half, ns
        self.apex = self.begin + self.step * np.array([_vertex(shape) for shape in shapes])
        self.mz = _mz_at(self.apex, calibration)

    def table(self):
        import pandas as pd

        marker = self.direction[self.molecule] != 0
        return pd.DataFrame({"molecule": self.molecule, "form": self.names, "mz": self.mz, "marker": marker})

    def markers(self, effect):
        table = self.table().query("marker and form == 'M+H'")[["molecule", "mz"]].reset_index(drop=True)
        return table.assign(direction=self.direction[table["molecule"]].astype(int), effect=effect)


def _shape(ion, charge, instrument, step, isotopes):
    """(begin, shape): when the ions of one mass arrive, as a density of height 1 on a grid of `step` ns."""
    carbons = 1 + int(ion / 15)
    extra = np.arange(carbons + 1)
    log_share = [math.lgamma(carbons + 1) - math.lgamma(k + 1) - math.lgamma(carbons - k + 1) for k in extra]
    share = np.exp(log_share + extra * math.log(0.015) + (carbons - extra) * math.log(0.985))
    if not isotopes:
        extra, share = np.array([0.015 * carbons]), np.ones(1)
    kept = share > 1e-4
    velocity = 350 + 50 * np.linspace(-4, 4, 161)
    weight = share[kept][:, None] * np.exp(-((velocity - 350) ** 2) / (2 * 50**2))
    time = flight_time(ion + _NEUTRON * extra[kept][:, None], charge=charge, velocity=velocity, gap=instrument.gap)
    reach = math.ceil(4.5 * instrument.response / step)
    begin = time.min() - step * (reach + 1)
    place = (time - begin) / step
    cell = place.astype(np.int64)
    size = int(cell.max()) + reach + 3
    density = np.bincount(cell.ravel(), (weight * (1 - place + cell)).ravel(), size)
    density += np.bincount(cell.ravel() + 1, (weight * (place - cell)).ravel(), size)
    answer = np.exp(-((step * np.arange(-reach, reach + 1) / instrument.response) ** 2) / 2)
    shape = np.convolve(density, answer, mode="same")
    shape[[0, -1]] = 0.0
    return begin, shape / shape.max()


def _vertex(shape):
    """Position of a shape's top, between its values."""
    i = int(np.argmax(shape))
    before, top, after = shape[i - 1 : i + 2]
    return i + (before - after) / (2 * (before - 2 * top + after))


def _mz_at(time, calibration):
    """m/z that the axis gives to flight times."""
    constants = {name: calibration[name] for name in ("ml1", "ml2", "ml3")}
    return np.concatenate([bruker_axis(1, **constants, delay=t, dwell=1.0) for t in np.ravel(time)]).reshape(np.shape(time))
