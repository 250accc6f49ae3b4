"""The package's one policy for compiled kernels: cached, without the GIL, with C's division.

Numba stamps a cached kernel with the time of its *own* file, so an edited callee in another file would go unnoticed and the
old machine code would be served. Here the stamp is a digest of every source file of the package that defines kernels:
whatever changes, nothing stale is loaded.

Numba makes machine code of every function, and then once more within each that calls it: the code at the bottom of a deep stack was
optimised anew at each level. Here a kernel that another kernel calls stays as the compiler's input and is taken in by its callers; only
what Python calls becomes machine code, once and as a whole. That halves the compile time (forest 36 s to 18 s, boosting 25.8 s to 13 s;
``python -m benchmarks.cold_start --kernels forest``), and what comes out is as fast.
"""

import functools
import hashlib
import pathlib
import pickle
import warnings

import llvmlite.binding as llvm
import numba
from numba import types
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile, NullCache
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.registry import CPUDispatcher
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


_warned: list[str] = []


def _warn_uncached(reason):
    """Say it once for all kernels."""
    if not _warned:
        _warned.append(reason)
        can = "each process compiles them anew; set NUMBA_CACHE_DIR to a folder with room that can be written"
        warnings.warn(f"compiled kernels cannot be kept ({reason}): {can}", RuntimeWarning, stacklevel=2)


class MachineCode(CompileResultCacheImpl):
    """What is kept of a kernel: the machine code, not the compiler's input as well, which callers of other functions would take in.

    Reading that, and what belongs to each function that was taken in, was half the time of loading (70 of 140 ms of a forest).
    """

    def reduce(self, result):
        (name, kind, (code, _)), *rest, _ = super().reduce(result)
        symbols = result.fndesc.llvm_cpython_wrapper_name, result.fndesc.llvm_func_name
        symbol = next(symbol for symbol in symbols if result.library.get_pointer_to_function(symbol))  # what Python calls, if it can
        defined = llvm.parse_assembly(f'define void @"{symbol}"() {{ ret void }}')
        return ((name, kind, (code, defined.as_bitcode())), *rest, ())


class KernelFiles(IndexDataCacheFile):
    """Numba's files of one kernel, except that each form of it has a name of its own, and that damage is noticed.

    Numba numbers the forms as the index stands. Of two processes that compile at once, on two types of node for instance, both take the
    same number, and the index of one may then lead to the machine code of the other. What a full disk or a crash left of a file is
    compiled anew.
    """

    def save(self, key, data):
        name = self._data_name(int(_digest(repr(key).encode())[:15], 16))
        self._save_data(name, data)
        self._save_index(self._load_index() | {key: name})

    def load(self, key):
        name = self._load_index().get(key)
        try:
            digest, code = self._load_data(name) if name else (None, b"")
        except Exception:  # any, of a damaged pickle
            return None
        return pickle.loads(code) if digest == _digest(code) else None

    def _load_index(self):
        try:
            return super()._load_index()
        except Exception:  # any as well; what is not known is compiled anew
            return {}

    def _save_data(self, name, data):
        code = self._dump(data)
        super()._save_data(name, (_digest(code), code))


def _digest(content):
    return hashlib.blake2b(content, digest_size=16).hexdigest()


class KernelCache(FunctionCache):
    """Numba's cache, except that loading does not first import and register all that the compiler knows.

    That takes as long as importing Numba does, 0.2 s of CPU in each process, and only what has to be compiled needs it: the compiler
    does it by itself. A loaded kernel needs the run-time system alone.
    """

    _impl_class = MachineCode

    def __init__(self, function):
        super().__init__(function)
        self._cache_file = KernelFiles(self._cache_path, self._impl.filename_base, self._impl.locator.get_source_stamp())
        # in the place of Numba's version, which is compared before anything else of an old index is unpickled
        self._cache_file._version = f"{numba.__version__} {kernel_stamp()}"

    def load_overload(self, sig, target_context):
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            return self._load_overload(sig, target_context)

    def save_overload(self, sig, data):
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _warn_uncached(error)


def open_cache(function):
    """Where the compiled forms of a function are kept, if there is a place."""
    try:
        return KernelCache(function)
    except RuntimeError:
        _warn_uncached(f"{pathlib.Path(__file__).parent} and the home directory cannot be written")
        return NullCache()


class CalleeLibrary(JITCodeLibrary):
    """Code for others to link: neither optimised as a whole nor made machine code, nor linked with what it calls itself."""

    def finalize(self):
        self._finalized = True


class CalleeCompiler(Compiler):
    """Compiles into a `CalleeLibrary`, under which the function is known to the compiler instead of under an address.

    A caller is told to link all that is below it, each function once: linked level by level, those at the bottom were copied at each.
    """

    def compile_extra(self, function):
        context = self.state.targetctx
        library = self.state.library = CalleeLibrary(context.codegen(), function.__qualname__)
        self.state.flags.no_compile = True
        result = super().compile_extra(function)._replace(entry_point=library)
        context.insert_user_function(library, result.fndesc, list(dict.fromkeys([library, *library._linking_libraries])))
        return result


class Callee(CPUDispatcher):
    """A kernel as other kernels call it; Python cannot."""

    def get_call_template(self, args, kws):
        """Of the types alone: what counts up from 0 would be compiled for that 0 first, and once more for all whole numbers."""
        return super().get_call_template([types.unliteral(one) for one in args], kws)

    def add_overload(self, result):
        self.overloads[tuple(result.signature.args)] = result


class Kernel(CPUDispatcher):
    """A kernel as Python calls it."""

    @property
    def _numba_type_(self):
        return types.Dispatcher(self if self.is_compiling else self.callee)  # itself where it recurs

    @functools.cached_property
    def callee(self):
        """What is compiled where another kernel calls this one."""
        return Callee(self.py_func, targetoptions=self.targetoptions | {"no_cpython_wrapper": True}, pipeline_class=CalleeCompiler)

    def compile(self, signature):
        if isinstance(self._cache, NullCache):  # not before: most kernels are called by kernels only
            self._cache = open_cache(self.py_func)
        return super().compile(signature)


def njit(function=None, *, fastmath=False, **options):
    """``numba.njit`` under this package's policy; use it as ``@njit`` or ``@njit(fastmath=FAST_MATH)``."""
    if function is None:
        return functools.partial(njit, fastmath=fastmath, **options)
    if numba.config.DISABLE_JIT:  # plain Python, for coverage and debugging
        return function
    policy = {"nopython": True, "nogil": True, "error_model": "numpy", "fastmath": set(fastmath) if fastmath else False}
    policy["no_cfunc_wrapper"] = True  # nobody calls kernels from C
    return Kernel(function, targetoptions=policy | options)
