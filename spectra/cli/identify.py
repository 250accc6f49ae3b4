"""``spectra identify``."""

import pathlib

import click

from spectra.errors import SpectraError


@click.command()
@click.argument("source", metavar="RUN_OR_MASSES", nargs=-1, required=True)
@click.option("--library", type=click.Path(path_type=pathlib.Path), help="CSV with name and mass, sequence or formula; default: built in.")
@click.option("--tolerance-ppm", type=float, default=1000.0, show_default=True, help="Greatest error.")
@click.option("--tolerance-da", type=float, help="Greatest error in Da, instead of ppm.")
@click.option("--form", "forms", multiple=True, default=("M+H", "M+2H"), show_default=True, help="Ions to look for, again for each.")
@click.option("--top", type=click.IntRange(min=1), default=20, show_default=True, help="How many of a run's markers.")
@click.option("--correct-shift", is_flag=True, help="Take a systematic error off first (three matches or more).")
def identify(source, library, tolerance_ppm, tolerance_da, forms, top, correct_shift):
    """Say what the markers of a run folder, or the masses given (Da/e), may be, and how often chance would say so."""
    import spectra
    from spectra.study import record

    origins = {}
    if len(source) == 1 and pathlib.Path(source[0]).is_dir():
        _, results = record.read_run(source[0])
        rows = [row for row in results.get("markers", [])[:top] if row["mz"] is not None]
        masses = [row["mz"] for row in rows]
        origins = {peak: row for peak, row in enumerate(rows) if row.get("origin")}
        if not masses:
            raise SpectraError(f"{source[0]}: this run has no markers with an m/z")
    else:
        try:
            masses = [float(text) for text in source]
        except ValueError:
            raise SpectraError(f"{' '.join(source)}: neither a run folder nor masses in Da/e") from None
    molecules = spectra.read_library(library) if library else None
    options = {"tolerance_ppm": tolerance_ppm, "tolerance_da": tolerance_da, "forms": forms, "correct_shift": correct_shift}
    found = spectra.match_masses(masses, molecules, **options)
    if correct_shift:
        click.echo(f"systematic error taken off: {found.attrs['shift_ppm']:+.0f} ppm")
    for peak, mass in enumerate(masses):
        rows = found[found["peak"] == peak]
        click.echo(f"m/z {mass:.1f}: {_verdict(rows['name'].nunique())}")
        if peak in origins:
            row = origins[peak]
            click.echo(
                f"    in this cohort perhaps {row['origin']} (by chance {row['origin_chance']:.0%}), whatever the library says of its mass"
            )
        for row in rows.itertuples():
            click.echo(
                f"    {row.name}, {row.form}, {row.error_ppm:+.0f} ppm, chance matches {row.fdr:.0%} ({row.source}){_accidental(row.kind)}"
            )


def _verdict(molecules):
    """What a mass alone can say."""
    if not molecules:
        return "nothing known lies within the tolerance"
    if molecules == 1:
        return "1 molecule of the library lies within the tolerance; others outside the library may as well"
    return f"{molecules} molecules lie within the tolerance; the mass alone cannot tell them apart"


def _accidental(kind):
    """What a match with a molecule means that is in no sample by its own nature."""
    from spectra.identification import ACCIDENTAL

    return f": {ACCIDENTAL[kind]}" if kind in ACCIDENTAL else ""
