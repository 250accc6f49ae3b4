"""A model for new spectra, kept as data: frozen bins, training features and a recipe, never a pickle.

The learned steps are stored as the arrays they learned; the model as its name, parameters, seed and training matrix, from which it is
fitted again when it is loaded (a second or so). The stored training probabilities tell whether that gave the same model.
"""

import dataclasses
import io
import json
import pathlib
import zipfile

import numpy as np

from spectra.containers import Cohort
from spectra.errors import SpectraError
from spectra.pipeline import learned_steps
from spectra.study import familiar, record
from spectra.study.candidates import by_name
from spectra.study.evaluation import predict

FORMAT = 2


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
    model = by_name(final["name"]).build(len(problem.classes), problem.seed, **final["parameters"]).fit(features.values, problem.y)
    probability = predict(model, features.values, len(problem.classes))
    buffer = io.BytesIO()
    arrays = _learned_arrays(result.steps)
    known = familiar.known(problem, result.nuisance, result.steps, features)
    arrays |= {f"known_{name}": np.asarray(value) for name, value in known._asdict().items()}
    np.savez_compressed(buffer, values=features.values, mz=features.mz, y=problem.y, probability=probability, **arrays)
    record.write_atomic(pathlib.Path(folder) / "model" / "training.npz", buffer.getvalue())
    recipe = {
        "format": FORMAT,
        "name": final["name"],
        "parameters": final["parameters"],
        "seed": problem.seed,
        "classes": problem.classes,
        "features": features.names,
        "label": result.roles["label"],
        "spectra": isinstance(problem.data, Cohort),
        "versions": record.versions(),
    }
    record.write_atomic(pathlib.Path(folder) / "model" / "model.json", record.to_json(recipe))


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
        self.settings = load(folder / "settings.toml")
        try:
            self.recipe = json.loads((folder / "model" / "model.json").read_text(encoding="utf-8"))
            with np.load(folder / "model" / "training.npz", allow_pickle=False) as stored:
                self.arrays = dict(stored)
            if self.recipe["format"] != FORMAT:
                raise SpectraError(f"{folder / 'model'}: format {self.recipe['format']}, this version reads format {FORMAT}")
            self.classes = self.recipe["classes"]
            values, y = self.arrays["values"], self.arrays["y"]
            self.known = familiar.Known(self.arrays["known_tic"], self.arrays["known_shift"], float(self.arrays["known_limit"]))
            candidate = by_name(self.recipe["name"])
            self.model = candidate.build(len(self.classes), self.recipe["seed"], **self.recipe["parameters"]).fit(values, y)
            stored_probability = self.arrays["probability"]
        except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
            if isinstance(error, SpectraError):
                raise
            raise SpectraError(f"{folder / 'model'}: no usable model: {error}") from None
        again = predict(self.model, values, len(self.classes))
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

    def predict_proba(self, data):
        """Probabilities, shape (n_rows, n_classes), for a preprocessed Cohort or a FeatureMatrix."""
        return predict(self.model, self.features(data).values, len(self.classes))
