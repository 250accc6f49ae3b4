"""Resident memory of a call, for commands that start themselves anew for each measurement. Linux only."""

import argparse
import ctypes
import json
import pathlib
import subprocess
import sys

STATUS, CLEAR = pathlib.Path("/proc/self/status"), pathlib.Path("/proc/self/clear_refs")


def resident(what):
    """``VmRSS`` (now) or ``VmHWM`` (peak) in bytes."""
    return next(int(line.split()[1]) * 1024 for line in STATUS.read_text().splitlines() if line.startswith(what + ":"))


def added(call):
    """Bytes by which the greatest resident memory during a call exceeds what was resident before, memory freed before given back."""
    ctypes.CDLL(None).malloc_trim(0)
    before = resident("VmRSS")
    CLEAR.write_text("5")  # the peak starts anew
    kept = call()
    peak = resident("VmHWM")
    del kept
    return peak - before


def ask(module, *words):
    """What a child of the command `module` prints, which it is told by `words` to measure."""
    return json.loads(subprocess.check_output([sys.executable, "-m", module, "--child", *words]))


def parse(parser, child, arguments):
    """The command's options; None in a child, which prints what ``child(*words)`` gives instead."""
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        print(json.dumps(child(*options.child)))
        return None
    if not CLEAR.exists():
        parser.error("resetting the peak of resident memory needs Linux")
    return options
