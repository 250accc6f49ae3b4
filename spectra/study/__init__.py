"""Splits, comparison, audit, stability and sensitivity -> `StudyResult`.

Names are imported when first used, since finished runs are listed without what it takes to compute one.
"""

import importlib

_HOME = {"StudyResult": "result", "run_study": "comparison"}
__all__ = sorted(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'spectra.study' has no attribute {name!r}")
    return getattr(importlib.import_module(f"spectra.study.{_HOME[name]}"), name)
