"""``import spectra, fasttree`` stays quick: nothing heavy is loaded before it is used."""

import subprocess
import sys

HEAVY = ["numba", "sklearn", "pandas", "matplotlib", "scipy.signal"]


def test_importing_the_packages_loads_nothing_heavy():
    code = f"import sys, spectra, fasttree; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_public_name_can_be_imported():
    import fasttree
    import spectra

    for package in (spectra, fasttree):
        for name in package.__all__:
            assert getattr(package, name) is not None
