"""``spectra process``."""

import pathlib
import time

import click

from spectra.cli import console as shell
from spectra.cli import inputs
from spectra.errors import SpectraError


@click.command()
@click.argument("manifest", type=click.Path(path_type=pathlib.Path))
@click.option("--out", type=click.Path(path_type=pathlib.Path), required=True, help="Folder to write.")
@shell.settings_options
@shell.shared
def process(manifest, *, out, settings, seed, console, n_jobs):
    """Spectra (a manifest or a packed cohort) to peaks and a feature table, without labels.

    The bins of features.csv are learned on all spectra. To judge a model use 'spectra study', which learns them inside each training fold.
    """
    import numpy as np

    from spectra.pipeline import learned_steps, preprocess
    from spectra.quality import usable
    from spectra.report import write_process_report
    from spectra.settings import change
    from spectra.study import record

    start = time.monotonic()
    if not inputs.holds_spectra(manifest):
        raise SpectraError(f"{manifest}: no column 'file'; process wants a manifest of spectra")
    out = shell.new_folder(out)
    console.log = out / "log.txt"
    cohort, _ = inputs.read_input(manifest, settings=settings, console=console, n_jobs=n_jobs)
    done, nuisance = preprocess(usable(cohort), settings, n_jobs=n_jobs)
    console.set_aside(done.set_aside)
    counts = np.array([len(peaks) for peaks in done.peaks])
    console.say(f"{counts.sum()} peaks, {counts.min()} to {counts.max()} per spectrum")
    settings = change(settings, "filter", by_class=False)  # there are no classes here
    features = learned_steps(settings, done).fit_transform(done)
    console.say(f"{features.shape[1]} bins")
    record.write_settings(out, settings)
    record.write_features(out, features)
    record.write_peaks(out, done)
    facts = {
        "command": "process",
        "n_jobs": n_jobs,
        "input": str(manifest),
        "input_sha256": record.file_digest(manifest),
        "set_aside": done.set_aside,
        "notes": done.notes,
        "seconds": round(time.monotonic() - start, 2),
    }
    record.write_run(out, **facts)
    write_process_report(out / "report.html", cohort, done, nuisance, features, settings, facts)
    click.echo(f"report: {out / 'report.html'}")
