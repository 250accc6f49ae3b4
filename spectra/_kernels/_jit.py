"""The package's one policy for compiled kernels: cached, without the GIL, with C's division.

Numba stamps a cached kernel with the time of its *own* file, so an edited callee in another file would go unnoticed and the
old machine code would be served. Here the stamp is a digest of every source file of the package that defines kernels:
whatever changes, nothing stale is loaded.
"""

import functools
import hashlib
import pathlib
import warnings

import numba
from numba.core.caching import FunctionCache
from numba.core.runtime.nrt import rtsys

FAST_MATH = frozenset({"contract", "nsz", "nnan", "reassoc"})  # for kernels whose input holds no NaN


@functools.cache
def kernel_stamp():
    """Digest of all sources of this package that mention ``_jit``, i.e. that define or call kernels."""
    digest = hashlib.blake2b(digest_size=16)
    root = pathlib.Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        text = path.read_bytes()
        if b"_jit" in text:
            digest.update(str(path.relative_to(root)).encode() + b"\0" + text)
    return digest.hexdigest()


@functools.cache
def _warn_uncached(reason):
    warnings.warn(f"no writable place for compiled kernels, each process compiles anew: {reason}", RuntimeWarning, stacklevel=4)


class KernelCache(FunctionCache):
    """Numba's cache, except that loading does not first import and register all that the compiler knows.

    That takes as long as importing Numba does, 0.2 s of CPU in each process, and only what has to be compiled needs it: the compiler
    does it by itself. A loaded kernel needs the run-time system alone.
    """

    def load_overload(self, sig, target_context):
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)


def njit(function=None, *, fastmath=False, **options):
    """``numba.njit`` under this package's policy; use it as ``@njit`` or ``@njit(fastmath=FAST_MATH)``."""
    if function is None:
        return functools.partial(njit, fastmath=fastmath, **options)
    if numba.config.DISABLE_JIT:  # plain Python, for coverage and debugging
        return function
    policy = {"nogil": True, "error_model": "numpy", "fastmath": set(fastmath) if fastmath else False}
    policy["no_cfunc_wrapper"] = True  # nobody calls kernels from C, and each wrapper costs a twelfth of the compile time
    dispatcher = numba.njit(**(policy | options))(function)
    try:
        dispatcher._cache = KernelCache(function)
    except RuntimeError as error:
        _warn_uncached(str(error).rpartition("/")[2])
    else:
        # in the place of Numba's version, which is compared before anything else of an old index is unpickled
        dispatcher._cache._cache_file._version = f"{numba.__version__} {kernel_stamp()}"
    return dispatcher
