"""``spectra simulate``."""

import pathlib

import click

from spectra.cli import console as shell


@click.command()
@click.argument("folder", type=click.Path(path_type=pathlib.Path))
@click.option("--spectra", "n_spectra", type=click.IntRange(min=2), default=281, show_default=True)
@click.option("--replicates", type=click.IntRange(min=1), default=1, show_default=True, help="Spectra per sample.")
@click.option(
    "--markers", "n_markers", type=click.IntRange(min=0), default=5, show_default=True, help="Molecules that differ between the classes."
)
@click.option("--effect", type=click.FloatRange(min=0), default=1.0, show_default=True, help="By how many standard deviations they differ.")
@click.option(
    "--confounded", is_flag=True, help="Most cases come from one hospital, most controls from another that handles samples differently."
)
@shell.shared
def simulate(folder, *, n_spectra, replicates, n_markers, effect, confounded, seed, console, n_jobs):
    """Write a virtual cohort to FOLDER: Bruker flex files, manifest.csv, and the planted markers in markers.csv."""
    import spectra

    folder = shell.new_folder(folder)
    made = spectra.simulate_cohort(n_spectra, seed=seed, replicates=replicates, n_markers=n_markers, effect=effect, confounded=confounded)
    with shell.whole_folder(folder) as partial:
        made.write(partial)
    console.say(f"{len(made.cohort)} spectra of {made.cohort.size[0]} points, {n_markers} markers in {folder / 'markers.csv'}")
    click.echo(folder / "manifest.csv")
