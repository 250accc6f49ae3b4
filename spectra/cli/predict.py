"""``spectra predict``."""

import pathlib

import click

from spectra.cli import console as shell
from spectra.errors import SpectraError


@click.command()
@click.argument("run", type=click.Path(path_type=pathlib.Path, file_okay=False))
@click.argument("source", metavar="MANIFEST_OR_TABLE", type=click.Path(path_type=pathlib.Path))
@click.option("--out", type=click.Path(path_type=pathlib.Path, dir_okay=False), help="CSV to write; default: standard output.")
@shell.shared
def predict(run, source, *, out, seed, console, n_jobs):
    """Apply the model of the folder RUN to new spectra: frozen steps, frozen bins, one row of probabilities each."""
    import numpy as np
    import pandas as pd

    from spectra.pipeline import preprocess
    from spectra.study import record
    from spectra.study.frozen import FrozenModel

    model = FrozenModel(run)
    of_spectra = model.recipe["spectra"]
    if of_spectra != shell.is_manifest(source):
        raise SpectraError(f"{source}: the model of {run} was learned from {'spectra' if of_spectra else 'a feature table'}; give the same")
    features = None if of_spectra else model.recipe["features"]
    data, table = shell.read_input(source, settings=model.settings, console=console, n_jobs=n_jobs, features=features)
    if of_spectra:
        data, _ = preprocess(data, model.settings, n_jobs=n_jobs)
        table = data.samples
    probability = model.predict_proba(data)
    frame = table.copy() if of_spectra else pd.DataFrame({"row": range(1, len(table) + 1)})
    frame["predicted"] = np.array(model.classes)[probability.argmax(axis=1)]
    for k, name in enumerate(model.classes):
        frame[f"p({name})"] = probability[:, k].round(6)
    text = frame.to_csv(index=False)
    for item in getattr(data, "set_aside", []):
        console.say(f"not predicted: {item['file']}: {item['reason']}", level=0)
    if out:
        record.write_atomic(out, text)
        console.say(f"wrote {out}")
    else:
        click.echo(text, nl=False)
