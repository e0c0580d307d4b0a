"""Operations on integers of 64 and 128 bits that numba lacks."""

from numba.core import types
from numba.extending import intrinsic

from .llvm import I64, I128, element, load_at, pack


@intrinsic
def load_u64(typingctx, array, index):
    """The uint64 in the eight bytes at array[index], for any alignment and element type of the array."""
    def codegen(context, builder, sig, args):
        return load_at(builder, element(context, builder, sig.args[0], args[0], args[1], I64), align=1)
    return types.uint64(array, types.int64), codegen


@intrinsic
def store_u64(typingctx, array, index, value):
    """Store a uint64 in the eight bytes at array[index], for any alignment and element type of the array."""
    def codegen(context, builder, sig, args):
        store = builder.store(args[2], element(context, builder, sig.args[0], args[0], args[1], I64))
        store.align = 1
    return types.void(array, types.int64, types.uint64), codegen


def _halves(context, builder, wide):
    high = builder.trunc(builder.lshr(wide, I128(64)), I64)
    return pack(context, builder, types.UniTuple(types.uint64, 2), [high, builder.trunc(wide, I64)])


@intrinsic
def mul_add_128(typingctx, high, low, a, b):
    """(high:low) + a*b modulo 2^128, as (high, low), all uint64."""
    def codegen(context, builder, sig, args):
        high, low, a, b = (builder.zext(x, I128) for x in args)
        total = builder.add(builder.or_(builder.shl(high, I128(64)), low), builder.mul(a, b))
        return _halves(context, builder, total)
    u = types.uint64
    return types.UniTuple(u, 2)(u, u, u, u), codegen


@intrinsic
def mul_hi(typingctx, a, b):
    """High 64 bits of the product of two uint64."""
    def codegen(context, builder, sig, args):
        a, b = (builder.zext(x, I128) for x in args)
        return builder.trunc(builder.lshr(builder.mul(a, b), I128(64)), I64)
    return types.uint64(types.uint64, types.uint64), codegen
