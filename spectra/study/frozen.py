"""A model for new spectra, kept as data: frozen bins, training features and a recipe, never a pickle.

The learned steps are stored as the arrays they learned; the model as its name, parameters, seed and training matrix, from which it is
fitted again when it is loaded (a second or so). The stored training probabilities tell whether that gave the same model.
"""

import dataclasses
import io
import json
import pathlib
import zipfile
import zlib

import numpy as np

from spectra.containers import Cohort
from spectra.errors import SpectraError
from spectra.pipeline import learned_steps
from spectra.study import familiar, record, seen
from spectra.study.candidates import candidates
from spectra.study.learning import Sigmoids, predict, ready, spectra_edges
from spectra.study.tuned import with_settings
from spectra.study.windows import window_means

FORMAT = 4
MOST_PACKED, LEAST_BOUND = 200, 2**28  # how many times its size a file of training data may unpack to; bytes that it always may
_DAMAGE = (OSError, EOFError, KeyError, IndexError, TypeError, AttributeError, ValueError, MemoryError, zipfile.BadZipFile, zlib.error)


def _learned_arrays(steps):
    """What each step learned: ``step.attribute_`` -> array."""
    return {
        f"{name}.{attribute}": np.asarray(value)
        for name, step in steps.steps
        for attribute, value in vars(step).items()
        if attribute.endswith("_") and not attribute.startswith("_") and np.asarray(value).dtype.kind in "fiubU"
    }


def save(folder, result):
    """Write ``model/`` of a run folder from a `StudyResult`."""
    problem, features, final = result.problem, result.features, result.final
    candidate = _candidate(final["name"], problem.settings, problem.task.name)
    arrays, inputs = _learned_arrays(result.steps), features.values
    if candidate.spectra:
        arrays["edges"] = spectra_edges(problem.data, candidate)
        arrays["inputs"] = inputs = window_means(problem.data, arrays["edges"])
    if final["sigmoids"] is not None:
        arrays |= {f"sigmoid_{name}": value for name, value in final["sigmoids"]._asdict().items()}
    model = ready(candidate, final["parameters"], problem.seed, inputs, problem.target, problem.n_classes, final["sigmoids"])
    probability = predict(model, inputs, problem.n_classes)
    buffer = io.BytesIO()
    known = familiar.known(problem, result.nuisance, result.steps, features)
    arrays |= {f"known_{name}": np.asarray(value) for name, value in known._asdict().items()}
    if group := result.roles.get("group"):
        arrays["patients"] = np.unique(seen.names(features.samples[group]))
    arrays["digests"] = np.unique(result.digests)
    np.savez_compressed(buffer, values=features.values, mz=features.mz, y=problem.target, probability=probability, **arrays)
    record.write_atomic(pathlib.Path(folder) / "model" / "training.npz", buffer.getvalue())
    recipe = {
        "format": FORMAT,
        "name": final["name"],
        "parameters": final["parameters"],
        "settings": final["settings"],
        "seed": problem.seed,
        "task": problem.task.name,
        "classes": problem.classes if problem.n_classes else [],
        "features": features.names,
        "label": result.roles["label"],
        "group": result.roles.get("group"),
        "spectra": isinstance(problem.data, Cohort),
        "versions": record.versions(),
    }
    record.write_atomic(pathlib.Path(folder) / "model" / "model.json", record.to_json(recipe))


def _candidate(name, settings, task):
    """The candidate with what the settings say of it."""
    study = settings.study
    mine = {kind: {name: tree[name]} if name in tree else {} for kind, tree in (("parameters", study.parameters), ("grids", study.grid))}
    return candidates([name], task, **mine)[0]


def _stored(path):
    """The arrays of a compressed file, unless they would unpack to far more than training data can."""
    with zipfile.ZipFile(path) as archive:
        claimed = sum(entry.file_size for entry in archive.infolist())
    if claimed > max(LEAST_BOUND, MOST_PACKED * path.stat().st_size):
        raise ValueError(f"{path.name} would unpack to {claimed / 2**30:.1f} GB, over {MOST_PACKED} times its size")
    with np.load(path, allow_pickle=False) as stored:
        return dict(stored)


class FrozenModel:
    """The model of a run folder, ready for new data.

    Parameters
    ----------
    folder : path of the run folder

    Raises
    ------
    SpectraError
        When the folder holds no model, or the model fitted again does not give the stored training probabilities.
    """

    def __init__(self, folder):
        from spectra.settings import load

        folder = pathlib.Path(folder)
        if not folder.is_dir():
            raise SpectraError(f"{folder}: no such run folder; give one that 'spectra study' wrote")
        if not (folder / "model" / "model.json").exists():
            raise SpectraError(f"{folder}: holds no model; give a run folder that 'spectra study' finished")
        self.settings = load(folder / "settings.toml")
        try:
            self.recipe = json.loads((folder / "model" / "model.json").read_text(encoding="utf-8"))
            self.arrays = _stored(folder / "model" / "training.npz")
            if self.recipe["format"] != FORMAT:
                raise SpectraError(f"{folder / 'model'}: format {self.recipe['format']}, this version reads format {FORMAT}")
            self.classes, task = self.recipe["classes"], self.recipe["task"]
            if self.arrays["probability"].shape[1:] != (len(self.classes) or 1,):
                raise ValueError(f"{len(self.classes)} classes do not fit the stored probabilities")
            self.settings = with_settings(self.settings, self.recipe["settings"])
            y = self.arrays["y"]
            self.known = familiar.Known(self.arrays["known_tic"], self.arrays["known_shift"], float(self.arrays["known_limit"]))
            self.candidate = _candidate(self.recipe["name"], self.settings, task)
            inputs = self.arrays["inputs" if self.candidate.spectra else "values"]
            sigmoids = Sigmoids(self.arrays["sigmoid_slope"], self.arrays["sigmoid_offset"]) if "sigmoid_slope" in self.arrays else None
            self.model = ready(self.candidate, self.recipe["parameters"], self.recipe["seed"], inputs, y, len(self.classes), sigmoids)
            stored_probability = self.arrays["probability"]
            again = predict(self.model, inputs, len(self.classes))
        except _DAMAGE as error:
            if isinstance(error, SpectraError):
                raise
            words = f"no usable model ({type(error).__name__}: {error}); restore it from a copy, or run the study again"
            raise SpectraError(f"{folder / 'model'}: {words}") from None
        if not np.allclose(again, stored_probability, atol=1e-6):
            raise SpectraError(
                f"{folder / 'model'}: fitted again, the model differs from the one studied; use the versions in model.json: "
                + ", ".join(f"{name} {version}" for name, version in self.recipe["versions"].items())
            )

    def steps_for(self, data):
        """The frozen learned steps, for `data` of the kind that was studied."""
        steps = learned_steps(self.settings, data)
        for key, value in self.arrays.items():
            name, dot, attribute = key.partition(".")
            if dot:
                setattr(steps.named_steps[name], attribute, value if value.ndim else value.item())
        return steps

    def alignable(self, cohort):
        """The spectra with enough peaks near the frozen reference peaks; the others are added to ``set_aside``."""
        aligned, _ = familiar.shifts(self.steps_for(cohort), cohort)
        lost = [
            {"file": str(file), "reason": "too few of its peaks match the model's reference peaks"}
            for file in cohort.samples["file"][~aligned]
        ]
        return dataclasses.replace(cohort[np.flatnonzero(aligned)], set_aside=[*cohort.set_aside, *lost])

    def features(self, data):
        """What the frozen steps make of a preprocessed Cohort or a FeatureMatrix."""
        features = self.steps_for(data).transform(data)
        if features.shape[1] != len(self.recipe["features"]):
            raise SpectraError(f"the data have {features.shape[1]} features, the model wants {len(self.recipe['features'])}")
        return features

    def believe(self, data, features):
        """Probabilities, shape (n_rows, n_classes), or the quantity, shape (n_rows, 1), for preprocessed data and their `features`."""
        inputs = window_means(data, self.arrays["edges"]) if self.candidate.spectra else features.values
        return predict(self.model, inputs, len(self.classes))
