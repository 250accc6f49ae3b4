"""The command ``spectra``. Each command lives in its own module, which is imported when the command is called."""

import importlib
import os
import sys
import threading

import click

import spectra
from spectra.errors import SpectraError, choices

COMMANDS = {
    "demo": "simulate 281 spectra as files, study them, and say which planted markers came back",
    "init": "write a settings file with every option explained",
    "validate": "read a manifest and its spectra, and list what is wrong",
    "process": "spectra to peaks and a feature table",
    "study": "compare models on held-out patients, and ask what threatens the result",
    "predict": "apply the model of a run to new spectra",
    "identify": "say what markers or masses may be",
    "simulate": "write a virtual cohort with known markers",
    "convert": "write spectra as CSV files, or pack a cohort into one file",
    "runs": "list, show and compare run folders",
    "doctor": "check this installation and say how fast it is",
}


class _Lazy(click.Group):
    def list_commands(self, context):
        return list(COMMANDS)

    def get_command(self, context, name):
        if name not in COMMANDS:
            return None
        return getattr(importlib.import_module(f"spectra.cli.{name}"), name)

    def resolve_command(self, context, words):
        if words and words[0] not in COMMANDS and not words[0].startswith("-"):
            context.fail(f"no command {words[0]!r}; {choices(words[0], COMMANDS)}")
        return super().resolve_command(context, words)

    def format_commands(self, context, formatter):
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(spectra.__version__, prog_name="spectra")
def cli():
    """From raw MALDI-TOF mass spectra to a validated biomarker panel."""


def main(arguments=None):
    """Run the command line; bad input, or a place that cannot be written, ends in one line on standard error and exit code 2."""
    try:
        _run(arguments)
    except SystemExit as done:
        if arguments is None and done.code and threading.active_count() > 1:
            # some fits still run: Python's own way out stops their threads within C++, and that aborts the process
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(done.code)
        raise


def _run(arguments):
    try:
        sys.exit(cli(arguments, standalone_mode=False) or 0)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        words = sys.argv[1:] if arguments is None else arguments
        more = ", and --resume goes on from the last finished fold" if "study" in words else ""
        click.echo(f"stopped; nothing half-written remains{more}", err=True)
        sys.exit(130)
    except SpectraError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except BrokenPipeError:  # such as by `head`; what is left to print goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        click.echo(f"error: {error.filename}: {error.strerror}" if error.filename else f"error: {error}", err=True)
        sys.exit(2)
    except MemoryError as error:
        click.echo(f"error: not enough memory: {error}" if str(error) else "error: not enough memory", err=True)
        sys.exit(2)
