"""What the commands share: options, progress, the log of a run, its folder."""

import contextlib
import datetime
import functools
import os
import pathlib
import shutil
import sys
import time

import click

from spectra.errors import SpectraError


class Console:
    """Messages and progress of one command: bars on a terminal, lines otherwise; all lines also go to ``log.txt``.

    verbosity : 0 quiet, 1 normal, 2 verbose
    """

    def __init__(self, verbosity=1, log=None):
        self.verbosity = verbosity
        self.lines = []
        self.named = set()
        self.log = log

    def say(self, text, level=1):
        """A line on standard error, if `level` is within the verbosity, and in the log in any case."""
        stamp = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self.lines.append(f"{stamp} {text}\n")
        if self.log is not None:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with open(self.log, "a", encoding="utf-8") as file:
                file.writelines(self.lines)
            self.lines.clear()
        if level <= self.verbosity:
            click.echo(text, err=True)

    def set_aside(self, items):
        """Name each spectrum that was set aside, once."""
        for item in items:
            if item["file"] not in self.named:
                self.named.add(item["file"])
                self.say(f"  set aside: {item['file']}: {item['reason']}")

    def progress(self, items, total, description):
        """Pass `items` on, showing how far one is and how long the rest may take."""
        if self.verbosity and sys.stderr.isatty():
            from tqdm import tqdm

            yield from tqdm(items, total=total, desc=description, leave=False)
            return
        start, told = time.monotonic(), 0
        for i, item in enumerate(items, 1):
            yield item
            quarter, spent = i * 4 // max(total, 1), time.monotonic() - start
            if i == total:
                self.say(f"{description}: {i} of {total}, {spent:.1f} s")
            elif quarter > told and spent >= 1:  # what is done at once needs no telling
                told = quarter
                self.say(f"{description}: {i} of {total}, {spent:.1f} s, about {spent / i * (total - i):.0f} s left")


def shared(command):
    """The options that every working command has: ``-q``, ``-v``, ``--n-jobs``, ``--seed``."""
    for option in (
        click.option("-q", "--quiet", is_flag=True, help="Only errors and the result."),
        click.option("-v", "--verbose", is_flag=True, help="Say more."),
        click.option("--n-jobs", type=click.IntRange(min=1), help="Threads; default: all cores this process may use."),
        click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of folds, models and resamples."),
    ):
        command = option(command)

    @functools.wraps(command)
    def wrapped(*, quiet, verbose, n_jobs, **options):
        return command(console=Console(0 if quiet else 2 if verbose else 1), n_jobs=n_jobs or cores(), **options)

    return wrapped


def cores():
    """Cores this process may use: affinity, cgroup and SLURM limits included."""
    from joblib import cpu_count

    return cpu_count()


def settings_options(command=None, *, start=None):
    """``--settings FILE`` and ``--set step.option=value``; without a file from the defaults, or from `start`, step -> options."""
    if command is None:
        return functools.partial(settings_options, start=start)
    for option in (
        click.option(
            "--settings", "settings_file", type=click.Path(dir_okay=False, path_type=pathlib.Path), help="TOML, see 'spectra init'."
        ),
        click.option("--set", "changes", multiple=True, metavar="STEP.OPTION=VALUE", help="Change one setting; may be repeated."),
    ):
        command = option(command)

    @functools.wraps(command)
    def wrapped(*, settings_file, changes, **options):
        return command(settings=read_settings(settings_file, changes, start or {}), **options)

    return wrapped


def read_settings(path, changes, start):
    """Settings from a file, or the defaults with those of `start`; then single changes such as ``peaks.snr=3``."""
    import tomllib

    from spectra import settings as declared
    from spectra.errors import SettingsError, choices

    settings = declared.load(path) if path else declared.from_dict(start)
    for text in changes:
        place, equals, value = text.partition("=")
        step, dot, name = place.partition(".")
        if not (equals and dot):
            raise SettingsError(f"--set {text}: write STEP.OPTION=VALUE, such as peaks.snr=3")
        with contextlib.suppress(tomllib.TOMLDecodeError):
            value = tomllib.loads(f"value = {value}")["value"]
        tree = declared.to_dict(settings)
        if step not in tree:
            raise SettingsError(f"--set {text}: no step {step!r}; {choices(step, tree)}")
        tree[step] = (
            {name: value} if name == "method" and isinstance(getattr(settings, step), declared.Method) else tree[step] | {name: value}
        )
        settings = declared.from_dict(tree, f"--set {text}")
    return settings


def next_folder(stem):
    """The first of stem-1, stem-2, … that does not exist."""
    number = 1
    while (path := pathlib.Path(f"{stem}-{number}")).exists():
        number += 1
    return path


def new_folder(path, *, resume=False):
    """Make a run folder; an existing one is refused unless the run is resumed, or stopped before it had computed anything."""
    path = pathlib.Path(path)
    if path.exists() and not path.is_dir():
        raise SpectraError(f"--out {path}: exists and is not a folder")
    there = {each.name for each in path.iterdir()} if path.is_dir() else set()
    if there and resume and "log.txt" not in there:
        raise SpectraError(f"--out {path}: holds something else than a run to go on with; choose another folder")
    if there and not resume and not _nothing_computed(there):
        raise SpectraError(f"--out {path}: exists already; choose another folder, or go on with --resume")
    path.mkdir(parents=True, exist_ok=True)
    return path


def _nothing_computed(names):
    """Did a run that left these files stop before it computed anything, such as by a misspelt option?"""
    return names <= {"log.txt", "settings.toml"} and (not names or "log.txt" in names)


@contextlib.contextmanager
def tidy(path):
    """Take the run folder `path`, made and named by us, away again where an error stops the run before it has computed anything."""
    try:
        yield path
    except SpectraError:
        if _nothing_computed({each.name for each in path.iterdir()}):
            shutil.rmtree(path, ignore_errors=True)
        raise


@contextlib.contextmanager
def whole_folder(path):
    """A folder to fill that becomes `path` when all is written: if it is stopped on the way, nothing of it remains."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.mkdir(parents=True)
        yield partial
        if path.is_dir():  # and empty
            path.rmdir()
        partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
