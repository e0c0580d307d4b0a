"""Building blocks of the operations that kernels add to numba: LLVM types, calls, elements of arrays.

The functions emit instructions with llvmlite's `builder`, whose values they take and return; no kernel calls them.
"""

from llvmlite import ir
from numba.core import cgutils

LANES = 8
DOUBLE = ir.DoubleType()
I32, I64, I128 = ir.IntType(32), ir.IntType(64), ir.IntType(128)
VF, VI, VL = ir.VectorType(DOUBLE, LANES), ir.VectorType(I32, LANES), ir.VectorType(I64, LANES)


def call(builder, name: str, args, result=None):
    """Call a function of LLVM or of the C library; its result has the type of the first argument unless one is named.
    """
    result = result or args[0].type
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(result, [a.type for a in args]), name)
    return builder.call(function, args)


def element(context, builder, array_type, array, index, to):
    """A pointer to array[index], cast to point to values of type `to`."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), ir.PointerType(to))


def load_at(builder, pointer, align: int = 8):
    """The value at a pointer that is aligned to `align` bytes."""
    load = builder.load(pointer)
    load.align = align
    return load


def store_at(builder, value, pointer, align: int = 8, temporal: bool = True):
    """Store a value at a pointer that is aligned to `align` bytes; past the caches if `temporal` is False."""
    store = builder.store(value, pointer)
    store.align = align
    if not temporal:
        store.set_metadata("nontemporal", builder.module.add_metadata([I32(1)]))


def pack(context, builder, tuple_type, values):
    """A numba tuple of type `tuple_type` with these values."""
    return context.make_tuple(builder, tuple_type, values)
