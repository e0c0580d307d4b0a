"""Transposition of 8 x 8 numbers that eight vectors (kernels.vector) hold: rows become lanes.

Three rounds of shuffles: neighbouring rows exchange lanes, then rows two and four apart exchange pairs of lanes.  Where
there is arithmetic to put between the rounds they are written out (`rows`).
"""

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from .llvm import VI, pack
from .vector import F8, I8, Z8, complex_of, parts_of


def _lanes(builder, a, b):
    """Even lanes of both, odd lanes of both."""
    return (builder.shuffle_vector(a, b, ir.Constant(VI, [0, 8, 2, 10, 4, 12, 6, 14])),
            builder.shuffle_vector(a, b, ir.Constant(VI, [1, 9, 3, 11, 5, 13, 7, 15])))


def _pairs(builder, a, b):
    """Even pairs of lanes of both, odd pairs of both."""
    return (builder.shuffle_vector(a, b, ir.Constant(VI, [0, 1, 4, 5, 8, 9, 12, 13])),
            builder.shuffle_vector(a, b, ir.Constant(VI, [2, 3, 6, 7, 10, 11, 14, 15])))


def _transposed(builder, rows):
    """The 8x8 transpose: neighbouring rows in pairs, then 4x4 blocks of two lanes; 24 shuffles."""
    out = [None] * 8
    columns = zip(*(_lanes(builder, rows[i], rows[i + 1]) for i in range(0, 8, 2)), strict=True)
    for parity, (r0, r2, r4, r6) in enumerate(columns):
        for i, t in zip((0, 2), zip(_pairs(builder, r0, r2), _pairs(builder, r4, r6), strict=True), strict=True):
            out[i + parity], out[i + 4 + parity] = _pairs(builder, *t)
    return out


def _mix(mix):
    def both(typingctx, a, b):
        def codegen(context, builder, sig, args):
            parts = [mix(builder, *p) for p in zip(*(parts_of(builder, z) for z in args), strict=True)]
            return pack(context, builder, sig.return_type, [complex_of(builder, *p) for p in zip(*parts, strict=True)])
        return types.UniTuple(Z8, 2)(Z8, Z8), codegen
    return both


mix_lanes = intrinsic(_mix(_lanes))
mix_pairs = intrinsic(_mix(_pairs))


def _transpose(kind):
    def transpose(typingctx, a, b, c, d, e, f, g, h):
        result = types.UniTuple(kind, 8)
        return result(*[kind] * 8), lambda context, builder, sig, args: pack(context, builder, result,
                                                                              _transposed(builder, args))
    return transpose


transpose_f = intrinsic(_transpose(F8))
transpose_i = intrinsic(_transpose(I8))
