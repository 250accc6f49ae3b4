"""Was a new spectrum, or another of its patient, in the training data? Then its prediction is memory, and no test of the model.

Spectra are known by their intensities, so that another file name, format or calibration does not hide one; rows of a table by their values.
"""

import hashlib

import numpy as np

from spectra.containers import Cohort

ITSELF, PATIENT = "itself", "its patient"


def digests(data):
    """A digest of what each row holds, in single precision: readers and formats differ in the digits beyond.

    Parameters
    ----------
    data : Cohort of raw spectra, or FeatureMatrix

    Returns
    -------
    array of str, shape (n_rows,)
    """
    rows = (data.intensity_of(i) for i in range(len(data))) if isinstance(data, Cohort) else data.values
    return np.array([_digest((np.asarray(row, np.float32) + 0).tobytes()) for row in rows], dtype=str)  # + 0: one zero, not two


def names(column):
    """A digest of each patient's name: a model that is given away names nobody."""
    return np.array([_digest(str(name).encode()) for name in column], dtype=str)


def _digest(content):
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def trained_on(known_rows, known_patients, rows, patients):
    """What of each new row was in the training data.

    Parameters
    ----------
    known_rows, known_patients : arrays of str, as of `digests` and `names`
    rows : list of arrays of str: of averaged replicates all that went into a row
    patients : array of str, shape (n_rows,), or None where no column names them

    Returns
    -------
    list of str : `ITSELF`, `PATIENT` or ""
    """
    same = [bool(np.isin(parts, known_rows).any()) for parts in rows]
    related = np.isin(patients, known_patients) if patients is not None else np.zeros(len(rows), bool)
    return [ITSELF if mine else PATIENT if theirs else "" for mine, theirs in zip(same, related, strict=True)]
