"""The frozen model on new data: what it says, why, and whether it was ever tested on anything like this."""

import numpy as np
import pandas as pd

from spectra.containers import Cohort
from spectra.pipeline import preprocess
from spectra.study import familiar
from spectra.study.evaluation import predict
from spectra.study.reasons import reasons


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
        What is known of it; ``predicted``; ``p(CLASS)`` for each class; ``distance`` to the nearest training example over the limit that 99 % of
        these keep; ``warnings`` (empty: like the training data), ``because``.
    set_aside : list of dict with ``file`` and ``reason``
    """
    if isinstance(data, Cohort):
        tic = pd.Series(familiar.tic_of(data), index=data.samples["file"]) if model.settings.read.replicates == "group" else None
        data, _ = preprocess(data, model.settings, n_jobs=n_jobs)
        data = model.alignable(data)
        tic = tic.loc[data.samples["file"]].to_numpy() if tic is not None and tic.index.is_unique else np.empty(0)
        frame, set_aside = data.samples.copy(), data.set_aside
    else:
        tic, set_aside = np.empty(0), []
        frame = pd.DataFrame({"row": range(1, len(table) + 1)})
    if not len(data):
        return frame.assign(predicted=[], warnings=[], because=[]), set_aside
    features, n_classes, training = model.features(data), len(model.classes), model.arrays["values"]
    probability = predict(model.model, features.values, n_classes)
    called = probability.argmax(axis=1)
    distance = familiar.distances(features.values, training, model.known.limit)
    said = familiar.warnings_for(model.known, model.steps_for(data), data, tic, distance, features.mz[np.isfinite(features.mz)])

    def of_called(values):
        return predict(model.model, values, n_classes)[np.arange(len(values)), called]

    frame["predicted"] = np.array(model.classes)[called]
    for k, name in enumerate(model.classes):
        frame[f"p({name})"] = probability[:, k].round(6)
    frame["distance"] = distance.round(3)
    frame["warnings"] = ["; ".join(words) for words in said]
    names = [f"m/z {name}" if np.isfinite(mz) else name for name, mz in zip(features.names, features.mz, strict=True)]
    frame["because"] = reasons(model.model, of_called, features.values, training, names)
    return frame, set_aside


def in_words(frame, classes):
    """The prediction of each row as lines for a terminal."""
    lines = []
    for row in frame.to_dict("records"):
        name = row.get("file", f"row {row.get('row')}")
        sure = row[f"p({row['predicted']})"]
        lines.append(f"{name}: {row['predicted']}, probability {sure:.3f}")
        lines.append(f"    because {row['because']}")
        if row["warnings"]:
            lines.append(f"    WARNING unlike the training data: {row['warnings']}")
    strange = int((frame["warnings"] != "").sum())
    counts = ", ".join(f"{int((frame['predicted'] == name).sum())} {name}" for name in classes)
    lines.append(f"{len(frame)} predicted: {counts}; {strange} unlike the training data")
    return lines
