"""``spectra doctor``."""

import os
import pathlib
import time

import click


def _cache_state():
    """Where compiled kernels are kept, or why they cannot be."""
    import spectra

    folder = pathlib.Path(os.environ.get("NUMBA_CACHE_DIR") or pathlib.Path(spectra.__file__).parent)
    state = "writable" if os.access(folder, os.W_OK) else "NOT writable: every process compiles anew; set NUMBA_CACHE_DIR"
    return f"{folder} ({state})"


@click.command()
def doctor():
    """Check this installation: versions, cores, the cache of compiled kernels, and the speed of the steps."""
    import numpy as np

    import spectra
    from spectra.cli.console import cores
    from spectra.pipeline import preprocess
    from spectra.settings import Settings
    from spectra.study import record

    for name, version in record.versions().items():
        click.echo(f"{name:<14} {version}")
    click.echo(f"{'cores':<14} {cores()} of {os.cpu_count()} usable")
    click.echo(f"{'kernel cache':<14} {_cache_state()}")
    mz = np.linspace(1000.0, 10_000.0, 40_000)
    random = np.random.default_rng(0)
    height = 1e4 * np.exp(-(mz - 1000) / 2000)
    for centre in range(1500, 9500, 250):
        height = height + 5000 * np.exp(-0.5 * ((mz - centre) / (centre / 1500)) ** 2)
    cohort = spectra.Cohort.from_spectra([spectra.Spectrum(mz, random.poisson(height).astype(float), f"check {i}") for i in range(4)])
    start = time.perf_counter()
    preprocess(cohort, Settings(), n_jobs=1)
    first = time.perf_counter() - start
    start = time.perf_counter()
    done, _ = preprocess(cohort, Settings(), n_jobs=1)
    again = time.perf_counter() - start
    found = [sum(np.abs(peaks.mz - centre).min() < 3 for centre in range(1500, 9500, 250)) for peaks in done.peaks]
    click.echo(f"{'first call':<14} {first:.2f} s, compiling or loading the kernels")
    click.echo(f"{'processing':<14} {again / cohort.intensity.size * 1e9:.0f} ns per point on one thread")
    good = min(found) == 32
    click.echo(f"{'self test':<14} {min(found)} of 32 known peaks found: {'well' if good else 'NOT WELL'}")
    if not good:
        raise click.exceptions.Exit(1)
