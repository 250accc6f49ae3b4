"""The frozen model on new data: what it says, why, and whether it was ever tested on anything like this."""

import dataclasses

import numpy as np
import pandas as pd

from spectra.containers import Cohort
from spectra.pipeline import preprocess
from spectra.study import familiar, seen
from spectra.study.learning import predict
from spectra.study.reasons import reasons

SEEN = "trained on"
_TRAINED = {
    seen.ITSELF: "in the training data: the model has seen this answer",
    seen.PATIENT: "another measurement of its patient was in the training data: the model has seen this answer",
}


def predict_new(model, data, table, *, n_jobs=None):
    """Predict new rows.

    Parameters
    ----------
    model : FrozenModel
    data : Cohort of raw spectra, or FeatureMatrix with the model's columns
    table : DataFrame, what is known of the rows of a FeatureMatrix
    n_jobs : int, optional, threads

    Returns
    -------
    frame : DataFrame, one row per spectrum that could be predicted
        What is known of it; ``predicted``, a class or a quantity; ``p(CLASS)`` for each class; ``distance`` to the nearest training example over the limit that 99 % of
        these keep; ``trained on`` (see `seen`; empty: neither this spectrum nor its patient); ``warnings`` (empty: like the training data), ``because``.
    set_aside : list of dict with ``file`` and ``reason``
    """
    digests = pd.Series(seen.digests(data))
    if isinstance(data, Cohort):
        data = dataclasses.replace(data, samples=data.samples.assign(_digest=digests.to_numpy()))
        tic = pd.Series(familiar.tic_of(data), index=data.samples["file"]) if model.settings.read.replicates == "group" else None
        data, _ = preprocess(data, model.settings, n_jobs=n_jobs)
        data = model.alignable(data)
        tic = tic.loc[data.samples["file"]].to_numpy() if tic is not None and tic.index.is_unique else np.empty(0)
        frame, set_aside = data.samples.drop(columns="_digest"), data.set_aside
        digests, table = data.samples["_digest"], frame
    else:
        tic, set_aside = np.empty(0), []
        frame = pd.DataFrame({"row": range(1, len(table) + 1)})
    if not len(data):
        return frame.assign(**{name: [] for name in ("predicted", SEEN, "warnings", "because")}), set_aside
    features, training = model.features(data), model.arrays["values"]
    belief = model.believe(data, features)
    distance = familiar.distances(features.values, training, model.known.limit)
    said = familiar.warnings_for(model.known, model.steps_for(data), data, tic, distance, features.mz[np.isfinite(features.mz)])
    called = belief.argmax(axis=1) if model.classes else np.zeros(len(belief), int)
    if model.classes:
        frame["predicted"] = np.array(model.classes)[called]
        for k, name in enumerate(model.classes):
            frame[f"p({name})"] = belief[:, k].round(6)
    else:
        frame["predicted"] = belief[:, 0]
    frame["distance"] = distance.round(3)
    frame[SEEN] = _seen(model, digests, table)
    frame["warnings"] = ["; ".join(words) for words in said]
    frame["because"] = _because(model, features, called, training)
    return frame, set_aside


def _seen(model, digests, table):
    """What of each row was in the training data; of averaged replicates the digests are joined."""
    group = model.recipe["group"]
    patients = seen.names(table[group]) if group in table else None
    known = model.arrays.get("patients", np.empty(0, str))  # absent where no column named them
    return seen.trained_on(model.arrays["digests"], known, [joined.split(";") for joined in digests], patients)


def _because(model, features, called, training):
    if model.candidate.spectra:
        return ["the whole spectrum was read; no single peak can be named"] * len(features)

    def of_called(values):
        return predict(model.model, values, len(model.classes))[np.arange(len(values)), called]

    names = [f"m/z {name}" if np.isfinite(mz) else name for name, mz in zip(features.names, features.mz, strict=True)]
    return reasons(model.model, of_called, features.values, training, names)


def in_words(frame, classes):
    """The prediction of each row as lines for a terminal."""
    lines = []
    for row in frame.to_dict("records"):
        name = row.get("file", f"row {row.get('row')}")
        if classes:
            sure = row[f"p({row['predicted']})"]
            lines.append(f"{name}: {row['predicted']}, probability {sure:.3f}")
        else:
            lines.append(f"{name}: {row['predicted']:.4g}")
        lines.append(f"    because {row['because']}")
        if row[SEEN]:
            lines.append(f"    WARNING {_TRAINED[row[SEEN]]}")
        if row["warnings"]:
            lines.append(f"    WARNING unlike the training data: {row['warnings']}")
    strange = int((frame["warnings"] != "").sum())
    counts = ", ".join(f"{int((frame['predicted'] == name).sum())} {name}" for name in classes)
    lines.append(f"{len(frame)} predicted{': ' * bool(classes)}{counts}; {strange} unlike the training data")
    itself, patient = (int((frame[SEEN] == what).sum()) for what in (seen.ITSELF, seen.PATIENT))
    if itself or patient:
        lines.append(
            f"WARNING {itself} of the {len(frame)} were in the training data, {patient} more are of patients who were: "
            "what is said of these is memory, no test of the model"
        )
    return lines
