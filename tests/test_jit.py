"""A cached kernel whose callee was edited is compiled anew, even where the callee lives in another file."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
POLICIES = ["fasttree/_jit.py", "spectra/_kernels/_jit.py"]


def printed(code, folder):
    """The number that fresh Python prints, with its caches in the folder."""
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return int(done.stdout)


def run(folder, function="outer"):
    return printed(f"import package.caller; print(package.caller.{function}(1))", folder)


@pytest.mark.parametrize("policy", POLICIES)
def test_an_edited_callee_is_never_served_stale(policy, tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    shutil.copy(ROOT / policy, package / "_jit.py")
    callee = "from package._jit import njit\n\n@njit\ndef inner(x):\n    return x + {}\n"
    (package / "callee.py").write_text(callee.format(1))
    (package / "caller.py").write_text(
        "from package._jit import njit\nfrom package.callee import inner\n\n@njit\ndef outer(x):\n    return inner(x)\n"
    )
    assert run(tmp_path) == 2
    (package / "callee.py").write_text(callee.format(10))
    assert run(tmp_path) == 11
    assert list(package.rglob("*.nbi"))


@pytest.mark.parametrize("policy", POLICIES)
def test_a_type_that_is_gone_does_not_break_old_caches(policy, tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    shutil.copy(ROOT / policy, package / "_jit.py")
    source = (
        "from typing import NamedTuple\nfrom package._jit import njit\n\nclass {0}(NamedTuple):\n    x: int\n\n"
        "@njit\ndef inner(pair):\n    return pair.x + {1}\n\ndef outer(x):\n    return inner({0}(x))\n"
    )
    for name, added in (("Pair", 1), ("Duo", 10)):
        (package / "caller.py").write_text(source.format(name, added))
        assert run(tmp_path) == 1 + added


def test_both_packages_keep_one_policy():
    first, second = [(ROOT / policy).read_text() for policy in POLICIES]
    assert first == second


@pytest.mark.parametrize("policy", POLICIES)
def test_loading_a_kernel_does_not_prepare_the_compiler(policy, tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    shutil.copy(ROOT / policy, package / "_jit.py")
    (package / "caller.py").write_text(
        "import numpy as np\nfrom package._jit import njit\n\n@njit\ndef total(x):\n    return np.sqrt(x.copy().sum())\n\n"
        "def outer(x):\n    return int(total(np.full(4, x * x)))\n"
    )
    assert run(tmp_path) == 2
    code = (
        "from numba.core.base import BaseContext\n\ndef refresh(self):\n    raise AssertionError\n\nBaseContext.refresh = refresh\n"
        "import package.caller\nprint(package.caller.outer(1))"
    )
    assert printed(code, tmp_path) == 2


@pytest.mark.parametrize("policy", POLICIES)
def test_a_kernel_that_kernels_call_is_compiled_within_them(policy, tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    shutil.copy(ROOT / policy, package / "_jit.py")
    (package / "caller.py").write_text(
        "from package._jit import njit\n\n@njit\ndef inner(n):\n    return 1 if n < 2 else n * inner(n - 1)\n\n"
        "@njit\ndef middle(n):\n    return inner(n) + 1\n\n@njit\ndef whole(n):\n    return middle(n) + inner(n)\n\n"
        "def outer(x):\n    found = whole(3 * x)\n    compiled = [len(kernel.overloads) for kernel in (inner, middle, whole)]\n"
        "    assert compiled == [0, 0, 1], compiled\n    return found + 100 * inner(x)\n\n"
        "def both(x):\n    return inner(3 * x) + 100 * whole(x)\n"
    )
    assert run(tmp_path, "inner") == 1
    assert run(tmp_path, "both") == 306  # the callee's machine code is loaded, its caller compiled
    for _ in range(2):
        assert run(tmp_path) == 113
