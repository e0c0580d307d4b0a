"""Vectors (kernels.vector) in memory: loads, stores and prefetches.

All take an array and an index in elements, and check nothing.  Those on doubles
assume 8-byte alignment, those on int32 4-byte alignment.  Complex numbers are those of
16 doubles, 8 real then 8 imaginary: `load_z` a Z8, `load_p` a PART, which may be
half of them; `store_z` stores either.  Of the `_nt`
(non-temporal) stores, which go past the caches, `store_z_nt` needs 64-byte and
`store_i_nt` 32-byte alignment.
"""

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from .jit import helper
from .llvm import DOUBLE, I32, LANES, VF, VI, VL, call, element, load_at, store_at
from .vector import F8, I8, PART, Z8, complex_of, lane, parts_of, splat_of


@intrinsic
def load_f(typingctx, array, index):
    """An F8 from eight doubles, from `index` on."""
    def codegen(context, builder, sig, args):
        return load_at(builder, element(context, builder, sig.args[0], args[0], args[1], VF))
    return F8(array, types.int64), codegen


@intrinsic
def store_f(typingctx, array, index, value):
    """Store an F8 as eight doubles, from `index` on."""
    def codegen(context, builder, sig, args):
        store_at(builder, args[2], element(context, builder, sig.args[0], args[0], args[1], VF))
    return types.void(array, types.int64, F8), codegen


@intrinsic
def splat_at(typingctx, array, index):
    """Eight copies of array[index], which is not negative: numba's own indices are looked at for that."""
    def codegen(context, builder, sig, args):
        return splat_of(builder, load_at(builder, element(context, builder, sig.args[0], *args, DOUBLE)), VF)
    return F8(array, types.int64), codegen


def _two(builder, pointer):
    """Pointers to the real parts at `pointer` and to the imaginary parts, eight doubles after them."""
    return pointer, builder.gep(pointer, [I32(LANES // pointer.type.pointee.count)])


def load_of(kind):
    """The operation that loads a Z4 or Z8, as `intrinsic` takes it."""
    def load(typingctx, array, index):
        def codegen(context, builder, sig, args):
            pointer = element(context, builder, sig.args[0], args[0], args[1], kind.llvm.elements[0])
            return complex_of(builder, *(load_at(builder, at) for at in _two(builder, pointer)))
        return kind(array, types.int64), codegen
    return load


load_z = intrinsic(load_of(Z8))
load_p = intrinsic(load_of(PART))


def _store_z(temporal: bool):
    def store(typingctx, array, index, value):
        def codegen(context, builder, sig, args):
            parts = parts_of(builder, args[2])
            pointer = element(context, builder, sig.args[0], args[0], args[1], parts[0].type)
            for part, at in zip(parts, _two(builder, pointer), strict=True):
                store_at(builder, part, at, 8 if temporal else 64, temporal)
        return types.void(array, types.int64, value), codegen
    return store


store_z = intrinsic(_store_z(True))
store_z_nt = intrinsic(_store_z(False))


@intrinsic
def load_i(typingctx, array, index):
    """An I8 from eight int32, from `index` on."""
    def codegen(context, builder, sig, args):
        return load_at(builder, element(context, builder, sig.args[0], args[0], args[1], VI), align=4)
    return I8(array, types.int64), codegen


@intrinsic
def load_i_of(typingctx, array, index, count):
    """An I8 from eight int32, from `index` on; zeros for elements outside 0 .. count-1, which are not touched."""
    def codegen(context, builder, sig, args):
        array, index, count = args
        numbers = builder.add(splat_of(builder, index, VL), ir.Constant(VL, list(range(LANES))))
        inside = builder.icmp_unsigned("<", numbers, splat_of(builder, count, VL))
        pointer = element(context, builder, sig.args[0], array, index, VI)
        zeros = ir.Constant(VI, [0] * LANES)
        return call(builder, "llvm.masked.load.v8i32.p0", [pointer, I32(4), inside, zeros], VI)
    return I8(array, types.int64, types.int64), codegen


def _store_i(temporal: bool):
    def store(typingctx, array, index, value):
        def codegen(context, builder, sig, args):
            pointer = element(context, builder, sig.args[0], args[0], args[1], VI)
            store_at(builder, args[2], pointer, 4 if temporal else 32, temporal)
        return types.void(array, types.int64, I8), codegen
    return store


store_i = intrinsic(_store_i(True))
store_i_nt = intrinsic(_store_i(False))


@intrinsic
def prefetch(typingctx, array, index):
    """Prefetch the cache line of array[index] into the second-level cache; any index is harmless."""
    def codegen(context, builder, sig, args):
        pointer = element(context, builder, sig.args[0], args[0], args[1], ir.IntType(8))
        call(builder, "llvm.prefetch.p0", [pointer, I32(0), I32(1), I32(1)], ir.VoidType())
    return types.void(array, types.int64), codegen


@intrinsic
def load_zz(typingctx, re, im, index):
    """A PART from doubles of `re` and of `im`, from `index` on."""
    def codegen(context, builder, sig, args):
        parts = [load_at(builder, element(context, builder, t, a, args[2], PART.llvm.elements[0]))
                 for t, a in zip(sig.args[:2], args[:2], strict=True)]
        return complex_of(builder, *parts)
    return PART(re, im, types.int64), codegen


@helper
def keep_largest(stats, k, largest):
    """Update stats[k] to the largest lane of an F8; it is NaN, and stays so, once a lane is."""
    for i in range(LANES):
        if stats[k] == stats[k] and not lane(largest, i) <= stats[k]:
            stats[k] = lane(largest, i)
