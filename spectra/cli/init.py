"""``spectra init``."""

import pathlib

import click

from spectra.errors import SpectraError


@click.command()
@click.argument("path", type=click.Path(path_type=pathlib.Path), default="settings.toml")
def init(path):
    """Write a settings file to PATH (settings.toml), every option with its meaning, unit and bounds."""
    from spectra import settings
    from spectra.study import record

    if path.exists():
        raise SpectraError(f"{path}: exists already; choose another name")
    record.write_atomic(path, settings.dump(settings.Settings(), comments=True))
    click.echo(f"wrote {path}; use it with: spectra study MANIFEST --label COLUMN --settings {path} --out RUN")
