"""What MALDIquant 1.22 computed on 16 real spectra, and its per-spectrum steps the plain way."""

import csv
import functools
import gzip

import numpy as np
from scipy.signal import savgol_filter


@functools.cache
def manifest(folder):
    with open(folder / "manifest.csv") as file:
        return list(csv.DictReader(file))


@functools.cache
def processed(folder):
    """[(mz, intensity)] after square root, Savitzky-Golay, SNIP and total ion current."""
    return [_process(*_read(folder / row["file"])) for row in manifest(folder)]


def _read(path):
    with gzip.open(path, "rt") as file:
        lines = [line.replace(",", " ").split() for line in file]
    numbers = [line for line in lines if line[0].replace(".", "").replace("e", "").isdigit()]
    return np.array(numbers, float).T


def _process(mz, counts):
    y = np.maximum(savgol_filter(np.sqrt(counts), 21, 3), 0)
    base = y.copy()
    for k in range(100, 0, -1):
        base[k:-k] = np.minimum(base[k:-k], (base[: -2 * k] + base[2 * k :]) / 2)
    y = y - base
    return mz, y / np.trapezoid(y, mz)


def peaks(folder, name):
    """{spectrum: (mz, intensity, snr)} from a table of peaks."""
    table = {}
    with open(folder / "maldiquant_reference" / name) as file:
        for row in csv.DictReader(file):
            table.setdefault(int(row["spectrum"]), []).append([float(row[key]) for key in ("mz", "intensity", "snr")])
    return {spectrum: np.array(rows).T for spectrum, rows in table.items()}
