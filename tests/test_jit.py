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


def kernel_of_numbers(folder):
    """A package whose ``outer`` adds 1 to a whole number and ``other`` to one that is none."""
    package = folder / "package"
    package.mkdir()
    shutil.copy(ROOT / POLICIES[0], package / "_jit.py")
    (package / "caller.py").write_text(
        "from package._jit import njit\n\n@njit\ndef add(x):\n    return x + 1\n\n"
        "def outer(x):\n    return add(x)\n\ndef other(x):\n    return round(add(x + 0.5) * 10)\n"
    )
    return package / "__pycache__"


def kept(cache, ending):
    return {path: path.read_bytes() for path in cache.glob(f"*.add*{ending}")}


def test_processes_that_compile_at_once_do_not_mix_their_code_up(tmp_path):
    cache = kernel_of_numbers(tmp_path)
    assert run(tmp_path) == 2
    index, code = kept(cache, "nbi"), kept(cache, "nbc")
    for path in (*index, *code):
        path.unlink()
    assert run(tmp_path, "other") == 25
    code |= kept(cache, "nbc")  # written last, while the index of the first was
    for path, content in (index | code).items():
        path.write_bytes(content)
    assert run(tmp_path) == 2 and run(tmp_path, "other") == 25


def test_a_damaged_cache_is_compiled_anew(tmp_path):
    cache = kernel_of_numbers(tmp_path)
    assert run(tmp_path) == 2
    (index, found), (code, content) = *kept(cache, "nbi").items(), *kept(cache, "nbc").items()
    middle = len(content) // 2
    for path, damaged in ((index, found[:-9]), (code, content[:middle]), (code, content[:middle] + bytes(400) + content[middle + 400 :])):
        path.write_bytes(damaged)
        assert run(tmp_path) == 2
        assert index.read_bytes() == found and len(code.read_bytes()) == len(content)


def test_a_cache_that_cannot_be_written_is_told_once(tmp_path):
    kernel_of_numbers(tmp_path)
    code = (
        "import warnings\nfrom numba.core.caching import IndexDataCacheFile\n\ndef full(*_):\n    raise OSError(28, 'No space left')\n\n"
        "IndexDataCacheFile._open_for_write = full\nfrom package.caller import other, outer\n\n"
        "with warnings.catch_warnings(record=True) as told:\n    warnings.simplefilter('always')\n    found = outer(1) + other(1)\n"
        "assert ['set NUMBA_CACHE_DIR' in str(one.message) for one in told] == [True], told\nprint(found)"
    )
    assert printed(code, tmp_path) == 27
