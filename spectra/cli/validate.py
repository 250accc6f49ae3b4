"""``spectra validate``."""

import collections
import pathlib

import click

from spectra.cli import console as shell
from spectra.cli import inputs
from spectra.errors import SpectraError


@click.command()
@click.argument("manifest", type=click.Path(path_type=pathlib.Path))
@click.option("--label", help="Also check this column of labels.")
@click.option("--group", help="Also check that no patient has two labels.")
@shell.settings_options
@shell.shared
def validate(manifest, *, label, group, settings, seed, console, n_jobs):
    """Read MANIFEST (or a packed cohort, or a feature table) and every spectrum in it, and list what is wrong; exit code 2 if anything is."""
    import spectra
    from spectra.pipeline import preprocess
    from spectra.quality import usable
    from spectra.study.roles import column_of, encode, look_alikes
    from spectra.study.splits import group_labels

    data, table = inputs.read_input(manifest, settings=settings, console=console, n_jobs=n_jobs, label=label, roles={"group": group})
    bad, read = [], len(data) + len(getattr(data, "set_aside", []))
    points = collections.Counter(len(spectrum) for spectrum in data) if isinstance(data, spectra.Cohort) else {}
    for size, count in sorted(points.items()):
        click.echo(f"{count} spectra of {size} points")
    if points:
        click.echo(f"{data.n_axes} different m/z axes, {data.mz.min():.2f} to {data.mz.max():.2f} Da/e")
        bad = preprocess(usable(data), settings, n_jobs=n_jobs)[0].set_aside
        console.set_aside(bad)
        for row in spectra.check_quality(data, n_jobs=n_jobs).itertuples():
            if row.verdict != "good" and row.file not in console.named:
                click.echo(f"{row.verdict}: {row.file}: {row.reason}")
    if label:
        y, classes, _ = encode(column_of(table, label, "label"))
        for k, name in enumerate(classes):
            click.echo(f"class {name}: {(y == k).sum()} rows")
        for doubt in look_alikes(table, {"label": label, "group": group}):
            click.echo(f"note: {doubt}")
        if group:
            group_labels(y, column_of(table, group, "group"))
    if bad:
        raise SpectraError(f"{len(bad)} of {read} spectra cannot be used; a study would set them aside")
    click.echo("all readable")
