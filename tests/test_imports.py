"""``import spectra, fasttree`` stays quick: nothing heavy is loaded before it is used."""

import importlib
import inspect
import re
import subprocess
import sys

import pytest

HEAVY = ["numba", "sklearn", "pandas", "matplotlib", "scipy.signal"]


def test_importing_the_packages_loads_nothing_heavy():
    code = f"import sys, spectra, fasttree; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_listing_runs_loads_nothing_that_computes_one():
    code = "import sys, spectra.cli.runs, spectra.study.board; print([name for name in ('sklearn', 'pandas', 'matplotlib') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_can_be_imported():
    import fasttree
    import spectra
    import spectra.study

    for package in (spectra, spectra.study, fasttree):
        for name in package.__all__:
            assert getattr(package, name) is not None


def _says(function, word):
    return word in (inspect.getdoc(function) or "")


@pytest.mark.parametrize("package", ["fasttree", "spectra"])
def test_public_functions_show_themselves_and_their_errors(package):
    module = importlib.import_module(package)
    functions = {name: found for name in module.__all__ if inspect.isfunction(found := getattr(module, name))}
    assert [name for name, function in functions.items() if not _says(function, ">>>")] == []
    strict = [
        name for name, function in functions.items() if re.search(r"\braise \w|\bcheck_(number|choice|axis)\(", inspect.getsource(function))
    ]
    assert [name for name in strict if not _says(functions[name], "Raises\n")] == []
