"""Measurements: asv's suites (``bench_*.py``), peers in one run (``peers``), cold start, scaling, and the gate of the CI."""

import functools
import importlib.util
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]

if importlib.util.find_spec("spectra") is None:  # ``asv run --python=same`` where nothing is installed measures this working tree
    sys.path.append(str(ROOT))
if "ASV_CONF_DIR" in os.environ:  # compiled kernels outlive an uninstall: each commit has a folder of its own
    cache = pathlib.Path(os.environ["ASV_CONF_DIR"], ".asv", "numba", os.environ.get("ASV_COMMIT", "working-tree"))
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache))


def is_older():
    """Whether asv measures another commit than the one checked out, whose benchmarks these are."""
    done = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return os.environ.get("ASV_COMMIT") not in (None, done.stdout.strip())


def skips_older(setup):
    """A suite's `setup` or `setup_cache` that skips commits which lack what it calls: a name, an option.

    asv reads NotImplementedError as a wish to skip. On the newest commit nothing may be lacking, so there the error is shown.
    """

    @functools.wraps(setup)
    def guarded(*arguments):
        try:
            return setup(*arguments)
        except (ImportError, AttributeError, TypeError, ValueError, NotImplementedError) as error:  # no such name, or no such option
            if not is_older():
                raise
            if setup.__name__ == "setup_cache":  # each benchmark's own setup will meet the same
                return None
            raise NotImplementedError(f"this commit lacks it: {error}") from error

    return guarded
