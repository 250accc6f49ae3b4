"""The run folder: what was done, with what, to what, and what came out; each file is written whole or not at all."""

import datetime
import hashlib
import importlib.metadata
import json
import pathlib
import platform
import subprocess

import numpy as np

from spectra import settings as declared
from spectra.containers import Cohort
from spectra.errors import SpectraError
from spectra.io.files import replace_file
from spectra.study.cache import sources
from spectra.study.outcome import Outcome

LIBRARIES = ("spectra", "numpy", "scipy", "numba", "scikit-learn", "pandas", "joblib")
EXTRAS = ("torch", "skorch", "optuna")  # told where they are installed


def write_atomic(path, content):
    """Write text or bytes so that `path` holds either the old or the whole new content, even if the process is killed."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, content.encode() if isinstance(content, str) else content)


def to_json(tree):
    """JSON text; NumPy numbers become numbers, NaN becomes null."""

    def plain(value):
        if isinstance(value, dict):
            return {str(k): plain(v) for k, v in value.items()}
        if isinstance(value, (list, tuple, np.ndarray)):
            return [plain(v) for v in value]
        if isinstance(value, np.generic):
            value = value.item()
        return None if isinstance(value, float) and not np.isfinite(value) else value

    return json.dumps(plain(tree), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def versions():
    """Of Python and the libraries that the numbers depend on."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in LIBRARIES + EXTRAS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            if name in LIBRARIES:
                found[name] = "not installed"
    return found


def git_commit(folder=None):
    """Commit of the checkout that `folder` (default: this package) lies in, with ``+changes`` where it is dirty; None outside one."""
    folder = folder or pathlib.Path(__file__).parent

    def git(*words):
        return subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def data_digest(data):
    """Digest of the numbers of a Cohort or a FeatureMatrix, in their order."""
    digest = hashlib.blake2b(digest_size=16)
    spectra = isinstance(data, Cohort)
    arrays = (data.intensity, data.start, data.size, data.mz, data.mz_start) if spectra else (data.values, data.mz)
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def fingerprint(data, table, settings, seed, roles):
    """Digest of everything that decides a study's numbers; equal digests mean that finished folds may be reused."""
    digest = hashlib.blake2b(data_digest(data).encode(), digest_size=16)
    digest.update(table.to_csv(index=False).encode())
    digest.update(json.dumps([declared.to_dict(settings), seed, roles, versions()], sort_keys=True).encode())
    return digest.hexdigest()


AFTER_FOLDS = ["resamples", "permutations", "shuffles", "shuffle_models", "panel", "learning_curve", "sensitivity", "pairs", "universes"]
"""Options of the comparison that no fold depends on."""


def fold_key(data, table, settings, seed, roles):
    """Like `fingerprint`, but of what decides the folds alone: the sources count, options that come after the folds do not."""
    tree = declared.to_dict(settings)
    tree["study"] = {name: value for name, value in tree["study"].items() if name not in AFTER_FOLDS}
    digest = hashlib.blake2b(data_digest(data).encode(), digest_size=16)
    digest.update(table.to_csv(index=False).encode())
    digest.update(json.dumps([tree, seed, roles, versions(), sources()], sort_keys=True).encode())
    return digest.hexdigest()


class FoldStore:
    """Finished folds of a study, one file each, so that a killed run goes on where it stopped.

    Parameters
    ----------
    folder : path
    key : str, the study's `fold_key`; folds kept under another key are not used
    """

    def __init__(self, folder, key):
        self.folder = pathlib.Path(folder) / key
        self.used: dict[str, int] = {}
        self.damaged: list[str] = []

    @property
    def journal(self):
        """Where Optuna keeps its trials."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / "optuna.journal"

    def keep(self, scheme, index, outcomes):
        """Store the outcomes of one split: their digest on the first line, then the outcomes as JSON."""
        rows = json.dumps([outcome._replace(probability=outcome.probability.tolist())._asdict() for outcome in outcomes])
        write_atomic(self.folder / f"{scheme}-{index}.json", f"{_digest(f'{scheme}-{index}', rows)}\n{rows}")

    def load(self, scheme):
        """Outcomes of the splits finished earlier: dict of index -> list of Outcome; their number is noted in ``used``.

        A file that is not as it was written is noted in ``damaged``, and its split computed again.
        """
        found = {}
        for path in self.folder.glob(f"{scheme}-*.json"):
            digest, _, rows = path.read_text(encoding="utf-8", errors="replace").partition("\n")
            if digest != _digest(path.stem, rows):
                self.damaged.append(path.stem)
                continue
            outcomes = [Outcome(**row | {"probability": np.array(row["probability"])}) for row in json.loads(rows)]
            found[int(path.stem.rpartition("-")[2])] = outcomes
        self.used[scheme] = len(found)
        return found


def _digest(name, text):
    return hashlib.blake2b(f"{name}\n{text}".encode(), digest_size=16).hexdigest()


def write_settings(folder, settings):
    """``settings.toml``, complete with defaults."""
    write_atomic(pathlib.Path(folder) / "settings.toml", declared.dump(settings, comments=True))


def write_run(folder, **facts):
    """``run.json``: versions, commit, time of end, and the given facts (seed, inputs, command, duration)."""
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    tree = {"finished": now, "versions": versions(), "git_commit": git_commit(), **facts}
    write_atomic(pathlib.Path(folder) / "run.json", to_json(tree))


def file_digest(path):
    """SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_features(folder, features, labels=None):
    """``features.csv``: what is known of each row, then one column per feature."""
    import pandas as pd

    known = features.samples if labels is None else features.samples.assign(**{"class": labels})
    frame = pd.concat([known, pd.DataFrame(features.values, columns=features.names)], axis=1)
    write_atomic(pathlib.Path(folder) / "features.csv", frame.to_csv(index=False, float_format="%.7g"))


def write_peaks(folder, cohort):
    """``peaks.csv``: every peak of every spectrum."""
    import pandas as pd

    fields = ["mz", "intensity", "snr", "fwhm", "area", "left", "right", "quality", "saturated"]
    columns = {"file": np.repeat(cohort.samples["file"].to_numpy(), [len(peaks) for peaks in cohort.peaks])}
    columns |= {field: np.concatenate([getattr(peaks, field) for peaks in cohort.peaks]) for field in fields}
    write_atomic(pathlib.Path(folder) / "peaks.csv", pd.DataFrame(columns).to_csv(index=False, float_format="%.8g"))


def read_run(folder):
    """``run.json`` and ``results.json`` of a run folder.

    Returns
    -------
    run, results : dict; `results` is empty for a run that only processed spectra
    """
    folder = pathlib.Path(folder)
    found = []
    for name in ("run.json", "results.json"):
        try:
            found.append(json.loads((folder / name).read_text(encoding="utf-8")))
        except FileNotFoundError:
            found.append({})
        except (OSError, ValueError) as error:
            raise SpectraError(f"{folder / name}: cannot be read: {error}") from None
    if not found[0]:
        raise SpectraError(f"{folder}: not a finished run folder (no run.json)")
    return found
