"""``spectra identify``."""

import pathlib

import click

from spectra.errors import SpectraError


@click.command()
@click.argument("source", metavar="RUN_OR_MASSES", nargs=-1, required=True)
@click.option("--library", type=click.Path(path_type=pathlib.Path), help="CSV with name and mass, sequence or formula; default: built in.")
@click.option("--tolerance-ppm", type=float, default=1000.0, show_default=True, help="Greatest error.")
@click.option("--top", type=click.IntRange(min=1), default=20, show_default=True, help="How many of a run's markers.")
@click.option("--correct-shift", is_flag=True, help="Take a systematic error off first.")
def identify(source, library, tolerance_ppm, top, correct_shift):
    """Say what the markers of a run folder, or the masses given (Da/e), may be, and how often chance would say so."""
    import spectra
    from spectra.study import record

    if len(source) == 1 and pathlib.Path(source[0]).is_dir():
        _, results = record.read_run(source[0])
        masses = [row["mz"] for row in results.get("markers", [])[:top] if row["mz"] is not None]
        if not masses:
            raise SpectraError(f"{source[0]}: this run has no markers with an m/z")
    else:
        try:
            masses = [float(text) for text in source]
        except ValueError:
            raise SpectraError(f"{' '.join(source)}: neither a run folder nor masses in Da/e") from None
    molecules = spectra.read_library(library) if library else None
    found = spectra.match_masses(masses, molecules, tolerance_ppm=tolerance_ppm, correct_shift=correct_shift)
    for peak, mass in enumerate(masses):
        rows = found[found["peak"] == peak]
        click.echo(f"m/z {mass:.1f}: " + ("nothing known within the tolerance" if rows.empty else f"{len(rows)} candidates"))
        for row in rows.itertuples():
            click.echo(f"    {row.name}, {row.form}, {row.error_ppm:+.0f} ppm, chance matches {row.fdr:.0%} ({row.source})")
