"""Files in and out: spectra, manifests, feature tables, and the store of a cohort."""

from spectra.io.bruker import bruker_axis, bruker_calibration, write_bruker
from spectra.io.manifest import read_cohort, read_manifest
from spectra.io.spectrum import read_spectrum
from spectra.io.store import open_cohort, save_cohort
from spectra.io.table import read_table
from spectra.io.text import write_csv

__all__ = [
    "bruker_axis",
    "bruker_calibration",
    "open_cohort",
    "read_cohort",
    "read_manifest",
    "read_spectrum",
    "read_table",
    "save_cohort",
    "write_bruker",
    "write_csv",
]
