"""``spectra convert``."""

import pathlib

import click

from spectra.cli import console as shell
from spectra.cli import inputs
from spectra.errors import SpectraError


@click.command()
@click.argument("source", type=click.Path(path_type=pathlib.Path))
@click.argument("target", type=click.Path(path_type=pathlib.Path))
@shell.shared
def convert(source, target, *, seed, console, n_jobs):
    """Write the spectra of a manifest (SOURCE) to TARGET: a folder of CSV files with a manifest, or one packed file ending in .npz."""
    import spectra
    from spectra.settings import Settings

    if not inputs.holds_spectra(source):
        raise SpectraError(f"{source}: no column 'file'; convert wants a manifest of spectra")
    if target.exists():
        raise SpectraError(f"{target}: exists already; choose another name")
    cohort, table = inputs.read_input(source, settings=Settings(), console=console, n_jobs=n_jobs)
    if target.suffix == ".npz":
        cohort.save(target)
        click.echo(f"wrote {target}")
        return
    names = [f"spectra/{i:05d}.csv.gz" for i in range(len(cohort))]
    with shell.whole_folder(target) as folder:
        (folder / "spectra").mkdir()
        for name, spectrum in console.progress(zip(names, cohort, strict=True), len(cohort), "writing"):
            spectra.write_csv(folder / name, spectrum.mz, spectrum.intensity)
        table.assign(source=table["file"], file=names).to_csv(folder / "manifest.csv", index=False)
    click.echo(f"wrote {target / 'manifest.csv'}")
