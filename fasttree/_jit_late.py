"""Kernels that are compiled when a problem first needs them, and called by their address.

A kernel takes in all that it calls, whether the call is ever made or not: a plain forest waited for the compiler to be through with
absolute errors, sets of categories and random thresholds as well. Such a part is behind a `Late` call. Python knows what a problem needs,
compiles or loads that alone, and puts the addresses into an array, which kernels hand on with their other arguments::

    addresses   [ scan of classes | - | - | random thresholds | ... ]       - is never called

Of the parameters, named tuples go by reference; see `fasttree._jit_reference`.
"""

import inspect

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import errors
from numba.extending import intrinsic

from fasttree._jit import Kernel
from fasttree._jit_reference import interpreted

if not interpreted():
    from fasttree._jit_reference import Reference

INT, FLOAT, BOOL = types.int64, types.float64, types.boolean
KEYS, ROWS, FLOATS = types.uint64[::1], types.uint32[::1], types.float64[::1]

_FUNCTIONS: dict = {}  # address -> function, for kernels that run as plain Python
_TUPLES: dict = {}  # name of a named tuple -> its types, of which calls in kernels must be


class Late:
    """One of several kernels, of which Python chooses.

    Parameters
    ----------
    place : int
        Of the address in the array.
    result : numba type
    takes : numba types, or names of named tuples that go by reference
    """

    def __init__(self, place, result, *takes):
        self.place, self._result, self._takes = place, result, takes
        self._compiled: dict = {}  # kernel, types of its arguments -> kernel ready to be called, which must be kept
        if interpreted():
            self.call = lambda addresses, *args: _FUNCTIONS[int(addresses[place])](*args)
        else:
            self.call = intrinsic(self._named(self._typed))

    def _named(self, function):
        """A function of as many parameters as the call has, which numba wants."""

        def call(*args):
            return function(*args)

        names = ["context", "addresses", *(f"arg{i}" for i in range(len(self._takes)))]
        call.__signature__ = inspect.Signature([inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in names])
        return call

    def _typed(self, context, addresses, *args):
        """Type of a call in a kernel, and how to make it. Numbers are converted; all else must have the types of the kernels to be called."""
        takes = []
        for kind, arg in zip(self._takes, args, strict=True):
            fits = kind == arg or isinstance(arg, types.Number | types.Boolean)
            if isinstance(kind, str):
                fits = isinstance(arg, Reference) and (not _TUPLES or arg.of in _TUPLES[kind])
            if not fits:
                raise errors.TypingError(f"late call {self.place} takes {kind}, not {arg}")
            takes.append(arg if isinstance(kind, str) else kind)

        def lower(context, builder, signature, values):
            array = context.make_array(signature.args[0])(context, builder, values[0])
            address = builder.load(builder.gep(array.data, [ir.Constant(ir.IntType(64), self.place)]))
            convention = context.call_conv
            kind = convention.get_function_type(signature.return_type, signature.args[1:])
            function = builder.inttoptr(address, kind.as_pointer())
            status, out = convention.call_function(builder, function, signature.return_type, signature.args[1:], values[1:])
            with builder.if_then(status.is_error, likely=False):
                convention.return_status_propagate(builder, status)
            return out

        return self._result(addresses, *takes), lower

    def address(self, kernel, tuples):
        """Address of `kernel`, which is compiled or loaded if need be; `tuples` are the types of the named tuples by name."""
        if interpreted():
            _FUNCTIONS[id(kernel)] = kernel
            return id(kernel)
        takes = tuple(Reference(tuples[kind]) if isinstance(kind, str) else kind for kind in self._takes)
        if (kernel, takes) not in self._compiled:
            ready = Kernel(kernel.py_func, targetoptions=kernel.targetoptions | {"no_cpython_wrapper": True})
            ready.compile(takes)
            result = ready.overloads[takes]
            if result.signature.return_type != self._result:
                raise TypeError(f"late call {self.place}: {kernel.py_func.__name__} gives {result.signature.return_type}")
            self._compiled[kernel, takes] = (ready, result.library.get_pointer_to_function(result.fndesc.llvm_func_name))
        return self._compiled[kernel, takes][1]


def find_addresses(chosen, n_places, tuples):
    """The array of addresses. chosen : dict, `Late` -> kernel; places of no kernel are 0. tuples : see `Late.address`"""
    for name, kind in tuples.items():
        _TUPLES.setdefault(name, set()).add(kind)
    addresses = np.zeros(n_places, dtype=np.int64)
    for late, kernel in chosen.items():
        addresses[late.place] = late.address(kernel, tuples)
    return addresses
