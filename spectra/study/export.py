"""Finished runs to an MLflow server, which others may already use as their board. Needs the extra ``mlflow``."""

import pathlib

from spectra.errors import SpectraError
from spectra.study import board, record

EXPERIMENT = "spectra"
ATTACHED = ("results.json", "run.json", "settings.toml", "report.html", "features.csv")
_LONGEST = 6000  # characters of a parameter that MLflow takes


def to_mlflow(folders, uri, *, experiment=EXPERIMENT):
    """Log each run folder as one MLflow run: settings as parameters, scores as metrics, the report and tables as artifacts.

    A run that the server has already (the same digest of data, settings, versions and end) is not sent twice.

    Parameters
    ----------
    folders : iterable of path
    uri : str
        The tracking server, such as ``http://127.0.0.1:5000``, or a local folder.

    Returns
    -------
    list of (folder name, MLflow run id, sent: bool)

    Raises
    ------
    SpectraError
        When mlflow is not installed, or the server cannot be reached.
    """
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ImportError:
        raise SpectraError("--mlflow needs the package mlflow: pip install 'spectra[mlflow]'") from None
    sent = []
    try:
        client = MlflowClient(tracking_uri=uri)
        known = client.get_experiment_by_name(experiment)
        place = known.experiment_id if known else client.create_experiment(experiment)
        for folder in map(pathlib.Path, folders):
            sent.append((folder.name, *_send(client, place, folder)))
    except MlflowException as error:
        raise SpectraError(f"--mlflow {uri}: {str(error).splitlines()[0]}") from None
    return sent


def _send(client, experiment, folder):
    row = board.row_of(folder)
    facts, _ = record.read_run(folder)
    key = f"{facts.get('data_digest')} {facts.get('finished')}"
    there = client.search_runs([experiment], filter_string=f"tags.`spectra.key` = '{key}'", max_results=1)
    if there:
        return there[0].info.run_id, False
    tags = {"mlflow.runName": folder.name, "spectra.key": key}
    tags |= {f"spectra.{name}": str(row[name]) for name in ("command", "input", "label", "commit", "model", "finished") if name in row}
    run = client.create_run(experiment, tags=tags)
    identity = run.info.run_id
    for name, value in row.items():
        if name.startswith("settings.") or name == "seed":
            client.log_param(identity, name.removeprefix("settings."), str(value)[:_LONGEST])
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            client.log_metric(identity, name, float(value))
    for name in ATTACHED:
        if (folder / name).is_file():
            client.log_artifact(identity, str(folder / name))
    client.set_terminated(identity)
    return identity, True
