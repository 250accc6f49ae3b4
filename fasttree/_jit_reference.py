"""Handing a kernel's arrays on by reference.

A named tuple of arrays is handed to a compiled function field by field, seven numbers for each array: a kernel with five such tuples
has hundreds of arguments, which are stored at each call and make the compiler slow. `refer` puts the tuple into the caller's memory and
hands on its address; ``reference.field`` then reads what is asked for, as ``tuple.field`` does. The kernels that grow trees had to be
inlined into one before; they now compile in half the time (28 s against 50; ``python -m benchmarks.cold_start --kernels forest``).
"""

import numba
from numba.core import cgutils, errors, types
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, intrinsic, lower_getattr_generic, models, register_model


def interpreted():
    """Whether kernels run as plain Python, for coverage and debugging: then on one thread."""
    return bool(numba.config.DISABLE_JIT)


def refer(fields):
    """A reference to a named tuple, to be used by the function that calls this and by those that it calls, and not after it returned.

    References count nothing: kernels that use them are compiled with ``_nrt=False``, or not at all.
    What is read through it is read anew each time: loops want their arrays in variables.
    """
    return fields


if not interpreted():  # plain Python hands on everything by reference

    class Reference(types.Type):
        """Address of a named tuple of type `of`."""

        def __init__(self, of):
            self.of = of
            super().__init__(name=f"Reference({of})")

    @register_model(Reference)
    class _Model(models.PrimitiveModel):
        def __init__(self, manager, reference):
            super().__init__(manager, reference, manager.lookup(reference.of).get_value_type().as_pointer())

    @infer_getattr
    class _Attributes(AttributeTemplate):
        key = Reference

        def generic_resolve(self, reference, name):
            if name not in reference.of.fields:
                return None
            found = reference.of.types[reference.of.fields.index(name)]
            return Reference(found) if isinstance(found, types.BaseNamedTuple) else found

    def _check_uncounted(context):
        if context.enable_nrt:
            raise errors.UnsupportedError("references are for kernels that count no references: use @njit(_nrt=False)")

    @lower_getattr_generic(Reference)
    def _read(context, builder, reference, address, name):
        _check_uncounted(context)
        place = cgutils.gep_inbounds(builder, address, 0, reference.of.fields.index(name))
        nested = isinstance(reference.of.types[reference.of.fields.index(name)], types.BaseNamedTuple)
        return place if nested else builder.load(place)

    @intrinsic
    def refer(typing_context, fields):
        """See above."""

        def store(context, builder, signature, args):
            _check_uncounted(context)
            return cgutils.alloca_once_value(builder, args[0])

        return Reference(fields)(fields), store
