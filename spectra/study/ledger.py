"""The book of external scorings: which held-out set was looked at, when, by which run.

An external set is an honest judge once. Each further look, with another model or other settings, chooses on it. So every scoring is written down
*before* its result is known, under a digest of the set's own numbers, in two places: beside the run folders, where colleagues see it, and in the
user's state folder (``$XDG_STATE_HOME/spectra``), where it also holds for copies elsewhere.
"""

import hashlib
import json
import os
import pathlib
import uuid

import numpy as np

from spectra.containers import Cohort
from spectra.errors import SpectraError

NAME = "external-scorings.jsonl"


def digest_of(data):
    """Digest of a Cohort's or FeatureMatrix's numbers, the same for any order of the rows."""
    if isinstance(data, Cohort):
        rows = ((data.axis_of(i), data.intensity_of(i)) for i in range(len(data)))
    else:
        rows = ((row,) for row in data.values)
    each = [_row_digest(arrays) for arrays in rows]
    return hashlib.blake2b(b"".join(sorted(each)), digest_size=16).hexdigest()


def _row_digest(arrays):
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        digest.update(np.ascontiguousarray(array, np.float64).data)
    return digest.digest()


def places(run):
    """The two files in which the scorings of a run folder are written down."""
    state = os.environ.get("XDG_STATE_HOME") or pathlib.Path.home() / ".local" / "state"
    return [pathlib.Path(run).resolve().parent / NAME, pathlib.Path(state) / "spectra" / NAME]


def scorings(digest, run):
    """Earlier scorings of a set, oldest first: list of dict with ``when``, ``run`` and ``id``."""
    found = {}
    for place in places(run):
        try:
            lines = place.read_text(encoding="utf-8").splitlines()
        except OSError:
            continue
        for line in lines:
            try:
                entry = json.loads(line)
                if entry["digest"] == digest:
                    found[str(entry["id"])] = entry
            except (ValueError, KeyError, TypeError):
                continue  # a line that a crash cut off
    return sorted(found.values(), key=lambda entry: str(entry.get("when")))


def write_down(digest, run, when, study=""):
    """Add one scoring to both places. A run folder that goes on with the same study has looked already and is not counted again.

    Parameters
    ----------
    digest : str, of the external set
    run : path of the run folder
    when : str
    study : str, digest of the study's data, settings and versions

    Returns
    -------
    list of dict, all scorings of this set, this one last

    Raises
    ------
    SpectraError
        When neither place can be written: a scoring that cannot be counted is not made.
    """
    earlier = scorings(digest, run)
    entry = {"digest": digest, "when": when, "run": str(pathlib.Path(run).resolve()), "study": study, "id": uuid.uuid4().hex}
    same = [i for i, other in enumerate(earlier) if study and (other.get("run"), other.get("study")) == (entry["run"], study)]
    if same:
        return earlier[: same[0] + 1]
    failed = []
    for place in places(run):
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with open(place, "a", encoding="utf-8") as file:
                file.write("\n" + json.dumps(entry) + "\n")  # on a line of its own, even after one that a crash cut off
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            failed.append(f"{place}: {error.strerror}")
    if len(failed) == len(places(run)):
        raise SpectraError("the scoring of the external set could not be written down, so it was not made: " + "; ".join(failed))
    return [*earlier, entry]
