"""``spectra predict``."""

import pathlib

import click

from spectra.cli import console as shell
from spectra.cli import inputs
from spectra.errors import SpectraError


@click.command()
@click.argument("run", type=click.Path(path_type=pathlib.Path, file_okay=False))
@click.argument("source", metavar="MANIFEST_OR_TABLE", type=click.Path(path_type=pathlib.Path))
@click.option(
    "--out", type=click.Path(path_type=pathlib.Path, dir_okay=False, allow_dash=True), help="CSV to write; '-' prints it instead of words."
)
@shell.shared
def predict(run, source, *, out, seed, console, n_jobs):
    """Apply the model of the folder RUN to new spectra: frozen steps, frozen bins.

    For each spectrum: the class, its probability, what the model leaned on, and a warning where the spectrum is unlike those it learned from,
    or is one of them.
    """
    from spectra.study import record
    from spectra.study.frozen import FrozenModel
    from spectra.study.prediction import in_words, predict_new

    model = FrozenModel(run)
    of_spectra = model.recipe["spectra"]
    if of_spectra != inputs.holds_spectra(source):
        raise SpectraError(f"{source}: the model of {run} was learned from {'spectra' if of_spectra else 'a feature table'}; give the same")
    features = None if of_spectra else model.recipe["features"]
    data, table = inputs.read_input(source, settings=model.settings, console=console, n_jobs=n_jobs, features=features)
    frame, set_aside = predict_new(model, data, table, n_jobs=n_jobs)
    for item in set_aside:
        console.say(f"not predicted: {item['file']}: {item['reason']}", level=0)
    if str(out) == "-":
        click.echo(frame.to_csv(index=False), nl=False)
        return
    click.echo("\n".join(in_words(frame, model.classes)))
    if out:
        record.write_atomic(out, frame.to_csv(index=False))
        console.say(f"wrote {out}")
