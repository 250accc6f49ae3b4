"""Vectors: as many numbers side by side, one per lane, as one instruction works on.

The compiler finds them by itself in simple loops, not in those that gather from many places. A `Vector` has the operators of numbers,
lane by lane; comparisons give vectors of truths for `where`. In plain Python vectors are arrays.
"""

import operator

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

from fasttree._jit_reference import interpreted

LANES = 4


def pack(a, b, c, d):
    """The vector of four numbers of one type."""
    return np.array([a, b, c, d])


def splat(like, value):
    """A vector of one number, of the type of the array `like`."""
    return np.full(LANES, value, like.dtype)


def load(array, place):
    """The vector of ``array[place : place + LANES]``; no place is checked."""
    return array[place : place + LANES].copy()


def store(array, place, vector):
    """Put a vector into ``array[place : place + LANES]``; no place is checked."""
    array[place : place + LANES] = vector


def cast(like, vector):
    """A vector of floats as floats of the type of the array `like`."""
    return vector.astype(like.dtype)


def where(truths, first, second):
    """`first` in the lanes where it is true, else `second`."""
    return np.where(truths, first, second)


def greatest(vector):
    """The greatest of a vector's numbers."""
    return vector.max()


if not interpreted():

    class Vector(types.Type):
        """LANES numbers of one type."""

        def __init__(self, dtype):
            self.dtype = dtype
            super().__init__(name=f"Vector({dtype})")

    @register_model(Vector)
    class _Model(models.PrimitiveModel):
        def __init__(self, manager, vector):
            of = ir.IntType(1) if vector.dtype == types.boolean else manager.lookup(vector.dtype).get_value_type()
            super().__init__(manager, vector, ir.VectorType(of, LANES))

    def _spread(builder, values):
        vector = ir.Constant(ir.VectorType(values[0].type, LANES), ir.Undefined)
        for lane, value in enumerate(values):
            vector = builder.insert_element(vector, value, ir.Constant(ir.IntType(32), lane))
        return vector

    def _place(context, builder, array_type, array, place, vector):
        """Address of a vector in an array."""
        data = context.make_array(array_type)(context, builder, array).data
        return builder.bitcast(builder.gep(data, [place]), context.get_value_type(vector).as_pointer())

    @intrinsic
    def pack(typing_context, a, b, c, d):
        """See above."""
        return Vector(a)(a, a, a, a), lambda context, builder, signature, args: _spread(builder, args)

    @intrinsic
    def splat(typing_context, like, value):
        """See above."""

        def make(context, builder, signature, args):
            return _spread(builder, [context.cast(builder, args[1], value, like.dtype)] * LANES)

        return Vector(like.dtype)(like, value), make

    @intrinsic
    def load(typing_context, array, place):
        """See above."""

        def make(context, builder, signature, args):
            address = _place(context, builder, array, *args, signature.return_type)
            return builder.load(address, align=array.dtype.bitwidth // 8)

        return Vector(array.dtype)(array, place), make

    @intrinsic
    def store(typing_context, array, place, vector):
        """See above."""

        def make(context, builder, signature, args):
            builder.store(args[2], _place(context, builder, array, *args[:2], vector), align=array.dtype.bitwidth // 8)
            return context.get_dummy_value()

        return types.void(array, place, vector), make

    @intrinsic
    def cast(typing_context, like, vector):
        """See above."""

        def make(context, builder, signature, args):
            to, before, after = context.get_value_type(signature.return_type), vector.dtype.bitwidth, like.dtype.bitwidth
            return builder.fpext(args[1], to) if after > before else builder.fptrunc(args[1], to) if after < before else args[1]

        return Vector(like.dtype)(like, vector), make

    @intrinsic
    def where(typing_context, truths, first, second):
        """See above."""
        return first(truths, first, second), lambda context, builder, signature, args: builder.select(*args)

    @intrinsic
    def greatest(typing_context, vector):
        """See above."""

        def make(context, builder, signature, args):
            numbers = [builder.extract_element(args[0], ir.Constant(ir.IntType(32), lane)) for lane in range(LANES)]
            while len(numbers) > 1:
                a, b = numbers.pop(0), numbers.pop(0)
                numbers.append(builder.select(builder.fcmp_ordered("<", a, b), b, a))
            return numbers[0]

        return vector.dtype(vector), make

    def _define(operation, result, make):
        """Give vectors an operator."""

        @infer_global(operation)
        class _Template(AbstractTemplate):
            def generic(self, args, kws):
                if len(args) == 2 and isinstance(args[0], Vector) and args[0] == args[1]:
                    return signature(result or args[0], *args)
                return None

        @lower_builtin(operation, Vector, Vector)
        def _lower(context, builder, signature, args):
            return make(builder, *args)

    _TRUTHS = Vector(types.boolean)
    _define(operator.add, None, lambda builder, a, b: builder.fadd(a, b))
    _define(operator.sub, None, lambda builder, a, b: builder.fsub(a, b))
    _define(operator.mul, None, lambda builder, a, b: builder.fmul(a, b))
    _define(operator.truediv, None, lambda builder, a, b: builder.fdiv(a, b))
    _define(operator.lt, _TRUTHS, lambda builder, a, b: builder.fcmp_ordered("<", a, b))
    _define(operator.le, _TRUTHS, lambda builder, a, b: builder.fcmp_ordered("<=", a, b))
    _define(operator.and_, _TRUTHS, lambda builder, a, b: builder.and_(a, b))
